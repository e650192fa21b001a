"""Library offers to delete an uploaded file when it is forgotten: asked, and never by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.test_after_upload_page import upload
from tests.pages.test_library_page import forget, go
from tests.support.world import Page, World


@pytest.fixture
def uploaded(world: World, stock: Path, page: Page) -> tuple[Page, Path]:
    """A page that shows an upload, and its file."""
    upload(page.indexed(), (stock / "short.mp4").read_bytes()).indexed()
    (file,) = (world.folder / "uploads").glob("*.mp4")
    return page, file


def test_the_file_stays_unless_the_box_is_ticked(uploaded: tuple[Page, Path]) -> None:
    page, file = uploaded
    forget(go(page, "library"))
    assert page.at.checkbox(key="forget_file").value is False
    page.press("forget_yes")
    assert file.is_file()


def test_the_file_goes_when_the_box_is_ticked_and_the_page_shows_no_video_then(
    uploaded: tuple[Page, Path], world: World
) -> None:
    page, file = uploaded
    forget(go(page, "library"))
    page.at.checkbox(key="forget_file").check()
    page.press("forget_yes")
    assert not file.exists()
    assert world.video.is_file()
    go(page, "investigate")
    assert page.starting("##### No video chosen")
    assert not page.at.error
    assert page.control("selectbox", "video").options == ["wide.mp4"]


def test_a_video_that_was_not_uploaded_has_no_such_box(ready: Page) -> None:
    forget(go(ready, "library"))
    assert "forget_file" not in [box.key for box in ready.at.checkbox]
    assert ready.holding("The video file itself stays.")
