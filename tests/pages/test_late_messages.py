"""Messages that come late: the browser sends what its controls showed before it has drawn what the server set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates

from clip_core.settings import Settings, settings_yaml
from tests.pages.test_findings_page import by_hand, choose, seen, settled, tick  # noqa: F401 - fixtures
from tests.support.app import Gate
from tests.support.world import Page, World

PROMPTS = ("a dog", "pizza", "a red car")
LOADED = Settings(prompts=("a tree", "- a street"), unit="cosine", threshold=0.05, hysteresis=0.02, min_gap_s=0.3,
                min_duration_s=1.5, pad_s=0.2, across_cuts=True, smoothing="median", smoothing_s=1.4,
                templates="simple", bank_share=50, score_range=(0.0, 0.5), time_range=(1.0, 9.0))  # fmt: skip


@pytest.fixture
def page(settled: World) -> Page:  # noqa: F811
    return Page().indexed()


def set_text(page: Page, *prompts: str) -> Page:
    page.control("text_area", "prompts").set_value("\n".join(prompts))
    return page


def test_an_upload_stays_chosen(world: World, stock: Path, ready: Page) -> None:
    content = (stock / "short.mp4").read_bytes()
    ready.at.file_uploader(key="upload").upload("mine.mp4", content, "video/mp4")
    ready.run_twice().indexed()
    assert ready.control("selectbox", "video").value == "mine.mp4"
    assert ready.starting("0:02.000")
    ready.control("selectbox", "video").set_value("wide.mp4").run()
    assert ready.starting("0:10.000")


def test_the_sample_video_of_the_empty_page_stays_chosen(world: World, stock: Path, page: Page) -> None:
    world.take(stock / "short.mp4", "sample.mp4")
    world.settings.pop("video_path")
    world.write()
    empty = Page().run()
    empty.at.button(key="open_sample").click()
    assert empty.run_twice().control("selectbox", "video").value == "sample.mp4"


def test_an_axis_that_nobody_moved_follows_the_data(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    set_text(page, "a dog").run_twice()
    low, high = seen["signal"].axis
    values = seen["detection"].scores.values
    assert seen["signal"].settings.score_range is None
    assert low == pytest.approx(values.min(), abs=0.011)
    assert high == pytest.approx(values.max(), abs=0.011)
    set_text(page, *PROMPTS).run_twice()
    values = seen["detection"].scores.values
    assert seen["signal"].axis[1] == pytest.approx(values.max(), abs=0.011)


def test_while_samples_arrive_nothing_limits_the_moments(world: World, gate: Gate, seen: dict[str, Any]) -> None:  # noqa: F811
    world.write(samples_per_second="every frame")
    page, axes, count = Page(), set(), 0
    for _ in range(3):
        page.until(lambda: "detection" in seen and len(seen["detection"].scores) > count).run_twice()  # noqa: B023
        count = len(seen["detection"].scores)
        axes.add(seen["signal"].axis)
        assert seen["signal"].settings.score_range is None
        gate.let()
    gate.open()
    page.indexed()
    values = seen["detection"].scores.values
    assert len(axes | {seen["signal"].axis}) > 1
    assert seen["signal"].axis == (pytest.approx(values.min(), abs=0.011), pytest.approx(values.max(), abs=0.011))


def test_an_axis_that_a_person_moved_is_kept(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    low, high = page.control("slider", "range").value
    moved = (low, round(high - 0.2, 2))
    page.control("slider", "range").set_value(moved)
    page.run_twice()
    set_text(page, "a dog").run_twice()
    assert seen["signal"].axis == moved


def test_settings_of_a_file_are_kept(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.sidebar.loaded_settings = settings_yaml(LOADED).encode()
    page.run_twice()
    assert seen["signal"].settings == LOADED
    page.press("start_over").at.button(key="start_over_yes").click()
    page.run_twice()
    assert seen["signal"].settings == Settings(prompts=PROMPTS, smoothing_s=0.6)


def test_settings_that_are_loaded_beside_pictures_are_of_texts(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    choose(page, "prompt_kind", "Pictures")
    page.sidebar.loaded_settings = settings_yaml(LOADED).encode()
    page.run_twice()
    assert page.control("segmented_control", "prompt_kind").value == "Texts"
    assert seen["signal"].settings == LOADED


def test_a_threshold_moves_along_with_its_unit(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    by_hand(page, "percentile", 80.0)
    page.slide("hysteresis", 1.0)
    page.control("selectbox", "unit").set_value("softmax")
    page.run_twice()
    carried = seen["signal"].settings
    assert (carried.unit, carried.hysteresis) == ("softmax", 0.0)
    assert 0.0 < carried.threshold < 1.0
    page.control("selectbox", "unit").set_value("percentile")
    page.run_twice()
    assert seen["signal"].settings.threshold == pytest.approx(80.0)


def test_the_unit_that_took_the_place_of_margin_stays(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.prompts(*PROMPTS, "- a person")
    choose(page, "unit", "margin")
    set_text(page, *PROMPTS).run_twice()
    assert seen["signal"].settings.unit == "z"
    set_text(page, *PROMPTS, "- a person").run_twice()
    assert seen["signal"].settings.unit == "z"


def test_a_new_prompt_is_shown(page: Page) -> None:
    set_text(page, *PROMPTS, "a tree").run_twice()
    assert page.control("pills", "shown").value == [*PROMPTS, "a tree"]


def test_a_time_range_stays_away_with_its_video(page: Page, seen: dict[str, Any], settled: World, stock: Path) -> None:  # noqa: F811
    settled.take(stock / "short.mp4")
    page.run().slide("time_ends", (1.0, 9.0))
    page.control("selectbox", "video").set_value("short.mp4")
    page.run_twice().until(lambda: bool(page.starting("0:02.000")) and not page.at.get("progress"))
    assert seen["signal"].settings.time_range is None


def test_a_flag_of_a_settings_file_is_kept(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.sidebar.loaded_settings = settings_yaml(Settings(prompts=PROMPTS, unflagged=("pizza",))).encode()
    page.run_twice()
    assert seen["signal"].settings.unflagged == ("pizza",)
    page.flag_pills.select("pizza").run()
    assert seen["signal"].settings.unflagged == ()


def test_ticks_stay_with_their_moments(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    by_hand(page, "percentile", 80.0)
    tick(page, 3)
    (ticked,) = seen["listed"].chosen
    message = sent_ticks(page, 3)
    page.flag_pills.unselect(next(p for p in PROMPTS if p != ticked.moment.prompt)).run()
    assert [r.moment.prompt for r in seen["listed"].chosen] == [ticked.moment.prompt]
    page.at._run(WidgetStates(widgets=[message, *page.at._tree.get_widget_states().widgets]))
    assert [(r.moment.prompt, r.moment.peak_s) for r in seen["listed"].chosen] == [
        (ticked.moment.prompt, ticked.moment.peak_s)
    ]
    page.sound()


def sent_ticks(page: Page, *places: int) -> WidgetState:
    """What the browser sends of the table of moments with these rows ticked."""
    table = page.at.dataframe(key=page.moments_key)
    ticks = {"selection": {"rows": list(places), "columns": [], "cells": []}}
    return WidgetState(id=table.proto.id, string_value=json.dumps(ticks))


def test_the_in_that_evaluate_takes_from_the_playhead_stays(page: Page) -> None:
    page.indexed().slide("frame", 90)
    page.at.switch_page("pages/evaluate.py")
    page.run().at.button(key="press_mark_in").click()
    page.run_twice()
    assert page.control("text_input", "mark_in_text").value == "0:03.000"
    assert page.at.session_state["MomentsState"].in_out_s["in"] == pytest.approx(3.0)
