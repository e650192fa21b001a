"""scripts/run, with a stand-in for Python: it says what it installs, shows how far that is, and only when it does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
case "$*" in
*"-m pip install"*--quiet*) ;;
*"-m pip install"*) echo "Downloading streamlit 11.2/11.2 MB" ;;
*"-m streamlit run"*|*"-m pages.shared.share"*) echo "started: $*" ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The script in a folder of its own, with an environment in which nothing is installed."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    (tools / "python").write_text(PYTHON)
    (tools / "python").chmod(0o755)
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).touch()
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[str, str]:
    """What the script says: standard output and standard error."""
    environment = os.environ | {"PYTHON": str(folder / ".venv/bin/python")}
    done = subprocess.run(
        [folder / "scripts/run", *(arguments or ["--x"])], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout, done.stderr


def test_the_first_start_says_how_much_it_is_and_shows_how_far(folder: Path) -> None:
    out, said = run(folder)
    assert "about 400 MB to download, 1.4 GB on disk, one to three minutes" in said
    assert out.splitlines() == ["Downloading streamlit 11.2/11.2 MB", "started: -m streamlit run app.py --x"]


def test_the_next_start_says_nothing_of_the_kind(folder: Path) -> None:
    run(folder)
    assert run(folder) == ("started: -m streamlit run app.py --x\n", "")


def test_changed_requirements_are_told_without_the_size_of_all(folder: Path) -> None:
    run(folder)
    (folder / "requirements.txt").write_text("other\n")
    out, said = run(folder)
    assert "bringing .venv up to date" in said
    assert "MB" not in said
    assert "Downloading" in out


def test_for_others_it_starts_by_way_of_the_module_that_shares(folder: Path) -> None:
    run(folder)
    for arguments in (["--share"], ["--read-only", "--server.port", "1"], ["--x", "--share", "--read-only"]):
        assert run(folder, *arguments)[0] == f"started: -m pages.shared.share {' '.join(arguments)}\n"
    assert run(folder, "--shared")[0] == "started: -m streamlit run app.py --shared\n"
