"""The value types that all packages share. Shapes and dtypes are checked when a value is made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from clip_core.tabular import Tabular, untaken
from clip_core.text import unicode_text

Image: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]
Reals: TypeAlias = NDArray[np.float64]
Times: TypeAlias = NDArray[np.float64]
"""Seconds; other numbers of this kind are ``Reals``."""
Ints: TypeAlias = NDArray[np.int64]
MOST_OFF_UNIT = 1e-3
"""A model's vector counts as of unit length if its length is at most so far from 1."""
Unit: TypeAlias = Literal["corrected", "cosine", "z", "percentile", "margin", "softmax"]
Stage: TypeAlias = Literal[
    "identifying", "waiting", "coarse", "dense", "proxy", "clips", "frames", "zip", "download", "done"
]


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture with its time.

    Attributes:
        index: Frame number from 0: its rank among the frames that decode.
        pts: Presentation timestamp in the stream's time base; it identifies the frame.
        time_s: Presentation time in seconds from the first frame of the video.
        rgb: uint8 (height, width, 3), RGB, rotated as the file says.
    """

    index: int
    pts: int
    time_s: float
    rgb: Image

    def __post_init__(self) -> None:
        _need(self.rgb.ndim == 3 and self.rgb.shape[2] == 3, f"rgb must be (h, w, 3), not {self.rgb.shape}")
        _need(self.rgb.dtype == np.uint8, f"rgb must be uint8, not {self.rgb.dtype}")

    def __repr__(self) -> str:
        height, width, _ = self.rgb.shape
        return f"Frame(index={self.index}, pts={self.pts}, time_s={self.time_s:.6f}, rgb={width}x{height})"


@dataclass(frozen=True, slots=True)
class Join:
    """Where the next recording begins in a file of joined recordings; there the file's own clock starts again.

    Attributes:
        position: Where the first packet of its pictures begins in the file, in bytes.
        earlier: Where the packet of the pictures before that one begins.
        start_pts: The pts of its first frame: where the recording before ends, so that the times of the video go on.
        shift: What is added to the file's own time stamps from there on to make them pts.
        last_dts: When the frame shown last before the join is decoded, on the clock of pts, if the file does not tell
            when it is shown; else ``start_pts``.
    """

    position: int
    earlier: int
    start_pts: int
    shift: int
    last_dts: int


@dataclass(frozen=True, slots=True, eq=False)
class TimeTable:
    """The presentation times of a video's frames.

    Attributes:
        pts: int64 (n,), strictly increasing.
        time_base: Seconds per unit of ``pts``.
        start_pts: The pts of the first frame that decodes: time zero.
        end_s: Where the last frame ends, in seconds from the first.
        confirmed: Whether all frames were decoded. Until then the table comes from the packets and is provisional.
        key_pts: int64 (k,), the pts of the keyframes, increasing.
        joins: Where the file's own clock starts again, in file order; usually nowhere.
    """

    pts: Ints
    time_base: Fraction
    start_pts: int
    end_s: float
    confirmed: bool
    key_pts: Ints
    joins: tuple[Join, ...] = ()

    def __post_init__(self) -> None:
        _need(self.pts.ndim == 1 and self.pts.dtype == np.int64, "pts must be int64 (n,)")
        _need(bool(np.all(np.diff(self.pts) > 0)), "pts must rise")

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def times_s(self) -> Times:
        """float64 (n,): presentation times in seconds from the first frame."""
        return self.seconds(self.pts)

    def seconds(self, pts: Ints) -> Times:
        """Return the presentation times of ``pts``. Integers are multiplied first, so each time is rounded once."""
        base = self.time_base
        return np.asarray((pts - self.start_pts) * base.numerator, dtype=np.float64) / base.denominator

    def number_of(self, pts: Ints) -> Ints:
        """Return the frame numbers of ``pts``: their ranks in the table, int64 of the same shape."""
        return np.searchsorted(self.pts, pts).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VideoHeader:
    """What a file says of its video.

    Attributes:
        size_bytes: The file's size.
        container, codec: FFmpeg's names, such as "mov" and "h264"; "images" for a sequence.
        width, height: Of the picture after rotation, in pixels.
        header_fps, header_frame_count, header_duration_s: What the header claims, or None.
        recorded_s: When it was recorded, as its container says, seconds since 1970; None if it does not say, or was
            last opened by an earlier version.
    """

    size_bytes: int
    container: str
    codec: str
    width: int
    height: int
    header_fps: float | None
    header_frame_count: int | None
    header_duration_s: float | None
    recorded_s: float | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VideoRecord(VideoHeader):
    """What the store knows of a video, so that the file need not be read again.

    Attributes:
        video_id: SHA-256 of its bytes, 64 hex digits.
        path: Its path when it was last opened.
        name: The name to show; for an upload, the name of the visitor's file.
        table: The presentation times of its frames.
        unreadable_after_s: Where decoding stopped for good in a damaged file, in seconds, else None.
        added_s: When it was first stored, seconds since 1970.
        reading: How its pictures were read when its frames were embedded, see ``VideoInfo``; None: by an earlier
            version, which did nothing beyond turning and converting them.
    """

    video_id: str
    path: str
    name: str
    table: TimeTable
    unreadable_after_s: float | None
    added_s: float
    reading: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FrameEmbeddings:
    """Embeddings of some frames of one video under one model.

    Attributes:
        pts: int64 (n,), the pts of the frames; in any order, each once.
        times_s: float64 (n,), presentation times.
        vectors: float32 (n, dim), unit length.
    """

    pts: Ints
    times_s: Times
    vectors: Floats

    def __post_init__(self) -> None:
        n = len(self.pts)
        _need(self.pts.shape == (n,) and self.times_s.shape == (n,), "pts and times_s must both be (n,)")
        _need(self.vectors.shape[:-1] == (n,), f"vectors must be ({n}, dim), not {self.vectors.shape}")

    def __len__(self) -> int:
        return len(self.pts)

    def __repr__(self) -> str:
        return f"FrameEmbeddings(n={len(self)}, dim={self.vectors.shape[1]})"


@dataclass(frozen=True, slots=True, eq=False)
class Scores(Tabular):
    """How well each prompt fits each sampled frame, sorted by time.

    Attributes:
        frames: int64 (n,), frame numbers from 0.
        times_s: float64 (n,), increasing presentation times.
        prompts: The p prompts, in the order of the columns.
        values: float32 (n, p).
        start_s, end_s: Where the video starts and ends, in seconds.
        unit: The unit of the values.
        complete: Whether all samples of the last request are included.
        until_s: float64 (n,), when the frame after each sampled one is presented; None if unknown.
        warnings: Sentences that name the words of prompts that the model does not read.
    """

    frames: Ints
    times_s: Times
    prompts: tuple[str, ...]
    values: Floats
    start_s: float
    end_s: float
    unit: Unit = "cosine"
    complete: bool = True
    until_s: Times | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n, p = len(self.times_s), len(self.prompts)
        _need(self.values.shape == (n, p), f"values must be ({n}, {p}), not {self.values.shape}")
        _need(self.frames.shape == (n,), f"frames must be ({n},), not {self.frames.shape}")

    def __len__(self) -> int:
        return len(self.times_s)

    def __repr__(self) -> str:
        return f"Scores(n={len(self)}, prompts={len(self.prompts)}, unit={self.unit}, complete={self.complete})"

    def columns(self) -> dict[str, NDArray[Any]]:
        """A row per sample: frame, time_s, and the score of each prompt; a name that is taken gets " (2)"."""
        named: dict[str, NDArray[Any]] = {"frame": self.frames, "time_s": self.times_s}
        for prompt in self.prompts:
            named[untaken(unicode_text(prompt), named)] = self.values[:, len(named) - 2]
        return named

    def column(self, prompt: str) -> Floats:
        """Return the values of one prompt, float32 (n,)."""
        return self.values[:, self.prompts.index(prompt)]


class RoundedTime(float):
    """A time in seconds that a list has rounded, so that it is off by up to ``rounding_s``. It counts as its number."""

    rounding_s: float

    def __new__(cls, time_s: float, rounding_s: float = 0.0) -> RoundedTime:
        """Without ``rounding_s`` for copying, which sets it afterwards."""
        time = super().__new__(cls, time_s)
        time.rounding_s = rounding_s
        return time


@dataclass(frozen=True, slots=True)
class Moment:
    """A time range [start_s, end_s) in which a prompt is present.

    Attributes:
        start_s, end_s: In seconds; from a list that rounds, each is a ``RoundedTime``, and so is ``peak_s``.
        peak_s, peak: Time and value of its highest score; if found on segments, the level of the highest segment.
        mean: Mean of the smoothed scores of its samples, weighted by their spans.
        label: A name given by a person or a rule; empty if there is none.
    """

    prompt: str
    start_s: float
    end_s: float
    peak_s: float
    peak: float
    mean: float
    label: str = ""

    @property
    def duration_s(self) -> float:
        """The length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of a video in a file of its own, and where it actually begins and ends, from the video's first frame."""

    path: Path
    start_s: float
    end_s: float
    frames: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of indexing, a proxy, an export or a download.

    ``done`` never decreases within a stage (indexing counts all of its stages as one); in the last report it equals
    ``total``. Both count frames (indexing: the stored frames of this request, including earlier ones); in the stage
    "clips" seconds of video, in "zip" and "download" bytes.

    Attributes:
        done, total: How much is done, and how much there is to do, which may be corrected on the way.
        frames_per_second: Frames processed per second in this run, 0.0 until measured.
        seconds_left: Estimated time left, None until measured; of the wait, if ``note`` says what is waited for.
        stage: Indexing: "identifying" (``note`` says how far), "waiting" (for another process, or as ``note`` says),
            "coarse", "dense".
            Other work: "waiting", "proxy", "clips", "frames", "zip", "download". All end with "done".
        warnings: What the user should know, such as where a damaged file ended.
        note: The current step, shown while there are no counts.
        bytes_per_second: Download rate over the last seconds.
        files: Files that an export has completed so far.
        clips: The clips among these files, with their actual times.
        failed: How many clips or pictures could not be made; ``warnings`` name them.
    """

    done: float
    total: float
    frames_per_second: float = 0.0
    seconds_left: float | None = None
    stage: Stage = "coarse"
    warnings: Sequence[str] = field(default_factory=tuple)
    note: str = ""
    bytes_per_second: float = 0.0
    files: tuple[Path, ...] = ()
    clips: tuple[Clip, ...] = ()
    failed: int = 0

    @property
    def share(self) -> float:
        """The share that is done, from 0 to 1. If ``total`` is 0: 0 while identifying or waiting, else 1."""
        if self.total > 0:
            return min(1.0, self.done / self.total)
        return 0.0 if self.stage in ("identifying", "waiting") else 1.0


ReviewVerdict: TypeAlias = Literal["", "accepted", "rejected", "added"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation of one moment. It is stored beside the computed moments and never written into them.

    Attributes:
        anchor_s: The moment's peak when it was first annotated, or the middle of an added one, in seconds. Prompt and
            anchor together identify the annotation.
        start_s, end_s: Its edges as shown or set by hand, in seconds; later changes of the settings keep them.
        verdict: "" if only edges or label were changed.
        label: A note.
        settings: The settings with which the moment was computed.
    """

    prompt: str
    anchor_s: float
    start_s: float
    end_s: float
    verdict: ReviewVerdict = ""
    label: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _need(
            self.verdict in get_args(ReviewVerdict),
            f"verdict must be one of {get_args(ReviewVerdict)}, not {self.verdict!r}",
        )
        times = (self.anchor_s, self.start_s, self.end_s)
        _need(all(math.isfinite(time) and time >= 0 for time in times), "times must be finite and >= 0")
        _need(self.start_s < self.end_s, f"a moment must begin before it ends: {self.start_s} … {self.end_s}")
