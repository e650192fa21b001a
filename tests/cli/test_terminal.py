from __future__ import annotations

import io
import os
import sys

import pytest

from clip_core.cli import terminal
from clip_core.errors import ClipVideoError
from clip_core.types import Progress


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


class Torn(io.StringIO):
    """A stream that nothing can be written to."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


def put_screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Make standard error a terminal; not in a fixture, for pytest takes the stream back before the test."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "80")
    return screen


def test_a_terminal_sees_one_line_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = put_screen(monkeypatch)
    with terminal.ProgressBar("/far/away/clip.mp4") as bar:
        bar.show(Progress(0, 40, stage="identifying", note="Reading the file: 0.1 of 2.0 GB"))
        bar.show(Progress(10, 40, 20.0, 3661.0))
        bar.show(Progress(40, 40, 20.0, 0.0, "done"))
    first, second, last = screen.getvalue().removeprefix("\r").split("\r")
    assert first == f"clip.mp4 [{'-' * 24}]   0% Reading the file: 0.1 of 2.0 GB"
    assert second.rstrip() == f"clip.mp4 [{'#' * 6}{'-' * 18}]  25% 10 of 40 samples, 20.0/s, 1:01:01 left"
    assert len(second) >= len(first)  # else the end of the longer line would stay on the screen
    assert last.rstrip(" \n") == f"clip.mp4 [{'#' * 24}] 100% 40 of 40 samples, 20.0/s"
    assert screen.getvalue().count("\n") == 1
    assert not bar.idle


def test_a_line_is_never_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = put_screen(monkeypatch)
    monkeypatch.setenv("COLUMNS", "30")
    with terminal.ProgressBar("x" * 300 + ".mp4") as bar:
        bar.show(Progress(10, 40, 20.0, 5.0))
    assert [len(part) for part in screen.getvalue().split("\r")] == [0, 29, 29, 0]


def test_a_terminal_that_does_not_know_its_size_sees_the_bar_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    reader, writer = os.openpty()  # 0 x 0, as in some containers
    with os.fdopen(reader, "rb", buffering=0) as screen, os.fdopen(writer, "w") as stream:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            with terminal.ProgressBar("clip.mp4") as bar:
                bar.show(Progress(10, 40))
        assert screen.read(1000).startswith(b"\rclip.mp4 [######------------------]  25% 10 of 40 samples")


def test_a_bar_that_breaks_off_leaves_a_clean_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = put_screen(monkeypatch)
    with terminal.ProgressBar("clip.mp4") as bar:
        bar.show(Progress(10, 40))
    shown = screen.getvalue()
    assert shown.endswith("\r" + " " * len("clip.mp4 [######------------------]  25% 10 of 40 samples") + "\r")


def test_nothing_to_do_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = put_screen(monkeypatch)
    with terminal.ProgressBar("clip.mp4") as bar:
        bar.show(Progress(40, 40, stage="done"))
    assert bar.idle
    assert screen.getvalue() == ""


def test_elsewhere_a_plain_line_every_few_seconds_and_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([100.0, 101.0, 105.5, 105.5, 106.0, 110.0, 110.0])
    monkeypatch.setattr("clip_core.cli.terminal.time.monotonic", lambda: next(clock))
    with terminal.ProgressBar("clip.mp4") as bar:
        for done in (10, 20, 30):
            bar.show(Progress(done, 40, 2.0, 20.0, "waiting" if done == 20 else "dense"))
        bar.show(Progress(40, 40, 2.0, 0.0, "done"))
    assert capsys.readouterr().err.splitlines() == [
        "clip.mp4: 20 of 40 samples, another process is indexing it, 2.0/s, 0:20 left",
        "clip.mp4: 40 of 40 samples, 2.0/s",
    ]


def test_a_note_is_one_line_of_at_most_200_characters(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.note("a\nb\x1b[2J\ud800" + "x" * 300)
    said = capsys.readouterr().err
    assert said == "a?b?[2J?" + "x" * 191 + "…\n"


def test_a_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.table(("NAME", "MB", "ID"), [("a  b", "1.5", "x"), ("long name", "12.25", "")], right=("MB",))
    assert capsys.readouterr().out.splitlines() == [
        "NAME          MB  ID",
        "a  b         1.5  x",
        "long name  12.25",
    ]


def test_what_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Torn(OSError(28, "No space left on device")))
    with pytest.raises(ClipVideoError, match=r"^The output cannot be written: No space left on device\."):
        terminal.write("x")
    monkeypatch.setattr(sys, "stdout", Torn(BrokenPipeError()))
    with pytest.raises(BrokenPipeError):
        terminal.write("x")
    monkeypatch.setattr(sys, "stdout", None)
    terminal.write("closed by the shell")


def test_a_full_disk_below_standard_error_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Torn(OSError(28, "No space left on device")))
    terminal.note("nobody will read this")
    monkeypatch.setattr(sys, "stderr", Torn(BrokenPipeError()))
    with pytest.raises(BrokenPipeError):
        terminal.note("x")


def test_a_wait_that_a_server_asks_for_is_written_at_once_where_lines_stay(capsys: pytest.CaptureFixture[str]) -> None:
    note = "the server asks to wait until 14:03:20"
    with terminal.ProgressBar("clip.mp4") as bar:
        bar.show(Progress(10, 40, 20.0, 5.0))
        for left_s in (33.0, 32.75, 32.5):
            bar.show(Progress(10, 40, seconds_left=left_s, stage="waiting", note=note))
        bar.show(Progress(20, 40, 20.0, 5.0))
        bar.show(Progress(20, 40, seconds_left=5.0, stage="waiting", note=f"{note}!"))
    assert capsys.readouterr().err.splitlines() == [f"clip.mp4: {note}, 0:33 left", f"clip.mp4: {note}!, 0:05 left"]
