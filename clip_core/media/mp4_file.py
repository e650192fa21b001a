"""Write the MP4 files of proxies and clips, frame by frame."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from clip_core.errors import ClipVideoError, ExportError
from clip_core.files import is_full, part_of, reason_of, whole_file
from clip_core.media.sound import RATE, Sound
from clip_core.types import Frame, Image

MOST_LINES, MOST_COLUMNS = 480, 1920


def proxy_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of a proxy: even, at most 480 lines and 1920 columns, never larger than the video.

    Args:
        width, height: Size of the upright picture in pixels. A side of one pixel becomes two.
    """
    scale = min(1.0, MOST_LINES / height, MOST_COLUMNS / width)
    return max(2, int(width * scale + 1e-6) // 2 * 2), max(2, int(height * scale + 1e-6) // 2 * 2)


def even_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of a clip: the video's own, rounded down to even for 4:2:0; one pixel becomes two."""
    return max(2, width // 2 * 2), max(2, height // 2 * 2)


def write_whole(target: Path, content: bytes) -> None:
    """Write a file under a temporary name, then move it to ``target``, replacing what is there.

    Raises:
        ExportError: The file cannot be written; nothing of it is left.
    """
    with guarded(), whole_file(target) as part:
        part.write_bytes(content)


@contextmanager
def guarded(kinds: type[Exception] | tuple[type[Exception], ...] = OSError) -> Iterator[None]:
    """Raise errors of these kinds in the block as ``ExportError``."""
    try:
        yield
    except kinds as error:
        raise export_error(error) from error


def export_error(error: Exception) -> ExportError:
    """Return an error that says why clips, frames or a ZIP cannot be written, and what to do."""
    if is_full(error):
        return ExportError("The disk is full: what was being written is removed.", "Free some space and try again.")
    return ExportError(f"It cannot be written: {reason_of(error)}.", "Choose a folder that may be written.")


KEYFRAME_EVERY = 30

_FEWEST_TICKS, _MOST_TICKS = 10_000, 1_000_000
_LONGEST_STEP = 2**31 - 1  # the longest time between frames that MP4 can hold, in ticks
_BT709 = 1


def ticks_per_second(time_base: Fraction, longest_step_s: float) -> int:
    """Return the clock rate of a file: a multiple of the video's own if MP4 can hold it, else within 0.05 ms.

    Args:
        time_base: Time base of the video.
        longest_step_s: The longest time from one frame to the next.
    """
    most = min(_MOST_TICKS, int(_LONGEST_STEP / max(longest_step_s, 1.0)))
    ticks = min(time_base.denominator, most)
    return ticks * max(1, _FEWEST_TICKS // ticks)


@dataclass(frozen=True, slots=True)
class Look:
    """How a file is encoded.

    Attributes:
        crf: x264's quality; lower is better, 18 looks like the original.
        sound_bits: Bits of sound per second.
        size: Maps width and height of the video to those of the file, both even.
        refusal: Returns what to raise for a write error of FFmpeg or the operating system.
    """

    crf: int
    sound_bits: int
    size: Callable[[int, int], tuple[int, int]]
    refusal: Callable[[Exception], ClipVideoError]


class Mp4File:
    """An MP4 file that is being written; a context manager that deletes it unless ``keep`` was called.

    Attributes:
        look: How the file is encoded; set by each subclass.

    Args:
        target: Path of the file. Until ``keep`` it is at ``temporary``, beside it, with ``.part`` at the end.
        width, height: Size of the video.
        time_base: Time base of the frames to add.
        longest_step_s: The longest time from one frame to the next, as far as known.
        sound: The sound, if any.

    Raises:
        ClipVideoError: From ``look.refusal``, if the file cannot be written. All methods raise it too.
    """

    look: Look

    def __init__(
        self,
        target: Path,
        width: int,
        height: int,
        time_base: Fraction,
        *,
        longest_step_s: float = 1.0,
        sound: Sound | None = None,
    ) -> None:
        self.temporary = part_of(target)
        self._target, self._sound = target, sound
        self._from = (width, height)
        self._time_base = time_base
        self._ticks = ticks_per_second(time_base, longest_step_s)
        self._reformatter = VideoReformatter()
        self._start_pts: int | None = None
        self._last_tick = -1
        self._waiting: Packet[VideoStream] | None = None
        av.logging.set_level(None)
        options = {"movflags": "+faststart", "video_track_timescale": str(self._ticks)}
        with self._guarded():
            self._container = av.open(str(self.temporary.absolute()), "w", format="mp4", container_options=options)
        try:
            with self._guarded():
                self._pictures = self._add_pictures()
                self._sounds = None if sound is None else self._add_sound(sound)
                self._container.start_encoding()
        except BaseException:
            self.close()
            raise

    def add(self, frame: Frame) -> None:
        """Write one more frame, and the sound up to it. The first frame's pts is the file's time zero."""
        with self._guarded():
            if self._sound is not None:
                self._write_sound(frame.time_s)
            picture = self._picture(frame.rgb)
            picture.pts, picture.time_base = self._tick(frame.pts), Fraction(1, self._ticks)
            self._write(self._pictures.encode(picture))

    def finish(self, end_s: float) -> None:
        """Flush the encoders and finish the file; the last frame ends ``end_s`` seconds after the first one's start."""
        with self._guarded():
            self._write(self._pictures.encode(None))
            if self._waiting is not None and self._waiting.pts is not None:
                self._waiting.duration = max(1, round(end_s * self._ticks) - self._waiting.pts)
                self._container.mux(self._waiting)
                self._waiting = None
            if self._sound is not None and self._sounds is not None:
                self._write_sound(end_s)
                self._container.mux(self._sounds.encode(None))
            self._container.close()

    def keep(self) -> None:
        """Move the finished file to its target path."""
        with self._guarded():
            self.temporary.replace(self._target)

    def close(self) -> None:
        """Delete the file unless it was kept; may be called twice."""
        with suppress(OSError):  # before closing, which would move the index to the front of a file that is not kept
            self.temporary.unlink(missing_ok=True)
        with suppress(OSError, av.error.FFmpegError):
            self._container.close()
        self.temporary.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _add_pictures(self) -> VideoStream:
        # B-frames would need an edit list, which browsers read differently; scene detection would move keyframes.
        options = {"preset": "veryfast", "crf": str(self.look.crf), "bf": "0", "sc_threshold": "0"}
        options |= {"g": str(KEYFRAME_EVERY), "keyint_min": str(KEYFRAME_EVERY)}
        options["threads"] = str(max(1, (os.cpu_count() or 2) // 2))  # leave the rest to the page
        stream = self._container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height = self.look.size(*self._from)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, self._ticks)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = ColorRange.MPEG
        return stream

    def _add_sound(self, sound: Sound) -> AudioStream:
        return self._container.add_stream("aac", rate=RATE, layout=sound.layout, bit_rate=self.look.sound_bits)

    def _picture(self, rgb: Image) -> VideoFrame:
        width, height = self._pictures.width, self._pictures.height
        return self._reformatter.reformat(
            VideoFrame.from_ndarray(_nearly(self._fitted(rgb), width, height), format="rgb24"),
            width,
            height,
            "yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BILINEAR,
        )

    def _fitted(self, rgb: Image) -> Image:
        """Fit a picture of another size, which a sequence of images may contain, between black bars."""
        width, height = self._from
        tall, wide = rgb.shape[:2]
        if (wide, tall) == self._from:
            return rgb
        scale = min(width / wide, height / tall)
        new = max(1, int(wide * scale)), max(1, int(tall * scale))
        small = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(*new).to_ndarray()
        whole = np.zeros((height, width, 3), np.uint8)
        top, left = (height - new[1]) // 2, (width - new[0]) // 2
        whole[top : top + new[1], left : left + new[0]] = small
        return whole

    def _tick(self, pts: int) -> int:
        """Return the time of a frame on the file's clock: from 0, and later than the frame before."""
        if self._start_pts is None:
            self._start_pts = pts
        exact = (pts - self._start_pts) * self._time_base * self._ticks
        self._last_tick = max(self._last_tick + 1, round(exact))
        return self._last_tick

    def _write(self, packets: list[Packet[VideoStream]]) -> None:
        """Write packets one late, because the duration of a frame is known only when the next one arrives."""
        for packet in packets:
            if self._waiting is not None and self._waiting.pts is not None and packet.pts is not None:
                self._waiting.duration = packet.pts - self._waiting.pts
                self._container.mux(self._waiting)
            self._waiting = packet

    def _write_sound(self, time_s: float) -> None:
        if self._sound is not None and self._sounds is not None:
            for frame in self._sound.until(time_s):
                self._container.mux(self._sounds.encode(frame))

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Translate write errors of FFmpeg and the operating system."""
        try:
            yield
        except (OSError, av.error.FFmpegError) as error:
            raise self.look.refusal(error) from error


def _nearly(rgb: Image, width: int, height: int) -> Image:
    """Shrink with OpenCV, at a fifth of the cost, by the largest whole factor that keeps at least the wanted size."""
    tall, wide = rgb.shape[:2]
    factor = min(tall // height, wide // width)
    while factor > 1 and (tall % factor or wide % factor):
        factor -= 1
    if factor < 2:
        return rgb
    import cv2

    return np.asarray(cv2.resize(rgb, (wide // factor, tall // factor), interpolation=cv2.INTER_AREA), np.uint8)
