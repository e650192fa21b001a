"""Report what is stored and how much space it takes; compact tables; delete videos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clip_core.store import runs, thumbnails, videos
from clip_core.store.annotation_rows import ANNOTATIONS
from clip_core.store.embeddings import FRAMES, TEXTS, dim_of, stored_pts
from clip_core.store.runs import RUNS
from clip_core.store.tables import Tables, guarded, of_video, plain_id
from clip_core.store.thumbnails import THUMBNAILS
from clip_core.store.video_settings import SETTINGS
from clip_core.store.videos import FILES, VIDEOS
from clip_core.types import VideoRecord

_ROW_BYTES = 8 + 8
_HALF_BYTES = 2


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What is stored of one video under one model.

    Attributes:
        model_id, fingerprint: The model's name and fingerprint.
        frames: The number of stored frames, each counted once.
        samples_per_second: The rate of the last request; None means every frame.
        finished: Whether that request was completed.
        size_bytes: Estimated size: rows times the size of a row.
    """

    model_id: str
    fingerprint: str
    frames: int
    samples_per_second: float | None
    finished: bool
    size_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class StoredVideo:
    """One video of the library.

    Attributes:
        record: The video's record.
        models: One entry for each model with which its indexing was begun.
        size_bytes: Estimated size of its embeddings, thumbnails and time table.
    """

    record: VideoRecord
    models: tuple[StoredModel, ...]
    size_bytes: int


def usage(tables: Tables) -> list[StoredVideo]:
    """Return what is stored of each video, the last added first."""
    all_runs, pictures = runs.runs_of_all(tables), thumbnails.size_bytes(tables)
    with tables.reading(VIDEOS) as table:
        records = [] if table is None else [record for record, _ in videos.newest(table)]
    found = []
    for record in records:
        models = tuple(
            _stored(tables, record.video_id, fingerprint, run)
            for fingerprint, run in sorted(all_runs.get(record.video_id, {}).items())
        )
        times = (len(record.table) + len(record.table.key_pts)) * 8
        beside = times + pictures.get(record.video_id, 0)
        found.append(StoredVideo(record, models, beside + sum(model.size_bytes for model in models)))
    return found


def _stored(tables: Tables, video_id: str, fingerprint: str, run: runs.RunRecord) -> StoredModel:
    n = len(stored_pts(tables, video_id, fingerprint))
    dim = 0
    if n:
        with tables.reading(FRAMES + fingerprint) as table:
            dim = 0 if table is None else dim_of(table)
    size = n * (_ROW_BYTES + _HALF_BYTES * dim)
    return StoredModel(run.model_id, fingerprint, n, run.samples_per_second, run.finished, size)


def size_bytes(tables: Tables) -> int:
    """Return the size of the whole store: the sum of its files, or an estimate for an object store."""
    if not tables.is_folder:
        return sum(video.size_bytes for video in usage(tables))
    total = 0
    with guarded(tables.location):
        for file in Path(tables.location).rglob("*"):
            try:
                total += file.stat().st_size if file.is_file() else 0
            except FileNotFoundError:  # deleted by another process, for example by compaction
                continue
    return total


def optimize(tables: Tables, fingerprint: str | None = None) -> None:
    """Merge small fragments of a model's tables, or of all models', and delete versions over an hour old."""
    if fingerprint is None:
        big = tables.names(FRAMES) + tables.names(TEXTS)
    else:
        big = [prefix + plain_id(fingerprint) for prefix in (FRAMES, TEXTS)]
    tables.compact([VIDEOS, FILES, RUNS, THUMBNAILS, ANNOTATIONS, SETTINGS, *big])


def discard(tables: Tables, video_id: str, fingerprint: str) -> None:
    """Delete the frames of a video under one model; its record, its runs and other models stay.

    If its record is gone, the video was forgotten; then its thumbnails are deleted too.
    """
    where = of_video(video_id)
    gone = not tables.answered(VIDEOS, where, lambda table: videos.records(table, where))
    tables.delete([FRAMES + plain_id(fingerprint), *([THUMBNAILS] if gone else [])], where)


def forget(tables: Tables, video_id: str) -> None:
    """Delete all rows of a video, the runs first and the record last.

    So no reader sees half of a video, and after a crash the video is still listed and can be forgotten again.
    """
    forget_frames(tables, video_id)
    tables.delete([ANNOTATIONS, SETTINGS, FILES, VIDEOS], of_video(video_id))


def forget_frames(tables: Tables, video_id: str) -> None:
    """Delete the runs, frames and thumbnails of a video; its record, settings and annotations stay."""
    tables.delete([RUNS, *tables.names(FRAMES), THUMBNAILS], of_video(video_id))
