"""Search a library of 1,000,000 stored frames: rows built, a query against exact search, new frames, memory, disk."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from clip_core.store.store import EmbeddingStore
from clip_core.types import Floats, FrameEmbeddings, TimeTable, VideoRecord
from tests.benchmarks import semi_real
from tests.benchmarks.table import tell
from tests.support.records import HEADER

SAMPLES, RATE = 500, 2.0
MODEL = "5e" * 32


class PairsEncoder:
    """An encoder in name only: the texts of both banks have the vectors of real captions."""

    id, fingerprint, dim, logit_scale = "pairs", MODEL, semi_real.DIM, 100.0

    def __init__(self, known: semi_real.Pairs) -> None:
        self._bank = known.bank

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """Return the captions in order: 300 names, then 300 captions, get the same ones."""
        return self._bank[np.arange(len(texts)) % len(self._bank)]

    def embed_images(self, images: Sequence[object]) -> Floats:
        """Never called."""
        raise NotImplementedError


def fill(store: EmbeddingStore, known: semi_real.Pairs, count: int, seed: int = 1) -> None:
    """Store videos of 500 frames each, as many as it takes."""
    table = TimeTable(np.arange(SAMPLES), Fraction(1, 2), 0, SAMPLES / RATE, True, np.array([0]))
    for number, (vectors, _) in enumerate(semi_real.videos(known, count // SAMPLES, SAMPLES, seed)):
        video_id = f"{seed:032x}{number:032x}"
        record = VideoRecord(
            video_id=video_id, path=f"/films/{number}.mp4", name=f"{number}.mp4", table=table,
            unreadable_after_s=None, added_s=float(number), **HEADER,
        )  # fmt: skip
        store.remember_video(record)
        store.begin(video_id, MODEL, "pairs", RATE)
        store.append(video_id, MODEL, FrameEmbeddings(table.pts, table.times_s, vectors))
        if number % 200 == 199:
            store.optimize(MODEL)
            tell(f"library: {number + 1} videos")
    if count >= SAMPLES:
        store.finish(video_id, MODEL, RATE)
    store.optimize(MODEL)
