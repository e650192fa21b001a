"""One rerun of the page's Python, taken apart."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from clip_core.config import ENVIRONMENT_VARIABLE
from tests.benchmarks.planted import PROMPTS, THRESHOLD, Planted, planted_page
from tests.benchmarks.spans import Stopwatch
from tests.benchmarks.table import Row, Spread, tell

GOAL_MS = 150.0
SECONDS = 3600
ROOT = Path(__file__).parents[2]
QUIET = "streamlit.runtime.scriptrunner_utils.script_run_context"
"""AppTest calls the page's functions outside a session, and this logger says so each time."""
RUN = "around the parts"
COMPILING = "compiling the script"
PARTS = {
    RUN: ["streamlit.runtime.scriptrunner.script_runner:ScriptRunner._run_script"],
    COMPILING: ["streamlit.runtime.scriptrunner.script_cache:ScriptCache.get_bytecode"],
    "source and model": [f"pages.parts.source:{name}" for name in ("choose_video", "choose_model", "describe")],
    "store: video and run": ["pages.parts.indexing:see_to_it"],
    "scores (store, multiply)": ["pages.parts.curves:live_scores"],
    "smoothing and moments": ["pages.parts.curves:find"],
    "unfinished part": ["pages.parts.curves:unfinished_part"],
    "prompts and signal": [
        *("pages.parts.prompts:edit_prompts", "pages.parts.prompts:draw_legend", "pages.parts.signal:choose_signal"),
    ],
    "playhead": ["pages.parts.playhead:settle_playhead"],
    "picture": ["pages.parts.viewer:draw_picture"],
    "ranking": ["pages.parts.viewer:draw_ranking"],
    "table of moments": ["pages.parts.moments:draw_list"],
    "transport": ["pages.parts.transport:draw_transport"],
    "figure dict": ["pages.parts.chart:timeline_figure"],
    "JSON": ["json:dumps"],
    "chart component": ["pages.parts.chart:plotly_events"],
    "chart and footer, the rest": ["pages.parts.chart:draw_chart", "pages.parts.chart:draw_footer"],
}
Act = Callable[[AppTest, int], None]


def measure(quick: bool) -> list[Row]:
    """Milliseconds from the moment Streamlit takes up a rerun until the script has ended, callbacks included.

    ``ScriptRunner._run_script`` is timed inside AppTest's script thread, so neither AppTest's own reading
    of the messages nor the way to the browser is in it. Compiling the script is shown but not counted: a
    server does it once, AppTest at each run. A JSON text counts as JSON wherever it is written.
    """
    before = os.environ.get(ENVIRONMENT_VARIABLE)
    logging.getLogger(QUIET).disabled = True
    with planted_page(SECONDS) as planted:
        os.environ[ENVIRONMENT_VARIABLE] = str(planted.config)
        try:
            return [_row(planted, 4 if quick else 20)]
        finally:
            logging.getLogger(QUIET).disabled = False
            os.environ.pop(ENVIRONMENT_VARIABLE)
            if before is not None:
                os.environ[ENVIRONMENT_VARIABLE] = before


def _row(planted: Planted, turns: int) -> Row:
    watch = Stopwatch()
    acts: dict[str, Act] = {"a click": _click, "threshold moved": _threshold, "a prompt toggled": _toggle}
    wholes: dict[str, list[float]] = {name: [] for name in acts}
    parts: dict[str, list[float]] = {label: [] for label in PARTS}
    with watch.watching(PARTS):
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        for _ in range(2):
            _run(page, watch)
        first_s = _whole(watch)
        for turn in range(turns):
            for name, act in acts.items():
                act(page, turn)
                _run(page, watch)
                wholes[name].append(_whole(watch))
                for label, values in parts.items():
                    values.append(watch.seconds.get(label, 0.0))
    _check(page, planted)
    every = Spread.of([value for values in wholes.values() for value in values], "ms", 1, 1000)
    tell(f"rerun: {every}")
    raw = {"one rerun": every}
    raw |= {f"- {name}": Spread.of(values, "ms", 1, 1000) for name, values in wholes.items()}
    ranked = sorted(parts.items(), key=lambda item: -Spread.of(item[1]).median)
    raw |= {
        f"  {label}{' (not counted)' if label == COMPILING else ''}": Spread.of(values, "ms", 1, 1000)
        for label, values in ranked
    }
    raw["the second run of the page (nothing changed)"] = Spread.of([first_s], "ms", 1, 1000)
    notes = (f"not found, so counted where it is called: {', '.join(watch.missing)}",) if watch.missing else ()
    says = f"one rerun of the page, {planted.samples:,} samples × {len(PROMPTS)} prompts of {planted.frames:,} frames"
    return Row("rerun", every.over(GOAL_MS), 1.0, True, f"{says} / {GOAL_MS:.0f} ms", raw, notes)


def _whole(watch: Stopwatch) -> float:
    return sum(seconds for label, seconds in watch.seconds.items() if label != COMPILING)


def _run(page: AppTest, watch: Stopwatch) -> None:
    watch.reset()
    page.run()
    if page.exception or page.error:
        raise RuntimeError(f"the page failed: {[*page.exception, *page.error]}")


def _check(page: AppTest, planted: Planted) -> None:
    """See that it was the whole page that ran."""
    state = page.session_state
    curves = state["curves"]
    if len(curves) != planted.samples or curves.computed_cells != planted.samples * len(PROMPTS):
        raise RuntimeError(f"{len(curves)} samples and {curves.computed_cells} cells instead of {planted.samples} × 10")
    if not state["frame"] or not state["moments_times"]:
        raise RuntimeError("no click was taken in, or no moment was found")


def _click(page: AppTest, turn: int) -> None:
    sample = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=(1201 * (turn + 1)) % SECONDS / 1.0)
    x = sample.isoformat(timespec="milliseconds")
    point = {"x": x, "y": 0.3, "curveNumber": 10, "pointNumber": turn, "pointIndex": turn}
    page.session_state["chart"] = json.dumps([point])


def _threshold(page: AppTest, turn: int) -> None:
    page.session_state["threshold"] = THRESHOLD + 0.01 * (turn % 5 - 2)


def _toggle(page: AppTest, turn: int) -> None:
    page.session_state["shown"] = [prompt for k, prompt in enumerate(PROMPTS) if turn % 2 or k != turn % len(PROMPTS)]
