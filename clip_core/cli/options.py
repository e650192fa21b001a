"""The options that commands share, and what they lead to: the config, the store, the model, the video's path."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clip_core.addresses import is_address
from clip_core.cli.terminal import note, write
from clip_core.errors import MAX_MESSAGE, ClipVideoError, UnknownModelError, shown_name
from clip_core.text import printable

if TYPE_CHECKING:
    from clip_core.config import Config
    from clip_core.encoders.base import ShownEncoder
    from clip_core.store.store import EmbeddingStore

PROGRAM = "python -m clip_core"
FAILED, INCOMPLETE = 2, 3
"""Exit codes: nothing was done, or a part of it was."""


@dataclass
class Options:
    """The options that several commands share, as they were given; None: not given."""

    config_file: str | None = None
    store_folder: str | None = None
    model: str | None = None
    prompt: tuple[str, ...] = ()
    prompts: str | None = None
    settings: str | None = None
    unit: str | None = None
    threshold: float | None = None
    confidence: float | None = None
    smoothing: float | None = None
    smoothing_samples: int | None = None
    filter: str | None = None
    judged: bool = False
    candidates: bool = False

    @cached_property
    def config(self) -> Config:
        """The config; an error in it names the file."""
        from clip_core.config import DEFAULT_NAME, ENVIRONMENT_VARIABLE, load_config

        with about(self.config_file or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_NAME):
            config = load_config(self.config_file)
        from clip_core.media.leftovers import sweep_leftovers

        sweep_leftovers(config)
        return config

    @cached_property
    def store(self) -> EmbeddingStore:
        """The store of ``--store``, else the config's."""
        from clip_core.store.store import EmbeddingStore

        return EmbeddingStore(self.config.embeddings if self.store_folder is None else self.store_folder)

    def load_encoder(self) -> ShownEncoder:
        """Load the model; if it sends frames away, say where to before the first one goes."""
        from clip_core.encoders.cuda import why_on_cpu
        from clip_core.encoders.registry import available_models, is_first_use, load_encoder

        name = self.config.model if self.model is None else self.model
        try:
            if is_first_use(name, self.config):
                note(f"Trying the model {shown_name(name)} for the first time…")
            encoder = load_encoder(name, self.config)
        except UnknownModelError:
            note("Known models:")
            for choice in available_models(self.config):
                note(f"  {choice.name}")
            raise
        if (why := why_on_cpu(encoder.provider)) is not None:
            note(f"The GPU is not used: {why.fault}. {why.next_step}")
        if encoder.sends_to is not None:
            note(f"Frames and prompts are sent to {encoder.sends_to}.")
        return encoder

    def video_path(self, named: str) -> str:
        """Return the path of a video; numbered pictures without a rate get the config's.

        A video in a bucket is fetched, unless its copy is here; its path is that of the copy.

        Raises:
            VideoError: There is no such regular file, or the object cannot be fetched.
        """
        if is_address(named):
            from clip_core.cli.fetching import fetch

            return str(fetch(named, self))
        from clip_core.video import open_video
        from clip_core.video.sequence import with_rate

        path = os.fspath(with_rate(Path(named), self.config.sequence_fps))
        with about(path):
            try:
                regular = Path(path).is_file()
            except OSError:  # too long for a name, or in a folder that may not be read
                regular = False
            if not regular:
                open_video(path).close()  # raises what is wrong, unless these are numbered pictures
        return path

    def index_step(self, video: str, what: str) -> str:
        """Return the next step after the sentence ``what``: the command that indexes, in full if there is room."""
        options = {"--config": self.config_file, "--store": self.store_folder, "--model": self.model}
        words = [word for name, value in options.items() if value is not None for word in (name, value)]
        step = f"Run: {PROGRAM} index {shlex.join([video, *words])}"
        fits = len(what) + 1 + len(step) <= MAX_MESSAGE and printable(step) == step
        return step if fits else f"Run: {PROGRAM} index VIDEO, with the same options."

    def tell_notices(self) -> None:
        """Write the notices of the config to standard error."""
        for notice in self.config.notices:
            note(notice)


@contextmanager
def about(path: str) -> Iterator[None]:
    """Make an error within the block name the file that it is about."""
    try:
        yield
    except ClipVideoError as error:
        name = " ".join(shown_name(path).split())
        if name in error.line:
            raise
        raise type(error)(f"{name}: {error.what}", error.next_step) from error


def text(value: str) -> str:
    """Refuse the next option as a text: this one was left without a value."""
    if any(value in parameter.opts for parameter in click.get_current_context().command.params):
        raise click.BadParameter(f"there is no value before {value}")
    return value


def place(value: str) -> str:
    """Refuse what names neither a file or folder nor an address."""
    if not value.strip() or "\0" in value:
        raise click.BadParameter("it is empty")
    return text(value)


def number(least: float = -math.inf, most: float = math.inf, fault: str = "not a number") -> Callable[[str], float]:
    """Return a type of options: a finite number from ``least`` to ``most``; messages call another one ``fault``."""

    def number(value: str) -> float:
        try:
            parsed = float(value)
        except ValueError:
            parsed = math.nan
        if math.isfinite(parsed) and least <= parsed <= most:
            return parsed
        raise click.BadParameter(f"{value[:40]!r} is {fault}")

    return number


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:  # noqa: ANN401
    """Keep a shared option, given before or after the command's name; the last one counts."""
    options = context.ensure_object(Options)
    if value is not None:
        setattr(options, str(parameter.name), value)
    if options.smoothing is not None and options.smoothing_samples is not None:
        raise click.UsageError("--smoothing and --smoothing-samples exclude one another.", context)


def _show_help(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        write(context.get_help() + "\n")  # not by click's own echo: what cannot be written is told as everywhere
        context.exit()


def shared_option(name: str, metavar: str | None, what: str, *, field: str = "", **rest: Any) -> click.Option:  # noqa: ANN401
    """Return an option that becomes a field of ``Options``; one without ``metavar`` takes no value."""
    kind = {"is_flag": True} if metavar is None else {"metavar": metavar, "type": text}
    names = (name, field) if field else (name,)
    return click.Option(names, expose_value=False, callback=_keep, help=what, **(kind | rest))


HELP = click.Option(
    ("-h", "--help"), is_flag=True, is_eager=True, expose_value=False, callback=_show_help, help="show this and exit"
)
CONFIG = shared_option("--config", "FILE", "the config file (default: ./config.yaml)", field="config_file", type=place)
STORE = shared_option(
    "--store", "FOLDER_OR_S3", "where embeddings are kept (default: the config's)", field="store_folder", type=place
)
MODEL = shared_option("--model", "M", "a model's name, folder or hub id, or roboflow (default: the config's)")
VIDEO = click.Argument(("video",), metavar="VIDEO")


def command(
    *examples: str, shared: Sequence[click.Parameter] = (), kind: type[click.Command] = click.Command
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command: its docstring is the help, ``Options`` the first argument.

    Args:
        examples: Lines for the end of the help, without the program's name.
        shared: Arguments and options that other commands have too, besides those of every command.
        kind: The command's class, if it reads its words in a way of its own.
    """

    def make(function: Callable[..., Any]) -> click.Command:
        epilog = "\b\n" + "\n".join(f"{PROGRAM} {example}" for example in examples)
        made = click.command(cls=kind, epilog=epilog, add_help_option=False)(
            click.make_pass_decorator(Options)(function)
        )
        made.params = [*shared, *made.params, CONFIG, STORE, HELP]
        return made

    return make
