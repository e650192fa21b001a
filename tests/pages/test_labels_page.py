"""What the controls are called, what terms mean where they stand, and the width of the smoothing in two units."""

from __future__ import annotations

import math

import pytest
import yaml

from tests.support.world import Page, World


def test_threshold_stands_over_its_switch(ready: Page) -> None:
    switch = ready.control("segmented_control", "threshold_mode")
    assert switch.label == "Threshold"
    assert switch.proto.label_visibility.value == 0  # visible


def test_terms_are_explained_where_they_stand(ready: Page) -> None:
    words = next(caption for caption in ready.at.sidebar.caption if "≙" in caption.value)
    for term in ("≙", "top 25 %", "z"):
        assert f"**{term}**" in words.help
    assert "null bank" not in words.help  # nothing is said of it
    ready.control("select_slider", "bank_share").set_value(95)
    ready.run()
    words = next(caption for caption in ready.at.sidebar.caption if "≙" in caption.value)
    assert "null bank" in words.value
    assert "**Null bank**: 300 neutral texts" in words.help
    assert "**As made**" in ready.control("selectbox", "framing").help
    assert "null bank is 300 neutral texts" in ready.control("select_slider", "bank_share").help
    ready.control("segmented_control", "threshold_mode").set_value("Adapt")
    ready.run()
    words = next(caption for caption in ready.at.sidebar.caption if caption.value.startswith("On segments"))
    assert "segments where the picture changes" in words.help


def test_a_threshold_that_would_read_minus_zero_is_zero(ready: Page) -> None:
    ready.sidebar.threshold = -0.0004
    ready.run()
    assert ready.control("slider", "threshold").value == 0.0
    assert math.copysign(1.0, ready.control("slider", "threshold").value) == 1.0


@pytest.mark.parametrize("unit", ["z", "cosine", "percentile"])
def test_the_ends_of_the_score_range_are_what_is_written(ready: Page, unit: str) -> None:
    ready.control("selectbox", "unit").set_value(unit)
    ready.run()
    slider = ready.control("slider", "range")
    decimals = int(slider.proto.format[2:-1])
    for end in slider.value:
        assert end == round(end, decimals)


# The width of the smoothing


def test_the_width_keeps_its_time_when_its_unit_changes(ready: Page) -> None:
    assert ready.control("slider", "smoothing").value == 0.6
    assert ready.control("slider", "smoothing").label == "Smoothing · 3 samples"
    drawn = ready.chart_state.analysis_of
    ready.control("segmented_control", "smoothing_unit").set_value("samples")
    ready.run()
    width = ready.control("slider", "smoothing_samples")
    assert (width.value, width.label) == (3, "Smoothing · 0.6 s")
    width.set_value(5)
    ready.run()
    assert ready.control("slider", "smoothing_samples").label == "Smoothing · 1 s"
    ready.control("segmented_control", "smoothing_unit").set_value("s")
    ready.run()
    assert ready.control("slider", "smoothing").value == pytest.approx(1.0)
    assert ready.chart_state.analysis_of == drawn


def test_another_rate_leaves_five_samples_five_samples(world: World, page: Page) -> None:
    page.indexed()
    page.control("segmented_control", "smoothing_unit").set_value("samples")
    page.run()
    page.control("slider", "smoothing_samples").set_value(5)
    page.run()
    page.control("selectbox", "sps").set_value(10.0)
    page.until(lambda: page.samples == 100 and not page.at.get("progress"))
    width = page.control("slider", "smoothing_samples")
    assert (width.value, width.label) == (5, "Smoothing · 0.5 s")


@pytest.mark.parametrize("samples", [5, 40])
def test_a_link_and_a_settings_file_bring_it_back(world: World, samples: int) -> None:
    linked = Page()
    linked.at.query_params["smoothing_samples"] = str(samples)
    linked.at.query_params["unit"], linked.at.query_params["confidence"] = "cosine", "0.95"
    linked.indexed()
    assert linked.control("segmented_control", "smoothing_unit").value == "samples"
    assert linked.control("slider", "smoothing_samples").value == samples

    loaded = Page()
    loaded.sidebar.loaded_settings = yaml.safe_dump({"smoothing_samples": samples}).encode()
    loaded.indexed()
    assert loaded.control("slider", "smoothing_samples").value == samples

    old = Page().indexed()
    old.sidebar.loaded_settings = b"smoothing_s: 1.4\n"
    old.run()
    assert old.control("segmented_control", "smoothing_unit").value == "s"
    assert old.control("slider", "smoothing").value == 1.4


# What is not sure


def test_a_prompt_that_is_not_sure_stands_below_in_frames_too(ready: Page) -> None:
    ready.slide("threshold", ready.control("slider", "threshold").max)
    assert set(ready.verdicts.values()) == {"not sure"}
    assert ready.html.count("opacity:.5") == 3
    prompts = list(ready.ranked)
    ready.sidebar.own_thresholds = {prompts[-1]: -1.0}
    ready.run()
    assert ready.ranked == [prompts[-1], *prompts[:-1]]
    assert ready.html.count("opacity:.5") == 2
    assert f'title="{prompts[0]}\nNot sure that the video shows it. ' in ready.html
