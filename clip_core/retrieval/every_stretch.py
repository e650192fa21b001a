"""The stretches of all stored videos, one after the other, to be compared with one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.store.store import EmbeddingStore
from clip_core.stretches import Stretches
from clip_core.types import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class EveryStretch:
    """The stretches of k videos, n in all.

    Attributes:
        ids: The ids of the videos.
        names: Video id → name; of others, too.
        stretches: Those of each video, in the order of ``ids``.
        edges: int64 (k + 1,), where those of each video begin and end among all.
        of: int64 (n,), the number of each one's video.
    """

    ids: Sequence[str]
    names: Mapping[str, str]
    stretches: Sequence[Stretches]
    edges: Ints
    of: Ints

    @property
    def vectors(self) -> Floats:
        """The mean vectors, float32 (n, dim), n ≥ 1."""
        return np.concatenate([own.vectors for own in self.stretches])


def every_stretch(store: EmbeddingStore, fingerprint: str) -> EveryStretch | None:
    """Return the stretches of all stored videos under a model, or None if there are none."""
    names = {video.video_id: video.name for video in store.summaries()}
    found = store.stretches_of([*names], fingerprint)
    ids = [video_id for video_id in names if video_id in found]
    if not ids:
        return None
    stretches = [found[video_id] for video_id in ids]
    edges = np.cumsum([0, *map(len, stretches)])
    return EveryStretch(ids, names, stretches, edges, np.repeat(np.arange(len(ids)), np.diff(edges)))
