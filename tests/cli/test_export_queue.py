"""Clips in the background: watched, cancelled, and where the results lie."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import clip_core.media.exports_folder
from clip_core.errors import ExportError, JobCancelled, VideoNotFoundError
from clip_core.library.identify import record_of
from clip_core.media.export_media import ExportRequest, export_media
from clip_core.task_queue import TaskView
from clip_core.tasks import ExportQueue, export_key
from clip_core.types import Moment, Progress, VideoRecord
from clip_core.video import open_video
from tests.support.video_maker import PlantedVideo, VideoSpec, planted

WISH = ExportRequest((Moment("a dog", 0.0, 1.5, 0.7, 1.0, 1.0),), zip_name="clips.zip")


@pytest.fixture
def video(tmp_path: Path) -> PlantedVideo:
    return planted(tmp_path, "v", 60, VideoSpec())


def known(video: PlantedVideo) -> VideoRecord:
    with open_video(video.path) as opened:
        return record_of(opened, opened.info.video_id, None)


def ended(queue: ExportQueue, key: str) -> TaskView[str]:
    end = time.monotonic() + 20
    while True:
        view = queue.view(key)
        assert view is not None
        if not view.active:
            return view
        assert time.monotonic() < end, view
        time.sleep(0.005)


def test_a_real_one_and_once_more(video: PlantedVideo, tmp_path: Path) -> None:
    queue, record = ExportQueue(tmp_path / "exports"), known(video)
    for _ in range(2):
        key = queue.start(video.path, record, WISH)
        assert key == queue.start(video.path, record, WISH) == export_key(record.video_id, WISH)
        view = ended(queue, key)
        assert (view.state, view.error) == ("done", None)
        assert view.progress is not None
        assert view.progress.files == (tmp_path / "exports" / key / "clips.zip",)
        assert [clip.frames for clip in view.progress.clips] == [45]
    assert [path.name for path in (tmp_path / "exports" / key).iterdir()] == ["clips.zip"]
    assert queue.view("0" * 32) is None


def test_cancelled_or_failed_nothing_of_it_stays(
    video: PlantedVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    reached, go = threading.Event(), threading.Event()

    def make(*given: Any, **named: Any) -> Generator[Progress, None, None]:
        for progress in export_media(*given, **named):
            if progress.done > 0.5:
                reached.set()
                assert go.wait(10)
            yield progress

    queue = ExportQueue(tmp_path / "exports", make)
    key = queue.start(video.path, known(video), WISH)
    assert reached.wait(10)
    queue.cancel(key)
    go.set()
    queue.stop(key)
    view = ended(queue, key)
    assert (view.state, isinstance(view.error, JobCancelled)) == ("cancelled", True)
    assert list((tmp_path / "exports").iterdir()) == []
    beyond = ExportRequest((Moment("a dog", 9.0, 9.5, 9.2, 1.0, 1.0),))
    view = ended(queue, queue.start(video.path, known(video), beyond))
    assert (view.state, isinstance(view.error, ExportError)) == ("failed", True)
    assert list((tmp_path / "exports").iterdir()) == []


def test_a_file_that_is_gone(video: PlantedVideo, tmp_path: Path) -> None:
    record = known(video)
    video.path.unlink()
    with pytest.raises(VideoNotFoundError):
        ExportQueue(tmp_path / "exports").start(video.path, record, WISH)
