"""A video whose vectors are in the store without having been computed, and the settings that show it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from clip_core import EmbeddingStore, load_encoder, open_video
from clip_core.encoders.base import Encoder
from clip_core.library.identify import file_stamp, record_of
from clip_core.types import Floats, FrameEmbeddings
from clip_core.video.sampling import sample_pts
from tests.benchmarks import made
from tests.benchmarks.runs import RATE

PROMPTS = (
    *("a dog", "a cat", "pizza", "the red house", "a green tree"),
    *("the sun", "a photo of a car", "a blue car", "the dog of the house", "a photo of the sun"),
)
THRESHOLD = 0.3
COMMIT_FRAMES = 64


@dataclass(frozen=True)
class Planted:
    """Where it all lies.

    Attributes:
        config: A config.yaml that opens the video.
        path: The video.
        samples: How many vectors are stored.
        frames: How many frames the video has.
    """

    config: Path
    path: Path
    samples: int
    frames: int


@contextmanager
def planted_page(seconds: int, size: tuple[int, int] = made.SMALL) -> Iterator[Planted]:
    """Lend a store in which a video of that length is indexed at 2/s, ten prompts coming and going."""
    with planted_video(made.video(seconds, size)) as planted:
        yield planted


@contextmanager
def planted_video(path: Path, rate: float = RATE, video_id: str = "") -> Iterator[Planted]:
    """The same of any video, at any rate; with a ``video_id`` its bytes are not read for one."""
    model = made.small_model()
    with TemporaryDirectory(dir=made.CACHE) as name:
        folder = Path(name)
        samples, frames = _fill(EmbeddingStore(folder / "embeddings"), path, load_encoder(str(model)), rate, video_id)
        (folder / "videos").mkdir()
        settings = {
            "video_path": str(path), "CLIP": list(PROMPTS), "model": str(model), "samples_per_second": rate,
            "threshold": THRESHOLD, "smoothing_s": 2.0, "embeddings": str(folder / "embeddings"),
            "video_dirs": [str(folder / "videos")], "model_dirs": [str(folder / "videos")],
        }  # fmt: skip
        config = folder / "config.yaml"
        config.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
        yield Planted(config, path, samples, frames)


def _fill(store: EmbeddingStore, path: Path, encoder: Encoder, rate: float, video_id: str) -> tuple[int, int]:
    """Write what a run of index_video would have left, in batches of the same size."""
    with open_video(path) as video:
        record = record_of(video, video_id or video.info.video_id, None)
    table = replace(record.table, confirmed=True)
    store.remember_video(replace(record, table=table))
    store.remember_id(path, *file_stamp(path), record.video_id)
    pts = sample_pts(table, rate)
    vectors = _vectors(table.seconds(pts), encoder.embed_texts(PROMPTS))
    store.begin(record.video_id, encoder.fingerprint, encoder.id, rate)
    for start in range(0, len(pts), COMMIT_FRAMES):
        part = slice(start, start + COMMIT_FRAMES)
        batch = FrameEmbeddings(pts[part], table.seconds(pts[part]), vectors[part])
        store.append(record.video_id, encoder.fingerprint, batch)
    store.finish(record.video_id, encoder.fingerprint, rate)
    store.optimize(encoder.fingerprint)
    return len(pts), len(table)


def _vectors(times_s: np.ndarray, texts: Floats) -> Floats:
    """Noise in which each prompt rises and falls in a rhythm of its own, every four to eight minutes."""
    rng = np.random.default_rng(11)
    periods_s = np.linspace(240, 480, len(texts))
    there = np.sin(2 * np.pi * times_s[:, None] / periods_s + np.arange(len(texts))).clip(0, None) ** 6
    own = texts - texts.mean(axis=0)  # what all prompts share would lift all curves at once
    vectors = rng.standard_normal((len(times_s), texts.shape[1])) * texts.shape[1] ** -0.5 + 0.8 * there @ own
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
