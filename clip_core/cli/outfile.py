"""The file that a command writes: whole or not at all, and never over what it reads."""

from __future__ import annotations

import uuid
from pathlib import Path

from clip_core.errors import ClipVideoError, shown_name

_ELSEWHERE = "Choose another place for --out."


def check_out(out: str, source: str) -> None:
    """Refuse, before any work, an output that cannot be meant.

    Args:
        out: Where to write.
        source: The file that is read.

    Raises:
        ClipVideoError: It is a folder, in no folder, or the source itself.
    """
    file, name = Path(out), shown_name(out)
    try:
        if file.is_dir():
            raise ClipVideoError(f"{name} is a folder.", "Give --out the name of a file in it.")
        if not file.parent.is_dir():
            raise ClipVideoError(f"{name} cannot be written: there is no folder {shown_name(file.parent)}.", _ELSEWHERE)
        if file.exists() and Path(source).exists() and file.samefile(source):
            raise ClipVideoError(f"{name} is the video itself.", _ELSEWHERE)
    except OSError as error:
        raise _translated(out, error) from error


def write_out(out: str, text: str) -> None:
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
        raise _translated(out, error) from error


def _translated(out: str, error: OSError) -> ClipVideoError:
    return ClipVideoError(f"{shown_name(out)} cannot be written: {error.strerror}.", _ELSEWHERE)
