"""States in which there is little to show: each says what to do next."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from clip_core.store import tables
from tests.pages.test_after_upload_page import upload
from tests.pages.test_library_page import forget, go
from tests.pages.test_video_settings_page import CONFIGURED, choose, open_video, restarted, text_of
from tests.support.world import Page, World


def linked(**query: str) -> Page:
    page = Page()
    for name, value in query.items():
        page.at.query_params[name] = value
    return page.run()


def test_a_link_to_a_video_that_is_gone_says_so_and_shows_no_other(world: World) -> None:
    page = linked(video="gone.mp4", prompt="a kite", frame="12")
    assert page.starting(r"##### gone\.mp4 is not here")
    assert page.holding("Upload it or open its path")
    assert page.control("selectbox", "video").value is None
    assert text_of(page) == "a kite"  # its settings came all the same
    assert not page.at.error
    assert text_of(open_video(page, "wide.mp4").indexed()) == "a kite"
    assert page.holding("is not here") == []


def test_a_link_to_a_video_that_is_there_opens_it(world: World, stock: Path) -> None:
    world.take(stock / "short.mp4")
    page = linked(video="short.mp4").indexed()
    assert page.starting("0:02.000")
    assert page.holding("is not here") == []


def test_a_name_from_a_link_stays_text(world: World) -> None:
    page = linked(video="<b>*x*</b> $y$")
    (title,) = page.holding("is not here")
    assert title == r"##### \<b\>\*x\*\<\/b\> \$y\$ is not here"


def test_no_video_at_all(world: World, page: Page) -> None:
    world.video.unlink()
    world.settings.pop("video_path")
    world.write()
    page.run()
    assert page.starting("##### No video chosen")
    assert page.holding("Choose one in the sidebar or upload your own.")
    for name in ("evaluate", "compare", "library", "investigate"):
        assert not go(page, name).at.error


@pytest.fixture
def read_only(world: World, stock: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world with an indexed video, whose store can be read and not written."""
    world.write(threshold=None)
    world.take(stock / "short.mp4")
    Page().indexed()

    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tables.Table, "add", lambda self, rows: self._retried(refuse))
    monkeypatch.setattr(tables.Table, "delete", lambda self, where: self._retried(refuse))
    monkeypatch.setattr(tables.Tables, "_create", refuse_create)
    return world


def refuse_create(self: tables.Tables, *_: Any) -> None:
    with tables.guarded(self.location):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_a_read_only_store_can_be_looked_at(read_only: World) -> None:
    page = restarted()
    assert page.samples == 50
    assert not page.at.error
    assert page.slide("frame", 40).frame == 40
    page.slide("smoothing", 1.3)
    assert page.starting(":material/warning: The settings of this video could not be saved.")
    assert page.holding(r"Read\-only file system")
    assert page.control("slider", "smoothing").value == 1.3
    for name in ("evaluate", "compare", "library", "investigate"):
        assert not go(page, name).at.error


def test_a_prompt_that_was_never_embedded_is_scored_with_a_read_only_store(read_only: World) -> None:
    page = restarted().prompts("a dog", "a kite that is new")
    assert not page.at.error
    assert set(page.verdicts) == {"a dog", "a kite that is new"}


def test_another_video_cannot_be_indexed_and_that_is_told(read_only: World) -> None:
    page = restarted()
    choose(page, "selectbox", "video", "short.mp4")
    page.until(lambda: bool(page.at.error))
    said = page.at.error[0].value.replace("\\", "")
    assert "Read-only file system" in said
    assert "Check that folder" in said
    assert open_video(page, "wide.mp4").samples == 50
    assert not page.at.error


def test_what_cannot_be_forgotten_is_told(read_only: World) -> None:
    page = forget(go(restarted(), "library")).press("forget_yes").run()
    assert "Read-only file system" in page.at.error[0].value.replace("\\", "")
    assert text_of(go(page, "investigate")) == CONFIGURED


def test_an_upload_that_has_no_place_is_told_and_the_page_stays(
    world: World, stock: Path, ready: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("clip_core.library.add_video.tempfile.mkstemp", refuse)
    upload(ready, (stock / "short.mp4").read_bytes())
    (error,) = ready.at.error
    assert error.value.replace("\\", "").startswith("**Uploads cannot be kept in uploads:")
    assert "Permission denied" in error.value
    assert ready.control("selectbox", "video").value == "wide.mp4"
    assert ready.samples == 50
