"""A shared, read-only server in a real browser: nothing is shown without the token, and nothing is ever written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clip_core import EmbeddingStore, index_video, load_config, load_encoder
from pages.shared.access import READ_ONLY, READ_ONLY_VARIABLE, TOKEN_VARIABLE
from tests.pages.test_access import SECRETS, TOKEN, secret_world
from tests.store.test_read_only_store import contents
from tests.support.app import new_world
from tests.support.browser import FIRST_MS, Visitor, served, wait_until

OPENED = """url => new Promise(done => {
    const socket = new WebSocket(url);
    socket.onopen = () => done(true);
    socket.onerror = () => done(false);
})"""
pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[tuple[str, Path]]:
    """A shared server with one indexed video: its address and the folder of everything that it could write."""
    world = new_world(tmp_path_factory.mktemp("shared"), stock)
    settings = load_config(world.config)
    encoder, store = load_encoder(settings.model, settings), EmbeddingStore(settings.embeddings)
    assert [*index_video(world.video, encoder, store, samples_per_second=5.0)][-1].done == 50
    with served(world, more={TOKEN_VARIABLE: TOKEN, READ_ONLY_VARIABLE: "1"}) as address:
        yield address, world.folder


@pytest.fixture
def visitor(shared: tuple[str, Path], chromium: Any) -> Iterator[Visitor]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield Visitor(context.new_page(), shared[0])
    context.close()


def without_log(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if name != "server.log"}


def test_without_the_token_nothing_is_shown(visitor: Visitor) -> None:
    reply = visitor.tab.goto(visitor.address + "/?video=wide.mp4")
    assert reply is not None
    assert reply.status == 401
    assert "opens only with its full link" in visitor.tab.locator("body").inner_text()
    assert visitor.tab.locator('[data-testid="stApp"]').count() == 0
    assert [url for url in visitor.requests if url.startswith(visitor.address)][1:] in (
        [],
        [f"{visitor.address}/favicon.ico"],
    )
    stream = f"{visitor.address.replace('http', 'ws')}/_stcore/stream"
    assert visitor.tab.evaluate(OPENED, stream) is False


def test_with_the_token_the_page_plays_and_no_control_writes(visitor: Visitor, shared: tuple[str, Path]) -> None:
    before, tab = without_log(shared[1]), visitor.tab
    tab.goto(f"{visitor.address}/?token={TOKEN}")
    assert tab.url == f"{visitor.address}/"
    tab.locator(".st-key-status", has_text="50 samples indexed").wait_for(timeout=FIRST_MS)
    wait_until(lambda: visitor.lines() == 3, what="three curves")
    wait_until(lambda: tab.locator(".cvi-row").count() == 3, what="the ranking")
    tab.locator(".cvi-screen video").evaluate("video => { video.muted = true }")
    tab.locator('.cvi-transport [data-do="toggle"]').click()
    wait_until(lambda: int(tab.locator(".cvi-clock [data-frame]").inner_text()) > 5, what="it plays")
    tab.locator('.cvi-transport [data-do="toggle"]').click()
    for box, line in (
        ("judge_box", "Moments cannot be judged or edited."),
        ("upload_box", "No video can be uploaded."),
    ):
        tab.locator(f".st-key-{box} button").first.click()
        tab.get_by_text(f"{READ_ONLY} {line}").wait_for()
        assert tab.locator('[data-testid="stFileUploader"]:visible').count() == 0
        tab.keyboard.press("Escape")
    tab.locator(".st-key-settings_box button").first.click()
    link = tab.locator(".st-key-settings_box code, [data-testid=stCode] code").first.inner_text()
    assert link.startswith(f"{visitor.address}?id=")
    assert "&video=wide.mp4&" in link
    assert "token" not in link
    tab.keyboard.press("Escape")
    tab.goto(f"{visitor.address}/library")
    tab.get_by_text(f"{READ_ONLY} Nothing can be added, indexed or forgotten.").wait_for(timeout=FIRST_MS)
    assert tab.get_by_role("button", name="Forget").count() == 0
    assert [url for url in visitor.requests if TOKEN in url] == [f"{visitor.address}/?token={TOKEN}"]
    assert tab.evaluate("document.cookie").find("clip_video") == -1  # HttpOnly
    assert without_log(shared[1]) == before
    assert TOKEN not in (shared[1] / "server.log").read_text()


def test_a_link_from_another_page_works(visitor: Visitor) -> None:
    """As from a chat: the cookie has to come with the redirect of a navigation that another site began."""
    visitor.tab.goto("data:text/html," + f"<a href='{visitor.address}/compare?token={TOKEN}'>here</a>")
    visitor.tab.get_by_text("here").click()
    visitor.tab.wait_for_url(f"{visitor.address}/compare")
    visitor.tab.get_by_role("button", name="Compare", exact=True).wait_for(timeout=FIRST_MS)


@pytest.mark.parametrize(
    ("secrets", "says"), [(SECRETS, "the package Authlib is missing"), ("[auth", "secrets.toml cannot be read")]
)
def test_before_a_login_no_page_shows_anything(
    tmp_path: Path, stock: Path, chromium: Any, secrets: str, says: str
) -> None:
    """The checks install no Authlib, so that the page says so in place of the button."""
    world = secret_world(tmp_path, stock, secrets)
    with served(world, cwd=tmp_path) as address:
        context = chromium.new_context()
        tab = context.new_page()
        for path in ("/", "/library", "/evaluate", "/compare"):
            tab.goto(address + path)
            tab.get_by_text(f"Nobody can log in: {says}").wait_for(timeout=FIRST_MS)
            text = tab.locator("body").inner_text()
            assert "wide" not in text
            assert "Compare encoders" not in text
            assert tab.locator(".st-key-status, [data-testid=stSidebar], [data-testid=stFileUploader]").count() == 0
        context.close()
