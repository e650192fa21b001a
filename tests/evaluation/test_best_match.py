"""Moments of somebody else against ours, worked by hand."""

import pytest

from clip_core.evaluation.metrics import best_matches
from clip_core.types import Moment


def moment(prompt: str, start_s: float, end_s: float) -> Moment:
    return Moment(prompt, start_s, end_s, start_s, 1.0, 1.0)


@pytest.mark.parametrize(
    ("theirs", "ours", "iou"),
    [((0, 4), (2, 6), 2 / 6), ((1, 3), (1, 3), 1.0), ((0, 2), (2, 4), 0), ((0, 1), (5, 9), 0)],
)
def test_iou_by_hand(theirs: tuple[float, float], ours: tuple[float, float], iou: float) -> None:
    (match,) = best_matches([moment("a", *theirs)], [moment("a", *ours)], ["a"])
    assert match.iou == pytest.approx(iou)
    assert (match.best is None) == (iou == 0)


def test_a_known_prompt_is_held_against_its_own_moments_and_any_other_against_all() -> None:
    ours = [moment("a", 0, 4), moment("b", 10, 20), moment("a", 12, 20)]
    theirs = [moment("a", 10, 20), moment("", 10, 20), moment("c", 1, 4), moment("b", 0, 4)]
    found = best_matches(theirs, ours, ("a", "b"))
    assert [match.interval for match in found] == theirs
    assert [match.best for match in found] == [ours[2], ours[1], ours[0], None]
    assert [match.iou for match in found] == pytest.approx([0.8, 1.0, 0.75, 0.0])


def test_nothing_against_something() -> None:
    assert best_matches([], [moment("a", 0, 1)], ("a",)) == []
    (match,) = best_matches([moment("a", 0, 1)], [], ("a",))
    assert (match.best, match.iou) == (None, 0.0)
