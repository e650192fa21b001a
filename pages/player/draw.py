"""The player's parts with what the page knows: what goes to the browser, and what comes back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from clip_core.charts.timeline import Timeline, live_figure
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
"""Lower, curves cannot be read; higher, they only get steeper."""


def draw_screen(
    record: VideoRecord,
    playable: Playable,
    moments: Sequence[Moment],
    head: Playhead,
    player: str = PLAYER,
    candidates: Sequence[Moment] = (),
) -> None:
    """Draw the video and its transport. What it reports is in the session's state before the next run begins.

    Args:
        record: The video.
        playable: Whether the file itself is played, or its copy.
        moments: To jump to and to repeat.
        head: Where it starts, or goes when the page moves the playhead.
        player: Whose screen it is, see ``draw_part``.
        candidates: What may be moments: jumped to after the last moment.
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
    """Take the frame that the browser says is on its screen; settle_playhead keeps it within the video."""
    report = _reported(player, "at")
    if not isinstance(report, dict) or report.get("video") != st.session_state.get(state_key("frame_of", player)):
        return
    if report.get("seq") != stamp(player):
        return  # the page has moved the playhead since, and the browser did not know yet
    frame = report.get("frame")
    if isinstance(frame, int) and not isinstance(frame, bool):
        st.session_state[state_key("frame", player)] = frame


def _take_refusal(player: str) -> None:
    """Believe the browser only of what was put before it."""
    address = _reported(player, "refused")
    if address == st.session_state.get(f"{part_key('screen', player)}_address"):
        refuse(str(address))


def _take_marks(player: str) -> None:
    """Take the frames at which the keys I and O were pressed."""
    take_presses(_reported(player, "marks"), player)


def _reported(player: str, name: str) -> object:
    """What the screen said: anything that is JSON."""
    return st.session_state[part_key("screen", player)].get(name)


def draw_ranking(
    record: VideoRecord,
    detection: MomentDetection,
    prompts: Prompts,
    signal: Signal,
    series: dict[str, Any],
    player: str = PLAYER,
) -> None:
    """Draw every prompt's score at the frame on the screen; in the browser it runs along.

    Args:
        record: The video.
        detection: Of the prompts, in the order of their curves.
        prompts: Give them their colours.
        signal: Gives the range of the bars.
        series: What ``components.series`` says of the curves.
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
    """The edges of one moment, which can be dragged.

    Attributes:
        name: Of the moment: what was dragged of another one is not taken.
        start_s, end_s: Where it begins and ends, in seconds.
        last_s: Where the last sample ends: so far to the right an edge may go.
        move: Called with the new start and end, once they were dragged; the numbers are the browser's.
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
        series: What ``components.series`` says of the curves.
        player: Whose timeline it is, see ``draw_part``.
        edges: To drag; None: there are none.
        fits: Whether the chart is as high as the window leaves room, within ``FIT_PX``, and not as ``view`` says.
    """
    data = {
        "plotly": assets.plotly_address(),
        "figure": live_figure(view),
        "video": record.video_id,
        "series": series | more_series(view),
        "edges": None if edges is None else [edges.name, edges.start_s, edges.end_s, edges.last_s],
        # A drag that is undone before its own run has ended leaves all else as the browser had it, and it would then
        # go on showing what was dragged: Streamlit hands on only what has changed.
        "heard": _dragged(player).get("count"),
        "fit": {"least": FIT_PX[0], "most": FIT_PX[1]} if fits else None,
    }
    taken = partial(_take_edges, player, edges)
    changes: dict[str, Any] = {"on_missing_change": _put_again, "on_theme_change": _put_again, "on_edges_change": taken}
    draw_part("timeline", data, player, **changes)


def _take_edges(player: str, edges: Edges | None) -> None:
    """Take what was dragged, if it is of the moment that is selected now and can be edges at all."""
    report = _dragged(player)
    if edges is None or report.get("name") != edges.name:
        return
    times_s = [time_s for name in ("start_s", "end_s") if isinstance(time_s := report.get(name), float | int)]
    if len(times_s) == 2 and all(map(math.isfinite, times_s)):
        edges.move(float(times_s[0]), float(times_s[1]))


def _dragged(player: str) -> dict[str, Any]:
    """What the browser said last of edges, empty while it said nothing that can be read."""
    report = (st.session_state.get(part_key("timeline", player)) or {}).get("edges")
    return report if isinstance(report, dict) else {}


def draw_judge_keys(take: Callable[[str, int | None], None], *, plays: bool, player: str = PLAYER) -> None:
    """Listen for the keys that judge, wherever the focus is, unless somebody types.

    Args:
        take: Called with "accept", "reject" or "undo", and the frame on the screen where it is known.
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
    """Draw a list of annotations and moments; a press on a row leads there.

    Args:
        record: The video.
        rows: Each with "prompt", "colour", "state" (a word), "start" and "end" in seconds, the "frame" to go to and
            "iou", None where there is none, and "marks": what can be removed of it.
        direct: Whether the browser itself can go there; else ``go`` is called.
        go, drop: Called when a row was pressed, or its cross; the report "go" or "drop" is then in the session's state.
        player: Whose list it is, see ``draw_part``.
    """
    data = {"video": record.video_id, "rows": list(rows), "direct": direct}
    draw_part("annotations", data, player, on_go_change=go, on_drop_change=drop)


def _put_again() -> None:
    """Nothing to do: the run that follows puts what the shelf let go on it again, in the theme now in force."""
