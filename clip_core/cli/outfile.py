"""The file that a command writes: whole or not at all, and never over what it reads."""

from __future__ import annotations

import tempfile
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


def make_folder(out: str) -> None:
    """Make the folder that several files go into, and see that files can be made there, before any work.

    Raises:
        ClipVideoError: It is a file, or cannot be made or written.
    """
    folder, name = Path(out), shown_name(out)
    try:
        if folder.exists() and not folder.is_dir():
            raise ClipVideoError(f"{name} is a file, not a folder.", _ELSEWHERE)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:
        raise _translated(out, error) from error


def write_out(out: str, content: str | bytes) -> None:
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
        part = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            part.write_bytes(content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _translated(out, error) from error


def _translated(out: str, error: OSError | ValueError) -> ClipVideoError:
    reason = getattr(error, "strerror", None) or "that is no path"
    return ClipVideoError(f"{shown_name(out)} cannot be written: {reason}.", _ELSEWHERE)
