"""A library of videos whose frames are real pictures' vectors, and an encoder that knows their captions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from clip_core import EmbeddingStore
from clip_core.scoring.null_bank import bank_texts
from clip_core.types import Floats, FrameEmbeddings, Image, TimeTable, VideoRecord
from tests.support.records import HEADER


class RowEncoder:
    """Stands in for CLIP: the text "caption N" is row N; the texts of both null banks are other rows, in their order.

    Args:
        images, captions: float32 (rows, dim), unit length: a picture whose first pixel holds a number is that row.
        bank: 300 rows of captions.
        name: Another name is another model.
    """

    logit_scale = 100.0

    def __init__(self, images: Floats, captions: Floats, bank: Sequence[int], name: str = "rows") -> None:
        self.id, self.dim = name, captions.shape[1]
        self.fingerprint = hashlib.sha256(name.encode()).hexdigest()
        self._images, self._captions = images, captions
        self._rows = {f"caption {row}": row for row in range(len(captions))}
        for kind in ("names", "captions"):
            self._rows |= dict(zip(bank_texts(kind), bank, strict=True))

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        return self._captions[[self._rows[text] for text in texts]]

    def embed_images(self, images: Sequence[Image]) -> Floats:
        return self._images[[int(image[0, 0, 0]) + 256 * int(image[0, 0, 1]) for image in images]]


def picture_of(row: int) -> Image:
    """A picture that ``RowEncoder`` takes for that row."""
    return np.full((4, 4, 3), (row % 256, row // 256, 0), np.uint8)


def store_video(store: EmbeddingStore, encoder: RowEncoder, name: str, vectors: Floats, **changes: object) -> str:
    """Write a video into a store as if it had been indexed, one frame a second; return its id."""
    video_id = hashlib.sha256(name.encode()).hexdigest()
    pts = np.arange(len(vectors), dtype=np.int64)
    table = TimeTable(pts, Fraction(1), 0, float(len(pts)), True, pts[:1])
    facts = {"video_id": video_id, "path": f"/films/{name}", "name": name, "table": table, "reading": "",
             "unreadable_after_s": None, "added_s": 1000.0, **HEADER, **changes}  # fmt: skip
    store.remember_video(VideoRecord(**facts))  # type: ignore[arg-type]
    store.begin(video_id, encoder.fingerprint, encoder.id, 1.0)
    store.append(video_id, encoder.fingerprint, FrameEmbeddings(pts, pts.astype(np.float64), vectors))
    store.finish(video_id, encoder.fingerprint, 1.0)
    return video_id
