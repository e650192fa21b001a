"""Which videos a query searches, and what neutral texts reach in them."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass

import numpy as np

from clip_core.encoders.base import Encoder
from clip_core.retrieval.build_stretches import refresh_stretches
from clip_core.retrieval.filters import SearchFilter
from clip_core.retrieval.target import Target
from clip_core.scoring.null_bank import PromptBank, bank_of_peaks
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VideoSummary
from clip_core.stretches import StretchSummary
from clip_core.text import counted


@dataclass(frozen=True, eq=False)
class Scope:
    """The videos of one query.

    Attributes:
        records: Video id → what is known of it, of all videos that are searched.
        summaries: Video id → what is known of its stretches.
        unsearched: Ids of the videos that the filter includes but that have no frames of this model.
        everything: Whether no stored video is left out.
        warnings: What the user should know.
    """

    records: Mapping[str, VideoSummary]
    summaries: Mapping[str, StretchSummary]
    unsearched: tuple[str, ...]
    everything: bool
    warnings: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """How many stored frames are searched."""
        return sum(self.summaries[video_id].frames for video_id in self.records)

    def bank(self, target: Target) -> PromptBank | None:
        """Return what each neutral text reaches in the best of the searched videos; None if there is no null bank."""
        peaks = [target.peaks(self.summaries[video_id]) for video_id in self.records]
        known = [own for own in peaks if own is not None]
        return bank_of_peaks(np.max(known, axis=0)) if known else None


def scope_of(videos: Collection[str] | None, where: SearchFilter, encoder: Encoder, store: EmbeddingStore) -> Scope:
    """Return the videos that a query searches; stretches that are missing or outdated are built first.

    Raises:
        StoreError: The store cannot be read.
    """
    for _ in refresh_stretches(store, encoder):
        pass
    stored = store.summaries()
    everything_fits = where == SearchFilter(hide_rejected=where.hide_rejected)  # asking 2,000 videos takes 15 ms
    included = [
        r for r in stored if (videos is None or r.video_id in videos) and (everything_fits or where.includes(r))
    ]
    summaries, runs = store.stretch_summaries(encoder.fingerprint), store.runs_under(encoder.fingerprint)
    records = {r.video_id: r for r in included if r.video_id in summaries and r.video_id in runs}
    unsearched = tuple(r.video_id for r in included if r.video_id not in records)
    everything = len(records) == len(summaries)
    return Scope(records, summaries, unsearched, everything, _not_prepared(unsearched, runs, store))


def _not_prepared(unsearched: Collection[str], runs: Container[str], store: EmbeddingStore) -> tuple[str, ...]:
    """Return a sentence on the videos of a read-only store that are indexed, but whose stretches are not built."""
    count = sum(video_id in runs for video_id in unsearched)
    if not (store.read_only and count):
        return ()
    what = f"{counted(count, 'indexed video')} cannot be searched, because this server is read-only"
    return (f"{what}. Ask the person who runs it to search once where the embeddings may be changed.",)
