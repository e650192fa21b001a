"""``index``: embed the frames of videos. ``download``: fetch the model for it from the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from clip_core.analysis.stored_videos import forget_outdated_copy
from clip_core.cli import terminal
from clip_core.cli.options import FAILED, MODEL, PROGRAM, Options, about, command, number
from clip_core.config import EVERY_FRAME, Config
from clip_core.encoders import hub, hub_cache
from clip_core.encoders.base import Encoder
from clip_core.encoders.model_files import AUTO, SUFFIXES
from clip_core.encoders.registry import available_models, hub_model
from clip_core.errors import ClipVideoError, UnknownModelError, VideoError, shown_name
from clip_core.indexing.index_video import index_video
from clip_core.library.identify import known_video
from clip_core.media.file_facts import file_facts
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, short_prompt, size_text
from clip_core.types import Progress

COMMIT_LENGTH = 40
_RATE = f'a number, or "{EVERY_FRAME}" (default: the config\'s)'
_PRECISIONS = (AUTO, *SUFFIXES)
_PRECISION = f"{', '.join(_PRECISIONS)} (default: the config's)"
_number = number(0.001, 1000, f'neither a number from 0.001 to 1000 nor "{EVERY_FRAME}"')


def _rate(value: str) -> float:
    """Return the rate; 0 stands for every frame, as None does for an option that is not given."""
    return 0.0 if value.strip() == EVERY_FRAME else _number(value)


@command('index holiday.mp4 "second day.mov" --samples-per-second 5', shared=[MODEL])
@click.argument("videos", metavar="VIDEO...", nargs=-1, required=True)
@click.option("--samples-per-second", "rate", metavar="N", type=_rate, help=_RATE)
def run_index(options: Options, videos: Sequence[str], rate: float | None) -> int:
    """Embed the sampled frames of videos, one video after another.

    A VIDEO is a video file, or numbered pictures: shots/%05d.png@24. Frames that are already stored are not embedded
    again, so a stopped run resumes where it was.
    """
    store, failed = options.store, False
    samples_per_second = options.config.samples_per_second if rate is None else rate or None
    with terminal.when_stopped("What is indexed is kept; run the same command to go on."):
        encoder = options.load_encoder()
        for named in videos:
            try:
                path = options.video_path(named)
                with about(path):
                    forget_outdated_copy(path, store, options.config)
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
    with terminal.ProgressBar(path) as bar:
        progresses = index_video(
            path, encoder, store, samples_per_second=samples_per_second, on_known=lambda: _tell_facts(path, store, bar)
        )
        with closing(progresses):  # type: ignore[type-var]
            for progress in progresses:
                warnings = progress.warnings
                bar.show(progress)
    record = known_video(path, store)
    if record is None:
        raise VideoError(f"{shown_name(path)} changed while it was read.", "Run the same command again.")
    for warning in warnings:
        terminal.note(f"{shown_name(path)}: {warning}")
    samples = terminal.count(len(store.stored_pts(record.video_id, encoder.fingerprint)), "sample")
    idle = " (nothing to do)" if bar.idle else ""
    terminal.line(f"{record.name}: {samples} of {clock(record.table.end_s)}, {record.video_id}{idle}")


def _tell_facts(path: str, store: EmbeddingStore, bar: terminal.ProgressBar) -> None:
    """Say what the page shows beside the facts of the file, before anything is embedded."""
    record = known_video(path, store)
    facts = () if record is None else file_facts(Path(path), record)
    if record is not None and facts:
        frames = terminal.count(len(record.table), "frame")
        bar.note(f"{shown_name(path)}: {frames}, {clock(record.table.end_s)}; {', '.join(facts)}")


@command("download", "download Xenova/clip-vit-base-patch32 --precision fp32")
@click.argument("model_id", metavar="[ID]", required=False)
@click.option("--precision", metavar="P", type=click.Choice(_PRECISIONS), help=_PRECISION)
def run_download(options: Options, model_id: str | None, precision: str | None) -> None:
    """Fetch a model from the Hugging Face hub into its cache.

    It first says what it fetches and how much. A stopped download resumes where it was. ID is a repository, such as
    Xenova/clip-vit-base-patch32; without one, list the known models.
    """
    config = options.config
    if model_id is None:
        _list_models(config)
        return
    named = hub_model(model_id)
    if named is None:
        what = f"{short_prompt(model_id) or '(empty name)'} cannot be a model of the hub."
        raise UnknownModelError(what, "Names look like Xenova/clip-vit-base-patch32.")
    precision = precision or config.precision
    fixed = len(named[1]) == COMMIT_LENGTH  # what a commit holds does not change: the hub need not be asked
    if fixed and hub_cache.find_cached(*named, precision):
        terminal.line(f"{model_id}, commit {named[1][:7]}: already downloaded in full.")
        return
    plan = hub.plan_download(*named, precision)
    what = f"{model_id}, {plan.precision}, commit {plan.commit[:7]}: {size_text(plan.total_bytes)}"
    if not plan.missing_bytes and hub_cache.find_cached(plan.model_id, plan.commit, plan.precision):
        terminal.line(f"{what}, already downloaded in full.")
        return
    terminal.line(
        f"{what} in {len(plan.files)} files, of which {size_text(plan.missing_bytes)} are still to be downloaded."
    )
    with (
        terminal.when_stopped("What has arrived is kept; run the same command to go on."),
        closing(hub.download(plan)) as progresses,
        terminal.ProgressBar(plan.model_id) as bar,
    ):
        for progress in progresses:
            bar.update(progress.share, _bytes_counted(progress), progress.done == progress.total)
    terminal.line(f"Done. Use it: {PROGRAM} index VIDEO --model {model_id}, or choose it on the page.")


def _bytes_counted(progress: Progress) -> str:
    rate = f", {size_text(progress.bytes_per_second)}/s" if progress.bytes_per_second else ""
    counts = f"{size_text(progress.done)} of {size_text(progress.total)}{rate}"
    return counts + terminal.time_left(progress.seconds_left)


def _list_models(config: Config) -> None:
    """Show the models that are known, without asking the hub."""
    rows = []
    for choice in available_models(config):
        if choice.hub is not None:
            sizes = ", ".join(f"{name} {size} MB" for name, size in choice.hub.sizes_mb.items())
            rows.append((choice.hub.name, choice.hub.id, sizes, "yes" if choice.is_local else "no"))
    terminal.table(("MODEL", "ID", "ABOUT", "HERE"), rows)
    terminal.line(f"Fetch one: {PROGRAM} download ID. Any other repository of the same layout works, too.")
