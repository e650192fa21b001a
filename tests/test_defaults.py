"""With planted events, each prompt gets a cut that finds them, and none where nothing is."""

import numpy as np
import pytest

from clip_core.scoring.defaults import bank_ceiling, default_cuts, split_levels
from clip_core.scoring.moments import find_moments
from clip_core.scoring.units import Scale
from clip_core.values import Moment, Scores
from tests.curve_maker import scores_of

STEP_S, NOISE, RISE = 0.5, 0.008, 0.06
SMOOTHING_S = 1.5


def clip_like(
    events: list[tuple[float, float]], n: int = 1200, *, rise: float = RISE, noise: float = NOISE, drift: float = 0.0
) -> tuple[Scores, np.ndarray]:
    """A curve such as ViT-B/32 gives: 0.20 ± 0.008 and 0.06 more in the events; and the bank's peaks beside it."""
    rng = np.random.default_rng(11)
    times = np.arange(n) * STEP_S
    curve = rng.normal(0.20, noise, n) + drift * np.sin(times / 60)
    for start, end in events:
        curve[(times >= start) & (times < end)] += rise
    levels = rng.normal(0.19, 0.015, 300)  # neutral captions lie at different heights
    peaks = (levels[:, None] + rng.normal(0, noise, (300, n))).max(axis=1).astype(np.float32)
    return scores_of(curve, times, end_s=n * STEP_S, prompts=["a dog"]), peaks


def moments_of(raw: Scores, peaks: np.ndarray | None) -> list[Moment]:
    cuts = default_cuts(Scale(raw), peaks, smoothing_s=SMOOTHING_S)
    return find_moments(raw, threshold={p: d.cosine for p, d in cuts.items()}, smoothing_s=SMOOTHING_S)


def iou(a: tuple[float, float], b: tuple[float, float]) -> float:
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (a[1] - a[0] + b[1] - b[0] - shared)


@pytest.mark.parametrize("with_bank", [True, False])
@pytest.mark.parametrize(
    ("events", "more"),
    [
        ([(100, 120), (300, 306)], {}),
        ([(100, 460)], {}),  # 60 % of the video: the median lies in the event
        ([(0, 50), (570, 600)], {}),  # at the very start and the very end
        ([(100, 104)], {}),
        ([(100, 130)], {"drift": 0.01}),
        ([(2000, 2020)], {"n": 20_000}),
        ([(100, 130)], {"rise": 0.3, "noise": 0.03}),  # another model's range
    ],
)
def test_planted_events_are_found_and_nothing_else(
    events: list[tuple[float, float]], more: dict[str, float], with_bank: bool
) -> None:
    raw, peaks = clip_like(events, **more)  # type: ignore[arg-type]
    found = sorted((m.start_s, m.end_s) for m in moments_of(raw, peaks if with_bank else None))
    assert len(found) == len(events)
    for moment, event in zip(found, events, strict=True):
        truth = (max(0.0, event[0] - STEP_S / 2), min(raw.end_s, event[1] - STEP_S / 2))  # as samples stand for it
        assert iou(moment, truth) >= 0.85


@pytest.mark.parametrize("with_bank", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3, 50, 1200, 20_000])
def test_a_prompt_without_events_has_no_cut(n: int, with_bank: bool) -> None:
    raw, peaks = clip_like([], n)
    assert default_cuts(Scale(raw), peaks if with_bank else None, smoothing_s=SMOOTHING_S) == {}


@pytest.mark.parametrize("peaks", [None, np.full(300, 0.1, np.float32), np.full(300, 0.9, np.float32)])
@pytest.mark.parametrize("n", [0, 1, 2, 600])
def test_a_constant_curve_has_no_cut_however_high_it_is(n: int, peaks: np.ndarray | None) -> None:
    assert default_cuts(Scale(scores_of(np.full(n, 0.35), np.arange(n), end_s=float(n))), peaks, smoothing_s=0.6) == {}


def test_noise_of_a_thousandth_is_no_event_even_above_the_bank() -> None:
    curve = 0.3 + np.random.default_rng(2).normal(0, 0.001, 600)
    assert default_cuts(Scale(scores_of(curve)), np.full(300, 0.1, np.float32)) == {}


def test_a_wiggle_below_the_bank_is_not_flagged_however_z_rises() -> None:
    raw, _ = clip_like([(100, 120)])
    assert float(Scale(raw).values("z").max()) > 6
    high = np.full(300, 0.30, np.float32)
    assert default_cuts(Scale(raw), high) == {}
    assert set(default_cuts(Scale(raw), np.append(np.full(285, 0.1), np.full(15, 0.9)).astype(np.float32))) == {"a dog"}
    assert default_cuts(Scale(raw), np.append(np.full(284, 0.1), np.full(16, 0.9)).astype(np.float32)) == {}
    assert set(default_cuts(Scale(raw), np.append(np.full(284, 0.1), np.full(16, 0.9)), bank_share=0.9)) == {"a dog"}


def test_the_cut_lies_at_half_height_or_as_high_as_the_bank_up_to_seven_tenths() -> None:
    raw = scores_of([0.2] * 60 + [0.3] * 10)
    for ceiling, cut in [(0.1, 0.25), (0.26, 0.26), (0.29, 0.27)]:
        got = default_cuts(Scale(raw), np.full(300, ceiling, np.float32))["p0"]
        assert (got.background, got.plateau, got.cosine) == pytest.approx((0.2, 0.3, cut))
        assert got.z == pytest.approx((cut - 0.2) / 0.005, rel=1e-4)


def test_split_levels_of_two_levels_whatever_their_shares() -> None:
    for many in (1, 10, 50, 90, 99):
        rising = np.sort(np.append(np.full(100 - many, 1.0), np.full(many, 3.0)))
        assert split_levels(rising) == (1.0, 3.0, 2.0)
    assert split_levels(np.array([0.4])) == (0.4, 0.4, 0.4)


def test_the_ceiling_is_what_the_share_nowhere_exceeds() -> None:
    peaks = np.arange(1, 301, dtype=np.float32)[::-1]
    assert [bank_ceiling(peaks, share) for share in (0.0, 0.5, 0.95, 1.0)] == [1, 150, 285, 300]
    assert bank_ceiling(np.array([0.5], np.float32)) == 0.5


def test_a_cut_in_z_gives_the_same_moments_as_its_cosine() -> None:
    raw, peaks = clip_like([(100, 460)])
    cuts = default_cuts(Scale(raw), peaks, smoothing_s=SMOOTHING_S)
    scores = Scale(raw).in_unit("z")
    found = find_moments(scores, threshold={p: d.z for p, d in cuts.items()}, smoothing_s=SMOOTHING_S)
    assert cuts["a dog"].z < 0
    assert [(m.start_s, m.end_s) for m in found] == [(m.start_s, m.end_s) for m in moments_of(raw, peaks)]


def test_two_samples_at_one_time_a_window_longer_than_the_video_and_200_prompts_give_numbers() -> None:
    raw, peaks = clip_like([(100, 120)])
    twice = scores_of(np.repeat(raw.values, 200, axis=1), np.maximum(0, raw.times_s - STEP_S), end_s=raw.end_s)
    for window_s in (SMOOTHING_S, 5000.0):
        for default in default_cuts(Scale(twice), peaks, smoothing_s=window_s).values():
            assert np.isfinite([default.cosine, default.z, default.background, default.plateau]).all()
    assert len(default_cuts(Scale(twice), peaks, smoothing_s=SMOOTHING_S)) == 200


@pytest.mark.parametrize("seed", range(5))
def test_an_event_still_beats_a_bank_of_which_some_captions_fit_the_video(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bank = rng.normal(0.19, 0.015, 300)[:, None] + rng.normal(0, NOISE, (300, 1200))
    bank[:15, :200] += 0.05
    raw, _ = clip_like([(100, 120), (300, 306)])
    assert len(moments_of(raw, bank.max(axis=1).astype(np.float32))) == 2
    assert moments_of(clip_like([])[0], bank.max(axis=1).astype(np.float32)) == []


def test_a_single_sample_above_the_bank_is_no_evidence() -> None:
    raw = scores_of([*[0.2] * 100, *[0.26] * 20, 0.31, *[0.26] * 20, *[0.2] * 100])
    assert default_cuts(Scale(raw), np.full(300, 0.3, np.float32), smoothing_s=5.0) == {}
    assert set(default_cuts(Scale(raw), np.full(300, 0.25, np.float32), smoothing_s=5.0)) == {"p0"}
