"""Indexing on a server that asks to wait: the wait is reported, can be ended at any report, and loses no frame."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video
from clip_core.config import Config
from clip_core.encoders.roboflow import RoboflowEncoder
from clip_core.encoders.roboflow_http import Patience
from clip_core.errors import JobCancelled, ServerBusyError
from clip_core.tasks import IndexQueue
from tests.support import video_maker
from tests.support.fakes import FakeClock
from tests.support.inference_server import FakeInferenceServer

PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = video_maker.VideoSpec(options={"g": "30", "sc_threshold": "0"})
    return video_maker.planted(tmp_path_factory.mktemp("videos"), "numbered", 300, settings).path


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


@pytest.fixture
def server() -> Iterator[FakeInferenceServer]:
    """A server that answers 20 requests, and asks to wait for 33 s at all that follow."""
    with FakeInferenceServer() as fake:
        fake.fault, fake.after, fake.headers_sent = "429", 20, {"Retry-After": "33"}
        yield fake


def encoder(server: FakeInferenceServer) -> RoboflowEncoder:
    return RoboflowEncoder("roboflow", replace(Config(), inference_url=server.url), Patience(sleep=lambda _: None))


def test_a_wait_is_reported_until_it_is_over_and_no_frame_is_lost(
    video: Path, store: EmbeddingStore, server: FakeInferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def over(slept_s: float) -> None:
        server.fault = "429" if slept_s < 33 else ""

    monkeypatch.setattr("clip_core.encoders.waits.time", FakeClock(over))
    reports = list(index_video(video, encoder(server), store, samples_per_second=5.0))
    waits = [report for report in reports if report.stage == "waiting"]
    left_s = [report.seconds_left for report in waits]
    assert left_s == np.arange(33, 0, -0.25).tolist()
    (note,) = {report.note for report in waits}
    assert re.fullmatch(r"the server asks to wait until (\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d)?", note)
    assert waits[0].done >= 18
    assert reports[-1].done == reports[-1].total == 50
    assert len(server.pictures) <= 51  # at most the answer beside the refused one was asked for again
    (record,) = store.videos()
    rows, _ = store.read(record.video_id, encoder(server).fingerprint)
    with FakeInferenceServer() as calm:
        other = EmbeddingStore(f"{store.location}2")
        list(index_video(video, encoder(calm), other, samples_per_second=5.0))
        expected, _ = other.read(record.video_id, encoder(calm).fingerprint)
    order, usual = np.argsort(rows.pts), np.argsort(expected.pts)
    np.testing.assert_array_equal(rows.pts[order], expected.pts[usual])
    np.testing.assert_allclose(rows.vectors[order], expected.vectors[usual], atol=1e-6)


def test_closing_in_the_wait_keeps_what_was_embedded_and_asks_nothing_more(
    video: Path, store: EmbeddingStore, server: FakeInferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    monkeypatch.setattr("clip_core.encoders.waits.time", clock)
    used = encoder(server)
    reports = index_video(video, used, store, samples_per_second=5.0)
    first = next(report for report in reports if report.stage == "waiting")
    assert (first.seconds_left, clock.sleeps) == (33.0, [])  # told before the wait begins
    asked = len(server.bodies)
    reports.close()  # type: ignore[attr-defined]
    assert (clock.sleeps, len(server.bodies)) == ([], asked)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("roboflow")]
    (record,) = store.videos()
    assert len(store.stored_pts(record.video_id, used.fingerprint)) == first.done >= 18
    server.fault = ""
    *_, last = index_video(video, used, store, samples_per_second=5.0)
    assert last.done == last.total == 50
    assert len(server.pictures) <= 51  # at most the answer beside the refused one was asked for again


def test_a_cancelled_task_ends_in_its_wait(
    video: Path, store: EmbeddingStore, server: FakeInferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, go = threading.Event(), threading.Event()

    def hold(slept_s: float) -> None:
        waits.set()
        assert go.wait(PATIENCE_S)

    clock, queue = FakeClock(hold), IndexQueue()
    monkeypatch.setattr("clip_core.encoders.waits.time", clock)
    key = queue.start(video, encoder(server), store, 5.0, "me")
    assert waits.wait(PATIENCE_S)
    view = queue.view(key, "me")
    assert view is not None
    assert view.progress is not None
    assert (view.state, view.progress.stage, view.progress.seconds_left) == ("running", "waiting", 33.0)
    queue.cancel(key)
    go.set()
    assert queue.wait(key, PATIENCE_S)
    view = queue.view(key, "me")
    assert view is not None
    assert view.state == "cancelled"
    assert isinstance(view.error, JobCancelled)
    assert clock.sleeps == [0.25]  # of 33 s


def test_a_wait_that_is_too_long_is_an_error_that_says_until_when(
    video: Path, store: EmbeddingStore, server: FakeInferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    monkeypatch.setattr("clip_core.encoders.waits.time", clock)
    server.headers_sent = {"Retry-After": "7200"}
    used = encoder(server)
    with pytest.raises(
        ServerBusyError, match=r"at 127\.0\.0\.1:\d+ says: “Too many .* asks to wait until .* \(2 h\)\."
    ):
        list(index_video(video, used, store, samples_per_second=5.0))
    assert clock.sleeps == []
    (record,) = store.videos()
    assert len(store.stored_pts(record.video_id, used.fingerprint)) >= 18


def test_waits_that_never_help_end_after_ten_minutes(
    video: Path, store: EmbeddingStore, server: FakeInferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    monkeypatch.setattr("clip_core.encoders.waits.time", clock)
    server.headers_sent = {"Retry-After": "250"}
    with pytest.raises(ServerBusyError, match=r"asks to wait until"):
        list(index_video(video, encoder(server), store, samples_per_second=5.0))
    assert sum(clock.sleeps) == 500
