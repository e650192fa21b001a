"""In a real browser: a model is chosen, offered, downloaded and used, and two encoders are compared."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clip_core.encoders.catalogue import CATALOGUE
from tests.support.app import new_world
from tests.support.browser import Visitor, control, served, wait_until
from tests.support.hub_server import HubServer
from tests.support.model_maker import make_clip

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

B32 = CATALOGUE[0]
SIZE = {"width": 1440, "height": 900}


@pytest.fixture
def visitor(tmp_path: Path, stock: Path, chromium: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    """A tab on an app whose hub is on loopback and whose cache is empty."""
    with contextlib.ExitStack() as stack:
        hub = stack.enter_context(HubServer())
        hub.add(B32.id, make_clip(tmp_path / "published")).commit = B32.revision
        hub.bytes_per_second = 60_000
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
        (tmp_path / "site").mkdir()
        address = stack.enter_context(served(new_world(tmp_path / "site", stock)))
        context = chromium.new_context(viewport=SIZE, color_scheme="dark")
        stack.callback(context.close)
        tab = Visitor(context.new_page(), address)
        yield tab
        assert tab.errors == []
        assert tab.outside() == []


def choose(visitor: Visitor, key: str, label: str) -> None:
    visitor.tab.locator(f"{control(key)} input").click()
    visitor.tab.get_by_role("option", name=label).first.click()


def test_a_model_is_chosen_downloaded_and_used(visitor: Visitor) -> None:
    visitor.open_ready("Player")
    choose(visitor, "model", "CLIP ViT-B/32")
    offer = visitor.tab.locator(".st-key-offer")
    offer.get_by_text("is not on this machine").wait_for()
    offer.get_by_text("About 156 MB (int8), from 127.0.0.1:").wait_for()
    offer.get_by_text("commit d15189d").wait_for()
    visitor.tab.get_by_role("button", name="Download 156 MB").click()
    offer.get_by_text(re.compile(r" of \d+ kB")).wait_for()
    visitor.tab.locator(".st-key-footer", has_text="Model CLIP ViT-B/32 · fp32 on CPU").wait_for()
    visitor.tab.locator(".st-key-status", has_text="50 samples indexed").wait_for()
    wait_until(lambda: visitor.lines() == 3, what="three lines")
    visitor.fits_at_rest()


@pytest.mark.parametrize("page", ["library"])  # for the routes see test_first_address.py
def test_an_address_right_after_a_start_leads_to_the_app(visitor: Visitor, page: str) -> None:
    visitor.tab.goto(f"{visitor.address}/{page}")
    visitor.tab.get_by_role("link", name="Compare encoders").wait_for()
    assert visitor.tab.get_by_role("link", name="routes", exact=True).count() == 0
    assert visitor.tab.get_by_text("FFmpeg's name").count() == 0
    assert visitor.tab.get_by_role("link", name="app", exact=True).count() == 0
    assert visitor.tab.title() == "CLIP Video Investigator"
    visitor.errors.clear()  # Streamlit asks for its own files below that address once, and gets a 404


def test_two_encoders_are_compared(visitor: Visitor) -> None:
    visitor.open_ready("Player")
    visitor.tab.get_by_role("link", name="Compare encoders").click()
    visitor.tab.get_by_role("button", name="Compare").click()
    visitor.tab.get_by_text("The same for all purposes.").wait_for()
    choose(visitor, "second_framing", "Squashed")
    visitor.tab.get_by_text("Press Compare.").wait_for()
    visitor.tab.get_by_role("button", name="Compare").click()
    visitor.tab.get_by_text(re.compile("Not the same encoder|Alike, not the same")).wait_for()
    visitor.tab.get_by_role("link", name="Investigate").click()
    visitor.settle()
    assert visitor.lines() == 3
