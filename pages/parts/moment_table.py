"""The table of moments: the verdict first, then what is whose, from when to when, and how high."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from clip_core.errors import ClipVideoError
from clip_core.scoring.reviewed import Reviewed
from clip_core.text import short_prompt, shown_value, value_decimals
from clip_core.values import Scores, VideoRecord
from pages.parts.look import question_mark
from pages.parts.peaks import thumbnail_uris
from pages.parts.prompts import Prompts
from pages.parts.selecting import table_key
from pages.parts.tables import draw_table, time_column, time_px, time_text
from pages.parts.text import told

MOST_PICTURES = 40
"""In the table; each is 5 kB that is sent when the table changes."""
VERDICTS = {"accepted": "✓", "rejected": "✗", "added": "+", "": "✎"}
JUDGED_HELP = "✓ accepted, ✗ rejected, + added, ✎ changed by hand, ? a candidate: not sure that it is one"
PEAK_HELP = (
    "With one threshold for all: the highest value of the drawn curve. With Adapt: the level of the best segment, a "
    "mean before smoothing; the curve may rise above it. The list is ordered by it."
)
SIGN_PX, PEAK_PX, UP_TO_PEAK_PX = 24, 50, 200
"""The verdict and the colour; the peak; all before the peak: so it is seen at 1366 px, where the list is 290 wide."""


def draw_moment_table(
    reviewed: list[Reviewed], selected: int | None, scores: Scores, prompts: Prompts, record: VideoRecord, path: str
) -> None:
    """Draw the table.

    Args:
        reviewed: Its rows.
        selected: Which of them is selected.
        scores: Where the peaks lie among the samples, and what the values are.
        prompts: Give the colours.
        record: The video.
        path: Where it lies.
    """
    moments, end_s, unit = [r.moment for r in reviewed], scores.end_s, scores.unit
    number = f"%.{value_decimals(unit)}f"
    uris, why_not = dict[float, str](), ""
    try:
        uris = thumbnail_uris(moments[:MOST_PICTURES], scores, record, path)
    except ClipVideoError as error:
        why_not = told(error)
    table = pd.DataFrame(
        {
            "judged": [judged_sign(r) for r in reviewed],
            "colour": [_colour(r, prompts) for r in reviewed],
            "prompt": [short_prompt(m.prompt) for m in moments],
            "start": [time_text(m.start_s, end_s) for m in moments],
            "peak": [shown_value(m.peak, unit) for m in moments],
            "end": [time_text(m.end_s, end_s) for m in moments],
            "duration": [m.duration_s for m in moments],
            "peak_at": [time_text(m.peak_s, end_s) for m in moments],
            "mean": [shown_value(m.mean, unit) for m in moments],
            "label": [m.label for m in moments],
            "picture": [uris.get(m.peak_s) for m in moments],
        }
    )
    columns = {
        "judged": st.column_config.TextColumn("", width=SIGN_PX, help=JUDGED_HELP),
        "colour": st.column_config.ImageColumn("", width=SIGN_PX),
        "prompt": st.column_config.TextColumn("Prompt", width=UP_TO_PEAK_PX - 2 * SIGN_PX - time_px(end_s)),
        "start": time_column("Start", end_s),
        "peak": st.column_config.NumberColumn("Peak", format=number, width=PEAK_PX, help=PEAK_HELP),
        "end": time_column("End", end_s),
        "duration": st.column_config.NumberColumn("Duration", format="%.2f s", width=66),
        "peak_at": time_column("Peak at", end_s),
        "mean": st.column_config.NumberColumn("Mean", format=number, width=PEAK_PX),
        "label": st.column_config.TextColumn("Label", width=100),
        "picture": st.column_config.ImageColumn("At the peak", width=64),
    }
    draw_table(table_key(), table, columns, rows_too=True, selected=selected)
    if why_not:
        st.caption(f"Pictures cannot be shown: {why_not}")


def judged_sign(reviewed: Reviewed) -> str:
    """What was said of a moment, as one sign."""
    if reviewed.is_candidate:
        return "?"
    return "" if reviewed.edit is None else VERDICTS[reviewed.edit.verdict]


def _colour(reviewed: Reviewed, prompts: Prompts) -> str | None:
    """The colour of its prompt; a combination, or a prompt that is no longer in the list, has none."""
    prompt = reviewed.moment.prompt
    if prompt not in prompts.numbers:
        return None
    return question_mark(prompts.colour(prompt), 20) if reviewed.is_candidate else prompts.swatch(prompt, 20)
