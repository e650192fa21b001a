"""What was judged by hand in several videos: accepted moments to export, and all of them for training pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from clip_core.analysis.export_bundle import source_in_file
from clip_core.export.selection import SelectedVideo, Selection
from clip_core.library.identify import known_stamp, reindex_error
from clip_core.media.reel import FileMoment
from clip_core.media.training_pairs import JudgedVideo
from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation, Moment, VideoRecord

ACCEPTED = ("accepted", "added")
"""Verdicts of moments that count."""


def accepted_selection(video_ids: Iterable[str], store: EmbeddingStore) -> Selection:
    """Return the accepted and the added moments of videos as a selection, in the order of the videos, then by time.

    Their edges are those that were accepted. Peak and mean are 0: scores belong to settings, which differ from video to
    video. Videos without such moments, and forgotten ones, are left out.

    Raises:
        StoreError: The store cannot be read.
    """
    videos, rows = list[SelectedVideo](), list[tuple[SelectedVideo, Moment]]()
    for video_id in video_ids:
        accepted = [a for a in store.annotations(video_id) if a.verdict in ACCEPTED]
        record = store.video(video_id) if accepted else None
        if record is not None:
            video = SelectedVideo(source_in_file(record, record.path), record.table, video_id)
            videos.append(video)
            rows += [(video, _moment(a)) for a in sorted(accepted, key=lambda a: (a.start_s, a.prompt))]
    return Selection(videos, rows, tuple(dict.fromkeys(moment.prompt for _, moment in rows)))


def accepted_file_moments(video_ids: Iterable[str], store: EmbeddingStore) -> list[FileMoment]:
    """Return what ``accepted_selection`` selects as moments of their files, for ``make_reel``.

    Raises:
        StoreError: The store cannot be read.
    """
    records = (record for video_id in video_ids if (record := store.video(video_id)) is not None)
    return [
        FileMoment(video.path, video.record, _moment(a), video.stamp)
        for video in judged_videos(records, store)
        for a in sorted(video.annotations, key=lambda a: (a.start_s, a.prompt))
        if a.verdict in ACCEPTED
    ]


def judged_videos(records: Iterable[VideoRecord], store: EmbeddingStore) -> Iterator[JudgedVideo]:
    """Yield the videos in which something was judged, for ``export_pairs``.

    Raises:
        StoreError: The store cannot be read.
    """
    for record in records:
        if annotations := store.annotations(record.video_id):
            # An earlier version may have read other times.
            sound = record.table.confirmed and reindex_error(record, store) is None
            known = replace(record, table=replace(record.table, confirmed=sound))
            yield JudgedVideo(record.path, known, annotations, known_stamp(record, store))


def _moment(a: Annotation) -> Moment:
    return Moment(a.prompt, a.start_s, a.end_s, min(max(a.anchor_s, a.start_s), a.end_s), 0.0, 0.0, a.label)
