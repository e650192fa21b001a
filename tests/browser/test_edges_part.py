"""The edges of the selected moment on the timeline, in a real Chromium without Streamlit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clip_core.types import Scores
from tests.support.bench import Bench
from tests.support.browser import wait_until
from tests.support.curve_maker import scores_of
from tests.support.stage import put, times_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

GRIPS = """() => [...document.querySelectorAll('#a .cvi-edge')].map((grip) => {
    const host = grip.closest('.cvi-timeline').getBoundingClientRect(), style = getComputedStyle(grip)
    return [grip.hidden, host.left + new DOMMatrix(style.transform).m41,
            host.top + parseFloat(style.top) + parseFloat(style.height) / 2, grip.ariaValueText] })"""
BESIDE_PX = (-5, 5)
"""Where one grips an edge: the start at its left, the end at its right, so that both stand beside the playhead."""
MOMENT = ["a dog 3.0", 2.0, 4.0, 10.0]


def samples(n: int = 50, step_s: float = 0.2) -> Scores:
    return scores_of(np.full((n, 1), 0.5), step_s=step_s, prompts=["a dog"])


def show(bench: Bench, edges: list[Any] | None, scores: Scores | None = None, **look: Any) -> None:
    scores = samples() if scores is None else scores
    times_of(bench.tab, [*scores.times_s, scores.end_s], "main")
    put(bench.tab, "a", "timeline", bench.stage.timeline("one", scores, **look) | {"edges": edges}, "main")


def grips(bench: Bench) -> list[Any]:
    return list(bench.tab.evaluate(GRIPS))


def grip(bench: Bench, side: int, *to: float) -> None:
    """Grip an edge and move it to these values of the axis, without letting go."""
    _, x, y, _ = grips(bench)[side]
    bench.tab.mouse.move(x + BESIDE_PX[side], y)
    bench.tab.mouse.down()
    for value in to:
        bench.tab.mouse.move(bench.x_of(value) + BESIDE_PX[side], y, steps=3)


def told(bench: Bench) -> list[dict[str, Any]]:
    """What Python is told of edges, each once."""
    return [value for _, name, value in bench.tab.evaluate("reports.splice(0)") if name == "edges"]


def times(bench: Bench) -> list[str]:
    return [text for *_, text in grips(bench)]


def test_both_edges_stand_where_the_moment_begins_and_ends(bench: Bench) -> None:
    show(bench, MOMENT)
    for (hidden, x, _, text), time_s in zip(grips(bench), (2.0, 4.0), strict=True):
        assert (hidden, text) == (False, f"0:0{time_s:.3f}")
        assert x == pytest.approx(bench.x_of(time_s), abs=0.5)
    show(bench, None)
    assert [hidden for hidden, *_ in grips(bench)] == [True, True]


@pytest.mark.parametrize(("side", "to", "edges"), [
    (0, 1.31, (1.4, 4.0)), (0, 3.11, (3.2, 4.0)), (1, 6.69, (2.0, 6.6)), (1, 9.97, (2.0, 10.0)), (0, 0.02, (0.0, 4.0)),
    (0, 7.0, (3.8, 4.0)),  # a moment begins before it ends
    (1, 1.0, (2.0, 2.2)),
])  # fmt: skip
def test_an_edge_snaps_to_samples_and_is_told_once_it_is_let_go(
    bench: Bench, side: int, to: float, edges: tuple[float, float]
) -> None:
    show(bench, MOMENT)
    bench.listen()
    grip(bench, side, 5.0, to)
    assert told(bench) == []
    assert bench.tab.locator("#a .cvi-edges-label").inner_text() == f"0:{edges[side]:06.3f}"
    bench.tab.mouse.up()
    (report,) = told(bench)
    assert report["name"] == MOMENT[0]
    assert (report["start_s"], report["end_s"]) == pytest.approx(edges)
    assert bench.asked() == []  # the playhead stays
    assert bench.plot()["range"] == pytest.approx([0.0, 10.0])  # and so does the zoom


def test_escape_puts_it_back_and_nothing_is_told(bench: Bench) -> None:
    show(bench, MOMENT)
    grip(bench, 0, 0.6)
    assert times(bench) == ["0:00.600", "0:04.000"]
    bench.tab.keyboard.press("Escape")
    assert times(bench) == ["0:02.000", "0:04.000"]
    bench.tab.mouse.move(5, 5)
    bench.tab.mouse.up()
    assert told(bench) == []
    assert bench.tab.locator("#a .cvi-edges-shade:visible").count() == 0


def test_a_press_that_moves_nothing_tells_nothing(bench: Bench) -> None:
    show(bench, MOMENT)
    bench.listen()
    grip(bench, 0)
    bench.tab.mouse.up()
    assert (told(bench), bench.asked()) == ([], [])


def test_the_same_way_again_is_told_again(bench: Bench) -> None:
    show(bench, MOMENT)
    counts = []
    for _ in range(2):
        grip(bench, 0, 1.0)
        bench.tab.mouse.up()
        counts += [report["count"] for report in told(bench)]
        show(bench, MOMENT)
    assert len(set(counts)) == 2


def test_what_arrives_meanwhile_leaves_the_edge_in_the_hand(bench: Bench) -> None:
    show(bench, MOMENT)
    grip(bench, 0, 1.0)
    show(bench, MOMENT, threshold=0.3)
    assert times(bench)[0] == "0:01.000"
    bench.tab.mouse.up()
    assert [report["start_s"] for report in told(bench)] == [1.0]


def test_another_moment_takes_the_edge_out_of_the_hand(bench: Bench) -> None:
    show(bench, MOMENT)
    grip(bench, 0, 1.0)
    show(bench, ["pizza 7.0", 6.0, 8.0, 10.0])
    bench.tab.mouse.up()
    assert told(bench) == []
    assert times(bench) == ["0:06.000", "0:08.000"]


def test_the_edges_go_with_the_zoom_and_hide_outside_of_it(bench: Bench) -> None:
    show(bench, MOMENT)
    bench.zoom(1.0, 3.0)
    wait_until(lambda: [hidden for hidden, *_ in grips(bench)] == [False, True], what="one edge in view")
    assert grips(bench)[0][1] == pytest.approx(bench.x_of(2.0), abs=0.5)
    grip(bench, 0, 1.43)
    bench.tab.mouse.up()
    assert [report["start_s"] for report in told(bench)] == [pytest.approx(1.4)]


def test_a_click_beside_the_grips_seeks_and_a_double_click_zooms_out(bench: Bench) -> None:
    show(bench, MOMENT)
    bench.listen()
    _, x, y, _ = grips(bench)[0]
    bench.tab.mouse.click(x, y - 60)
    assert bench.asked() == [["seek", 10]]
    bench.zoom(1.0, 3.0)
    bench.tab.mouse.dblclick(bench.x_of(1.2), y - 60)
    wait_until(lambda: bench.plot()["range"] == pytest.approx([0.0, 10.0]), what="the whole")


def test_on_an_axis_of_frames(bench: Bench) -> None:
    show(bench, MOMENT, axis="Frames")
    assert grips(bench)[0][1] == pytest.approx(bench.x_of(10), abs=0.5)
    grip(bench, 1, 30.4)
    bench.tab.mouse.up()
    assert [report["end_s"] for report in told(bench)] == [pytest.approx(6.0)]


def test_arrow_keys_move_the_edge_that_has_the_focus_by_one_sample(bench: Bench) -> None:
    show(bench, MOMENT)
    bench.listen()
    bench.tab.locator('#a .cvi-edge[data-side="end"]').focus()
    bench.tab.keyboard.press("ArrowRight")
    bench.tab.keyboard.press("ArrowRight")
    bench.tab.keyboard.press("ArrowLeft")
    assert [report["end_s"] for report in told(bench)] == pytest.approx([4.2, 4.4, 4.2])
    assert bench.asked() == []  # the player does not step
