"""``index``: embed the frames of videos, one video after another."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import click

from clip_core.cli import terminal
from clip_core.cli.options import FAILED, MODEL, Options, about, command, number
from clip_core.config import EVERY_FRAME
from clip_core.encoders.base import Encoder
from clip_core.errors import ClipVideoError, VideoError, shown_name
from clip_core.indexing.index_video import index_video
from clip_core.library.identify import known_video
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock

_RATE = f'a number, or "{EVERY_FRAME}" (default: the config\'s)'
_number = number(0.001, 1000, f'neither a number from 0.001 to 1000 nor "{EVERY_FRAME}"')


def _rate(value: str) -> float:
    """Return the rate; 0 stands for every frame, as None does for an option that is not given."""
    return 0.0 if value.strip() == EVERY_FRAME else _number(value)


@command('index holiday.mp4 "second day.mov" --samples-per-second 5', shared=[MODEL])
@click.argument("videos", metavar="VIDEO...", nargs=-1, required=True)
@click.option("--samples-per-second", "rate", metavar="N", type=_rate, help=_RATE)
def run(options: Options, videos: Sequence[str], rate: float | None) -> int:
    """Embed the sampled frames of videos, one video after another.

    A VIDEO is a video file, or numbered pictures: shots/%05d.png@24. What is stored already is not embedded again, so
    a stopped run goes on where it was.
    """
    store, failed = options.store, False
    samples_per_second = options.config.samples_per_second if rate is None else rate or None
    with terminal.when_stopped("What is indexed is kept; run the same command to go on."):
        encoder = options.load_encoder()
        for named in videos:
            try:
                path = options.video_path(named)
                with about(path):
                    _index_one(path, encoder, store, samples_per_second)
            except ClipVideoError as error:
                terminal.note(error.line)
                failed = True
    if failed:
        return FAILED
    options.tell_notices()
    return 0


def _index_one(path: str, encoder: Encoder, store: EmbeddingStore, samples_per_second: float | None) -> None:
    warnings: Sequence[str] = ()
    progresses = index_video(path, encoder, store, samples_per_second=samples_per_second)
    with closing(progresses), terminal.ProgressBar(path) as bar:  # type: ignore[type-var]
        for progress in progresses:
            warnings = progress.warnings
            bar.show(progress)
    record = known_video(path, store)
    if record is None:
        raise VideoError(f"{shown_name(path)} changed while it was read.", "Run the same command again.")
    for warning in warnings:
        terminal.note(f"{shown_name(path)}: {warning}")
    samples = len(store.stored_pts(record.video_id, encoder.fingerprint))
    idle = " (nothing to do)" if bar.idle else ""
    counted = terminal.count(samples, "sample")
    terminal.line(f"{record.name}: {counted} of {clock(record.table.end_s)}, {record.video_id}{idle}")
