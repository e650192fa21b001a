"""What a page says while it opens a video; where that comes to nothing, it does not say it again at every run."""

from __future__ import annotations

from typing import Any

import pytest

from pages.shared import opening
from tests.support.app import Gate
from tests.support.world import Page, World


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles that the page has said."""
    titles: list[str] = []
    say = opening._say

    def listen(place: Any, title: str, doing: str) -> None:
        titles.append(title)
        say(place, title, doing)

    monkeypatch.setattr(opening, "_say", listen)
    return titles


def test_it_says_so_while_the_video_is_opened_and_never_after(world: World, page: Page, said: list[str]) -> None:
    page.indexed()
    assert said[0].startswith("Starting")
    assert r"Opening wide\.mp4" in said
    said.clear()
    page.slide("smoothing", 1.0)
    assert said == []
    assert page.holding("Opening") == []


def test_a_file_that_is_no_video_is_told_and_opening_it_is_not_said_again(
    world: World, page: Page, said: list[str]
) -> None:
    (world.folder / "broken.mp4").write_bytes(b"noise" * 4000)
    world.write(video_path="broken.mp4")
    page.until(lambda: bool(page.at.error))
    said.clear()
    page.run()
    assert page.at.error
    assert said == []
    page.control("selectbox", "video").set_value("wide.mp4").run()
    assert r"Opening wide\.mp4" in said
    assert page.indexed().samples == 50


def test_a_cancelled_opening_is_said_again_when_it_is_resumed(
    world: World, gate: Gate, page: Page, said: list[str]
) -> None:
    page.run().press("cancel")
    gate.open()
    page.until(lambda: not page.at.get("progress"))
    said.clear()
    page.run()
    assert said == []
    assert page.press("resume").indexed().samples == 50
