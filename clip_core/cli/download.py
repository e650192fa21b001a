"""``download``: fetch a model from the Hugging Face hub, saying first what and how much."""

from __future__ import annotations

from contextlib import closing

import click

from clip_core.cli import terminal
from clip_core.cli.options import PROGRAM, Options, command
from clip_core.config import Config
from clip_core.encoders import hub, hub_cache
from clip_core.encoders.model_files import AUTO, SUFFIXES
from clip_core.encoders.registry import available_models, hub_model
from clip_core.errors import UnknownModelError
from clip_core.text import short_prompt, size_text
from clip_core.types import Progress

COMMIT_LENGTH = 40
PRECISIONS = (AUTO, *SUFFIXES)


@command("download", "download Xenova/clip-vit-base-patch32 --precision fp32")
@click.argument("model_id", metavar="[ID]", required=False)
@click.option(
    "--precision", metavar="P", type=click.Choice(PRECISIONS), help=f"{', '.join(PRECISIONS)} (default: the config's)"
)
def run(options: Options, model_id: str | None, precision: str | None) -> None:
    """Fetch a model from the Hugging Face hub into its cache.

    What and how much is said first. A download that was stopped goes on where it was. ID is a repository, such as
    Xenova/clip-vit-base-patch32; without one, list the models that are known.
    """
    config = options.config
    if model_id is None:
        _list(config)
        return
    named = hub_model(model_id)
    if named is None:
        what = f"{short_prompt(model_id) or '(empty name)'} cannot be a model of the hub."
        raise UnknownModelError(what, "Names look like Xenova/clip-vit-base-patch32.")
    precision = precision or config.precision
    fixed = len(named[1]) == COMMIT_LENGTH  # what a commit holds does not change: the hub need not be asked
    if fixed and hub_cache.find_cached(*named, precision):
        terminal.line(f"{model_id}, commit {named[1][:7]}: all of it here already.")
        return
    plan = hub.plan_download(*named, precision)
    what = f"{model_id}, {plan.precision}, commit {plan.commit[:7]}: {size_text(plan.total_bytes)}"
    if not plan.missing_bytes and hub_cache.find_cached(plan.model_id, plan.commit, plan.precision):
        terminal.line(f"{what}, all of it here already.")
        return
    terminal.line(f"{what} in {len(plan.files)} files, of which {size_text(plan.missing_bytes)} are to come.")
    with (
        terminal.when_stopped("What has arrived is kept; run the same command to go on."),
        closing(hub.download(plan)) as progresses,
        terminal.ProgressBar(plan.model_id) as bar,
    ):
        for progress in progresses:
            bar.update(progress.share, _counts(progress), progress.done == progress.total)
    terminal.line(f"Done. Use it: {PROGRAM} index VIDEO --model {model_id}, or choose it on the page.")


def _counts(progress: Progress) -> str:
    rate = f", {size_text(progress.bytes_per_second)}/s" if progress.bytes_per_second else ""
    counts = f"{size_text(progress.done)} of {size_text(progress.total)}{rate}"
    return counts + terminal.time_left(progress.seconds_left)


def _list(config: Config) -> None:
    """Show the models that are known, without asking the hub."""
    rows = []
    for choice in available_models(config):
        if choice.hub is not None:
            sizes = ", ".join(f"{name} {size} MB" for name, size in choice.hub.sizes_mb.items())
            rows.append((choice.hub.name, choice.hub.id, sizes, "yes" if choice.is_local else "no"))
    terminal.table(("MODEL", "ID", "ABOUT", "HERE"), rows)
    terminal.line(f"Fetch one: {PROGRAM} download ID. Any other repository of the same layout works, too.")
