"""The command ``clip-video``, the same as ``python -m clip_core``: its help, its errors and its exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from clip_core.cli import terminal
from clip_core.cli.options import CONFIG, FAILED, HELP, PROGRAM, STORE
from clip_core.encoders.waits import on_wait
from clip_core.errors import MAX_MESSAGE, ClipVideoError
from clip_core.text import printable, shorten

STOPPED, READER_GONE = 130, 141
COMMANDS = {
    "index": ("indexing", "embed the frames of videos"),
    "score": ("scoring", "write the scores of prompts as CSV"),
    "search": ("searching", "find moments in all indexed videos"),
    "moments": ("moments", "find moments and write them for other tools"),
    "report": ("moments", "write all that was found as one HTML page"),
    "evaluate": ("evaluate", "compare the moments with a ground truth"),
    "clips": ("moments", "write moments as clips and pictures"),
    "pairs": ("pairs", "write judged moments as pictures with texts, for training"),
    "duplicates": ("lookalikes", "list what occurs twice among the stored videos"),
    "unusual": ("lookalikes", "list the shots that are like nothing else"),
    "vectors": ("vectors", "write stored vectors to a file, or store those of a file"),
    "store": ("moving", "copy a store, merge one into another, or check one"),
    "list": ("upkeep", "show what is stored"),
    "forget": ("upkeep", "delete what is stored of a video"),
    "download": ("indexing", "fetch a model from the Hugging Face hub"),
    "doctor": ("upkeep", "say what works and what to do"),
}
"""Name → the module that has it as ``run_NAME``, and what it does."""
_ABOUT = f"""Embeds videos with a CLIP model and scores texts against their frames; what is
embedded is kept in the store, which the page shares.

\b
{PROGRAM} index data/sample.mp4
{PROGRAM} score data/sample.mp4 --prompt "a dog" --out scores.csv
{PROGRAM} search "a dog"
{PROGRAM} moments data/sample.mp4 --prompt "a dog" --format csv,otio --out found
{PROGRAM} report data/sample.mp4 --out report.html
{PROGRAM} evaluate data/sample.mp4 --truth data/sample.truth.json
{PROGRAM} clips data/sample.mp4 --moments moments.csv --out clips
{PROGRAM} pairs --out training.zip
{PROGRAM} duplicates
{PROGRAM} unusual --limit 10
{PROGRAM} vectors export data/sample.mp4 --npz out/sample.npz
{PROGRAM} store merge laptop/embeddings embeddings
{PROGRAM} list
{PROGRAM} forget sample.mp4
{PROGRAM} download Xenova/clip-vit-base-patch32
{PROGRAM} doctor"""
_ENDS = (
    "Exit codes: 0 done; 2 something failed, and a line on stderr says what; 3 a part failed, the rest is done; "
    "130 stopped with Ctrl-C."
)


class _Commands(click.Group):
    """Imports a command when it is named, so that ``--help`` answers at once."""

    def get_command(self, _: click.Context, name: str) -> click.Command:
        if name not in COMMANDS:
            raise click.UsageError(f"There is no command {name!r}. There are: {', '.join(COMMANDS)}")
        command: click.Command = getattr(import_module(f"clip_core.cli.{COMMANDS[name][0]}"), f"run_{name}")
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in COMMANDS.items()])


_PROGRAM = _Commands(
    help=_ABOUT, epilog=_ENDS, params=[CONFIG, STORE, HELP], add_help_option=False, no_args_is_help=False,
    subcommand_metavar="COMMAND ...", context_settings={"max_content_width": 120},
)  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that ``words`` (None: the process's own) name; return the exit code."""
    terminal.escape_unencodable()
    try:
        try:
            return _run(sys.argv[1:] if words is None else words)
        except ClipVideoError as error:
            terminal.note(error.line)
            return FAILED
        except KeyboardInterrupt as error:
            terminal.note(f"Stopped. {error}".rstrip())
            return STOPPED
    except BrokenPipeError:  # "| head" has seen enough
        terminal.discard(sys.stdout)
        terminal.discard(sys.stderr)
        return READER_GONE


def _run(words: Sequence[str]) -> int:
    """Run a command; not by click's own ``main``, which writes errors in several lines and ends the process."""
    try:
        with _PROGRAM.make_context(PROGRAM, list(words)) as context, on_wait(terminal.wait):
            return _PROGRAM.invoke(context) or 0
    except click.exceptions.Exit as end:  # after --help
        return end.exit_code
    except click.UsageError as error:
        hint = f"See {error.ctx.command_path if error.ctx else PROGRAM} --help."
        message = shorten(printable(error.format_message()).rstrip("."), MAX_MESSAGE - len(hint) - 2)
        raise ClipVideoError(message if message.endswith("?") else f"{message}.", hint) from error
