"""Verdicts in a real Chromium: the player walks from moments to candidates, and one click accepts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_findings_in_browser import Finder
from tests.browser.test_screen_part import SIZE, Films, Seat
from tests.pages.test_verdicts_page import PROMPTS, SURE, WALKS, sample_world
from tests.support.browser import control, served, wait_until
from tests.support.stage import Stage, put, times_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CHIPS = """() => [...document.querySelectorAll('[data-region=verdicts] [data-verdict]')].map(
    (chip) => [chip.dataset.prompt, chip.dataset.verdict, chip.title])"""
DOTTED = """() => (document.querySelector('.cvi-plot .js-plotly-plot, .cvi-plot.js-plotly-plot')
    ?._fullLayout.shapes ?? []).filter((shape) => shape.line.dash === 'dot' && shape.type === 'rect').length"""


@pytest.fixture(scope="module")
def seat(stage: Stage, chromium: Any) -> Iterator[Seat]:
    context = chromium.new_context(viewport=SIZE)
    yield Seat(context.new_page(), stage)
    context.close()


@pytest.fixture(scope="module")
def visitor(chromium: Any, tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[Finder]:
    """One tab with the sample for all tests."""
    with served(sample_world(tmp_path_factory.mktemp("verdicts"), stock)) as address:
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        made = Finder(context.new_page(), address)
        made.begin()
        yield made
        context.close()


def test_the_player_goes_where_the_server_would(seat: Seat) -> None:
    script = """async ([moments, candidates, from, walked]) => {
        const { stop } = await import('/files/search.js')
        return [-1, 1].map((by) => stop(moments, candidates, from, by, walked)?.frame ?? null) }"""
    for moments, candidates, frame, walked, there in WALKS:
        assert seat.tab.evaluate(script, [moments, candidates, frame, walked]) == list(there), (moments, candidates)


def test_a_walk_visits_each_moment_and_each_candidate_once(seat: Seat) -> None:
    """Also where both begin in the same frame, and where a candidate begins with the video."""
    times_of(seat.tab, [k / 10 for k in range(101)], "walker")
    script = """() => { const clock = kept.walker
        clock.setMoments([0, 1, 3, 4, 0, 1, 3, 4, 7, 8], 2)
        const found = []
        for (let from = 0, to; (to = clock.walk(from, 1)) !== undefined && found.length < 20; from = to) found.push(to)
        for (let from = found.at(-1), to; (to = clock.walk(from, -1)) !== undefined && found.length < 20; from = to)
            found.push(to)
        return found }"""
    assert seat.tab.evaluate(script) == [30, 0, 30, 70, 30, 0, 30, 0]


def test_next_goes_on_to_candidates_and_repeats_them(seat: Seat, stage: Stage, tmp_path: Path) -> None:
    seat.load("constant", Films(stage, tmp_path), [[1.0, 1.5], [4.0, 5.0], [2.5, 3.0]], sure=2)
    seat.rests(0, python=False)
    for key, frame in (("]", 30), ("]", 120), ("]", 75), ("]", 75), ("[", 120), ("]", 75)):
        seat.press(key)
        seat.rests(frame, python=False)
    seat.press("l")
    wait_until(lambda: seat.button("loop").get_attribute("aria-pressed") == "true", what="repeating")
    seat.press("Space")
    wait_until(lambda: seat.presented > 80, what="playing")
    wait_until(lambda: seat.presented < 80, what="the beginning of the candidate")
    seat.press("Space")
    assert 75 <= seat.presented < 90


def test_a_candidate_of_a_video_without_moments_can_be_reached(seat: Seat) -> None:
    data = seat.stage.screen("alone", [k / 10 for k in range(101)], [[2.0, 3.0]], sure=0)
    put(seat.tab, "alone", "screen", data, "alone")
    screen = seat.tab.locator("#alone")
    wait_until(lambda: screen.locator('[data-do="moment"][data-by="1"]').get_attribute("aria-disabled") == "false")


def test_chips_give_a_reason_and_candidates_are_pale_in_the_chart(visitor: Finder) -> None:
    chips = visitor.tab.evaluate(CHIPS)
    assert {prompt: verdict for prompt, verdict, _ in chips} == {
        prompt: "there" if prompt in SURE else "not sure" for prompt in PROMPTS
    }
    assert all("neutral texts" in title for *_, title in chips)
    assert visitor.tab.evaluate(DOTTED) > 0
    wait_until(visitor.fits, what="one screen")


def test_the_keys_lead_to_a_candidate_and_one_click_accepts_it(visitor: Finder) -> None:
    visitor.tab.locator(".cvi-screen").first.focus()
    frames = list[int]()
    while len(frames) < 20:
        visitor.tab.keyboard.press("n")
        visitor.tab.wait_for_timeout(400)
        frames.append(int(visitor.tab.locator(".cvi-screen [data-frame]").first.inner_text()))
        if len(frames) > 1 and frames[-1] < frames[-2]:  # back to the first candidate
            break
    assert frames[:-1] == sorted(frames[:-1])
    visitor.settle()
    before, dotted = visitor.heading(), visitor.tab.evaluate(DOTTED)  # not earlier: the last samples may move them
    visitor.tab.locator(f"{control('accept_candidate')} button:visible").first.click()  # it is there twice, with help
    wait_until(lambda: visitor.heading() != before, what="one moment more")
    assert int(visitor.heading().rpartition(" ")[2]) == int(before.rpartition(" ")[2]) + 1
    wait_until(lambda: visitor.tab.evaluate(DOTTED) == dotted - 1, what="one candidate less in the chart")
    assert visitor.errors == []
    wait_until(visitor.fits, what="one screen")


def test_confidence_is_a_click_away_and_nothing_scrolls(visitor: Finder) -> None:
    visitor.switch("confidence", "98 %")
    wait_until(lambda: dict(chip[:2] for chip in visitor.tab.evaluate(CHIPS))["pizza"] == "not sure", what="98 %")
    wait_until(visitor.fits, what="one screen")
    visitor.switch("confidence", "95 %")
    wait_until(lambda: dict(chip[:2] for chip in visitor.tab.evaluate(CHIPS))["pizza"] == "there", what="95 %")
    visitor.switch("threshold_mode", "One for all")
    visitor.tab.locator(control("confidence")).wait_for(state="detached")
    wait_until(visitor.fits, what="one screen")
    assert visitor.errors == []
