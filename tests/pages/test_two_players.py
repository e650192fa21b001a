"""Two players on one page, without a browser: what moves one in Python leaves the other where it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

import pages.regions.viewer.viewer
from clip_core import EmbeddingStore, index_video
from tests.pages.test_player_page import Watching
from tests.support.fakes import FakeEncoder
from tests.support.player import SCRIPT
from tests.support.world import PATIENCE_S, Page, World


class TwoPlayers(Page):
    """The tests' own page, with the same video in "main" and in "other"."""

    def __init__(self, name: str) -> None:
        self.at = AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE_S)
        self.at.query_params["name"] = self.at.query_params["two"] = name

    def screen(self, player: str) -> Any:
        return next(e.proto for e in self.at.get("bidi_component") if json.loads(e.proto.json)["player"] == player)

    @property
    def seeks(self) -> dict[str, tuple[int, int]]:
        """Of each player the number of the last command to move, and the frame."""
        found = {player: json.loads(self.screen(player).json)["seek"] for player in ("main", "other")}
        return {player: (seek["seq"], seek["frame"]) for player, seek in found.items()}

    def seek(self, button: str, frame: int) -> TwoPlayers:
        self.at.text_input(key="to").set_value(str(frame)).run()
        self.press(button)
        return self

    def reports(self, player: str, frame: int) -> TwoPlayers:
        proto = self.screen(player)
        said = {"video": json.loads(proto.json)["video"], "seq": self.seeks[player][0], "frame": frame, "report": 1}
        states = self.at._tree.get_widget_states()
        states.widgets.append(WidgetState(id=proto.id, json_value=json.dumps({"at": said})))
        self.at._run(states)
        self.sound()
        return self


@pytest.fixture
def two(world: World) -> TwoPlayers:
    store = EmbeddingStore(world.folder / "embeddings")
    list(index_video(world.video, FakeEncoder(name="fake"), store, samples_per_second=1.0))
    page = TwoPlayers(world.video.name)
    page.run()
    return page


def test_a_command_to_one_does_not_reach_the_other(two: TwoPlayers) -> None:
    assert two.seeks == {"main": (0, 0), "other": (0, 0)}
    assert two.seek("seek", 40).seeks == {"main": (1, 40), "other": (0, 0)}
    assert two.seek("seek_other", 7).seeks == {"main": (1, 40), "other": (1, 7)}
    assert two.seek("seek_other", 8).seeks == {"main": (1, 40), "other": (2, 8)}
    assert two.at.session_state["ViewerState"].frame == 40


def test_a_report_of_one_is_not_taken_for_the_others(two: TwoPlayers) -> None:
    assert two.reports("other", 12).seeks == {"main": (0, 0), "other": (0, 12)}
    assert two.reports("main", 30).seeks == {"main": (0, 30), "other": (0, 12)}
    two.seek("seek", 5)
    assert two.reports("other", 10**9).seeks == {"main": (1, 5), "other": (0, 299)}


def test_the_curves_are_made_ready_once_in_a_rerun(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Watching()
    page.indexed()
    made: list[int] = []

    def counted(scores: Any, smoothed: Any) -> Any:
        made.append(len(scores))
        return series(scores, smoothed)

    series = pages.regions.viewer.viewer.series
    monkeypatch.setattr(pages.regions.viewer.viewer, "series", counted)
    page.run()
    assert made == [50]
    assert page.part("ranking")["series"] == page.part("timeline")["series"]
    page.slide("smoothing", 1.0)
    smoothed = page.part("timeline")["series"]
    page.slide("smoothing", 0.0)
    raw = page.part("timeline")["series"]
    assert (raw["raw"], raw["raw"]) == (smoothed["raw"], raw["smoothed"])
    assert smoothed["smoothed"] != raw["smoothed"]
