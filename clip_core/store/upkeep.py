"""What is stored and how much room it takes; compaction; forgetting a video."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from clip_core.store import edits, frames, runs, settings, texts, thumbnails, videos
from clip_core.store.tables import Tables, guarded, plain_id
from clip_core.types import VideoRecord

_ROW_BYTES = 8 + 8
_HALF_BYTES = 2


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What is stored of one video under one model.

    Attributes:
        model_id, fingerprint: The model's name and what it is.
        frames: How many frames are stored, each counted once.
        samples_per_second: The rate last asked for; None means every frame.
        finished: Whether that request was done to the end.
        size_bytes: About how much room they take: rows times the size of a row.
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
        record: What is known of it.
        models: One entry for each model that it was begun with.
        size_bytes: About how much room its embeddings, its thumbnails and its table of times take.
    """

    record: VideoRecord
    models: tuple[StoredModel, ...]
    size_bytes: int


def usage(tables: Tables) -> list[StoredVideo]:
    """What is stored of each video, the last added first."""
    all_runs, pictures = runs.runs_of_all(tables), thumbnails.size_bytes(tables)
    with tables.reading(videos.VIDEOS) as table:
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
    n = len(frames.stored_pts(tables, video_id, fingerprint))
    dim = 0
    if n:
        with tables.reading(frames.PREFIX + fingerprint) as table:
            dim = 0 if table is None else frames.dim_of(table)
    size = n * (_ROW_BYTES + _HALF_BYTES * dim)
    return StoredModel(run.model_id, fingerprint, n, run.samples_per_second, run.finished, size)


def size_bytes(tables: Tables) -> int:
    """The room that the whole store takes: of a folder what its files hold, of an address an estimate."""
    if not tables.is_folder:
        return sum(video.size_bytes for video in usage(tables))
    total = 0
    with guarded(tables.location):
        for file in Path(tables.location).rglob("*"):
            try:
                total += file.stat().st_size if file.is_file() else 0
            except FileNotFoundError:  # compaction by another process took it away
                continue
    return total


def optimize(tables: Tables, fingerprint: str | None = None) -> None:
    """Join the small fragments of a model's tables, or of all models', and drop versions over an hour old."""
    small = [videos.VIDEOS, videos.FILES, runs.RUNS, thumbnails.THUMBNAILS, edits.EDITS, settings.SETTINGS]
    if fingerprint is None:
        big = tables.names(frames.PREFIX) + tables.names(texts.PREFIX)
    else:
        big = [prefix + plain_id(fingerprint) for prefix in (frames.PREFIX, texts.PREFIX)]
    for name in small + big:
        with tables.reading(name) as table:
            if table is not None:
                table.compact()


def index(tables: Tables, fingerprint: str) -> None:
    """See that a model's frames are found by video without a scan."""
    with tables.reading(frames.PREFIX + plain_id(fingerprint)) as table:
        if table is not None:
            table.index("video")


def discard(tables: Tables, video_id: str, fingerprint: str) -> None:
    """Delete the frames of a video under one model; its record, its runs and other models stay.

    Where there is no record any more, the video was forgotten: then what was drawn of it goes too.
    """
    where = f"video = '{plain_id(video_id)}'"
    gone = not tables.answered(videos.VIDEOS, where, lambda table: videos.records(table, where))
    for name in (frames.PREFIX + plain_id(fingerprint), *((thumbnails.THUMBNAILS,) if gone else ())):
        with tables.reading(name) as table:
            if table is not None:
                table.delete(where)


def forget(tables: Tables, video_id: str) -> None:
    """Delete all rows of a video. The runs go first and the record last.

    So no reader is shown half of a video, and after a crash it can still be seen and forgotten again.
    """
    forget_frames(tables, video_id)
    _delete(tables, video_id, (edits.EDITS, settings.SETTINGS, videos.FILES, videos.VIDEOS))


def forget_frames(tables: Tables, video_id: str) -> None:
    """Delete the runs, frames and thumbnails of a video under all models; its record and its judgements stay."""
    _delete(tables, video_id, (runs.RUNS, *tables.names(frames.PREFIX), thumbnails.THUMBNAILS))


def _delete(tables: Tables, video_id: str, names: Iterable[str]) -> None:
    where = f"video = '{plain_id(video_id)}'"
    for name in names:
        with tables.reading(name) as table:
            if table is not None:
                table.delete(where)
