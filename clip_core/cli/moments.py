"""``moments``: write the moments of a video in formats that other tools open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.findings import counted, outcome_of, tell_verdicts
from clip_core.cli.outfile import check_folder, check_out, make_folder, write_out
from clip_core.cli.shared import tell_notices
from clip_core.errors import ClipVideoError, shown_name

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.store.store import EmbeddingStore

ALL = "all"


def moments(given: Namespace, config: Config, store: EmbeddingStore) -> int:
    """Run the command; return its exit code."""
    from clip_core.export.formats import MOMENT_FORMATS
    from clip_core.pipeline.write_outcome import moments_file

    kinds = _kinds(given.format)
    targets = {}
    if given.out is None:
        if len(kinds) > 1:
            raise ClipVideoError("Several formats need a folder to lie in.", "Give one: --out DIR")
    else:
        check_folder(given.out)
        targets = {kind: str(Path(given.out) / MOMENT_FORMATS[kind].file_name) for kind in kinds}
    outcome = outcome_of(given, config, store)
    if given.out is None:
        terminal.write(moments_file(kinds[0], outcome).decode())
    else:
        make_folder(given.out)
    for target in targets.values():
        check_out(target, outcome.path)
    for kind, target in targets.items():
        write_out(target, moments_file(kind, outcome))
    if targets:
        names = ", ".join(shown_name(target) for target in targets.values())
        terminal.line(f"{outcome.record.name}: {counted(outcome)} in {given.out}: {names}")
    tell_verdicts(outcome)
    if outcome.source.note and any(MOMENT_FORMATS[kind].counts_frames for kind in kinds):
        terminal.note(outcome.source.note)
    tell_notices(config)
    return 0


def _kinds(given: str) -> list[str]:
    """The formats, each once, in the order given."""
    from clip_core.export.formats import MOMENT_FORMATS

    names = [name.strip().lower() for name in given.split(",") if name.strip()]
    for name in names:
        if name not in (*MOMENT_FORMATS, ALL):
            known = ", ".join((*MOMENT_FORMATS, ALL))
            raise ClipVideoError(f"There is no format “{shown_name(name, 20)}”.", f"There are: {known}.")
    if not names:
        raise ClipVideoError("No format is given.", "Such as: --format csv,otio,vtt")
    return list(MOMENT_FORMATS) if ALL in names else list(dict.fromkeys(names))
