"""Accept and reject hits: kept as annotations of the video under the query's text that fits best, or its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clip_core.analysis.annotations import keep_annotation, withdraw_annotation
from clip_core.encoders.base import Encoder
from clip_core.errors import ClipVideoError
from clip_core.retrieval.hit_curves import best_text
from clip_core.retrieval.query import SearchQuery
from clip_core.retrieval.results import Hit
from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation, ReviewVerdict
from pages.regions.search.state import Judgement, SearchState, search_state
from pages.shared.markdown import error_markdown

MOST_UNDONE = 50
SHORTEST_S = 0.001
VERDICT_OF: dict[str, ReviewVerdict] = {"accept": "accepted", "reject": "rejected"}


def annotation_of(hit: Hit, query: SearchQuery, store: EmbeddingStore) -> Annotation | None:
    """Return the annotation of a hit under ``query.judged_as``: the one whose anchor is nearest to its peak."""
    prompts = query.judged_as
    near = [
        annotation
        for annotation in store.annotations(hit.video_id)
        if annotation.prompt in prompts
        and (annotation.start_s <= hit.peak_s < annotation.end_s or hit.start_s <= annotation.anchor_s < hit.end_s)
    ]
    return min(near, key=lambda annotation: abs(annotation.anchor_s - hit.peak_s), default=None)


def judge(what: str, hits: Sequence[Hit], query: SearchQuery, encoder: Encoder, store: EmbeddingStore) -> None:
    """Accept or reject hits, or undo the last judgement. A verdict that they all have already is withdrawn."""
    state = search_state()
    state.judged += 1
    try:
        if what == "undo":
            _undo(state, store)
        elif what in VERDICT_OF and hits:
            _give(VERDICT_OF[what], hits, query, encoder, store)
    except ClipVideoError as error:
        state.error = error_markdown(error)


def _give(
    verdict: ReviewVerdict, hits: Sequence[Hit], query: SearchQuery, encoder: Encoder, store: EmbeddingStore
) -> None:
    state, step = search_state(), list[Judgement]()
    known = [annotation_of(hit, query, store) for hit in hits]
    again = all(annotation is not None and annotation.verdict == verdict for annotation in known)
    try:
        for hit, annotation in zip(hits, known, strict=True):
            if again and annotation is not None:
                step.append((hit.video_id, annotation, withdraw_annotation(hit.video_id, annotation, store)))
                continue
            new = replace(annotation or _blank(hit, query, encoder, store), verdict=verdict)
            step.append((hit.video_id, new, keep_annotation(hit.video_id, new, store)))
    finally:  # if the store fails, what was done so far can be undone
        if step:
            state.undo = [*state.undo, step][-MOST_UNDONE:]


def _blank(hit: Hit, query: SearchQuery, encoder: Encoder, store: EmbeddingStore) -> Annotation:
    """Return an annotation of a hit without a verdict."""
    end_s = max(hit.end_s, hit.start_s + SHORTEST_S)
    return Annotation(best_text(hit, query, encoder, store), hit.peak_s, hit.start_s, end_s)


def _undo(state: SearchState, store: EmbeddingStore) -> None:
    """Undo the last step. If the store fails, the step stays for another try."""
    if not state.undo:
        return
    for video_id, annotation, before in reversed(state.undo[-1]):
        if before is None:
            withdraw_annotation(video_id, annotation, store)
        else:
            keep_annotation(video_id, before, store)
    state.undo = state.undo[:-1]
