"""Search all indexed videos for the moments that fit a query."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from clip_core.analysis.score_prompts import unread_notes
from clip_core.encoders.base import Encoder
from clip_core.library.identify import reindex_error
from clip_core.retrieval.candidates import nearest_candidates
from clip_core.retrieval.filters import SearchFilter
from clip_core.retrieval.hits import HitList
from clip_core.retrieval.query import SearchQuery, checked_query
from clip_core.retrieval.results import Hit, SearchResult, SearchVerdict
from clip_core.retrieval.scope import Scope, scope_of
from clip_core.retrieval.target import Target, target_of
from clip_core.scoring.null_bank import PromptBank, beats_text
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore

NO_FILTER = SearchFilter()
MOST_ROUNDS = 6
"""Of looking again without the videos that have all their hits already; each finds other videos."""


def search(
    query: str | SearchQuery,
    store: EmbeddingStore,
    encoder: Encoder,
    *,
    limit: int = 24,
    videos: Collection[str] | None = None,
    where: SearchFilter = NO_FILTER,
    most_per_video: int = 3,
    include_own: bool = False,
) -> SearchResult:
    """Return the moments of all indexed videos that fit a query best.

    Several texts, pictures and a place are looked for together: frames are compared with the weighted mean of their
    vectors. Hits of a query of texts are ordered by the corrected score, all others by cosine.

    Args:
        query: Lines of text (one that begins with "- " is negative), or a ``SearchQuery``.
        store: Holds the videos.
        encoder: The model; videos that were not indexed with it are named in the result.
        limit: At most so many hits, ≥ 1.
        videos: Ids of the videos to search; None searches all.
        where: A further restriction.
        most_per_video: At most so many hits of one video, ≥ 1; further ones are counted in the result.
        include_own: Whether hits may lie around the place that the query names.

    Raises:
        PromptError: There is nothing to look for, or a part of the query is invalid.
        NotIndexedError: The video that the query names is not indexed with this model.
        EncoderError: The model failed.
        StoreError: The store cannot be read.
        ValueError: ``limit`` or ``most_per_video`` is below 1.
    """
    if limit < 1 or most_per_video < 1:
        raise ValueError(f"limit and most_per_video must be at least 1, not {limit} and {most_per_video}")
    asked = checked_query(query)
    target = target_of(asked, encoder, store)

    def look() -> tuple[HitList, Scope]:
        scope = scope_of(videos, where, encoder, store)
        found = HitList(asked, target, scope, encoder, store, most_per_video=most_per_video)
        if where.hide_rejected:
            found.leave_out_rejected()
        if asked.like is not None and not include_own:
            found.leave_out(asked.like)
        _fill(found, target, scope, encoder, store, limit)
        return found, scope

    found, scope = store.mending(encoder.fingerprint, look)
    bank = scope.bank(target)
    hits = [replace(hit, beats=None if bank is None else bank.beaten_by(hit.score)) for hit in found.hits]
    verdict, reason = _verdict(hits, bank, target, scope)
    return SearchResult(
        tuple(hits),
        verdict,
        reason,
        more=found.more,
        unit=target.unit,
        videos=len(scope.records) - len(found.stale),
        frames=scope.frames,
        unsearched=scope.unsearched,
        warnings=(*unread_notes([text.text for text in asked.texts], encoder), *scope.warnings, *found.stale.values()),
    )


def _fill(found: HitList, target: Target, scope: Scope, encoder: Encoder, store: EmbeddingStore, limit: int) -> None:
    """Add hits until there are enough, or nothing is left to look at."""
    checked = set[str]()
    for _ in range(MOST_ROUNDS):
        usable = [video_id for video_id in scope.records if not (found.is_full(video_id) or video_id in found.stale)]
        among = None if scope.everything and len(usable) == len(scope.records) else usable
        candidates, all_seen = nearest_candidates(target, encoder.fingerprint, store, among)
        new = {candidate.video_id for candidate in candidates} - checked
        for record in (scope.records[video_id] for video_id in new & scope.records.keys()):
            if (error := reindex_error(record, store)) is not None:
                found.stale[record.video_id] = str(error)
        checked |= new
        found.add([c for c in candidates if c.video_id in scope.records.keys() - found.stale.keys()], limit)
        if all_seen or len(found) >= limit:
            return


def _verdict(hits: list[Hit], bank: PromptBank | None, target: Target, scope: Scope) -> tuple[SearchVerdict, str]:
    """Return whether the best hit stands out from the null bank, and a sentence that says why."""
    if not scope.records:
        return "not sure", "No video is searched: index one with this model, or widen the filter."
    if not hits:
        return "not sure", "No frames were found."
    if target.unit != "corrected":
        return "not sure", "Ordered by likeness. Pictures and places are not compared with neutral texts."
    if bank is None or hits[0].beats is None:
        return "not sure", "The nearest are shown. No neutral texts were asked."
    is_there = hits[0].beats > Settings().confidence
    beats = beats_text(hits[0].beats, len(bank.peaks), stands_out=is_there)
    if is_there:
        return "there", f"The first hit {beats}."
    return "not sure", f"Nothing stands out: the first {beats}. The nearest are shown."
