"""What units and the null bank cost beside the matrix product that they start from."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from clip_core.scoring.null_bank import BLOCK_SAMPLES, NullBank
from clip_core.scoring.units import Scale
from clip_core.types import Floats, Scores
from tests.benchmarks.table import Row, Spread, tell

SAMPLES, DIM, PROMPTS, CAPTIONS = 108_000, 512, 20, 300
UNITS_GOAL, BANK_GOAL = 1.0, 2.0


def measure_units(quick: bool) -> list[Row]:
    """z of 20 prompts, statistics included, against the bare product that gave their cosines."""
    frames, texts = _unit_vectors(2_000 if quick else SAMPLES, 1), _unit_vectors(PROMPTS, 2)
    across = np.ascontiguousarray(texts.T)
    product, z, ratio = [], [], []
    others: dict[str, list[float]] = {"percentile": [], "softmax": []}
    for _ in range(1 if quick else 9):
        product.append(_seconds(lambda: frames @ across))
        raw = _scores(frames @ across)
        z.append(_seconds(lambda raw=raw: Scale(raw).values("z")))  # type: ignore[misc]
        ratio.append(z[-1] / product[-1])
        scale = Scale(raw)
        for unit, times in others.items():
            times.append(_seconds(lambda unit=unit, scale=scale: scale.values(unit)))  # type: ignore[misc]
    raw_times = {f"bare product, {len(frames)} × {PROMPTS}": Spread.of(product, "ms", 1, 1000)}
    raw_times |= {name: Spread.of(times, "ms", 1, 1000) for name, times in {"z": z, **others}.items()}
    tell(f"units: {Spread.of(ratio)}")
    says = "z of 20 prompts with its statistics / their bare matrix product"
    return [Row("units", Spread.of(ratio), UNITS_GOAL, True, says, raw_times)]


def measure_bank(quick: bool) -> list[Row]:
    """The levels of a bank against its bare matrix product in the same blocks."""
    frames, captions = _unit_vectors(2_000 if quick else SAMPLES, 1), _unit_vectors(CAPTIONS, 2)
    across, texts = np.ascontiguousarray(captions.T), [f"text {k}" for k in range(CAPTIONS)]
    room = np.empty((BLOCK_SAMPLES, CAPTIONS), np.float32)

    def bare() -> None:
        for start in range(0, len(frames), BLOCK_SAMPLES):
            block = frames[start : start + BLOCK_SAMPLES]
            np.matmul(block, across, out=room[: len(block)])

    product, levels = [], []
    for _ in range(1 if quick else 7):
        product.append(_seconds(bare))
        levels.append(_seconds(lambda: NullBank(texts, captions, 100.0).extend(frames)))
    ratio = Spread.of([a / b for a, b in zip(levels, product, strict=True)])
    times = {
        f"bare product, {len(frames)} × {CAPTIONS} in blocks of {BLOCK_SAMPLES}": Spread.of(product, "s"),
        "the bank: product and levels": Spread.of(levels, "s"),
    }
    tell(f"bank: {ratio}")
    return [Row("bank", ratio, BANK_GOAL, True, "levels of a null bank / its bare product", times)]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _unit_vectors(n: int, seed: int) -> Floats:
    vectors = np.random.default_rng(seed).standard_normal((n, DIM), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _scores(values: Floats) -> Scores:
    n, p = values.shape
    names = tuple(f"prompt {number}" for number in range(p))
    return Scores(np.arange(n, dtype=np.int64), np.arange(n) / 30, names, values, 0.0, n / 30)
