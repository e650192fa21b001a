"""A page that is opened by its own address before the server has run the app once."""

from __future__ import annotations

import pytest

from tests.support.world import Page, World


@pytest.mark.parametrize(
    ("name", "said"), [("library", "Nothing is stored yet. Add a folder"), ("search", "**Nothing is stored yet**")]
)
def test_a_bookmark_opens_its_page_right_after_a_start(world: World, name: str, said: str) -> None:
    page = Page()
    page.at.switch_page(f"pages/{name}.py")
    page.at.run()
    assert page.starting(said)
