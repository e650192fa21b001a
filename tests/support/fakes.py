"""Stand-ins for slow or heavy things."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from clip_core.config import Crop
from clip_core.types import Floats, Image


class FakeClock:
    """Stands in for the module ``time`` where waits are made: a sleep is over at once.

    Attributes:
        sleeps: The seconds of each sleep.
        on_sleep: Called in each sleep, with all seconds slept so far.
    """

    def __init__(self, on_sleep: Callable[[float], None] = lambda slept_s: None) -> None:
        self.sleeps: list[float] = []
        self.on_sleep = on_sleep

    def monotonic(self) -> float:
        return 1000.0 + sum(self.sleeps)

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.on_sleep(sum(self.sleeps))


class FakeEncoder:
    """An Encoder without a model: a picture's vector comes from its colours, a text's from its hash.

    Attributes:
        pictures: How many pictures it has embedded so far, over all threads.
        texts: The same for texts.
        batches: Sizes of the calls to embed_images, in order.

    Args:
        dim: Length of a vector, at least 4.
        delay_s: What each picture takes; the thread sleeps.
        name: Its id; another name is another model with another fingerprint.
    """

    logit_scale = 100.0
    provider = "CPU"
    default_threshold = 0.3
    framing: Crop = "squash"
    precision = "fp32"
    sends_to: str | None = None

    def __init__(self, dim: int = 16, delay_s: float = 0.0, name: str = "fake") -> None:
        self.id = self.name = name
        self.dim = dim
        self.delay_s = delay_s
        self.fingerprint = hashlib.sha256(f"fake {name} {dim}".encode()).hexdigest()
        self.pictures = 0
        self.texts = 0
        self.batches: list[int] = []
        self._lock = threading.Lock()
        self._mix = np.random.default_rng(dim).standard_normal((2 * 2 * 3 + 1, dim))

    def embed_images(self, images: Sequence[Image]) -> Floats:
        vectors = np.array([self._picture(image) for image in images], dtype=np.float32).reshape(-1, self.dim)
        if self.delay_s:
            time.sleep(self.delay_s * len(images))
        with self._lock:
            self.pictures += len(images)
            self.batches.append(len(images))
        return vectors

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        with self._lock:
            self.texts += len(texts)
        return np.array([self._text(text) for text in texts], dtype=np.float32).reshape(-1, self.dim)

    def framed(self, crop: Crop | None) -> FakeEncoder:
        return self

    def _picture(self, image: Image) -> Floats:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ValueError(f"pictures must be uint8 RGB (height, width, 3), not {image.dtype} {image.shape}")
        halves = [half for row in np.array_split(image, 2, axis=0) for half in np.array_split(row, 2, axis=1)]
        # Of a picture one pixel high or wide, half of the halves are empty: the whole stands in.
        colours = [(half if half.size else image)[::4, ::4].mean(axis=(0, 1)) / 255 for half in halves]
        return _unit(np.concatenate([*colours, [0.1]]) @ self._mix)

    def _text(self, text: str) -> Floats:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        return _unit(np.random.default_rng(list(digest)).standard_normal(self.dim))


def _unit(vector: np.ndarray) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
