"""The timeline by itself in a real Chromium: what it draws of what it is given, and what it asks of the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from clip_core.charts.view import Line
from clip_core.types import Scores
from tests.support.bench import SIZE, Bench
from tests.support.browser import wait_until
from tests.support.curve_maker import scores_of
from tests.support.stage import Stage, put, times_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def usual(stage: Stage, chromium: Any) -> Iterator[Bench]:
    """One tab for all tests that want nothing special: plotly.js is large."""
    context = chromium.new_context(viewport=SIZE)
    yield Bench(context.new_page(), stage)
    context.close()


@pytest.fixture
def bench(stage: Stage, chromium: Any, usual: Bench) -> Iterator[Callable[..., Bench]]:
    contexts: list[Any] = []
    made: list[Bench] = [usual]
    stage.broken.clear()
    stage.held.clear()
    usual.tab.mouse.move(1, 1)
    usual.tab.evaluate("clear()")

    def new(**settings: Any) -> Bench:
        if not settings:
            return usual
        contexts.append(chromium.new_context(**({"viewport": SIZE} | settings)))
        made.append(Bench(contexts[-1].new_page(), stage))
        return made[-1]

    yield new
    for one in made:
        assert one.errors == []
    for context in contexts:
        context.close()


Make = Callable[..., Bench]


def hundred(**changes: Any) -> Scores:
    """Ten frames a second for ten seconds: frame k at k / 10 s."""
    values = 0.2 + 0.1 * np.sin(np.arange(100)[:, None] / 9 + np.arange(2))
    return scores_of(values, **({"step_s": 0.1, "prompts": ["a dog", "pizza"]} | changes))


# What is drawn


def slow_kept(x: np.ndarray, curve: np.ndarray, low: float, high: float, bins: int) -> list[int]:
    """The slow, obvious choice: go through the columns; of each, note the lowest and the highest sample."""
    edges = [low + ((high - low) * k) / bins for k in range(bins)]
    columns: list[list[int]] = [[] for _ in range(bins)]
    for place, at in enumerate(x):
        if low <= at <= high:
            columns[max(k for k in range(bins) if edges[k] <= at)].append(place)
    seen = sorted(place for column in columns for place in column)
    before = [max((k for k, at in enumerate(x) if at < low), default=-1)]
    after = [min((k for k, at in enumerate(x) if at > high), default=len(x))]
    sides = [k for k in before + after if 0 <= k < len(x)]
    if len(seen) + len(sides) <= 2 * bins:
        return sorted(seen + sides)
    kept = set(sides)
    for column in columns:
        real = [k for k in column if not np.isnan(curve[k])]
        if column and not real:
            kept.add(column[0])
        if real:
            kept |= {min(real, key=lambda k: (curve[k], k)), min(real, key=lambda k: (-curve[k], k))}
    return sorted(kept)


def test_the_picked_points_are_those_of_the_slow_obvious_reference(bench: Make) -> None:
    rng = np.random.default_rng(4)
    tab = bench().tab
    even = np.arange(900) * 0.2
    uneven = np.sort(np.concatenate([rng.uniform(0, 30, 800), rng.uniform(30, 180, 100)]))
    gaps = np.concatenate([np.arange(400) / 30, 100 + np.arange(300) / 30])
    script = """([x, y, low, high, bins]) => { const t = Float64Array.from(x)
        const curve = Float32Array.from(y, (value) => value ?? NaN)
        return [...points.keptPoints(points.columnStarts(t, low, high, bins), curve)] }"""
    for x in (even, uneven, gaps, even[:1], even[:0]):
        curve = rng.normal(0.2, 0.05, len(x)).astype(np.float32)
        curve[len(x) // 3 : len(x) // 3 + 20] = np.nan
        curve[len(x) // 2 :] = np.round(curve[len(x) // 2 :], 2)  # doubles: the first of equals counts
        given = [None if np.isnan(value) else float(value) for value in curve]
        for low, high in ((0.0, 180.0), (10.0, 55.3), (29.9, 30.4), (170.0, 400.0), (-50.0, -1.0), (500.0, 600.0)):
            for bins in (1, 7, 120):
                found = tab.evaluate(script, [x.tolist(), given, low, high, bins])
                assert found == slow_kept(x, curve, low, high, bins), (len(x), low, high, bins)


def test_a_spike_of_one_sample_in_a_hundred_thousand_is_seen_at_every_zoom(bench: Make) -> None:
    values = np.full((100_000, 2), 0.2)
    spike, dip = 61_803, 61_900
    values[spike, 0], values[dip, 1] = 0.95, 0.01
    made = bench()
    made.show(scores_of(values, step_s=0.5))
    for width in (100_000, 5_000, 500, 90):
        if width < 100_000:
            middle = (spike + dip) / 2
            made.zoom((middle - width) * 0.5, (middle + width) * 0.5)
        top, length = made.plot()["curves"]
        rows = made.rows(spike * 0.5, 4)
        assert min(rows) == pytest.approx(top + length * 0.05, abs=4), width
        assert max(made.rows(dip * 0.5, 4)) == pytest.approx(top + length * 0.99, abs=4), width
        far = made.rows((spike - width * 0.3 if width < 100_000 else 20_000) * 0.5, 2)
        assert (min(far), max(far)) == pytest.approx((top + length * 0.8,) * 2, abs=3)


def test_a_curve_stands_where_its_values_are_and_a_hidden_one_does_not(bench: Make) -> None:
    made, scores = bench(), scores_of(np.tile([[0.2, 0.8]], (50, 1)), prompts=["low", "high"])
    made.show(scores)
    top, length = made.plot()["curves"]
    rows = made.rows(25.0)
    assert min(rows) == pytest.approx(top + length * 0.2, abs=2.5)
    assert max(rows) == pytest.approx(top + length * 0.8, abs=2.5)
    made.show(scores, lines=[Line("low", 0)])
    assert min(made.rows(25.0)) == pytest.approx(top + length * 0.8, abs=2.5)


@pytest.mark.parametrize("values", [[], [0.5], [0.4] * 30, [0.1, 0.9], [0.2] * 10 + [float("nan")] * 10 + [0.2] * 10])
def test_odd_curves_are_drawn_and_answer_clicks(bench: Make, values: list[float]) -> None:
    made = bench()
    given = np.array(values).reshape(-1, 1)
    made.show(scores_of(given, step_s=0.1, end_s=10.0))
    times_of(made.tab, np.arange(101) / 10)
    made.listen()
    assert made.note == ""
    assert bool(made.rows(0.0, 6)) == bool(values)
    if np.isnan(values).any():
        assert (bool(made.rows(0.5)), made.rows(1.45), bool(made.rows(2.5))) == (True, [], True)
    plot = made.plot()
    made.tab.mouse.click(made.x_of(5.04), plot["top"] + 40)
    assert made.asked() == [["seek", 50]]


@pytest.mark.parametrize(
    ("values", "at"), [([[0.5, 0.8]], 0.0), ([[np.nan] * 2] * 3 + [[0.5, 0.8]] + [[np.nan] * 2], 0.3)]
)
def test_a_lone_sample_is_a_dot_for_each_prompt_also_beside_the_playhead(bench: Make, values: Any, at: float) -> None:
    made = bench()
    made.show(scores_of(np.array(values), step_s=0.1, end_s=1.0))
    top, length = made.plot()["curves"]
    px = 1.0 / made.plot()["width"]  # in seconds
    rows = made.rows(at + 2 * px, 1)  # the playhead takes 0.75 px at each side
    for value in (0.5, 0.8):
        dot = [row for row in rows if abs(row - (top + length * (1 - value))) <= 5]
        assert 6 <= max(dot) - min(dot) <= 9
    assert made.rows(at + 7 * px, 1) == []


# Clicks


@pytest.mark.parametrize("settings", [{}, {"device_scale_factor": 2, "viewport": {"width": 700, "height": 600}}])
def test_a_click_anywhere_in_the_plot_seeks_to_the_frame_there(bench: Make, settings: dict[str, Any]) -> None:
    made = bench(**settings)
    made.show(hundred(), threshold=0.25, moments=None)
    if settings:  # a page that is scrolled both ways
        made.tab.evaluate("document.body.style.cssText = 'margin:300px 12px 900px; width:1600px'; scrollTo(30, 250)")
        made.tab.wait_for_function("scrollY > 200")
    made.listen()
    plot = made.plot()
    right = min(plot["left"] + plot["width"], (made.tab.viewport_size or SIZE)["width"] - 2) - 1
    label = made.tab.locator("#a .annotation").bounding_box()
    lane = plot["top"] + plot["height"] - 4
    places = [(made.x_of(3.05), plot["top"] + 5), (made.x_of(3.05), lane), (plot["left"] + 0.5, plot["top"] + 90)]
    if not settings:
        places += [(label["x"] + 9, label["y"] + 5), (right, plot["top"] + 90)]
    for x, y in places:
        made.tab.mouse.click(x, y)
        seconds = (x - plot["left"]) / plot["width"] * 10
        (ask,) = made.asked()
        assert ask == ["seek", min(99, int(seconds * 10 + 1e-6))]
        made.tab.wait_for_timeout(450)  # else two near clicks make a double click
    made.tab.mouse.click(plot["left"] - 12, plot["top"] + 90)  # beside the plot
    assert made.asked() == []


def test_a_click_on_another_videos_chart_does_nothing(bench: Make) -> None:
    made = bench()
    made.show(hundred())
    made.listen()
    for video, asked in (("other", []), ("one", [["seek", 30]])):
        made.tab.evaluate(
            "(video) => kept.main.setTimes(Float64Array.from({length: 101}, (_, k) => k / 10), video)", video
        )
        made.tab.mouse.click(made.x_of(3.04), made.plot()["top"] + 60)
        assert made.asked() == asked


def test_on_the_axis_of_frames_a_click_takes_the_nearest(bench: Make) -> None:
    made = bench()
    made.show(hundred(), axis="Frames")
    made.listen()
    for frame in (0.4, 41.6, 99.0):
        made.tab.mouse.click(made.x_of(frame), made.plot()["top"] + 50)
        assert made.asked() == [["seek", round(frame)]]


def test_a_drag_zooms_without_seeking_then_a_click_is_exact_and_a_double_click_shows_the_whole(bench: Make) -> None:
    made = bench()
    made.show(hundred())
    made.listen()
    made.zoom(2.0, 4.0)
    assert made.asked() == []
    y = made.plot()["top"] + 80
    made.tab.mouse.click(made.x_of(3.14), y)
    assert made.asked() == [["seek", 31]]
    made.tab.wait_for_timeout(450)
    made.tab.mouse.dblclick(made.x_of(2.55), y)
    wait_until(lambda: made.plot()["range"] == [0, 10], what="the whole")
    assert {tuple(ask) for ask in made.asked()} == {("seek", 25)}
    made.zoom(5.0, 6.0)
    made.tab.locator("#a .cvi-plot").hover(position={"x": 400, "y": 200})
    made.tab.locator('#a [data-title^="Show the whole"]').click()
    wait_until(lambda: made.plot()["range"] == [0, 10], what="the whole again")


def test_no_button_leads_elsewhere_and_the_picture_has_the_curves(bench: Make) -> None:
    made = bench()
    made.show(hundred())
    titles = made.tab.locator("#a .modebar-btn").evaluate_all("all => all.map(one => one.dataset.title)")
    assert len(titles) == 6
    assert not [title for title in titles if "Plotly" in title or "Chart Studio" in title or "loud" in title]
    assert made.tab.locator("#a a[href]").count() == 0
    made.tab.locator("#a .cvi-plot").hover(position={"x": 400, "y": 200})
    with made.tab.expect_download() as waiting:
        made.tab.locator('#a [data-title^="Download"]').click()
    from PIL import Image, ImageColor

    picture = np.asarray(Image.open(waiting.value.path()).convert("RGB")).astype(int)
    assert picture.shape[1] == 2 * made.tab.locator("#a .cvi-plot").evaluate("plot => plot.clientWidth")
    for colour in ("#5094f6", "#855500"):
        assert (np.abs(picture - ImageColor.getrgb(colour)).max(axis=2) < 50).sum() > 300


# The playhead


def test_the_playhead_stands_at_its_frame_and_hides_outside_of_what_is_seen(bench: Make) -> None:
    made = bench()
    made.show(hundred())
    for frame in (0, 37, 99):
        made.clock(frame)
        assert made.head() == pytest.approx(made.x_of(frame / 10), abs=0.6)
    head = made.tab.locator("#a .cvi-playhead")
    names = ("role", "aria-valuenow", "aria-valuemin", "aria-valuemax", "aria-valuetext")
    assert [head.get_attribute(name) for name in names] == ["slider", "99", "0", "99", "0:09.900, frame 99"]
    made.zoom(2.0, 4.0)
    assert made.head() is None
    made.clock(30)
    assert made.head() == pytest.approx(made.x_of(3.0), abs=0.6)
    made.show(hundred(), axis="Frames")
    assert made.head() == pytest.approx(made.x_of(30), abs=0.6)
    assert made.plot()["range"] == [0, 99]


def test_who_plays_past_the_end_of_a_zoom_sees_the_next_stretch(bench: Make) -> None:
    made = bench()
    made.show(hundred())
    made.zoom(2.0, 4.0)
    low, high = made.plot()["range"]
    made.clock(50, playing=True)  # elsewhere on purpose
    assert made.plot()["range"] == [low, high]
    made.clock(40, playing=True)
    made.clock(41, playing=True)
    wait_until(lambda: made.plot()["range"][0] == pytest.approx(high, abs=0.01), what="the next page")
    assert made.plot()["range"][1] == pytest.approx(2 * high - low, abs=0.01)
    assert made.head() == pytest.approx(made.x_of(4.1), abs=0.6)
    made.show(hundred(), threshold=0.5)  # a rerun leaves it there
    assert made.plot()["range"][0] == pytest.approx(high, abs=0.01)


def grabbed(made: Bench) -> tuple[float, float]:
    made.clock(20)
    made.listen()
    x, y = made.head(), made.plot()["top"] + 60
    assert x is not None
    made.tab.mouse.move(x, y)
    made.tab.mouse.down()
    return x, y


def test_dragging_the_playhead_scrubs_and_its_end_seeks_also_outside_of_the_chart(bench: Make) -> None:
    made = bench()
    made.show(hundred())
    _, y = grabbed(made)
    made.tab.mouse.move(made.x_of(4.04), y)
    made.tab.mouse.move(made.x_of(6.04), y + 500)
    made.tab.mouse.move(SIZE["width"] + 90, -50)
    made.tab.mouse.up()
    asked = made.asked()
    assert asked[-1] == ["seek", 99]
    assert [ask for ask in asked[:-1] if ask[0] != "scrub"] == []
    assert [frame for _, frame in asked[:2]] == [40, 60]
    made.tab.mouse.move(made.x_of(2.0), y)
    assert made.asked() == []  # it is over
    assert made.plot()["range"] == [0, 10]


@pytest.mark.parametrize(("how", "frame"), [("escape", 20), ("cancel", 40), ("blur", 40)])
def test_a_scrub_that_is_broken_off_ends(bench: Make, how: str, frame: int) -> None:
    made = bench()
    made.show(hundred())
    _, y = grabbed(made)
    made.tab.mouse.move(made.x_of(4.04), y)
    made.clock(40)
    if how == "escape":
        made.tab.keyboard.press("Escape")
    else:
        event = "new PointerEvent('pointercancel', {pointerId: 1})" if how == "cancel" else "new Event('blur')"
        made.tab.evaluate(f"window.dispatchEvent({event})")
    assert made.asked() == [["scrub", 40], ["seek", frame]]
    made.tab.mouse.move(made.x_of(7.0), y)
    made.tab.mouse.up()
    assert made.asked() == []


def test_a_finger_taps_and_scrubs(bench: Make) -> None:
    made = bench(has_touch=True)
    made.show(hundred())
    made.clock(20)
    made.listen()
    y = made.plot()["top"] + 60
    made.tab.touchscreen.tap(made.x_of(7.04), y)
    wait_until(lambda: made.tab.evaluate("asks.length"), what="the tap")
    assert made.asked() == [["seek", 70]]
    cdp = made.tab.context.new_cdp_session(made.tab)
    for kind, second in (("touchStart", 2.0), ("touchMove", 3.04), ("touchMove", 5.04), ("touchEnd", None)):
        points = [] if second is None else [{"x": made.x_of(second), "y": y}]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    wait_until(lambda: made.tab.evaluate("asks.at(-1)?.[0] === 'seek'"), what="the end of the scrub")
    assert made.asked()[-1] == ["seek", 50]


def test_keys_work_after_a_click(bench: Make) -> None:
    made = bench()
    made.show(hundred())
    made.listen()
    made.tab.mouse.click(made.x_of(3.04), made.plot()["top"] + 60)
    made.tab.keyboard.press("ArrowRight")
    made.tab.keyboard.press("Space")
    assert [what for what, _ in made.asked()] == ["seek", "step", "toggle"]


# Under the pointer


def test_the_pointer_names_the_nearest_sample_and_every_line(bench: Make) -> None:
    made, prompts = bench(), ["<b>x</b> & 'y'", "pizza"]
    made.show(hundred(prompts=prompts))
    made.tab.mouse.move(made.x_of(3.04), made.plot()["top"] + 60)
    box = made.tab.locator("#a .cvi-hover-box")
    assert box.locator("b").all_inner_texts() == ["0:03.000 · frame 30"]
    assert box.locator("div span").all_inner_texts() == prompts
    values = 0.2 + 0.1 * np.sin(30 / 9 + np.arange(2))
    assert box.locator("div u").all_inner_texts() == [f"{value:.3f}" for value in values]
    made.tab.mouse.move(5, 5)
    assert not box.is_visible()


@pytest.mark.parametrize("how", ["narrower", "zoom"])
def test_what_is_under_the_pointer_goes_when_the_axis_moves_below_it(bench: Make, how: str) -> None:
    made = bench()
    made.show(hundred())
    made.tab.mouse.move(made.x_of(3.04), made.plot()["top"] + 60)
    box = made.tab.locator("#a .cvi-hover-box")
    assert box.is_visible()
    made.show(hundred(), threshold=0.4)
    assert box.is_visible()  # the axis is where it was
    width = made.plot()["width"]
    if how == "zoom":
        made.tab.evaluate("Plotly.relayout(document.querySelector('#a .cvi-plot'), {'xaxis.range[0]': 2})")
    else:
        made.tab.evaluate("document.querySelector('#a').style.width = '800px'")
        wait_until(lambda: made.plot()["width"] < width, what="a narrower axis")
    wait_until(lambda: not box.is_visible(), what="no box")
    made.tab.mouse.move(made.x_of(6.02), made.plot()["top"] + 60)
    assert box.locator("b").all_inner_texts() == ["0:06.000 · frame 60"]


# Changes


def test_the_zoom_survives_new_samples_and_another_threshold_but_belongs_to_one_video_and_axis(bench: Make) -> None:
    made = bench()
    made.show(hundred())
    node = made.tab.locator("#a canvas").element_handle()
    made.zoom(2.0, 4.0)
    seen = made.plot()["range"]
    longer = scores_of(np.full((130, 3), 0.3), step_s=0.1)
    for scores, look in ((hundred(), {"threshold": 0.4}), (longer, {}), (longer, {"score_range": (0.1, 0.6)})):
        made.show(scores, **look)
        assert made.plot()["range"] == seen
    assert made.tab.evaluate("(node) => node === document.querySelector('#a canvas')", node)
    made.show(longer, axis="Frames")
    assert made.plot()["range"] == [0, 129]
    made.show(longer)
    assert made.plot()["range"] == [0, 13]
    made.zoom(2.0, 4.0)
    made.show(hundred(), name="other")
    assert made.plot()["range"] == [0, 10]


def test_an_older_change_that_comes_late_does_not_win_and_another_video_clears(bench: Make, stage: Stage) -> None:
    made = bench()
    made.show(hundred())
    assert made.rows(5.0)
    slow = stage.timeline("slow", scores_of(np.full((100, 1), 0.9), step_s=0.1))
    stage.held["slow-smoothed"] = threading.Event()
    made.tab.evaluate("(data) => { put('a', 'timeline', 'main', data) }", slow)
    wait_until(lambda: made.tab.locator("#a .xtick").count() == 0, what="cleared, its axis too")
    made.show(scores_of(np.full((100, 1), 0.1), step_s=0.1), name="new")
    top, length = made.plot()["curves"]
    stage.held["slow-smoothed"].set()
    arrived = (
        "performance.getEntriesByType('resource').some((one) => one.name.includes('slow-smoothed') && one.responseEnd)"
    )
    made.tab.wait_for_function(arrived)
    assert min(made.rows(5.0)) == pytest.approx(top + length * 0.9, abs=3)


def test_counts_that_do_not_fit_are_told_and_nothing_is_drawn(bench: Make, stage: Stage) -> None:
    made = bench()
    data = stage.timeline("odd", hundred())
    stage.blocks["odd-smoothed"] = stage.blocks["odd-smoothed"][:-40]
    put(made.tab, "a", "timeline", data)
    assert "190 scores instead of 100 for each of 2 prompts" in made.note
    assert made.tab.locator("#a canvas").count() == 0


def test_a_block_that_is_gone_is_asked_for_and_comes(bench: Make, stage: Stage) -> None:
    made = bench()
    data = stage.timeline("gone", hundred())
    smoothed = stage.blocks.pop("gone-smoothed")
    times_of(made.tab, np.arange(101) / 10)
    made.tab.evaluate("(data) => { put('a', 'timeline', 'main', data) }", data)
    wait_until(lambda: made.tab.evaluate("reports.some(([, name]) => name === 'missing')"), what="asked for it")
    made.tab.locator("#a .cvi-plot-note", has_text="no longer has them").wait_for()
    stage.blocks["gone-smoothed"] = smoothed
    made.tab.locator("#a canvas[data-lines]").wait_for()
    assert made.note == ""


def test_without_plotly_there_is_a_message_and_the_next_part_tries_again(bench: Make, stage: Stage) -> None:
    made = bench(locale="en")  # a page that has not loaded it before
    stage.broken.add("/plotly.js")
    put(made.tab, "a", "timeline", stage.timeline("one", hundred()))
    assert "plotly.js did not arrive" in made.note
    stage.broken.clear()
    made.tab.evaluate("take('a')")
    made.show(hundred())
    assert made.rows(5.0)


# Several, and the end


def test_two_timelines_with_two_players_do_not_disturb_each_other(bench: Make) -> None:
    made = bench(viewport={"width": 1280, "height": 1000})
    made.show(hundred())
    made.show(hundred(), place="b", player="other")
    made.zoom(2.0, 4.0)
    made.clock(30)
    made.clock(80, player="other")
    assert made.plot("b")["range"] == [0, 10]
    assert made.head() == pytest.approx(made.x_of(3.0), abs=0.6)
    assert made.head("b") == pytest.approx(made.x_of(8.0, "b"), abs=0.6)
    made.listen("other")
    made.tab.mouse.click(made.x_of(2.5), made.plot()["top"] + 60)
    assert made.asked() == []
    made.tab.mouse.click(made.x_of(5.05, "b"), made.plot("b")["top"] + 60)
    assert made.asked() == [["seek", 50]]


def test_nothing_listens_on_after_the_end(bench: Make) -> None:
    made = bench()
    cdp = made.tab.context.new_cdp_session(made.tab)

    def listeners() -> int:
        count = 0
        for target in ("window", "document", "document.body", "kept.main"):
            found = cdp.send("Runtime.evaluate", {"expression": target})["result"]["objectId"]
            count += len(cdp.send("DOMDebugger.getEventListeners", {"objectId": found})["listeners"])
        return count

    counts = []
    for _ in range(4):
        made.show(hundred())
        counts.append(listeners())
        made.zoom(2.0, 4.0)
        assert made.tab.evaluate("Boolean(window.old = document.querySelector('#a .cvi-plot')) && old.data.length > 0")
        made.tab.evaluate("take('a')")
        counts.append(listeners())
        assert made.tab.evaluate("[old.data === undefined, old._fullLayout === undefined]") == [True, True]
    assert len(set(counts[0::2])) == 1
    assert len(set(counts[1::2])) == 1
