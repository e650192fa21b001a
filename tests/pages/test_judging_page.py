"""Judging from the list, without a browser: what is selected, what the keys act on, and which message counts."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from pages.shared.tables import HANDLES
from tests.pages.test_findings_page import by_hand, choose, page, rows, seen, settled, store_of, tick  # noqa: F401 - fixtures
from tests.support.world import Page, World, seconds

FRAME_S = 1 / 30
PRESSES = count()


@pytest.fixture
def judge(page: Page, seen: dict[str, Any]) -> Page:  # noqa: F811
    """A page with at least four moments, none of them judged."""
    by_hand(page, "percentile", 80.0)
    assert len(rows(page)) >= 4
    return page


def click(page: Page, row: int, column: str = "prompt") -> Page:  # noqa: F811
    """Click a cell of the table of moments."""
    return page.click_row(page.moments_key, row, column)


def says(page: Page, part: str, **state: Any) -> Page:  # noqa: F811
    """The browser reports a state of a part of the player; what its tables showed was set before."""
    proto = next(e.proto for e in page.at.get("bidi_component") if e.proto.component_name == f"clip_video_{part}")
    states = page.at._tree.get_widget_states()
    states.widgets.append(WidgetState(id=proto.id, json_value=json.dumps(state)))
    page.at._run(states)
    return page.sound()


def press_key(page: Page, what: str, frame: int | None = None) -> Page:  # noqa: F811
    """Press a key that judges: each press has another number."""
    return says(page, "judge", pressed={"what": what, "frame": frame, "count": next(PRESSES)})


def browser_shows(page: Page, row: int, column: str) -> None:  # noqa: F811
    """What the next message says of the table of moments."""
    key = page.moments_key
    page.at.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": [[row, column]]}}


def cell_of(page: Page) -> tuple[int, str]:  # noqa: F811
    """The cell that was selected from here."""
    ((row, column),) = page.at.session_state[page.moments_key]["selection"]["cells"]
    return row, column


def verdicts(page: Page) -> list[str]:  # noqa: F811
    return [row["judged"] for row in rows(page)]


def frame_of(seen: dict[str, Any], row: int) -> int:  # noqa: F811
    return int(seen["listed"].reviewed[row].moment.start_s / FRAME_S + 1e-6)


def test_a_click_selects_and_goes_there_and_the_verdict_stands_first(judge: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    assert next(iter(rows(judge)[0])) == "judged"
    click(judge, 2)
    assert seen["listed"].selected == 2
    assert judge.frame == frame_of(seen, 2)
    assert judge.holding("Selected: ")
    judge.slide("frame", 1)
    assert judge.frame == 1
    assert seen["listed"].selected == 2  # however the playhead is moved
    assert seen["listed"].chosen == []  # so files and the walk are of all moments


@pytest.mark.parametrize(("what", "sign"), [("accept", "✓"), ("reject", "✗")])
def test_a_key_judges_the_selected_moment_and_shows_the_next(
    judge: Page, seen: dict[str, Any], what: str, sign: str  # noqa: F811
) -> None:  # fmt: skip
    click(judge, 1)
    press_key(judge, what)
    assert verdicts(judge)[:3] == ["", sign, ""]
    assert seen["listed"].selected == 2
    assert judge.frame == frame_of(seen, 2)
    press_key(judge, what)
    assert verdicts(judge)[:4] == ["", sign, sign, ""]
    assert seen["listed"].selected == 3


def test_behind_the_last_one_nothing_is_shown(judge: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    last = len(rows(judge)) - 1
    click(judge, last)
    press_key(judge, "accept")
    assert verdicts(judge)[last] == "✓"
    assert (seen["listed"].selected, judge.frame) == (last, frame_of(seen, last))


def test_undo_takes_the_last_verdict_back_and_shows_its_moment(
    judge: Page, seen: dict[str, Any], settled: World  # noqa: F811
) -> None:  # fmt: skip
    click(judge, 0)
    press_key(press_key(judge, "accept"), "reject")
    assert verdicts(judge)[:3] == ["✓", "✗", ""]
    press_key(judge, "undo")
    assert verdicts(judge)[:3] == ["✓", "", ""]
    assert (seen["listed"].selected, judge.frame) == (1, frame_of(seen, 1))
    judge.press("undo_edit")
    assert verdicts(judge)[:3] == ["", "", ""]
    assert (seen["listed"].selected, judge.frame) == (0, frame_of(seen, 0))
    press_key(judge, "undo")  # there is nothing left
    assert not [e for v in store_of(settled).videos() for e in store_of(settled).annotations(v.video_id)]


def test_the_same_verdict_again_is_no_step(judge: Page) -> None:
    click(judge, 0)
    press_key(judge, "accept")
    click(judge, 0, "peak")
    press_key(judge, "accept")
    assert len(judge.at.session_state["MomentsState"].undo) == 1


def test_where_no_row_is_selected_the_moment_under_the_playhead_is_judged(
    judge: Page, seen: dict[str, Any]  # noqa: F811
) -> None:  # fmt: skip
    judge.press("next_m")
    under = seen["listed"].reviewed.index(
        max((r for r in seen["listed"].reviewed if r.moment.start_s * 30 < judge.frame + 1 <= r.moment.end_s * 30),
            key=lambda r: r.moment.start_s)
    )  # fmt: skip
    press_key(judge, "reject")
    assert verdicts(judge)[under] == "✗"
    assert seen["listed"].selected == (under + 1 if under + 1 < len(rows(judge)) else None)


def test_in_the_player_it_is_the_one_on_the_screen_when_the_key_was_pressed(
    judge: Page, seen: dict[str, Any]  # noqa: F811
) -> None:  # fmt: skip
    """While it plays, nobody tells the server which frame that is."""
    last = max(range(len(rows(judge))), key=lambda k: seen["listed"].reviewed[k].moment.start_s)
    judge.press("reset")
    press_key(judge, "accept", frame=frame_of(seen, last) + 1)
    assert [k for k, sign in enumerate(verdicts(judge)) if sign] == [last]


def test_nothing_is_judged_where_no_moment_is(judge: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    free = next(
        f for f in range(300)
        if all(not r.moment.start_s < (f + 1) / 30 <= r.moment.end_s + 1e-6 for r in seen["listed"].reviewed)
    )  # fmt: skip
    judge.slide("frame", free)
    press_key(judge, "accept")
    assert set(verdicts(judge)) == {""}


@pytest.mark.parametrize("said", [{"what": "rm"}, {"frame": 1}, ["accept"], "accept", 5, None])
def test_a_press_that_is_none_does_nothing(judge: Page, said: object) -> None:
    click(judge, 0)
    says(judge, "judge", pressed=said)
    assert set(verdicts(judge)) == {""}


@pytest.mark.parametrize("frame", [-5, 10**9, True, "12", 1.5, None])
def test_a_press_with_an_odd_frame_counts_for_the_selected_moment(judge: Page, frame: Any) -> None:
    click(judge, 0)
    press_key(judge, "accept", frame=frame)
    assert verdicts(judge)[:2] == ["✓", ""]


# The same cell again, and messages that come late


def test_the_same_cell_again_goes_there_again(judge: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    for column in ("judged", "colour", "prompt", "start", "peak"):
        for _ in range(3):
            click(judge, 1, column)
            assert (judge.frame, seen["listed"].selected) == (frame_of(seen, 1), 1), column
            assert judge.slide("frame", 250).frame == 250


def test_the_cell_that_is_selected_from_here_is_another_one_each_time(judge: Page) -> None:
    """The browser draws what it is told only if that is new."""
    before = None
    for column in ("judged", "judged", "colour", "prompt", "start", "judged"):
        click(judge, 1, column)
        cell = cell_of(judge)
        assert cell[0] == 1
        assert cell[1] in HANDLES
        assert cell[1] != before
        before = cell[1]
        judge.run()


def test_a_late_message_does_not_bring_the_row_before_back(judge: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    click(judge, 1)
    shown = cell_of(judge)
    press_key(judge, "accept")
    for _ in range(2):  # the browser has not drawn the answer
        browser_shows(judge, *shown)
        judge.slide("frame", 200)
        assert (seen["listed"].selected, judge.frame) == (2, 200)


def test_of_two_messages_with_a_cell_that_was_clicked_the_second_counts(judge: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    """The first may be late; the second says that the cell was clicked again, in one message with what was before."""
    click(judge, 1)
    drawn = cell_of(judge)
    browser_shows(judge, 1, "prompt")
    judge.slide("frame", 250)
    assert (judge.frame, seen["listed"].selected) == (250, 1)
    assert cell_of(judge) not in (drawn, (1, "prompt"))
    click(judge, 1)
    assert (judge.frame, seen["listed"].selected) == (frame_of(seen, 1), 1)


def test_a_key_that_comes_late_judges_what_the_browser_showed(judge: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    click(judge, 1)
    shown = cell_of(judge)
    press_key(judge, "accept")
    browser_shows(judge, *shown)
    press_key(judge, "reject")  # of the same: the next one was not to be seen yet
    assert verdicts(judge)[:4] == ["", "✗", "", ""]
    assert seen["listed"].selected == 2
    browser_shows(judge, 3, "start")  # clicked, and the key pressed at once: one message
    press_key(judge, "accept")
    assert verdicts(judge)[:4] == ["", "✗", "", "✓"]


def test_escape_gives_the_selection_up(judge: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    click(judge, 1).run()
    judge.at.session_state[judge.moments_key] = {"selection": {"rows": [], "cells": []}}
    judge.run()
    assert seen["listed"].selected is None
    assert not judge.holding("Selected: ")


def test_in_another_list_the_selected_moment_stays_selected(judge: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    click(judge, 2)
    moment, key = seen["listed"].reviewed[2].moment, judge.moments_key
    other = next(r.moment.prompt for r in seen["listed"].reviewed if r.moment.prompt != moment.prompt)
    judge.flag_pills.unselect(other).run()
    place = seen["listed"].selected
    assert seen["listed"].reviewed[place].moment.peak_s == moment.peak_s
    assert judge.moments_key != key  # what arrives under the old key is of the old list
    press_key(judge, "accept")
    assert verdicts(judge)[place] == "✓"


# Ticks


def test_ticks_that_come_later_take_the_place_of_the_selected_moment(judge: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    click(judge, 0).run()
    tick(judge, 1, 3)
    assert (seen["listed"].selected, len(seen["listed"].chosen)) == (None, 2)
    assert judge.holding("2 ticked moments")
    frame = judge.frame
    press_key(judge, "accept")
    assert verdicts(judge)[:4] == ["", "✓", "", "✓"]
    assert (seen["listed"].selected, len(seen["listed"].chosen), judge.frame) == (None, 2, frame)


def test_a_click_that_comes_later_takes_the_place_of_the_ticks_and_leaves_them(
    judge: Page, seen: dict[str, Any]  # noqa: F811
) -> None:  # fmt: skip
    tick(judge, 1, 3)
    key = judge.moments_key
    judge.at.session_state[key] = {"selection": {"rows": [1, 3], "columns": [], "cells": [[2, "start"]]}}
    judge.run()
    assert (seen["listed"].selected, len(seen["listed"].chosen)) == (2, 2)
    press_key(judge, "reject")
    assert verdicts(judge)[:4] == ["", "", "✗", ""]
    assert (seen["listed"].selected, len(seen["listed"].chosen)) == (3, 2)


# Edges that were dragged


def edges_of(page: Page) -> Any:  # noqa: F811
    proto = next(e.proto for e in page.at.get("bidi_component") if e.proto.component_name == "clip_video_timeline")
    return json.loads(proto.json)["edges"]


@pytest.fixture
def player(judge: Page) -> Page:
    judge.at.segmented_control(key="watch").set_value("Player").run()
    return judge.sound()


def test_the_chart_gets_the_edges_of_the_selected_moment_alone(player: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    assert edges_of(player) is None
    click(player, 1)
    moment = seen["listed"].reviewed[1].moment
    name, *times_s = edges_of(player)
    assert times_s == [moment.start_s, moment.end_s, 10.0]
    click(player, 2)
    assert edges_of(player)[0] != name


def test_dragged_edges_are_kept_and_undone(player: Page, seen: dict[str, Any], settled: World) -> None:  # noqa: F811
    click(player, 1)
    name, start_s, end_s, _ = edges_of(player)
    says(player, "timeline", edges={"name": name, "start_s": 1.0, "end_s": 9.0, "count": 1})
    row = rows(player)[1]
    assert (row["judged"], seconds(row["start"]), seconds(row["end"])) == ("✎", 1.0, 9.0)
    (annotation,) = (e for v in store_of(settled).videos() for e in store_of(settled).annotations(v.video_id))
    assert (annotation.start_s, annotation.end_s, annotation.verdict, annotation.label) == (1.0, 9.0, "", "")
    assert annotation.settings["threshold"] == 80.0
    assert edges_of(player) == [name, 1.0, 9.0, 10.0]  # it is the same moment
    assert seen["listed"].selected == 1
    press_key(player, "accept")
    assert (rows(player)[1]["judged"], seconds(rows(player)[1]["end"])) == ("✓", 9.0)
    press_key(press_key(player, "undo"), "undo")
    assert seconds(rows(player)[1]["start"]) == pytest.approx(start_s, abs=1e-3)
    assert seconds(rows(player)[1]["end"]) == pytest.approx(end_s, abs=1e-3)


def test_edges_beyond_the_video_end_with_it(player: Page) -> None:
    click(player, 0)
    says(player, "timeline", edges={"name": edges_of(player)[0], "start_s": -3.0, "end_s": 1e9, "count": 1})
    assert [seconds(rows(player)[0][end]) for end in ("start", "end")] == [0.0, 10.0]


@pytest.mark.parametrize(
    "wrong",
    [{"name": "of another moment"}, {"start_s": 9.0, "end_s": 1.0}, {"start_s": 5.0, "end_s": 5.0}, {"start_s": None},
     {"end_s": "9"}, {"start_s": float("nan")}, {"end_s": float("inf"), "name": ""}, {"start_s": [1]}],
)  # fmt: skip
def test_what_are_no_edges_is_not_taken(player: Page, wrong: dict[str, Any]) -> None:
    click(player, 0)
    before = rows(player)
    given = {"name": edges_of(player)[0], "start_s": 1.0, "end_s": 9.0, "count": 1} | wrong
    says(player, "timeline", edges=given)
    assert rows(player) == before
