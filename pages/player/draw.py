"""Draw the player's parts: what the page sends to the browser, and what comes back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from clip_core.charts.timeline import live_figure
from clip_core.charts.view import Timeline
from clip_core.scoring.detection import MomentDetection
from clip_core.text import value_decimals
from clip_core.types import Moment, VideoRecord
from pages.player import assets
from pages.player.components import draw_part, moments_address, more_series, part_key, times_address
from pages.regions.moments.in_out import take_presses
from pages.regions.moments.moment_list import doubt_words
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.regions.viewer.playhead import PLAYER, Playhead, stamp, state_key
from pages.regions.viewer.proxy import Playable, address_of, refuse

FIT_PX = (230, 640)
"""Least and greatest height. Lower, curves cannot be read; higher, they only get steeper."""


def draw_screen(
    record: VideoRecord,
    playable: Playable,
    moments: Sequence[Moment],
    head: Playhead,
    player: str = PLAYER,
    candidates: Sequence[Moment] = (),
) -> None:
    """Draw the video and its transport. Reports are in the session state before the next run begins.

    Args:
        record: The video.
        playable: Whether the file itself or its proxy is played.
        moments: Moments to jump to and to repeat.
        head: The frame to start at, or to go to when the page moves the playhead.
        player: Whose screen it is, see ``draw_part``.
        candidates: Possible moments; Next goes to them after the last moment.
    """
    copied = playable.source == "copy"
    address = address_of(record.video_id, "copy" if copied else "file")
    data = {
        "video": record.video_id,
        "address": address,
        "times": times_address(record.table),
        "start": 0.0 if copied else float(record.table.start_pts * record.table.time_base),
        "confirmed": record.table.confirmed,
        "moments": moments_address(moments, candidates),
        "sure": len(moments),
        "seek": {"seq": stamp(player), "frame": head.frame},
    }
    st.session_state[f"{part_key('screen', player)}_address"] = address
    callbacks = {"on_at_change": partial(_take_report, player), "on_refused_change": partial(_take_refusal, player)}
    callbacks["on_marks_change"] = partial(_take_marks, player)
    draw_part("screen", data, player, **callbacks, on_missing_change=_put_again)


def _take_report(player: str) -> None:
    """Take the frame that the browser reports on its screen; ``settle_playhead`` keeps it within the video."""
    report = _reported(player, "at")
    if not isinstance(report, dict) or report.get("video") != st.session_state.get(state_key("frame_of", player)):
        return
    if report.get("seq") != stamp(player):
        return  # outdated: the page has moved the playhead since
    frame = report.get("frame")
    if isinstance(frame, int) and not isinstance(frame, bool):
        st.session_state[state_key("frame", player)] = frame


def _take_refusal(player: str) -> None:
    """Take a refusal, if it is of the address that the browser was given last."""
    address = _reported(player, "refused")
    if address == st.session_state.get(f"{part_key('screen', player)}_address"):
        refuse(str(address))


def _take_marks(player: str) -> None:
    """Take the frames at which the keys I and O were pressed."""
    take_presses(_reported(player, "marks"), player)


def _reported(player: str, name: str) -> object:
    """Return what the screen reported: any JSON value."""
    return st.session_state[part_key("screen", player)].get(name)


def draw_ranking(
    record: VideoRecord,
    detection: MomentDetection,
    prompts: Prompts,
    signal: Signal,
    series: dict[str, Any],
    player: str = PLAYER,
) -> None:
    """Draw every prompt's score at the frame on the screen; the browser updates it as the video plays.

    Args:
        record: The video.
        detection: Gives prompts in the order of their curves, thresholds and doubts.
        prompts: Gives the colours.
        signal: Gives the range of the bars.
        series: The value of ``components.series``.
        player: Whose ranking it is, see ``draw_part``.
    """
    if not prompts.texts or not len(detection.scores):
        st.markdown("##### This frame")
        st.caption("No sample is indexed yet." if prompts.texts else "Type a prompt in the sidebar: one per line.")
        return
    data = {
        "prompts": [
            {
                "text": prompt,
                "colour": prompts.colour(prompt),
                "swatch": prompts.swatch(prompt),
                "threshold": detection.thresholds.get(prompt),
                "doubt": doubt_words(detection, prompt),
            }
            for prompt in detection.scores.prompts
        ],
        "video": record.video_id,
        "series": series,
        "range": signal.axis,
        "decimals": value_decimals(detection.scores.unit),
    }
    draw_part("ranking", data, player, on_missing_change=_put_again)


@dataclass(frozen=True)
class Edges:
    """The draggable edges of one moment.

    Attributes:
        name: Identifies the moment: a drag of another moment is ignored.
        start_s, end_s: Start and end of the moment, in seconds.
        last_s: Where the last sample ends, in seconds: the furthest right that an edge may go.
        move: Called with the new start and end after a drag: finite numbers from the browser, in any order and range.
    """

    name: str
    start_s: float
    end_s: float
    last_s: float
    move: Callable[[float, float], None]


def draw_timeline(
    record: VideoRecord,
    view: Timeline,
    series: dict[str, Any],
    player: str = PLAYER,
    edges: Edges | None = None,
    *,
    fits: bool = False,
) -> None:
    """Draw the curves; the browser draws the playhead over them.

    Args:
        record: The video.
        view: What the chart shows.
        series: The value of ``components.series``.
        player: Whose timeline it is, see ``draw_part``.
        edges: The edges to drag, or None.
        fits: Whether the chart is as high as the window has room for, within ``FIT_PX``, and not as ``view`` says.
    """
    data = {
        "plotly": assets.plotly_address(),
        "figure": live_figure(view),
        "video": record.video_id,
        "series": series | more_series(view),
        "edges": None if edges is None else [edges.name, edges.start_s, edges.end_s, edges.last_s],
        # Streamlit sends only data that has changed. If a drag is undone before its own run has ended, only this count
        # has; without it the browser would go on showing the dragged edges.
        "heard": _dragged(player).get("count"),
        "fit": {"least": FIT_PX[0], "most": FIT_PX[1]} if fits else None,
    }
    taken = partial(_take_edges, player, edges)
    changes: dict[str, Any] = {"on_missing_change": _put_again, "on_theme_change": _put_again, "on_edges_change": taken}
    draw_part("timeline", data, player, **changes)


def _take_edges(player: str, edges: Edges | None) -> None:
    """Take a drag, if it is of the moment that is selected now and has finite numbers."""
    report = _dragged(player)
    if edges is None or report.get("name") != edges.name:
        return
    times_s = [time_s for name in ("start_s", "end_s") if isinstance(time_s := report.get(name), float | int)]
    if len(times_s) == 2 and all(map(math.isfinite, times_s)):
        edges.move(float(times_s[0]), float(times_s[1]))


def _dragged(player: str) -> dict[str, Any]:
    """Return the browser's last report on edges, empty if there is none or it is no dict."""
    report = (st.session_state.get(part_key("timeline", player)) or {}).get("edges")
    return report if isinstance(report, dict) else {}


def draw_judge_keys(take: Callable[[str, int | None], None], *, plays: bool, player: str = PLAYER) -> None:
    """Listen for the annotation keys wherever the focus is, except while somebody types.

    Args:
        take: Called with "accept", "reject" or "undo", and the frame on the screen, None if unknown.
        plays: Whether the player is on the page.
        player: Whose frame it is, see ``draw_part``.
    """
    draw_part("judge", {"plays": plays}, player, on_pressed_change=partial(_take_key, player, take))


def _take_key(player: str, take: Callable[[str, int | None], None]) -> None:
    report = st.session_state[part_key("judge", player)].get("pressed")
    if not isinstance(report, dict) or report.get("what") not in ("accept", "reject", "undo"):
        return
    frame = report.get("frame")
    take(report["what"], frame if isinstance(frame, int) and not isinstance(frame, bool) and frame >= 0 else None)


def draw_annotations(
    record: VideoRecord,
    rows: Sequence[dict[str, Any]],
    *,
    direct: bool,
    go: Callable[[], None],
    drop: Callable[[], None],
    player: str = PLAYER,
) -> None:
    """Draw a list of annotations and moments; a click on a row goes there.

    Args:
        record: The video.
        rows: Each with "prompt", "colour", "state" (a word), "start" and "end" in seconds, the "frame" to go to and
            "iou", None where there is none, and "marks": the marks that can be removed.
        direct: Whether the browser itself can go there; else ``go`` is called.
        go, drop: Called when a row or its cross was clicked; the report "go" or "drop" is then in the session state.
        player: Whose list it is, see ``draw_part``.
    """
    data = {"video": record.video_id, "rows": list(rows), "direct": direct}
    draw_part("annotations", data, player, on_go_change=go, on_drop_change=drop)


def _put_again() -> None:
    """Do nothing: the rerun that follows stores dropped buffers again, and draws in the current theme."""
