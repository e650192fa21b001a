"""A page that takes its time says what it is doing, shows nothing of the last video, and keeps the chart's place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.support.app import new_world
from tests.support.browser import FIRST_MS, Visitor, control, served, wait_until
from tests.support.world import APP

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SIZE = {"width": 1440, "height": 900}
SLOW = """
import time
from pathlib import Path

from clip_core.library import identify, videos

HERE = Path(__file__).parent
known, listed = identify.known_video, videos.list_videos


def wait(gate):
    while (HERE / gate).exists():
        time.sleep(0.02)


def slow_known(path, *given):
    if Path(path).name == "short.mp4":
        wait("hold_video")
    return known(path, *given)


def slow_list(*given, **named):
    wait("hold_list")
    return listed(*given, **named)


identify.known_video, videos.list_videos = slow_known, slow_list

import streamlit as st

from pages.player.routes import player_routes

app = st.App("APP", routes=player_routes())
"""
FOOTER = "() => document.querySelector('.st-key-footer').getBoundingClientRect().top"


@contextmanager
def slow_app(folder: Path, stock: Path, chromium: Any) -> Iterator[Visitor]:
    """A tab on an app that waits in two places as long as a file lies there: hold_list, hold_video."""
    world = new_world(folder, stock)
    world.take(stock / "short.mp4")
    script = folder / "slow_app.py"
    script.write_text(SLOW.replace("APP", str(APP)))
    with served(world, script=script) as address, chromium.new_context(viewport=SIZE) as context:
        visitor = Visitor(context.new_page(), address)
        yield visitor
        assert visitor.errors == []


def main_of(visitor: Visitor) -> Any:
    return visitor.tab.get_by_test_id("stMain")


def test_nothing_of_the_last_video_is_seen_while_another_opens(tmp_path: Path, stock: Path, chromium: Any) -> None:
    with slow_app(tmp_path, stock, chromium) as visitor:
        visitor.open_ready("Player")
        tab = visitor.tab
        (tmp_path / "hold_video").touch()
        tab.locator(f"{control('video')} input").click()
        tab.get_by_role("option", name="short.mp4").click()
        main_of(visitor).get_by_text("Opening short.mp4").wait_for()
        for gone in (".cvi-plot", ".cvi-screen", ".st-key-legend", ".st-key-list_row", ".st-key-footer"):
            expect(tab.locator(gone)).to_have_count(0)
        expect(tab.locator(".st-key-status")).to_have_count(0)
        expect(tab.get_by_text("0:10.000")).to_have_count(0)
        assert tab.locator(f"{control('video')} input").input_value() == "short.mp4"
        (tmp_path / "hold_video").unlink()
        tab.get_by_text("0:02.000 · 192 × 108").wait_for()
        visitor.settle()
        expect(main_of(visitor).get_by_text("Opening short.mp4")).to_have_count(0)
        wait_until(lambda: tab.locator("[data-last]").inner_text().endswith("59"), what="the new video's frames")


def test_the_first_visit_says_at_once_what_is_being_done(tmp_path: Path, stock: Path, chromium: Any) -> None:
    (tmp_path / "hold_list").touch()
    with slow_app(tmp_path, stock, chromium) as visitor:
        visitor.open()
        main_of(visitor).get_by_text("Starting…").wait_for(timeout=FIRST_MS)
        main_of(visitor).get_by_text("Looking for videos and models.").wait_for(timeout=FIRST_MS)
        (tmp_path / "hold_list").unlink()
        visitor.tab.locator(".st-key-status", has_text="indexed").wait_for(timeout=FIRST_MS)
        visitor.settle()
        expect(main_of(visitor).get_by_text("Starting…")).to_have_count(0)


def test_the_chart_has_its_place_before_its_script_arrives(tmp_path: Path, stock: Path, chromium: Any) -> None:
    with served(new_world(tmp_path, stock)) as address, chromium.new_context(viewport=SIZE) as context:
        visitor = Visitor(context.new_page(), address)
        held: list[Route] = []
        visitor.tab.route("**/player/scripts/*/timeline.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright
        visitor.open()
        visitor.tab.locator(".st-key-status", has_text="indexed").wait_for(timeout=FIRST_MS)
        visitor.tab.locator(".st-key-footer").wait_for()
        wait_until(lambda: (visitor.tab.wait_for_timeout(20), held)[1], what="the script is asked for")
        before = visitor.tab.evaluate(FOOTER)
        for route in held:
            route.continue_()
        visitor.settle()
        assert visitor.tab.evaluate(FOOTER) == pytest.approx(before, abs=30)  # it jumped by 430
        assert visitor.errors == []
