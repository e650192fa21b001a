"""The video as editing programs count it: frames at a standard rate, and timecodes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import quote

import numpy as np

from clip_core.types import Moment, TimeTable, VideoRecord

NTSC = 1001
STANDARD_RATES = tuple(
    [Fraction(n * 1000, NTSC) for n in (24, 30, 60)] + [Fraction(n) for n in (24, 25, 30, 48, 50, 60)]
)
"""The frame rates that timecodes count in (SMPTE ST 12-1 and 12-3)."""
DROPPING = (Fraction(30_000, NTSC), Fraction(60_000, NTSC))
DAY_S = 86_400
_NEAR = 1e-4
_SLACK_FRAMES = 1e-6
"""Tolerance for float times: a start that lies at most this far after a frame belongs to that frame."""
_TIMECODE = re.compile(r"(\d\d):([0-5]\d):([0-5]\d)([:;.,])(\d{2,3})")
_FILE_TIMECODE = re.compile(r"(-?)(\d{2,6}):([0-5]\d:[0-5]\d)([:;.,])(\d{2,3})")
_MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Source:
    """The video of a timeline.

    Attributes:
        name: The name to show; never used as a path.
        path: An absolute path (POSIX or Windows), or the bare name of the file.
        width, height: In pixels, after rotation.
        rate: Frames per second; the mean if the rate is variable.
        end_s: Where the video ends, in seconds from its first frame.
        variable: Whether the rate is known to vary.
        drop_frame: Whether timecodes at 30000/1001 and 60000/1001 are drop-frame, as is usual; no others are.
        start_timecode: Timecode of the earliest stream's start, HH:MM:SS:FF.
        has_audio: Whether the video has sound.
        first_frame_s: When the first frame is shown, in seconds as players count, see ``file_clock``. Moments count
            from the first frame; players, and so subtitles, do not.
        earliest_s: When the earliest stream begins, in seconds as players count: timelines count from there.
    """

    name: str
    path: str
    width: int
    height: int
    rate: Fraction
    end_s: float
    variable: bool = False
    drop_frame: bool = True
    start_timecode: str = "00:00:00:00"
    has_audio: bool = False
    first_frame_s: Fraction = Fraction(0)
    earliest_s: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"rate must be above 0, not {self.rate}")
        if not (math.isfinite(self.end_s) and self.end_s >= 0):
            raise ValueError(f"end_s must be finite and not negative, not {self.end_s}")
        if self.first_frame_s < 0:
            raise ValueError(f"first_frame_s must not be negative, not {float(self.first_frame_s)}")
        frame_of_timecode(self.start_timecode, self.timeline_rate, self.drops)

    @property
    def timeline_rate(self) -> Fraction:
        """The standard rate of the timeline, see ``nearest_standard``."""
        return nearest_standard(self.rate)

    @property
    def drops(self) -> bool:
        """Whether the timecodes are drop-frame."""
        return self.drop_frame and self.timeline_rate in DROPPING

    @property
    def start_frame(self) -> int:
        """The frame number of ``start_timecode``."""
        return frame_of_timecode(self.start_timecode, self.timeline_rate, self.drops)

    @property
    def first_frame(self) -> int:
        """The first frame of the video, counted from the earliest stream in whole frames of the timeline.

        Part of a frame is left out, because sound often begins up to a frame before the picture. A millisecond is
        added first, because some containers round times to milliseconds.
        """
        late_s = max(Fraction(0), self.first_frame_s - self.earliest_s)
        return math.floor((late_s + _MILLISECOND) * self.timeline_rate) if late_s else 0

    @property
    def frames(self) -> int:
        """The length in frames of the timeline from the earliest stream's start to the end of the video, at least 1."""
        return max(self.first_frame + 1, self._frame_at(self.end_s))

    @property
    def note(self) -> str:
        """A warning for the user if the timeline's rate is not the video's own; else empty."""
        to = f"the timeline counts in {_shown(self.timeline_rate)} frames per second, and cuts may be one frame off."
        if self.variable:
            return f"The video's frame rate varies (mean {_shown(self.rate)}): {to}"
        if abs(self.rate / self.timeline_rate - 1) > _NEAR:
            return f"{_shown(self.rate)} frames per second is not a standard rate: {to}"
        return ""

    @property
    def url(self) -> str:
        """The media URL for editing programs: a file URL for an absolute path, else the name, percent-encoded."""
        try:
            raw = self.path.encode("utf-8", "surrogateescape")  # restores names that are not UTF-8
        except UnicodeEncodeError:
            raw = self.path.encode("utf-8", "replace")
        if PurePosixPath(self.path).is_absolute():
            return "file://" + quote(raw)
        if PureWindowsPath(self.path).is_absolute():
            return PureWindowsPath(raw.decode("utf-8", "replace")).as_uri()
        return quote(raw)

    def frame_range(self, moment: Moment) -> tuple[int, int]:
        """Return ``[first, stop)`` of a moment in frames of the timeline, counted from the earliest stream.

        ``first`` is the first frame that begins at or after ``start_s``, ``stop`` the first at or after ``end_s``:
        frame k is included exactly if its time is in [start_s, end_s). There is at least one frame, within the video.
        """
        first = min(max(self.first_frame, self._frame_at(moment.start_s)), self.frames - 1)
        return first, max(first + 1, min(self._frame_at(moment.end_s), self.frames))

    def peak_frame(self, moment: Moment) -> int:
        """Return the frame on screen at the peak, clamped to ``frame_range``."""
        first, stop = self.frame_range(moment)
        on_screen = math.floor(Fraction(moment.peak_s) * self.timeline_rate + Fraction(_SLACK_FRAMES))
        return min(max(first, self.first_frame + on_screen), stop - 1)

    def timecode(self, frame: int) -> str:
        """Return the timecode of a frame counted from the earliest stream."""
        return timecode(self.start_frame + frame, self.timeline_rate, self.drops)

    def _frame_at(self, time_s: float) -> int:
        return self.first_frame + math.ceil(Fraction(time_s) * self.timeline_rate - Fraction(_SLACK_FRAMES))


@lru_cache(64)
def nearest_standard(rate: Fraction) -> Fraction:
    """Return the standard timeline rate for a video with ``rate`` frames per second.

    It is the nearest by ratio. Below 20 it is the smallest whole multiple, if there is one, so that each frame of
    the video begins on a frame of the timeline.
    """
    if rate < 20:
        multiples = [standard for standard in STANDARD_RATES if (standard / rate).denominator == 1]
        if multiples:
            return min(multiples)
    return min(STANDARD_RATES, key=lambda standard: (abs(math.log(standard / rate)), standard))


def timecode(frame: int, rate: Fraction, drops: bool) -> str:
    """Return a frame number as HH:MM:SS:FF, with ``;`` before FF for drop-frame; it wraps around after 24 hours.

    Drop-frame (SMPTE ST 12-1) skips the frame numbers 0 and 1 (at 59.94: 0 to 3) in each minute except every tenth.
    """
    nominal = math.ceil(rate)
    if drops:
        left_out = nominal // 15
        ten, minute = 600 * nominal - 9 * left_out, 60 * nominal - left_out
        tens, rest = divmod(frame % (144 * ten), ten)
        frame = tens * 600 * nominal + rest
        if rest >= 60 * nominal:
            frame += left_out * (1 + (rest - 60 * nominal) // minute)
    seconds, frames = divmod(frame % (DAY_S * nominal), nominal)
    mark = ";" if drops else ":"
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{frames:02d}"


def frame_of_timecode(text: str, rate: Fraction, drops: bool) -> int:
    """Return the frame number of a timecode HH:MM:SS:FF.

    Raises:
        ValueError: The text is not a timecode at this rate.
    """
    match, nominal = _TIMECODE.fullmatch(text), math.ceil(rate)
    if match is None:
        raise ValueError(f"a timecode is HH:MM:SS:FF, not {text!r}")
    hours, minutes, seconds, frames = (int(match[part]) for part in (1, 2, 3, 5))
    left_out = nominal // 15 if drops else 0
    if hours > 23 or frames >= nominal or (frames < left_out and seconds == 0 and minutes % 10):
        raise ValueError(f"{text!r} is not a timecode at {_shown(rate)} frames per second")
    total_minutes = 60 * hours + minutes
    return (60 * total_minutes + seconds) * nominal + frames - left_out * (total_minutes - total_minutes // 10)


def _shown(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


USUAL_RATE = Fraction(25)
"""Used for a video with one frame, which has no rate."""
_ROUNDING_TICKS = 1
_STEADY = 1e-3
_FINEST = 100_000


def source_of(
    record: VideoRecord,
    has_audio: bool = False,
    start_timecode: str = "",
    first_frame_s: Fraction = Fraction(0),
    earliest_s: Fraction = Fraction(0),
    timecode_base: int | None = None,
) -> Source:
    """Return the source of a stored video; its rate comes from its time table, not from the header alone.

    Presentation times are often rounded, for example to milliseconds, so those of a short video cannot distinguish
    24 from 23.976. If the header's rate fits within the rounding, it is used.

    Args:
        record: What is stored of the video.
        has_audio: Whether the file has sound.
        start_timecode, timecode_base: See ``with_timecode``; if empty, the timeline counts from 0.
        first_frame_s, earliest_s: See ``Source``.

    Raises:
        ValueError: The timecode is invalid at this rate.
    """
    rate, variable = rate_of(record.table)
    said = record.header_fps
    if said is not None and not variable and 0 < said < _FINEST and len(record.table) > 1:
        frames, steps = len(record.table) - 1, record.table.pts[-1] - record.table.pts[0]
        ticks = frames / (said * float(record.table.time_base))
        if abs(ticks - float(steps)) <= 2 * _ROUNDING_TICKS:
            rate = Fraction(said).limit_denominator(_FINEST)
    source = Source(
        record.name, record.path, record.width, record.height, rate, record.table.end_s, variable,
        has_audio=has_audio, first_frame_s=first_frame_s, earliest_s=earliest_s,
    )  # fmt: skip
    return with_timecode(source, start_timecode, timecode_base) if start_timecode else source


def with_timecode(source: Source, text: str, base: int | None = None) -> Source:
    """Return the source with the timecode that its file names.

    A mark other than ``:`` before the frames means drop-frame. A timecode that counts in another rate than the timeline
    is converted: that of a video of 15 or 120 frames per second, whose timeline has 30 or 60, or one that counts to 30
    for 60 frames per second. Hours wrap around after 24, and a time before 0 counts back from there.

    Args:
        source: The video.
        text: The timecode, HH:MM:SS:FF, perhaps with a minus sign.
        base: Up to which number of frames per second it counts; None if the file does not say: then to the video's.

    Raises:
        ValueError: The text is not a timecode at this rate.
    """
    match, nominal = _FILE_TIMECODE.fullmatch(text), math.ceil(source.timeline_rate)
    if match is None:
        raise ValueError(f"a timecode is HH:MM:SS:FF, not {text!r}")
    sign, hours, clock, mark, frames = match[1], int(match[2]) % 24, match[3], match[4], int(match[5])
    step = source.timeline_rate / source.rate
    if base is not None:
        if frames >= base:
            raise ValueError(f"{text!r} is not a timecode that counts to {base}")
        frames = frames * nominal // base
    elif 1 in (step.numerator, step.denominator):
        frames = int(frames * step)
    found = replace(source, start_timecode=f"{hours:02d}:{clock}{mark}{frames:02d}", drop_frame=mark != ":")
    if not sign:
        return found
    return replace(found, start_timecode=timecode(-found.start_frame, found.timeline_rate, found.drops))


def rate_of(table: TimeTable) -> tuple[Fraction, bool]:
    """Return the mean frame rate, and whether it varies by more than rounding to the time base explains."""
    pts = table.pts
    if len(pts) < 2:
        return USUAL_RATE, False
    step = Fraction(int(pts[-1] - pts[0]), len(pts) - 1)
    even = pts[0] + np.arange(len(pts)) * float(step)
    off = float(np.max(np.abs(pts - even)))
    return 1 / (step * table.time_base), off > max(2 * _ROUNDING_TICKS, _STEADY * float(step))
