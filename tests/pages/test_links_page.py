"""Links name a video by its id, so that they open the same one whatever else joins the list."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from clip_core.settings import moment_query
from clip_core.store.store import EmbeddingStore
from pages.regions.sidebar import settings_io
from tests.pages.test_video_settings_page import CONFIGURED, open_video, text_of
from tests.support.world import Page, World


def linked(query: dict[str, list[str]]) -> Page:
    page = Page()
    for name, texts in query.items():
        page.at.query_params[name] = texts
    return page.run()


def id_of(world: World, name: str) -> str:
    store = EmbeddingStore(world.folder / "embeddings")
    return next(video.video_id for video in store.videos() if video.name == name)


def test_a_link_opens_the_same_video_when_another_takes_its_name(world: World, stock: Path) -> None:
    """With numbered names, "short.mp4" would be the other file as soon as a folder with one joins."""
    (world.folder / "b").mkdir()
    world.take(stock / "short.mp4", "b/short.mp4")
    world.write(video_dirs=["b"])
    page = open_video(Page().indexed(), "short.mp4").indexed()
    page.slide("frame", 7)
    address = next(code.value for code in page.at.code if "id=" in code.value)
    (world.folder / "a").mkdir()
    world.take(stock / "portrait.mp4", "a/short.mp4")
    world.write(video_dirs=["a", "b"])
    again = linked(parse_qs(urlsplit(address).query)).indexed()
    assert again.control("selectbox", "video").value == "short.mp4 (2)"
    assert again.holding("192 × 108")
    assert again.frame == 7
    by_name = linked({"video": ["short.mp4"]}).indexed()  # a link of before
    assert by_name.holding("108 × 192")


def test_the_link_of_a_moment_opens_it_with_its_prompts(world: World) -> None:
    Page().indexed()
    page = linked(moment_query(id_of(world, "wide.mp4"), 3.999, ["a kite"], "whatever")).indexed()
    rate = 300 / 10
    assert (page.frame, text_of(page)) == (int(3.999 * rate), "a kite")


def test_a_moment_opens_in_the_running_session_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the video that is open already, whose stored settings stay until something is changed."""
    page = Page().indexed().slide("frame", 11)
    queries = [moment_query(id_of(world, "wide.mp4"), 2.0, ["a kite"]), moment_query(id_of(world, "wide.mp4"), 4.0)]
    monkeypatch.setattr(settings_io, "take_file", lambda: settings_io.open_view(queries.pop(0)) if queries else None)
    page.run()
    assert (page.frame, text_of(page)) == (60, "a kite")
    page.run()
    assert (page.frame, text_of(page)) == (120, "a kite")
    assert text_of(Page().indexed()) == CONFIGURED


@pytest.mark.parametrize(
    ("query", "title", "next_step"),
    [
        ({"id": "ffffffffffff", "video": "wide.mp4"}, "begins with ffffffffffff", "or is stored elsewhere"),
        ({"id": "<b>x</b>"}, r"\<b\>x\<\/b\>\' is not an id", "Give its first 12 hex digits"),
    ],
)
def test_an_id_that_names_no_video_says_so_and_opens_none(
    world: World, query: dict[str, Any], title: str, next_step: str
) -> None:
    page = linked({name: [text] for name, text in query.items()})
    assert page.control("selectbox", "video").value is None
    assert page.holding(title)
    assert page.holding(next_step)
    open_video(page, "wide.mp4").indexed()
    assert page.holding(title) == []


def test_an_id_whose_file_is_gone_says_so_with_its_name(world: World, stock: Path) -> None:
    world.take(stock / "short.mp4")
    open_video(Page().indexed(), "short.mp4").indexed()
    (world.folder / "short.mp4").unlink()
    page = linked(moment_query(id_of(world, "short.mp4"), 0.0))
    assert page.holding("The file of short")
    assert page.holding("its drive is not there")
