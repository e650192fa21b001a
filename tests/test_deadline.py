"""A limit for a whole exchange, over real sockets that drip."""

import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import urllib3

from clip_core.encoders.deadline import Deadline, WatchedAdapter
from tests.inference_server import FakeInferenceServer


def ask(url: str, adapter: WatchedAdapter, verify: str | bool = True) -> bytes:
    body = requests.Request("POST", url, data=b"{}", headers={"Content-Type": "application/json"}).prepare()
    response = adapter.send(body, stream=True, timeout=(5, 30), verify=verify)
    try:
        return response.raw.read()
    finally:
        response.close()


@pytest.mark.parametrize("fault", ["drip", "drip head", "drip chunks", "drip without end", "silent"])
def test_cuts_whatever_drips(fault: str) -> None:
    with FakeInferenceServer() as server:
        server.fault = fault
        adapter, began, deadline = WatchedAdapter(), time.monotonic(), Deadline(0.4)
        try:
            with deadline:
                ask(server.url, adapter)
        except (requests.RequestException, urllib3.exceptions.HTTPError):
            assert fault != "drip without end"  # which ends as a short answer does: whoever reads must look
        assert deadline.passed
        assert 0.4 <= time.monotonic() - began < 10  # what drips would go on for 18 s and more
        adapter.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "deadline"]


@pytest.mark.parametrize("fault", ["drip", "drip head", "drip chunks", "drip without end", "silent"])
def test_cuts_what_drips_through_tls(certificate: Path, fault: str) -> None:
    with FakeInferenceServer(str(certificate)) as server:
        server.fault = fault
        adapter, began, deadline = WatchedAdapter(), time.monotonic(), Deadline(0.4)
        with suppress(requests.RequestException, urllib3.exceptions.HTTPError), deadline:
            ask(f"https://localhost:{server.port}", adapter, str(certificate))
        assert len(server.bodies) == 1  # the handshake is done, and what is cut is the answer
        assert deadline.passed
        assert time.monotonic() - began < 10
        adapter.close()


def test_leaves_alone_what_is_in_time_and_keeps_the_connection() -> None:
    with FakeInferenceServer() as server:
        adapter = WatchedAdapter()
        for _ in range(3):
            with Deadline(30) as deadline:
                assert b"Internal error" in ask(server.url, adapter)
            assert not deadline.passed
        assert ask(server.url, adapter)  # outside of any
        assert server.connections == 1
        adapter.close()


def test_nothing_begins_after_the_end() -> None:
    with FakeInferenceServer() as server:
        adapter = WatchedAdapter()
        with Deadline(0.01) as deadline:
            while not deadline.passed:
                time.sleep(0.01)
            with pytest.raises(requests.ConnectionError, match="the time is over"):
                ask(server.url, adapter)
        assert server.bodies == []
        adapter.close()
