"""``list``: show what is stored."""

from __future__ import annotations

from collections.abc import Iterator

from clip_core.analysis.stored_videos import sizes_of_models
from clip_core.cli import terminal
from clip_core.cli.options import PROGRAM, Options, command
from clip_core.library.identify import reindex_error
from clip_core.store.store import StoredVideo
from clip_core.text import clock, size_text

HEADER = ("VIDEO", "LENGTH", "MODEL", "FRAMES", "PER SECOND", "ON DISK", "ID")


@command("list --store s3://bucket/embeddings")
def run(options: Options) -> None:
    """Show what is stored: each video with its models, frames and room on disk."""
    store = options.store
    videos = store.usage()
    if not videos:
        terminal.line(f"Nothing is stored in {store.location}.")
        terminal.line(f"Index a video: {PROGRAM} index VIDEO")
    else:
        terminal.table(HEADER, [row for video in videos for row in _rows(video)], right=("LENGTH", "FRAMES", "ON DISK"))
        for error in filter(None, (reindex_error(video.record) for video in videos)):
            terminal.note(error.line)
        stored = f"{terminal.count(len(videos), 'video')}, {size_text(sum(video.size_bytes for video in videos))}"
        terminal.line(f"{stored}; the whole store {size_text(store.size_bytes())}, in {store.location}")
    options.tell_notices()


def _rows(video: StoredVideo) -> Iterator[tuple[str, ...]]:
    """Yield one row for each model that a video was begun with."""
    record = video.record
    name, length, short_id = record.name, clock(record.table.end_s), record.video_id[:12]
    if not video.models:
        yield name, length, "-", "0", "-", size_text(video.size_bytes), short_id
    for model, size in sizes_of_models(video):
        rate = "every frame" if model.samples_per_second is None else f"{model.samples_per_second:g}"
        rate += "" if model.finished else " (unfinished)"
        yield name, length, model.model_id, str(model.frames), rate, size_text(size), short_id
