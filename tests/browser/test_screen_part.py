"""The screen by itself on a bare page: every kind of video, and what goes wrong on the way to a picture."""

from __future__ import annotations

import io
import itertools
import random
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests.support.browser import wait_until
from tests.support.player import RECORD, TURNS, PlayerVisitor
from tests.support.player_kinds import KINDS, NAMED, PLAYED
from tests.support.stage import Stage, put
from tests.support.video_maker import PlantedVideo
from tests.video.test_shown_pictures import write

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SIZE = {"width": 1280, "height": 800}
MOMENTS = [[1.0, 1.5], [2.5, 3.0], [4.0, 5.0]]  # frames 30-44, 75-89, 120-149 of "constant"
SECONDS = np.arange(101) / 10  # of a hundred frames, and the end
OTHERS = [kind for kind in PLAYED if kind not in NAMED]
NO_FRAMES = "delete HTMLVideoElement.prototype.requestVideoFrameCallback"
SILENT_ONLY = """const play = HTMLMediaElement.prototype.play
  HTMLMediaElement.prototype.play = function () {
    return this.muted ? play.call(this) : Promise.reject(new DOMException("no gesture", "NotAllowedError")) }"""
HIDEABLE = """const ask = HTMLVideoElement.prototype.requestVideoFrameCallback
  HTMLVideoElement.prototype.requestVideoFrameCallback = function (act) {
    return ask.call(this, (...told) => window.is_hidden ? this.requestVideoFrameCallback(act) : act(...told)) }
  Object.defineProperty(document, "hidden", { get: () => Boolean(window.is_hidden) })"""
LEARNS_ITS_LENGTH = """const [length, time] = ["duration", "currentTime"].map(
    (name) => Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, name))
  const known = function () { return window.is_read ? length.get.call(this) : Math.min(1, length.get.call(this)) }
  const seek = function (seconds) { time.set.call(this, Math.min(seconds, this.duration)) }
  Object.defineProperty(HTMLMediaElement.prototype, "duration", { get: known })
  Object.defineProperty(HTMLMediaElement.prototype, "currentTime", { ...time, set: seek })"""
SAVING = """const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src")
  const set = function (address) { this.preload = "none"; source.set.call(this, address) }
  Object.defineProperty(HTMLMediaElement.prototype, "src", { ...source, set })"""


class Films(dict[str, PlantedVideo]):
    """Videos by their kind: made when a test asks for one, and kept."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder

    def __missing__(self, kind: str) -> PlantedVideo:
        self[kind] = (PLAYED.get(kind) or KINDS[kind])(self.folder)
        self.stage.films[named(kind)] = self[kind].path
        return self[kind]


def starts_at(path: Path) -> float:
    """Where the file's own clock stands at its first picture, in seconds."""
    with av.open(str(path)) as container:
        return float(next(container.decode(video=0)).time)


def named(kind: str) -> str:
    return re.sub(r"\W", "_", kind)


@pytest.fixture(scope="module")
def films(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(stage, tmp_path_factory.mktemp("films"))


class Seat(PlayerVisitor):
    """A tab on the stage with one screen."""

    def __init__(self, tab: Any, stage: Stage) -> None:
        super().__init__(tab, stage.address)
        self.stage = stage
        tab.goto(stage.address)
        tab.wait_for_selector("body[data-ready]", state="attached")

    def load(self, kind: str, films: Films, moments: Sequence[Any] = (), **given: Any) -> PlantedVideo:
        """Show a video of that kind; returns the truth about it."""
        video = films[kind]
        times = [*video.times_s, video.times_s[-1] + 1 / 30]
        data = self.stage.screen(named(kind), times, moments, start=starts_at(video.path))
        put(self.tab, "s", "screen", data | given)
        return video

    def give(self, data: dict[str, Any]) -> None:
        """Other data, without waiting for what they need."""
        self.tab.evaluate("(data) => { put('s', 'screen', 'main', data) }", data)

    def reports(self, name: str = "at") -> list[Any]:
        return list(self.tab.evaluate("(name) => reports.filter((one) => one[1] === name).map((one) => one[2])", name))

    def says(self, text: str) -> None:
        wait_until(lambda: text in self.note, what=f"{text!r} and not {self.note!r}")


@pytest.fixture(scope="module")
def usual(stage: Stage, chromium: Any) -> Iterator[Seat]:
    context = chromium.new_context(viewport=SIZE)
    yield Seat(context.new_page(), stage)
    context.close()


@pytest.fixture
def seat(stage: Stage, usual: Seat) -> Iterator[Seat]:
    """The one tab of all tests that want nothing special, empty."""
    stage.held.clear()
    usual.tab.evaluate("clear()")
    yield usual
    usual.tab.unroute_all()


@pytest.fixture
def special(stage: Stage, chromium: Any, request: pytest.FixtureRequest) -> Iterator[Seat]:
    """A tab of its own, in a browser that a script has changed."""
    context = chromium.new_context(viewport=SIZE)
    context.add_init_script(request.param)
    yield Seat(context.new_page(), stage)
    context.close()


@pytest.mark.parametrize("kind", OTHERS)
def test_every_other_kind_is_exact(seat: Seat, films: Films, kind: str) -> None:
    """Those of ``NAMED`` are seen through the whole page in test_screen.py."""
    video = seat.load(kind, films)
    seat.rests(0, video.numbers[0], python=False)
    last, rng = len(video) - 1, random.Random(kind)  # noqa: S311 - the same at every run
    for frame in dict.fromkeys([last, rng.randrange(len(video)), 0, last // 2]):
        seat.go(frame)
        seat.rests(frame, video.numbers[frame], python=False)
    assert seat.screen.locator("[data-exact]").inner_text() == ""
    wait_until(lambda: frame == 0 or (seat.reports()[-1:] and seat.reports()[-1]["frame"] == frame), what="the report")


def test_the_frames_around_keyframes(seat: Seat, films: Films) -> None:
    video = seat.load("uneven", films)
    for key in range(30, len(video), 30):
        for frame in (key - 2, key - 1, key, key + 1):
            seat.go(frame)
            seat.rests(frame, python=False)


# As a browser that stands at the time that was sought, and shows another frame than that of this time.
AIMS_WRONG = """const time = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'currentTime')
Object.defineProperty(HTMLMediaElement.prototype, 'currentTime', { get() { return time.get.call(this) - 1 },
    set(seconds) { window.aims = [...(window.aims ?? []), seconds]; time.set.call(this, seconds + 1) } })"""


@pytest.mark.parametrize("special", [AIMS_WRONG], indirect=True)
def test_what_is_on_the_screen_is_told_and_not_what_was_wanted(special: Seat, films: Films) -> None:
    special.load("constant", films)
    special.rests(0, python=False)
    special.go(60)
    wait_until(lambda: [report["frame"] for report in special.reports()] == [90], what="a report of frame 90")
    special.rests(90, python=False)
    assert len(special.tab.evaluate("aims")) == 3


def test_where_it_stops_is_what_it_says(seat: Seat, films: Films) -> None:
    for kind in ("variable", "edit list, b-frames"):
        video = seat.load(kind, films)
        seat.rests(0, video.numbers[0], python=False)
        for _ in range(2):
            before, heard = seat.presented, len(seat.reports())
            seat.press("Space")
            wait_until(lambda: seat.presented > before + 3, what="playing")  # noqa: B023
            seat.press("Space")
            wait_until(lambda: not seat.playing and len(seat.reports()) > heard, what="a report")  # noqa: B023
            stopped = seat.reports()[-1]["frame"]
            seat.rests(stopped, video.numbers[stopped], python=False)


def colours_of(seat: Seat, *places: tuple[float, float]) -> list[tuple[int, ...]]:
    """What stands at places of the stage, of which x and y are shares: red, green, blue."""
    with Image.open(io.BytesIO(seat.tab.locator(".cvi-stage").screenshot())) as shot:
        return [shot.convert("RGB").getpixel((int(x * shot.width), int(y * shot.height))) for x, y in places]


def test_transparent_places_are_white_and_the_bars_dark(seat: Seat, tmp_path: Path) -> None:
    """The picture is square, so the stage has bars at its left and right."""
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[:, 32:] = (255, 0, 0, 255)
    frames = [av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="yuva420p") for _ in range(4)]
    write(tmp_path / "clear.webm", frames, "libvpx-vp9", "yuva420p", options={"auto-alt-ref": "0", "g": "2"})
    seat.stage.films["clear"] = tmp_path / "clear.webm"
    for is_clear, behind in ((True, (255, 255, 255)), (False, (11, 13, 16))):
        seat.tab.evaluate("clear()")
        put(seat.tab, "s", "screen", seat.stage.screen("clear", np.arange(5) / 10, clear=is_clear))
        wait_until(lambda: seat.presented == 0, what="the first frame")
        bar, clear, red = colours_of(seat, (0.05, 0.5), (0.35, 0.5), (0.65, 0.5))
        assert (bar, clear) == ((11, 13, 16), behind)
        assert np.abs(np.subtract(red, (255, 0, 0))).max() <= 4


# The transport


@pytest.mark.parametrize("by_key", [True, False])
def test_the_transport(seat: Seat, films: Films, by_key: bool) -> None:
    seat.load("constant", films, MOMENTS)
    steps: list[tuple[str, str, int, int]] = [
        ("ArrowRight", "step", 1, 1),
        (".", "step", 1, 2),
        (",", "step", -1, 1),
        ("Shift+ArrowRight", "seconds", 1, 31),
        ("]", "moment", 1, 75),
        ("n", "moment", 1, 120),
        ("]", "moment", 1, 120),
        ("[", "moment", -1, 75),
        ("Shift+ArrowLeft", "seconds", -1, 45),
        ("ArrowLeft", "step", -1, 44),
        ("End", "end", 0, 149),
        ("Home", "reset", 0, 0),
        ("ArrowLeft", "step", -1, 0),
    ]
    for key, what, by, frame in steps:
        seat.press(key) if by_key or what == "end" else seat.button(what, by).click(force=True)
        seat.rests(frame, python=False)
    for what, key in (("mute", "m"), ("help", "?"), ("loop", "l")):
        for pressed in ("true", "false"):
            seat.press(key) if by_key else seat.button(what).click()
            wait_until(lambda: seat.button(what).get_attribute("aria-pressed") == pressed, what=what)  # noqa: B023
    seat.press("f") if by_key else seat.button("fullscreen").click()
    wait_until(lambda: seat.tab.evaluate("document.fullscreenElement?.dataset.part") == "screen", what="full screen")
    seat.press("f")
    wait_until(lambda: seat.tab.evaluate("document.fullscreenElement === null"), what="the page again")


def test_buttons_that_lead_nowhere_are_off(seat: Seat, films: Films) -> None:
    off = """all => all.filter((one) => one.ariaDisabled === "true").map((one) => one.dataset.do + one.dataset.by)"""
    seat.load("constant", films, MOMENTS)
    back, on = ["seconds-1", "step-1"], ["step1", "seconds1"]
    for frame, expected in ((0, back), (1, []), (148, []), (149, on)):
        seat.go(frame)
        seat.rests(frame, python=False)
        assert seat.screen.locator("button[data-by]").evaluate_all(off) == expected, frame
        assert seat.button("toggle").get_attribute("aria-disabled") == "false"
    put(seat.tab, "s", "screen", seat.stage.screen("single", [0.0, 0.04]))
    wait_until(lambda: seat.text == 0, what="the only frame")
    assert seat.screen.locator("button[data-by]").evaluate_all(off) == ["moment-1", *back, *on, "moment1"]
    assert seat.button("toggle").get_attribute("aria-disabled") == "true"


def test_the_help_names_every_key_and_can_be_read_to_its_end(seat: Seat, films: Films) -> None:
    seat.load("constant", films)
    seat.press("?")
    rows = seat.screen.locator(".cvi-help tr")
    assert rows.locator("td:first-child").all_inner_texts()[-6:] == ["Home", "End", "A", "X", "Ctrl Z", "?"]
    for width in (700, 441, 300):
        seat.screen.evaluate("(screen, width) => (screen.style.width = `${width}px`)", width)
        rows.last.scroll_into_view_if_needed()
        inside = """(row) => row.getBoundingClientRect().bottom <=
            row.closest(".cvi-stage").getBoundingClientRect().bottom"""
        assert rows.last.evaluate(inside), width


# Another page of the app, and back


LEAVE = """(byLink) => { const { frame } = document[Symbol.for("clip-video-investigator.clocks")].get("main")
    document[Symbol.for("clip-video-investigator.leaving")] = byLink ? performance.now() : -Infinity
    take("s"); return frame }"""
"""Take the player off the page, as when a link leads to another page or else; returns the frame on the screen."""


def test_the_place_stays_where_it_was_left_for_another_page(seat: Seat, films: Films) -> None:
    seat.load("constant", films)
    seat.go(20)
    wait_until(lambda: [one["frame"] for one in seat.reports()] == [20], what="20 in Python")
    seat.press("Space")
    wait_until(lambda: seat.presented > 25, what="playing")
    left = seat.tab.evaluate(LEAVE, True)
    video = seat.load("constant", films, seek={"seq": 0, "frame": 20})
    seat.rests(left, video.numbers[left], python=False)
    wait_until(lambda: seat.reports()[-1]["frame"] == left, what="the report of where it was left")


@pytest.mark.parametrize("change", ["another command", "another frame", "another video", "another view", "twice"])
def test_the_place_that_was_left_does_not_win_against(seat: Seat, films: Films, change: str) -> None:
    seat.load("constant", films)
    seat.go(60)
    wait_until(seat.reports, what="60 in Python")
    seat.go(90)
    seat.rests(90, python=False)
    seat.tab.evaluate(LEAVE, change != "another view")
    if change == "twice":  # it was taken up once, and then Python heard of another
        seat.load("constant", films, seek={"seq": 0, "frame": 60})
        seat.rests(90, python=False)
        seat.tab.evaluate(LEAVE, False)
    seek = {"seq": int(change == "another command"), "frame": 70 if change == "another frame" else 60}
    video = seat.load("b-frames" if change == "another video" else "constant", films, seek=seek)
    seat.rests(seek["frame"], video.numbers[seek["frame"]], python=False)


def test_play_at_the_end_begins_anew(seat: Seat, films: Films) -> None:
    seat.load("constant", films)
    seat.go(148)
    seat.rests(148, python=False)
    seat.video.click()
    wait_until(lambda: seat.of_video("ended"), what="the end")
    seat.rests(149, python=False)
    seat.tab.keyboard.press("Space")  # the click has put the focus into the player
    wait_until(lambda: seat.playing and 0 < seat.presented < 140, what="playing from the start")


def test_a_held_key_loses_no_step(seat: Seat, films: Films) -> None:
    seat.load("groups of 250", films)
    seat.screen.focus()
    for _ in range(40):
        seat.tab.keyboard.down("ArrowRight")  # each but the first is a repetition
    seat.tab.keyboard.up("ArrowRight")
    seat.rests(40, python=False)


def test_scrubbing_asks_for_the_newest_only(seat: Seat, films: Films) -> None:
    seat.load("groups of 250", films)
    seat.rests(0, python=False)
    seat.video.evaluate("(v) => { window.seeks = 0; v.addEventListener('seeking', () => window.seeks++) }")
    script = """() => { const clock = document[Symbol.for("clip-video-investigator.clocks")].get("main")
      for (let k = 0; k < 200; k++) clock.ask("scrub", { frame: (k * 37) % 290 })
      clock.ask("seek", { frame: 211 }) }"""
    seat.tab.evaluate(script)
    seat.rests(211, python=False)
    assert seat.tab.evaluate("window.seeks") <= 4


# The repeated moment


@pytest.mark.parametrize("speed", ["0.25", "1", "4"])
def test_a_moment_is_repeated(seat: Seat, films: Films, speed: str) -> None:
    """How far off is what the machine itself let pass without a picture; the benchmark measures a free one."""
    seat.load("constant", films, MOMENTS)
    seat.go(40 if speed == "0.25" else 31)
    seat.press("l")
    seat.screen.locator(".cvi-speed").select_option(speed)
    seat.video.evaluate(RECORD)
    seat.press("Space")
    wait_until(lambda: seat.tab.evaluate(TURNS) >= 2, what="two turns")
    seat.press("Space")
    shown = seat.tab.evaluate("frames_shown")
    stall_s = max(later - now for (_, now), (_, later) in itertools.pairwise(shown)) / 1000
    off = 2 + 2 * stall_s * float(speed) * 30
    turns = [after for (before, _), (after, _) in itertools.pairwise(shown) if after < before]
    assert max(frame for frame, _ in shown) <= 44 + off
    assert all(30 <= first <= 30 + off for first in turns[:2])


def test_the_last_moment_ends_with_the_video(seat: Seat, films: Films) -> None:
    seat.load("constant", films, MOMENTS)
    seat.go(140)
    seat.press("l")
    seat.video.evaluate(RECORD)
    seat.press("Space")
    wait_until(lambda: seat.tab.evaluate(TURNS) >= 2, what="two turns")
    assert not seat.of_video("paused") or seat.of_video("ended")


def test_another_moment_while_one_is_repeated(seat: Seat, films: Films) -> None:
    seat.load("constant", films, MOMENTS)
    seat.go(31)
    seat.press("l")
    seat.press("]")
    seat.rests(75, python=False)
    seat.video.evaluate(RECORD)
    seat.press("Space")
    wait_until(lambda: seat.tab.evaluate(TURNS) >= 1, what="the second moment again")
    assert min(frame for frame, _ in seat.tab.evaluate("frames_shown.slice(1)")) >= 75
    seat.go(10)  # where there is no moment
    wait_until(lambda: seat.button("loop").get_attribute("aria-pressed") == "false", what="the end of repeating")
    assert "no moment" in seat.note


# Where nothing tells of pictures


@pytest.mark.parametrize("special", [NO_FRAMES], indirect=True)
def test_a_browser_that_tells_no_frames(special: Seat, films: Films) -> None:
    for kind, frame in (("late mp4", 60), ("variable", 150), ("constant", 149)):
        special.load(kind, films)
        assert special.screen.locator("[data-exact]").inner_text() == "±1 frame"
        wait_until(lambda: special.of_video("readyState") >= 2, what="the first picture")
        special.go(frame)
        special.rests(frame, python=False)
        special.press("ArrowLeft")
        special.rests(frame - 1, python=False)
    special.press("Home")
    special.rests(0, python=False)
    special.press("Space")
    wait_until(lambda: special.presented > 10, what="the playhead runs")


@pytest.mark.parametrize("special", [LEARNS_ITS_LENGTH], indirect=True)
def test_a_frame_beyond_the_length_that_the_browser_knows_yet(special: Seat, films: Films) -> None:
    special.load("constant", films)
    special.rests(0, python=False)
    go_beyond(special, 90)
    learn_the_length(special)
    special.rests(90, python=False)


@pytest.mark.parametrize("special", [LEARNS_ITS_LENGTH], indirect=True)
def test_who_went_elsewhere_meanwhile_is_not_taken_there(special: Seat, films: Films) -> None:
    special.load("constant", films)
    special.rests(0, python=False)
    go_beyond(special, 100)
    special.go(3)
    special.rests(3, python=False)
    learn_the_length(special)
    special.tab.wait_for_timeout(700)  # what must not happen would have happened
    special.rests(3, python=False)
    go_beyond(special, 140)
    special.press("Space")
    wait_until(lambda: special.presented > 35, what="playing on from there")
    special.press("Space")
    wait_until(lambda: not special.playing, what="a pause")
    learn_the_length(special)
    special.tab.wait_for_timeout(700)
    assert 35 < special.presented < 100
    special.tab.evaluate("window.is_read = false")
    special.tab.evaluate(IN_ONE_BREATH)  # the second wish comes while the first seek is under way
    special.rests(3, python=False)
    special.tab.wait_for_timeout(700)
    special.rests(3, python=False)


IN_ONE_BREATH = """() => {
  const clock = document[Symbol.for("clip-video-investigator.clocks")].get("main")
  for (const frame of [100, 3]) clock.ask("seek", { frame })
  window.is_read = true
  document.querySelector("video").dispatchEvent(new Event("durationchange")) }"""


def go_beyond(seat: Seat, frame: int) -> None:
    """Want a frame after the one second that the browser knows of, and wait until it is given up."""
    seat.tab.evaluate("window.is_read = false")
    seat.go(frame)
    seat.rests(30, python=False)
    wait_until(lambda: [report["frame"] for report in seat.reports()][-1:] == [30], what="the end of its tries")


def learn_the_length(seat: Seat) -> None:
    seat.tab.evaluate("window.is_read = true")
    seat.video.evaluate("(video) => video.dispatchEvent(new Event('durationchange'))")


@pytest.mark.parametrize("special", [HIDEABLE], indirect=True)
def test_a_hidden_tab_pauses_where_it_is_and_repeats_its_moment(special: Seat, films: Films) -> None:
    special.load("constant", films, [[1.0, 2.0]])
    special.rests(0, python=False)
    special.press("Space")
    wait_until(lambda: special.presented > 3, what="playing")
    special.tab.evaluate("window.is_hidden = true")
    wait_until(lambda: special.of_video("currentTime") > 1.5, what="the sound goes on")
    special.press("Space")
    wait_until(lambda: not special.playing and special.reports(), what="a report")
    stopped = special.reports()[-1]["frame"]
    assert stopped >= 45
    special.rests(stopped, python=False)
    special.go(40)
    special.rests(40, python=False)
    special.press("l")
    special.press("Space")
    special.video.evaluate("(v) => { window.turns = 0; v.addEventListener('seeking', () => (turns += 1)) }")
    wait_until(lambda: special.tab.evaluate("turns") >= 2, what="two turns")
    assert special.of_video("currentTime") < 4


@pytest.mark.parametrize("special", [SAVING], indirect=True)
def test_a_browser_that_loads_nothing_before_it_plays(special: Seat, films: Films) -> None:
    special.load("late mp4", films)
    special.press("Space")
    wait_until(lambda: special.presented > 3, what="playing")
    special.press("Space")
    wait_until(special.reports, what="a report")
    special.rests(special.reports()[-1]["frame"], python=False)


@pytest.mark.parametrize("special", [SILENT_ONLY], indirect=True)
def test_playing_that_is_not_allowed_begins_without_sound(special: Seat, films: Films) -> None:
    special.load("long sound", films)
    special.press("Space")
    wait_until(lambda: special.presented > 3, what="playing")
    assert special.of_video("muted") is True
    assert "without sound" in special.note


# What goes wrong


def test_a_connection_that_breaks_once_is_no_refusal(seat: Seat, films: Films) -> None:
    seat.tab.route("**/player/video/**", lambda route: route.abort(), times=1)
    seat.load("b-frames", films)
    seat.rests(0, python=False)
    seat.go(33)
    seat.rests(33, python=False)
    assert (seat.reports("refused"), seat.note) == ([], "")


def test_what_cannot_be_played_is_refused_once_and_of_a_copy_the_next_step_is_named(seat: Seat, films: Films) -> None:
    seat.load("avi", films)
    wait_until(lambda: seat.reports("refused"), what="the refusal")
    assert seat.note == "This browser cannot play this video."
    seat.go(7)
    wait_until(seat.reports, what="the report")
    assert seat.presented == 7
    seat.tab.route("**/player/copy/**", lambda route: route.fulfill(body=b"?" * 99, content_type="video/mp4"))
    seat.load("avi", films, address="player/copy/avi")
    seat.says("cannot play this video. View → Frames shows it picture by picture.")
    assert seat.reports("refused") == ["player/video/avi", "player/copy/avi"]


def test_a_server_that_is_gone_and_comes_back(seat: Seat, films: Films) -> None:
    seat.tab.route("**/player/video/**", lambda route: route.abort())
    seat.load("b-frames", films)
    seat.says("does not answer")
    seat.tab.unroute("**/player/video/**")
    seat.rests(0, python=False)
    wait_until(lambda: seat.note == "", what="no note")


def test_without_the_file_frames_are_numbers_alone_and_the_note_stays_still(seat: Seat) -> None:
    data = seat.stage.screen("gone", SECONDS)
    put(seat.tab, "s", "screen", data)
    seat.says("nothing")  # what the server said
    watch = """() => { window.changes = 0; const note = document.querySelector('.cvi-note')
        const every = {childList: true, attributes: true, characterData: true, subtree: true}
        new MutationObserver((all) => (changes += all.length)).observe(note, every) }"""
    seat.tab.evaluate(watch)
    for frame in (40, 41):
        seat.go(frame)
        assert (seat.presented, seat.text, seat.playing) == (frame, frame, False)
        wait_until(lambda: seat.reports()[-1:] and seat.reports()[-1]["frame"] == frame, what="report")  # noqa: B023
        wait_until(lambda: seat.of_video("error") is not None, what="tried again in vain")
    assert seat.tab.evaluate("changes") == 0
    asked: list[str] = []
    seat.tab.on("request", lambda request: asked.append(request.url))
    for frame in (42, 43):
        before = len(asked)
        seat.go(frame)
        wait_until(lambda: seat.reports()[-1]["frame"] == frame and len(asked) > before, what="asked again")  # noqa: B023
        seat.tab.evaluate("fetch('/').then((answer) => answer.text())")  # what it asks at once has been asked by then
        assert [url.rpartition("/")[2] for url in asked[before:]] == ["gone", ""], "one question for a click"
    put(seat.tab, "s", "screen", data | {"seek": {"seq": 1, "frame": 9}})
    assert seat.presented == 9


def test_a_page_in_the_place_of_the_server_is_not_shown(seat: Seat, films: Films) -> None:
    seat.tab.route(
        "**/player/video/**", lambda route: route.fulfill(body="<h1>Log in</h1>" * 99, content_type="text/html")
    )
    seat.load("b-frames", films)
    seat.says("does not give the video (it answered 200)")
    assert seat.reports("refused") == []


# Other data


def test_a_better_table_keeps_what_is_seen_and_tells_its_number(seat: Seat) -> None:
    put(seat.tab, "s", "screen", seat.stage.screen("first", np.arange(101) / 25, confirmed=False))
    seat.says("nothing")
    seat.go(50)
    wait_until(seat.reports, what="the report")
    put(seat.tab, "s", "screen", seat.stage.screen("first", np.arange(121) / 30))
    assert (seat.presented, seat.text) == (60, 60)
    wait_until(lambda: [one["frame"] for one in seat.reports()] == [50, 60], what="both numbers in Python")


def test_there_and_back_before_it_arrived_begins_anew(seat: Seat) -> None:
    one, two = (seat.stage.screen(name, SECONDS + shift) for name, shift in (("first", 0.0), ("second", 1.0)))
    put(seat.tab, "s", "screen", one)
    seat.says("nothing")
    seat.go(40)
    wait_until(seat.reports, what="the report")
    held = seat.stage.held[two["times"].rpartition("/")[2]] = threading.Event()
    seat.give(two)
    put(seat.tab, "s", "screen", one | {"confirmed": False})
    assert seat.presented == 0
    held.set()


def test_times_that_are_gone_are_asked_for_and_a_page_is_no_table(seat: Seat) -> None:
    data = seat.stage.screen("third", SECONDS)
    place = data["times"].rpartition("/")[2]
    block = seat.stage.blocks.pop(place)
    seat.give(data)
    wait_until(lambda: seat.reports("missing"), what="asked for them")
    seat.tab.route(f"**/{place}", lambda route: route.fulfill(body="x" * 80, content_type="text/html"))
    seat.stage.blocks[place] = block
    seat.says("times of the frames did not arrive")
    seat.tab.unroute(f"**/{place}")
    seat.says("nothing")  # the file is the next thing that is not there
    seat.go(99)
    assert seat.presented == 99
