"""Opening a video: anything that is not a video, or must not be opened, is refused here."""

from __future__ import annotations

import re
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.errors import VideoDecodeError, VideoError, VideoNotFoundError, shown_name
from clip_core.types import Frame, TimeTable
from clip_core.video.base import MAX_DURATION_S, Video, VideoInfo, check_limits
from clip_core.video.container_bytes import gif_pictures, is_webp
from clip_core.video.sequence import parse_sequence

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
}
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.,-]*:")


def open_video(path: str | Path, *, video_id: str | None = None, table: TimeTable | None = None) -> Video:
    """Open a video and decode its first frame.

    PyAV reads containers, OpenCV sequences of images, and Pillow WebP. ``info.decoder`` says which it is.

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
    size_bytes = _check_file(path, file)
    if _begins_as_webp(file):
        from clip_core.video.animation import open_animation

        return open_animation(file, table)
    return _open_with_pyav(file, size_bytes, table)


class SharedVideo:
    """Opens a video when the first frame is asked for, and lets one thread at a time decode.

    Args:
        path: The file.
        video_id: Its id, so that it need not be hashed.
        table: Its confirmed table of times, so that its packets need not be scanned.
    """

    def __init__(self, path: str | Path, video_id: str, table: TimeTable | None = None) -> None:
        self._path = Path(path)
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
            if self._video is None:
                self._video = open_video(self._path, video_id=self._video_id, table=self._table)
            return self._video.frame_at(time_s=time_s)

    def close(self) -> None:
        """Release the file; the next frame opens it again."""
        with self._lock:
            if self._video is not None:
                self._video.close()
                self._video = None


def upload_extension(video: Video) -> str:
    """Return the extension, without a dot, that fits what an open file really is, such as "mp4"."""
    return _EXTENSIONS[video.info.container]


def _open_with_pyav(file: Path, size_bytes: int, table: TimeTable | None) -> Video:
    try:
        from clip_core.video.decoding import Decoder, PictureMaker
        from clip_core.video.pyav import PyAVVideo
    except ImportError as error:
        raise VideoError(
            f"{shown_name(file)} cannot be read: PyAV is not installed, or cannot be loaded.",
            "Install it: python -m pip install av",
        ) from error

    name = shown_name(file)
    decoder = Decoder(file)
    try:
        stream, context, duration_s = decoder.stream, decoder.stream.codec_context, _promised_s(decoder)
        pictures = gif_pictures(file) if decoder.container_name == "gif" else 1
        check_limits(name, context.width, context.height, duration_s, pictures)
        first = _first_frame(decoder, name)
        maker = PictureMaker(stream.sample_aspect_ratio)
        width, height = maker.size(first)
        info = VideoInfo(
            path=file,
            name=name,
            size_bytes=size_bytes,
            container=decoder.container_name,
            codec=context.name,
            width=width,
            height=height,
            header_fps=float(stream.average_rate) if stream.average_rate else None,
            header_frame_count=stream.frames or None,
            header_duration_s=duration_s,
            reading=_reading(decoder, maker.reading(first)),
        )
        return PyAVVideo(info, decoder, first, table)
    except BaseException:
        decoder.close()
        raise


def _promised_s(decoder: Decoder) -> float | None:
    """Return the header's duration; None where FFmpeg guesses over a day, as it does if the clock starts again."""
    from clip_core.video.continued_clock import OFTEN_JOINED

    duration_s = decoder.header_duration_s
    is_guess = decoder.container_name in OFTEN_JOINED and (duration_s or 0) > MAX_DURATION_S
    return None if is_guess else duration_s


def _begins_as_webp(file: Path) -> bool:
    try:
        return is_webp(file)
    except OSError as error:
        raise VideoError(f"{shown_name(file)} may not be read.", "Change its permissions.") from error


def _check_file(given: str | Path, file: Path) -> int:
    """Return the length of an existing regular file."""
    name = shown_name(given)
    try:
        status = file.stat()
    except (OSError, ValueError) as error:
        if _ADDRESS.match(str(given)):
            raise VideoNotFoundError(
                f"{name} is an address, not a file.", "Download the video and give the path of the file."
            ) from error
        raise VideoNotFoundError(f"There is no file {name}.", "Check the path.") from error
    if stat.S_ISDIR(status.st_mode):
        raise VideoNotFoundError(f"{name} is a folder.", "Choose a video file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise VideoNotFoundError(f"{name} is a special file (a pipe or a device).", "Choose a regular file.")
    if status.st_size == 0:
        raise VideoError(f"{name} is empty (0 bytes).", "Copy or download it again.")
    return status.st_size


def _first_frame(decoder: Decoder, name: str) -> Decoded:
    """Return the first frame that really decodes: time zero."""
    first = next(decoder.frames(), None)
    if first is not None:
        return first
    if decoder.packets_read == 0:
        raise VideoError(f"{name} has a video stream without a single frame.", "Record or export it again.")
    raise VideoDecodeError(f"Not one frame of {name} can be decoded.", "Copy it again, or convert it to H.264.")


def _reading(decoder: Decoder, of_pictures: str) -> str:
    """Return what is done to pictures, and which stream they come from if it is not the first."""
    streams = decoder.video_streams
    place = streams.index(decoder.stream.index)
    stream = f"video stream {place + 1} of {len(streams)}" if place else ""
    return ", ".join(filter(None, (stream, of_pictures)))
