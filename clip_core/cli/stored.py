"""``list``: show what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.arguments import PROGRAM
from clip_core.cli.shared import tell_notices

if TYPE_CHECKING:
    from clip_core.config import Config
    from clip_core.store.store import EmbeddingStore, StoredVideo


def list_videos(config: Config, store: EmbeddingStore) -> int:
    """Run the command; return its exit code."""
    from clip_core.pipeline.library import list_stored

    videos = list_stored(store)
    if not videos:
        terminal.line(f"Nothing is stored in {store.location}.")
        terminal.line(f"Index a video: {PROGRAM} index VIDEO")
    else:
        header = ("VIDEO", "LENGTH", "MODEL", "FRAMES", "PER SECOND", "MB", "ID")
        rows = [row for video in videos for row in _rows(video)]
        terminal.table(header, rows, right=("LENGTH", "FRAMES", "MB"))
        count = "1 video" if len(videos) == 1 else f"{len(videos)} videos"
        terminal.line(f"{count}, {_megabytes(store.size_bytes())} MB on disk in {store.location}")
    tell_notices(config)
    return 0


def _rows(video: StoredVideo) -> Iterator[tuple[str, ...]]:
    """One row for each model that a video was begun with."""
    from clip_core.values import clock

    record = video.record
    name, length, short_id = record.name, clock(record.table.end_s), record.video_id[:12]
    if not video.models:
        yield name, length, "-", "0", "-", _megabytes(video.size_bytes), short_id
    for model in video.models:
        rate = "every frame" if model.samples_per_second is None else f"{model.samples_per_second:g}"
        rate += "" if model.finished else " (unfinished)"
        yield name, length, model.model_id, str(model.frames), rate, _megabytes(model.size_bytes), short_id


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.2f}"
