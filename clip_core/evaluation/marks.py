"""Stretches of a video that somebody marked yes or no → a truth, and marked frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.fit_threshold import Mark
from clip_core.evaluation.truth import Absence, Span, Truth
from clip_core.values import Floats, Scores


@dataclass(frozen=True, slots=True)
class Marked:
    """What somebody said of [start_s, end_s) of a video: ``prompt`` is ``there``, or is not.

    Where both times are the same it is said of one frame only, and not of any stretch.
    """

    prompt: str
    start_s: float
    end_s: float
    there: bool

    def __post_init__(self) -> None:
        if not (np.isfinite([self.start_s, self.end_s]).all() and 0 <= self.start_s <= self.end_s):
            raise ValueError(f"a mark must not end before it starts: {self.start_s:g} … {self.end_s:g}")


def truth_of(marks: Sequence[Marked]) -> Truth:
    """Return the truth that marks make: what is not marked yes counts as not there.

    A prompt that is only marked no is never there. Single frames make no truth.
    """
    spans = tuple(Span(m.prompt, m.start_s, m.end_s) for m in marks if m.there and m.end_s > m.start_s)
    seen = {mark.prompt for mark in marks if mark.there}
    absent = dict.fromkeys(m.prompt for m in marks if m.prompt not in seen and m.end_s > m.start_s)
    return Truth(spans, tuple(Absence(prompt) for prompt in absent))


def marked_frames(marks: Sequence[Marked], scores: Scores, smoothed: Floats) -> list[Mark]:
    """Return one marked frame for each mark: the sample nearest to its middle, with its smoothed score.

    Args:
        marks: Those of prompts without a curve are left out.
        scores: n samples, in the unit in which thresholds are wanted.
        smoothed: float32 (n, p).
    """
    if not len(scores):
        return []
    known = [mark for mark in marks if mark.prompt in scores.prompts]
    middles = [(mark.start_s + mark.end_s) / 2 for mark in known]
    nearest = [int(np.argmin(np.abs(scores.times_s - middle))) for middle in middles]
    return [
        Mark(mark.prompt, float(smoothed[sample, scores.prompts.index(mark.prompt)]), mark.there)
        for mark, sample in zip(known, nearest, strict=True)
    ]
