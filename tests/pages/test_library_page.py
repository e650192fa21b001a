"""The page Library: its list, what is done with the selected videos, and going there and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from clip_core.config import load_config
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation
from tests.support.app import Gate
from tests.support.old_store import rewrite_as_opencv
from tests.support.world import Page, World


def go(page: Page, name: str) -> Page:
    page.at.switch_page(f"pages/{name}.py")
    return page.run()


def tick(page: Page, *rows: int) -> Page:
    """Tick rows of the list of videos."""
    key = next(frame.key for frame in page.at.dataframe if (frame.key or "").startswith("stored_"))
    page.at.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return page.run()


def forget(page: Page) -> Page:
    """Open the dialog that forgets the first video."""
    return tick(page, 0).press("forget")


def rows(page: Page) -> list[dict[str, Any]]:
    """The rows of the list of videos."""
    (frame,) = (frame for frame in page.at.dataframe if (frame.key or "").startswith("stored_"))
    found: list[dict[str, Any]] = frame.value.to_dict("records")
    return found


def test_nothing_is_stored(page: Page) -> None:
    page.run()
    go(page, "library")
    assert page.starting("##### Library")


def test_the_list_and_forgetting(ready: Page, world: World) -> None:
    go(ready, "library")
    (row,) = rows(ready)
    assert (row["Video"], row["Models"], row["State"]) == ("wide.mp4", "rnd: 50 frames, 5/s", "indexed")
    assert (row["Length"], row["Size"]) == ("0:10.000", "192 × 108")
    assert row["Pictures"].startswith("data:image/jpeg;base64,")
    assert ready.at.button(key="forget").disabled
    forget(ready)
    assert ready.holding("50 frames")
    assert ready.holding("judged by hand") == []
    ready.press("forget_no")
    assert len(ready.at.dataframe[0].value) == 1
    forget(ready).press("forget_yes")
    assert ready.run().starting("Nothing is stored yet.")
    assert world.video.is_file()
    go(ready, "investigate").indexed()
    assert ready.samples == 50


def test_what_forgetting_deletes_for_good_is_named(ready: Page, world: World) -> None:
    store = EmbeddingStore(load_config(world.config).embeddings)
    (video,) = store.videos()
    for anchor_s in (1.0, 4.0, 7.0):
        store.put_annotation(video.video_id, Annotation("a dog", anchor_s, anchor_s, anchor_s + 1, "accepted"))
    forget(go(ready, "library"))
    assert ready.holding("3 moments that were judged by hand are deleted for good.")
    assert ready.has_scores
    ready.chart_state.ribbons = {"a dog": (np.zeros(50, np.float32), np.ones(50, np.float32))}
    ready.chart_state.ribbons_of = ready.analysis.video_scores(Settings(prompts=("a dog",)))
    ready.press("forget_yes")
    state = ready.chart_state
    assert (state.analysis, state.analysis_of, state.ribbons, state.ribbons_of) == (None, None, {}, None)
    assert store.annotations(video.video_id) == ()


def test_somebody_else_forgets_it(ready: Page) -> None:
    other = Page().run()
    forget(go(other, "library")).press("forget_yes")
    ready.run()
    assert ready.starting(r"##### What was stored of wide\.mp4 was forgotten")
    assert ready.starting("On the page Library, here or in another tab. Press Resume")
    assert ready.starting("0 samples · forgotten")
    ready.press("resume").indexed()
    assert ready.samples == 50
    assert ready.holding("forgotten") == []


def test_a_video_that_opencv_had_read_is_named_and_indexed_again_only_when_asked(ready: Page, world: World) -> None:
    store = EmbeddingStore(load_config(world.config).embeddings)
    (record,) = store.videos()
    rewrite_as_opencv(store, record.video_id)
    named = r"**wide\.mp4 was indexed without PyAV by an earlier version"
    for _ in range(2):
        ready.run()
        assert ready.starting(named)
        assert not ready.at.get("progress")
        assert ready.at.button(key="resume").label == "Index again"
    assert rows(go(ready, "library"))[0]["State"] == "index again"
    go(ready, "investigate").press("resume").indexed()
    assert ready.samples == 50
    assert len(ready.starting("Indexed again from the start")) == 1
    assert ready.holding("without PyAV") == []
    assert store.videos()[0].table.time_base == record.table.time_base
    assert rows(go(ready, "library"))[0]["State"] == "indexed"


def test_what_was_never_stored_is_not_called_forgotten(world: World, gate: Gate, page: Page) -> None:
    page.run().press("cancel")
    gate.open()
    page.until(lambda: not page.at.get("progress"))
    assert page.holding("forgotten") == []
    assert page.holding("cancelled")


def test_the_page_comes_back_as_it_was_left(ready: Page) -> None:
    ready.slide("frame", 77).slide("smoothing", 1.2).slide("threshold", 0.05)
    ready.prompts("a dog", "pizza", "a tree")
    ready.control("pills", "shown").unselect("pizza").run()
    ready.flag_pills.unselect("a tree").run()
    ready.at.segmented_control(key="axis").set_value("Frames").run()
    ready.at.segmented_control(key="list").set_value("Best").run()
    before = ready.cells
    go(ready, "library")
    go(ready, "investigate")
    assert ready.frame == 77
    assert ready.control("slider", "smoothing").value == 1.2
    assert ready.control("slider", "threshold").value == 0.05
    assert ready.control("text_area", "prompts").value == "a dog\npizza\na tree"
    assert ready.control("pills", "shown").value == ["a dog", "a tree"]
    assert ready.flag_pills.value == ["a dog", "pizza"]
    assert ready.at.segmented_control(key="axis").value == "Frames"
    assert ready.at.segmented_control(key="list").value == "Best"
    assert ready.cells == before


def test_playing_stops_when_the_page_is_left(ready: Page) -> None:
    ready.press("play")
    go(ready, "library")
    go(ready, "investigate")
    frame = ready.frame
    assert ready.run().frame == frame


def test_shots_of_a_model_with_which_nothing_is_indexed(ready: Page) -> None:
    go(ready, "library")
    ready.at.session_state["LibraryState"].library_view = "Duplicates"
    ready.run().press("lookalikes_look")
    ready.until(lambda: bool(ready.holding("Nothing occurs twice.")))
    ready.at.session_state["LibraryState"].library_model = "other"
    ready.run().press("lookalikes_look")
    ready.until(lambda: bool(ready.starting("No shot is indexed with other. Tick videos and index them")))
