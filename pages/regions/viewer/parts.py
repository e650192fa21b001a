"""The parts of the player: what the page sends to the browser, and what comes back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from clip_core.charts.timeline import live_figure
from clip_core.charts.view import Timeline
from clip_core.scoring.detection import MomentDetection
from clip_core.store.store import EmbeddingStore
from clip_core.text import value_decimals
from clip_core.types import Moment, VideoRecord
from pages.player.components import (
    PLAYER,
    draw_part,
    frame_in,
    moments_address,
    more_series,
    report_of,
    subtitles_data,
    times_address,
)
from pages.player.routes import plotly_address
from pages.regions.moments.in_out import take_presses
from pages.regions.moments.moment_list import doubt_words
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.regions.viewer.playhead import Playhead, frame_on_screen, seek, take_report, viewer_state
from pages.regions.viewer.proxy import Playable, address_of, refuse

FIT_PX = (230, 640)
"""Least and greatest height. Lower, curves cannot be read; higher, they only get steeper."""

LANE_PX = 42
"""Height of the lane of subtitles with the gap above it."""


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
        "clear": not copied and "on white" in (record.reading or ""),
        "moments": moments_address(moments, candidates),
        "sure": len(moments),
        "seek": {"seq": viewer_state(player).seeks, "frame": head.frame},
    }
    draw_part(
        "screen",
        data,
        player,
        on_at_change=_take("screen", "at", partial(take_report, player=player), player),
        on_marks_change=_take("screen", "marks", take_presses, player),
        on_refused_change=partial(_take_refusal, player, address),
        on_missing_change=_put_again,
    )


def _take(part: str, name: str, take: Callable[[dict[str, Any]], None], player: str = PLAYER) -> Callable[[], None]:
    """Return a callback that hands a report of the browser to ``take``: a dict of JSON values, of the open video."""

    def take_report_of_video() -> None:
        report = report_of(part, name, player)
        if isinstance(report, dict) and report.get("video") == viewer_state(player).video_id:
            take(report)

    return take_report_of_video


def _take_refusal(player: str, address: str) -> None:
    """Take a refusal, if it is of the address that the browser was given last."""
    if report_of("screen", "refused", player) == address:
        refuse(address)


def draw_ranking(
    record: VideoRecord, detection: MomentDetection, prompts: Prompts, signal: Signal, series: dict[str, Any]
) -> None:
    """Draw every prompt's score at the frame on the screen; the browser updates it as the video plays.

    Args:
        record: The video.
        detection: Gives prompts in the order of their curves, thresholds and doubts.
        prompts: Gives the colours.
        signal: Gives the range of the bars.
        series: The value of ``components.series``.
    """
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
    draw_part("ranking", data, on_missing_change=_put_again)


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
    record: VideoRecord, view: Timeline, series: dict[str, Any], edges: Edges | None = None, *, fits: bool = False
) -> None:
    """Draw the curves; the browser draws the playhead over them.

    Args:
        record: The video.
        view: What the chart shows.
        series: The value of ``components.series``.
        edges: The edges to drag, or None.
        fits: Whether the chart is as high as the window has room for, within ``FIT_PX``, and not as ``view`` says.
    """
    data = {
        "plotly": plotly_address(),
        "figure": live_figure(view),
        "video": record.video_id,
        "series": series | more_series(view),
        "edges": None if edges is None else [edges.name, edges.start_s, edges.end_s, edges.last_s],
        # Streamlit sends only data that has changed. If a drag is undone before its own run has ended, only this count
        # has; without it the browser would go on showing the dragged edges.
        "heard": _dragged().get("count"),
        "fit": {"least": FIT_PX[0], "most": FIT_PX[1]} if fits else None,
    }
    draw_part(
        "timeline",
        data,
        on_edges_change=partial(_take_edges, edges),
        on_missing_change=_put_again,
        on_theme_change=_put_again,
    )


def _take_edges(edges: Edges | None) -> None:
    """Take a drag, if it is of the moment that is selected now and has finite numbers."""
    report = _dragged()
    if edges is None or report.get("name") != edges.name:
        return
    times_s = [time_s for name in ("start_s", "end_s") if isinstance(time_s := report.get(name), float | int)]
    if len(times_s) == 2 and all(map(math.isfinite, times_s)):
        edges.move(float(times_s[0]), float(times_s[1]))


def _dragged() -> dict[str, Any]:
    """Return the browser's last report on edges, empty if there is none or it is not a dict."""
    report = report_of("timeline", "edges")
    return report if isinstance(report, dict) else {}


def draw_judge_keys(take: Callable[[str, int | None], None], *, plays: bool) -> None:
    """Listen for the annotation keys wherever the focus is, except while somebody types.

    Args:
        take: Called with "accept", "reject" or "undo", and the frame on the screen, None if unknown.
        plays: Whether the player is on the page.
    """
    draw_part("judge", {"plays": plays}, on_pressed_change=partial(_take_key, take))


def _take_key(take: Callable[[str, int | None], None]) -> None:
    report = report_of("judge", "pressed")
    if isinstance(report, dict) and report.get("what") in ("accept", "reject", "undo"):
        frame = frame_in(report)
        take(report["what"], frame if frame is not None and frame >= 0 else None)


def draw_annotations(
    record: VideoRecord, rows: Sequence[dict[str, Any]], *, direct: bool, drop: Callable[[dict[str, Any]], None]
) -> None:
    """Draw a list of annotations and moments; a click on a row goes there.

    Args:
        record: The video.
        rows: Each with "prompt", "colour", "state" (a word), "start" and "end" in seconds, the "frame" to go to and
            "iou", None where there is none, and "marks": the marks that can be removed.
        direct: Whether the browser itself moves the player; else the server does.
        drop: Called when the cross of a row was clicked, with a report on the open video, any JSON values: "marks".
    """
    data = {"video": record.video_id, "rows": list(rows), "direct": direct}
    going, dropping = _take("annotations", "go", _go), _take("annotations", "drop", drop)
    draw_part("annotations", data, on_go_change=going, on_drop_change=dropping)


def _go(report: dict[str, Any]) -> None:
    """Go to the frame of a row; ``settle_playhead`` keeps it within the video."""
    frame = frame_in(report)
    if frame is not None:
        seek(frame)


def lane_px(record: VideoRecord, store: EmbeddingStore | None) -> int:
    """Return the height of the lane of subtitles, 0 if there are none."""
    return LANE_PX if store is not None and store.subtitles(record.video_id) else 0


def draw_subtitles(record: VideoRecord, store: EmbeddingStore, head: Playhead, *, direct: bool) -> None:
    """Draw the cues around the playhead, if the video has subtitles; a click on one goes there.

    Args:
        record: The video.
        store: Holds its subtitles.
        head: The playhead, which counts if the browser does not know it better.
        direct: Whether the browser itself moves the player; else the server does.
    """
    cues, source = store.subtitles(record.video_id), store.subtitle_source(record.video_id)
    if not cues or source is None:
        return
    language = f" · {source.language}" if source.language else ""
    data = subtitles_data(cues) | {
        "about": "Said",
        "more": "\n".join([f"Subtitles: {source.source}{language}", *source.notes]),
        "video": record.video_id,
        "direct": direct,
        "at": None if direct else head.time_s,
    }
    going = _take("subtitles", "go", partial(_go_to_time, record))
    draw_part("subtitles", data, on_go_change=going, on_missing_change=_put_again)


def _go_to_time(record: VideoRecord, report: dict[str, Any]) -> None:
    time_s = report.get("time")
    if isinstance(time_s, float | int) and math.isfinite(time_s):
        seek(frame_on_screen(record.table.times_s, float(time_s)))


def _put_again() -> None:
    """Do nothing: the rerun that follows stores dropped buffers again, and draws in the current theme."""
