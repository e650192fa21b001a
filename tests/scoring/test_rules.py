"""Hysteresis, filling, dropping and padding against code that walks from sample to sample."""

import numpy as np
import pytest

from clip_core.scoring.moments import Rules, find_moments, hysteresis
from clip_core.scoring.spans import sample_spans
from clip_core.types import Scores
from tests.support.curve_maker import scores_of

Stretch = list[float]


def slow(
    scores: Scores,
    onset: float,
    offset: float,
    *,
    gap: float = 0.0,
    short: float = 0.0,
    pad: float = 0.0,
    allowed: np.ndarray | None = None,
    low_high: tuple[float, float] = (-9.0, 9.0),
) -> list[Stretch]:
    """[start_s, end_s, peak, mean] of the moments of the first prompt, one sample after the other."""
    spans = sample_spans(scores.times_s, scores.start_s, scores.end_s)
    curve = scores.values[:, 0]
    groups: list[list[int]] = []
    for i, value in enumerate(curve):
        if not (value >= np.float32(offset) and low_high[0] <= value <= low_high[1]):
            continue
        if groups and groups[-1][-1] == i - 1 and spans.stretch[i] == spans.stretch[i - 1]:
            groups[-1].append(i)
        else:
            groups.append([i])
    groups = [g for g in groups if any(curve[i] >= np.float32(onset) and (allowed is None or allowed[i]) for i in g)]
    filled: list[list[int]] = []
    for group in groups:
        between = range(filled[-1][-1] + 1, group[0]) if filled else range(0)
        near = filled and spans.left[group[0]] - spans.right[filled[-1][-1]] < gap - 1e-9
        whole = filled and spans.stretch[group[0]] == spans.stretch[filled[-1][-1]]
        if near and whole and all(low_high[0] <= curve[i] <= low_high[1] for i in between):
            filled[-1] += [*between, *group]
        else:
            filled.append(list(group))
    kept = [g for g in filled if spans.right[g[-1]] - spans.left[g[0]] >= short - 1e-9]
    ends = [(float(spans.left[g[0]]), float(spans.right[g[-1]])) for g in kept]
    out = []
    for k, group in enumerate(kept):
        before = (ends[k - 1][1] + ends[k][0]) / 2 if k else scores.start_s
        after = (ends[k][1] + ends[k + 1][0]) / 2 if k + 1 < len(kept) else scores.end_s
        mean = np.average(curve[group].astype(np.float64), weights=spans.lengths_s[group])
        start, end = (max(before, ends[k][0] - pad), min(after, ends[k][1] + pad)) if pad else ends[k]
        out.append([start, end, float(curve[group].max()), float(mean)])
    return out


def walk(seed: int, n: int = 300) -> Scores:
    """A random walk with a gap, at irregular times."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.2, 0.8, n))
    times[n // 2 :] += 7.0
    values = np.cumsum(rng.normal(0, 0.1, n))
    values = values - np.median(values) + rng.normal(0, 0.1, n)
    return scores_of(values, times, end_s=float(times[-1]) + 0.3)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "lengths", [(0, 0, 0), (1.5, 0, 0), (0, 1.2, 0), (0, 0, 0.7), (1.5, 2.0, 0.9), (99, 3.0, 50.0)]
)
@pytest.mark.parametrize("offset", [0.1, -0.1])
def test_all_rules_against_the_slow_code(seed: int, lengths: tuple[float, float, float], offset: float) -> None:
    scores = walk(seed)
    gap, short, pad = lengths
    moments = find_moments(scores, threshold=0.1, offset=offset, min_gap_s=gap, min_duration_s=short, pad_s=pad)
    found = sorted([m.start_s, m.end_s, m.peak, m.mean] for m in moments)
    expected = slow(scores, 0.1, offset, gap=gap, short=short, pad=pad)
    assert len(expected) > 0
    if pad == 0:
        assert found == expected  # to the bit
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_bank_and_the_score_range_against_the_slow_code(seed: int) -> None:
    scores = walk(seed)
    allowed = np.random.default_rng(seed).random(300) < 0.5
    options = {"min_gap_s": 2.0, "score_range": (-0.2, 0.45), "allowed": allowed[:, None]}
    found = sorted((m.start_s, m.end_s) for m in find_moments(scores, threshold=0.1, offset=0.0, **options))
    low_high = (float(np.float32(-0.2)), float(np.float32(0.45)))
    expected = slow(scores, 0.1, 0.0, gap=2.0, low_high=low_high, allowed=allowed)
    assert found == [(start, end) for start, end, *_ in expected]
    assert found


def test_runs_need_a_start() -> None:
    carries = np.array([1, 1, 0, 1, 1, 1, 0, 1], bool)
    starts = np.array([0, 1, 1, 0, 0, 0, 0, 1], bool)
    first, stop = hysteresis(starts, carries, np.array([0, 0, 0, 0, 0, 0, 0, 0]))
    assert list(zip(first.tolist(), stop.tolist(), strict=True)) == [(0, 2), (7, 8)]
    first, stop = hysteresis(carries, carries, np.array([0, 1, 1, 1, 2, 2, 2, 2]))
    assert list(zip(first.tolist(), stop.tolist(), strict=True)) == [(0, 1), (1, 2), (3, 4), (4, 6), (7, 8)]


@pytest.mark.parametrize("name", ["min_gap_s", "min_duration_s", "pad_s"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_impossible_lengths_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be >= 0 and finite, not {value}: 0 switches"):
        Rules(**{name: value})
