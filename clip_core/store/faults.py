"""The one place where errors of LanceDB and of the operating system become ours."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from clip_core.errors import StoreError, StoreFullError
from clip_core.text import printable, shorten

_MOST = 70
_MOST_PLACE = 60
_FULL_CODES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL = re.compile(r"no space left|file too large|quota exceeded|storage full", re.IGNORECASE)
_CONFLICT = re.compile(r"conflict|preempted|concurrent", re.IGNORECASE)
_MISSING = re.compile(r"not found", re.IGNORECASE)
# Rust puts its own classes before the text, and the number of the error, the path and its own source behind it.
_RUST = re.compile(r"^(lance error: )?(\w+\(\w+\): )*| \(os error \d+\).*$|, /\S+\.rs:\d+.*$", re.DOTALL)


def is_conflict(error: BaseException) -> bool:
    """Whether another writer won the race, so that trying again is the remedy."""
    return _CONFLICT.search(str(error)) is not None


def is_missing(error: BaseException) -> bool:
    """Whether the table, or the folder below it, is not there (any more)."""
    return isinstance(error, FileNotFoundError) or _MISSING.search(str(error)) is not None


def shown_place(location: str) -> str:
    """The end of a folder or address as it may stand in a message, at most 60 characters."""
    return shorten(printable(location), _MOST_PLACE, tail=_MOST_PLACE - 1)


def translate(error: OSError | RuntimeError | ValueError, location: str) -> StoreError:
    """Return what to tell the user about a foreign error.

    Args:
        error: What LanceDB or the operating system raised.
        location: The folder or address of the store.
    """
    place = shown_place(location)
    if (isinstance(error, OSError) and error.errno in _FULL_CODES) or _FULL.search(str(error)):
        return StoreFullError(
            f"The disk that holds {place} is full.",
            "Free some space or set embeddings: in config.yaml to another folder, then go on where it stopped.",
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else _RUST.sub("", str(error))
    reason = " ".join(reason.split())[:_MOST] or type(error).__name__
    return StoreError(
        f"The embeddings in {place} cannot be read or written: {reason}.",
        "Check that folder, or set embeddings: in config.yaml to another one.",
    )


@contextmanager
def guarded(location: str) -> Iterator[None]:
    """Within the block, foreign errors rise as ``StoreError`` or ``StoreFullError``."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise translate(error, location) from error
