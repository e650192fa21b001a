"""The screen in a served page: the frame that is wanted, shown, drawn and known to Python."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import served, wait_until
from tests.support.player import RECORD, SCRIPT, TURNS, PlayerVisitor
from tests.support.player_kinds import KINDS, NAMED, PLAYED, store
from tests.support.video_maker import PlantedVideo
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]

SIZE = {"width": 1440, "height": 900}
MOMENTS = [[1.0, 1.5], [2.5, 3.0], [4.0, 5.0]]  # frames 30-44, 75-89, 120-149 of "constant"
OTHERS = ["b-frames", "edit list", "avi"]
Visit = Callable[..., PlayerVisitor]
Stock = dict[str, PlantedVideo]


def screen_world(folder: Path, *names: str) -> tuple[World, Stock]:
    world = World(folder)
    world.write(video_path="none.mp4", CLIP=["a"], model="sample", embeddings="embeddings", video_dirs=["."])
    videos = {name: (PLAYED.get(name) or KINDS[name])(folder) for name in names}
    store(videos, folder / "embeddings")
    return world, videos


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stock, str]]:
    world, videos = screen_world(tmp_path_factory.mktemp("screens"), *NAMED, *OTHERS)
    with served(world, script=SCRIPT) as address:
        yield videos, address


@pytest.fixture
def visit(site: tuple[Stock, str], chromium: Any) -> Iterator[Visit]:
    tabs: list[PlayerVisitor] = []
    with contextlib.ExitStack() as stack:

        def opened(address: str = site[1], before: str = "", theme: str = "light") -> PlayerVisitor:
            context = chromium.new_context(viewport=SIZE, color_scheme=theme)
            stack.callback(context.close)
            tab = context.new_page()
            if before:
                tab.add_init_script(before)
            tabs.append(PlayerVisitor(tab, address))
            return tabs[-1]

        yield opened
        for tab in tabs:
            assert tab.outside() == []


def test_every_kind_is_exact(visit: Visit, site: tuple[Stock, str]) -> None:
    """More of them in test_screen_part.py; here with the tables that Python has read."""
    visitor = visit().open_screen(NAMED[0])
    for kind in NAMED:
        video = site[0][kind]
        if kind != NAMED[0]:
            visitor.choose(kind)
        visitor.rests(0, video.numbers[0])
        for frame in dict.fromkeys([len(video) - 1, len(video) // 3]):
            visitor.go(frame)
            visitor.rests(frame, video.numbers[frame])
        shown = visitor.screen.locator("[data-time]").inner_text()
        minutes, seconds = divmod(video.times_s[frame], 60)
        assert abs(float(shown.split(":")[1]) - seconds) < 0.002
        assert shown.startswith(f"{minutes:.0f}:")
        assert visitor.screen.locator("[data-exact]").inner_text() == ""
    assert visitor.errors == []


# The transport


def test_keys_belong_to_the_player_only(visit: Visit) -> None:
    visitor = visit().open_screen("constant")
    area = visitor.tab.locator(".st-key-to input")
    area.click()
    visitor.tab.keyboard.type("mfkl?.,[]")
    assert area.input_value() == "mfkl?.,[]"
    assert visitor.of_video("muted") is False
    area.press("Enter")
    wait_until(lambda: visitor.tab.locator("[data-wanted]").inner_text() == "mfkl?.,[]", what="the text in Python")
    runs = visitor.runs
    for key in ("c", "r", "C", "R"):
        visitor.press(key)
    visitor.screen.locator(".cvi-speed").focus()
    visitor.tab.keyboard.press("r")
    visitor.go(12)
    visitor.rests(12)
    assert visitor.runs == runs + 1  # the report: r has run nothing
    assert visitor.tab.locator('[role="dialog"]').count() == 0  # c asks whether to clear the caches
    assert visitor.presented == 12


def test_speed_and_sound_are_kept(visit: Visit) -> None:
    visitor = visit().open_screen("constant")
    visitor.press(">")
    visitor.press("m")
    visitor.tab.locator(".st-key-again button").click()
    wait_until(lambda: visitor.runs >= 2, what="a rerun")
    visitor.choose("b-frames")
    assert (visitor.of_video("playbackRate"), visitor.of_video("muted")) == (1.5, True)
    visitor.show(False)
    visitor.show(True)
    visitor.ready()
    assert (visitor.of_video("playbackRate"), visitor.of_video("muted")) == (1.5, True)
    assert visitor.screen.locator(".cvi-speed").input_value() == "1.5"


# The repeated moment


def test_the_repeated_moment_changes_and_vanishes(visit: Visit) -> None:
    visitor = visit().open_screen("constant", moments=MOMENTS)
    visitor.go(31)
    visitor.press("l")
    visitor.set_moments([[1.2, 1.4], [4.0, 5.0]])
    assert visitor.button("loop").get_attribute("aria-pressed") == "true"
    visitor.video.evaluate(RECORD)
    visitor.press("Space")
    wait_until(
        lambda: visitor.tab.evaluate("window.frames_shown.filter(([f]) => f === 36).length") >= 2, what="36 again"
    )
    visitor.set_moments([[4.0, 5.0]])
    wait_until(lambda: visitor.button("loop").get_attribute("aria-pressed") == "false", what="the end of repeating")
    assert "no longer" in visitor.note


# What Python hears


def test_who_plays_and_turns_to_the_page_by_key_is_found_there(visit: Visit) -> None:
    visitor = visit().open_screen("groups of 250")
    visitor.press("Space")
    wait_until(lambda: visitor.presented > 5, what="playing")
    visitor.tab.locator(".st-key-to input").focus()
    wait_until(lambda: visitor.python > 5, what="the frame of that moment in Python")
    assert visitor.playing


def test_nothing_is_sent_while_it_plays(visit: Visit) -> None:
    visitor = visit()
    sent: list[object] = []
    visitor.tab.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))  # noqa: PLW0108 - not a method
    visitor.open_screen("constant", moments=MOMENTS)
    visitor.go(30)
    visitor.rests(30)
    visitor.press("l")
    visitor.video.evaluate(RECORD)
    visitor.press("Space")
    wait_until(lambda: visitor.presented > 32, what="playing")
    sent.clear()
    asked = len(visitor.requests)
    turns = TURNS
    wait_until(lambda: visitor.tab.evaluate(turns) >= 4, what="four turns of the moment")
    assert (sent, visitor.requests[asked:]) == ([], [])
    visitor.press("Space")
    wait_until(lambda: not visitor.playing and visitor.python == visitor.presented, what="the report")
    assert len(sent) == 1


def test_python_moves_it(visit: Visit) -> None:
    visitor = visit().open_screen("constant")
    visitor.seek_by_python(100)
    visitor.rests(100)
    visitor.go(20)
    visitor.rests(20)
    visitor.seek_by_python(100)  # the same again, after the visitor has moved on
    visitor.rests(100)
    visitor.press("Space")
    visitor.screen.locator(".cvi-speed").select_option("0.25")  # so that a slow machine has time before the end
    wait_until(lambda: visitor.presented > 102, what="playing")
    visitor.video.evaluate(RECORD)
    visitor.seek_by_python(50)
    back = "frames_shown.some(([frame], k, all) => k > 0 && frame < all[k - 1][0] && frame >= 50 && frame < 100)"
    wait_until(lambda: visitor.tab.evaluate(back), what="playing from 50 on")
    assert visitor.playing
    visitor.press("Space")
    wait_until(lambda: not visitor.playing and visitor.python == visitor.presented, what="the report")
    visitor.ask("scrub", frame=140)  # in flight
    visitor.seek_by_python(10)
    visitor.rests(10)


def test_another_video_while_it_plays(visit: Visit) -> None:
    visitor = visit().open_screen("constant")
    visitor.go(60)
    visitor.rests(60)
    visitor.press("Space")
    wait_until(lambda: visitor.presented > 65, what="playing")
    visitor.choose("edit list")
    visitor.rests(0, 40)
    assert not visitor.playing
    visitor.go(33)
    visitor.rests(33, 73)


def test_a_reload_while_it_plays(visit: Visit) -> None:
    visitor = visit().open_screen("constant")
    visitor.press("Space")
    wait_until(lambda: visitor.presented > 5, what="playing")
    visitor.tab.reload()
    visitor.ready()
    visitor.rests(0)
    visitor.go(77)
    visitor.rests(77)
    assert visitor.errors == []


# What goes wrong


def test_a_file_that_was_moved_away(tmp_path: Path, visit: Visit) -> None:
    world, videos = screen_world(tmp_path, "constant", "b-frames")
    path = videos["constant"].path
    with served(world, script=SCRIPT) as address:
        path.rename(tmp_path / "elsewhere")
        visitor = visit(address)
        visitor.tab.goto(f"{address}/?name=constant")
        wait_until(lambda: "moved or deleted" in visitor.note, what="the server's answer")
        assert str(tmp_path) not in visitor.note
        assert visitor.tab.locator("[data-refused]").inner_text() == ""
        (tmp_path / "elsewhere").rename(path)
        visitor.press("Space")  # tries again
        wait_until(lambda: visitor.presented > 3, what="playing")
        assert visitor.note == ""
        path.write_bytes(videos["b-frames"].path.read_bytes())
        visitor.tab.reload()
        wait_until(lambda: "changed" in visitor.note, what="the server's answer")
        visitor.choose("b-frames")
        visitor.rests(0)


def test_what_no_browser_can_play_is_reported_once(visit: Visit) -> None:
    visitor = visit()
    visitor.tab.goto(f"{visitor.address}/?name=avi")
    wait_until(lambda: "player/video/" in visitor.tab.locator("[data-refused]").inner_text(), what="the report")
    assert "cannot play" in visitor.note
    visitor.choose("constant")
    visitor.rests(0)


# Coming and going


def test_nothing_is_left_behind(visit: Visit) -> None:
    visitor = visit().open_screen("constant")
    visitor.tab.evaluate("window.first_video = document.querySelector('video')")
    session = visitor.tab.context.new_cdp_session(visitor.tab)

    def listeners() -> int:
        found = session.send("Runtime.evaluate", {"expression": "document"})["result"]["objectId"]
        return len(session.send("DOMDebugger.getEventListeners", {"objectId": found})["listeners"])

    counts = []
    for turn in range(3):
        visitor.go(turn + 10)
        visitor.rests(turn + 10)
        visitor.show(False)
        clocks = "document[Symbol.for('clip-video-investigator.clocks')].size"
        wait_until(lambda: visitor.tab.evaluate(clocks) == 0, what="no clock")  # noqa: B023
        assert visitor.tab.evaluate(
            "[window.first_video.src, window.first_video.paused, document.querySelectorAll('video').length]"
        ) == ["", True, 0]
        counts.append(listeners())
        visitor.show(True)
        visitor.ready()
        visitor.rests(turn + 10)
    assert len(set(counts)) == 1


def test_two_players_do_not_disturb_each_other(visit: Visit) -> None:
    visitor = visit().open_screen("constant", two="b-frames", moments=MOMENTS, width=400)
    other = PlayerVisitor.beside(visitor, "other")
    other.ready()
    visitor.go(50)
    visitor.rests(50)
    assert (other.presented, other.drawn()) == (0, 0)
    other.press("ArrowRight")
    other.rests(1, python=False)
    wait_until(lambda: "'frame': 1" in visitor.tab.locator("[data-other]").inner_text(), what="the other's report")
    assert (visitor.presented, visitor.python) == (50, 50)
    other.press("m")
    assert (other.of_video("muted"), visitor.of_video("muted")) == (True, False)
    other.press("l")
    other.press("Space")
    wait_until(lambda: other.presented > 3, what="the other plays")
    assert not visitor.playing
    visitor.press("ArrowLeft")
    visitor.rests(49)
    assert other.playing


# Looks


def test_nothing_overflows(visit: Visit) -> None:
    visitor = visit().open_screen("constant", width=760)
    for width in (760, 500, 441, 421, 410, 380, 345, 300):
        sizes = visitor.screen.evaluate(
            """(screen, width) => {
              screen.style.width = `${width}px`
              const long = {time: "1:23:45.678", end: "≈ 2:00:00.000", frame: "215999", last: "≈ 216000"}
              for (const [name, text] of Object.entries(long)) screen.querySelector(`[data-${name}]`).textContent = text
              const edge = screen.getBoundingClientRect().right
              const seen = [...screen.querySelectorAll("button, select, .cvi-clock *")].filter((e) => e.offsetWidth)
              return [screen.offsetWidth, edge - Math.max(...seen.map((e) => e.getBoundingClientRect().right)),
                      screen.scrollWidth - screen.clientWidth, seen.map((e) => e.ariaLabel).filter(Boolean),
                      screen.querySelector(".cvi-clock").getBoundingClientRect().top
                        - Math.max(...seen.slice(0, 13).map((e) => e.getBoundingClientRect().bottom))]
            }""",
            width,
        )
        assert sizes[0] <= width
        assert sizes[1] >= 0, sizes
        assert sizes[2] <= 0
        assert len(sizes[3]) == 13  # twelve buttons and the speed, at every width
        assert {"To the start", "Keys"} <= set(sizes[3])
        assert sizes[4] >= 0, "a row beneath the clock"
