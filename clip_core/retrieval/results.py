"""The answer to a query: hits in the order to show them, and whether any of them stands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from clip_core.types import Unit

SearchVerdict: TypeAlias = Literal["there", "not sure"]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where the same pictures occur in another file: a span [start_s, end_s), in seconds."""

    video_id: str
    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A moment of a video that fits the query.

    Attributes:
        video_id, name: The video, and the name to show for it.
        start_s, end_s: The span [start_s, end_s) of the moment, in seconds.
        peak_s, peak_pts: The frame that fits best; its thumbnail is the hit's picture.
        score: Its score in the unit of the result; hits are sorted by it, the highest first.
        cosine: The raw cosine similarity of that frame, in [-1, 1].
        beats: Share of the null bank (neutral texts) that scores lower everywhere in the library, in [0, 1]; None if
            the query is not compared with the bank.
        also_in: Where the same pictures occur in other files.
    """

    video_id: str
    name: str
    start_s: float
    end_s: float
    peak_s: float
    peak_pts: int
    score: float
    cosine: float
    beats: float | None = None
    also_in: tuple[Elsewhere, ...] = ()


@dataclass(frozen=True)
class SearchResult:
    """What was found.

    Attributes:
        hits: At most ``limit``, the best first.
        verdict: "there" if the best hit stands out from the null bank, else "not sure": the nearest are shown.
        reason: A sentence that explains the verdict.
        more: Video id → how many further hits in that video are not among ``hits``.
        unit: The unit of the scores: "corrected", or "cosine" for pictures and places.
        videos, frames: How many videos and stored frames were searched.
        unsearched: Ids of the videos that the filter includes but that have no frames of this model.
        warnings: Sentences that name the words of the query that the model does not read, and the like.
    """

    hits: Sequence[Hit]
    verdict: SearchVerdict
    reason: str
    more: Mapping[str, int] = field(default_factory=dict)
    unit: Unit = "corrected"
    videos: int = 0
    frames: int = 0
    unsearched: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return asdict(self)
