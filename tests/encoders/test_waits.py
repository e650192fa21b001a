"""A wait that a server asks for: who is told of it, in which thread, what is asked again, and when it is too long."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from clip_core.config import Config
from clip_core.encoders import roboflow
from clip_core.encoders.roboflow import RoboflowEncoder
from clip_core.encoders.roboflow_http import Patience
from clip_core.encoders.waits import on_wait, raise_busy, seconds_left, wait_listener
from clip_core.errors import ServerBusyError
from tests.support.fakes import FakeClock
from tests.support.inference_server import FakeInferenceServer

PICTURES = [np.full((40, 60, 3), shade, np.uint8) for shade in range(60, 180, 10)]


@pytest.fixture
def server() -> Iterator[FakeInferenceServer]:
    with FakeInferenceServer() as fake:
        fake.fault, fake.headers_sent = "429", {"Retry-After": "33"}
        yield fake


def encoder(server: FakeInferenceServer, slept: list[float] | None = None) -> RoboflowEncoder:
    patience = Patience(sleep=(slept if slept is not None else []).append)
    return RoboflowEncoder("roboflow", replace(Config(), inference_url=server.url), patience)


def busy(wait_s: float) -> ServerBusyError:
    error = ServerBusyError("It is busy.")
    error.wait_s = wait_s
    return error


def test_seconds_are_counted_down_every_quarter_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    monkeypatch.setattr("clip_core.encoders.waits.time", clock)
    assert list(seconds_left(1.125)) == [1.125, 0.875, 0.625, 0.375, 0.125]
    assert clock.sleeps == [0.25, 0.25, 0.25, 0.25, 0.125]
    assert list(seconds_left(0.0)) == []


def test_the_innermost_is_told_and_the_outer_one_afterwards() -> None:
    def outer(busy: ServerBusyError) -> None: ...

    assert wait_listener() is None
    with on_wait(outer):
        with on_wait(raise_busy):
            assert wait_listener() is raise_busy
        assert wait_listener() is outer
    assert wait_listener() is None


def test_a_long_wait_is_told_in_the_thread_of_the_caller_and_then_asked_again(server: FakeInferenceServer) -> None:
    heard: list[tuple[threading.Thread, float | None]] = []
    server.after = 5

    def hear(busy: ServerBusyError) -> None:
        heard.append((threading.current_thread(), busy.wait_s))
        server.fault = ""

    slept: list[float] = []
    with on_wait(hear):
        vectors = encoder(server, slept).embed_images(PICTURES)
    server.fault = ""
    np.testing.assert_array_equal(vectors, encoder(server).embed_images(PICTURES))
    assert heard == [(threading.current_thread(), 33.0)]
    assert slept == []
    # Each once, but for those that were refused: two at a time at most.
    assert len(PICTURES) < len(server.bodies) - len(PICTURES) <= len(PICTURES) + 2
    assert len(server.pictures) == 2 * len(PICTURES)


def test_who_refuses_gets_what_was_embedded_before(
    server: FakeInferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roboflow, "IN_FLIGHT", 1)  # else the first picture may be the fifth that comes, and is refused
    server.after = 4
    with on_wait(raise_busy), pytest.raises(ServerBusyError, match=r"“Too many requests\.” It was asked too") as caught:
        encoder(server).embed_images(PICTURES)
    assert caught.value.wait_s == 33.0
    assert len(caught.value.finished) == 4
    server.fault = ""
    everything = encoder(server).embed_images(PICTURES)
    np.testing.assert_array_equal(caught.value.finished, everything[: len(caught.value.finished)])


def test_what_ends_the_wait_ends_the_call_and_no_thread_is_left_in_it(server: FakeInferenceServer) -> None:
    server.after = 4

    def stop(busy: ServerBusyError) -> None:
        raise KeyboardInterrupt

    with on_wait(stop), pytest.raises(KeyboardInterrupt):
        encoder(server).embed_images(PICTURES)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("roboflow")]


@pytest.mark.parametrize("wait", ["601", "1000000000", "9" * 30, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_of_over_ten_minutes_is_not_begun(server: FakeInferenceServer, wait: str) -> None:
    server.headers_sent, heard = {"Retry-After": wait}, []
    with on_wait(heard.append), pytest.raises(ServerBusyError, match=r"asks to wait until .* \([\d,]+ (min|days)\)\."):
        encoder(server).embed_texts(["a dog"])
    assert heard == []
    assert len(server.bodies) == 1


def test_waits_in_a_row_end_after_ten_minutes(server: FakeInferenceServer) -> None:
    server.headers_sent, heard = {"Retry-After": "250"}, []
    with on_wait(heard.append), pytest.raises(ServerBusyError, match=r"asks to wait until \S+ .*\(4 min\)"):
        encoder(server).embed_texts(["a dog"])
    assert [busy.wait_s for busy in heard] == [250.0, 250.0]
    assert len(server.bodies) == 3


def test_short_waits_are_not_told_unless_there_are_many(server: FakeInferenceServer) -> None:
    server.headers_sent, heard, slept = {"Retry-After": "1"}, [], []
    server.times = 5
    with on_wait(heard.append):
        assert encoder(server, slept).embed_texts(["a dog"]).shape == (1, 512)
    assert slept == [1.0] * 4
    assert [busy.wait_s for busy in heard] == [1.0]  # after three silent ones


def test_no_wait_is_begun_that_cannot_help(server: FakeInferenceServer) -> None:
    server.fault, heard, slept = "no weights", [], []
    with (
        on_wait(heard.append),
        pytest.raises(ServerBusyError, match=r"cannot fetch the CLIP weights \(503\)") as caught,
    ):
        encoder(server, slept).embed_texts(["a dog"])
    assert (heard, slept) == ([], [0.5, 1.0, 2.0])
    assert "wait" not in str(caught.value).lower()
