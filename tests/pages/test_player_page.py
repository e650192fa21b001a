"""The page in the player's view, without a browser: what goes to the parts, and what a browser's reports do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from pages.shared import cache
from tests.support.world import Page, World
from tests.video.test_shown_pictures import write

HOSTILE = ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "$x$", "*b*", "🍕", "كلب", '"\\u2028']


NONSENSE = [
    "null",
    "[]",
    "7",
    '"text"',
    '{"at": null}',
    '{"at": 5}',
    '{"at": "frame"}',
    '{"at": []}',
    '{"at": {}}',
    '{"at": {"frame": 9}}',
    '{"other": {"frame": 9}}',
    '{"frame": 9, "frame_of": "x", "watch": "y"}',
    '{"refused": {"a": 1}}',
    '{"refused": ["x"]}',
    '{"refused": 5}',
]


class Watching(Page):
    """A visitor in the player's view, whose browser says what a test lets it say."""

    def __init__(self) -> None:
        super().__init__("Player")

    def part(self, name: str) -> dict[str, Any]:
        """What was sent to one part of the player."""
        return dict(json.loads(self._proto(name).json))

    @property
    def parts(self) -> list[str]:
        """The parts of the player, in their order; the keys that judge are there without it too."""
        names = [e.proto.component_name.removeprefix("clip_video_") for e in self.at.get("bidi_component")]
        assert names.count("judge") <= 1
        return [name for name in names if name != "judge"]

    @property
    def at_frame(self) -> int:
        return int(self.at.session_state["ViewerState"].frame)

    @property
    def seek(self) -> tuple[int, int]:
        """The number of the last command to move, and the frame."""
        seek = self.part("screen")["seek"]
        return seek["seq"], seek["frame"]

    def says(self, **state: Any) -> Watching:
        """The browser reports a state of the screen."""
        return self.says_text(json.dumps(state))

    def says_text(self, text: str) -> Watching:
        states = self.at._tree.get_widget_states()
        states.widgets.append(WidgetState(id=self._proto("screen").id, json_value=text))
        self.at._run(states)
        self.sound()
        return self

    def reports(self, frame: object, **other: object) -> Watching:
        """The frame on the screen; ``other`` is what the report says otherwise than it should."""
        right = {"video": self.part("screen")["video"], "seq": self.seek[0], "report": 1}
        return self.says(at=right | {"frame": frame} | other)

    def _proto(self, name: str) -> Any:
        return next(e.proto for e in self.at.get("bidi_component") if e.proto.component_name == f"clip_video_{name}")


@pytest.fixture
def watching(world: World) -> Watching:
    page = Watching()
    page.indexed()
    return page


def refused(page: Page) -> set[str]:
    """The addresses that the browser could not play."""
    return set(page.at.session_state["ProxyState"].refused)


def block(address: str, kind: str) -> np.ndarray:
    """The numbers that the browser finds at an address."""
    content = cache.buffer_cache().get(address.removeprefix("player/block/"))
    assert content is not None
    return np.frombuffer(content, kind)


def test_it_is_what_a_visitor_sees_first(world: World) -> None:
    page = Watching()
    del page.at.session_state["watch"]
    page.indexed()
    assert page.parts == ["screen", "ranking", "timeline"]
    assert len([*page.at.get("image"), *page.at.get("imgs")]) == 1  # that of the help, and none of a frame
    assert [b.key for b in page.at.button if b.key == "next_f"] == []


def test_what_the_parts_are_told(watching: Watching) -> None:
    screen, ranking, timeline = (watching.part(name) for name in watching.parts)
    assert screen["address"] == f"player/video/{screen['video']}"
    times = block(screen["times"], "<f8")
    assert np.allclose(times, np.arange(301) / 30)
    assert screen["confirmed"] is True
    assert screen["clear"] is False
    moments = block(screen["moments"], "<f8").reshape(-1, 2)
    assert len(moments) > 0
    assert np.all(np.diff(moments[:, 0]) >= 0)
    assert np.all((moments >= 0) & (moments <= 10) & (moments == np.round(moments, 3)))
    assert screen["seek"] == {"seq": 0, "frame": 0}
    assert [row["text"] for row in ranking["prompts"]] == ["a dog", "pizza", "a red car"]
    series = timeline["series"]
    assert series == ranking["series"]
    assert series["count"] == 50
    samples = block(series["samples"], "<f8").reshape(2, 50)
    assert np.allclose(samples[0], samples[1] / 30)
    curves = watching.analysis.similarities
    raw = block(series["raw"], "<f4").reshape(3, 50)
    assert np.array_equal(raw[1], curves._columns["pizza"][curves.order].astype("<f4"))
    assert {part["player"] for part in (screen, ranking, timeline)} == {"main"}


def test_the_screen_is_told_that_pictures_are_transparent(world: World) -> None:
    clear = np.zeros((48, 64, 4), np.uint8)
    frame = av.VideoFrame.from_ndarray(clear, format="rgba").reformat(format="yuva420p")
    write(world.folder / "clear.webm", [frame] * 4, "libvpx-vp9", "yuva420p", options={"auto-alt-ref": "0"})
    world.write(video_path="clear.webm")
    page = Watching()
    page.indexed()
    assert page.part("screen")["clear"] is True


def test_little_goes_down_at_a_rerun(watching: Watching) -> None:
    sizes = {name: watching._proto(name).ByteSize() for name in watching.parts}
    assert all(size < 16_000 for size in sizes.values()), sizes


def test_a_report_is_where_python_believes_the_video_to_be(watching: Watching) -> None:
    before = watching.seek[0]
    assert watching.reports(123).at_frame == 123
    assert watching.seek == (before, 123)  # no command: the browser is there already
    assert watching.reports(7, report=2).at_frame == 7
    watching.run()
    assert watching.at_frame == 7


def test_a_frame_beyond_the_ends_is_the_end(watching: Watching) -> None:
    for frame, taken in ((-5, 0), (300, 299), (-(10**30), 0), (10**30, 299)):
        assert watching.reports(frame).at_frame == taken, frame
        assert watching.seek[1] == taken, frame


def test_a_frame_that_is_no_number_moves_nothing(watching: Watching) -> None:
    watching.reports(44)
    nonsense = [None, "12", 12.5, 3.0, True, [12], {"frame": 12}, "<script>", float("nan"), float("inf")]
    for report, frame in enumerate(nonsense):
        assert watching.reports(frame, report=report).at_frame == 44, frame


def test_a_report_of_another_video_moves_nothing(watching: Watching) -> None:
    watching.reports(44)
    for report, video in enumerate(("0" * 64, "", 5, ["x"], {"a": 1}, True, None), 2):
        assert watching.reports(100, video=video, report=report).at_frame == 44, video
    assert watching.reports(100, report=20).at_frame == 100


def test_a_report_from_before_the_page_moved_it_moves_nothing(watching: Watching) -> None:
    watching.at.segmented_control(key="list").set_value("Best").run()
    table = watching.sound().extremes_key
    rows = watching.at.dataframe(key=table).value.to_dict("records")
    number = watching.seek[0]
    watching.click_row(table, 1, "score")
    assert watching.seek == (number + 1, rows[1]["frame"])
    for report, seq in enumerate((number, number + 2, -1, str(number + 1), None, [number + 1]), 2):
        assert watching.reports(101, seq=seq, report=report).at_frame == rows[1]["frame"], seq
    assert watching.reports(101, report=20).at_frame == 101


def test_whatever_else_a_browser_says(watching: Watching) -> None:
    """All of it JSON: anything else Streamlit itself throws away."""
    watching.reports(44)
    for said in NONSENSE:
        watching.says_text(said)
        assert watching.at_frame == 44, said
        assert watching.parts == ["screen", "ranking", "timeline"], said
        assert refused(watching) == set(), said


def test_a_refusal_counts_for_what_was_shown(watching: Watching) -> None:
    address = watching.part("screen")["address"]
    watching.says(refused="player/video/" + "0" * 64)
    assert refused(watching) == set()
    watching.says(refused=address)
    assert refused(watching) == {address}


def test_the_table_moves_the_player_by_numbered_commands(watching: Watching) -> None:
    watching.at.segmented_control(key="list").set_value("Best").run()
    table = watching.sound().extremes_key
    rows = watching.at.dataframe(key=table).value.to_dict("records")
    number = watching.seek[0]
    for row in (1, 0):
        watching.click_row(table, row, "score")
        number += 1
        assert watching.seek == (number, rows[row]["frame"])
    watching.reports(5)
    assert watching.seek == (number, 5)  # the selection stays, and does not pull it back
    watching.click_row(table, 1, "frame")
    assert watching.seek == (number + 1, rows[1]["frame"])


def test_the_frame_stays_from_view_to_view(watching: Watching) -> None:
    watching.reports(77)
    watching.at.segmented_control(key="watch").set_value("Frames").run()
    assert watching.sound().frame == 77
    assert watching.parts == []
    assert watching.slide("frame", 88).frame == 88
    watching.at.segmented_control(key="watch").set_value("Player").run()
    assert watching.sound().at_frame == 88
    assert watching.seek[1] == 88  # where it begins


def test_another_video_begins_at_its_start(watching: Watching, world: World, stock: Path) -> None:
    world.take(stock / "short.mp4")
    watching.reports(250)
    first = watching.part("screen")
    watching.run().control("selectbox", "video").set_value("short.mp4").run()
    watching.until(lambda: watching.starting("0:02.000") != [] and not watching.at.get("progress"))
    second = watching.part("screen")
    assert second["address"] != first["address"]
    assert second["seek"]["frame"] == 0
    assert watching.reports(100, video=first["video"]).at_frame == 0
    assert watching.reports(30).at_frame == 30


def test_hostile_prompts_are_only_text(watching: Watching) -> None:
    watching.prompts(*HOSTILE)
    assert [row["text"] for row in watching.part("ranking")["prompts"]] == HOSTILE
    figure = watching.part("timeline")["figure"]
    curves = [trace for trace in figure["data"] if "curve" in trace]
    assert "<img src=x onerr…" in [curve["prompt"][:17] for curve in curves if "prompt" in curve]  # set as text
    rest = [trace for trace in figure["data"] if "curve" not in trace]
    drawn = json.dumps([rest, figure["layout"]], ensure_ascii=False)
    assert "<img" not in drawn
    assert "<script" not in drawn


def test_no_prompts(world: World) -> None:
    world.write(CLIP=[])
    page = Watching()
    page.indexed()
    assert page.holding("Type a prompt in the sidebar: one per line.")
    assert page.parts == ["screen", "timeline"]
    assert block(page.part("screen")["moments"], "<f8").size == 0
    assert page.reports(12).at_frame == 12
    page.prompts("a dog")
    assert page.parts == ["screen", "ranking", "timeline"]
    assert page.at_frame == 12


def test_many_prompts(world: World) -> None:
    world.write(CLIP=[f"prompt {k}" for k in range(230)])
    page = Watching()
    page.indexed()
    assert len(page.part("ranking")["prompts"]) == 200
    assert block(page.part("timeline")["series"]["smoothed"], "<f4").size == 200 * 50


def test_nothing_chosen_has_no_player(world: World, page: Page) -> None:
    world.settings.pop("video_path")
    world.write()
    page = Watching()
    page.run()
    assert page.parts == []


def test_portrait_and_one_frame(world: World, stock: Path) -> None:
    for name, last in (("portrait.mp4", 59), ("one.mp4", 0)):
        world.take(stock / name)
        world.write(video_path=name)
        page = Watching()
        page.indexed()
        times = block(page.part("screen")["times"], "<f8")
        assert len(times) == last + 2
        assert times[-1] > times[-2]
        assert page.reports(10**6).at_frame == last


def test_a_damaged_video(world: World, stock: Path) -> None:
    world.take(stock / "damaged.mp4")
    world.write(video_path="damaged.mp4")
    page = Watching()
    page.indexed()
    assert page.starting("Unreadable after 0:0")
    assert page.parts == ["screen", "ranking", "timeline"]
    last = len(block(page.part("screen")["times"], "<f8")) - 2
    assert page.reports(10**6).at_frame == last < 299


def test_a_file_that_vanishes_leaves_its_curves(watching: Watching, world: World) -> None:
    world.video.unlink()
    assert watching.reports(40).at_frame == 40
    assert watching.parts == ["screen", "ranking", "timeline"]
    assert watching.starting(r"There is no file wide\.mp4\. What is indexed of it is kept.")
