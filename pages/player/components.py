"""Put the browser components on the page, and give addresses to the data that they fetch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import streamlit as st

from clip_core.charts.view import Timeline, ribbon_edges
from clip_core.subtitles import Cue
from clip_core.types import Floats, Moment, Scores, TimeTable
from pages.player.routes import FOLDER, script_address
from pages.shared.cache import buffer_cache

PLAYER = "main"
"""The page's own player, the only one that the page's tables and chart move."""
DECIMALS_S = 3


def draw_part(part: str, data: dict[str, Any], player: str = PLAYER, **callbacks: Callable[[], None]) -> None:
    """Put one part of a player on the page; it stays the same in the browser as long as its key does.

    Args:
        part: "screen", "ranking", "timeline", "judge", "annotations" or "subtitles"; of Search "query", "hits" or
            "spoken".
        data: What it shows, in JSON types only.
        player: The name under which the parts of one player share a clock in the browser.
        callbacks: ``on_NAME_change``, called when the browser reports NAME; ``report_of`` then returns the report.
    """
    data = {"script": script_address(f"{part}.js"), "player": player} | data
    _component(part)(key=f"{part}_{player}", data=data, height="content", **callbacks)


@cache
def _component(part: str) -> Callable[..., object]:
    """Register a component, once per process: its files do not change while the process runs."""
    html, css, js = ((FOLDER / name).read_text("utf-8") for name in (f"{part}.html", f"{part}.css", "entry.js"))
    return st.components.v2.component(
        f"clip_video_{part}",
        html=html,
        css=css,
        js=js,
        isolate_styles=False,  # otherwise plotly's styles do not reach its chart
    )


def report_of(part: str, name: str, player: str = PLAYER) -> object:
    """Return the browser's last report NAME of a part: any JSON value, None if there is none."""
    return (st.session_state.get(f"{part}_{player}") or {}).get(name)


def frame_in(report: dict[str, Any]) -> int | None:
    """Return the frame number of a report; None if it is not a whole number."""
    frame = report.get("frame")
    return frame if isinstance(frame, int) and not isinstance(frame, bool) else None


def draw_focus(key: str, asked: str) -> None:
    """Draw an invisible component that puts the cursor into the control ``key``, once for each ``asked``."""
    _focus()(key="focus", data={"key": key, "asked": asked})


@cache
def _focus() -> Callable[..., object]:
    script = (FOLDER / "focus.js").read_text("utf-8")
    return st.components.v2.component("clip_video_focus", html="<span hidden></span>", js=script)


def times_address(table: TimeTable) -> str:
    """Return the address of the times of all frames and the end of the last: float64 seconds."""
    return _address(np.append(table.times_s, table.end_s).astype("<f8"))


def moments_address(moments: Sequence[Moment], candidates: Sequence[Moment]) -> str:
    """Return the address of the moments sorted by start, then the candidates sorted by start.

    The block is float64 seconds, rounded to milliseconds: start and end of each in turn.
    """
    pairs = [
        pair for group in (moments, candidates)
        for pair in sorted((round(m.start_s, DECIMALS_S), round(m.end_s, DECIMALS_S)) for m in group)
    ]  # fmt: skip
    return _address(np.array(pairs, "<f8"))


def series(scores: Scores, smoothed: Floats) -> dict[str, Any]:
    """Return the addresses of the samples and the curves. Slow with many samples: call once per rerun.

    "count" is the number of samples, "columns" that of prompts. "samples" holds the times of the samples in seconds,
    then their frame numbers, all float64; "raw" and "smoothed" hold one prompt's curve after the other, float32.
    """
    raw = _address(scores.values.T.astype("<f4"))
    return {
        "count": len(scores),
        "columns": len(scores.prompts),
        "samples": _address(np.concatenate([scores.times_s, scores.frames]).astype("<f8")),
        "raw": raw,
        "smoothed": raw if smoothed is scores.values else _address(smoothed.T.astype("<f4")),
    }


def more_series(view: Timeline) -> dict[str, Any]:
    """Return what only the chart needs: the addresses of the rate of change and of the edges of the bands.

    "rate" holds one prompt's curve after the other; "low" and "high" those of "bands" bands, all float32.
    """
    found: dict[str, Any] = {}
    if view.rate is not None:
        found["rate"] = _address(view.rate.T.astype("<f4"))
    if view.ribbon and view.kind == "curves":
        low, high = (_address(edge.T.astype("<f4")) for edge in ribbon_edges(view))
        found |= {"bands": len(view.ribbon), "low": low, "high": high}
    return found


def subtitles_data(cues: Sequence[Cue]) -> dict[str, str]:
    """Return the addresses of cues: "times" holds all starts, then all ends (float64 seconds), "texts" a JSON list."""
    times = np.array([[cue.start_s, cue.end_s] for cue in cues], "<f8").T
    texts = json.dumps([cue.text for cue in cues], ensure_ascii=False).encode()
    return {"times": _address(times), "texts": _put(texts)}


def _address(array: np.ndarray[Any, Any]) -> str:
    return _put(array.tobytes())


def _put(block: bytes) -> str:
    return f"player/block/{buffer_cache().put(block)}"
