from __future__ import annotations

from dataclasses import replace

from clip_core.analysis.annotations import Reviewed, annotation_of, review
from clip_core.types import Annotation, Moment

EARLY = Moment("a dog", 2.0, 4.0, 3.0, 0.9, 0.7)
LATE = Moment("a dog", 8.0, 9.0, 8.5, 0.8, 0.6)
PIZZA = Moment("pizza", 2.0, 4.0, 3.0, 0.7, 0.5)
MOMENTS = [EARLY, LATE, PIZZA]


def measure(prompt: str, start_s: float, end_s: float) -> Moment | None:
    return None if prompt == "gone" else Moment(prompt, start_s, end_s, (start_s + end_s) / 2, 0.5, 0.4)


def test_without_edits_all_is_as_computed() -> None:
    assert review(MOMENTS, [], measure) == [Reviewed(m) for m in MOMENTS]
    assert all(r.kept and r.computed for r in review(MOMENTS, [], measure))


def test_a_verdict_touches_its_own_moment_alone() -> None:
    no = replace(annotation_of(Reviewed(EARLY), {"unit": "z"}), verdict="rejected")
    yes = replace(annotation_of(Reviewed(LATE), {}), verdict="accepted", label="barks")
    assert (no.anchor_s, no.start_s, no.end_s, no.settings) == (3.0, 2.0, 4.0, {"unit": "z"})
    found = review(MOMENTS, [no, yes], measure)
    assert [r.kept for r in found] == [False, True, True]
    assert found[1] == Reviewed(replace(LATE, label="barks"), yes)
    assert found[2] == Reviewed(PIZZA)
    assert annotation_of(found[1], {"unit": "cosine"}) is yes


def test_edges_set_by_hand_stay_and_are_measured_anew() -> None:
    moved = replace(annotation_of(Reviewed(EARLY), {}), start_s=1.5)
    assert review([EARLY], [moved], measure) == [Reviewed(Moment("a dog", 1.5, 4.0, 2.75, 0.5, 0.4), moved)]
    wider = replace(EARLY, start_s=1.0, end_s=4.4)  # by another threshold
    assert review([wider], [moved], measure)[0].moment.start_s == 1.5


def test_a_rejected_flicker_does_not_take_the_long_moment_that_swallowed_it() -> None:
    no = replace(annotation_of(Reviewed(LATE), {}), verdict="rejected")
    long = Moment("a dog", 2.0, 9.5, 3.0, 0.9, 0.5)
    assert review([long], [no], measure) == [Reviewed(long)]


def test_what_the_settings_find_no_longer_stays_if_it_was_touched() -> None:
    yes = replace(annotation_of(Reviewed(LATE), {}), verdict="accepted")
    no = replace(annotation_of(Reviewed(EARLY), {}), verdict="rejected")
    added = Annotation("gone", 5.0, 4.0, 6.0, "added", "seen by eye")
    found = review([], [yes, no, added], measure)
    assert [r.moment for r in found] == [
        Moment("a dog", 8.0, 9.0, 8.5, 0.5, 0.4),
        Moment("gone", 4.0, 6.0, 5.0, 0.0, 0.0, label="seen by eye"),
    ]
    assert not any(r.computed for r in found)


def test_two_edits_never_hold_for_one_moment() -> None:
    one, two = Annotation("a dog", 3.0, 2.0, 4.0, "accepted"), Annotation("a dog", 3.2, 2.5, 4.0, "added")
    found = review([EARLY], [one, two], measure)
    assert [r.annotation for r in found] == [one, two]
    assert [r.computed for r in found] == [True, False]


def test_a_moment_without_a_curve_keeps_its_peak_when_its_edges_move() -> None:
    together = Moment("gone", 2.0, 4.0, 3.0, 0.7, 0.5)
    moved = replace(annotation_of(Reviewed(together), {}), start_s=2.5, end_s=3.5)
    assert review([together], [moved], measure) == [Reviewed(Moment("gone", 2.5, 3.5, 3.0, 0.7, 0.5), moved)]
    assert review([], [moved], measure)[0].moment == Moment("gone", 2.5, 3.5, 3.0, 0.0, 0.0)


# Candidates

MAYBE = Moment("a dog", 12.0, 14.0, 13.0, 0.4, 0.3, label="candidate")
PERHAPS = Moment("pizza", 6.0, 7.0, 6.5, 0.35, 0.3, label="candidate")


def with_candidates(*annotations: Annotation) -> list[Reviewed]:
    return review([EARLY], annotations, measure, [MAYBE, PERHAPS])


def test_candidates_come_last_and_wait() -> None:
    added = Annotation("pizza", 20.0, 19.0, 21.0, "added")
    found = with_candidates(added)
    assert [r.moment.start_s for r in found] == [2.0, 19.0, 12.0, 6.0]
    assert [(r.sure, r.computed, r.kept, r.is_candidate) for r in found] == [
        (True, True, True, False), (True, False, True, False), (False, True, False, True), (False, True, False, True),
    ]  # fmt: skip
    assert found[2:] == [Reviewed(MAYBE, sure=False), Reviewed(PERHAPS, sure=False)]


def test_an_accepted_candidate_is_a_moment_and_no_longer_called_one() -> None:
    yes = replace(annotation_of(Reviewed(MAYBE, sure=False), {}), verdict="accepted")
    found = with_candidates(yes)
    assert found[1] == Reviewed(replace(MAYBE, label=""), yes, sure=False)
    assert [(r.kept, r.is_candidate) for r in found] == [(True, False), (True, False), (False, True)]
    named = with_candidates(replace(yes, label="barks"))[1]
    assert (named.moment.label, named.kept) == ("barks", True)


def test_a_rejected_candidate_neither_counts_nor_waits() -> None:
    no = replace(annotation_of(Reviewed(MAYBE, sure=False), {}), verdict="rejected")
    assert [(r.kept, r.is_candidate) for r in with_candidates(no)] == [(True, False), (False, False), (False, True)]


def test_a_moved_candidate_still_waits_under_its_name() -> None:
    moved = replace(annotation_of(Reviewed(MAYBE, sure=False), {}), start_s=11.0)
    found = with_candidates(moved)[1]
    assert found == Reviewed(Moment("a dog", 11.0, 14.0, 12.5, 0.5, 0.4, label="candidate"), moved, sure=False)
    assert (found.kept, found.is_candidate) == (False, True)
    accepted = with_candidates(replace(annotation_of(found, {}), verdict="accepted"))[1]
    assert (accepted.moment, accepted.kept) == (Moment("a dog", 11.0, 14.0, 12.5, 0.5, 0.4), True)
    named = with_candidates(replace(moved, label="tail"))[1]
    assert (named.moment.label, named.is_candidate) == ("tail", True)


def test_what_was_said_of_a_candidate_is_undone() -> None:
    yes = replace(annotation_of(Reviewed(MAYBE, sure=False), {}), verdict="accepted")
    withdrawn = replace(yes, verdict="")
    assert with_candidates(withdrawn)[1] == Reviewed(MAYBE, withdrawn, sure=False)
    assert with_candidates()[1] == Reviewed(MAYBE, sure=False)
    assert all(r.is_candidate for r in (with_candidates(withdrawn)[1], with_candidates()[1]))


def test_an_edit_holds_when_a_candidate_becomes_a_moment_and_back() -> None:
    yes, no = (replace(annotation_of(Reviewed(MAYBE, sure=False), {}), verdict=v) for v in ("accepted", "rejected"))
    sure = replace(MAYBE, label="")
    assert review([sure], [yes], measure) == [Reviewed(sure, yes)]
    assert [r.kept for r in review([sure], [no], measure)] == [False]
    assert [r.kept for r in review([], [yes], measure, [MAYBE])] == [True]
    assert [r.kept for r in review([], [yes], measure)] == [True]  # found by nothing any more, yet accepted
    assert review([], [no], measure) == []


def test_a_moment_is_meant_before_a_candidate_that_is_farther_off() -> None:
    near = replace(MAYBE, start_s=3.0, end_s=4.5, peak_s=3.6)
    yes = Annotation("a dog", 3.0, 2.0, 4.0, "accepted")
    assert [r.annotation for r in review([EARLY], [yes], measure, [near])] == [yes, None]
