"""Who leads, against argmax sample by sample."""

import math

import numpy as np
import pytest

from clip_core.scoring.curve_features import Leads, leading_prompts
from clip_core.scoring.spans import sample_spans
from tests.support.curve_maker import scores_of


def listed(leads: Leads) -> list[tuple[int, float, float]]:
    return list(zip(leads.prompt.tolist(), leads.start_s.tolist(), leads.end_s.tolist(), strict=True))


def test_runs_tile_the_video_and_the_first_of_equals_leads() -> None:
    scores = scores_of([[1, 0], [2, 1], [0, 1], [1, 1]])
    assert listed(leading_prompts(scores)) == [(0, 0.0, 1.5), (1, 1.5, 2.5), (0, 2.5, 4.0)]


def test_nobody_leads_in_a_gap() -> None:
    scores = scores_of(np.ones((6, 2)), [0, 1, 2, 20, 21, 22], end_s=22)
    assert listed(leading_prompts(scores)) == [(0, 0.0, 3.25), (0, 18.75, 22.0)]


def test_a_weight_of_e_moves_a_prompt_by_one_over_the_logit_scale() -> None:
    scores = scores_of([[0.20, 0.195], [0.20, 0.185]], prompts=["a", "b"])
    assert listed(leading_prompts(scores, weights={"b": math.e}, logit_scale=100.0)) == [(1, 0.0, 0.5), (0, 0.5, 2.0)]
    assert listed(leading_prompts(scores, weights={"b": math.e, "x": 9.0}, logit_scale=1000.0)) == [(0, 0.0, 2.0)]


@pytest.mark.parametrize("seed", range(5))
def test_against_argmax(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.2, 2.0, 300))
    scores = scores_of(np.round(rng.random((300, 7)), 1), times)
    curves = np.asfortranarray(np.round(rng.random((300, 7)), 1).astype(np.float32))
    leads = leading_prompts(scores, curves)
    spans = sample_spans(times, 0.0, scores.end_s)
    expected: list[list[float]] = []
    for i, lead in enumerate(curves.argmax(axis=1).tolist()):
        if expected and expected[-1][0] == lead and expected[-1][2] == spans.left[i]:
            expected[-1][2] = float(spans.right[i])
        else:
            expected.append([lead, float(spans.left[i]), float(spans.right[i])])
    assert [list(run) for run in listed(leads)] == expected


def test_nothing_and_bad_values() -> None:
    assert len(leading_prompts(scores_of(np.empty((5, 0)), np.arange(5))).prompt) == 0
    assert len(leading_prompts(scores_of(np.empty((0, 2)), np.empty(0), end_s=1.0)).prompt) == 0
    scores = scores_of([[0.1, 0.2]])
    assert listed(leading_prompts(scores)) == [(1, 0.0, 1.0)]
    with pytest.raises(ValueError, match=r"weight of 'p0'.*not 0"):
        leading_prompts(scores, weights={"p0": 0.0})
    with pytest.raises(ValueError, match=r"logit scale.*not nan"):
        leading_prompts(scores, logit_scale=float("nan"))
