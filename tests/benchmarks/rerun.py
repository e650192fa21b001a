"""One rerun of the page's Python, taken apart."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clip_core.config import ENVIRONMENT_VARIABLE
from tests.benchmarks.made import FPS
from tests.benchmarks.planted import PROMPTS, THRESHOLD, Planted, planted_page
from tests.benchmarks.runs import RATE
from tests.benchmarks.spans import Stopwatch
from tests.benchmarks.table import Row, Spread, tell
from tests.pages.test_player_page import Watching
from tests.support.world import Page

GOAL_MS = 150.0
SECONDS, QUICK_SECONDS = 3600, 60
QUIET = "streamlit.runtime.scriptrunner_utils.script_run_context"
"""AppTest calls the page's functions outside a session, and this logger says so each time."""
RUN = "around the parts"
COMPILING = "compiling the script"
PARTS = {
    RUN: ["streamlit.runtime.scriptrunner.script_runner:ScriptRunner._run_script"],
    COMPILING: ["streamlit.runtime.scriptrunner.script_cache:ScriptCache.get_bytecode"],
    "source and model": [
        *(
            "pages.regions.sidebar.source:choose_video",
            "pages.regions.sidebar.model:choose_model",
            "pages.regions.sidebar.source:describe",
        ),
    ],
    "store: video and run": ["pages.shared.indexing:see_to_it"],
    "scores (store, multiply)": ["clip_core.analysis.analyse:Analysis.video_scores"],
    "smoothing and moments": ["clip_core.scoring.detection:detect"],
    "prompts and signal": [
        *(
            "pages.regions.sidebar.prompts:edit_prompts",
            "pages.regions.sidebar.prompts:draw_legend",
            "pages.regions.sidebar.signal:choose_signal",
        ),
    ],
    "table of moments": [
        "pages.regions.moments.moment_list:settle_list",
        "pages.regions.moments.moment_list:draw_list",
    ],
    "verdicts": ["pages.regions.moments.moment_list:draw_verdicts"],
    "settings kept": ["pages.regions.sidebar.video_settings:keep"],
    "downloads and settings menu": [
        *("pages.regions.download.files:draw_downloads", "pages.regions.sidebar.settings_io:draw_settings_menu"),
    ],
    "player: screen": ["pages.regions.viewer.parts:draw_screen"],
    "player: ranking": ["pages.regions.viewer.parts:draw_ranking"],
    "player: chart": ["pages.regions.viewer.parts:draw_timeline"],
    "frames: picture": ["pages.regions.viewer.frames:draw_picture"],
    "frames: ranking": ["pages.regions.viewer.frames:draw_ranking"],
    "frames: transport": ["pages.regions.viewer.frames:draw_transport"],
    "frames: chart": ["pages.regions.viewer.playhead:draw_frame_chart"],
    "JSON": ["json:dumps"],
}
"""Label → functions whose seconds count for it, those in other functions named here left out."""
Act = Callable[[Page, int], Page]


def measure(quick: bool) -> list[Row]:
    """Milliseconds from the moment Streamlit takes up a rerun until the script has ended, callbacks included.

    ``ScriptRunner._run_script`` is timed inside AppTest's script thread, so neither AppTest's own reading
    of the messages nor the way to the browser is in it. Compiling the script is shown but not counted: a
    server does it once, AppTest at each run. A JSON text counts as JSON wherever it is written.
    """
    with planted_page(QUICK_SECONDS if quick else SECONDS) as planted, _opened_by_the_page(planted):
        turns = 2 if quick else 20
        return [
            _row("rerun", "in the player", Watching(), _report, planted, turns),
            _row("rerun frames", "frame by frame", Page(), _click, planted, turns),
        ]


@contextmanager
def _opened_by_the_page(planted: Planted) -> Iterator[None]:
    before = os.environ.get(ENVIRONMENT_VARIABLE)
    logging.getLogger(QUIET).disabled = True
    os.environ[ENVIRONMENT_VARIABLE] = str(planted.config)
    try:
        yield
    finally:
        logging.getLogger(QUIET).disabled = False
        os.environ.pop(ENVIRONMENT_VARIABLE)
        if before is not None:
            os.environ[ENVIRONMENT_VARIABLE] = before


def _row(name: str, view: str, page: Page, go: Act, planted: Planted, turns: int) -> Row:
    watch = Stopwatch()
    acts: dict[str, Act] = {"another frame": go, "threshold moved": _threshold, "a prompt toggled": _toggle}
    wholes: dict[str, list[float]] = {act: [] for act in acts}
    parts: dict[str, list[float]] = {label: [] for label in PARTS}
    page.indexed()
    with watch.watching(PARTS):
        page.run()
        first_s = _whole(watch)
        for turn in range(turns):
            for label, act in acts.items():
                watch.reset()
                act(page, turn)
                wholes[label].append(_whole(watch))
                for part, values in parts.items():
                    values.append(watch.seconds.get(part, 0.0))
    _check(page, planted)
    every = Spread.of([value for values in wholes.values() for value in values], "ms", 1, 1000)
    tell(f"{name}: {every}")
    raw = {"one rerun": every}
    raw |= {f"- {label}": Spread.of(values, "ms", 1, 1000) for label, values in wholes.items()}
    ranked = sorted(parts.items(), key=lambda item: -Spread.of(item[1]).median)
    raw |= {
        f"  {label}{' (not counted)' if label == COMPILING else ''}": Spread.of(values, "ms", 1, 1000)
        for label, values in ranked
        if any(values)
    }
    raw["the second run of the page (nothing changed)"] = Spread.of([first_s], "ms", 1, 1000)
    notes = (f"not found, so counted where it is called: {', '.join(watch.missing)}",) if watch.missing else ()
    what = f"{planted.samples:,} samples × {len(PROMPTS)} prompts of {planted.frames:,} frames"
    says = f"one rerun of the page, {view}, {what} / {GOAL_MS:.0f} ms"
    return Row(name, every.over(GOAL_MS), 1.0, True, says, raw, notes)


def _whole(watch: Stopwatch) -> float:
    return sum(seconds for label, seconds in watch.seconds.items() if label != COMPILING)


def _check(page: Page, planted: Planted) -> None:
    """See that it was the whole page that ran."""
    if page.at.error:
        raise RuntimeError(f"the page says {[error.value for error in page.at.error]}")
    if (page.samples, page.cells) != (planted.samples, planted.samples * len(PROMPTS)):
        raise RuntimeError(f"{page.samples} samples, {page.cells} cells, not {planted.samples} × {len(PROMPTS)}")
    if not page.at.session_state["ViewerState"].frame:
        raise RuntimeError("the playhead did not move")


def _second(page: Page, turn: int) -> int:
    return 1201 * (turn + 1) % int(page.samples / RATE)


def _report(page: Page, turn: int) -> Page:
    """The browser reports another frame, as after a click on the player's chart."""
    assert isinstance(page, Watching)
    return page.reports(_second(page, turn) * FPS)


def _click(page: Page, turn: int) -> Page:
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=_second(page, turn))
    return page.click_chart(moment.isoformat(timespec="milliseconds"))


def _threshold(page: Page, turn: int) -> Page:
    return page.slide("threshold", THRESHOLD + 0.01 * (turn % 5 - 2))


def _toggle(page: Page, turn: int) -> Page:
    shown = [prompt for k, prompt in enumerate(PROMPTS) if turn % 2 or k != turn % len(PROMPTS)]
    page.control("pills", "shown").set_value(shown)
    return page.run()
