"""Frame by frame: the picture under the playhead, how well each prompt fits it, and the buttons and the slider."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st

from clip_core.errors import VideoError
from clip_core.library.videos import VideoChoice
from clip_core.scoring.detection import MomentDetection
from clip_core.text import clock, shorten, value_text
from clip_core.types import Moment, Scores, TimeTable, VideoRecord
from clip_core.video.drawing import jpeg_uri
from pages.regions.moments.moment_list import doubt_words
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.regions.viewer import playhead
from pages.regions.viewer.playhead import Playhead, frame_on_screen, seek, viewer_state, walk
from pages.shared.cache import config, picture, stamp, stored_picture
from pages.shared.markdown import error_markdown
from pages.shared.theme import theme, unseen

MOST_ROWS = 11
_ROW = (
    '<div data-prompt="{prompt}" title="{doubt}" style="{look}display:grid;'
    "grid-template-columns:10px minmax(0,1.25fr) minmax(56px,.75fr) "
    '40px;gap:8px;align-items:center;height:22px">'
    '<img src="{swatch}" alt="" style="width:10px;height:10px">'
    '<span dir="auto" title="{title}" style="text-align:left;overflow:hidden;'
    'text-overflow:ellipsis;white-space:nowrap;font-weight:{weight}">'
    "{name}</span>"
    '<span style="position:relative;height:6px;background:{grid};border-radius:3px">'
    '<span style="position:absolute;left:0;top:0;bottom:0;width:{width:.1f}%;background:{colour};border-radius:3px">'
    "</span>{tick}</span>"
    '<span title="raw {raw}" style="text-align:right;font-variant-numeric:tabular-nums;{ink}">{value}</span>'
    "</div>"
)
_TICK = '<span style="position:absolute;left:{at:.1f}%;top:-3px;bottom:-3px;width:1px;background:{ink}"></span>'
NAME_SHOWN = 300


def draw_picture(video: VideoChoice, record: VideoRecord, head: Playhead) -> None:
    """Draw the frame under the playhead, letterboxed to 16:9."""
    try:
        stamp(video.path)  # raises if the file is gone, though an open one can still be read
        jpeg, _ = picture(str(video.path), record.video_id, head.time_s, record.table)
    except VideoError as error:
        st.error(error_markdown(error), icon=":material/error:")
        return
    inline = jpeg_uri(jpeg)  # a separate file is one more round trip
    st.image(inline, width="stretch", alt=f"Frame {head.frame} at {clock(head.time_s)}")


def draw_stored_picture(record: VideoRecord, scores: Scores, head: Playhead) -> None:
    """Draw the stored picture of the sample nearest to the playhead, for want of the file."""
    uri, time_s = None, 0.0
    if len(scores):
        sample = playhead.nearest_sample(scores, head.time_s)
        time_s, pts = float(scores.times_s[sample]), record.table.pts[int(scores.frames[sample])]
        uri = stored_picture(config().embeddings, record.video_id, int(pts))
    if uri is None:
        st.info("No picture is stored of this place.", icon=":material/info:")
        return
    st.image(uri, width="stretch", alt=f"Stored picture at {clock(time_s)}")


def draw_ranking(detection: MomentDetection, head: Playhead, prompts: Prompts, signal: Signal) -> None:
    """List the prompts by smoothed score at the sample nearest to the playhead; prompts in doubt come last.

    There is a sample at least.
    """
    scores, sample = detection.scores, playhead.nearest_sample(detection.scores, head.time_s)
    st.markdown(f"##### This frame :gray[:small[· sample at {clock(float(scores.times_s[sample]))}]]")
    values, raw = detection.smoothed[sample], scores.values[sample]
    in_doubt = np.array([bool(doubt_words(detection, prompt)) for prompt in scores.prompts])
    order = np.lexsort((-values, in_doubt))
    shown = order if len(order) <= MOST_ROWS else order[: MOST_ROWS - 1]
    rows = [_row(scores.prompts[k], float(values[k]), float(raw[k]), prompts, signal, detection) for k in shown]
    if len(shown) < len(order):
        least, rest = float(values[shown[-1]]), f"+ {len(order) - len(shown)} more"
        if values[order[len(shown) :]].max() <= least:  # prompts in doubt come last, but may score higher
            rest += f" below {value_text(least, scores.unit)}"
        rows.append(f'<div style="color:{theme().muted};height:22px;line-height:22px">{rest}</div>')
    st.html(f'<div style="font-size:.93rem">{"".join(rows)}</div>')


def _row(prompt: str, value: float, raw: float, prompts: Prompts, signal: Signal, detection: MomentDetection) -> str:
    colours, unit, doubt = theme(), detection.scores.unit, doubt_words(detection, prompt)
    low, high = signal.axis
    span = max(high - low, 1e-9)
    threshold = detection.thresholds.get(prompt)
    strong = threshold is not None and value >= np.float32(threshold)
    at = -1.0 if threshold is None else (threshold - low) / span
    shown = shorten(prompt, NAME_SHOWN)
    return _ROW.format(
        prompt=html.escape(shown),
        doubt=html.escape(doubt),
        title=html.escape(f"{shown}\n{doubt}".strip()),
        look="opacity:.5;" if doubt else "",
        name=html.escape(shown),
        swatch=prompts.swatch(prompt),
        colour=prompts.colour(prompt),
        grid=colours.grid,
        weight=600 if strong else 400,
        ink="font-weight:600" if strong else f"color:{colours.muted}",
        width=min(1.0, max(0.0, (value - low) / span)) * 100,
        tick=_TICK.format(at=at * 100, ink=colours.text) if 0 <= at <= 1 else "",
        value=value_text(value, unit),
        raw=value_text(raw, unit),
    )


def draw_transport(
    table: TimeTable, scores: Scores, moments: Sequence[Moment], candidates: Sequence[Moment], head: Playhead
) -> None:
    """Draw the buttons, the clock and the slider."""
    last = max(0, len(table) - 1)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="transport"):
        starts = [sorted({frame_on_screen(table.times_s, m.start_s) for m in ms}) for ms in (moments, candidates)]
        walked = viewer_state().walked_to == head.frame
        _draw_buttons(scores, stops(starts[0], starts[1], head.frame, walked=walked), head, last)
        st.html(_clock_html(table, head, last), width="content")
        playhead.draw_slider(last)
        playhead.keep_playing()


class Stop(NamedTuple):
    """Where Previous or Next goes."""

    frame: int
    is_candidate: bool


def stops(
    moments: Sequence[int], candidates: Sequence[int], frame: int, *, walked: bool = False
) -> tuple[Stop | None, Stop | None]:
    """Return where Previous and Next go. Must agree with ``stop`` in player/search.js.

    Args:
        moments, candidates: Their first frames, ascending.
        frame: The current frame.
        walked: Whether Previous or Next led to the candidate at ``frame``. If not, and a moment starts there too or
            ``frame`` is 0 (the initial position), Previous and Next go through the moments.
    """
    sure, waiting = [Stop(start, False) for start in moments], [Stop(start, True) for start in candidates]
    if frame in candidates and (walked or (frame > 0 and frame not in moments)):
        before = [*sure[-1:], *(stop for stop in waiting if stop.frame < frame)]
        after = [stop for stop in waiting if stop.frame > frame]
    else:
        before = [stop for stop in sure if stop.frame < frame]
        after = [*(stop for stop in sure if stop.frame > frame), *waiting]
    return before[-1] if before else None, after[0] if after else None


def _draw_buttons(scores: Scores, moments: tuple[Stop | None, Stop | None], head: Playhead, last: int) -> None:
    at, behind = np.searchsorted(scores.frames, [head.frame, head.frame + 1])
    earlier = int(scores.frames[at - 1]) if at > 0 else None
    later = int(scores.frames[behind]) if behind < len(scores) else None
    before, after = (head.frame - 1 if head.frame > 0 else None), (head.frame + 1 if head.frame < last else None)
    play, icon = ("Pause", "pause") if viewer_state().playing else ("Play", "play_arrow")
    _button("skip_previous", "prev_m", "Previous moment (P)", "P", _to_stop(moments[0]))
    _button("keyboard_double_arrow_left", "prev_s", "Back one sample (Shift ←)", "Shift+Left", _to_frame(earlier))
    _button("chevron_left", "prev_f", "Back one frame (←)", "Left", _to_frame(before))
    _button(icon, "play", f"{play} (Space)", "Space", partial(playhead.toggle_play, last) if last else None)
    _button("chevron_right", "next_f", "Forward one frame (→)", "Right", _to_frame(after))
    _button("keyboard_double_arrow_right", "next_s", "Forward one sample (Shift →)", "Shift+Right", _to_frame(later))
    _button("skip_next", "next_m", "Next moment (N)", "N", _to_stop(moments[1]))
    _button("restart_alt", "reset", "To the start (Home)", "Home", _reset)


def _to_frame(frame: int | None) -> Callable[[], None] | None:
    return None if frame is None else partial(seek, frame)


def _to_stop(stop: Stop | None) -> Callable[[], None] | None:
    return None if stop is None else partial(walk, stop.frame, is_candidate=stop.is_candidate)


def _reset() -> None:
    playhead.pause()
    walk(0, is_candidate=False)


def _button(icon: str, key: str, help_text: str, shortcut: str, act: Callable[[], None] | None) -> None:
    """Draw a button that calls ``act``; it is off if that is None. Its label is the help without the key."""
    label = unseen(help_text.partition(" (")[0])
    icon = f":material/{icon}:"
    st.button(label, icon=icon, key=key, help=help_text, shortcut=shortcut, disabled=act is None, on_click=act)


def _clock_html(table: TimeTable, head: Playhead, last: int) -> str:
    muted = theme().muted
    about = "" if table.confirmed else "≈ "
    return (
        '<div style="font-variant-numeric:tabular-nums;white-space:nowrap;font-size:1rem">'
        f"<b data-time>{clock(head.time_s)}</b> "
        f'<span style="color:{muted}">/ {html.escape(about + clock(table.end_s))} &nbsp; frame</span> '
        f'<b data-frame>{head.frame}</b> <span style="color:{muted}">/ {about}{last}</span></div>'
    )
