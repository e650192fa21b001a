"""What an export tells of itself."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from clip_core.errors import ExportError
from clip_core.media.exports_folder import ProgressMeter, need_spare
from clip_core.types import Progress


def test_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    meter = ProgressMeter("clips", 8.0, _began=now, _reported=now)
    assert meter.report() == Progress(0.0, 8.0, stage="clips")
    now = 100.2
    assert not meter.due()
    now = 101.0
    assert meter.due()
    meter.done = 2.0
    meter.files.append(Path("a.mp4"))
    meter.warnings += ["damaged", "damaged"]
    told = meter.report()
    assert (told.done, told.share, told.seconds_left) == (2.0, 0.25, 3.0)
    assert (told.files, told.warnings) == ((Path("a.mp4"),), ("damaged",))
    assert not meter.due()
    meter.done = 9.0
    assert (meter.report().done, meter.report().share) == (8.0, 1.0)
    assert meter.report().seconds_left == 0.0


def test_nothing_to_do_is_done() -> None:
    assert ProgressMeter("frames", 0).report().share == 1.0


def test_room(tmp_path: Path) -> None:
    need_spare(tmp_path)
    with pytest.raises(ExportError, match="There is no room: "):
        need_spare(tmp_path, 10**18)
    with pytest.raises(ExportError, match="The folder cannot be written: No such file or directory"):
        need_spare(tmp_path / "nowhere")
