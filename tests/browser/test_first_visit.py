"""Who comes with an address that is no page of the app, right after a start, gets the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.app import new_world
from tests.support.browser import Visitor, served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]


def test_the_file_of_the_routes_is_no_page(tmp_path: Path, stock: Path, chromium: Any) -> None:
    with served(new_world(tmp_path, stock)) as address:
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        visitor = Visitor(context.new_page(), address)
        visitor.tab.goto(address + "/routes")
        visitor.tab.get_by_role("link", name="Compare encoders").wait_for()
        visitor.tab.locator(".st-key-status").wait_for()
        context.close()
