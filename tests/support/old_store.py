"""Stores as an earlier version left them that read videos with OpenCV: frames are named by their nanoseconds."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from clip_core.store.store import EmbeddingStore
from clip_core.types import FrameEmbeddings, Ints, Times

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "store" / "indexed_by_opencv.zip"


def unpack_old_store(folder: Path) -> EmbeddingStore:
    """Return the store that the earlier version wrote of packed.avi; see the README beside the archive."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(folder)
    return EmbeddingStore(folder)


def rewrite_as_opencv(store: EmbeddingStore, video_id: str) -> None:
    """Rewrite what is stored of a video as if OpenCV had read it: its table and its frames under all models."""
    record = store.video(video_id)
    assert record is not None
    models = next(video.models for video in store.usage() if video.record.video_id == video_id)
    read = {model: store.read(video_id, model.fingerprint)[0] for model in models}
    store.forget_frames(video_id)
    pts = _nanoseconds(record.table.times_s)
    table = replace(
        record.table, pts=pts, time_base=Fraction(1, 10**9), start_pts=0, confirmed=True, key_pts=np.zeros(1, np.int64)
    )
    store.remember_video(replace(record, table=table))
    for model, frames in read.items():
        store.begin(video_id, model.fingerprint, model.model_id, model.samples_per_second)
        renamed = FrameEmbeddings(_nanoseconds(frames.times_s), frames.times_s, frames.vectors)
        store.append(video_id, model.fingerprint, renamed)
        store.finish(video_id, model.fingerprint, model.samples_per_second)


def _nanoseconds(times_s: Times) -> Ints:
    return np.rint(times_s * 10**9).astype(np.int64)
