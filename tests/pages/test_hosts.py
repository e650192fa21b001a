"""A request or a websocket under a name that is not the server's is refused: pages of other sites cannot reach it."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pages.shared import hosts
from tests.support.app import new_world
from tests.support.browser import served

PAGES = ("/", "/evaluate", "/_stcore/health", "/_stcore/host-config", "/player/video/0", "/static/logo.svg")
STRANGERS = ("evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "", "[evil]")
UPGRADE = (
    "GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[int]:
    with served(new_world(tmp_path_factory.mktemp("hosts"), stock)) as address:
        yield urlsplit(address).port or 0


def status(port: int, path: str, host: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        with connection.getresponse() as reply:
            return reply.status


def upgraded(port: int, host: str) -> str:
    """The status of a websocket's handshake."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(UPGRADE.format(host=host).encode())
        return connection.recv(64).decode().split()[1]


@pytest.mark.parametrize("path", PAGES)
def test_pages_and_routes_under_another_name(port: int, path: str) -> None:
    assert [status(port, path, host) for host in STRANGERS] == [400] * len(STRANGERS)
    own = {status(port, path, host) for host in (f"127.0.0.1:{port}", "localhost", "LOCALHOST:1", f"[::1]:{port}")}
    assert own <= {200, 404}
    assert len(own) == 1


def test_a_websocket_under_another_name(port: int) -> None:
    assert {upgraded(port, host) for host in STRANGERS} <= {"400", "403"}
    assert {upgraded(port, host) for host in (f"127.0.0.1:{port}", f"localhost:{port}")} == {"101"}


@pytest.mark.parametrize(
    ("header", "host"),
    [("a.example:80", "a.example"), ("[::1]:8501", "::1"), ("::1", "::1"), ("A.Example", "a.example"), ("", "")],
)
def test_the_host_of_a_header(header: str, host: str) -> None:
    assert hosts.host_of(header) == host


@pytest.mark.parametrize(
    ("address", "known"),
    [("localhost", False), ("127.0.0.1", False), (None, False), ("0.0.0.0", True)],  # noqa: S104
)
def test_the_machines_own_name_counts_where_others_may_reach_it(
    monkeypatch: pytest.MonkeyPatch, address: str | None, known: bool
) -> None:
    options = {"server.address": address, "browser.serverAddress": "Tools.Example"}
    monkeypatch.setattr(hosts.st, "get_option", options.get)
    monkeypatch.setattr(hosts.socket, "gethostname", lambda: "Studio")
    assert ("studio" in hosts.known_names()) is known
    assert {"localhost", "tools.example"} <= hosts.known_names()


def test_the_names_are_looked_up_once_and_not_for_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []
    monkeypatch.setattr(hosts, "known_names", lambda: frozenset(looked_up.append("names") or ["tools.example"]))

    async def app(scope: object, receive: object, send: object) -> None:
        return None

    middleware = hosts.KnownHosts(app)
    assert [middleware._is_known(host) for host in ("127.0.0.1", "localhost", "a.localhost")] == [True] * 3
    assert looked_up == []
    assert [middleware._is_known(host) for host in ("tools.example", "evil.example", "tools.example")] == [
        True, False, True,
    ]  # fmt: skip
    assert looked_up == ["names"]
