"""Debian's Firefox by its own remote protocol, Marionette: JSON over TCP, each message behind its length.

Playwright drives only builds of its own, and a driver program for Selenium is not in Debian.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import free_port

PROGRAMS = ("firefox-esr", "firefox")
START_S = 90.0
SCRIPT_MS = 60_000
PREFERENCES = {
    "media.autoplay.default": 0,  # play without a click
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "services.settings.server": "",
    "toolkit.telemetry.enabled": False,
}


def firefox_program() -> str:
    """The system's Firefox. Only who asks for these tests needs one, and then they fail without it."""
    found = next((program for name in PROGRAMS if (program := shutil.which(name))), None)
    if found is None:
        pytest.fail(f"no Firefox here (looked for {', '.join(PROGRAMS)}); apt-get install firefox-esr brings it")
    return found


class Firefox:
    """One window, driven by commands; each is answered before the next is sent."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._stream, self._sent = connection, connection.makefile("rb"), 0
        self._receive()  # it says who it is
        self.ask("WebDriver:NewSession", capabilities={"alwaysMatch": {"timeouts": {"script": SCRIPT_MS}}})

    def go(self, address: str) -> None:
        self.ask("WebDriver:Navigate", url=address)

    def script(self, text: str, *values: Any) -> Any:
        """What a script returns; ``values`` are its arguments."""
        return self.ask("WebDriver:ExecuteScript", script=text, args=list(values))["value"]

    def click(self, x: float, y: float) -> None:
        steps = [
            {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
        self.ask("WebDriver:PerformActions", actions=[mouse])

    def close(self) -> None:
        self._stream.close()
        self._connection.close()

    def ask(self, command: str, **parameters: Any) -> Any:
        """Send a command and return what it answers."""
        self._sent += 1
        message = json.dumps([0, self._sent, command, parameters]).encode()
        self._connection.sendall(str(len(message)).encode() + b":" + message)
        _, number, error, value = self._receive()
        assert number == self._sent
        assert error is None, f"{command}: {error}"
        return value

    def _receive(self) -> Any:
        length = b""
        while (character := self._stream.read(1)) != b":":
            assert character, "Firefox has gone"
            length += character
        return json.loads(self._stream.read(int(length)))


@contextmanager
def running_firefox(width: int, height: int) -> Iterator[Firefox]:
    """Start it with a fresh profile and no window on the screen."""
    port = free_port()
    profile = Path(tempfile.mkdtemp(prefix="clip-video-firefox-"))
    lines = [
        f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in (PREFERENCES | {"marionette.port": port}).items()
    ]
    (profile / "user.js").write_text("\n".join(lines))
    command = [firefox_program(), "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    command += ["--width", str(width), "--height", str(height)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        firefox = Firefox(_connected(port))
        yield firefox
        firefox.close()
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)


def _connected(port: int) -> socket.socket:
    deadline = time.monotonic() + START_S
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port))
        except OSError:
            assert time.monotonic() < deadline, f"Firefox does not listen after {START_S} s"
            time.sleep(0.1)
        else:
            connection.settimeout(SCRIPT_MS / 1000 * 2)
            return connection
