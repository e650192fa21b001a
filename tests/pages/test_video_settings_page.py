"""The settings of a video come back when it is opened again, in another session too; nothing destroys another's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clip_core.errors import StoreError
from clip_core.store import video_settings as stored_settings
from clip_core.store.store import EmbeddingStore
from clip_core.store.tables import Tables
from tests.pages.test_library_page import forget, go
from tests.support.app import _forget_caches
from tests.support.world import Page, World

CONFIGURED = "a dog\npizza\na red car"


@pytest.fixture
def two(world: World, stock: Path) -> World:
    """Two videos, detection, no threshold in the config."""
    world.take(stock / "short.mp4")
    world.write(threshold=None)
    return world


def store_of(world: World) -> EmbeddingStore:
    return EmbeddingStore(world.folder / "embeddings")


def restarted() -> Page:
    """A visitor of a server that was started anew."""
    _forget_caches()
    return Page().indexed()


def text_of(page: Page) -> str:
    return str(page.control("text_area", "prompts").value)


def choose(page: Page, kind: str, name: str, value: object) -> Page:
    page.control(kind, name).set_value(value)
    return page.run()


def open_video(page: Page, name: str) -> Page:
    choose(page, "selectbox", "video", name)
    return page.until(lambda: not page.at.get("progress") and "signal" not in page.at.exception)


def changed(page: Page) -> Page:
    """Settings that differ from those of the config in what a person changes most."""
    page.prompts("a tree", "- a street", "a boat")
    choose(page, "selectbox", "unit", "z")
    choose(page, "segmented_control", "threshold_mode", "One for all")
    return page.slide("threshold", 1.5).slide("smoothing", 1.4)


def assert_changed(page: Page) -> None:
    assert sorted(text_of(page).splitlines()) == ["- a street", "a boat", "a tree"]
    assert page.control("selectbox", "unit").value == "z"
    assert page.control("segmented_control", "threshold_mode").value == "One for all"
    assert page.control("slider", "threshold").value == 1.5
    assert page.control("slider", "smoothing").value == 1.4


def test_settings_come_back_after_a_restart(two: World) -> None:
    changed(Page().indexed())
    again = restarted()
    assert_changed(again)
    assert again.holding("not kept") == []


def test_each_video_has_its_own(two: World) -> None:
    page = changed(Page().indexed())
    open_video(page, "short.mp4").prompts("a cat").slide("smoothing", 0.3)
    assert_changed(open_video(page, "wide.mp4"))
    open_video(page, "short.mp4")
    assert (text_of(page), page.control("slider", "smoothing").value) == ("a cat", 0.3)
    again = restarted()
    assert_changed(again)
    assert text_of(open_video(again, "short.mp4")) == "a cat"


def test_a_video_that_nobody_changed_follows_the_config(two: World) -> None:
    Page().indexed()
    assert store_of(two).settings(store_of(two).videos()[0].video_id) is None
    two.write(CLIP=["a tram"], smoothing_s=1.2)
    again = restarted()
    assert text_of(again) == "a tram"
    assert again.control("slider", "smoothing").value == 1.2


def test_under_another_model_prompts_come_back_and_thresholds_start_anew(two: World) -> None:
    changed(Page().indexed())
    two.write(model="other")
    again = restarted()
    assert text_of(again) == "a tree\na boat\n- a street"
    assert again.control("slider", "smoothing").value == 1.4
    assert again.control("segmented_control", "threshold_mode").value == "Adapt"
    assert again.control("selectbox", "unit").value == "corrected"


def test_a_link_wins_and_is_not_kept_before_it_is_changed(two: World) -> None:
    changed(Page().indexed())
    linked = Page()
    linked.at.query_params["prompt"] = "a tram"
    linked.at.query_params["smoothing_s"] = "2.5"
    linked.indexed()
    assert (text_of(linked), linked.control("slider", "smoothing").value) == ("a tram", 2.5)
    assert_changed(restarted())
    linked.slide("smoothing", 2.0)
    assert text_of(restarted()) == "a tram"


def test_start_over_asks_and_then_the_config_counts_again(two: World) -> None:
    page = changed(Page().indexed())
    page.press("start_over")
    assert_changed(page)
    page.press("start_over_no")
    assert_changed(page)
    page.press("start_over").press("start_over_yes")
    assert text_of(page) == CONFIGURED
    (video,) = store_of(two).videos()
    assert store_of(two).settings(video.video_id) is None
    assert text_of(restarted()) == CONFIGURED


def test_a_store_that_cannot_be_written_is_told_and_the_page_works(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page().indexed()

    def refuse(*_: Any) -> None:
        raise StoreError("The embeddings in x cannot be written: read-only.", "Check that folder.")

    with monkeypatch.context() as patched:
        patched.setattr(EmbeddingStore, "keep_settings", refuse)
        page.prompts("a tree")
        assert page.starting(":material/warning: The settings of this video could not be saved.")
        assert text_of(page) == "a tree"
        assert not page.at.error
    page.prompts("a boat")
    assert page.holding("could not be saved") == []
    assert text_of(restarted()) == "a boat"


@pytest.mark.parametrize(
    "row", [{"recipe": "{"}, {"recipe": '{"unit": "miles"}'}, {"version": 9}, {"recipe": "<img src=x>"}]
)
def test_what_is_kept_and_cannot_be_used_is_told(two: World, row: dict[str, Any]) -> None:
    Page().indexed()
    (video,) = store_of(two).videos()
    planted = {"video": video.video_id, "version": 1, "fingerprint": "f0", "recipe": "{}", "at_ns": 2**62} | row
    with Tables(store_of(two).location).writing(stored_settings.SETTINGS, stored_settings.COLUMNS) as table:
        table.add_rows(planted)
    again = restarted()
    assert again.starting(":material/warning: The settings of this video could not be restored.")
    assert text_of(again) == CONFIGURED
    again.prompts("a boat")
    assert again.holding("could not be restored") == []
    assert text_of(restarted()) == "a boat"


def test_two_tabs_do_not_disturb_each_other_and_the_last_change_is_kept(two: World) -> None:
    one, other = Page().indexed(), Page().indexed()
    one.prompts("a tree")
    other.prompts("a boat")
    assert text_of(one.run()) == "a tree"
    assert text_of(restarted()) == "a boat"
    assert text_of(one.slide("smoothing", 0.9)) == "a tree"
    assert text_of(restarted()) == "a tree"


def test_forgetting_a_video_forgets_its_settings(two: World) -> None:
    page = changed(Page().indexed())
    forget(go(page, "library"))
    assert page.holding("Its settings, such as its prompts, are deleted, too.")
    page.press("forget_yes")
    assert text_of(restarted()) == CONFIGURED


def test_a_list_that_was_emptied_stays_empty(two: World) -> None:
    Page().indexed().prompts("")
    assert text_of(restarted()) == ""
