"""What the timeline draws beyond curves, in a real Chromium: rate of change, bands, heat map, a part of the time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from clip_core.charts.colours import HEAT, THEMES
from clip_core.charts.heat_map import raster
from clip_core.charts.view import Line
from clip_core.types import Scores
from tests.support.bench import Bench
from tests.support.browser import wait_until
from tests.support.curve_maker import scores_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def bench(bench: Bench) -> Iterator[Bench]:
    yield bench
    assert bench.tab.locator(".cvi-plot-note:visible").count() == 0


def flat(n: int = 100, step_s: float = 0.1) -> Scores:
    return scores_of(np.tile([[0.2, 0.8]], (n, 1)), step_s=step_s, prompts=["low", "high"])


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[k : k + 2], 16) for k in (1, 3, 5))


def test_the_rate_is_drawn_in_its_panel_alone_and_the_zoom_shows_its_true_detail(bench: Bench) -> None:
    scores = flat(50_000, 0.5)
    rate = np.zeros((50_000, 2), np.float32)
    rate[30_000, 0], rate[30_004, 0] = 4.0, -2.0
    bench.show(scores, rate=rate, raw=False)
    top, length, low, high = bench.axis("yaxis6")
    curves_top, curves_length = bench.plot()["curves"]
    assert curves_top + curves_length < top
    for half_s in (0.0, 1000.0, 50.0):
        if half_s:
            bench.zoom(15_000.0 - half_s, 15_000.0 + half_s)
        rows = [row for row in bench.rows(15_000.0, 3) if row > curves_top + curves_length]
        assert min(rows) == pytest.approx(top + length * (high - 4.0) / (high - low), abs=2.5)
        assert min(rows) >= top
        assert max(bench.rows(15_000.0 - (half_s or 10_000.0) / 2, 3)) == pytest.approx(
            top + length * high / (high - low), abs=2.5
        )
        above = [row for row in bench.rows(15_000.0, 3) if row <= curves_top + curves_length]
        wanted = [curves_top + curves_length * share for share in (0.2, 0.8)]
        assert [min(above), max(above)] == pytest.approx(wanted, abs=3)
    bench.show(scores, rate=rate, raw=False, lines=[Line("high", 1)])
    assert len({round(row) for row in bench.rows(15_000.0, 3) if row > top}) <= 3


def test_what_goes_beyond_a_panel_is_cut_off(bench: Bench) -> None:
    rate = np.zeros((100, 2), np.float32)
    rate[50] = 1.0
    bench.show(flat(), rate=rate, raw=False, score_range=(0.3, 0.7))
    top, _ = bench.plot()["curves"]
    panel, _, _, _ = bench.axis("yaxis6")
    assert min(bench.rows(2.0)) > panel  # both curves lie outside of the range
    assert min(bench.rows(5.0, 8)) >= panel
    assert top < panel


def test_a_band_lies_between_its_edges_behind_its_curve(bench: Bench) -> None:
    scores = flat()
    low, high = np.full(100, 0.3, np.float32), np.full(100, 0.6, np.float32)
    bench.show(scores, ribbon={"high": (low, high)}, raw=False)
    top, length = bench.plot()["curves"]
    inside, above, below = (bench.pixel(5.0, top + length * (1 - value)) for value in (0.45, 0.65, 0.25))
    assert np.abs(np.subtract(inside[:3], rgb(THEMES["light"].prompts[1]))).max() < 8  # premultiplied, so not exact
    assert inside[3] == pytest.approx(0.16 * 255, abs=2)
    assert (above[3], below[3]) == (0, 0)
    assert min(bench.rows(5.0)) == pytest.approx(top + length * 0.2, abs=2.5)
    bench.show(scores, raw=False)
    assert bench.pixel(5.0, top + length * 0.55)[3] == 0


def test_a_band_of_many_samples_is_as_wide_as_its_widest_in_each_column(bench: Bench) -> None:
    scores = flat(50_000, 0.5)
    low, high = np.full(50_000, 0.3, np.float32), np.full(50_000, 0.4, np.float32)
    high[1::2] = 0.6
    high[25_000:25_500] = 0.4
    bench.show(scores, ribbon={"low": (low, high)}, raw=False)
    top, length = bench.plot()["curves"]
    found = [
        [bench.pixel(at, top + length * (1 - value))[3] for value in (0.35, 0.5, 0.65)] for at in (5000.0, 12_625.0)
    ]
    shade = pytest.approx(0.16 * 255, abs=2)
    assert found == [[shade, shade, 0], [shade, 0, 0]]


def test_the_cells_are_those_that_the_other_chart_has(bench: Bench) -> None:
    rng = np.random.default_rng(8)
    script = """([x, y, low, high, bins]) => { const t = Float64Array.from(x), curve = Float32Array.from(y)
        const starts = points.columnStarts(t, low, high, bins)
        const cells = heat.cellsOf(curve, starts, heat.ownersOf(heat.spansOf(t), starts, low, high))
        return [...cells].map((value) => Number.isNaN(value) ? null : value) }"""
    gaps = np.concatenate([np.arange(60) / 8, 20 + np.arange(30) / 8])
    for x in (np.arange(200) * 0.25, np.sort(rng.uniform(0, 50, 90)), gaps, np.array([3.0]), np.array([3.0, 3.0, 4.0])):
        curve = rng.normal(0.2, 0.1, len(x)).astype(np.float32)
        for low, high, bins in ((0.0, 50.0, 64), (0.0, 50.0, 500), (10.0, 11.6, 90), (60.0, 70.0, 5)):
            found = bench.tab.evaluate(script, [x.tolist(), curve.tolist(), low, high, bins])
            wanted = raster(x, curve[:, None], low, high, bins)[0]
            np.testing.assert_array_equal(np.array(found, np.float32), wanted)
    assert bench.tab.evaluate(script, [[], [], 0, 1, 3]) == [None, None, None]


def test_the_heat_map_has_its_colours_at_their_places_and_answers_clicks(bench: Bench) -> None:
    values = np.tile([[0.0, 1.0]], (100, 1))
    values[50:, 0] = 1.0
    times = np.concatenate([np.arange(80) / 10, 9.0 + np.arange(20) / 20])  # nothing between 8 and 9 s
    scores = scores_of(values, times, end_s=10.0, prompts=["first", "second"])
    bench.show(scores, kind="heat map")
    (top, length), (faint, strong) = bench.plot()["curves"], (rgb(HEAT["light"][k]) for k in (0, -1))
    rows = [top + length * share for share in (0.25, 0.75)]
    assert [bench.pixel(2.0, y)[:3] for y in rows] == [faint, strong]
    assert [bench.pixel(7.0, y)[:3] for y in rows] == [strong, strong]
    assert [bench.pixel(8.5, y)[3] for y in rows] == [0, 0]
    names = bench.tab.locator("#a .ytick text").all_text_contents()
    assert [name.split()[0] for name in names] == ["first", "second"]
    bench.listen()
    bench.tab.mouse.click(bench.x_of(5.04), bench.plot()["top"] + 30)
    assert bench.asked() == [["seek", 50]]
    bench.tab.mouse.move(bench.x_of(3.04), bench.plot()["top"] + 30)
    assert bench.tab.locator("#a .cvi-hover-box div u").all_inner_texts() == ["0.000", "1.000"]


def test_a_peak_of_one_sample_is_a_cell_and_the_zoom_is_kept_between_the_views(bench: Bench) -> None:
    values = np.full((50_000, 1), 0.0)
    values[31_000] = 1.0
    scores = scores_of(values, step_s=0.5)
    bench.show(scores, kind="heat map")
    top, length = bench.plot()["curves"]

    def peak(around: float) -> bool:
        return any(
            bench.pixel(15_500.0 + shift, top + length / 2)[:3] == rgb(HEAT["light"][-1])
            for shift in np.linspace(-around, around, 13)
        )

    assert peak(60.0)
    bench.zoom(15_000.0, 16_000.0)
    bench.zoom(15_480.0, 15_520.0)
    assert peak(0.2)
    assert bench.pixel(15_501.0, top + length / 2)[:3] == rgb(HEAT["light"][0])
    seen = bench.plot()["range"]
    for kind in ("curves", "heat map"):
        bench.show(scores, kind=kind)
        assert bench.plot()["range"] == pytest.approx(seen)


def test_on_dark_the_scale_leads_from_dark_to_light(bench: Bench) -> None:
    bench.show(flat(), kind="heat map", theme="dark", score_range=(0.2, 0.8))
    top, length = bench.plot()["curves"]
    found = [bench.pixel(5.0, top + length * share)[:3] for share in (0.25, 0.75)]
    assert found == [rgb(HEAT["dark"][0]), rgb(HEAT["dark"][-1])]


def test_the_part_of_the_time_that_is_asked_for_is_seen_first_and_on_a_double_click(bench: Bench) -> None:
    bench.show(flat(), time_range=(2.0, 6.0))
    assert bench.plot()["range"] == [2, 6]
    bench.zoom(3.0, 4.0)
    seen = bench.plot()["range"]
    bench.show(flat(), time_range=(2.0, 6.0), threshold=0.5)
    assert bench.plot()["range"] == seen
    bench.tab.mouse.dblclick(bench.x_of(3.5), bench.plot()["top"] + 80)
    wait_until(lambda: bench.plot()["range"] == [2, 6], what="the part again")
    bench.zoom(3.0, 4.0)
    bench.show(flat(), time_range=(5.0, 9.0))
    assert bench.plot()["range"] == [5, 9]
    bench.show(flat())
    assert bench.plot()["range"] == [0, 10]


def test_everything_at_once_keeps_to_its_place(bench: Bench) -> None:
    scores = flat()
    band = {"low": (scores.values[:, 0] - 0.1, scores.values[:, 0] + 0.1)}
    rate = np.zeros((100, 2), np.float32)
    extras: dict[str, Any] = {"rate": rate, "ribbon": band, "shot_boundaries_s": [3.0], "winners": [(1, 0.0, 10.0)]}
    for kind in ("curves", "heat map"):
        bench.show(scores, kind=kind, spikes=[(20, 0)], **extras)
        assert bench.tab.locator("#a .xy4 .js-line").count() == 1
        assert bench.tab.locator("#a .xy5 .js-line").count() == 1
        assert bench.tab.locator("#a .xy6 .point").count() == 1
        notes = bench.tab.locator("#a .annotation").all_text_contents()
        assert [note for note in ("change per s", "leads") if note in notes] == ["change per s", "leads"]
