"""The one module through which the command line writes: lines, tables and a progress bar."""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from clip_core.errors import MAX_MESSAGE, ClipVideoError, shown_name
from clip_core.text import clock, printable, shorten

if TYPE_CHECKING:
    from clip_core.values import Progress

PLAIN_LINE_S = 5.0
"""Where lines cannot be rewritten (a log file, a pipe), progress is told this often."""
BAR_CELLS = 24
NAME_CELLS = 28


def let_anything_through() -> None:
    """See that no character of a name or a prompt can make writing fail, whatever the terminal's encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write(text: str) -> None:
    """Write ``text`` as it is to standard output.

    Raises:
        BrokenPipeError: Nobody reads any more.
        ClipVideoError: It cannot be written, as on a full disk.
    """
    if sys.stdout is None:  # closed by the shell: ">&-"
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon(sys.stdout)
        raise ClipVideoError(f"The output cannot be written: {error.strerror}.", "Free some space.") from error


def line(text: str) -> None:
    """Write one line to standard output."""
    write(printable(text) + "\n")


def note(text: str) -> None:
    """Write one line of at most 200 characters to standard error: a warning, a notice, an error."""
    _err(shorten(printable(text), MAX_MESSAGE) + "\n")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Write an aligned table to standard output.

    Args:
        header: Titles of the columns.
        rows: One text per column each.
        right: Titles of the columns that are aligned at the right.
    """
    lines = [[printable(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(cells[i]) for cells in lines) for i in range(len(header))]
    for cells in lines:
        aligned = (
            cell.rjust(width) if title in right else cell.ljust(width)
            for title, cell, width in zip(header, cells, widths, strict=True)
        )
        write("  ".join(aligned).rstrip() + "\n")


def abandon(stream: TextIO | None) -> None:
    """Send what is left in a stream's buffer nowhere, so that Python does not fail on it when it ends."""
    with suppress(OSError, ValueError, AttributeError):  # a stand-in without a file descriptor has no such trouble
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


class ProgressBar:
    """Shows on standard error how far one thing is: the indexing of a video, the download of a model.

    On a terminal it is one line that is rewritten; elsewhere a plain line every few seconds and at the
    end. A bar that ends early leaves no trace, so that the error stands alone, and neither does one
    that had nothing to wait for.

    Attributes:
        idle: Whether "done" was all there was to show.

    Args:
        name: Of the video or the model.
    """

    def __init__(self, name: str) -> None:
        self._name = shown_name(name, NAME_CELLS)
        self._live = sys.stderr is not None and sys.stderr.isatty()
        self._spoken = time.monotonic()
        self._length = 0
        self._shown = False
        self.idle = False

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take an unfinished line away."""
        if self._length:
            with suppress(BrokenPipeError):
                _err("\r" + " " * self._length + "\r")

    def show(self, progress: Progress) -> None:
        """Show where it stands; the stage "done" ends the line."""
        done = progress.stage == "done"
        if done and not self._shown:
            self.idle = True
            return
        self._shown = True
        self.tell(progress.done / progress.total if progress.total else 0.0, _counts(progress), done)

    def tell(self, share: float, text: str, done: bool) -> None:
        """Show how far something else is.

        Args:
            share: From 0 to 1.
            text: What stands behind the bar.
            done: Whether this ends the line.
        """
        if self._live:
            self._rewrite(f"{self._name} {_bar(share)} {text}", done)
        elif done or time.monotonic() - self._spoken >= PLAIN_LINE_S:
            self._spoken = time.monotonic()
            note(f"{self._name}: {text}")

    def _rewrite(self, text: str, done: bool) -> None:
        text = printable(text)[: shutil.get_terminal_size().columns - 1]
        _err("\r" + text.ljust(self._length) + ("\n" if done else ""))
        self._length = 0 if done else len(text)


def _bar(share: float) -> str:
    return f"[{'#' * int(share * BAR_CELLS):-<{BAR_CELLS}}] {int(share * 100):3d}%"


def _counts(progress: Progress) -> str:
    if progress.note:
        return progress.note
    parts = [f"{progress.done} of {progress.total} samples"]
    if progress.stage == "waiting":
        parts.append("another process is at it")
    if progress.frames_per_second:
        parts.append(f"{progress.frames_per_second:.1f}/s")
    if progress.seconds_left:
        parts.append(f"{clock(progress.seconds_left, 0)} left")
    return ", ".join(parts)


def _err(text: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BrokenPipeError:
        raise
    except OSError:  # there is nowhere left to say so
        abandon(sys.stderr)
