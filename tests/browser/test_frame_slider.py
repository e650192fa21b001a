"""The slider under the picture: a place for each frame, in step with the player, and exact at variable rates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.test_screen_part import MOMENTS, Films, Seat
from tests.support.browser import wait_until
from tests.support.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

_HELD = """() => { const seen = []
  const slider = document.querySelector(".cvi-frames")
  const text = document.querySelector("[data-frame]")
  document[Symbol.for("clip-video-investigator.clocks")].get("main")
    .addEventListener("frame", () => seen.push([Number(slider.value), text.textContent]))
  window.seen_beside = seen }"""
"""From now on: what slider and text say at each frame."""


@pytest.fixture(scope="module")
def films(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(stage, tmp_path_factory.mktemp("films"))


@pytest.fixture
def seat(stage: Stage, chromium: Any) -> Iterator[Seat]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield Seat(context.new_page(), stage)
    context.close()


def slider(seat: Seat) -> Any:
    return seat.screen.get_by_role("slider", name="Frame")


def place(seat: Seat) -> int:
    return int(slider(seat).input_value())


@pytest.mark.parametrize("kind", ["variable", "uneven", "constant"])
def test_each_place_is_a_frame_of_the_table_with_its_time(seat: Seat, films: Films, kind: str) -> None:
    video = films[kind]
    seat.load(kind, films)
    seat.rests(0, video.numbers[0], python=False)
    last = len(video) - 1
    assert (slider(seat).get_attribute("min"), slider(seat).get_attribute("max")) == ("0", str(last))
    for frame in (last // 3, last, last // 2 + 1):
        slider(seat).fill(str(frame))  # as a screen reader sets it: "input" and "change"
        seat.rests(frame, video.numbers[frame], python=False)
        said = f"frame {frame} of {last}, {seat.screen.locator('[data-time]').inner_text()}"
        wait_until(lambda: slider(seat).get_attribute("aria-valuetext") == said, what=said)  # noqa: B023
        minutes, seconds = said.rpartition(" ")[2].split(":")
        assert abs(60 * int(minutes) + float(seconds) - float(video.times_s[frame])) < 0.001


def test_its_keys_are_those_of_the_player(seat: Seat, films: Films) -> None:
    seat.load("constant", films, MOMENTS)
    seat.rests(0, python=False)
    slider(seat).focus()
    for key, frame in (
        ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("Shift+ArrowRight", 31), ("n", 75), ("p", 30),
        ("ArrowUp", 31), ("ArrowDown", 30), ("End", 149), ("Home", 0),
    ):  # fmt: skip
        seat.tab.keyboard.press(key)
        seat.rests(frame, python=False)
        wait_until(lambda: place(seat) == frame, what=f"{key}: the slider on {frame}, not {place(seat)}")  # noqa: B023
    assert seat.tab.evaluate("document.activeElement.className") == "cvi-frames"


def test_it_follows_a_seek_and_playing(seat: Seat, films: Films) -> None:
    seat.load("constant", films)
    seat.rests(0, python=False)
    seat.go(40)  # as a click in the chart
    seat.rests(40, python=False)
    assert place(seat) == 40
    seat.tab.evaluate(_HELD)
    slider(seat).focus()
    seat.tab.keyboard.press("Space")
    wait_until(lambda: seat.tab.evaluate("seen_beside.length") > 10, what="ten frames while it plays")
    beside = seat.tab.evaluate("seen_beside")
    assert [value for value, _ in beside] == [int(text) for _, text in beside]
    seat.tab.keyboard.press("Space")
    wait_until(lambda: not seat.playing, what="paused")
    wait_until(lambda: place(seat) == seat.presented == seat.drawn(), what="slider, clock and picture agree")


def test_dragged_it_stays_under_the_pointer_and_ends_where_it_is_let_go(seat: Seat, films: Films) -> None:
    seat.load("groups of 250", films)
    seat.rests(0, python=False)
    box = slider(seat).bounding_box()
    assert box is not None
    assert box["width"] == seat.screen.locator(".cvi-stage").bounding_box()["width"]
    y = box["y"] + box["height"] / 2
    seat.tab.mouse.move(box["x"] + 6, y)
    seat.tab.mouse.down()
    for share in (0.2, 0.5, 0.7):
        seat.tab.mouse.move(box["x"] + share * box["width"], y)
        assert abs(place(seat) - share * 299) < 8  # at once, whatever the picture shows
    wait_until(lambda: seat.presented == place(seat), what="the picture comes while the pointer is held")
    seat.tab.mouse.move(box["x"] + 0.6 * box["width"], y)
    wanted = place(seat)
    seat.tab.mouse.up()
    seat.rests(wanted, python=False)
    assert place(seat) == wanted


def test_one_frame_leaves_nothing_to_slide(seat: Seat, films: Films) -> None:
    seat.load("one", films)
    seat.rests(0, python=False)
    assert slider(seat).is_disabled()


def test_no_more_than_its_own_track_stands_between_picture_and_buttons(seat: Seat, films: Films) -> None:
    """Height that the chart would miss."""
    seat.load("constant", films)
    picture, row = (seat.screen.locator(name).bounding_box() for name in (".cvi-stage", ".cvi-transport"))
    assert row["y"] - picture["y"] - picture["height"] <= 15
