"""Search all indexed videos for the moments that fit a query."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from clip_core.analysis.analyse import Analysis
from clip_core.encoders.base import Encoder
from clip_core.retrieval.filters import SearchFilter
from clip_core.retrieval.query import SearchQuery, parse_query
from clip_core.retrieval.results import Hit, SearchResult
from clip_core.scoring.detection import detect
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore
from clip_core.types import VideoRecord

NO_FILTER = SearchFilter()


def search(
    query: str | SearchQuery,
    store: EmbeddingStore,
    encoder: Encoder,
    *,
    limit: int = 24,
    videos: Collection[str] | None = None,
    where: SearchFilter = NO_FILTER,  # noqa: ARG001
    most_per_video: int = 3,
    include_own: bool = False,  # noqa: ARG001
) -> SearchResult:
    """Return the moments of all indexed videos that fit a query best.

    Args:
        query: Lines of text (one that begins with "- " is negative), or a ``SearchQuery``.
        store: Holds the videos.
        encoder: The model; videos that were not indexed with it are named in the result.
        limit: At most so many hits.
        videos: Ids of the videos to search; None searches all.
        where: A further restriction.
        most_per_video: At most so many hits of one video; further ones are counted in the result.
        include_own: Whether hits may lie around the place that the query names.

    Raises:
        PromptError: There is nothing to look for.
        EncoderError: The model failed.
    """
    asked = parse_query(query) if isinstance(query, str) else query
    hits, more, frames, searched, unsearched = list[Hit](), dict[str, int](), 0, 0, list[str]()
    for record in store.videos():
        if videos is not None and record.video_id not in videos:
            continue
        if store.run(record.video_id, encoder.fingerprint) is None:
            unsearched.append(record.video_id)
            continue
        own, count = _hits_of(record, asked, encoder, store)
        hits += own[:most_per_video]
        if len(own) > most_per_video:
            more[record.video_id] = len(own) - most_per_video
        searched, frames = searched + 1, frames + count
    hits.sort(key=lambda hit: -hit.score)
    there = bool(hits) and (hits[0].beats or 0.0) > Settings().confidence
    reason = "" if there else "Nothing stands out from neutral texts; the nearest are shown."
    return SearchResult(
        hits[:limit],
        "there" if there else "not sure",
        reason,
        more=more,
        videos=searched,
        frames=frames,
        unsearched=tuple(unsearched),
    )


def _hits_of(record: VideoRecord, query: SearchQuery, encoder: Encoder, store: EmbeddingStore) -> tuple[list[Hit], int]:
    """Return the hits in one video, the best first, and the number of its frames."""
    settings = replace(Settings(), prompts=tuple(text.line for text in query.texts))
    found = detect(settings, Analysis(record.video_id, encoder, store).video_scores(settings))
    times_s, hits = found.scores.times_s, list[Hit]()
    for moment in (*found.moments, *found.candidates):
        at = int(np.searchsorted(times_s, moment.peak_s).clip(0, len(times_s) - 1))
        column = found.scores.prompts.index(moment.prompt)
        hits.append(
            Hit(
                video_id=record.video_id,
                name=record.name,
                start_s=moment.start_s,
                end_s=moment.end_s,
                peak_s=moment.peak_s,
                peak_pts=int(record.table.pts[found.scores.frames[at]]),
                score=moment.peak,
                cosine=float(found.video_scores.raw.values[at, column]),
                beats=found.verdicts[moment.prompt].confidence,
            )
        )
    return sorted(hits, key=lambda hit: -hit.score), len(times_s)
