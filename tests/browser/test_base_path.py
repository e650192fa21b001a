"""The player wherever the app lies: below a base path, and behind a proxy that takes a prefix off each path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from clip_core import EmbeddingStore, index_video, load_config, load_encoder
from clip_core.charts.colours import THEMES
from tests.support.app import new_world
from tests.support.browser import FIRST_MS, Visitor, served, wait_until
from tests.support.rewriting_proxy import rewriting_proxy

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]

BASE, PREFIX = "tools/clip", "/some/prefix"


@pytest.fixture(scope="module", params=["base path", "rewriting proxy"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[str]:
    world = new_world(tmp_path_factory.mktemp("place"), stock)
    settings = load_config(world.config)  # indexed before: Streamlit's timed reruns of indexing call visitors back
    encoder, store = load_encoder(settings.model, settings), EmbeddingStore(settings.embeddings)
    assert [*index_video(world.video, encoder, store, samples_per_second=5.0)][-1].done == 50
    if request.param == "base path":
        with served(world, BASE, cwd=world.folder) as below:  # and started from elsewhere
            yield below
    else:
        with served(world) as inside, rewriting_proxy(PREFIX, urlsplit(inside).port or 0) as outside:
            yield outside


@pytest.fixture
def visitor(address: str, chromium: Any) -> Iterator[Visitor]:
    """A tab; at the end it may have asked nothing outside the app's own place, and nothing in vain.

    Only Streamlit, on the address of another page, tries itself where it lies.
    """
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    tab = Visitor(context.new_page(), address)
    refused: list[str] = []
    tab.tab.on("response", lambda reply: refused.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None)
    yield tab
    context.close()
    assert [line for line in refused if "/compare/_stcore/" not in line] == []
    assert [text for text in tab.errors if "404" not in text] == []
    inside = (address, address.replace("http", "ws"), "data:", "blob:")
    assert [url for url in tab.requests if not url.startswith(inside)] == []
    assert [url for url in tab.requests if url.startswith(f"{address}/player/video/")] != []


def plays(visitor: Visitor) -> None:
    """The curves stand, and the video runs when it is asked to."""
    tab = visitor.tab
    tab.locator(".st-key-status", has_text="50 samples indexed").wait_for(timeout=FIRST_MS)
    wait_until(lambda: visitor.lines() == 3, what="three curves")
    wait_until(lambda: visitor.ink(THEMES["light"].prompts[0]) > 20, what="the first prompt's curve")
    wait_until(lambda: tab.locator(".cvi-row").count() == 3, what="the ranking")
    tab.locator(".cvi-screen video").evaluate("video => { video.muted = true }")
    tab.locator('.cvi-transport [data-do="toggle"]').click()
    wait_until(lambda: int(tab.locator(".cvi-clock [data-frame]").inner_text()) > 5, what="it plays")


def stops(visitor: Visitor) -> None:
    """It stops when it is asked to."""
    visitor.tab.locator('.cvi-transport [data-do="toggle"]').click()
    visitor.tab.locator(".cvi-screen:not(.cvi-plays)").wait_for()


def page_shown(visitor: Visitor) -> str:
    """The page whose link is marked; on a busy machine Streamlit was seen to leave the old address standing."""
    return visitor.tab.locator("header a[aria-current=page]").inner_text().split("\n")[-1].strip()


def test_it_plays_and_the_other_pages_lead_to_it(visitor: Visitor) -> None:
    tab = visitor.tab
    tab.goto(visitor.address + "/?one=1&two=/static/js/x#part")
    plays(visitor)
    tab.get_by_role("link", name="Compare encoders").click()  # while it plays
    tab.locator(".cvi-screen").wait_for(state="detached")
    wait_until(lambda: page_shown(visitor) == "Compare encoders", what="the other page")
    tab.get_by_role("link", name="Investigate").click()
    plays(visitor)
    stops(visitor)


def test_a_report_on_its_way_does_not_call_the_visitor_back(visitor: Visitor) -> None:
    tab = visitor.tab
    tab.goto(visitor.address + "/")
    plays(visitor)
    tab.locator(".cvi-screen video").evaluate("video => video.pause()")  # the report of it goes 80 ms later
    tab.get_by_role("link", name="Compare encoders").click()
    tab.locator(".cvi-screen").wait_for(state="detached")
    tab.wait_for_timeout(2500)  # longer than reports wait
    assert page_shown(visitor) == "Compare encoders"
    assert tab.locator(".cvi-screen").count() == 0


def test_from_the_address_of_another_page(visitor: Visitor) -> None:
    visitor.tab.goto(visitor.address + "/compare?embed=false&x=1")
    visitor.tab.get_by_role("link", name="Investigate").click()
    plays(visitor)
