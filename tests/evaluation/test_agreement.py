"""Annotations and moments side by side: the planted pairs, and the counts of the measures."""

from collections.abc import Sequence

import numpy as np

from clip_core.analysis.evaluate import agreement
from clip_core.evaluation.ground_truth import Absence, Span, Truth
from clip_core.evaluation.metrics import Match, metrics_of
from clip_core.types import Moment


def moment(prompt: str, start_s: float, end_s: float) -> Moment:
    return Moment(prompt, start_s, end_s, start_s, 0.5, 0.5)


def rows(matches: Sequence[Match]) -> list[tuple[object, ...]]:
    """Prompt, start, end, best other interval and IoU of each."""
    return [
        (m.interval.prompt, m.interval.start_s, m.interval.end_s, m.best and (m.best.start_s, m.best.end_s), m.iou)
        for m in matches
    ]


TRUTH = Truth((Span("dog", 20.0, 30.0), Span("dog", 0.0, 10.0), Span("cat", 5.0, 6.0)), (Absence("owl"),))


def test_each_has_its_best_or_none() -> None:
    found = [moment("dog", 5.0, 15.0), moment("dog", 0.0, 8.0), moment("dog", 40.0, 41.0), moment("owl", 1.0, 2.0)]
    both = agreement([*found, moment("fox", 0.0, 1.0)], TRUTH)
    assert rows(both.annotations) == [
        ("dog", 0.0, 10.0, (0.0, 8.0), 0.8),
        ("dog", 20.0, 30.0, None, 0.0),
        ("cat", 5.0, 6.0, None, 0.0),
    ]
    assert rows(both.moments) == [
        ("dog", 0.0, 8.0, (0.0, 10.0), 0.8),
        ("dog", 5.0, 15.0, (0.0, 10.0), 5 / 15),
        ("dog", 40.0, 41.0, None, 0.0),
        ("owl", 1.0, 2.0, None, 0.0),
    ]


def test_what_only_touches_is_missed_and_false() -> None:
    both = agreement([moment("cat", 6.0, 7.0)], TRUTH)
    assert not any(match.best for match in (*both.annotations, *both.moments))


def test_missed_and_false_are_as_many_as_the_measures_count() -> None:
    rng = np.random.default_rng(4)
    for _ in range(40):
        starts = rng.uniform(0, 100, 8)
        truth = Truth(tuple(Span(f"p{k % 3}", s, s + rng.uniform(1, 9)) for k, s in enumerate(starts)))
        found = [moment(f"p{k % 4}", s, s + rng.uniform(1, 9)) for k, s in enumerate(rng.uniform(0, 100, 10))]
        overall, _ = metrics_of(found, truth)
        both = agreement(found, truth)
        assert sum(match.best is None for match in both.annotations) == overall.missed
        assert sum(match.best is None for match in both.moments) == overall.false_moments
        assert len(both.moments) == overall.moments
