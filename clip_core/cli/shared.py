"""What the commands share: the model, the video's path, and errors that name what they are about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.errors import ClipVideoError, UnknownModelError, shown_name

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.encoders.base import ShownEncoder

FAILED, STOPPED = 2, 130


def encoder_for(given: Namespace, config: Config) -> ShownEncoder:
    """The model that is asked for; where its frames leave this machine, that is said before the first one goes."""
    from clip_core.encoders.registry import available_models, load_encoder

    try:
        encoder = load_encoder(config.model if given.model is None else given.model, config)
    except UnknownModelError:
        terminal.note("Known models:")
        for choice in available_models(config):
            terminal.note(f"  {choice.name}")
        raise
    if encoder.sends_to is not None:
        terminal.note(f"Frames and prompts are sent to {encoder.sends_to}.")
    return encoder


def video_path(named: str, config: Config) -> str:
    """The path of a video, with the configured rate if it names a sequence of images without one."""
    from clip_core.video.sequence import with_rate

    return os.fspath(with_rate(Path(named), config.sequence_fps))


def need_file(path: str) -> None:
    """Refuse what is no file, in the words of the room that opens videos, before the store is asked about it.

    Raises:
        VideoError: There is no such regular file.
    """
    from clip_core.video import open_video

    try:
        regular = Path(path).is_file()
    except OSError:  # too long for a name, or behind a door that is shut
        regular = False
    if not regular:
        open_video(path).close()  # which also knows sequences of images


def tell_notices(config: Config) -> None:
    """Say what the user should know about how the settings were read."""
    for notice in config.notices:
        terminal.note(notice)


@contextmanager
def about(path: str | os.PathLike[str]) -> Iterator[None]:
    """See that an error within the block names the file that it is about."""
    try:
        yield
    except ClipVideoError as error:
        name = " ".join(shown_name(path).split())
        if name in error.line:
            raise
        raise type(error)(f"{name}: {error.what}", error.next_step) from error
