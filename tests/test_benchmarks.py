"""What runs the benchmarks. That each of them still works is seen by ``python -m tests.benchmarks --quick``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks.rerun import PARTS
from tests.benchmarks.spans import find_owner
from tests.benchmarks.table import Row, Spread

Measure = Callable[[bool], list[Row]]


def measured(name: str) -> Measure:
    return lambda quick: [Row(name, Spread.of([0.25]), 1.0, True, f"quick: {quick}")]


def failing(quick: bool) -> list[Row]:
    raise KeyError("curves")


def interrupted(quick: bool) -> list[Row]:
    raise KeyboardInterrupt


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str, **given: Measure
) -> tuple[int, list[str]]:
    """Run benchmarks in place of the real ones; return the exit code and the lines of the table."""
    monkeypatch.setattr(benchmarks, "BENCHMARKS", given)
    code = benchmarks.main(arguments)
    return code, capsys.readouterr().out.splitlines()


def test_one_that_fails_is_named_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = run(monkeypatch, capsys, "--quick", first=measured("a"), second=failing, third=measured("b"))
    assert code == 1
    assert [line.split()[:2] for line in lines if "quick: True" in line] == [["a", "0.25"], ["b", "0.25"]]
    assert lines[-1] == "FAILED second: KeyError: 'curves'"


def test_all_that_work_end_with_zero(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(monkeypatch, capsys, first=measured("a"))
    assert code == 0
    assert any("quick: False" in line for line in lines)
    assert not [line for line in lines if "FAILED" in line]


def test_only_what_is_asked_for_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(monkeypatch, capsys, "--only", "second", first=failing, second=measured("b"))
    assert code == 0
    assert [line.split()[0] for line in lines if "quick: False" in line] == ["b"]


def test_an_interrupt_keeps_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = run(monkeypatch, capsys, first=measured("a"), second=interrupted, third=measured("b"))
    assert code == 1
    assert [line.split()[0] for line in lines if "quick: False" in line] == ["a"]
    assert lines[-1].startswith("FAILED second: interrupted")


def test_what_the_rerun_benchmark_takes_apart_is_there() -> None:
    names = [name for group in PARTS.values() for name in group]
    assert [name for name in names if not callable(getattr(*find_owner(name), None))] == []
