"""The back stair: ``python -m clip_core COMMAND`` walks the page's corridor without a browser; ``--help`` lists them.

Nothing heavy is loaded before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.arguments import make_parser
from clip_core.cli.shared import FAILED, STOPPED, about
from clip_core.errors import ClipVideoError

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config

NOBODY_READS = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: What follows the program's name; None takes the process's own.

    Returns:
        The exit code.
    """
    terminal.let_anything_through()
    try:
        try:
            given = _parsed(argv)
            return 0 if given is None else _command(given)
        except ClipVideoError as error:
            terminal.note(error.line)
            return FAILED
        except KeyboardInterrupt:
            terminal.note("Stopped.")
            return STOPPED
    except BrokenPipeError:  # "| head" has seen enough
        terminal.abandon(sys.stdout)
        terminal.abandon(sys.stderr)
        return NOBODY_READS


def _parsed(argv: Sequence[str] | None) -> Namespace | None:
    """What is asked for, None if it was help."""
    try:
        return make_parser().parse_args(argv)
    except SystemExit:
        return None


def _command(given: Namespace) -> int:
    from clip_core.config import DEFAULT_NAME, ENVIRONMENT_VARIABLE, load_config

    path = getattr(given, "config", None)
    if given.command == "doctor":
        from clip_core.cli.doctor import doctor

        return doctor(given)
    with about(path or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_NAME):
        config = load_config(path)
    if given.command == "download":
        from clip_core.cli.download import download

        return download(given, config)
    return _with_store(given, config)


def _with_store(given: Namespace, config: Config) -> int:
    """Run one of the commands that need the store."""
    from clip_core.cli.clips import clips
    from clip_core.cli.evaluate import evaluate
    from clip_core.cli.forget import forget
    from clip_core.cli.index import index
    from clip_core.cli.moments import moments
    from clip_core.cli.report import report
    from clip_core.cli.score import score
    from clip_core.cli.stored import list_videos
    from clip_core.store.store import EmbeddingStore

    store = EmbeddingStore(getattr(given, "store", config.embeddings))
    if given.command == "list":
        return list_videos(config, store)
    commands = {
        "index": index, "score": score, "moments": moments, "report": report, "evaluate": evaluate, "clips": clips,
        "forget": forget,
    }  # fmt: skip
    return commands[given.command](given, config, store)


if __name__ == "__main__":
    sys.exit(main())
