"""Write an MP4 file frame by frame: H.264 pictures with their own times, and AAC sound."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from clip_core.errors import ClipVideoError
from clip_core.files import PartFile, part_of
from clip_core.media.sound import RATE
from clip_core.types import Frame, Image
from clip_core.video.decode_ahead import DecodeAhead, room_for

KEYFRAME_EVERY = 30

_FEWEST_TICKS, _MOST_TICKS = 10_000, 1_000_000
_LONGEST_STEP = 2**31 - 1  # the longest time between frames that MP4 can hold, in ticks
_BT709 = 1
_FRAMES_AHEAD = 4
_WAIT_S = 0.25  # so that a caller can cancel while a frame takes long


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is encoded.

    Attributes:
        crf: x264's quality; lower is better, 18 looks like the original.
        sound_bits: Bits of sound per second.
        size: Maps width and height of the video to those of the file, both even.
        error: Returns what to raise for a write error of FFmpeg or the operating system.
    """

    crf: int
    sound_bits: int
    size: Callable[[int, int], tuple[int, int]]
    error: Callable[[Exception], ClipVideoError]


class SoundSource(Protocol):
    """Sound from a file's first frame on, asked for bit by bit."""

    @property
    def layout(self) -> str:
        """FFmpeg's name for the channel layout."""
        ...

    def until(self, time_s: float) -> Iterator[AudioFrame]:
        """Yield the next samples, up to ``time_s`` seconds from the first frame."""
        ...


class Mp4File:
    """An MP4 file that is being written; a context manager that deletes it unless ``keep`` was called.

    Args:
        target: Path of the file. Until ``keep`` it is at ``temporary``, beside it, with ``.part`` at the end.
        encoding: How it is encoded.
        video_size: Width and height of the video.
        time_base: Time base of the frames to add.
        longest_step_s: The longest time from one frame to the next, as far as known.
        sound: The sound, if any; its time zero is the first frame.

    Attributes:
        temporary: Where the file is until it is kept.
        frames: How many frames were added.
        time_s: When the last of them is shown, in seconds from the first.

    Raises:
        ClipVideoError: From ``encoding.error``, if the file cannot be written. All methods raise it too.
    """

    def __init__(
        self,
        target: Path,
        encoding: Encoding,
        video_size: tuple[int, int],
        time_base: Fraction,
        *,
        longest_step_s: float = 1.0,
        sound: SoundSource | None = None,
    ) -> None:
        self.frames, self.time_s = 0, 0.0
        self._target, self._encoding, self._video_size, self._sound = target, encoding, video_size, sound
        self._time_base, self._ticks = time_base, ticks_per_second(time_base, longest_step_s)
        self._start_pts, self._last_tick = 0, -1
        self._converter = _PictureConverter(video_size, encoding.size(*video_size))
        self._waiting: Packet[VideoStream] | None = None
        av.logging.set_level(None)
        options = {"movflags": "+faststart", "video_track_timescale": str(self._ticks)}
        with self._guarded(), ExitStack() as stack:
            self._part = stack.enter_context(PartFile(part_of(target)))
            self.temporary = self._part.path
            self._container = av.open(str(self.temporary.absolute()), "w", format="mp4", container_options=options)
            stack.pop_all()
        try:
            with self._guarded():
                self._pictures = self._add_pictures()
                if sound is not None:
                    self._sounds = self._container.add_stream(
                        "aac", rate=RATE, layout=sound.layout, bit_rate=encoding.sound_bits
                    )
                self._container.start_encoding()
        except BaseException:
            self.close()
            raise

    def write(self, frames: Iterator[Frame]) -> Generator[float, None, None]:
        """Add frames while a thread decodes the next ones; nobody else may use their video meanwhile.

        Yields:
            ``time_s``, at least four times a second.
        """
        with DecodeAhead(frames, min(_FRAMES_AHEAD, room_for(*self._video_size))) as ahead:
            while not ahead.finished:
                for frame in ahead.take(1, _WAIT_S):
                    self.add(frame)
                yield self.time_s

    def add(self, frame: Frame) -> None:
        """Write one more frame, and the sound up to it. The first frame's pts is the file's time zero."""
        if self.frames == 0:
            self._start_pts = frame.pts
        time_s = (frame.pts - self._start_pts) * self._time_base
        with self._guarded():
            self._write_sound(float(time_s))
            picture = self._converter.frame(frame.rgb)
            # Later than the frame before, even if both fall on one tick.
            self._last_tick = max(self._last_tick + 1, round(time_s * self._ticks))
            picture.pts, picture.time_base = self._last_tick, Fraction(1, self._ticks)
            self._write_pictures(self._pictures.encode(picture))
        self.frames, self.time_s = self.frames + 1, float(time_s)

    def add_sound(self, until_s: float) -> None:
        """Write the sound up to a time, before a source of it is closed; pictures up to there may follow later."""
        with self._guarded():
            self._write_sound(until_s)

    def finish(self, end_s: float) -> None:
        """Flush the encoders and finish the file; the last frame ends ``end_s`` seconds after the first one's start."""
        with self._guarded():
            self._write_pictures(self._pictures.encode(None))
            if self._waiting is not None and self._waiting.pts is not None:
                self._waiting.duration = max(1, round(end_s * self._ticks) - self._waiting.pts)
                self._container.mux(self._waiting)
                self._waiting = None
            if self._sound is not None:
                self._write_sound(end_s)
                self._container.mux(self._sounds.encode(None))
            self._container.close()

    def keep(self) -> None:
        """Move the finished file to its target path."""
        with self._guarded():
            self._part.keep(self._target)

    def close(self) -> None:
        """Delete the file unless it was kept; may be called twice."""
        with suppress(OSError):  # before closing, which would move the index to the front of a file that is not kept
            self._part.delete()
        with suppress(OSError, av.error.FFmpegError):
            self._container.close()
        self._part.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _add_pictures(self) -> VideoStream:
        # B-frames would need an edit list, which browsers read differently; scene detection would move keyframes.
        options = {"preset": "veryfast", "crf": str(self._encoding.crf), "bf": "0", "sc_threshold": "0"}
        options |= {"g": str(KEYFRAME_EVERY), "keyint_min": str(KEYFRAME_EVERY)}
        options["threads"] = str(max(1, (os.cpu_count() or 2) // 2))  # leave the rest to the page
        stream = self._container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height = self._encoding.size(*self._video_size)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, self._ticks)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = ColorRange.MPEG
        return stream

    def _write_pictures(self, packets: list[Packet[VideoStream]]) -> None:
        """Write packets one late, because the duration of a frame is known only when the next one arrives."""
        for packet in packets:
            if self._waiting is not None and self._waiting.pts is not None and packet.pts is not None:
                self._waiting.duration = packet.pts - self._waiting.pts
                self._container.mux(self._waiting)
            self._waiting = packet

    def _write_sound(self, time_s: float) -> None:
        if self._sound is not None:
            for frame in self._sound.until(time_s):
                self._container.mux(self._sounds.encode(frame))

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Translate write errors of FFmpeg and the operating system."""
        try:
            yield
        except (OSError, av.error.FFmpegError) as error:
            raise self._encoding.error(error) from error


def ticks_per_second(time_base: Fraction, longest_step_s: float) -> int:
    """Return the clock rate of a file: a multiple of the video's own if MP4 can hold it, else within 0.05 ms.

    Args:
        time_base: Time base of the video.
        longest_step_s: The longest time from one frame to the next.
    """
    most = min(_MOST_TICKS, int(_LONGEST_STEP / max(longest_step_s, 1.0)))
    ticks = min(time_base.denominator, most)
    return ticks * max(1, _FEWEST_TICKS // ticks)


class _PictureConverter:
    """Turns pictures into FFmpeg's frames of the file's size: 4:2:0, BT.709, limited range."""

    def __init__(self, video_size: tuple[int, int], file_size: tuple[int, int]) -> None:
        self._video_size, self._file_size = video_size, file_size
        self._reformatter = VideoReformatter()

    def frame(self, rgb: Image) -> VideoFrame:
        """Return a frame without a time of a picture, uint8 (h, w, 3), RGB."""
        return self._reformatter.reformat(
            VideoFrame.from_ndarray(self._shrunk(self._fitted(rgb)), format="rgb24"),
            *self._file_size,
            "yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BILINEAR,
        )

    def _fitted(self, rgb: Image) -> Image:
        """Fit a picture of another size, which a sequence of images may contain, between black bars."""
        (width, height), (tall, wide) = self._video_size, rgb.shape[:2]
        if (wide, tall) == self._video_size:
            return rgb
        scale = min(width / wide, height / tall)
        new = max(1, int(wide * scale)), max(1, int(tall * scale))
        small = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(*new).to_ndarray()
        whole = np.zeros((height, width, 3), np.uint8)
        top, left = (height - new[1]) // 2, (width - new[0]) // 2
        whole[top : top + new[1], left : left + new[0]] = small
        return whole

    def _shrunk(self, rgb: Image) -> Image:
        """Shrink with OpenCV, at a fifth of the cost, by the largest whole factor that keeps the file's size."""
        (width, height), (tall, wide) = self._file_size, rgb.shape[:2]
        factor = min(tall // height, wide // width)
        while factor > 1 and (tall % factor or wide % factor):
            factor -= 1
        if factor < 2:
            return rgb
        import cv2

        return np.asarray(cv2.resize(rgb, (wide // factor, tall // factor), interpolation=cv2.INTER_AREA), np.uint8)
