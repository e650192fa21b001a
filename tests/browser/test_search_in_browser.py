"""The page Search in a real Chromium: its keys, what a click opens, and that it fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clip_core import EmbeddingStore, index_video, load_config, load_encoder
from tests.support.app import new_world
from tests.support.browser import served, wait_until
from tests.support.world import World, seconds

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HOSTILE = "<img src=x onerror=alert(1)> & كلب " + "n" * 150 + ".mp4"
FITS = """() => [document.documentElement, document.querySelector('[data-testid=stMain]')].every(
    (one) => one.scrollWidth <= one.clientWidth)"""
CARD = ".cvi-card >> nth={}"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[tuple[World, str]]:
    """Three indexed videos, one with a hostile name, and a server."""
    world = new_world(tmp_path_factory.mktemp("library"), stock)
    names = ["wide.mp4", world.take(stock / "portrait.mp4").name, world.take(stock / "short.mp4", HOSTILE).name]
    config = load_config(world.config)
    encoder, store = load_encoder("rnd", config), EmbeddingStore(config.embeddings)
    for name in names:
        list(index_video(world.folder / name, encoder, store, samples_per_second=5))
    with served(world) as address:
        yield world, address


def opened(tab: Any, address: str) -> list[str]:
    """Open the page Search; return what goes wrong in the browser, as it happens."""
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("dialog", lambda dialog: (errors.append("a dialog"), dialog.dismiss()))
    tab.goto(address)
    if tab.viewport_size["width"] < 700:
        tab.locator("[data-testid=stExpandSidebarButton]").click(timeout=60_000)
    tab.get_by_role("link", name="Search").click(timeout=60_000)
    tab.locator(".cvi-query textarea:enabled").wait_for(timeout=60_000)
    return errors


def focused(tab: Any) -> str:
    return str(tab.evaluate("() => document.activeElement.dataset.key ?? document.activeElement.tagName"))


def test_the_keys_search_judge_select_and_open(library: tuple[World, str], chromium: Any) -> None:
    world, address = library
    with chromium.new_context(viewport={"width": 1366, "height": 768}) as context:
        tab = context.new_page()
        errors, keys = opened(tab, address), tab.keyboard
        keys.press("/")
        assert focused(tab) == "TEXTAREA"
        keys.type("a dog/ax")
        keys.press("Shift+Enter")
        keys.type("- pizza")
        keys.press("Enter")
        tab.locator(CARD.format(2)).wait_for()
        tab.locator(".cvi-curve path").last.wait_for(state="attached")
        order = tab.evaluate("() => [...document.querySelectorAll('.cvi-card')].map((card) => card.dataset.key)")
        keys.press("ArrowDown")
        assert focused(tab) == order[0]
        keys.press("a")
        tab.locator(".cvi-card.cvi-accepted").wait_for()
        assert focused(tab) == order[1]
        keys.press("x")
        tab.locator(".cvi-card.cvi-rejected").wait_for()
        store = EmbeddingStore(load_config(world.config).embeddings)
        kept = [a for video in store.videos() for a in store.annotations(video.video_id)]
        assert sorted((a.prompt, a.verdict) for a in kept) == [("a dog/ax", "accepted"), ("a dog/ax", "rejected")]
        keys.press("Control+z")
        wait_until(lambda: tab.locator(".cvi-card.cvi-rejected").count() == 0, what="undone")
        keys.press(" ")
        tab.get_by_role("button", name="Export · 1").wait_for()
        keys.press("Home")
        keys.press("ArrowLeft")
        wait_until(lambda: focused(tab) == order[1], what="the card before")
        span = tab.locator(f'[data-key="{order[1]}"] .cvi-when').inner_text()
        keys.press("Enter")
        tab.locator(".cvi-screen [data-time]").wait_for(timeout=60_000)
        wait_until(lambda: tab.locator(".st-key-upload_box").count() == 1, what="Investigate")
        wait_until(
            lambda: (
                abs(seconds(tab.locator(".cvi-screen [data-time]").inner_text()) - seconds(span.split(" – ")[0])) <= 0.1
            ),
            what=f"the moment at {span}",
        )
        assert tab.get_by_label("Prompts", exact=True).last.input_value() == "a dog/ax\n- pizza"
        assert errors == []


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_it_fits_and_names_are_only_text(library: tuple[World, str], chromium: Any, size: tuple[int, int]) -> None:
    world, address = library
    with chromium.new_context(viewport={"width": size[0], "height": size[1]}) as context:
        tab = context.new_page()
        errors = opened(tab, address)
        tab.locator(".cvi-query textarea").fill("pizza")
        tab.locator(".cvi-query textarea").press("Enter")
        tab.locator(CARD.format(2)).wait_for()
        stored = EmbeddingStore(load_config(world.config).embeddings).videos()
        assert set(tab.locator(".cvi-title bdi").all_inner_texts()) == {video.name for video in stored}
        assert any(video.name.startswith("<img src=x onerror=alert(1)> & كلب") for video in stored)
        pictures = "() => [...document.querySelectorAll('.cvi-picture img')].every((one) => one.naturalWidth > 0)"
        tab.wait_for_function(pictures)
        assert tab.evaluate(FITS)
        lefts = {round(box["x"]) for card in tab.locator(".cvi-card").all() if (box := card.bounding_box())}
        assert (len(lefts) == 1) == (size[0] < 700)  # one column on a phone
        assert errors == []
