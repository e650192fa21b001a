"""``index``: embed the frames of videos and folders. ``download``: fetch the model for it from the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import click

from clip_core.cli import terminal
from clip_core.cli.index_passes import IndexPasses
from clip_core.cli.named_videos import failed_below, listed_paths, named_videos
from clip_core.cli.options import FAILED, INCOMPLETE, MODEL, PROGRAM, Options, command, number, text
from clip_core.config import EVERY_FRAME, Config
from clip_core.encoders import hub, hub_cache
from clip_core.encoders.model_files import AUTO, SUFFIXES
from clip_core.encoders.registry import available_models, hub_model
from clip_core.errors import UnknownModelError
from clip_core.text import short_prompt, size_text
from clip_core.types import Progress

COMMIT_LENGTH = 40
AUTO_WORKERS = "auto"
_RATE = f'a number, or "{EVERY_FRAME}" (default: the config\'s)'
_PRECISIONS = (AUTO, *SUFFIXES)
_PRECISION = f"{', '.join(_PRECISIONS)} (default: the config's)"
_MOST_WORKERS = 1000
_count = number(1, _MOST_WORKERS, f'neither a whole number from 1 to {_MOST_WORKERS} nor "{AUTO_WORKERS}"')
_number = number(0.001, 1000, f'neither a number from 0.001 to 1000 nor "{EVERY_FRAME}"')


def _rate(value: str) -> float:
    """Return the rate; 0 stands for every frame, as None does for an option that is not given."""
    return 0.0 if value.strip() == EVERY_FRAME else _number(value)


def _workers(value: str) -> int:
    """Return the number of workers; 0 stands for as many as fit, as None does for an option that is not given."""
    if value.strip() == AUTO_WORKERS:
        return 0
    return int(_count(value if value.strip().isdecimal() else ""))


@command(
    'index holiday.mp4 "second day.mov" --samples-per-second 5',
    'index footage --pattern "*.mov"',
    'index "s3://bucket/day 1/**/*.mp4"',
    "index footage --workers auto",
    "index --retry-failed",
    shared=[MODEL],
)
@click.argument("videos", metavar="VIDEO...", nargs=-1)
@click.option("--samples-per-second", "rate", metavar="N", type=_rate, help=_RATE)
@click.option("--pattern", metavar="GLOB", type=text, help='of folders, only files of such a name, as in "*.mov"')
@click.option("--from-file", "listed", metavar="LIST", type=text, help="a text file of paths, one a line; - is stdin")
@click.option("--log", "log", metavar="json", type=click.Choice(["json"]), help="json: on stderr, each event is a line")
@click.option("--workers", metavar="N", type=_workers, help=f"so many processes; {AUTO_WORKERS}: half as many as cores")
@click.option("--cluster", metavar="ADDRESS", type=text, help="Ray: HOST:PORT, auto, or local for one on this machine")
@click.option("--retry-failed", "again", is_flag=True, help="only what failed last time")
def run_index(
    options: Options,
    videos: Sequence[str],
    rate: float | None,
    pattern: str | None,
    listed: str | None,
    log: str | None,
    workers: int | None,
    cluster: str | None,
    again: bool,
) -> int:
    """Embed the sampled frames of videos, so that they can be searched.

    A VIDEO is a video file, numbered pictures (shots/%05d.png@24), or a folder: all videos in it and its subfolders.
    s3://bucket/a.mp4 is an object, s3://bucket/day/ all videos below it; * stands for a name, ** for folders. An object
    is fetched whole into a temporary folder; keys and endpoint are those of the AWS_* variables.
    With --workers or --cluster, several workers share the videos, and long ones are cut into chunks for them.
    Of several videos all get a first look before any is indexed in full. Frames that are already stored are not
    embedded again, so a stopped run resumes where it was. What failed is listed at the end, with exit code 3.
    """
    if log == "json":
        terminal.events_as_json()
    named = [*videos, *([] if listed is None else listed_paths(listed))]
    if not named and not again:
        raise click.UsageError("Missing argument 'VIDEO...'.", click.get_current_context())
    if again:
        named = list(failed_below(named, options.store.failures()))
        if not named:
            terminal.line("Nothing failed last time.")
            return 0
    paths = named_videos(named, options, pattern)
    samples_per_second = options.config.samples_per_second if rate is None else rate or None
    with terminal.when_stopped("What is indexed is kept; run the same command to go on."):
        if workers is None and cluster is None:
            failed = IndexPasses(paths, options, options.load_encoder(), samples_per_second).run()
        else:
            from clip_core.cli.index_workers import index_by_workers  # imports what most runs do not need

            failed = index_by_workers(paths, options, samples_per_second, workers or None, cluster)
    if failed:
        return FAILED if failed == len(paths) else INCOMPLETE
    options.tell_notices()
    return 0


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
