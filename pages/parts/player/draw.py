"""The player's parts with what the page knows: what goes to the browser, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from clip_core.charts.timeline import Line, Timeline, Unfinished, live_figure
from clip_core.values import VideoRecord
from pages.parts.curves import Findings
from pages.parts.look import theme_name
from pages.parts.player import assets
from pages.parts.player.components import PLAYER, draw_part, moments_address, part_key, series, times_address
from pages.parts.playhead import Playhead, stamp
from pages.parts.prompts import Prompts
from pages.parts.proxy import Playable
from pages.parts.signal import Signal
from pages.parts.transport import ChartLook


def draw_screen(
    record: VideoRecord, playable: Playable, findings: Findings, head: Playhead, player: str = PLAYER
) -> None:
    """Draw the video and its transport. What it reports is in the session's state before the next run begins.

    Args:
        record: The video.
        playable: Whether the file itself is played, or its copy.
        findings: For the moments to jump to and to repeat.
        head: Where it starts, or goes when the page moves the playhead.
        player: Whose screen it is, see ``draw_part``.
    """
    copied = playable.source == "proxy"
    address = _address(record, "copy" if copied else "video")
    data = {
        "video": record.video_id,
        "address": address,
        "times": times_address(record.table),
        "start": 0.0 if copied else float(record.table.start_pts * record.table.time_base),
        "confirmed": record.table.confirmed,
        "moments": moments_address(findings.moments),
        "seek": {"seq": stamp(), "frame": head.frame},
    }
    st.session_state[f"{part_key('screen', player)}_address"] = address
    callbacks = {"on_at_change": partial(_take_report, player), "on_refused_change": partial(_take_refusal, player)}
    draw_part("screen", data, player, **callbacks, on_missing_change=_put_again)


def refused(record: VideoRecord) -> bool:
    """Whether this visitor's browser said that it cannot play the file of a video."""
    return _address(record, "video") in st.session_state.get("refused", ())


def _address(record: VideoRecord, what: str) -> str:
    return f"player/{what}/{record.video_id}"


def _take_report(player: str) -> None:
    """Take the frame that the browser says is on its screen; settle_playhead keeps it within the video."""
    report = _reported(player, "at")
    if not isinstance(report, dict) or report.get("video") != st.session_state.get("frame_of"):
        return
    if report.get("seq") != stamp():
        return  # the page has moved the playhead since, and the browser did not know yet
    frame = report.get("frame")
    if isinstance(frame, int) and not isinstance(frame, bool):
        st.session_state.frame = frame


def _take_refusal(player: str) -> None:
    """Believe the browser only of what was put before it."""
    address = _reported(player, "refused")
    if address == st.session_state.get(f"{part_key('screen', player)}_address"):
        st.session_state.refused = {*st.session_state.get("refused", ()), address}


def _reported(player: str, name: str) -> object:
    """What the screen said: anything that is JSON."""
    return st.session_state[part_key("screen", player)].get(name)


def draw_ranking(findings: Findings, prompts: Prompts, signal: Signal) -> None:
    """Draw every prompt's score at the frame on the screen; in the browser it runs along."""
    if not prompts.texts or not len(findings.scores):
        st.markdown("##### This frame")
        st.caption("No sample is indexed yet." if prompts.texts else "Type a prompt in the sidebar: one per line.")
        return
    data = {
        "prompts": [{"text": prompt, "colour": prompts.colour(prompt)} for prompt in findings.scores.prompts],
        "video": st.session_state.get("frame_of"),
        "series": _series(findings),
        "range": signal.score_range,
        "threshold": signal.threshold,
    }
    draw_part("ranking", data, on_missing_change=_put_again)


def draw_timeline(
    findings: Findings,
    prompts: Prompts,
    shown: Sequence[str],
    signal: Signal,
    style: ChartLook,
    unfinished: Unfinished | None,
) -> None:
    """Draw the curves; the browser draws the playhead over them."""
    view = Timeline(
        scores=findings.scores,
        smoothed=findings.smoothed,
        moments=findings.moments,
        lines=[Line(prompt, prompts.numbers[prompt]) for prompt in shown],
        threshold=signal.threshold,
        score_range=signal.score_range,
        theme=theme_name(),
        axis=style.axis,
        height_px=style.height_px,
        raw=style.raw and signal.smoothing_s > 0,
        unfinished=unfinished,
    )
    data = {
        "plotly": assets.plotly_address(),
        "figure": live_figure(view),
        "video": st.session_state.get("frame_of"),
        "series": _series(findings),
    }
    draw_part("timeline", data, on_missing_change=_put_again, on_theme_change=_put_again)


def _series(findings: Findings) -> dict[str, Any]:
    return series(findings.scores, findings.smoothed) | {"columns": len(findings.scores.prompts)}


def _put_again() -> None:
    """Nothing to do: the run that follows puts what the shelf let go on it again, in the theme now in force."""
