"""The picture of the frame under the playhead, and how well each prompt fits it."""

from __future__ import annotations

import base64
import html

import numpy as np
import streamlit as st

from clip_core.errors import VideoError
from clip_core.library.videos import VideoChoice
from clip_core.scoring.detection import MomentDetection
from clip_core.text import clock, shorten, value_text
from clip_core.types import VideoRecord
from pages.regions.moments.moment_list import doubt_words
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.regions.viewer.playhead import Playhead
from pages.shared.cache import picture, stamp
from pages.shared.markdown import error_markdown
from pages.shared.theme import theme

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
    inline = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()  # a separate file is one more round trip
    st.image(inline, width="stretch", alt=f"Frame {head.frame} at {clock(head.time_s)}")


def draw_ranking(detection: MomentDetection, head: Playhead, prompts: Prompts, signal: Signal) -> None:
    """List the prompts by smoothed score at the sample nearest to the playhead; prompts in doubt come last."""
    if not prompts.texts:
        st.markdown("##### This frame")
        st.caption("Type a prompt in the sidebar: one per line.")
        return
    if head.sample is None:
        st.markdown("##### This frame")
        st.caption("No sample is indexed yet.")
        return
    scores = detection.scores
    st.markdown(f"##### This frame :gray[:small[· sample at {clock(float(scores.times_s[head.sample]))}]]")
    values, raw = detection.smoothed[head.sample], scores.values[head.sample]
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
