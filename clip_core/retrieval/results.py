"""The answer to a query: hits in the order to show them, and whether any of them stands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clip_core.tabular import Tabular, texts
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
class SearchResult(Tabular):
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
        return asdict(replace(self, more=dict(self.more)))  # asdict would count the items of a Counter

    def columns(self) -> dict[str, NDArray[Any]]:
        """A row per hit, the best first.

        The columns are video_id, video (its name), start_s, end_s, peak_s, peak_pts, score (in the unit of the
        result), cosine, beats (NaN if not compared), copies (how many other files have the same pictures) and unit.
        """
        hits = self.hits
        named: dict[str, NDArray[Any]] = {
            "video_id": texts([hit.video_id for hit in hits]),
            "video": texts([hit.name for hit in hits]),
        }
        for name in ("start_s", "end_s", "peak_s", "peak_pts", "score", "cosine", "beats"):
            kind = np.int64 if name == "peak_pts" else np.float64
            named[name] = np.array([getattr(hit, name) for hit in hits], kind)
        named["copies"] = np.array([len(hit.also_in) for hit in hits], np.int64)
        named["unit"] = texts([self.unit] * len(hits))
        return named
