"""A limit for a whole exchange, over real sockets that drip."""

import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests

from clip_core.encoders.roboflow_http import Deadline, DeadlineAdapter
from tests.support.inference_server import FakeInferenceServer


def answered(url: str, adapter: DeadlineAdapter, verify: str | bool = True) -> requests.Response:
    """Send a request; return the response as soon as its head is here."""
    body = requests.Request("POST", url, data=b"{}", headers={"Content-Type": "application/json"}).prepare()
    return adapter.send(body, stream=True, timeout=(5, 30), verify=verify)


def ask(url: str, adapter: DeadlineAdapter, verify: str | bool = True) -> bytes:
    with closing(answered(url, adapter, verify)) as response:
        return response.raw.read()


def ask_late(server: FakeInferenceServer, adapter: DeadlineAdapter) -> bytes:
    """Read only when the server has noticed the cut: it sent more after it, and that resets the connection."""
    with closing(answered(server.url, adapter)) as response:
        while server.open_connections:
            time.sleep(0.01)
        return response.raw.read()


def ask_when_over(server: FakeInferenceServer, adapter: DeadlineAdapter, deadline: Deadline) -> bytes:
    while not deadline.passed:
        time.sleep(0.01)
    return ask(server.url, adapter)


@pytest.mark.parametrize("fault", ["drip", "drip head", "drip chunks", "drip without end", "silent"])
def test_cuts_whatever_drips(fault: str) -> None:
    with FakeInferenceServer() as server:
        server.fault = fault
        adapter, began, deadline = DeadlineAdapter(), time.monotonic(), Deadline(0.4)
        with pytest.raises(TimeoutError, match="the time is over"), deadline:
            ask(server.url, adapter)
        assert deadline.passed
        assert 0.4 <= time.monotonic() - began < 10  # what drips would go on for 18 s and more
        adapter.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "deadline"]


def test_cuts_a_proxys_answer_that_drips() -> None:
    with FakeInferenceServer() as proxy:
        request = requests.Request("POST", "https://gpu.example", data=b"{}").prepare()
        adapter, began, deadline = DeadlineAdapter(), time.monotonic(), Deadline(0.4)
        with pytest.raises(TimeoutError, match="the time is over"), deadline:
            adapter.send(request, timeout=(5, 30), proxies={"https": proxy.url})
        assert time.monotonic() - began < 10
        adapter.close()


def test_a_cut_is_told_the_same_way_when_it_reads_as_a_reset() -> None:
    with FakeInferenceServer() as server:
        server.fault = "drip after head"
        adapter, deadline = DeadlineAdapter(), Deadline(1)
        with pytest.raises(TimeoutError, match="the time is over") as told, deadline:
            ask_late(server, adapter)
        assert "Connection reset by peer" in str(told.value.__cause__)
        adapter.close()


@pytest.mark.parametrize("fault", ["drip", "drip head", "drip chunks", "drip without end", "silent"])
def test_cuts_what_drips_through_tls(certificate: Path, fault: str) -> None:
    with FakeInferenceServer(str(certificate)) as server:
        server.fault = fault
        adapter, began, deadline = DeadlineAdapter(), time.monotonic(), Deadline(0.4)
        with pytest.raises(TimeoutError, match="the time is over"), deadline:
            ask(f"https://localhost:{server.port}", adapter, str(certificate))
        assert len(server.bodies) == 1  # the handshake is done, and what is cut is the answer
        assert deadline.passed
        assert time.monotonic() - began < 10
        adapter.close()


def test_leaves_alone_what_is_in_time_and_keeps_the_connection() -> None:
    with FakeInferenceServer() as server:
        adapter = DeadlineAdapter()
        for _ in range(3):
            with Deadline(30) as deadline:
                assert b"Internal error" in ask(server.url, adapter)
            assert not deadline.passed
        assert ask(server.url, adapter)  # outside of any
        assert server.connections == 1
        adapter.close()


def test_nothing_begins_after_the_end() -> None:
    with FakeInferenceServer() as server:
        adapter, deadline = DeadlineAdapter(), Deadline(0.01)
        with pytest.raises(TimeoutError) as told, deadline:
            ask_when_over(server, adapter, deadline)
        assert isinstance(told.value.__cause__, requests.ConnectionError)
        assert "the time is over" in str(told.value.__cause__)
        assert server.bodies == []
        adapter.close()
