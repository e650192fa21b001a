"""``doctor``: say in plain lines what works and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.shared import FAILED
from clip_core.errors import ConfigError

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.pipeline.check_setup import Check


def doctor(given: Namespace) -> int:
    """Run the command; return its exit code: 2 if something fails."""
    from clip_core.config import load_config
    from clip_core.pipeline.check_setup import Check, check_setup

    try:
        config = load_config(getattr(given, "config", None))
    except ConfigError as error:
        _tell(Check("config", "fail", error.what, error.next_step))
        return FAILED
    for notice in config.notices:
        _tell(Check("config", "note", notice))
    if config.source is not None:
        _tell(Check("config", "ok", f"{config.source} can be read."))
    model = config.model if given.model is None else given.model
    failed = 0
    for check in check_setup(config, getattr(given, "store", config.embeddings), model):
        _tell(check)
        failed += check.outcome == "fail"
    terminal.line("Everything works." if not failed else f"{failed} of these must be put right first.")
    return FAILED if failed else 0


def _tell(check: Check) -> None:
    terminal.line(f"{check.outcome:<5} {check.subject:<7} {check.what} {check.next_step}".rstrip())
