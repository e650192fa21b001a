"""A real browser that is kept from drawing the answer, and goes on sending what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import WebSocketRoute

from tests.support.app import new_world
from tests.support.browser import Visitor, control, served, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]


class Wire:
    """The connection between the page and the server; while it is held, the page hears nothing."""

    def __init__(self, tab: Any) -> None:
        self.held: list[bytes] | None = None
        self._tab = tab
        tab.route_web_socket("**/_stcore/stream", self._connect)

    def _connect(self, page: WebSocketRoute) -> None:
        self._page, server = page, page.connect_to_server()

        page.on_message(server.send)
        server.on_message(self._from_server)

    def _from_server(self, message: bytes) -> None:
        if self.held is None or b"_stcore/upload_file" in message:  # where to send a file: it answers at once
            self._page.send(message)
        else:
            self.held.append(message)

    def hold(self) -> None:
        self.held = []

    def heard(self, text: bytes, after: int = 0) -> bool:
        """Whether a message that is held back has these bytes; the first ``after`` do not count."""
        self._tab.evaluate("0")  # lets what arrived be taken in
        return any(text in message for message in (self.held or [])[after:])

    def release(self) -> None:
        held, self.held = self.held or [], None
        for message in held:
            self._page.send(message)


def test_an_upload_stays_chosen_though_the_browser_still_sends_the_old_name(
    chromium: Any, tmp_path: Path, stock: Path
) -> None:
    world = new_world(tmp_path, stock)
    (tmp_path / "videos").mkdir()
    world.write(video_dirs=["videos"])
    with served(world) as address, chromium.new_context(viewport={"width": 1440, "height": 900}) as context:
        visitor = Visitor(context.new_page(), address)
        wire = Wire(visitor.tab)
        visitor.open_ready("Player")
        visitor.tab.locator(".st-key-upload_box button").first.click()
        wire.hold()
        content = (stock / "short.mp4").read_bytes()
        upload = {"name": "mine.mp4", "mimeType": "video/mp4", "buffer": content}
        visitor.tab.locator("input[type=file]").set_input_files(upload)
        wait_until(lambda: wire.heard(b"mine.mp4") and wire.heard(b"0:02.000"), what="the server shows the upload")
        assert visitor.tab.locator(f"{control('video')} input").input_value() == "wide.mp4"
        drawn = len(wire.held or ())
        visitor.pill(0).click()  # sends the old name along
        wait_until(lambda: wire.heard(b"Choose a video", drawn), what="the server answers the late message")
        wire.release()
        visitor.tab.get_by_role("button", name="a person running").wait_for()  # an upload begins without prompts
        visitor.tab.locator('[data-testid="stStatusWidget"]').wait_for(state="detached")
        assert visitor.tab.locator(f"{control('video')} input").input_value() == "mine.mp4"
        assert visitor.tab.get_by_text("0:02.000 · 192 × 108").count() == 1
        assert visitor.errors == []
