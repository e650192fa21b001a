"""Turn hits of a search into a selection, which every format of moments is written from."""

from __future__ import annotations

from collections.abc import Sequence

from clip_core.analysis.export_bundle import source_in_file
from clip_core.errors import NotIndexedError, shown_name
from clip_core.export.selection import SelectedVideo, Selection
from clip_core.library.identify import known_stamp
from clip_core.media.reel import FileMoment
from clip_core.retrieval.query import SearchQuery
from clip_core.retrieval.results import Hit
from clip_core.store.store import EmbeddingStore
from clip_core.types import Moment, Unit, VideoRecord

NAMELESS = "more like this"
"""The prompt of moments that were found by pictures or a place alone, by a query without a name."""


def selection_of(
    hits: Sequence[Hit], store: EmbeddingStore, *, query: SearchQuery | None = None, unit: Unit = "corrected"
) -> Selection:
    """Return hits as a selection over their videos, in the order given.

    The prompt of each moment is the query's texts with "; " between, or its name; its peak and its mean are the hit's
    score. Files are opened for what only they say: sound, timecode, and when the first frame is shown. For a file that
    is gone, the store's record of it is used.

    Args:
        hits: Of one ``SearchResult``.
        store: Holds their videos.
        query: What was looked for.
        unit: The unit of the result.

    Raises:
        NotIndexedError: A video was forgotten after the search.
        StoreError: The store cannot be read.
    """
    prompt = _prompt_of(query)
    videos: dict[str, SelectedVideo] = {}
    rows = list[tuple[SelectedVideo, Moment]]()
    for hit in hits:
        if hit.video_id not in videos:
            videos[hit.video_id] = _selected(hit, store)
        rows.append((videos[hit.video_id], _moment(hit, prompt)))
    settings = {"unit": unit, "prompts": [] if query is None else [text.line for text in query.texts]}
    return Selection(list(videos.values()), rows, (prompt,), settings)


def _selected(hit: Hit, store: EmbeddingStore) -> SelectedVideo:
    record = _record(hit, store)
    return SelectedVideo(source_in_file(record, record.path), record.table, record.video_id)


def file_moments_of(
    hits: Sequence[Hit], store: EmbeddingStore, *, query: SearchQuery | None = None
) -> list[FileMoment]:
    """Return hits as moments of their files, for ``make_reel`` and ``zip_clips``, in the order given.

    A file that is gone or that is another one now is left to them to report.

    Raises:
        NotIndexedError: A video was forgotten after the search.
        StoreError: The store cannot be read.
    """
    records, prompt = dict[str, VideoRecord](), _prompt_of(query)
    for hit in hits:
        if hit.video_id not in records:
            records[hit.video_id] = _record(hit, store)
    stamps = {video_id: known_stamp(record, store) for video_id, record in records.items()}
    return [
        FileMoment(records[hit.video_id].path, records[hit.video_id], _moment(hit, prompt), stamps[hit.video_id])
        for hit in hits
    ]


def _record(hit: Hit, store: EmbeddingStore) -> VideoRecord:
    record = store.video(hit.video_id)
    if record is None:
        raise NotIndexedError(f"{shown_name(hit.name)} was forgotten since the search.", "Search again.")
    return record


def _prompt_of(query: SearchQuery | None) -> str:
    return NAMELESS if query is None else "; ".join(query.judged_as) or NAMELESS


def _moment(hit: Hit, prompt: str) -> Moment:
    return Moment(prompt, hit.start_s, hit.end_s, hit.peak_s, hit.score, hit.score)
