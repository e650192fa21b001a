"""In and out on the pages Evaluate and Investigate, without a browser: what a browser reports becomes annotations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.pages.test_evaluate_page import annotations, found, look_at, rows, table, truth_of, upload
from tests.pages.test_library_page import go
from tests.pages.test_player_page import Watching, watching  # noqa: F401 - a fixture
from tests.support.world import World

FPS = 30


class Marking(Watching):
    """A visitor of Evaluate whose browser says what a test lets it say."""

    def press_keys(self, *presses: tuple[int, str, object], since: float = 1.5, **other: object) -> Marking:
        """The screen reports presses of I and O: number, "in" or "out", frame."""
        marks = {"video": self.part("screen")["video"], "since": since, "presses": [list(p) for p in presses]}
        self.says(marks=marks | other)
        return self

    def list_says(self, **state: object) -> Marking:
        """The list of annotations reports."""
        states = self.at._tree.get_widget_states()
        states.widgets.append(WidgetState(id=self._proto("annotations").id, json_value=json.dumps(state)))
        self.at._run(states)
        self.sound()
        return self

    @property
    def own_rows(self) -> list[dict[str, Any]]:
        """The rows that were made by hand."""
        return [row for row in rows(self) if row["marks"]]

    @property
    def marked(self) -> list[tuple[str, float, float]]:
        return [(row["prompt"], row["start"], row["end"]) for row in self.own_rows]


@pytest.fixture
def marking(world: World) -> Marking:
    page = Marking()
    page.indexed()
    go(page, "evaluate")
    return page


def test_the_player_and_the_chart_are_those_of_investigate(marking: Marking) -> None:
    assert marking.parts == ["screen", "timeline"]
    there = {name: marking.part(name) for name in marking.parts}
    go(marking, "investigate")
    same = ("video", "address", "times", "start")
    assert [marking.part("screen")[key] for key in same] == [there["screen"][key] for key in same]
    assert marking.part("timeline")["series"] == there["timeline"]["series"]


def test_i_and_o_mark_the_frames_that_were_on_the_screen(marking: Marking) -> None:
    marking.control("selectbox", "mark_prompt").set_value("pizza")
    marking.run().press_keys((1, "in", 31))
    assert marking.starting("Press O where it ends.")
    assert marking.control("text_input", "mark_in_text").value == "0:01.033"
    marking.press_keys((1, "in", 31), (2, "out", 92))
    assert marking.marked == [("pizza", 31 / FPS, 92 / FPS)]
    assert marking.starting("I: it begins.")
    assert table(marking).iloc[1]["Prompt"] == "pizza"
    assert (table(marking).iloc[1]["There"], marking.seek) == (1, (0, 0))  # and nothing was moved


def test_a_report_counts_each_press_once_and_two_in_one_report_both(marking: Marking) -> None:
    marking.press_keys((1, "in", 30), (2, "out", 60), (3, "in", 90), (4, "out", 120))
    assert [m[1:] for m in marking.marked] == [(1.0, 2.0), (3.0, 4.0)]
    marking.press_keys((2, "out", 60), (3, "in", 90), (4, "out", 120), (5, "in", 150))
    assert len(marking.marked) == 2
    marking.press_keys((1, "out", 180), since=7.0)  # of a screen that came anew, whose numbers begin again
    assert marking.marked[2][1:] == (5.0, 6.0)


def test_an_out_without_an_in_says_what_to_do(marking: Marking) -> None:
    marking.press_keys((1, "out", 60))
    assert marking.starting("Press I first, where it begins.")
    marking.press_keys((2, "in", 90))
    assert marking.starting("It must not end before it starts.")
    assert marking.marked == []
    marking.press_keys((3, "out", 120))
    assert [m[1:] for m in marking.marked] == [(3.0, 4.0)]


@pytest.mark.parametrize(
    "presses",
    [None, 5, "x", {}, [7], [[1, "in"]], [[1, "up", 5]], [["1", "in", 5]], [[1, "in", "5"]], [[True, "in", 5]],
     [[1, "in", -4]], [[1, "in", 4.5]], [[1, ["in"], 5]]],
)  # fmt: skip
def test_presses_that_are_none_are_no_presses(marking: Marking, presses: object) -> None:
    video = marking.part("screen")["video"]
    marking.says(marks={"video": video, "since": 1.0, "presses": presses})
    assert marking.starting("I: it begins.")
    assert marking.at.session_state["MomentsState"].presses_heard in ((None, 0), (1.0, 0))


def test_presses_of_another_video_are_not_heard_and_a_frame_past_the_end_is_the_last(marking: Marking) -> None:
    marking.press_keys((1, "in", 30), video="0" * 64)
    assert marking.starting("I: it begins.")
    marking.press_keys((1, "in", 30), since="now")
    assert marking.starting("I: it begins.")
    marking.press_keys((1, "in", 30), (2, "out", 10**12))
    assert [m[1:] for m in marking.marked] == [(1.0, 299 / FPS)]


def test_a_button_takes_the_frame_that_is_reported_together_with_its_press(marking: Marking) -> None:
    screen, seq = marking._proto("screen"), marking.seek[0]
    report = {"video": marking.part("screen")["video"], "seq": seq, "frame": 75, "report": 1}
    states = marking.at._tree.get_widget_states()
    states.widgets.append(WidgetState(id=screen.id, json_value=json.dumps({"at": report})))
    states.widgets.append(WidgetState(id=marking.at.button(key="press_mark_in").proto.id, trigger_value=True))
    marking.at._run(states)
    assert marking.sound().control("text_input", "mark_in_text").value == "0:02.500"


def test_marks_are_undone_and_removed_step_by_step(marking: Marking) -> None:
    assert marking.at.button(key="undo_mark").disabled
    marking.press_keys((1, "in", 30), (2, "out", 60), (3, "in", 90), (4, "out", 120))
    first = marking.own_rows[0]
    marking.list_says(drop=first | {"video": marking.part("screen")["video"], "at": 1})
    assert [m[1:] for m in marking.marked] == [(3.0, 4.0)]
    marking.press("undo_mark")
    assert [m[1:] for m in marking.marked] == [(1.0, 2.0), (3.0, 4.0)]
    marking.press("undo_mark").press("undo_mark")
    assert marking.starting("##### No truth yet")
    assert marking.at.button(key="undo_mark").disabled


def test_what_the_list_says_wrongly_removes_nothing(marking: Marking) -> None:
    marking.press_keys((1, "in", 30), (2, "out", 60))
    (row,) = marking.own_rows
    video = marking.part("screen")["video"]
    wrong: list[Any] = [None, 5, {}, row | {"video": "0" * 64, "at": 1}, {"video": video, "marks": 5, "at": 2}]
    wrong += [{"video": video, "marks": [["a dog", 1.0, 2.5, True], 7, None], "at": 3}]
    for said in wrong:
        marking.list_says(drop=said)
        assert len(marking.marked) == 1, said


def test_marks_are_added_to_the_truth_of_a_file(marking: Marking) -> None:
    upload(marking, "prompt,start,end\npizza,1,2\na dog,,\n")
    assert [(row["prompt"], row["start"], row["state"] in ("matched", "missed")) for row in rows(marking)[:1]] == [
        ("pizza", 1.0, True)
    ]
    assert rows(marking)[-1]["state"] in ("false", "never there")
    marking.control("selectbox", "mark_prompt").set_value("a dog")
    marking.run().press_keys((1, "in", 240), (2, "out", 270))
    held = {row["prompt"]: row for row in rows(marking) if row["state"] in ("matched", "missed")}
    assert (held["a dog"]["start"], held["a dog"]["end"], held["pizza"]["start"]) == (8.0, 9.0, 1.0)
    assert held["a dog"]["marks"] == [["a dog", 8.0, 9.0, True]]
    assert held["pizza"]["marks"] == []  # what the file says is removed with the file
    assert list(table(marking)["There"]) == [2, 1, 1]


def test_the_list_and_the_lanes_say_what_the_measures_count(marking: Marking) -> None:
    moments = found(marking).moments
    missed = "a red car,0.010,0.020"
    kept = [m for m in moments if m.prompt != "a red car"]
    upload(marking, truth_of(kept[1:]) + missed + "\n")
    shown, every = rows(marking), table(marking).iloc[0]
    states = [row["state"] for row in shown]
    look_at(marking, "Truth")
    assert states.count("missed") == every["Missed"]
    assert states.count("false") == every["False"] > 0
    assert states.count("matched") == every["There"] - every["Missed"]
    figure = marking.part("timeline")["figure"]
    lanes = [trace for trace in figure["data"] if trace.get("yaxis") == "y3" and trace["mode"] == "lines"]
    solid = sum(trace["x"].count(None) for trace in lanes if trace.get("fill"))
    dotted = sum(trace["x"].count(None) for trace in lanes if trace["line"]["dash"] == "dot")
    hollow = sum(trace["x"].count(None) for trace in lanes) - solid - dotted
    assert (hollow, dotted) == (every["Missed"], every["False"])
    assert solid == states.count("matched") + every["Found"] - every["False"]


def test_a_row_knows_the_frame_at_which_its_stretch_begins(marking: Marking) -> None:
    """Also where a file has rounded its time down: 4.033333 s are before frame 121."""
    upload(marking, "prompt,start,end\npizza,4.033333,5\n")
    row = next(row for row in rows(marking) if row["start"] == 4.033333)
    assert row["frame"] == 121
    assert annotations(marking)["direct"] is True


def test_frame_by_frame_a_row_leads_there_by_the_server(world: World) -> None:
    page = Marking()
    page.at.session_state["watch"] = "Frames"
    page.indexed()
    go(page, "evaluate")
    upload(page, "prompt,start,end\npizza,1,2\n")
    assert annotations(page)["direct"] is False
    video = annotations(page)["video"]
    page.list_says(go={"frame": 45, "video": video, "at": 1})
    assert page.frame == 45
    for said in ({"frame": "9", "video": video, "at": 2}, {"frame": 9, "video": "0" * 64, "at": 3}, 4, None):
        page.list_says(go=said)
        assert page.frame == 45
    page.list_says(go={"frame": 10**9, "video": video, "at": 5})
    assert page.frame == 299
    page.slide("frame", 60).press("press_mark_in").slide("frame", 90).press("press_mark_out")
    assert page.marked == [("a dog", 2.0, 3.0)]
    shortcuts = [page.at.button(key=f"press_mark_{which}").proto.shortcut for which in ("in", "out")]
    assert shortcuts == ["i", "o"]  # a player hears these keys by itself


def test_on_investigate_the_same_keys_fill_the_form_that_adds_a_moment(watching: Watching) -> None:  # noqa: F811
    video = watching.part("screen")["video"]
    watching.says(marks={"video": video, "since": 1.0, "presses": [[1, "in", 30], [2, "out", 75]]})
    assert watching.starting("From 0:01.000 to 0:02.500")
    watching.press("add_moment")
    assert watching.starting("From … to …")


def test_another_video_has_no_marks_of_this_one(marking: Marking, world: World, stock: Any) -> None:
    world.take(stock / "short.mp4")
    marking.press_keys((1, "in", 30), (2, "out", 60), (3, "in", 90))
    marking.run().control("selectbox", "video").set_value("short.mp4").run()
    marking.until(lambda: marking.starting("0:02.000") != [] and not marking.at.get("progress"))
    assert marking.starting("##### No truth yet")
    assert marking.starting("I: it begins.")
    marking.control("selectbox", "video").set_value("wide.mp4").run()
    marking.until(lambda: marking.starting("0:10.000") != [] and not marking.at.get("progress"))
    assert [m[1:] for m in marking.marked] == [(1.0, 2.0)]


def test_of_a_very_long_truth_the_first_rows_are_listed_and_all_are_judged(
    marking: Marking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.regions.evaluation.annotation_list.MOST_ROWS", 5)
    spans = [f"pizza,{k},{k + 0.5}" for k in range(8)]
    upload(marking, "\n".join(["prompt,start,end", *spans]) + "\n")
    assert len(rows(marking)) == 5
    assert marking.holding(" rows are listed. All of them are judged.")
    assert table(marking).iloc[1]["There"] == 8


def test_without_a_judgement_the_pages_prompts_have_pale_lanes(marking: Marking) -> None:
    figure = marking.part("timeline")["figure"]
    lanes = [trace for trace in figure["data"] if trace.get("yaxis") == "y3" and trace.get("fill")]
    assert {trace["opacity"] for trace in lanes} == {0.35}
    assert sum(trace["x"].count(None) for trace in lanes) == len(found(marking).moments)
