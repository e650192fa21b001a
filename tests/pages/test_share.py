"""What scripts/run --share and --read-only print, set and hand on to Streamlit."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest
import streamlit.config

from pages.shared import share
from pages.shared.access import READ_ONLY_VARIABLE, TOKEN_VARIABLE

TOKEN = "0123456789_abcdefghijk-ABCDEFGHIJK"  # noqa: S105


class Started:
    """What was handed on in place of a start, and the environment at that moment."""

    def __init__(self) -> None:
        self.arguments: list[str] = []
        self.token = self.read_only = ""

    def execv(self, _program: str, arguments: list[str]) -> None:
        self.arguments = arguments[1:]
        self.token, self.read_only = os.environ.get(TOKEN_VARIABLE, ""), os.environ.get(READ_ONLY_VARIABLE, "")

    def option(self, name: str) -> str | None:
        return share.option(self.arguments, name)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    made = Started()
    for name in (TOKEN_VARIABLE, READ_ONLY_VARIABLE):
        monkeypatch.setenv(name, "")  # so that what is set meanwhile is taken back at the end
        monkeypatch.delenv(name)
    monkeypatch.setattr(share.os, "execv", made.execv)
    monkeypatch.setattr(share, "own_address", lambda: "192.0.2.7")
    return made


def test_share_listens_for_others_and_prints_a_link_with_a_new_token(
    started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    share.start(["--share", "--server.port", "8600", "--x"])
    said = capsys.readouterr().out
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", started.token)
    assert said.splitlines() == [
        "Whoever has this link can use the page. It opens in a few seconds:",
        f"  http://192.0.2.7:8600/?token={started.token}",
        f"  http://localhost:8600/?token={started.token}",
    ]
    assert started.arguments[:3] == ["-m", "streamlit", "run"]
    assert Path(started.arguments[3]).name == "app.py"
    assert started.option("server.address") == "0.0.0.0"  # noqa: S104
    assert (started.option("server.port"), started.option("server.headless")) == ("8600", "true")
    assert started.arguments.count("--x") == 1
    assert started.read_only == ""
    assert not any(started.token in argument for argument in started.arguments)  # other users see a command line
    first = started.token
    share.os.environ.pop(TOKEN_VARIABLE)
    share.start(["--share", "--server.port", "8600"])
    assert started.token != first


@pytest.mark.parametrize(
    ("arguments", "link"),
    [
        (["--server.address", "10.0.0.5", "--server.port=90"], "http://10.0.0.5:90/"),
        (["--server.address=::1", "--server.port", "90"], "http://[::1]:90/"),
        (["--browser.serverAddress", "clips.example", "--server.port=90"], "http://clips.example:90/"),
        (
            ["--browser.serverAddress", "clips.example", "--browser.serverPort", "443", "--server.port=90",
             "--server.sslCertFile", "c.pem", "--server.baseUrlPath", "/tools/clip/"],
            "https://clips.example/tools/clip/",
        ),
        (["--browser.serverAddress=c.example", "--browser.serverPort=443", "--server.port=90"], "https://c.example/"),
        (["--browser.serverAddress=c.example", "--browser.serverPort=80", "--server.port=90"], "http://c.example/"),
    ],
)  # fmt: skip
def test_the_link_follows_the_options(
    started: Started, capsys: pytest.CaptureFixture[str], arguments: list[str], link: str
) -> None:
    share.start([*arguments, "--share"])
    assert capsys.readouterr().out.splitlines()[1:] == [f"  {link}?token={started.token}"]


def test_options_of_the_environment_count(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "127.0.0.1")
    monkeypatch.setenv("STREAMLIT_SERVER_PORT", "8700")
    monkeypatch.setenv("STREAMLIT_SERVER_BASE_URL_PATH", "clip")
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    assert share.option([], "server.baseUrlPath") == "clip"
    share.start(["--share"])
    assert started.token == TOKEN
    assert "--server.address" not in started.arguments
    assert "--server.port" not in started.arguments


def test_the_last_of_two_options_counts() -> None:
    assert share.option(["--a.b", "1", "--a.b=2", "--a.bc", "3"], "a.b") == "2"
    assert share.option(["--a.b"], "a.b") is None


@pytest.mark.parametrize(
    "token", ["short", "x" * 31, "with a space in it, which no link may have", "ä" * 40, "a&b=" * 12]
)
def test_a_weak_or_odd_token_is_refused(started: Started, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, token)
    with pytest.raises(SystemExit, match="at least 32 characters") as refused:
        share.start(["--share", "--server.port", "8600"])
    assert token not in str(refused.value)
    assert started.arguments == []


def test_where_a_login_is_configured_no_token_is_made(
    started: Started, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share, "login_settings", lambda: {"client_id": "x"})
    share.start(["--share", "--server.port", "8600"])
    assert started.token == ""
    assert "Visitors log in" in capsys.readouterr().out
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)  # both, if somebody wants both
    share.start(["--share", "--server.port", "8600"])
    assert started.token == TOKEN


def test_where_secrets_cannot_be_read_nothing_is_started(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "login_settings", lambda: None)
    with pytest.raises(SystemExit, match=r"secrets\.toml cannot be read"):
        share.start(["--share", "--server.port", "8600"])
    assert started.arguments == []


def test_read_only_alone_stays_on_this_machine(started: Started, capsys: pytest.CaptureFixture[str]) -> None:
    share.start(["--read-only"])
    assert (started.read_only, started.token) == ("1", "")
    assert capsys.readouterr().out == ""
    assert started.arguments[4:] == ["--server.maxUploadSize", "20"]
    share.start(["--read-only", "--server.maxUploadSize=5"])
    assert started.arguments[4:] == ["--server.maxUploadSize=5"]


@pytest.mark.parametrize(("value", "mode", "limit"), [("1", " (read-only)", "20"), ("0", "", None)])
def test_the_variable_counts_as_the_option_does(
    started: Started,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    value: str,
    mode: str,
    limit: str | None,
) -> None:
    monkeypatch.setenv(READ_ONLY_VARIABLE, value)
    share.start(["--share", "--server.port", "8600"])
    assert capsys.readouterr().out.startswith(f"Whoever has this link can use the page{mode}. It opens")
    assert started.option("server.maxUploadSize") == limit


def test_a_taken_port_is_left_out() -> None:
    with socket.socket() as taken:
        for port in range(share.FIRST_PORT, share.FIRST_PORT + share.PORTS):
            try:
                taken.bind(("127.0.0.1", port))
            except OSError:
                continue
            break
        taken.listen()
        assert share.free_port("127.0.0.1") > port


def test_the_options_that_the_page_about_sharing_names_exist() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sharing.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b((?:server|browser)\.[a-z][A-Za-z]+)", text))
    assert {"server.address", "server.baseUrlPath", "browser.serverPort", "server.corsAllowedOrigins"} <= named
    assert {name: name in streamlit.config.get_config_options() for name in named} == dict.fromkeys(named, True)
    assert all(word in text for word in (TOKEN_VARIABLE, READ_ONLY_VARIABLE, share.SHARE, share.READ_ONLY))
