"""``download``: fetch a model from the Hugging Face hub, saying first what and how much."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.arguments import PROGRAM
from clip_core.cli.shared import STOPPED
from clip_core.errors import UnknownModelError
from clip_core.text import clock, short_prompt, size_text

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.encoders.hub import DownloadPlan, DownloadProgress

COMMIT_LENGTH = 40


def download(given: Namespace, config: Config) -> int:
    """Run the command; return its exit code."""
    if given.id is None:
        return _list(config)
    from clip_core.encoders.hub import find_cached, plan_download
    from clip_core.encoders.registry import hub_model

    named = hub_model(given.id)
    if named is None:
        what = f"{short_prompt(given.id) or '(empty name)'} cannot be a model of the hub."
        raise UnknownModelError(what, "Names look like Xenova/clip-vit-base-patch32.")
    precision = getattr(given, "precision", config.precision)
    if len(named[1]) == COMMIT_LENGTH and find_cached(*named, precision):  # a commit does not change: nobody is asked
        terminal.line(f"{given.id}, commit {named[1][:7]}: all of it here already.")
        return 0
    plan = plan_download(*named, precision)
    what = f"{given.id}, {plan.precision}, commit {plan.commit[:7]}: {size_text(plan.total_bytes)}"
    if not plan.missing_bytes and find_cached(plan.model_id, plan.commit, plan.precision):
        terminal.line(f"{what}, all of it here already.")
        return 0
    terminal.line(f"{what} in {len(plan.files)} files, of which {size_text(plan.missing_bytes)} are to come.")
    try:
        _fetch(plan)
    except KeyboardInterrupt:
        terminal.note("Stopped. What has arrived is kept; run the same command to go on.")
        return STOPPED
    terminal.line(f"Done. Use it: {PROGRAM} index VIDEO --model {given.id}, or choose it on the page.")
    return 0


def _fetch(plan: DownloadPlan) -> None:
    from clip_core.encoders.hub import download as fetch

    with closing(fetch(plan)) as run, terminal.ProgressBar(plan.model_id) as bar:  # type: ignore[type-var]
        for progress in run:
            whole = progress.done_bytes == progress.total_bytes
            bar.tell(progress.done_bytes / max(1, progress.total_bytes), _counts(progress), whole)


def _counts(progress: DownloadProgress) -> str:
    parts = [f"{size_text(progress.done_bytes)} of {size_text(progress.total_bytes)}"]
    if progress.bytes_per_second:
        parts.append(f"{size_text(progress.bytes_per_second)}/s")
    if progress.seconds_left:
        parts.append(f"{clock(progress.seconds_left, 0)} left")
    return ", ".join(parts)


def _list(config: Config) -> int:
    """Show the models that are known, without asking the hub."""
    from clip_core.encoders.registry import available_models

    rows = []
    for choice in available_models(config):
        if choice.hub is not None:
            sizes = ", ".join(f"{name} {size} MB" for name, size in choice.hub.sizes_mb.items())
            rows.append((choice.hub.name, choice.hub.id, sizes, "yes" if choice.is_local else "no"))
    terminal.table(("MODEL", "ID", "ABOUT", "HERE"), rows)
    terminal.line(f"Fetch one: {PROGRAM} download ID. Any other repository of the same layout works, too.")
    return 0
