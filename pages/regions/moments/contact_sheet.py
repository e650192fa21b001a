"""The contact sheet: a small picture of each moment's peak."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import streamlit as st

from clip_core.errors import ClipVideoError
from clip_core.indexing.thumbnails import peak_pts
from clip_core.scoring.detection import MomentDetection
from clip_core.text import short_prompt, value_text
from clip_core.types import Moment, Scores, VideoRecord
from pages.regions.viewer.playhead import frame_on_screen, seek
from pages.shared import cache
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.tables import time_text

ACROSS, PER_PAGE = 3, 6
PATIENCE_S = 0.5
"""Time that one run spends on drawing missing pictures; few are missing, because indexing stores them."""


def thumbnails_at(
    moments: Sequence[Moment], scores: Scores, record: VideoRecord, path: str, *, patience_s: float = PATIENCE_S
) -> dict[float, bytes]:
    """Return peak time in seconds → JPEG, for pictures that are stored or can be drawn within ``patience_s``.

    Raises:
        VideoError: The file is gone.
        StoreError: The store cannot be used.
    """
    pts = peak_pts(moments, scores, record)
    jpegs = cache.thumbnails(path, record, list(pts.values()), cache.config().embeddings, patience_s=patience_s)
    return {peak_s: jpegs[p] for peak_s, p in pts.items() if p in jpegs}


def thumbnail_uris(moments: Sequence[Moment], scores: Scores, record: VideoRecord, path: str) -> dict[float, str]:
    """Return peak time → the picture as a data URI. Raises what ``thumbnails_at`` raises."""
    return {at: _uri(jpeg) for at, jpeg in thumbnails_at(moments, scores, record, path).items()}


def draw_peaks(moments: Sequence[Moment], detection: MomentDetection, record: VideoRecord, path: str) -> None:
    """Draw one page of the sheet; the button below a picture shows its frame."""
    if not moments:
        st.caption("No moments, so no peaks.")
        return
    pages = -(-len(moments) // PER_PAGE)
    page = 0
    if pages > 1:
        names = [f"{k * PER_PAGE + 1}–{min(len(moments), (k + 1) * PER_PAGE)}" for k in range(pages)]
        page = names.index(st.selectbox("Page", names, key="peaks_page", label_visibility="collapsed") or names[0])
    shown = moments[page * PER_PAGE : (page + 1) * PER_PAGE]
    try:
        pictures = thumbnails_at(shown, detection.scores, record, path)
    except ClipVideoError as error:
        st.caption(error_markdown(error))
        return
    times_s = record.table.times_s
    with st.container(key="peaks"):
        for first in range(0, len(shown), ACROSS):
            for column, place in zip(st.columns(ACROSS, gap="xxsmall"), range(first, first + ACROSS), strict=True):
                if place < len(shown):
                    with column.container(gap="xxsmall"):
                        _draw_peak(shown[place], pictures, detection, times_s, place)
    if len(pictures) < len({m.peak_s for m in shown}):
        st.caption("More pictures are drawn with the next move.")


def _draw_peak(
    moment: Moment, pictures: dict[float, bytes], detection: MomentDetection, times_s: np.ndarray, place: int
) -> None:
    when = time_text(moment.peak_s, detection.scores.end_s)
    if moment.peak_s in pictures:
        st.image(_uri(pictures[moment.peak_s]), width="stretch", alt=f"{moment.prompt} at {when}")
    name = escape_markdown(short_prompt(moment.prompt))
    st.button(
        f"{name}  \n{when}",
        key=f"peak_{place}",
        help=f"{name} {value_text(moment.peak, detection.scores.unit)}",
        on_click=seek,
        args=(frame_on_screen(times_s, moment.peak_s),),
        width="stretch",
    )


def _uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
