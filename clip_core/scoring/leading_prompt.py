"""Find the prompt that leads at each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clip_core.scoring.spans import sample_spans
from clip_core.types import Floats, Ints, Scores, Times


@dataclass(frozen=True, slots=True, eq=False)
class Leads:
    """k runs of samples in time order, each led by one prompt; gaps between samples are left out.

    Attributes:
        prompt: int64 (k,), the leader's index in the scores' prompts.
        start_s, end_s: float64 (k,), half-open and disjoint.
    """

    prompt: Ints
    start_s: Times
    end_s: Times

    def __len__(self) -> int:
        return len(self.prompt)


def leading_prompts(
    scores: Scores,
    smoothed: Floats | None = None,
    *,
    weights: Mapping[str, float] | None = None,
    logit_scale: float = 100.0,
) -> Leads:
    """Return which prompt has the highest s + ln(weight) / ``logit_scale``, that is, the highest softmax share.

    The leading prompt need not be visible.

    Args:
        scores: Cosine similarities, n samples of p prompts.
        smoothed: Their smoothed curves, float32 (n, p); None: use the raw ones.
        weights: Prompt → prior odds, > 0; default 1.
        logit_scale: The model's, > 0.

    Returns:
        Runs; neighbours have different prompts or a gap between them. On a tie the first prompt leads.

    Raises:
        ValueError: A weight or the logit scale is not finite or not above 0.
    """
    curves = scores.values if smoothed is None else smoothed
    n, p = curves.shape
    shift = _shift(scores.prompts, weights or {}, logit_scale)
    if n == 0 or p == 0:
        return Leads(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.float64))
    lead = np.zeros(n, np.int64)
    best = curves[:, 0] + shift[0]
    for column in range(1, p):  # curve by curve: faster than argmax, as each curve is contiguous
        curve = curves[:, column] + shift[column]
        higher = curve > best
        lead[higher] = column
        np.maximum(best, curve, out=best)
    spans = sample_spans(scores.times_s, scores.start_s, scores.end_s)
    change = (np.diff(lead) != 0) | (np.diff(spans.stretch) > 0)
    first = np.concatenate([[0], np.flatnonzero(change) + 1])
    last = np.concatenate([first[1:], [n]]) - 1
    return Leads(lead[first], spans.left[first], spans.right[last])


def _shift(prompts: tuple[str, ...], weights: Mapping[str, float], logit_scale: float) -> Floats:
    if not (np.isfinite(logit_scale) and logit_scale > 0):
        raise ValueError(f"logit_scale must be above 0 and finite, not {logit_scale}")
    for prompt, weight in weights.items():
        if not (np.isfinite(weight) and weight > 0):
            raise ValueError(f"the weight of {prompt!r} must be above 0 and finite, not {weight}")
    return np.array([np.log(weights.get(prompt, 1.0)) / logit_scale for prompt in prompts], np.float32)
