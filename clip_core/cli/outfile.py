"""The file that a command writes: whole or not at all, and never over what it reads."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

from clip_core.errors import ClipVideoError, shown_name
from clip_core.files import whole_file


def check_out(out: str, source: str, *, option: str = "--out", source_is: str = "the video") -> None:
    """Refuse, before any work, an output that cannot be meant.

    Args:
        out: Where to write.
        source: A file that is read.
        option: What the output is given by, for messages.
        source_is: What that file is, for messages.

    Raises:
        ClipVideoError: It is a folder, in no folder, or the source itself.
    """
    file, name = Path(out), shown_name(out)
    try:
        if file.is_dir():
            raise ClipVideoError(f"{name} is a folder.", f"Give {option} the name of a file in it.")
        if not file.parent.is_dir():
            what = f"{name} cannot be written: there is no folder {shown_name(file.parent)}."
            raise ClipVideoError(what, _elsewhere(option))
        if file.exists() and Path(source).exists() and file.samefile(source):
            raise ClipVideoError(f"{name} is {source_is} itself.", _elsewhere(option))
    except OSError as error:
        raise _translated(out, error, option) from error


def check_folder(out: str, *, option: str = "--out") -> None:
    """Refuse, before any work, what is there and is no folder; nothing is made.

    Raises:
        ClipVideoError: It is a file, or no path.
    """
    try:
        if Path(out).exists() and not Path(out).is_dir():
            raise ClipVideoError(f"{shown_name(out)} is a file, not a folder.", _elsewhere(option))
    except (OSError, ValueError) as error:
        raise _translated(out, error, option) from error


def make_folder(out: str, *, option: str = "--out") -> None:
    """Make the folder that several files go into, and see that files can be made there, before the first is written.

    Raises:
        ClipVideoError: It is a file, or cannot be made or written.
    """
    check_folder(out, option=option)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:
        raise _translated(out, error, option) from error


def write_out(out: str, content: str | bytes, *, option: str = "--out") -> None:
    """Write a file, texts as UTF-8; a file that was there is replaced at the end, in one step.

    Raises:
        ClipVideoError: It cannot be written; what was there before is untouched.
    """
    target, content = Path(out), content if isinstance(content, bytes) else content.encode()
    try:
        if target.exists() and not target.is_file():  # /dev/stdout, a pipe: nothing that could be replaced
            target.write_bytes(content)
            return
        target = target.resolve()  # a link stays a link
        with whole_file(target, target.with_name(f".{uuid.uuid4().hex}.part")) as part:  # two may write to one place
            part.write_bytes(content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _translated(out, error, option) from error


def _elsewhere(option: str) -> str:
    return f"Choose another place for {option}."


def _translated(out: str, error: OSError | ValueError, option: str) -> ClipVideoError:
    reason = getattr(error, "strerror", None) or "that is no path"
    return ClipVideoError(f"{shown_name(out)} cannot be written: {reason}.", _elsewhere(option))
