"""A limit for a whole exchange, over real sockets that drip."""

import threading
import time

import pytest
import requests
import urllib3

from clip_core.encoders.deadline import Deadline, WatchedAdapter
from tests.inference_server import FakeInferenceServer


def ask(url: str, adapter: WatchedAdapter) -> bytes:
    body = requests.Request("POST", url, data=b"{}", headers={"Content-Type": "application/json"}).prepare()
    response = adapter.send(body, stream=True, timeout=(5, 30))
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
        assert 0.4 <= time.monotonic() - began < 5
        adapter.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "deadline"]


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
