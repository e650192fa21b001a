"""The page Investigate, ready: what it shows, and what each control does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clip_core.library.folders import EXTENSIONS
from tests.support.app import Counted
from tests.support.world import Page, World, seconds


def shown_rows(page: Page, key: str) -> list[dict[str, object]]:
    """The rows of a table; none if it is not there."""
    try:
        table = page.at.dataframe(key=key)
    except KeyError:
        return []
    return table.value.to_dict("records")


def test_a_video_is_indexed_to_the_end_and_said_so(ready: Page) -> None:
    assert ready.samples == 50  # the keyframes are among them
    assert ready.starting(":material/check: 50 samples indexed · 5/s")
    assert ready.starting("0:10.000 · 192 × 108 · 30 fps · 300 frames")
    assert ready.frame == 0
    footer = ready.starting(
        "Model rnd · fp32 on CPU, sees the middle square of each frame · 50 frames indexed · 5/s · cosine"
    )
    assert len(footer) == 1
    assert ready.cells == 50 * 3


def test_toggling_prompts_computes_nothing(ready: Page) -> None:
    before = ready.cells
    ready.control("pills", "shown").unselect("pizza").run()
    assert ready.sound().control("pills", "shown").value == ["a dog", "a red car"]
    ready.control("pills", "shown").select("pizza").run()
    assert set(ready.sound().control("pills", "shown").value) == {"a dog", "pizza", "a red car"}
    assert ready.cells == before


def test_a_new_prompt_computes_one_column(ready: Page, counted: Counted) -> None:
    before = ready.cells
    ready.prompts("a dog", "pizza", "a red car", "a plum tree")
    assert ready.cells - before == ready.samples * 1
    assert (counted.pictures, counted.texts) == (0, 1)
    assert ready.control("pills", "shown").value == ["a dog", "pizza", "a red car", "a plum tree"]
    ready.prompts("a plum tree", "a dog")
    assert ready.cells - before == ready.samples
    assert 'data-prompt="pizza"' not in ready.html


def test_a_colour_with_a_mark_goes_with_the_many_prompts_that_it_came_with(ready: Page) -> None:
    ready.prompts(*(f"thing {k}" for k in range(20)))
    ready.prompts("thing 19", "thing 3")
    assert ready.sidebar.prompt_numbers == {"thing 19": 0, "thing 3": 3}


def test_colour_sticks_to_the_prompt(ready: Page) -> None:
    ready.prompts("pizza", "a red car")
    assert ready.sidebar.prompt_numbers == {"pizza": 1, "a red car": 2}
    ready.prompts("a plum tree", "pizza", "a red car")
    assert ready.sidebar.prompt_numbers == {"a plum tree": 0, "pizza": 1, "a red car": 2}


def test_a_reload_encodes_nothing(ready: Page, counted: Counted) -> None:
    again = Page().indexed()
    assert (again.samples, again.cells) == (50, 50 * 3)
    assert (counted.pictures, counted.texts) == (0, 0)


def test_a_double_and_empty_lines(ready: Page) -> None:
    ready.prompts("a dog", "", "  ", "a dog  ", "pizza")
    assert ready.control("pills", "shown").options == [o for o in ready.control("pills", "shown").options if o.strip()]
    assert ready.control("pills", "shown").value == ["a dog", "pizza"]
    assert ready.holding("is listed twice and counted once.")


def test_the_ranking_is_sorted_and_says_of_which_sample(ready: Page) -> None:
    ready.slide("frame", 100)
    curves = ready.analysis.similarities
    assert sorted(ready.ranked) == ["a dog", "a red car", "pizza"]
    values = [float(v.split("</span>")[0].rsplit(">", 1)[1]) for v in ready.html.split('title="raw')[1:]]
    assert values == sorted(values, reverse=True)
    assert ready.holding("sample at 0:03.400")  # frame 100 is at 3.333 s; samples lie at 3.2 and 3.4
    assert len(curves) == 50


def test_the_slider_moves_the_frame_and_the_clock(ready: Page) -> None:
    ready.slide("frame", 123)
    assert "<b data-frame>123</b>" in ready.html
    assert "<b data-time>0:04.100</b>" in ready.html
    assert "/ 299" in ready.html


@pytest.mark.parametrize(("key", "start", "end"), [("next_f", 10, 11), ("prev_f", 10, 9), ("next_s", 12, 18),
                                                   ("prev_s", 12, 6), ("reset", 77, 0)])  # fmt: skip
def test_the_buttons_step(ready: Page, key: str, start: int, end: int) -> None:
    assert ready.slide("frame", start).press(key).frame == end


def test_the_ends_disable_their_buttons(ready: Page) -> None:
    off = {key: ready.at.button(key=key).disabled for key in ("prev_m", "prev_s", "prev_f", "next_f", "next_s")}
    assert off == {"prev_m": True, "prev_s": True, "prev_f": True, "next_f": False, "next_s": False}
    ready.slide("frame", 299)
    assert ready.at.button(key="next_f").disabled
    assert not ready.at.button(key="prev_f").disabled


def flag_one_stretch(page: Page) -> list[dict[str, object]]:
    """Put the threshold where the best prompt has moments; return the rows of the table."""
    curves = page.analysis.similarities
    values = np.stack([curves._columns[p][curves.order] for p in ("a dog", "pizza", "a red car")])
    page.slide("smoothing", 0.0)
    page.slide("threshold", float(np.round(np.quantile(values.max(axis=0), 0.8) / 0.005) * 0.005))
    return shown_rows(page, "moments")


def frame_at(text: Any) -> int:
    """The frame on the screen at that time, which a table says in milliseconds: an edge may lie within a frame."""
    return int(np.floor(seconds(text) * 30 + 0.03))


def test_moments_are_listed_and_the_buttons_go_to_them(ready: Page) -> None:
    rows = flag_one_stretch(ready)
    assert rows
    assert all(row["peak"] >= ready.control("slider", "threshold").value - 1e-6 for row in rows)
    starts = sorted({frame_at(row["start"]) for row in rows})
    ready.press("reset")
    visited = [ready.frame] if ready.frame in starts else []
    while not ready.at.button(key="next_m").disabled:
        visited.append(ready.press("next_m").frame)
    assert visited == starts
    while not ready.at.button(key="prev_m").disabled:
        ready.press("prev_m")
    assert ready.frame == starts[0]


def test_a_click_on_a_row_seeks_once(ready: Page) -> None:
    rows = flag_one_stretch(ready)
    stamp = ready.press("reset").at.session_state["ViewerState"].seeks
    ready.click_row("moments", len(rows) - 1, "peak")
    wanted = frame_at(rows[-1]["start"])
    assert ready.frame == wanted
    assert ready.at.session_state["ViewerState"].seeks == stamp + 1
    assert ready.slide("frame", 3).frame == 3  # the selection stays, and does not pull it back
    ready.click_row("moments", len(rows) - 1, "end")
    assert ready.frame == wanted
    assert ready.slide("frame", 3).frame == 3
    ready.click_row("moments", len(rows) - 1, "end")  # the same cell again
    assert ready.frame == wanted


def test_a_click_in_the_chart_seeks_and_does_not_hold(ready: Page) -> None:
    assert ready.click_chart("1970-01-01T00:00:04.400").frame == 132
    assert ready.slide("frame", 5).frame == 5
    assert ready.click_chart("1970-01-01 00:00:09.9").frame == 294  # the nearest sample: 9.8 s
    assert ready.click_chart("1970-01-01").frame == 0


def test_the_axis_counts_frames(ready: Page) -> None:
    ready.at.segmented_control(key="axis").set_value("Frames").run()
    assert ready.sound().click_chart(134).frame == 132
    ready.at.segmented_control(key="axis").set_value("m:ss").run()
    assert ready.sound().frame == 132


@pytest.mark.parametrize("value", ["[]", None])
def test_an_empty_click_does_nothing(ready: Page, value: str | None) -> None:
    ready.slide("frame", 44)
    ready.at.session_state["chart"] = value
    assert ready.run().frame == 44


def test_best_and_worst(ready: Page) -> None:
    curves = ready.analysis.similarities
    column = curves._columns["a dog"][curves.order]
    for name, value in (("Best", column.max()), ("Worst", column.min())):
        ready.at.segmented_control(key="list").set_value(name).run()
        table = ready.extremes_key
        rows = shown_rows(ready.sound(), table)
        assert 2 <= len(rows) <= 5
        assert rows[0]["score"] == round(float(value), 3)
        times = sorted(row["frame"] / 30 for row in rows)
        assert min(np.diff(times)) >= 2.0 - 1e-6
        ready.click_row(table, 1, "score")
        assert ready.frame == rows[1]["frame"]
    ready.at.selectbox(key="extreme_of").set_value("pizza").run()
    worst = shown_rows(ready.sound(), ready.extremes_key)[0]["score"]
    assert worst == round(float(curves._columns["pizza"].min()), 3)


def test_a_high_threshold_names_the_highest(ready: Page) -> None:
    ready.slide("smoothing", 0.0)
    top = ready.control("slider", "threshold").max
    ready.slide("threshold", top)
    assert ready.starting(f"No sample reaches {top:.3f}. Highest: **")
    assert ready.holding(f"the threshold {top:.3f} lies above every curve")
    assert ready.at.button(key="next_m").disabled
    assert "moments" not in [d.proto.id for d in ready.at.dataframe]


def test_the_score_filter_keeps_out_and_the_axis_does_not(ready: Page) -> None:
    rows = flag_one_stretch(ready)
    low, top = ready.control("slider", "range").min, round(min(float(row["peak"]) for row in rows) - 0.01, 2)
    ready.slide("range", (low, top))
    assert shown_rows(ready, "moments") == rows
    ready.control("toggle", "filter_on").set_value(True).run()
    assert shown_rows(ready, "moments") == rows
    ready.slide("filter_ends", (low, top))
    threshold = ready.control("slider", "threshold").value
    after = shown_rows(ready, "moments")
    assert all(threshold - 1e-6 <= row["peak"] <= top for row in after)
    assert after != rows


def test_flags_per_prompt(ready: Page) -> None:
    rows = flag_one_stretch(ready)
    flagged = rows[0]["prompt"]
    ready.flag_pills.unselect(flagged).run()
    left = shown_rows(ready.sound(), "moments")
    assert flagged not in [row["prompt"] for row in left]
    assert [r for r in rows if r["prompt"] != flagged] == left
    ready.flag_pills.set_value([]).run()
    assert ready.sound().starting("No prompt is flagged.")


def test_smoothing_says_how_many_samples(ready: Page) -> None:
    ready.slide("smoothing", 1.0)
    assert ready.control("slider", "smoothing").label == "Smoothing · 5 samples"
    ready.slide("smoothing", 0.0)
    assert ready.control("slider", "smoothing").value == 0.0


def test_play_advances_and_pauses(ready: Page) -> None:
    ready.press("play")
    ready.until(lambda: ready.frame > 5)
    ready.press("play")
    stopped = ready.frame
    assert ready.run().frame == stopped
    ready.slide("frame", 298).press("play")
    ready.until(lambda: ready.frame == 299)
    assert not ready.at.session_state["ViewerState"].playing
    assert ready.press("play").frame < 299  # at the end it starts over


def test_a_rate_raised_embeds_only_what_is_missing(ready: Page, counted: Counted) -> None:
    cells = ready.cells
    ready.control("selectbox", "sps").set_value(10.0).run()
    ready.until(lambda: ready.samples > 50 and not ready.at.get("progress"))
    assert ready.samples == 100
    assert counted.pictures == ready.samples - 50
    assert ready.cells - cells == (ready.samples - 50) * 3
    ready.control("selectbox", "sps").set_value(1.0).run()
    assert ready.sound().samples == 100
    assert counted.pictures == 100 - 50


def test_another_model_indexes_again_and_the_first_comes_back_at_once(ready: Page, counted: Counted) -> None:
    ready.control("selectbox", "model").set_value("other").run()
    ready.sound().until(lambda: not ready.at.get("progress") and bool(ready.starting("Model other")))
    assert counted.pictures == ready.samples == 50
    ready.control("selectbox", "model").set_value("rnd").run()
    assert ready.sound().starting("Model rnd · fp32 on CPU, sees the middle square of each frame · 50 frames indexed")
    assert counted.pictures == 50


def test_settings_of_the_config_come_first(world: World) -> None:
    world.write(threshold=0.05, smoothing_s=1.5, samples_per_second=2.5, CLIP=["one", "two"])
    page = Page().indexed()
    assert page.control("slider", "threshold").value == pytest.approx(0.05)
    assert page.control("slider", "smoothing").value == 1.5
    assert page.control("selectbox", "sps").value == 2.5
    assert page.control("text_area", "prompts").value == "one\ntwo"


def test_whatever_is_listed_may_be_uploaded(page: Page) -> None:
    page.run()
    (uploader,) = [part for part in page.at.get("file_uploader") if part.proto.label == "Upload a video"]
    assert set(EXTENSIONS) <= set(uploader.proto.type)
    for extension in (".wmv", ".mts", ".mpg", ".flv", ".3gp", ".ogv"):
        assert extension in uploader.proto.type
