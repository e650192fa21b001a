"""The player's parts with what the page knows: what goes to the browser, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from clip_core.charts.timeline import Timeline, live_figure
from clip_core.charts.unit_text import value_decimals
from clip_core.scoring.findings import Findings
from clip_core.values import Moment, VideoRecord
from pages.parts.player import assets
from pages.parts.player.components import draw_part, moments_address, more_series, part_key, times_address
from pages.parts.playhead import PLAYER, Playhead, stamp, state_key
from pages.parts.prompts import Prompts
from pages.parts.proxy import Playable, address_of, refuse
from pages.parts.signal import Signal
from pages.parts.verdicts import doubt_words

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


def _reported(player: str, name: str) -> object:
    """What the screen said: anything that is JSON."""
    return st.session_state[part_key("screen", player)].get(name)


def draw_ranking(
    record: VideoRecord,
    findings: Findings,
    prompts: Prompts,
    signal: Signal,
    series: dict[str, Any],
    player: str = PLAYER,
) -> None:
    """Draw every prompt's score at the frame on the screen; in the browser it runs along.

    Args:
        record: The video.
        findings: Of the prompts, in the order of their curves.
        prompts: Give them their colours.
        signal: Gives the range of the bars.
        series: What ``components.series`` says of the curves.
        player: Whose ranking it is, see ``draw_part``.
    """
    if not prompts.texts or not len(findings.scores):
        st.markdown("##### This frame")
        st.caption("No sample is indexed yet." if prompts.texts else "Type a prompt in the sidebar: one per line.")
        return
    data = {
        "prompts": [
            {
                "text": prompt,
                "colour": prompts.colour(prompt),
                "swatch": prompts.swatch(prompt),
                "threshold": findings.thresholds.get(prompt),
                "doubt": doubt_words(findings, prompt),
            }
            for prompt in findings.scores.prompts
        ],
        "video": record.video_id,
        "series": series,
        "range": signal.axis,
        "decimals": value_decimals(findings.scores.unit),
    }
    draw_part("ranking", data, player, on_missing_change=_put_again)


def draw_timeline(
    record: VideoRecord, view: Timeline, series: dict[str, Any], player: str = PLAYER, *, fits: bool = False
) -> None:
    """Draw the curves; the browser draws the playhead over them.

    Args:
        record: The video.
        view: What the chart shows.
        series: What ``components.series`` says of the curves.
        player: Whose timeline it is, see ``draw_part``.
        fits: Whether the chart is as high as the window leaves room, within ``FIT_PX``, and not as ``view`` says.
    """
    data = {
        "plotly": assets.plotly_address(),
        "figure": live_figure(view),
        "video": record.video_id,
        "series": series | more_series(view),
        "fit": {"least": FIT_PX[0], "most": FIT_PX[1]} if fits else None,
    }
    draw_part("timeline", data, player, on_missing_change=_put_again, on_theme_change=_put_again)


def _put_again() -> None:
    """Nothing to do: the run that follows puts what the shelf let go on it again, in the theme now in force."""
