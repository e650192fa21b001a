"""The file that a command writes: whole or not at all, and never over what it reads."""

from __future__ import annotations

import uuid
from pathlib import Path

from clip_core.errors import ClipVideoError, shown_name


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


def write_out(out: str, text: str, *, option: str = "--out") -> None:
    """Write ``text`` as UTF-8; a file that was there is replaced at the end, in one step.

    Raises:
        ClipVideoError: It cannot be written; what was there before is untouched.
    """
    target = Path(out)
    try:
        if target.exists() and not target.is_file():  # /dev/stdout, a pipe: nothing that could be replaced
            target.write_text(text, encoding="utf-8", newline="")
            return
        target = target.resolve()  # a link stays a link
        part = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            part.write_text(text, encoding="utf-8", newline="")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _translated(out, error, option) from error


def _elsewhere(option: str) -> str:
    return f"Choose another place for {option}."


def _translated(out: str, error: OSError, option: str) -> ClipVideoError:
    return ClipVideoError(f"{shown_name(out)} cannot be written: {error.strerror}.", _elsewhere(option))
