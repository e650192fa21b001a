"""Runs of index_video with a fresh store, and encoders that watch or slow what is asked of them."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clip_core import EmbeddingStore, index_video, open_video
from clip_core.types import Floats, Frame, Image
from clip_core.video.sampling import sample_pts
from tests.benchmarks.made import CACHE
from tests.support.fakes import FakeEncoder
from tests.support.video_maker import VideoSpec, planted

RATE = 2.0
KEPT_FRAMES = 32


class Watched:
    """An encoder that notes how many pictures each call brings.

    Attributes:
        batches: The sizes of the calls so far.
    """

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def embed_images(self, images: Sequence[Image]) -> Floats:
        """Embed pictures: see Encoder."""
        self.batches.append(len(images))
        vectors: Floats = self._encoder.embed_images(images)
        return vectors


class Paced(FakeEncoder):
    """A fake encoder for which each picture takes the same time, its own arithmetic included.

    Args:
        picture_s: Seconds for each picture; the thread sleeps for what is left of them.
    """

    def __init__(self, picture_s: float) -> None:
        super().__init__()
        self._picture_s = picture_s

    def embed_images(self, images: Sequence[Image]) -> Floats:
        """Embed pictures: see Encoder."""
        ends = time.perf_counter() + self._picture_s * len(images)
        vectors = super().embed_images(images)
        time.sleep(max(0.0, ends - time.perf_counter()))
        return vectors


@dataclass(frozen=True)
class IndexRun:
    """One whole run: how many frames it stored, and the seconds from the call to the last report."""

    frames: int
    took_s: float

    @property
    def frames_per_second(self) -> float:
        """Over the whole call, with opening, reading the file's id, and the last commit."""
        return self.frames / self.took_s


def index_fresh(path: Path, encoder: Any) -> IndexRun:
    """Index a video into a new store and throw the store away."""
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        store = EmbeddingStore(folder)
        asked = time.perf_counter()
        *_, last = index_video(path, encoder, store, samples_per_second=RATE)
        took_s = time.perf_counter() - asked
    if last.stage != "done" or last.done != last.total:
        raise RuntimeError(f"index_video ended at {last}")
    return IndexRun(last.total, took_s)


def decode_alone(path: Path) -> tuple[float, list[Frame]]:
    """Seconds for each sample of decoding alone, and the first of the frames."""
    kept: list[Frame] = []
    with open_video(path) as video:
        wanted = sample_pts(video.table, RATE).tolist()
        began = time.perf_counter()
        for frame in video.frames(wanted):
            if len(kept) < KEPT_FRAMES:
                kept.append(frame)
        return (time.perf_counter() - began) / len(wanted), kept


def encode_alone(encoder: Any, frames: Sequence[Frame], batches: Sequence[int]) -> float:
    """Seconds for each picture of ``embed_images`` alone, in calls of the same sizes as an index run made."""
    supply = itertools.cycle(frame.rgb for frame in frames)
    began = time.perf_counter()
    for size in batches:
        encoder.embed_images([next(supply) for _ in range(size)])
    return (time.perf_counter() - began) / sum(batches)


def warm_up() -> None:
    """Index a tiny video, so that no later run pays for imports."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        tiny = planted(Path(folder), "tiny", 30, VideoSpec())
        index_fresh(tiny.path, FakeEncoder())
