"""Apply annotations to computed moments, and store them one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from clip_core.errors import NotIndexedError
from clip_core.scoring.combine import Combination
from clip_core.scoring.detection import MomentDetection
from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation, Moment

Measure: TypeAlias = Callable[[str, float, float], Moment | None]
"""Returns a prompt's moment with these edges, its peak and mean; None for a prompt without a curve."""

NEAR = 0.25
"""As a share of a moment's duration: if other settings move its peak by no more, it is still the same moment."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A moment and its annotation.

    Attributes:
        moment: With the edges and the label that were set by hand, if any.
        annotation: The annotation in force; None if there is none.
        computed: Whether the current settings also give this moment.
        sure: Whether it was computed as a moment, not as a candidate.
    """

    moment: Moment
    annotation: Annotation | None = None
    computed: bool = True
    sure: bool = True

    @property
    def kept(self) -> bool:
        """Whether it counts: a moment that was not rejected, or a candidate that was accepted."""
        verdict = "" if self.annotation is None else self.annotation.verdict
        return verdict in ("accepted", "added") or (self.sure and verdict != "rejected")

    @property
    def is_candidate(self) -> bool:
        """Whether it is a candidate that nobody has accepted or rejected."""
        return not self.kept and (self.annotation is None or self.annotation.verdict != "rejected")


def review(
    moments: Sequence[Moment], annotations: Iterable[Annotation], measure: Measure, candidates: Sequence[Moment] = ()
) -> list[Reviewed]:
    """Return the moments with their annotations, in order; then those known only from annotations; then candidates.

    An annotation applies to the computed moment of its prompt whose peak lies within the annotated edges. If an edge
    was moved past the peak, it applies to a moment with a peak near its anchor. Of several, it takes the one whose peak
    is nearest to the anchor. So a rejected flicker does not reject a long moment that contains it under other settings.
    An annotation without such a moment stands alone, unless it is a rejection.

    Args:
        moments, candidates: Computed. Annotations apply to both alike.
        annotations: Each (prompt, anchor) occurs once.
        measure: Measures peak and mean within edges that were set by hand.
    """
    computed = [*moments, *candidates]
    holding: dict[int, Annotation] = {}
    alone: list[Annotation] = []
    for annotation in annotations:
        place = _place(computed, annotation, holding)
        if place is not None:
            holding[place] = annotation
        elif annotation.verdict != "rejected":
            alone.append(annotation)
    found = [_reviewed(m, holding.get(k), measure, sure=k < len(moments)) for k, m in enumerate(computed)]
    added = [Reviewed(_edited(None, annotation, measure), annotation, computed=False) for annotation in alone]
    return found[: len(moments)] + added + found[len(moments) :]


def _reviewed(moment: Moment, annotation: Annotation | None, measure: Measure, *, sure: bool) -> Reviewed:
    """Apply an annotation to a computed moment; a candidate without a verdict or a label stays a "candidate"."""
    if annotation is None:
        return Reviewed(moment, sure=sure)
    found = Reviewed(_edited(moment, annotation, measure), annotation, sure=sure)
    if found.is_candidate and not annotation.label:
        return replace(found, moment=replace(found.moment, label=moment.label))
    return found


def annotation_of(reviewed: Reviewed, settings: Mapping[str, object]) -> Annotation:
    """Return the annotation to start a change from: the one in force, or an empty one with the current edges."""
    moment = reviewed.moment
    if reviewed.annotation is not None:
        return reviewed.annotation
    return Annotation(moment.prompt, moment.peak_s, moment.start_s, moment.end_s, settings=settings)


def _place(moments: Sequence[Moment], annotation: Annotation, taken: Mapping[int, Annotation]) -> int | None:
    """Return the index of the untaken moment that an annotation applies to, or None."""
    near = [
        (abs(moment.peak_s - annotation.anchor_s), place)
        for place, moment in enumerate(moments)
        if moment.prompt == annotation.prompt and place not in taken and _is_meant(moment, annotation)
    ]
    return min(near)[1] if near else None


def _is_meant(moment: Moment, annotation: Annotation) -> bool:
    """Whether this is the annotated moment, allowing for how far other settings may move its peak."""
    if annotation.start_s <= moment.peak_s < annotation.end_s:
        return True
    inside = moment.start_s <= annotation.anchor_s < moment.end_s
    return inside and abs(moment.peak_s - annotation.anchor_s) <= NEAR * moment.duration_s


def _edited(moment: Moment | None, annotation: Annotation, measure: Measure) -> Moment:
    """Give a moment the annotated edges and label; without a curve, as of a combination, it keeps its peak and mean."""
    start_s, end_s = annotation.start_s, annotation.end_s
    own = "" if moment is None or annotation.verdict else moment.label  # "candidate", until it has a verdict
    if moment is None or (moment.start_s, moment.end_s) != (start_s, end_s):
        moment = moment or Moment(annotation.prompt, 0, 0, annotation.anchor_s, 0, 0)
        inside_s = min(max(moment.peak_s, start_s), end_s)
        unmeasured = replace(moment, start_s=start_s, end_s=end_s, peak_s=inside_s)
        moment = measure(annotation.prompt, start_s, end_s) or unmeasured
    return replace(moment, label=annotation.label or own)


def reviewed_moments(detection: MomentDetection, video_id: str, store: EmbeddingStore) -> list[Reviewed]:
    """Return the annotated moments, then those that exist only as annotations, then the candidates.

    Annotations of prompts that are not in use now are left out: there is no curve to measure them by.

    Raises:
        StoreError: The store cannot be read.
    """
    prompts = {*detection.scores.prompts, *(Combination(*parts).name for parts in detection.settings.combinations)}
    annotations = [annotation for annotation in store.annotations(video_id) if annotation.prompt in prompts]
    return review(detection.moments, annotations, detection.measure, detection.candidates)


def keep_annotation(video_id: str, annotation: Annotation, store: EmbeddingStore) -> Annotation | None:
    """Store an annotation; return the one that it replaces, for undo.

    Raises:
        NotIndexedError: The video was forgotten.
        StoreError: The store cannot be written.
    """
    if store.video(video_id) is None:
        raise NotIndexedError("This video was forgotten, and its judgements with it.", "Index it again.")
    before = _same(video_id, annotation, store)
    store.put_annotation(video_id, annotation)
    return before


def withdraw_annotation(video_id: str, annotation: Annotation, store: EmbeddingStore) -> Annotation | None:
    """Withdraw an annotation; return the one that was in force, for undo.

    Raises:
        StoreError: The store cannot be written.
    """
    before = _same(video_id, annotation, store)
    store.withdraw_annotation(video_id, annotation)
    return before


def _same(video_id: str, annotation: Annotation, store: EmbeddingStore) -> Annotation | None:
    known = store.annotations(video_id)
    return next((e for e in known if (e.prompt, e.anchor_s) == (annotation.prompt, annotation.anchor_s)), None)
