"""One size, told one way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clip_core.text import duration_text, size_text

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (71_300, "71 kB"), (625_400, "625 kB"), (999_499, "999 kB"),
        (999_500, "1 MB"), (1_718_000, "1.72 MB"), (9_996_000, "10 MB"), (45_640_000, "45.6 MB"),
        (99_960_000, "100 MB"), (156_000_000, "156 MB"), (2_350_000_000, "2.35 GB"), (1 << 40, "1.1 TB"),
        (1e16, "10,000 TB"),
    ],
)  # fmt: skip
def test_sizes_have_three_digits_and_a_unit_of_a_thousand(size_bytes: float, text: str) -> None:
    assert size_text(size_bytes) == text


def test_no_file_writes_a_size_by_itself() -> None:
    by_itself = re.compile(r"/ 1e[369]|>> [123]0|/ 2 ?\*\* ?[123]0|/ 1024")
    files = [path for top in ("clip_core", "pages") for path in (ROOT / top).rglob("*.py")]
    found = [f"{path.relative_to(ROOT)}: {line.strip()}" for path in files
             for line in path.read_text(encoding="utf-8").splitlines()
             if by_itself.search(line) and ("B" in line.split("/")[-1] or "MB" in line)]  # fmt: skip
    assert found == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (33.4, "33 s"),
        (119.4, "119 s"),
        (120, "2 min"),
        (7100, "118 min"),
        (7200, "2 h"),
        (1e9, "11,574 days"),
    ],
)
def test_durations_are_rounded_to_a_unit(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
