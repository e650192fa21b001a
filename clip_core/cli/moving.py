"""``store``: copy a store, merge one into another, and check one."""

from __future__ import annotations

from collections.abc import Mapping

import click

from clip_core.analysis.check_store import check_store
from clip_core.cli import terminal
from clip_core.cli.options import CONFIG, FAILED, HELP, INCOMPLETE, PROGRAM, STORE, Options, command, place
from clip_core.errors import ClipVideoError
from clip_core.indexing.merge_stores import check_places, merge_stores
from clip_core.store.embeddings import FRAMES, TEXTS
from clip_core.store.store import EmbeddingStore
from clip_core.text import counted

FROM = click.Argument(("source",), metavar="FROM", type=place)
TO = click.Argument(("target",), metavar="TO", type=place)
_KEPT = "What was copied is kept; run the same command to go on."
_TABLE_CELLS = 20
_NAMES = {
    "videos": ("record of a video", "records of videos"),
    FRAMES: ("frame", "frames"),
    "thumbnails": ("thumbnail", "thumbnails"),
    TEXTS: ("vector of a prompt", "vectors of prompts"),
    "runs": ("run", "runs"),
    "edits": ("annotation", "annotations"),
    "settings": ("video's settings", "videos' settings"),
    "searches": ("saved search", "saved searches"),
    "subtitle_sources": ("video's subtitles", "videos' subtitles"),
    "failures": ("failure", "failures"),
    "files": ("known file", "known files"),
}
"""What rows of a table are called; the key of a model's tables is what their names begin with."""


@command("store copy embeddings s3://bucket/embeddings", shared=[FROM, TO])
def run_copy(options: Options, source: str, target: str) -> None:
    """Copy a store to an empty place.

    FROM and TO are folders or s3:// addresses. FROM is only read. A copy that was stopped goes on when the same command
    is run again.
    """
    _bring(options, source, target, is_copy=True)


@command("store merge laptop/embeddings embeddings", shared=[FROM, TO])
def run_merge(options: Options, source: str, target: str) -> None:
    """Add what FROM holds, and TO does not, to TO: embeddings, annotations, settings, subtitles and all else.

    FROM and TO are folders or s3:// addresses. FROM is only read. Of two annotations of one moment, of two settings of
    one video and so on, the newest counts. Run twice, it changes nothing.
    """
    _bring(options, source, target, is_copy=False)


def _bring(options: Options, source: str, target: str, *, is_copy: bool) -> None:
    if options.store_folder is not None:
        raise ClipVideoError("--store has no meaning here.", "Name the stores as FROM and TO.")
    there, here = EmbeddingStore(source, read_only=True), EmbeddingStore(target)
    check_places(there, here, is_copy=is_copy)
    with terminal.when_stopped(_KEPT), terminal.ProgressBar("Copying" if is_copy else "Merging") as bar:
        for progress in merge_stores(there, here):
            text = f"{progress.done:,} of {progress.total:,} rows looked at"
            bar.update(progress.share, text, progress.finished)
    for note in progress.notes:
        terminal.note(note)
    terminal.line(f"{there.location} → {here.location}: {_added(progress.added)}")


def _added(added: Mapping[str, int]) -> str:
    """Return "added or changed: 1,200 frames, 3 annotations", summed over all models."""
    sums: dict[str, int] = {}
    for name, count in added.items():
        key = next(key for key in _NAMES if name.startswith(key))
        sums[key] = sums.get(key, 0) + count
    parts = [counted(sums[key], *names) for key, names in _NAMES.items() if sums.get(key)]
    return f"added or changed: {', '.join(parts)}" if parts else "nothing to add."


@command("store check", "store check s3://bucket/embeddings")
@click.argument("store", metavar="[STORE]", type=place, required=False)
def run_check(options: Options, store: str | None) -> int:
    """Read every table of a store through, and say what is damaged, lacking or left over, and what to do.

    Nothing is changed. STORE is a folder or an s3:// address; without it, the config's store is checked. The exit code
    is 0 if nothing must be done, 3 if a command puts it right, 2 if a table is damaged.
    """
    checked = options.store if store is None else EmbeddingStore(store, read_only=True)
    found: set[str] = set()
    with terminal.ProgressBar("Checking") as bar:
        for progress in check_store(checked):
            for finding in progress.findings:
                found.add(finding.result)
                bar.clear()
                terminal.line(
                    f"{finding.result:<7} {finding.table[:20]:<20} {finding.what} {finding.next_step}".rstrip()
                )
            bar.update(progress.share, f"{progress.done:,} of {progress.total:,} rows read", done=False)
    terminal.line("Some must be put right." if found & {"damaged", "lacking"} else "Nothing must be done.")
    return FAILED if "damaged" in found else INCOMPLETE if "lacking" in found else 0


_ABOUT = f"""Copy a store to another place, merge what two machines indexed, or check a store.

\b
{PROGRAM} store copy embeddings s3://bucket/embeddings
{PROGRAM} store merge laptop/embeddings embeddings
{PROGRAM} store check"""
run_store = click.Group(
    "store",
    help=_ABOUT,
    commands={"copy": run_copy, "merge": run_merge, "check": run_check},
    params=[CONFIG, STORE, HELP],
    add_help_option=False,
    no_args_is_help=False,
    subcommand_metavar="copy|merge|check ...",
)
