"""Scores, moments and spikes as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np

from clip_core.cells import FORMULA_STARTS
from clip_core.text import full_clock, number_text, unicode_text
from clip_core.values import Moment, Scores

MOMENT_COLUMNS = (
    "prompt", "start_s", "end_s", "duration_s", "peak_s", "peak", "mean", "start", "end", "peak_time", "label",
    "video", "unit",
)  # fmt: skip

SPIKE_COLUMNS = ("video", "prompt", "time_s", "clock", "change", "unit")


def harmless(text: str) -> str:
    """Return ``text`` so that no spreadsheet runs it as a formula: a quote goes before = + - @ tab and line breaks.

    Also before a quote that already stands there, so that ``cells.as_typed`` always gives back what was typed.
    See OWASP, "CSV injection". Numbers are written as numbers and never come through here.
    """
    text = unicode_text(text)
    return "'" + text if text.lstrip(" '").startswith(FORMULA_STARTS) else text


def scores_csv(scores: Scores) -> str:
    """Return a table with a row per sample: frame, time_s, and the score of each prompt (6 decimals)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["frame", "time_s", *(harmless(prompt) for prompt in scores.prompts)])
    values = scores.values.astype(np.float64).round(6) + 0.0  # never minus zero
    texts = np.char.mod("%.6f", values) if values.size else values
    times = (f"{time:.6f}" for time in scores.times_s.tolist())
    for frame, time, row in zip(scores.frames.tolist(), times, texts.tolist(), strict=True):
        writer.writerow([frame, time, *row])
    return out.getvalue()


def moments_csv(moments: Sequence[Moment], video: str = "", unit: str = "") -> str:
    """Return a table with a row per moment, in the order given: ``MOMENT_COLUMNS``.

    Columns in ``_s`` are seconds (6 decimals); start, end and peak_time are the same times as HH:MM:SS.mmm.

    Args:
        moments: What to write.
        video: The name of their video, in each row, so that tables of several videos can be joined.
        unit: What peak and mean are in, likewise.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(MOMENT_COLUMNS)
    for m in moments:
        numbers = (number_text(number, 6) for number in (m.start_s, m.end_s, m.duration_s, m.peak_s, m.peak, m.mean))
        clocks = (full_clock(time_s) for time_s in (m.start_s, m.end_s, m.peak_s))
        writer.writerow([harmless(m.prompt), *numbers, *clocks, harmless(m.label), harmless(video), unit])
    return out.getvalue()


def spikes_csv(spikes: Iterable[tuple[str, float, float]], video: str, unit: str) -> str:
    """Return a table with a row per spike, in the order given: ``SPIKE_COLUMNS``.

    Args:
        spikes: Of each its prompt, its time in seconds and its change (both written with 6 decimals).
        video: The name of their video, in each row.
        unit: What the changes are in, in each row.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(SPIKE_COLUMNS)
    for prompt, time_s, change in spikes:
        row = (harmless(video), harmless(prompt), f"{time_s:.6f}", full_clock(time_s), f"{change:.6f}", unit)
        writer.writerow(row)
    return out.getvalue()
