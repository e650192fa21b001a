"""``doctor``: say in plain lines what works and what to do."""

from __future__ import annotations

from clip_core.analysis.check_setup import Check, check_setup
from clip_core.cli import terminal
from clip_core.cli.options import FAILED, MODEL, Options, command
from clip_core.config import load_config
from clip_core.errors import ConfigError


@command("doctor --model roboflow", shared=[MODEL])
def run(options: Options) -> int:
    """Check the set-up, and say what works and what to do.

    Checked are the config, the video folders, the store, and the model or the server with one text and one picture.
    """
    try:
        config = load_config(options.config_file)
    except ConfigError as error:
        _tell(Check("config", "fail", error.what, error.next_step))
        return FAILED
    for notice in config.notices:
        _tell(Check("config", "note", notice))
    if config.source is not None:
        _tell(Check("config", "ok", f"{config.source} can be read."))
    store = config.embeddings if options.store_folder is None else options.store_folder
    failed = 0
    for check in check_setup(config, store, config.model if options.model is None else options.model):
        _tell(check)
        failed += check.result == "fail"
    terminal.line("Everything works." if not failed else f"{failed} of these must be put right first.")
    return FAILED if failed else 0


def _tell(check: Check) -> None:
    terminal.line(f"{check.result:<5} {check.subject:<7} {check.what} {check.next_step}".rstrip())
