"""A shared server: without its token, no page, route or websocket answers, only the check of health."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from pages.shared import access
from pages.shared.access import Guarded
from tests.support.app import new_world
from tests.support.browser import served
from tests.support.world import World

TOKEN = "a-token_of-32-characters-or-more0"  # noqa: S105
PATHS = (
    "/", "/evaluate", "/index.html", "/static/js/x.js", "/_stcore/host-config", "/_stcore/script-health-check",
    "/_stcore/metrics", "/_stcore/bidi-components/x", "/component/x/y", "/media/x.png", "/player/video/" + "0" * 64,
    "/player/scripts/x/entry.js", "/player/clips/x", "/app/static/x", "/auth/login", "/oauth2callback",
    "/_stcore/upload_file/_stcore/health", "/x/_stcore/health", "//_stcore/health", "/_stcore/health/",
    "/_stcore/healthz", "/%5fstcore/health/x", "/_stcore/./health/../host-config",
)  # fmt: skip
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\n{cookie}"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def asked(port: int, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Any:
    """The status, the headers and the text of a reply."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, path, headers=dict(headers or {}))
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read().decode("utf-8", "replace")


def upgraded(port: int, path: str, cookie: str = "") -> str:
    """The status of a websocket's handshake."""
    line = f"Cookie: {cookie}\r\n" if cookie else ""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(UPGRADE.format(host=f"127.0.0.1:{port}", cookie=line, path=path).encode())
        return connection.recv(64).decode().split()[1]


@pytest.fixture(scope="module", params=["", "tools/clip"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[Any]:
    """A server with the token, at the root and below a base path: its port, its base path and its folder."""
    world = new_world(tmp_path_factory.mktemp("shared"), stock)
    with served(world, request.param, more={access.TOKEN_VARIABLE: TOKEN}) as address:
        found = urlsplit(address)
        yield found.port, found.path, world.folder


def cookie_of(port: int, base: str) -> str:
    _, headers, _ = asked(port, f"{base}/?token={TOKEN}")
    return str(headers["set-cookie"]).partition(";")[0]


def test_nothing_without_the_token(place: Any) -> None:
    port, base, folder = place
    paths = [base + path for path in PATHS] + ([] if not base else ["/", "/_stcore/health"])
    wrong = [f"{base}/?token=", f"{base}/?token={TOKEN[:-1]}", f"{base}/?token={TOKEN}x", f"{base}/?Token={TOKEN}"]
    assert {asked(port, path)[0] for path in paths + wrong} == {401}
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "PROPFIND"):
        assert asked(port, f"{base}/_stcore/upload_file/a/b?token={TOKEN}x", method=method)[0] == 401
    for method in ("POST", "PUT", "DELETE"):  # the token is taken from a link, not from what a form sends
        assert asked(port, f"{base}/?token={TOKEN}", method=method)[0] == 401
    assert upgraded(port, f"{base}/_stcore/stream") == "403"
    assert upgraded(port, f"{base}/_stcore/stream?token={TOKEN}") == "403"  # only the cookie counts here
    _, headers, text = asked(port, f"{base}/evaluate?token=wrong")
    assert "Ask the person who runs this server" in text
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "set-cookie" not in headers
    assert TOKEN not in (folder / "server.log").read_text()


def test_a_proxy_may_check_the_health(place: Any) -> None:
    port, base, _ = place
    assert asked(port, f"{base}/_stcore/health")[0] == 200


def test_the_link_becomes_a_cookie_and_loses_the_token(place: Any) -> None:
    port, base, folder = place
    status, headers, _ = asked(port, f"{base}/evaluate?video=a%20b&token={TOKEN}&prompt=x&prompt=%C3%A9")
    assert (status, headers["location"]) == (303, "./evaluate?video=a+b&prompt=x&prompt=%C3%A9")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    pair, *facts = [part.strip().lower() for part in headers["set-cookie"].split(";")]
    assert sorted(facts) == ["httponly", "path=/", "samesite=lax"]
    assert TOKEN.lower() not in pair
    assert asked(port, f"{base}/?token={TOKEN}")[1]["location"] == "./"
    assert TOKEN not in (folder / "server.log").read_text()


def test_everything_with_the_cookie(place: Any) -> None:
    port, base, _ = place
    with_cookie = {"Cookie": f"other=1; {cookie_of(port, base)}; _xsrf=2"}
    status, _, text = asked(port, f"{base}/", with_cookie)
    assert (status, "<script" in text) == (200, True)
    assert asked(port, f"{base}/_stcore/host-config", with_cookie)[0] == 200
    assert asked(port, f"{base}/player/video/{'0' * 64}", with_cookie)[0] == 404
    again, headers, _ = asked(port, f"{base}/?token=of-an-earlier-start", with_cookie)
    assert (again, headers["location"]) == (303, "./")  # the page that is drawn must not hold any
    assert asked(port, f"{base}/", {"Cookie": cookie_of(port, base)[:-1]})[0] == 401
    assert upgraded(port, f"{base}/_stcore/stream", cookie_of(port, base)) == "101"
    assert upgraded(port, f"{base}/_stcore/stream", cookie_of(port, base)[:-1] + "g") == "403"


async def _answered(app: Guarded, scope: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def answered(token: str, path: str, query: bytes = b"", headers: Any = (), kind: str = "http", **more: Any) -> Any:
    """The messages that the guard sends; "passed" if it hands the request on."""

    async def behind(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "passed"})

    scope = {"type": kind, "path": path, "query_string": query, "headers": list(headers), **more}
    scope |= {"method": "GET"} if kind == "http" else {}
    with ThreadPoolExecutor(1) as thread:  # Playwright's loop may be running in this one
        return thread.submit(asyncio.run, _answered(Guarded(behind, token), scope)).result()


def test_without_a_token_everybody_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answered("", "/")[0]["type"] == "passed"
    assert answered("", "/_stcore/stream", kind="websocket")[0]["type"] == "passed"
    assert answered(TOKEN, "/", kind="lifespan")[0]["type"] == "passed"
    monkeypatch.setenv(access.TOKEN_VARIABLE, TOKEN)
    assert Guarded(lambda *_: None)._token == TOKEN.encode()  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("path", "location"),
    [("/", b"./"), ("/a/b", b"./b"), ("/a//evil.example", b"./evil.example"), ("//evil.example", b"./evil.example"),
     ("/a/javascript:x", b"./javascript%3Ax"), ("/é?\r\nX: y", b"./%C3%A9%3F%0D%0AX%3A%20y"),
     ("/\\evil", b"./%5Cevil")],
)  # fmt: skip
def test_the_redirect_leads_nowhere_else(path: str, location: bytes) -> None:
    (start, _) = answered(TOKEN, path, f"token={TOKEN}".encode())
    assert (start["status"], dict(start["headers"])[b"location"]) == (303, location)


@pytest.mark.parametrize("query", [b"token=\xff\xfe", b"token=%ff%00", b"token=" + b"a" * 60_000, b"&&&=&token", b"%"])
@pytest.mark.parametrize("cookie", [b"", b"a=\xff; ;=;", b"clip_video_" + b"0" * 8 + b"=\xe9", b"=" * 9000])
def test_odd_queries_and_cookies_are_refused(query: bytes, cookie: bytes) -> None:
    assert answered(TOKEN, "/", query, [(b"cookie", cookie)])[0]["status"] == 401


def test_the_cookie_is_secure_where_the_connection_is() -> None:
    (start, _) = answered(TOKEN, "/", f"token={TOKEN}".encode(), scheme="https")
    assert "Secure" in dict(start["headers"])[b"set-cookie"].decode()


def test_two_servers_on_one_host_have_two_cookies() -> None:
    names = set()
    for token in (TOKEN, TOKEN + "2"):
        (start, _) = answered(token, "/", f"token={token}".encode())
        names.add(dict(start["headers"])[b"set-cookie"].partition(b"=")[0])
    assert len(names) == 2


SECRETS = '[auth]\nredirect_uri = "http://localhost:8501/oauth2callback"\ncookie_secret = "of-the-test-only"\n'
SECRETS += 'client_id = "x"\nclient_secret = "x"\nserver_metadata_url = "http://127.0.0.1:9/x"\n'


GUARDED = (f"/player/video/{'0' * 64}", "/x/player/copy/0", "/media/x.png", "/_stcore/upload_file/a/b")


def secret_world(folder: Path, stock: Path, secrets: str = SECRETS) -> World:
    """A world that a server is started from, with secrets for Streamlit."""
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text(secrets)
    return new_world(folder, stock)


def test_a_login_guards_the_routes_too(tmp_path: Path, stock: Path) -> None:
    world = secret_world(tmp_path, stock)
    user = json.dumps({"is_logged_in": True, "origin": "http://localhost:8501"}), json.dumps({"is_logged_in": False})
    yes, no = (create_signed_value("of-the-test-only", "_streamlit_user", text).decode() for text in user)
    forged = create_signed_value("another", "_streamlit_user", user[0]).decode()
    with served(world, cwd=tmp_path) as address:
        port = urlsplit(address).port or 0
        for cookie in ("", f"_streamlit_user={no}", f"_streamlit_user={forged}", "_streamlit_user=x"):
            assert {asked(port, path, {"Cookie": cookie})[0] for path in GUARDED} == {401}
        assert 401 not in {asked(port, path, {"Cookie": f"_streamlit_user={yes}"})[0] for path in GUARDED}
        assert asked(port, "/")[0] == 200  # it draws the login


def test_secrets_that_cannot_be_read_let_nobody_in(tmp_path: Path, stock: Path) -> None:
    """Streamlit takes a file with a typing error for none."""
    with served(secret_world(tmp_path, stock, SECRETS + "x = ["), cwd=tmp_path) as address:
        port = urlsplit(address).port or 0
        assert {asked(port, path)[0] for path in GUARDED} == {401}
