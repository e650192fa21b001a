"""Spikes of planted jumps."""

from dataclasses import replace

import numpy as np
import pytest

from clip_core.scoring.curve_features import LEAST_CHANGE, LONGEST_S, Spike, find_spikes
from clip_core.scoring.smoothing import smooth
from clip_core.types import Scores
from tests.support.curve_maker import scores_of

STEP_S = 0.2


def noise(n: int = 500, seed: int = 0, prompts: int = 1, size: float = 0.004) -> np.ndarray:
    return 0.2 + np.random.default_rng(seed).normal(0, size, (n, prompts))


def jumping(places: dict[int, float], seed: int = 0, column: int = 0, prompts: int = 1) -> Scores:
    """Noise with jumps: from these samples on a prompt is so much higher."""
    values = noise(seed=seed, prompts=prompts)
    for place, height in places.items():
        values[place:, column] += height
    return scores_of(values, step_s=STEP_S)


@pytest.mark.parametrize("window_s", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_planted_jumps_are_the_spikes_with_their_height(window_s: float, seed: int) -> None:
    scores = jumping({100: 0.15, 250: -0.15, 400: 0.1}, seed)
    spikes = find_spikes(scores, smooth(scores, window_s))
    assert [s.time_s for s in spikes] == pytest.approx([20.0, 50.0, 80.0], abs=window_s / 2 + 1e-9)
    assert [s.change for s in spikes] == pytest.approx([0.15, -0.15, 0.1], abs=0.02)
    assert [scores.times_s[s.sample] for s in spikes] == [s.time_s for s in spikes]
    assert {s.prompt for s in spikes} == {"p0"}


@pytest.mark.parametrize("window_s", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_noise_has_none(window_s: float, seed: int) -> None:
    scores = scores_of(noise(2000, seed, 10, size=0.02), step_s=STEP_S)
    assert find_spikes(scores, smooth(scores, window_s)) == []


def test_a_jump_over_several_samples_is_one_spike_at_its_steepest_step() -> None:
    ramp = np.concatenate([np.zeros(100), [0.05, 0.12, 0.17], np.full(100, 0.2)])
    scores = scores_of(ramp, step_s=STEP_S)
    assert find_spikes(scores, scores.values) == [Spike("p0", 101, pytest.approx(20.2), pytest.approx(0.2))]


def test_a_peak_of_one_sample_is_a_rise_and_a_fall() -> None:
    values = noise()
    values[200] += 0.2
    scores = scores_of(values, step_s=STEP_S)
    assert [(s.sample, np.sign(s.change)) for s in find_spikes(scores, scores.values)] == [(200, 1), (201, -1)]


def test_a_slow_rise_is_none() -> None:
    """0.3 within 60 s: within the 2 s that a spike may take it is 0.01."""
    slow = np.concatenate([np.full(100, 0.0), np.linspace(0, 0.3, 300), np.full(100, 0.3)])
    scores = scores_of(noise()[:, 0] + slow, step_s=STEP_S)
    assert find_spikes(scores, scores.values) == []
    assert find_spikes(scores, smooth(scores, 1.0)) == []


def test_of_a_long_rise_the_steepest_part_counts() -> None:
    times = np.arange(0, 60, STEP_S)
    curve = np.interp(times, [0, 20, 20.2, 40, 60], [0.0, 0.01, 0.2, 0.21, 0.21])
    scores = scores_of(curve, times)
    (spike,) = find_spikes(scores, scores.values)
    slow = 0.01 / 20 * (LONGEST_S - STEP_S)
    assert (spike.time_s, spike.change) == (pytest.approx(20.2), pytest.approx(0.19 + slow, abs=1e-4))


def test_the_movements_of_a_prompt_that_is_never_there_are_none_beside_one_that_is() -> None:
    """Alone, the calm curve's own jump would count."""
    values = noise(prompts=4)  # the first is there from 20 s on
    values[:, 1] = 0.2 + (values[:, 1] - 0.2) / 20
    values[300:, 1] += 0.02
    values[100:, 0] += 0.3
    scores = scores_of(values, step_s=STEP_S)
    assert [(s.prompt, s.sample) for s in find_spikes(scores, scores.values)] == [("p0", 100)]
    alone = scores_of(values[:, 1], step_s=STEP_S)
    assert [s.sample for s in find_spikes(alone, alone.values)] == [300]


def test_nothing_is_said_across_a_gap() -> None:
    times = np.concatenate([np.arange(100) * STEP_S, 60 + np.arange(100) * STEP_S])
    values = noise(200)[:, 0]
    values[100:] += 0.3
    scores = scores_of(values, times)
    assert find_spikes(scores, scores.values) == []
    together = scores_of(values, step_s=STEP_S)
    assert [s.sample for s in find_spikes(together, together.values)] == [100]


def test_times_may_be_irregular() -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(0.1, 0.4, 500))
    values = noise()
    values[321:] -= 0.2
    scores = scores_of(values, times)
    (spike,) = find_spikes(scores, scores.values)
    assert (spike.sample, spike.time_s) == (321, times[321])


def test_prompts_with_a_spike_at_one_time_stand_in_their_order() -> None:
    values = noise(prompts=3)
    values[100:, [2, 0]] += 0.2
    values[50:, 1] += 0.2
    scores = scores_of(values, step_s=STEP_S)
    assert [s.prompt for s in find_spikes(scores, scores.values)] == ["p1", "p0", "p2"]


@pytest.mark.parametrize(("unit", "least"), LEAST_CHANGE.items())
def test_each_unit_has_a_least_change(unit: str, least: float) -> None:
    for height, expected in ((0.9 * least, 0), (1.1 * least, 1)):
        scores = replace(scores_of(np.repeat([0.0, height], 100), step_s=STEP_S), unit=unit)
        assert len(find_spikes(scores, scores.values)) == expected


@pytest.mark.parametrize("values", [[0.2], [0.2, 0.2], np.full(50, 0.2), np.empty((0, 2)), np.empty((10, 0))])
def test_what_stays_has_none(values: np.ndarray) -> None:
    times = np.arange(len(values)) * STEP_S
    scores = scores_of(values, times, end_s=10.0)
    assert find_spikes(scores, scores.values) == []
