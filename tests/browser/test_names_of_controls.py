"""What a screen reader says of the controls: a name each, which is not that of their icon."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.app import new_world
from tests.support.browser import Visitor, served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CONTROL = re.compile(r"""- (button|textbox|combobox|radio|slider|link|checkbox|switch)\b(?: "((?:[^"\\]|\\.)*)")?""")


def names(visitor: Visitor) -> list[tuple[str, str]]:
    """Role and name of each control on the page, in the order in which they are read out."""
    return [(role, name) for role, name in CONTROL.findall(visitor.tab.locator("body").aria_snapshot())]


def test_each_control_has_a_name_that_says_what_it_does(tmp_path: Any, stock: Any, chromium: Any) -> None:
    world = new_world(tmp_path, stock)
    with served(world) as address:
        visitor = Visitor(chromium.new_page(viewport={"width": 1366, "height": 768}), address).open_ready("Frames")
        found = names(visitor)
        assert [control for control in found if not control[1] or control[1].endswith(" icon")] == []
        in_order = [
            *(("combobox", "Video"), ("button", "Add a video"), ("combobox", "Model"), ("textbox", "Prompts")),
            *(("link", "Evaluate"), ("button", "Judge"), ("button", "Download")),
            *(("button", "Previous moment"), ("button", "Play"), ("button", "To the start")),
            *(("button", "a dog"), ("button", "View"), ("button", "Settings"), ("button", "What am I looking at?")),
        ]
        assert [control for control in found if control in in_order] == in_order
        visitor.tab.close()
