"""Each kind of smoothing against SciPy's own filter on the same array."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter, uniform_filter1d
from scipy.signal import filtfilt, savgol_filter

from clip_core.filters import FILTERS, odd_samples
from clip_core.scoring.smoothing import smooth
from clip_core.types import Floats
from tests.benchmarks.table import Row, Spread, tell
from tests.support.curve_maker import scores_of

GOAL = 3.0
SIZES = (7_200, 108_000)
QUICK_SIZES = (1_000,)
PROMPTS = 20
STEP_S = 0.2
WINDOWS_S = (1.0, 5.0)


def measure(quick: bool) -> list[Row]:
    """A row for each kind: seconds of ``smooth`` / seconds of SciPy's filter along axis 0 of the same array.

    Seconds of the processor: neither side uses a second thread, and what else runs does not count. The
    array is float32 (n, 20) as the scores are, the samples are even, and both are called in turn.
    Irregular samples are measured beside it, for information.
    """
    rows = []
    for kind in FILTERS:
        for n in QUICK_SIZES if quick else SIZES:
            rows.append(_row(kind, n, 1 if quick else 9))
            tell(f"filters: {kind} {n}: {rows[-1].ratio}")
    return rows


def _row(kind: str, n: int, turns: int) -> Row:
    values = np.random.default_rng(0).normal(0.2, 0.05, (n, PROMPTS)).astype(np.float32)
    even = scores_of(values, step_s=STEP_S)
    uneven = scores_of(values, np.arange(n) * STEP_S + np.random.default_rng(1).uniform(0, STEP_S / 2, n))
    if kind == "median" and n > SIZES[0]:
        turns = min(turns, 3)  # SciPy's takes seconds
    ratios, ours, others, irregular = [], [], [], []
    for window_s in WINDOWS_S:
        own = _scipys(kind, values, window_s / STEP_S)
        smooth(even, window_s, kind), own()
        for _ in range(turns):
            others.append(_seconds(own))
            ours.append(_seconds(lambda window_s=window_s: smooth(even, window_s, kind)))
            irregular.append(_seconds(lambda window_s=window_s: smooth(uneven, window_s, kind)))
            ratios.append(ours[-1] / others[-1])
    raw = {
        "smooth": Spread.of(ours, "ms", 2, 1000),
        "SciPy": Spread.of(others, "ms", 2, 1000),
        "smooth, irregular samples": Spread.of(irregular, "ms", 2, 1000),
    }
    says = f"smooth / SciPy's filter, {n:,} × {PROMPTS}, windows of 1 and 5 s"
    return Row(f"filters: {kind}", Spread.of(ratios), GOAL, True, says, raw)


def _scipys(kind: str, values: Floats, window: float) -> Callable[[], object]:
    size = odd_samples(window, len(values))
    decay = math.exp(-math.sqrt(24) / window)
    calls: dict[str, Callable[[], object]] = {
        "mean": lambda: uniform_filter1d(values, size, axis=0),
        "gaussian": lambda: gaussian_filter1d(values, window / math.sqrt(12), axis=0),
        "median": lambda: median_filter(values, size=(size, 1)),
        "savgol": lambda: savgol_filter(values, size, 2, axis=0),
        "exponential": lambda: filtfilt([1 - decay], [1, -decay], values, axis=0),
    }
    return calls[kind]


def _seconds(call: Callable[[], object]) -> float:
    began = time.thread_time()
    call()
    return time.thread_time() - began
