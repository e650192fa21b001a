"""Copies in the background: one at a time, watched, cancelled, stopped before their video is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest

import clip_core.media.exports_folder
from clip_core.errors import JobCancelled, VideoNotFoundError
from clip_core.library.identify import file_stamp, record_of
from clip_core.media.proxies import make_proxy
from clip_core.tasks import ProxyQueue
from clip_core.types import Progress, TimeTable, VideoRecord
from clip_core.video import open_video
from tests.support.video_maker import KINDS


def known(path: Path) -> VideoRecord:
    with open_video(path) as video:
        return record_of(video, video.info.video_id, None)


def until_ended(queue: ProxyQueue, video_id: str) -> str:
    end = time.monotonic() + 20
    while True:
        view = queue.view(video_id)
        assert view is not None
        if not view.active:
            return view.state
        assert time.monotonic() < end, view
        time.sleep(0.005)


def test_a_real_one(tmp_path: Path) -> None:
    video, target = KINDS["avi"](tmp_path), tmp_path / "proxies" / "copy.mp4"
    record, queue = known(video.path), ProxyQueue()
    assert queue.view(record.video_id) is None
    queue.start(video.path, record, target)
    queue.start(video.path, record, target)
    assert until_ended(queue, record.video_id) == "done"
    view = queue.view(record.video_id)
    assert view is not None
    assert view.progress == Progress(150, 150, seconds_left=0.0, stage="done")
    with open_video(target) as copy:
        assert len(copy.table) == 150


def test_a_real_one_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    video, target = KINDS["avi"](tmp_path), tmp_path / "proxies" / "copy.mp4"
    record = known(video.path)
    reached, go = threading.Event(), threading.Event()

    def make(*given: object, **named: object) -> Generator[Progress, None, None]:
        for progress in make_proxy(*given, **named):
            if progress.done > 20:
                reached.set()
                assert go.wait(10)
            yield progress

    queue = ProxyQueue(make)
    queue.start(video.path, record, target)
    assert reached.wait(10)
    queue.cancel(record.video_id)
    go.set()
    queue.stop(record.video_id)
    view = queue.view(record.video_id)
    assert view is not None
    assert (view.state, isinstance(view.error, JobCancelled)) == ("cancelled", True)
    assert [path.name for path in target.parent.iterdir()] == [".lock"]


def test_what_is_there_already_was_not_cancelled(tmp_path: Path) -> None:
    video, target = KINDS["avi"](tmp_path), tmp_path / "copy.mp4"
    record = known(video.path)

    def make(path: Path, destination: Path, *, table: TimeTable, stamp: object) -> Generator[Progress, None, None]:
        assert (path, destination, len(table), stamp) == (video.path, target, 150, file_stamp(video.path))
        queue.cancel(record.video_id)  # the press comes as the last frame is written
        destination.write_bytes(b"")
        yield Progress(150, 150, stage="done")

    queue = ProxyQueue(make)
    queue.start(video.path, record, target)
    assert until_ended(queue, record.video_id) == "done"


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    video = KINDS["avi"](tmp_path)
    record = known(video.path)
    video.path.unlink()
    with pytest.raises(VideoNotFoundError):
        ProxyQueue().start(video.path, record, tmp_path / "copy.mp4")
