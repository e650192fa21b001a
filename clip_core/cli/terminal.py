"""All that the command line writes to the terminal: lines, tables and progress bars."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from clip_core.encoders.waits import seconds_left
from clip_core.errors import MAX_MESSAGE, ClipVideoError, ServerBusyError, shown_name
from clip_core.text import clock, duration_text, printable, shorten

if TYPE_CHECKING:
    from clip_core.types import Progress

_is_json = False
PLAIN_LINE_S = 5.0
"""Where lines cannot be rewritten (a log file, a pipe), progress is written this often."""
NAME_CELLS = 28
BAR_FORMAT = "{desc} [{bar:24}] {percentage:3.0f}% {unit}"
"""The text stands in the field for the unit: before a postfix tqdm writes a comma."""


def escape_unencodable() -> None:
    """Write escapes for characters that the terminal's encoding lacks, so that no name can make writing fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write(text: str) -> None:
    """Write ``text`` as it is to standard output.

    Raises:
        BrokenPipeError: The reader has gone.
        ClipVideoError: It cannot be written, as on a full disk.
    """
    error = _write(sys.stdout, text)
    if error is not None:
        raise ClipVideoError(f"The output cannot be written: {error.strerror}.", "Free some space.") from error


def events_as_json() -> None:
    """From now on, write each event as a line of JSON to standard error, and notes and progress as events, too."""
    global _is_json  # noqa: PLW0603 - how a process writes is the process's own
    _is_json = True


def event(kind: str, **values: object) -> None:
    """Write an event as one line of JSON with the time (UTC) and ``values``, if that was asked for."""
    if _is_json:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        _write(sys.stderr, json.dumps({"time": now, "event": kind, **values}, allow_nan=False) + "\n")


def line(text: str) -> None:
    """Write one line to standard output."""
    write(printable(text) + "\n")


def note(text: str) -> None:
    """Write one line of at most 200 characters to standard error: a warning, a notice, an error."""
    if _is_json:
        event("note", text=text)
        return
    # If this fails, there is nowhere left to report it.
    _write(sys.stderr, shorten(printable(text), MAX_MESSAGE) + "\n")


def wait(busy: ServerBusyError) -> None:
    """Say why and until when the server that the model runs on asks to wait, and wait; Ctrl-C ends it at once."""
    step = f"Waiting until {busy.until} ({duration_text(busy.wait_s or 0.0)}); Ctrl-C ends it."
    note(ServerBusyError(busy.what, step).line)
    for _ in seconds_left(busy.wait_s):
        pass


def _write(stream: TextIO | None, text: str) -> OSError | None:
    """Write at once; return what kept it from being written, unless the reader has gone."""
    try:
        if stream is not None:  # closed by the shell: ">&-"
            stream.write(text)
            stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(stream)
        return error
    return None


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Write an aligned table to standard output.

    Args:
        header: Titles of the columns.
        rows: One text per column each.
        right: Titles of the columns that are aligned at the right.
    """
    lines = [[printable(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        aligned = (
            cell.rjust(width) if title in right else cell.ljust(width)
            for title, cell, width in zip(header, cells, widths, strict=True)
        )
        write("  ".join(aligned).rstrip() + "\n")


def discard(stream: TextIO | None) -> None:
    """Discard what is left in a stream's buffer, so that Python does not fail on it at exit."""
    with suppress(OSError, ValueError, AttributeError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())  # type: ignore[union-attr] # None: there is nothing to discard


@contextmanager
def when_stopped(text: str) -> Iterator[None]:
    """Say what is kept when Ctrl-C stops the block: ``main`` writes "Stopped." and ``text``."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(text) from error


class ProgressBar:
    """Progress of one thing on standard error, such as the indexing of the video ``name``.

    On a terminal it is one line that is rewritten; elsewhere a plain line every few seconds and at the
    end. A bar that ends early leaves no trace, so that the error stands alone, and neither does one
    that had nothing to wait for: ``idle`` says that "done" was all there was to show.
    """

    def __init__(self, name: str) -> None:
        self._of, self._name = name, shown_name(name, NAME_CELLS)
        self._live = sys.stderr is not None and sys.stderr.isatty() and not _is_json
        self._bar: Any = None
        self._written = time.monotonic()
        self._shown = False
        self._note = ""
        self.idle = False

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove an unfinished line."""
        if self._bar is not None:
            with suppress(BrokenPipeError):
                self._bar.close()

    def show(self, progress: Progress, beside: str = "") -> None:
        """Show how far indexing is, and ``beside`` behind that; the stage "done" ends the line."""
        done = progress.stage == "done"
        self.idle = done and not self._shown
        begins_to_wait = progress.stage == "waiting" and progress.note not in ("", self._note)
        self._note = progress.note
        if not self.idle:
            share = progress.done / progress.total if progress.total else 0.0
            self.update(share, _counts(progress) + ("" if done else beside), done, at_once=begins_to_wait)

    def update(self, share: float, text: str, done: bool, *, at_once: bool = False) -> None:
        """Show how far something is.

        Args:
            share: From 0 to 1.
            text: What is written behind the bar.
            done: Whether this ends the line.
            at_once: Whether it is written now, also where lines cannot be rewritten.
        """
        self._shown = True
        if self._live:
            self._rewrite(share, printable(text), done)
        elif done or at_once or time.monotonic() - self._written >= PLAIN_LINE_S:
            self._written = time.monotonic()
            if _is_json:
                event("progress", of=self._of, share=round(share, 4), text=text)
            else:
                note(f"{self._name}: {text}")

    def note(self, text: str) -> None:
        """Write a line as ``terminal.note`` does, in place of the bar, which is drawn again with the next update."""
        self.clear()
        note(text)

    def clear(self) -> None:
        """Remove the bar from the screen, so that a line can be written; the next update draws it again."""
        if self._bar is not None:
            self._bar.clear()

    def _rewrite(self, share: float, text: str, done: bool) -> None:
        from tqdm import tqdm

        columns = shutil.get_terminal_size().columns - 1
        if self._bar is None:
            tqdm.monitor_interval = 0  # every update is drawn: no thread has to look for bars that stand still
            self._bar = tqdm(
                desc=self._name, total=1.0, initial=share, unit=text, file=sys.stderr, bar_format=BAR_FORMAT,
                ascii="-#", ncols=columns, nrows=20, leave=False,
            )  # fmt: skip
        else:
            self._bar.n, self._bar.unit, self._bar.ncols = share, text, columns
            if not done:
                self._bar.refresh()
        if done:
            self._bar.leave = True
            self._bar.close()
            self._bar = None


def run_shown(run: Generator[Progress, None, None], name: str, counted: Callable[[Progress], str]) -> Progress:
    """Run something to its end below a bar with ``name`` and what ``counted`` returns; return its last report."""
    with closing(run), ProgressBar(name) as bar:
        for progress in run:
            bar.update(progress.share, counted(progress), progress.stage == "done")
    return progress


def _counts(progress: Progress) -> str:
    if progress.note:
        return progress.note + time_left(progress.seconds_left)
    parts = [f"{progress.done} of {progress.total} samples"]
    if progress.stage == "waiting":
        parts.append("another process is indexing it")
    if progress.frames_per_second:
        parts.append(f"{progress.frames_per_second:.1f}/s")
    return ", ".join(parts) + time_left(progress.seconds_left)


def time_left(seconds: float | None) -> str:
    """Return ", m:ss left", from one hour on ", h:mm:ss left", or nothing while no time is known."""
    return f", {clock(seconds, 0)} left" if seconds else ""
