"""scripts/test, with stand-ins for the tools: it runs all checks, and fails if one of them does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOL = """#!/bin/sh
[ "$*" = "-c pass" ] && exit 0  # how the script finds out whether .venv works
line="$(basename "$0") $*"
echo "$line" >>"$CALLS"
case $line in $BROKEN*) exit 3 ;; esac
"""
STYLE = ["ruff check .", "ruff format --check .", "mypy "]
STAGES = [
    "python -m pytest --numprocesses auto --dist worksteal --ignore tests/pages --ignore tests/browser"
    " -m not firefox and not cluster",
    "python -m pytest -m cluster tests/contracts tests/distributed",
    "python -m pytest --numprocesses 2 --dist loadfile --durations 15 tests/pages tests/browser",
    "python -m tests.benchmarks --quick",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The script in a folder of its own, where all is installed."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in ("python", "ruff", "mypy"):
        (tools / name).write_text(TOOL)
        (tools / name).chmod(0o755)
    for name in ("requirements.txt", "requirements-dev.txt", "constraints.txt"):
        (tmp_path / name).touch()
    stamp = subprocess.run(["cksum"], input=b"", capture_output=True, check=True).stdout
    (tmp_path / ".venv" / "installed-requirements-dev.txt").write_bytes(stamp)
    return tmp_path


def run(folder: Path, *words: str, broken: str) -> tuple[int, list[str], str]:
    """Run the script where one command fails with 3: its exit code, what it ran, and what it said."""
    calls = folder / "calls"
    environment = os.environ | {"CALLS": str(calls), "BROKEN": broken or "nothing", "CI": "false"}
    done = subprocess.run([folder / "scripts" / "test", *words], env=environment, capture_output=True, text=True)
    return done.returncode, calls.read_text().splitlines(), done.stderr


def assert_all_ran(calls: list[str]) -> None:
    """Assert that each check ran once and in order; the benchmarks run beside the tests, at any place after style."""
    *tests, benchmarks = STAGES
    assert [call for call in calls if call != benchmarks] == [*STYLE, *tests]
    assert calls[len(STYLE) :].count(benchmarks) == calls.count(benchmarks) == 1


@pytest.mark.parametrize("broken", [*STYLE, *STAGES])
def test_what_fails_does_not_keep_the_rest_from_running_and_fails_the_whole(folder: Path, broken: str) -> None:
    code, calls, said = run(folder, broken=broken)
    assert code == 3
    assert_all_ran(calls)
    (line,) = [line for line in said.splitlines() if line.startswith("scripts/test: failed with 3: ")]
    assert line.endswith(broken.strip())


def test_it_succeeds_when_all_do(folder: Path) -> None:
    code, calls, said = run(folder, broken="")
    assert code == 0
    assert_all_ran(calls)
    assert "failed" not in said


@pytest.mark.parametrize(("broken", "code"), [("", 0), ("mypy", 3), ("python", 3)])
def test_arguments_go_on_to_one_pytest(folder: Path, broken: str, code: int) -> None:
    got, calls, _ = run(folder, "tests/scoring/test_keys.py", "-k", "a b", broken=broken)
    assert got == code
    assert calls == [*STYLE, "python -m pytest tests/scoring/test_keys.py -k a b"]


@pytest.mark.parametrize(("broken", "code"), [("", 0), ("mypy", 3), (STAGES[0], 3)])
def test_quick_leaves_out_pages_browsers_and_benchmarks_and_says_so(folder: Path, broken: str, code: int) -> None:
    got, calls, said = run(folder, "--quick", broken=broken)
    assert (got, calls) == (code, [*STYLE, STAGES[0]])
    assert "left out tests/pages, tests/browser and the benchmarks" in said
    assert "Chromium" not in said


def test_quick_with_more_arguments_is_refused(folder: Path) -> None:
    (folder / "calls").touch()
    code, calls, said = run(folder, "--quick", "tests/scoring/test_keys.py", broken="")
    assert (code, calls) == (2, [])
    assert "takes no other arguments" in said
