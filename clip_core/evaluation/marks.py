"""Frames that a person marked as showing a prompt or not, and the threshold that fits them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.ground_truth import Absence, Span, Truth
from clip_core.types import Floats, Scores

RESAMPLES = 400
SURE = 0.9
MARKS_ENOUGH = 4
"""Of each kind: with fewer, resampling says little."""
_SEED = 5


@dataclass(frozen=True, slots=True)
class MarkedFrame:
    """One marked frame: whether ``prompt`` is ``there``, and the score of its curve."""

    prompt: str
    score: float
    there: bool


@dataclass(frozen=True, slots=True)
class FittedThreshold:
    """The threshold of a prompt.

    Attributes:
        threshold: A score at or above it means that the prompt is there.
        sure_low, sure_high: 90 % bootstrap interval, extended to hold the threshold. Marks are resampled with
            replacement, yes and no separately, with a fixed seed. None with marks of one kind only.
        yes, no: How many marks there are of each kind.
        errors: How many of them the threshold gets wrong.
        words: One or two sentences: how far to trust it, and what to do next.
    """

    threshold: float
    sure_low: float | None
    sure_high: float | None
    yes: int
    no: int
    errors: int
    words: str


def fit_thresholds(marks: Iterable[MarkedFrame]) -> dict[str, FittedThreshold]:
    """Fit each prompt's threshold to its own marks, see ``fit_threshold``."""
    by_prompt: dict[str, list[MarkedFrame]] = {}
    for mark in marks:
        by_prompt.setdefault(mark.prompt, []).append(mark)
    return {
        prompt: fit_threshold(np.array([mark.score for mark in own], np.float32), [mark.there for mark in own])
        for prompt, own in by_prompt.items()
    }


def fit_threshold(scores: Floats, there: Iterable[bool]) -> FittedThreshold:
    """Return the threshold that gets the fewest marks wrong: the middle of the widest margin that does.

    Args:
        scores: float32 (n,), n >= 1, of the marked frames, smoothed like the curve that the threshold will apply to.
        there: n times yes or no.

    Raises:
        ValueError: There are no marks, scores and marks differ in number, or a score is not finite.
    """
    marked, values = np.array(list(there), bool), np.asarray(scores, np.float32)
    if values.shape != marked.shape or not len(marked):
        shapes = f"not {values.shape} and {len(marked)}"
        raise ValueError(f"there must be as many scores as marks, and at least one, {shapes}")
    if not np.isfinite(values).all():
        raise ValueError("the scores of marked frames must be finite")
    yes, no = values[marked], values[~marked]
    if not len(yes) or not len(no):
        return _one_sided(yes, no)
    threshold, errors = _best_threshold(yes, no)
    random = np.random.default_rng(_SEED)
    draws = ((random.choice(yes, len(yes)), random.choice(no, len(no))) for _ in range(RESAMPLES))
    edges = np.quantile([_best_threshold(*draw)[0] for draw in draws], [(1 - SURE) / 2, (1 + SURE) / 2])
    sure = min(float(edges[0]), threshold), max(float(edges[1]), threshold)
    return FittedThreshold(threshold, *sure, len(yes), len(no), errors, _words(yes, no, errors))


def _best_threshold(yes: Floats, no: Floats) -> tuple[float, int]:
    """Return the threshold, and how many marks it gets wrong."""
    levels = np.unique(np.concatenate([yes, no])).astype(np.float64)
    # Cut k lies above level k - 1 and at most at level k: cut 0 flags every mark, the last one flags none.
    flagged_no = len(no) - np.searchsorted(np.sort(no), levels, side="left")
    lost_yes = np.searchsorted(np.sort(yes), levels, side="left")
    errors = np.append(flagged_no + lost_yes, len(yes))
    fewest = int(errors.min())
    good = np.flatnonzero(errors == fewest)
    inner = good[(good > 0) & (good < len(levels))]
    if len(inner):
        cut = int(inner[np.argmax(levels[inner] - levels[inner - 1])])
        threshold = _between(levels[cut - 1], levels[cut])
    else:
        threshold = float(levels[0]) if good[0] == 0 else _above(levels[-1])
    return threshold, fewest


def _one_sided(yes: Floats, no: Floats) -> FittedThreshold:
    """Return the threshold at the score that bounds it, as marks of one kind only bound it from one side."""
    if len(yes):
        edge = float(yes.min())
        words = f"Only yes is marked: the threshold is at most {edge:.3f}. Mark frames where it is not there, too."
        return FittedThreshold(edge, None, None, len(yes), 0, 0, words)
    edge = float(no.max())
    words = f"Only no is marked: the threshold is above {edge:.3f}. Mark frames where it is there, too."
    return FittedThreshold(_above(edge), None, None, 0, len(no), 0, words)


def _words(yes: Floats, no: Floats, errors: int) -> str:
    count = len(yes) + len(no)
    if not errors:
        said = f"All {count} marks agree with it."
    elif yes.max() <= no.min():
        return "The marks contradict the scores: no frame marked yes scores above one marked no. Try another prompt."
    else:
        said = f"{errors} of {count} marks contradict it: their scores overlap."
    few = " With so few marks the interval is rough: mark more." if min(len(yes), len(no)) < MARKS_ENOUGH else ""
    return said + few


def _between(low: float, high: float) -> float:
    """Return the middle in float32, the precision of scores and thresholds, but always above ``low``."""
    middle = np.float32((low + high) / 2)
    return float(middle) if middle > np.float32(low) else float(high)


def _above(level: float) -> float:
    return float(np.nextafter(np.float32(level), np.float32(np.inf)))


@dataclass(frozen=True, slots=True)
class Mark:
    """A person's mark for [start_s, end_s) of a video: ``prompt`` is ``there``, or is not.

    If both times are equal, the mark is for one frame only, not for an interval.
    """

    prompt: str
    start_s: float
    end_s: float
    there: bool

    def __post_init__(self) -> None:
        if not (np.isfinite([self.start_s, self.end_s]).all() and 0 <= self.start_s <= self.end_s):
            raise ValueError(f"a mark must not end before it starts: {self.start_s:g} … {self.end_s:g}")


def truth_of(marks: Sequence[Mark]) -> Truth:
    """Return the ground truth of marks: whatever is not marked yes counts as not visible.

    A prompt marked only no is never visible. Marks of single frames give neither a span nor an absence.
    """
    spans = tuple(Span(m.prompt, m.start_s, m.end_s) for m in marks if m.there and m.end_s > m.start_s)
    seen = {mark.prompt for mark in marks if mark.there}
    absent = dict.fromkeys(m.prompt for m in marks if m.prompt not in seen and m.end_s > m.start_s)
    return Truth(spans, tuple(Absence(prompt) for prompt in absent))


def marked_frames(marks: Sequence[Mark], scores: Scores, smoothed: Floats) -> list[MarkedFrame]:
    """Return one marked frame for each mark: the sample nearest to its middle, with its smoothed score.

    Marks of prompts without a curve are left out. ``scores`` and ``smoothed`` are in the unit of the thresholds to fit.
    """
    found = []
    for mark in marks:
        if mark.prompt in scores.prompts and len(scores):
            sample = int(np.argmin(np.abs(scores.times_s - (mark.start_s + mark.end_s) / 2)))
            score = float(smoothed[sample, scores.prompts.index(mark.prompt)])
            found.append(MarkedFrame(mark.prompt, score, mark.there))
    return found
