"""Opening a video: anything that is not a video, or must not be opened, is refused here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.errors import VideoChangedError, VideoDecodeError, VideoError, shown_name
from clip_core.types import Frame, TimeTable
from clip_core.video.apng import is_apng
from clip_core.video.base import Video, VideoInfo, check_limits
from clip_core.video.container_bytes import gif_pictures, gif_size, is_webp
from clip_core.video.identity import readable
from clip_core.video.pictures import Orientation, frame_orientation, has_alpha_layer
from clip_core.video.sequence import parse_sequence
from clip_core.video.watched import WatchedFile

if TYPE_CHECKING:
    from clip_core.video.decoding import Decoded, Decoder

_EXTENSIONS = {
    "mov": "mp4",
    "matroska": "mkv",
    "webm": "webm",
    "avi": "avi",
    "mpegts": "ts",
    "mpeg": "mpg",
    "flv": "flv",
    "ogg": "ogv",
    "asf": "wmv",
    "gif": "gif",
    "webp": "webp",
    "apng": "apng",
}
_TURNING = ("mov", "matroska", "webm")
"""Containers that can ask for pictures to be turned."""


def open_video(path: str | Path, *, video_id: str | None = None, table: TimeTable | None = None) -> Video:
    """Open a video and decode its first frame.

    PyAV reads containers, OpenCV sequences of images, and Pillow WebP and animated PNG. ``info.decoder`` says which.

    Args:
        path: An existing regular file, or a pattern for numbered images such as ``frame_%05d.png@24``;
            addresses, play lists, folders and pipes are refused.
        video_id: The SHA-256 of its bytes, 64 hex digits, if known: then the file is not hashed.
        table: When each of its frames is presented, if a pass over this very file confirmed it: then
            its packets are not scanned. A table in other units, or that begins elsewhere, is ignored.

    Raises:
        VideoNotFoundError: No such regular file.
        VideoError: It is not a video, or one beyond 64 megapixels a frame or 24 hours; or PyAV cannot be loaded.
        VideoDecodeError: It is a video of which not one frame can be decoded.
    """
    video = _open(path, table)
    if video_id is not None:
        vars(video.info)["video_id"] = video_id
    return video


def _open(path: str | Path, table: TimeTable | None) -> Video:
    sequence = parse_sequence(path)
    if sequence is not None:
        from clip_core.video.images import open_sequence

        return open_sequence(sequence, table)
    file = Path(path)
    watched = WatchedFile(file)
    with watched.opening():
        with readable(file):
            is_animation = is_webp(file) or is_apng(file)
        if is_animation:
            from clip_core.video.animation import open_animation

            return open_animation(file, watched, table)
        return _open_with_pyav(file, watched, table)


class SharedVideo:
    """Opens a video when the first frame is asked for, and lets one thread at a time decode.

    Args:
        path: The file.
        video_id: Its id, so that it need not be hashed.
        table: Its confirmed table of times, so that its packets need not be scanned.
        stamp: Its ``file_stamp`` when it was identified; a file with another stamp is refused.
    """

    def __init__(
        self,
        path: str | Path,
        video_id: str,
        table: TimeTable | None = None,
        stamp: tuple[int, int] | None = None,
    ) -> None:
        self._path, self._stamp = Path(path), stamp
        self._video_id = video_id
        self._table = table
        self._video: Video | None = None
        self._lock = threading.Lock()

    def frame_at(self, time_s: float) -> Frame:
        """Return the frame on the screen at ``time_s``.

        Raises:
            VideoError: The file is gone, is no longer this video, or the frame cannot be decoded.
        """
        with self._lock:
            if self._video is not None and self._stamp is not None:
                with suppress(VideoChangedError):  # it may have come back, or have got other permissions only
                    return self._frame_at(time_s)
            return self._frame_at(time_s)

    def _frame_at(self, time_s: float) -> Frame:
        video = self._video = self._video or self._open()
        try:
            with video.watched.telling():
                frame = video.frame_at(time_s=time_s)
                video.watched.check_frames()
        except VideoChangedError:
            self._close()
            raise
        return frame

    def _open(self) -> Video:
        video = open_video(self._path, video_id=self._video_id, table=self._table)
        if self._stamp not in (None, video.watched.stamp):
            video.close()
            raise VideoChangedError(f"{video.info.name} was changed since it was indexed.", "Open it again.")
        return video

    def close(self) -> None:
        """Release the file; the next frame opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._video is not None:
            self._video.close()
            self._video = None


def upload_extension(video: Video) -> str:
    """Return the extension, without a dot, that fits what an open file really is, such as "mp4"."""
    return _EXTENSIONS[video.info.container]


def _open_with_pyav(file: Path, watched: WatchedFile, table: TimeTable | None) -> Video:
    try:
        from clip_core.video.decoding import Decoder, PictureMaker
        from clip_core.video.pyav import PyAVVideo
        from clip_core.video.recorded import recorded_s
    except ImportError as error:
        raise VideoError(
            f"{shown_name(file)} cannot be read: PyAV is not installed, or cannot be loaded.",
            "Install it: python -m pip install av",
        ) from error

    name = shown_name(file)
    with ExitStack() as on_error:
        decoder = Decoder(file, watched)
        on_error.callback(decoder.close)
        stream, context, duration_s = decoder.stream, decoder.stream.codec_context, decoder.header_duration_s
        is_gif = decoder.container_name == "gif"
        size, pictures = (gif_size(file), gif_pictures(file)) if is_gif else ((context.width, context.height), 1)
        check_limits(name, *size, duration_s, pictures)
        frames = decoder.frames()
        first = _first_frame(frames, decoder, name)
        maker = PictureMaker(stream.sample_aspect_ratio, _orientation(decoder, first, frames, file))
        width, height = maker.size(first)
        info = VideoInfo(
            path=file,
            name=name,
            size_bytes=watched.stamp[0],
            container=decoder.container_name,
            codec=context.name,
            width=width,
            height=height,
            header_fps=float(stream.average_rate) if stream.average_rate else None,
            header_frame_count=decoder.header_frame_count,
            header_duration_s=duration_s,
            recorded_s=recorded_s(decoder.tags),
            reading=_reading(decoder, maker.reading(first)),
        )
        video = PyAVVideo(info, decoder, first, maker, table)
        on_error.pop_all()
        return video


def _first_frame(frames: Iterator[Decoded], decoder: Decoder, name: str) -> Decoded:
    """Return the first frame that really decodes: time zero."""
    first = next(frames, None)
    if first is not None:
        return first
    if decoder.packets_read == 0:
        raise VideoError(f"{name} has a video stream without a single frame.", "Record or export it again.")
    raise VideoDecodeError(f"Not one frame of {name} can be decoded.", "Copy it again, or convert it to H.264.")


def _orientation(decoder: Decoder, first: Decoded, later: Iterator[Decoded], file: Path) -> Orientation:
    """Return how the pictures of a video are turned to stand upright.

    The container asks for all frames at once. H.264 and HEVC may ask beside single frames, too, which holds on; but
    players do not follow it where the container could ask.
    """
    from clip_core.video.containers import open_container, video_stream

    asked, may_ask = frame_orientation(first.raw), decoder.container_name in _TURNING
    if may_ask and has_alpha_layer(decoder.stream):  # its decoder knows nothing of the container
        with open_container(file) as container:
            return frame_orientation(next(container.decode(video_stream(container, file)), first.raw))
    if may_ask and asked != Orientation() and decoder.stream.codec_context.name in ("h264", "hevc"):
        second = next(later, first)
        return frame_orientation(second.raw)
    return asked


def _reading(decoder: Decoder, of_pictures: str) -> str:
    """Return what is done to pictures, and which stream they come from if it is not the first."""
    streams = decoder.video_streams
    place = streams.index(decoder.stream.index)
    stream = f"video stream {place + 1} of {len(streams)}" if place else ""
    return ", ".join(filter(None, (stream, of_pictures)))
