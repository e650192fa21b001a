"""A request or a websocket under a name that is not the server's is refused: pages of other sites cannot reach it."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.requests import HTTPConnection

from pages.shared import hosts
from tests.support.app import new_world
from tests.support.browser import served

PAGES = ("/", "/evaluate", "/_stcore/health", "/_stcore/host-config", "/player/video/0", "/static/logo.svg")
STRANGERS = (
    "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "", "[evil]",
    "evil.example.", "user@127.0.0.1", "127.0.0.1@evil.example", "[::1]evil.example", "[::1]evil.example:80",
    "[::1%evil.example]", "127.0.0.1:evil.example", "127.0.0.1,evil.example", "127.0.0.1/evil.example", ":8501",
    "evil.example/.localhost", "evil.example#.localhost", "evil.example\\.localhost", "127.0.0.1:8501:1", "2130706433",
    "0x7f.1", "127.1", "[::1", "::1]", "127.0.0.1:123456",
)  # fmt: skip
UPGRADE = (
    "GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[int]:
    with served(new_world(tmp_path_factory.mktemp("hosts"), stock)) as address:
        yield urlsplit(address).port or 0


def status(port: int, path: str, host: str, more: Mapping[str, str] | None = None) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        for name, value in (more or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        with connection.getresponse() as reply:
            return reply.status


def upgraded(port: int, host: str, origin: str = "") -> str:
    """The status of a websocket's handshake."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(UPGRADE.format(host=host, origin=origin or f"http://{host}").encode())
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


OTHERS = (
    "http://evil.example", "https://evil.example:{port}", "null", "file://", "http://6.6.6.6", "http://localhost:3000",
    "http://127.0.0.1:3000", "http://localhost:{port}", "http://127.0.0.1", "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1:{port}@evil.example", "http://evil.example@127.0.0.1:{port}", "http://127.0.0.1:{port}/x",
    "ftp://127.0.0.1:{port}", "127.0.0.1:{port}", "http://", "http://[::1]:{port}",
)  # fmt: skip


def test_a_websocket_of_another_page(port: int) -> None:
    own = f"127.0.0.1:{port}"
    assert {upgraded(port, own, origin.format(port=port)) for origin in OTHERS} == {"403"}
    assert {upgraded(port, own, f"{scheme}://{own}") for scheme in ("http", "https", "HTTP")} == {"101"}


def test_a_request_of_another_page(port: int) -> None:
    assert {status(port, "/", f"127.0.0.1:{port}", {"Origin": each.format(port=port)}) for each in OTHERS} == {403}
    assert status(port, "/", f"127.0.0.1:{port}", {"Origin": f"http://127.0.0.1:{port}"}) == 200


def test_nobody_on_the_internet_is_asked_for_this_machines_address(tmp_path: Path, stock: Path) -> None:
    """Streamlit asks for it at the first foreign origin."""
    world = new_world(tmp_path, stock)
    with served(world) as address:
        alone = urlsplit(address).port or 0
        assert upgraded(alone, f"127.0.0.1:{alone}", "http://evil.example") == "403"
        assert status(alone, "/_stcore/health", f"127.0.0.1:{alone}", {"Origin": "http://evil.example"}) == 403
    assert "external IP" not in (tmp_path / "server.log").read_text()


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        ("GET / HTTP/1.1", 400),
        ("GET / HTTP/1.0", 400),
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example", 400),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1", 400),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: 127.0.0.1\r\nForwarded: host=127.0.0.1", 400),
        ("GET http://127.0.0.1/ HTTP/1.1\r\nHost: evil.example", 400),
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Host: evil.example", 200),
    ],
)
def test_requests_that_a_browser_does_not_send(port: int, lines: str, first: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"{lines}\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(64).decode().split()[1] == str(first)


def test_several_hosts_are_refused_also_if_the_server_lets_them_pass() -> None:
    middleware = hosts.KnownHosts(lambda *_: None)  # type: ignore[arg-type, return-value]
    host = (b"host", b"localhost")
    refusal = middleware.answer(HTTPConnection({"type": "http", "headers": [host, host]}))
    assert refusal is not None
    assert refusal.status_code == 400
    assert middleware.answer(HTTPConnection({"type": "http", "headers": [host]})) is None


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({}, False),
        ({"browser.serverAddress": "Clips.Example"}, True),
        ({"browser.serverAddress": "other.example"}, False),
        ({"server.corsAllowedOrigins": ["https://clips.example"]}, True),
        ({"server.enableCORS": False}, True),
    ],
)
def test_a_proxy_that_passes_on_its_own_host(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], allowed: bool
) -> None:
    usual = {"browser.serverAddress": "localhost", "server.enableCORS": True, "server.corsAllowedOrigins": []}
    monkeypatch.setattr(hosts.st, "get_option", (usual | options).get)
    assert hosts.is_own_origin("https://clips.example", "127.0.0.1:8501") is allowed


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
