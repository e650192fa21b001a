"""``index``: embed the frames of videos, one video after another."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.shared import FAILED, STOPPED, about, encoder_for, need_file, tell_notices, video_path
from clip_core.errors import ClipVideoError, VideoError, shown_name

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.encoders.base import Encoder
    from clip_core.store.store import EmbeddingStore


def index(given: Namespace, config: Config, store: EmbeddingStore) -> int:
    """Run the command; return its exit code."""
    failed = False
    try:
        rate = getattr(given, "samples_per_second", config.samples_per_second)
        encoder = encoder_for(given, config)
        for named in given.videos:
            video = video_path(named, config)
            try:
                with about(video):
                    _index_one(video, encoder, store, rate)
            except ClipVideoError as error:
                terminal.note(error.line)
                failed = True
    except KeyboardInterrupt:
        terminal.note("Stopped. What is indexed is kept; run the same command to go on.")
        return STOPPED
    if not failed:
        tell_notices(config)
    return FAILED if failed else 0


def _index_one(path: str, encoder: Encoder, store: EmbeddingStore, rate: float | None) -> None:
    from clip_core.pipeline.identify import known_video
    from clip_core.pipeline.index_video import index_video
    from clip_core.text import clock

    need_file(path)
    warnings: Sequence[str] = ()
    with (
        closing(index_video(path, encoder, store, samples_per_second=rate)) as run,  # type: ignore[type-var]
        terminal.ProgressBar(path) as bar,
    ):
        for progress in run:
            warnings = progress.warnings
            bar.show(progress)
    record = known_video(path, store)
    if record is None:
        raise VideoError(f"{shown_name(path)} changed while it was read.", "Run the same command again.")
    for warning in warnings:
        terminal.note(f"{shown_name(path)}: {warning}")
    samples = len(store.stored_pts(record.video_id, encoder.fingerprint))
    idle = " (nothing to do)" if bar.idle else ""
    counted = "1 sample" if samples == 1 else f"{samples} samples"
    terminal.line(f"{record.name}: {counted} of {clock(record.table.end_s)}, {record.video_id}{idle}")
