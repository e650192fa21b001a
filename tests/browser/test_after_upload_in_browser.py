"""In a real browser: after an upload the box closes by itself, and the cursor stands in the empty list of prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.app import new_world
from tests.support.browser import Visitor, control, served, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

BODY = "[data-testid=stPopoverBody]"


def test_the_box_closes_and_one_can_type_at_once(tmp_path: Path, stock: Path, chromium: Any) -> None:
    world = new_world(tmp_path, stock)
    (tmp_path / "videos").mkdir()
    world.write(video_dirs=["videos"], threshold=None)
    with served(world) as address, chromium.new_context(viewport={"width": 1440, "height": 900}) as context:
        visitor = Visitor(context.new_page(), address).open_ready("Player")
        tab = visitor.tab
        tab.locator(".st-key-upload_box button").first.click()
        tab.locator(BODY).get_by_placeholder("A video, or a folder of videos").wait_for()
        upload = {"name": "mine.mp4", "mimeType": "video/mp4", "buffer": (stock / "short.mp4").read_bytes()}
        tab.locator("input[type=file]").set_input_files(upload)
        area = tab.locator(f"{control('prompts')} textarea")
        tab.get_by_role("button", name="a person running").wait_for()
        expect(tab.locator(BODY)).to_have_count(0)
        expect(area).to_be_focused()
        tab.keyboard.type("a kite")
        tab.locator(".st-key-status", has_text="indexed").wait_for()
        expect(area).to_have_value("a kite")  # no rerun of the page took it away
        tab.keyboard.press("Control+Enter")
        wait_until(lambda: visitor.lines() == 1, what="one line")
        expect(tab.get_by_role("button", name="a person running")).to_have_count(0)
        assert visitor.errors == []
