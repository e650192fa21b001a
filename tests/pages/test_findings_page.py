"""From curves to findings on the page: every control once, with what it does to numbers; no browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import yaml

from clip_core import EmbeddingStore
from clip_core.analysis.analyse import Picture
from clip_core.analysis.export_bundle import ExportBundle, make_report
from clip_core.charts.view import Timeline
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.errors import EncoderError, StoreError, VideoNotFoundError
from clip_core.prompts import Prompt, parse_prompt
from clip_core.settings import Settings, settings_yaml
from clip_core.video.drawing import picture_file
from pages.regions.download import files
from pages.regions.moments import moment_list, review
from pages.regions.moments.moment_list import MomentList
from pages.regions.sidebar import prompt_pictures, prompts
from pages.regions.sidebar.signal import Signal
from pages.shared import cache
from tests.support.app import Gate, _forget_caches, new_world
from tests.support.world import Page, World, seconds

PROMPTS = ("a dog", "pizza", "a red car")


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[World]:
    """A world whose video is indexed and whose config names no threshold: corrected, adapting, with the bank."""
    _forget_caches()
    world = new_world(tmp_path_factory.mktemp("findings"), stock)
    world.write(threshold=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIP_VIDEO_CONFIG", str(world.config))
        Page().indexed()
        yield world
    _forget_caches()


@pytest.fixture
def page(settled: World) -> Page:
    """A new visitor; nothing is judged."""
    return visitor_without_edits(settled)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the parts were given last: "signal", "listed", "findings"; "outcome" and "view" of the downloads."""
    found: dict[str, Any] = {}
    draw_list, draw_downloads = moment_list.draw_list, files.draw_downloads

    def listing(kind: str, detection: Any, listed: Any, prompts: Any, signal: Signal, *rest: Any) -> None:
        found.update(detection=detection, listed=listed, signal=signal, prompts=prompts)
        draw_list(kind, detection, listed, prompts, signal, *rest)

    def downloading(bundle: ExportBundle, view: Timeline, listed: MomentList) -> None:
        found.update(bundle=bundle, view=view)
        draw_downloads(bundle, view, listed)

    monkeypatch.setattr(moment_list, "draw_list", listing)
    monkeypatch.setattr(files, "draw_downloads", downloading)
    return found


def store_of(world: World) -> EmbeddingStore:
    return EmbeddingStore(str(world.folder / "embeddings"))


def visitor_without_edits(world: World) -> Page:
    """A new visitor of the world after all that was judged in it is withdrawn."""
    store = store_of(world)
    for video in store.videos():
        for annotation in store.annotations(video.video_id):
            store.withdraw_annotation(video.video_id, annotation)
    return Page().indexed()


def choose(page: Page, key: str, value: object) -> Page:
    """Set a select box or a switch."""
    kinds = ("selectbox", "segmented_control", "toggle", "select_slider", "slider", "pills")
    for kind in kinds:
        for widget in page.at.get(kind) if kind not in ("pills",) else page.at.pills:
            if widget.key in (key, page.key_of(key)):
                widget.set_value(value)
                return page.run()
    raise AssertionError(f"no control {key}")


def by_hand(page: Page, unit: str, threshold: float, smoothing_s: float = 0.0) -> Page:
    """One threshold for all; the rule that asks the bank is off, as it is at first."""
    choose(page, "unit", unit)
    choose(page, "threshold_mode", "One for all")
    page.slide("smoothing", smoothing_s)
    return page.slide("threshold", threshold)


def rows(page: Page) -> list[dict[str, Any]]:
    try:
        return list(page.at.dataframe(key=page.moments_key).value.to_dict("records"))
    except KeyError:
        return []


def tick(page: Page, *places: int) -> Page:
    """Tick rows of the table of moments."""
    table = page.moments_key
    page.at.session_state[table] = {"selection": {"rows": list(places), "columns": [], "cells": []}}
    return page.run()


# Units


def test_it_starts_with_corrected_scores_on_segments(page: Page, seen: dict[str, Any]) -> None:
    page.run()
    settings = seen["signal"].settings
    assert (settings.unit, settings.threshold, settings.confidence, settings.bank_share) == ("corrected", None, 0.95, 0)
    assert seen["detection"].scores.unit == "corrected"
    assert page.starting("On segments, whatever the smoothing.")
    assert page.control("selectbox", "unit").options == ["corrected", "cosine", "z (robust)", "percentile", "softmax"]
    assert page.control("segmented_control", "confidence").options == ["90 % sure", "95 %", "98 %"]


@pytest.mark.parametrize("prompts", [PROMPTS, PROMPTS[:2]], ids=["three", "two"])
@pytest.mark.parametrize(("there", "step"), [("cosine", 0.005), ("percentile", 0.1), ("softmax", 0.01)])
def test_the_threshold_moves_with_the_unit_and_comes_back(
    page: Page, seen: dict[str, Any], there: str, step: float, prompts: tuple[str, ...]
) -> None:
    page.prompts(*prompts)
    by_hand(page, "z", 1.5)
    scale = seen["detection"].video_scores.scale
    choose(page, "unit", there)
    moved = page.control("slider", "threshold").value
    assert moved != 1.5
    if there == "cosine":
        expected = np.median(scale.median + 1.5 * scale.spread)
        assert moved == pytest.approx(expected, abs=1e-5)
        assert page.starting("≙ z ")
    assert seen["signal"].settings.unit == there
    choose(page, "unit", "z")
    assert page.control("slider", "threshold").value == pytest.approx(1.5, abs=0.05)


def test_from_unit_to_unit_to_unit_and_back_the_threshold_is_what_it_was(page: Page) -> None:
    page.prompts("a dog", "pizza", "- a person")
    by_hand(page, "z", 1.5)
    for unit in ("margin", "softmax", "percentile", "cosine", "z"):
        choose(page, "unit", unit)
    assert page.control("slider", "threshold").value == pytest.approx(1.5, abs=0.05)
    page.slide("threshold", 2.0)
    choose(page, "unit", "softmax")
    choose(page, "unit", "z")
    assert page.control("slider", "threshold").value == pytest.approx(2.0, abs=0.05)


def test_an_own_threshold_moves_along_too(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "cosine", 0.0)
    page.sidebar.own_thresholds = {"pizza": 0.1}
    page.run()
    scale = seen["detection"].video_scores.scale
    choose(page, "unit", "z")
    own = seen["signal"].settings.thresholds
    assert own == {"pizza": pytest.approx((0.1 - scale.median[1]) / scale.spread[1], rel=1e-4)}
    choose(page, "unit", "percentile")
    choose(page, "unit", "cosine")
    assert seen["signal"].settings.thresholds == {"pizza": pytest.approx(0.1, abs=0.005)}


def test_negatives_bring_margin_and_without_them_it_is_z_again_and_said_so(page: Page, seen: dict[str, Any]) -> None:
    page.prompts(*PROMPTS, "- a person")
    assert "margin" in page.control("selectbox", "unit").options
    by_hand(page, "margin", 0.0)
    margin = seen["detection"].scores
    raw, against = seen["detection"].video_scores.raw.values, seen["detection"].video_scores.negatives.values
    np.testing.assert_allclose(margin.values, raw - against.max(axis=1, keepdims=True), atol=1e-6)
    assert margin.prompts == PROMPTS  # a negative has no curve of its own
    page.prompts(*PROMPTS)
    assert page.control("selectbox", "unit").value == "z"
    assert "margin" not in page.control("selectbox", "unit").options
    assert seen["detection"].scores.unit == "z"
    assert any("Margin needs a negative prompt" in toast.value for toast in page.at.toast)


def test_only_negatives_and_no_prompt_at_all(page: Page) -> None:
    page.prompts("- a person", "- a street")
    assert page.starting("Type a prompt in the sidebar")
    choose(page, "unit", "softmax")
    choose(page, "unit", "margin")
    page.prompts("")
    assert page.starting("Type a prompt in the sidebar")
    page.prompts("-")
    assert page.starting("Type a prompt in the sidebar")


def test_a_moved_axis_is_kept_within_its_unit_and_leaves_the_moments_alone(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "cosine", 0.0)
    before = rows(page)
    low, high = page.control("slider", "range").value
    moved = (low, round(high - 0.1, 2))
    page.slide("range", moved).run()
    assert seen["signal"].axis == moved
    assert seen["signal"].settings.score_range is None
    assert rows(page) == before
    choose(page, "unit", "z")
    z = seen["detection"].scores.values
    assert seen["signal"].axis[0] <= z.min()
    assert seen["signal"].axis[1] >= z.max()


def test_the_axis_lists_the_best_and_worst_of_all_scores(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "cosine", 0.0)
    choose(page, "list", "Best")
    top = page.at.dataframe(key=page.extremes_key).value["score"].max()
    page.slide("range", (page.control("slider", "range").value[0], round(float(top) - 0.02, 2)))
    assert page.at.dataframe(key=page.extremes_key).value["score"].max() == top
    choose(page, "filter_on", True)
    page.slide("filter_ends", (page.control("slider", "filter_ends").min, round(float(top) - 0.02, 3)))
    assert page.at.dataframe(key=page.extremes_key).value["score"].max() < top


# The score filter


def middle(seen: dict[str, Any]) -> tuple[float, float]:
    """A stretch of scores that leaves out the highest and the lowest, where there are moments."""
    values = seen["detection"].smoothed
    return tuple(float(np.floor(np.quantile(values, share) / 0.005) * 0.005) for share in (0.3, 0.8))


def test_the_score_filter_is_off_until_somebody_switches_it_on_and_then_decides(
    page: Page, seen: dict[str, Any]
) -> None:
    by_hand(page, "cosine", 0.0)
    assert not page.control("toggle", "filter_on").value
    assert seen["signal"].settings.score_range is None
    before, smoothed = rows(page), seen["detection"].smoothed
    choose(page, "filter_on", True)
    assert rows(page) == before  # all scores lie within
    ends = middle(seen)
    page.slide("filter_ends", ends)
    assert seen["signal"].settings.score_range == pytest.approx(ends)
    low, high = np.float32(seen["signal"].settings.score_range)
    inside = (smoothed >= max(low, np.float32(0.0))) & (smoothed <= high)
    starts = np.diff(inside.astype(int), axis=0, prepend=0) == 1
    assert len(rows(page)) == starts.sum() != len(before)
    choose(page, "filter_on", False)
    assert (seen["signal"].settings.score_range, rows(page)) == (None, before)
    choose(page, "filter_on", True)
    assert rows(page) == before  # it begins with all scores again


def test_an_end_of_the_score_filter_that_nobody_moved_follows_the_data(page: Page, seen: dict[str, Any]) -> None:
    page.prompts("a dog")
    by_hand(page, "cosine", 0.0)
    choose(page, "filter_on", True)
    low = page.control("slider", "filter_ends").min
    page.slide("filter_ends", (low + 0.05, page.control("slider", "filter_ends").max))
    page.sidebar.limits = (low - 0.1, 0.95)  # as when more is indexed
    page.run()
    assert seen["signal"].settings.score_range == (pytest.approx(low + 0.05), 0.95)
    for kept, ends in (((0.97, None), (0.97, 0.97)), ((None, -0.95), (-0.95, -0.95))):  # another video lies elsewhere
        page.sidebar.score_filter = kept
        page.run()
        assert seen["signal"].settings.score_range == ends
        assert rows(page) == []


def test_another_unit_switches_the_score_filter_off(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "cosine", 0.0)
    choose(page, "filter_on", True)
    page.slide("filter_ends", middle(seen))
    choose(page, "unit", "z")
    assert seen["signal"].settings.score_range is None
    choose(page, "filter_on", True)
    slider = page.control("slider", "filter_ends")
    assert slider.value == (slider.min, slider.max)
    assert seen["signal"].settings.score_range == slider.value


@pytest.mark.parametrize("given", [(0.05, 0.1), (-0.5, 0.02), (0.03, 0.03)])
def test_settings_and_links_carry_the_score_filter(
    settled: World, seen: dict[str, Any], given: tuple[float, float]
) -> None:
    settings = Settings(prompts=PROMPTS, unit="cosine", threshold=0.0, score_range=given, bank_share=0)
    page = Page().indexed()
    page.sidebar.loaded_settings = settings_yaml(settings).encode()
    assert page.run().control("toggle", "filter_on").value
    assert seen["signal"].settings.score_range == given
    (address,) = [code.value for code in page.at.code if "video=" in code.value]
    opened({name: texts[-1] for name, texts in parse_qs(urlsplit(address).query).items()}).indexed()
    assert seen["signal"].settings.score_range == given
    page.press("start_over").press("start_over_yes")
    assert seen["signal"].settings.score_range is None


def test_where_nothing_is_flagged_the_score_filter_is_named(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "cosine", 0.0)
    choose(page, "filter_on", True)
    page.slide("filter_ends", (-0.9, -0.85))
    page.sidebar.score_filter = (0.9, 0.95)
    page.run()
    assert rows(page) == []
    assert page.holding("lies outside the score filter 0.900 … 0.950. ")
    assert page.holding(" Widen it under Rules.")


# What each prompt has of its own


def edit_own(page: Page, row: int, **change: object) -> Page:
    """What the browser says when a cell of the table of prompts is changed."""
    sidebar = page.sidebar
    number, shown = sidebar.own_table
    names = shown[0]  # type: ignore[index]
    listed = [Prompt(name) if sidebar.prompt_kind == "Pictures" else parse_prompt(name) for name in names]
    key = f"own_table_{number}"
    given = {key: {"edited_rows": {row: change}}, "SidebarState": sidebar}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prompts.st, "session_state", given)
        prompts._take_own(key, list(filter(None, listed)))
    return page.run()


def test_a_threshold_and_a_weight_of_one_prompt(page: Page, seen: dict[str, Any]) -> None:
    page.prompts(*PROMPTS, "- a person")
    by_hand(page, "z", 0.0)
    page.slide("threshold", page.sidebar.limits[1])
    assert rows(page) == []
    edit_own(page, 1, threshold=-50.0)
    assert {row["prompt"] for row in rows(page)} == {"pizza"}
    edit_own(page, 2, weight=2.5)
    edit_own(page, 3, weight=0.5)
    settings = seen["signal"].settings
    assert settings.thresholds == {"pizza": -50.0}
    assert settings.weights == {"a red car": 2.5, "a person": 0.5}
    edit_own(page, 1, threshold=None)
    edit_own(page, 2, weight=1.0)
    assert seen["signal"].settings.thresholds == {}
    assert seen["signal"].settings.weights == {"a person": 0.5}
    page.prompts(*PROMPTS)
    assert seen["signal"].settings.weights == {}


@pytest.mark.parametrize("number", [1e300, -1e300, 0.0, float("nan")])
def test_an_impossible_threshold_of_its_own_does_not_take_the_page_down(page: Page, number: float) -> None:
    edit_own(page, 1, threshold=number)
    assert page.control("slider", "smoothing") is not None
    assert not page.at.error


def test_weights_at_their_ends(page: Page, seen: dict[str, Any]) -> None:
    choose(page, "unit", "softmax")
    edit_own(page, 0, weight=0.01)
    edit_own(page, 1, weight=100.0)
    shares = seen["detection"].scores
    assert shares.column("pizza").mean() > shares.column("a dog").mean()
    assert np.isfinite(shares.values).all()


def test_an_own_threshold_leaves_with_its_prompt(page: Page, seen: dict[str, Any]) -> None:
    edit_own(page, 1, threshold=2.0)
    page.prompts("a dog", "a red car")
    assert seen["signal"].settings.thresholds == {}
    page.prompts(*PROMPTS)
    assert seen["signal"].settings.thresholds == {}


def test_templates_change_the_curves_and_back(page: Page, seen: dict[str, Any]) -> None:
    page.run()
    plain = seen["detection"].video_scores.raw.values
    choose(page, "templates", "simple")
    assert seen["signal"].settings.templates == "simple"
    assert not np.allclose(seen["detection"].video_scores.raw.values, plain, atol=1e-4)
    choose(page, "spread_on", True)
    ribbon = seen["view"].ribbon
    assert set(ribbon) == set(PROMPTS)
    choose(page, "templates", "none")
    assert np.array_equal(seen["detection"].video_scores.raw.values, plain)


# Rules, flags, filters


def test_the_rules_are_in_the_recipe_and_decide(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "percentile", 80.0)
    before = len(rows(page))
    assert before > 3
    page.slide("min_gap_s", 10.0)
    filled = len(rows(page))
    assert filled == 3  # one of each prompt
    page.slide("min_gap_s", 0.0).slide("min_duration_s", 1.0)
    assert all(row["duration"] >= 1.0 - 1e-6 for row in rows(page))
    assert len(rows(page)) < before
    page.slide("min_duration_s", 0.0).slide("pad_s", 0.5)
    assert max(row["duration"] for row in rows(page)) > 1.0
    page.slide("hysteresis", 50.0)
    settings = seen["signal"].settings
    assert (settings.pad_s, settings.hysteresis, settings.min_gap_s, settings.min_duration_s) == (0.5, 50.0, 0.0, 0.0)
    choose(page, "across_cuts", True)
    assert seen["detection"].shot_boundaries_s is None
    choose(page, "bank_share", 100)
    assert seen["signal"].settings.bank_share == 100


@pytest.mark.parametrize(("kind", "samples"), [("mean", 25), ("gaussian", 25), ("median", 25), ("savgol", 25),
                                               ("exponential", 25)])  # fmt: skip
def test_every_filter_with_a_long_window(page: Page, seen: dict[str, Any], kind: str, samples: int) -> None:
    choose(page, "smoothing_kind", kind)
    page.slide("smoothing", 5.0)
    assert page.control("slider", "smoothing").label == f"Smoothing · {samples} samples"
    found = seen["detection"]
    assert found.settings.smoothing == kind
    assert np.isfinite(found.smoothed).all()
    assert found.smoothed.std() < found.scores.values.std()


def test_a_combination_is_added_listed_and_dropped(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "percentile", 40.0)
    page.at.selectbox(key="combine_a").set_value("a dog")
    page.at.selectbox(key="combine_op").set_value("then")
    page.at.selectbox(key="combine_b").set_value("a red car")
    page.run()
    page.at.number_input(key="combine_within").set_value(2.0)
    page.run().press("add_combination")
    assert seen["signal"].settings.combinations == (("then", "a dog", "a red car", 2.0),)
    name = "a dog then a red car within 2 s"
    assert name in {m.prompt for m in seen["detection"].moments}
    assert page.at.button(key="add_combination").disabled  # there already
    page.prompts("a dog", "pizza")  # one of its prompts is gone
    assert name not in {m.prompt for m in seen["detection"].moments}
    page.prompts(*PROMPTS)
    assert name in {m.prompt for m in seen["detection"].moments}
    page.press("drop_combination_0")
    assert seen["signal"].settings.combinations == ()


def test_the_time_range_keeps_moments_and_lists_within(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "percentile", 0.0)
    assert [(seconds(r["start"]), seconds(r["end"])) for r in rows(page)] == [(0, 10)] * 3
    page.slide("time_ends", (2.0, 5.0))
    assert seen["signal"].settings.time_range == (2.0, 5.0)
    assert page.control("slider", "time_ends").value == (2.0, 5.0)
    assert {int(seconds(r["start"])) for r in rows(page)} == {2}
    assert all(seconds(r["end"]) <= 5.0 for r in rows(page))
    choose(page, "list", "Best")
    times = page.at.dataframe(key=page.extremes_key).value["time"]
    assert all(2 <= seconds(t) < 5 for t in times)
    page.run().slide("time_ends", (0.0, page.control("slider", "time_ends").max))
    assert seen["signal"].settings.time_range is None


def test_flags_take_a_prompt_out_and_in(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "percentile", 50.0)
    page.flag_pills.unselect("pizza").run()
    assert seen["signal"].settings.unflagged == ("pizza",)
    assert {row["prompt"] for row in rows(page)} == {"a dog", "a red car"}
    page.flag_pills.select("pizza").run()
    assert {row["prompt"] for row in rows(page)} == set(PROMPTS)


def test_a_pill_hides_its_moments_everywhere_but_in_the_settings(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "percentile", 50.0)
    every, of_pizza = seen["listed"].kept, [m for m in seen["listed"].kept if m.prompt == "pizza"]
    assert of_pizza
    page.control("pills", "shown").unselect("pizza").run()
    others = [m for m in every if m.prompt != "pizza"]
    assert {row["prompt"] for row in rows(page)} == {"a dog", "a red car"}
    assert seen["listed"].to_walk == (others, [])
    assert seen["listed"].hidden == len(of_pizza)
    assert seen["bundle"].moments == others
    assert seen["view"].moments == others
    assert page.holding(f"{len(others)} moments, without {len(of_pizza)} of hidden prompts.")
    assert seen["signal"].settings.unflagged == ()
    for prompt in ("a dog", "a red car"):
        page.control("pills", "shown").unselect(prompt).run()
    assert rows(page) == []
    assert page.holding(f"{len(every)} moments belong to prompts whose pill is off. Switch it on above the chart.")
    page.control("pills", "shown").select("pizza").run()
    assert {row["prompt"] for row in rows(page)} == {"pizza"}


def test_what_each_prompt_beats_stands_under_flag(page: Page, seen: dict[str, Any]) -> None:
    page.run()
    table = next(table.value for table in page.at.dataframe if "beats" in table.value)
    video_scores = seen["detection"].video_scores
    for prompt, beats in zip(table["prompt"], table["beats"], strict=True):
        bank = video_scores.banks[prompt]
        levels = video_scores.segments.average(video_scores.raw.column(prompt)[:, None])[:, 0] - bank.segment_level
        share = 100 * np.mean(bank.peaks < levels.max())
        assert beats in {int(share - 0.4), int(share + 0.4)}
    assert tuple(table["prompt"]) == PROMPTS
    chips = re.findall(r'<span data-verdict="[^"]*" data-prompt="([^"]*)".*?>(\d+) %</span></span>', page.html)
    assert {prompt: int(share) for prompt, share in chips} == dict(zip(table["prompt"], table["beats"], strict=True))


# Judging


def flagged(page: Page) -> Page:
    return by_hand(page, "percentile", 80.0)


def test_accept_reject_and_undo(page: Page, seen: dict[str, Any], settled: World) -> None:
    flagged(page)
    count = len(rows(page))
    tick(page, 1)
    page.press("judge_rejected")
    assert [r["judged"] for r in rows(page)][:3] == ["", "✗", ""]
    assert len(seen["listed"].kept) == count - 1
    tick(page, 0, 2)
    assert page.holding("2 ticked moments")
    page.press("judge_accepted")
    assert [r["judged"] for r in rows(page)][:3] == ["✓", "✗", "✓"]
    again = Page().indexed()
    flagged(again)
    assert [r["judged"] for r in rows(again)][:3] == ["✓", "✗", "✓"]
    page.press("undo_edit")
    assert [r["judged"] for r in rows(page)][:3] == ["", "✗", ""]
    page.press("undo_edit")
    assert {r["judged"] for r in rows(page)} == {""}
    assert page.at.button(key="undo_edit").disabled
    assert {r["judged"] for r in rows(again.run())} == {""}
    assert not [e for v in store_of(settled).videos() for e in store_of(settled).annotations(v.video_id)]


def test_an_edge_is_nudged_and_labelled_and_the_recipe_kept_with_it(
    page: Page, seen: dict[str, Any], settled: World
) -> None:
    flagged(page)
    tick(page, 0)
    before = rows(page)[0]
    start = page.at.number_input[0]
    assert start.step == pytest.approx(1 / 30, abs=1e-3)
    wanted = round(start.value + 3 * start.step, 3)
    start.set_value(wanted)
    page.at.text_input[0].set_value("  *the* <b>dog</b> ")
    page.run().press("save_edges")
    after = rows(page)[0]
    assert seconds(after["start"]) == pytest.approx(wanted, abs=1e-3)
    assert (after["end"], after["label"], after["judged"]) == (before["end"], "*the* <b>dog</b>", "✎")
    (annotation,) = store_of(settled).annotations(seen["bundle"].record.video_id)
    assert annotation.settings["unit"] == "percentile"
    assert annotation.settings["threshold"] == 80.0
    assert annotation.settings["prompts"] == list(PROMPTS)
    choose(page, "unit", "z")  # other settings: the edges stay
    assert wanted in [pytest.approx(seconds(r["start"]), abs=1e-3) for r in rows(page)]
    tick(page, next(k for k, r in enumerate(rows(page)) if r["judged"]))
    page.press("judge_none")
    assert {r["judged"] for r in rows(page)} == {""}


def test_edges_the_wrong_way_round_cannot_be_saved(page: Page) -> None:
    flagged(page)
    tick(page, 0)
    page.at.number_input[0].set_value(9.0)
    page.at.number_input[1].set_value(1.0)
    page.run()
    assert page.at.button(key="save_edges").disabled
    assert page.holding("It must begin before it ends.")


def test_a_moment_is_added_from_here_to_here(page: Page, seen: dict[str, Any]) -> None:
    flagged(page)
    count = len(rows(page))
    page.slide("frame", 90).press("press_mark_in")
    assert page.at.button(key="add_moment").disabled
    page.slide("frame", 30).press("press_mark_out")
    assert page.at.button(key="add_moment").disabled
    assert page.holding("it must begin before it ends")
    page.slide("frame", 150).press("press_mark_out")
    page.at.selectbox(key="add_of").set_value("pizza").run()
    page.flag_pills.unselect("pizza").run()
    count = len(rows(page))
    page.press("add_moment")
    assert len(rows(page)) == count + 1
    added = rows(page)[-1]
    assert (added["prompt"], added["judged"], seconds(added["start"]), seconds(added["end"])) == ("pizza", "+", 3, 5)
    assert seen["listed"].kept[-1].end_s == 5.0
    assert page.at.button(key="add_moment").disabled
    page.prompts("a dog", "a red car")  # its prompt is gone, and the moment waits for it
    assert "pizza" not in [row["prompt"] for row in rows(page)]
    page.prompts("a dog", "pizza", "a red car")
    assert [seconds(row["start"]) for row in rows(page) if (row["prompt"], row["judged"]) == ("pizza", "+")] == [3]
    page.press("undo_edit")
    assert all(row["judged"] == "" for row in rows(page))


def test_the_moment_under_the_playhead_is_judged_where_none_is_selected(page: Page) -> None:
    flagged(page)
    page.press("next_m")
    assert page.holding("Under the playhead: ")
    page.press("judge_accepted")
    assert [r["judged"] for r in rows(page)].count("✓") == 1


def test_selected_rows_are_what_the_buttons_walk_through(page: Page, seen: dict[str, Any]) -> None:
    flagged(page)
    tick(page, 0, 2)
    chosen = [seen["listed"].reviewed[k].moment for k in (0, 2)]
    assert seen["listed"].to_walk == (chosen, [])
    page.press("reset")
    starts = sorted(int(m.start_s * 30 + 1e-6) for m in chosen)
    visited = [page.frame] if page.frame in starts else []
    while not page.at.button(key="next_m").disabled:
        visited.append(page.press("next_m").frame)
    assert visited == starts


def test_a_selection_never_falls_on_other_moments(page: Page, seen: dict[str, Any]) -> None:
    """Rows are numbers: when the list changes, the ticked moment may have moved, or may be gone."""
    flagged(page)
    tick(page, 2)
    chosen = seen["listed"].chosen[0].moment
    page.flag_pills.unselect(rows(page)[0]["prompt"]).run()
    assert all(r.moment == chosen for r in seen["listed"].chosen)


def test_two_tabs_judge_the_same_moment(page: Page) -> None:
    other = Page().indexed()
    flagged(page)
    flagged(other)
    tick(page, 0)
    tick(other, 0)
    page.press("judge_accepted")
    other.press("judge_rejected")
    assert rows(page.run())[0]["judged"] == "✗"
    other.press("undo_edit")
    assert rows(page.run())[0]["judged"] == "✓"


def test_the_contact_sheet_seeks(page: Page, seen: dict[str, Any]) -> None:
    flagged(page)
    choose(page, "list", "Peaks")
    peak = seen["listed"].kept[0].peak_s
    assert page.press("peak_0").frame == round(peak * 30)
    by_hand(page, "percentile", 100.0)
    assert page.holding("No moments, so no peaks.") or seen["listed"].kept


# Pictures


def test_the_frame_on_the_screen_as_a_picture(page: Page, seen: dict[str, Any], settled: World) -> None:
    by_hand(page, "cosine", 0.1)
    page.slide("frame", 90)
    choose(page, "prompt_kind", "Pictures")
    assert page.holding("No picture yet")
    page.press("take_frame")
    page.run()
    raw = seen["detection"].video_scores.raw
    assert raw.prompts == ("frame 90 at 0:03.000",)
    assert raw.column(raw.prompts[0]).max() == pytest.approx(1.0, abs=0.002)
    assert float(raw.times_s[raw.values[:, 0].argmax()]) == pytest.approx(3.0)
    assert (seen["detection"].video_scores.banks, seen["signal"].settings.unit) == ({}, "z")
    page.press("take_frame")
    assert len(page.sidebar.pictures) == 1  # the same picture
    choose(page, "prompt_kind", "Texts")
    settings = seen["signal"].settings
    assert seen["detection"].video_scores.raw.prompts == PROMPTS
    assert (settings.unit, settings.threshold) == ("cosine", pytest.approx(0.1))
    choose(page, "prompt_kind", "Pictures")
    page.press("drop_picture_0")
    assert page.holding("No picture yet")


def test_a_threshold_in_the_config_is_not_for_pictures(settled: World, seen: dict[str, Any]) -> None:
    settled.write(threshold=0.0)
    try:
        page = Page().indexed()
        assert page.control("selectbox", "unit").value == "cosine"
        choose(page, "prompt_kind", "Pictures")
        page.press("take_frame").run()
        assert (seen["signal"].settings.unit, seen["signal"].settings.threshold) == ("z", None)
        choose(page, "prompt_kind", "Texts")
        assert (seen["signal"].settings.unit, seen["signal"].settings.threshold) == ("cosine", 0.0)
    finally:
        settled.write(threshold=None)


# Links and settings files


def test_the_link_restores_the_view(page: Page, seen: dict[str, Any]) -> None:
    page.prompts("a dog", "<b>50 % & more?</b>", "- a person")
    by_hand(page, "softmax", 0.4, 0.8)
    page.slide("frame", 123).slide("min_gap_s", 0.4).slide("time_ends", (1.0, 9.0))
    page.flag_pills.unselect("a dog").run()
    edit_own(page, 1, threshold=0.2)
    address = next(code.value for code in page.at.code if "prompt=" in code.value)
    wanted, found = seen["signal"].settings, [m.start_s for m in seen["detection"].moments]
    other = Page()
    for name, texts in parse_qs(urlsplit(address).query).items():
        other.at.query_params[name] = texts
    other.indexed()
    assert seen["signal"].settings == wanted
    assert [m.start_s for m in seen["detection"].moments] == found
    assert other.frame == 123


@pytest.mark.parametrize("query", [{"unit": "parsec"}, {"threshold": "[1"}, {"thresholds": '{"a dog": "high"}'},
                                   {"smoothing_s": "-1"}, {"prompt": "x" * 30_000}])  # fmt: skip
def test_a_bad_link_warns_and_changes_nothing(settled: World, query: dict[str, str], seen: dict[str, Any]) -> None:
    page = Page()
    for name, text in query.items():
        page.at.query_params[name] = text
    page.run()
    assert len(page.at.warning) == 1
    page.indexed()
    assert (seen["signal"].settings.unit, seen["signal"].settings.positives) == ("corrected", PROMPTS)
    assert not page.at.warning


@pytest.mark.parametrize("query", [
    {"unit": "margin", "threshold": "0.1"}, {"score_range": "[50,60]", "unit": "cosine"}, {"score_range": "[-60,-50]"},
    {"threshold": "1e9"}, {"threshold": "-1e9", "unit": "cosine"}, {"threshold": "1"}, {"score_range": "[0,1]"},
    {"time_range": "[500,600]"},
    {"smoothing_s": "10000000"}, {"min_gap_s": "10000000"}, {"hysteresis": "1000000000"}, {"frame": "999999999"},
    {"combinations": '[["and","x","y",0]]'}, {"weights": '{"a dog":0.000001}'},
    {"score_range": "[0.5,0.5]"},
])  # fmt: skip
def test_a_link_with_odd_settings_still_gives_a_page(settled: World, query: dict[str, str]) -> None:
    page = Page()
    for name, text in query.items():
        page.at.query_params[name] = text
    page.indexed()
    assert not page.at.error
    low, high = page.control("slider", "range").value
    assert low <= high
    assert 0 <= page.frame <= 299


def test_a_settings_file_is_taken_in_and_a_bad_one_says_why(page: Page, seen: dict[str, Any]) -> None:
    given = Settings(prompts=("a tree", "- a street"), unit="cosine", threshold=0.05, smoothing="median",
                     smoothing_s=1.4, min_duration_s=15.0, templates="simple", bank_share=50, unflagged=("a tree",),
                     weights={"a street": 2.0})  # fmt: skip
    page.sidebar.loaded_settings = settings_yaml(given).encode()
    page.run()
    assert seen["signal"].settings == given
    assert page.control("text_area", "prompts").value == "a tree\n- a street"
    for content in (b"unit: parsec", b"\xff\xfe", b"[1, 2", b"colour: red"):
        page.sidebar.loaded_settings = content
        page.run()
        assert len(page.at.error) == 1
        assert seen["signal"].settings == given
    page.press("start_over").press("start_over_yes")
    assert not page.at.error
    settings = seen["signal"].settings
    assert settings == Settings(prompts=PROMPTS, smoothing_s=0.6)


def test_the_saved_settings_are_the_recipe(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "z", 2.5)
    saved = yaml.safe_load(settings_yaml(seen["bundle"].detection.settings))
    assert (saved["unit"], saved["threshold"], saved["prompts"]) == ("z", 2.5, list(PROMPTS))


# What a review found


def opened(query: dict[str, str]) -> Page:
    """The page as a link opens it."""
    page = Page()
    for name, text in query.items():
        page.at.query_params[name] = text
    return page


@pytest.mark.parametrize(("query", "fields"), [
    ({"unit": "margin", "threshold": "0.1", "thresholds": '{"pizza":0.2}'},
     {"unit": "z", "threshold": None, "thresholds": {}}),
    ({"min_gap_s": "30", "pad_s": "12.5"}, {"min_gap_s": 30.0, "pad_s": 12.5}),
    ({"time_range": "[2,600]"}, {"time_range": (2.0, 600.0)}),
    ({"time_range": "[500,600]"}, {"time_range": None}),
])  # fmt: skip
def test_odd_settings_of_a_link_in_the_recipe(
    settled: World, seen: dict[str, Any], query: dict[str, str], fields: dict[str, Any]
) -> None:
    opened(query).indexed()
    settings = seen["signal"].settings
    assert {name: getattr(settings, name) for name in fields} == fields


@pytest.mark.parametrize(("unit", "given"), [
    ("cosine", "[50,60]"), ("z", "[-900,-800]"), ("percentile", "[-50,-20]"),
    ("cosine", "[0.5,0.9]"), ("z", "[0.5,0.5]"), ("percentile", "[100,100]"),
])  # fmt: skip
def test_a_score_range_from_elsewhere_stays_within_the_slider(settled: World, unit: str, given: str) -> None:
    page = opened({"unit": unit, "score_range": given}).indexed()
    for name in ("range", "filter_ends"):
        slider = page.control("slider", name)
        low, high = slider.value
        assert slider.min <= low <= high <= slider.max
    assert list(page.control("slider", "filter_ends").value) == json.loads(given)


def test_a_time_range_past_the_video_is_told(settled: World, seen: dict[str, Any]) -> None:
    page = opened({"time_range": "[500,600]"}).until(lambda: "signal" in seen)
    assert [t.value for t in page.at.toast if "8:20.000 … 10:00.000 lies outside this video" in t.value]
    assert page.control("slider", "time_ends").value == (0.0, page.control("slider", "time_ends").max)


def test_a_time_range_leaves_with_its_video(page: Page, seen: dict[str, Any], settled: World, stock: Path) -> None:
    settled.take(stock / "short.mp4")
    page.run().slide("time_ends", (1.0, 9.0))
    choose(page, "video", "short.mp4")
    page.until(lambda: bool(page.starting("0:02.000")) and not page.at.get("progress"))
    assert seen["signal"].settings.time_range is None
    assert page.control("slider", "time_ends").value == (0.0, 2.0)


def test_where_nothing_is_flagged_the_time_range_is_named(page: Page, seen: dict[str, Any]) -> None:
    page.prompts("a dog")
    by_hand(page, "cosine", 0.0)
    scores = seen["detection"].scores
    top = int(scores.values[:, 0].argmax())
    page.slide("threshold", float(np.floor(scores.values[top, 0] / 0.005) * 0.005))
    highest_s = float(scores.times_s[top])
    page.slide("time_ends", (highest_s + 0.1, highest_s + 0.15))
    assert rows(page) == []
    assert page.holding(" lies outside the time range 0:0")


def test_nothing_is_said_of_a_bank_that_is_not_asked(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "cosine", 0.0)
    assert not page.holding("null bank (Rules)")
    silent = replace(seen["detection"], moments=[])
    assert moment_list._why_none(silent, seen["signal"], 0).startswith(
        "What reaches 0.000 is dropped by the Rules: too short."
    )
    choose(page, "bank_share", 100)
    assert page.holding(" · and beats 100 % of the null bank (Rules)")
    asked = replace(seen["detection"], moments=[])
    assert "Rules: it does not beat the null bank." in moment_list._why_none(asked, seen["signal"], 0)


def test_rejected_moments_are_not_given_away_even_if_selected(page: Page, seen: dict[str, Any]) -> None:
    flagged(page)
    tick(page, 0)
    page.press("judge_rejected")
    tick(page, 0, 1)
    assert len(seen["listed"].to_walk) == 2
    assert seen["bundle"].moments == [seen["listed"].reviewed[1].moment]
    assert page.holding(" moments, without 1 rejected.")
    tick(page, 0)
    assert seen["bundle"].moments == []


def test_a_mark_past_the_end_is_taken_for_the_end(page: Page, seen: dict[str, Any]) -> None:
    page.slide("frame", 150).press("press_mark_in")
    page.at.session_state["MomentsState"].in_out_s["out"] = 99.0  # the header had said more
    page.run()
    assert page.holding("From 0:05.000 to 0:10.000")
    page.press("add_moment")
    assert [r.moment.end_s for r in seen["listed"].reviewed if r.annotation is not None] == [10.0]


def test_an_undo_that_fails_can_be_tried_again(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise StoreError("The store is gone.", "Mount it.")

    flagged(page)
    tick(page, 0)
    page.press("judge_accepted")
    with monkeypatch.context() as patch:
        patch.setattr(review, "withdraw_annotation", broken)
        page.press("undo_edit")
        assert page.holding("The store is gone")
    assert not page.at.button(key="undo_edit").disabled
    page.press("undo_edit")
    assert {row["judged"] for row in rows(page)} == {""}


def test_pictures_that_cannot_be_had_are_told_below_the_table(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> dict[int, bytes]:
        raise VideoNotFoundError("There is no file wide.mp4.", "Check the path.")

    monkeypatch.setattr(cache, "thumbnails", gone)
    flagged(page)
    assert rows(page)
    assert page.starting("Pictures cannot be shown: **There is no file wide")


def with_frame(page: Page) -> Page:
    """The page with the frame on the screen as its picture."""
    return choose(page, "prompt_kind", "Pictures").press("take_frame").run()


def test_what_is_given_away_says_that_prompts_are_pictures(page: Page, seen: dict[str, Any]) -> None:
    def saved(page: Page) -> Any:
        return next(button for button in page.at.get("download_button") if button.key == "settings_file")

    assert not saved(page.run()).proto.disabled
    assert seen["bundle"].pictures is None
    choose(by_hand(page, "cosine", 0.1), "bank_share", 95)
    with_frame(page)
    bundle, name = seen["bundle"], "frame 0 at 0:00.000"
    assert seen["signal"].settings.bank_share == 0
    assert bundle.settings["pictures"] == [name]
    assert f"The prompts are pictures, not texts: {name}." in make_report(bundle, seen["view"], {})
    assert saved(page).proto.disabled
    assert page.starting("This link holds only the video and the frame")
    (address,) = [code.value for code in page.at.code if "video=" in code.value]
    assert set(parse_qs(urlsplit(address).query)) == {"video", "id", "frame"}
    choose(page, "prompt_kind", "Texts")
    settings = seen["signal"].settings
    assert (saved(page).proto.disabled, settings.bank_share, settings.threshold) == (False, 95, pytest.approx(0.1))


def test_a_model_that_fails_on_a_picture_can_be_tried_again(
    page: Page, seen: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise EncoderError("The server is down.", "Start it.")

    with monkeypatch.context() as patch:
        patch.setattr(OnnxEncoder, "embed_images", down)
        with_frame(page)
        assert page.holding("The server is down")
        assert page.holding("One picture is not scored.")
        assert page.at.slider(key="frame") is not None
    assert page.run().holding("One picture is not scored.")  # nothing is asked again by itself
    page.press("rescore")
    assert seen["detection"].scores.prompts == ("frame 0 at 0:00.000",)
    assert not page.at.error


def test_a_large_picture_is_shrunk_and_its_thumbnail_made_once(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[object]()
    draw = prompt_pictures.thumbnail_jpeg
    monkeypatch.setattr(prompt_pictures, "thumbnail_jpeg", lambda rgb: made.append(rgb) or draw(rgb))
    choose(page, "prompt_kind", "Pictures")
    assert page.at.file_uploader(key="picture_file_0").proto.max_upload_size_mb == 20
    wide = picture_file(np.full((100, 4096, 3), 90, np.uint8), png=True)
    page.at.file_uploader(key="picture_file_0").upload("*wide*.png", wide, "image/png")
    page.run()
    (picture,) = page.sidebar.pictures.values()
    assert picture.rgb.shape == (50, 2048, 3)
    assert page.holding("was shrunk to 2,048 × 50 pixels.")
    page.run().run()
    assert len(made) == 1


def test_a_picture_whose_name_begins_like_a_negative_is_a_picture(page: Page, seen: dict[str, Any]) -> None:
    choose(page, "prompt_kind", "Pictures")
    page.sidebar.pictures = {"- x.png": Picture(np.full((40, 40, 3), 90, np.uint8))}
    page.run()
    edit_own(page, 0, weight=2.0)
    edit_own(page, 0, threshold=0.25)
    settings = seen["signal"].settings
    assert (settings.weights, settings.thresholds) == ({"- x.png": 2.0}, {"- x.png": 0.25})


def test_starting_over_forgets_the_settings_of_pictures_too(page: Page, seen: dict[str, Any]) -> None:
    choose(with_frame(page), "unit", "cosine")
    choose(page, "threshold_mode", "One for all")
    page.press("start_over").press("start_over_yes")
    assert seen["signal"].settings == Settings(prompts=PROMPTS, smoothing_s=0.6)
    choose(page, "prompt_kind", "Pictures")
    assert (seen["signal"].settings.unit, seen["signal"].settings.threshold) == ("z", None)


# Other models and videos


def test_another_model_starts_anew(page: Page, seen: dict[str, Any]) -> None:
    by_hand(page, "cosine", 0.1)
    edit_own(page, 0, threshold=0.2)
    choose(page, "model", "other")
    page.until(lambda: not page.at.get("progress") and bool(page.starting("Model other")))
    settings = seen["signal"].settings
    assert (settings.unit, settings.threshold, settings.thresholds, settings.bank_share) == ("corrected", None, {}, 0)
    assert settings.positives == PROMPTS


def test_another_video_keeps_the_recipe_and_forgets_what_was_marked(page: Page, seen: dict[str, Any], settled: World,
                                                                    stock: Path) -> None:  # fmt: skip
    settled.take(stock / "short.mp4")
    flagged(page)
    page.slide("frame", 200).press("press_mark_in").slide("frame", 280).press("press_mark_out")
    tick(page, 1)
    choose(page, "video", "short.mp4")
    page.until(lambda: bool(page.starting("0:02.000")) and not page.at.get("progress"))
    page.run()
    assert page.at.button(key="add_moment").disabled
    assert seen["listed"].chosen == []
    assert (seen["signal"].settings.unit, seen["signal"].settings.threshold) == ("percentile", 80.0)


def test_thresholds_follow_while_samples_arrive(world: World, gate: Gate, seen: dict[str, Any]) -> None:
    """Corrected, adapting, with the bank: while segments still move, nothing is NaN and no prompt is lost."""
    world.write(threshold=None, samples_per_second=10)
    page, counted = Page(), 0
    for _ in range(2):
        page.until(lambda: "detection" in seen and len(seen["detection"].scores) > counted)  # noqa: B023
        found = seen["detection"]
        counted = len(found.scores)
        assert counted < 100
        assert found.settings.threshold is None
        assert np.isfinite(found.smoothed).all()
        assert set(found.thresholds) | set(found.not_sure) == set(found.verdicts) == set(PROMPTS)
        gate.let()
    gate.open()
    page.indexed()
    assert seen["signal"].settings.unit == "corrected"
    assert set(seen["detection"].video_scores.banks) == set(PROMPTS)
    assert {len(bank.level) for bank in seen["detection"].video_scores.banks.values()} == {100}
    assert len(seen["detection"].scores) == 100


def test_the_chart_and_the_status_slot_count_the_same_samples(world: World, gate: Gate, seen: dict[str, Any]) -> None:
    """The keyframes of the coarse pass that are no samples of the rate are counted in both."""
    world.write(samples_per_second=3.5)  # a keyframe a second: every other one lies between two samples
    page = Page()

    def counts() -> list[str]:
        """The status slot is drawn before the chart: in one run it may not know yet of what the chart shows."""
        return next((bar.proto.text.split(" · ")[0].split(" / ") for bar in page.at.get("progress")), [])

    page.until(lambda: "view" in seen and len(seen["detection"].scores) == 10 and len(counts()) == 2)
    done, total = (int(number) for number in counts())
    assert (done, total) == (10, 40)
    assert seen["view"].unfinished.note == f"coarse: {done} of {total} samples"
    in_chart = [*seen["view"].moments, *seen["view"].candidates]
    assert sorted(row["prompt"] for row in rows(page)) == sorted(moment.prompt for moment in in_chart)
    gate.open()
    page.indexed()
    assert page.starting(f":material/check: {total} samples indexed")
    assert len(seen["detection"].scores) == total


def test_two_hundred_prompts(page: Page, seen: dict[str, Any]) -> None:
    page.prompts(*(f"thing {k}" for k in range(230)))
    assert len(seen["detection"].scores.prompts) == 200
    assert page.holding("The first 200 prompts are taken.")
    by_hand(page, "percentile", 90.0)
    assert len(rows(page)) >= 200


def test_html_in_prompts_and_labels_is_text(page: Page) -> None:
    page.prompts("<img src=x onerror=alert(1)>", "*b* [x](y) :red[r]", "=cmd()")
    by_hand(page, "percentile", 50.0)
    assert "<img src=x" not in page.html


def test_what_is_not_obvious_is_explained(page: Page) -> None:
    (text,) = [t for t in page.texts if "**CLIP** is a model" in t]
    for words in (
        "**Units.**",
        "*Corrected*",
        "*z*",
        "*Margin*",
        "*Softmax*",
        "*Percentile*",
        "**Verdicts.**",
        "*Adapt*",
        "*Confidence*",
        "**throughout**",
        "**not\nsure**",
        "**candidates**",
        "**Generic prompts**",
        "**Thresholds by hand.**",
        "null bank",
        '"0.8"',
    ):
        assert words in text
    helps = {key: page.control("slider", key).help for key in ("hysteresis", "min_gap_s", "min_duration_s", "pad_s")}
    assert all(helps.values())
    assert helps["hysteresis"].startswith("Hysteresis, for thresholds set by hand: ")
    assert "300 neutral texts" in page.control("select_slider", "bank_share").help
    assert "300 neutral texts" in page.control("segmented_control", "confidence").help
    units = ("corrected", "z", "cosine", "percentile", "margin")
    assert all(f"**{unit}**" in page.control("selectbox", "unit").help for unit in units)
    assert page.control("segmented_control", "templates").help
