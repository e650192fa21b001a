"""``list``: show what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.arguments import PROGRAM
from clip_core.cli.shared import tell_notices
from clip_core.text import size_text

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
        header = ("VIDEO", "LENGTH", "MODEL", "FRAMES", "PER SECOND", "ON DISK", "ID")
        rows = [row for video in videos for row in _rows(video)]
        terminal.table(header, rows, right=("LENGTH", "FRAMES", "ON DISK"))
        count = "1 video" if len(videos) == 1 else f"{len(videos)} videos"
        of_videos = sum(video.size_bytes for video in videos)
        terminal.line(
            f"{count}, {size_text(of_videos)}; the whole store {size_text(store.size_bytes())}, in {store.location}"
        )
    tell_notices(config)
    return 0


def _rows(video: StoredVideo) -> Iterator[tuple[str, ...]]:
    """One row for each model that a video was begun with."""
    from clip_core.pipeline.library import sizes_of_models
    from clip_core.text import clock

    record = video.record
    name, length, short_id = record.name, clock(record.table.end_s), record.video_id[:12]
    if not video.models:
        yield name, length, "-", "0", "-", size_text(video.size_bytes), short_id
    for model, size in sizes_of_models(video):
        rate = "every frame" if model.samples_per_second is None else f"{model.samples_per_second:g}"
        rate += "" if model.finished else " (unfinished)"
        yield name, length, model.model_id, str(model.frames), rate, size_text(size), short_id
