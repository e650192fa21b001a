"""Moments as they were judged by hand: the computed ones with the edits that hold for them, and what was added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from clip_core.types import Edit, Moment

Measure: TypeAlias = Callable[[str, float, float], Moment | None]
"""Gives a prompt's moment with these edges, its peak and its mean; None for a prompt that has no curve."""

NEAR = 0.25
"""Of a moment's duration: so far settings may move its peak, and it is the same."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A moment and what was said of it.

    Attributes:
        moment: With the edges and the label that were set by hand, if any.
        edit: The edit in force, None if nobody touched it.
        computed: Whether the settings of now give it too.
        sure: Whether it was computed as a moment, not as a candidate.
    """

    moment: Moment
    edit: Edit | None = None
    computed: bool = True
    sure: bool = True

    @property
    def kept(self) -> bool:
        """Whether it counts: a moment that was not rejected, or a candidate that was accepted."""
        verdict = "" if self.edit is None else self.edit.verdict
        return verdict in ("accepted", "added") or (self.sure and verdict != "rejected")

    @property
    def is_candidate(self) -> bool:
        """Whether it still waits for a person to say what it is."""
        return not self.kept and (self.edit is None or self.edit.verdict != "rejected")


def review(
    moments: Sequence[Moment], edits: Iterable[Edit], measure: Measure, candidates: Sequence[Moment] = ()
) -> list[Reviewed]:
    """Return the moments as judged, in their order; then those that only an edit knows; candidates come last.

    An edit holds for the computed moment of its prompt whose peak lies within the edit's edges, or near its anchor
    where an edge was moved past the peak; of several, the one whose peak is nearest to the anchor. So a rejected
    flicker does not take a long moment with it that swallowed it under other settings. An edit that holds for none
    stands alone, unless it rejects.

    Args:
        moments: Computed.
        edits: Each (prompt, anchor) once.
        measure: Peak and mean within edges that were set by hand.
        candidates: What may be moments; an edit holds for them as for moments.
    """
    computed = [*moments, *candidates]
    holding: dict[int, Edit] = {}
    alone: list[Edit] = []
    for edit in edits:
        place = _place(computed, edit, holding)
        if place is not None:
            holding[place] = edit
        elif edit.verdict != "rejected":
            alone.append(edit)
    found = [
        _judged(moment, holding.get(place), measure, sure=place < len(moments)) for place, moment in enumerate(computed)
    ]
    added = [Reviewed(_edited(None, edit, measure), edit, computed=False) for edit in alone]
    return found[: len(moments)] + added + found[len(moments) :]


def _judged(moment: Moment, edit: Edit | None, measure: Measure, *, sure: bool) -> Reviewed:
    """A computed moment with the edit that holds for it; a candidate that nobody has judged is still called one."""
    if edit is None:
        return Reviewed(moment, sure=sure)
    found = Reviewed(_edited(moment, edit, measure), edit, sure=sure)
    if found.is_candidate and not edit.label:
        return replace(found, moment=replace(found.moment, label=moment.label))
    return found


def edit_of(reviewed: Reviewed, settings: Mapping[str, object]) -> Edit:
    """The edit to begin a change with: the one in force, or one that says nothing yet but keeps the edges."""
    moment = reviewed.moment
    if reviewed.edit is not None:
        return reviewed.edit
    return Edit(moment.prompt, moment.peak_s, moment.start_s, moment.end_s, settings=settings)


def _place(moments: Sequence[Moment], edit: Edit, taken: Mapping[int, Edit]) -> int | None:
    """Which moment an edit holds for, if it is still free."""
    near = [
        (abs(moment.peak_s - edit.anchor_s), place)
        for place, moment in enumerate(moments)
        if moment.prompt == edit.prompt and place not in taken and _is_meant(moment, edit)
    ]
    return min(near)[1] if near else None


def _is_meant(moment: Moment, edit: Edit) -> bool:
    """Whether the peaks are the same, as far as other settings move a peak."""
    if edit.start_s <= moment.peak_s < edit.end_s:
        return True
    inside = moment.start_s <= edit.anchor_s < moment.end_s
    return inside and abs(moment.peak_s - edit.anchor_s) <= NEAR * moment.duration_s


def _edited(moment: Moment | None, edit: Edit, measure: Measure) -> Moment:
    edges = (edit.start_s, edit.end_s)
    own = "" if moment is None or edit.verdict else moment.label  # "candidate", until it was judged
    if moment is None or (moment.start_s, moment.end_s) != edges:
        moment = measure(edit.prompt, *edges) or _within(
            edges, moment or Moment(edit.prompt, 0, 0, edit.anchor_s, 0, 0)
        )
    return replace(moment, label=edit.label or own)


def _within(edges: tuple[float, float], moment: Moment) -> Moment:
    """A moment without a curve, such as one of a combination, with other edges: it keeps its peak and its mean."""
    start_s, end_s = edges
    return replace(moment, start_s=start_s, end_s=end_s, peak_s=min(max(moment.peak_s, start_s), end_s))
