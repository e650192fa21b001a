"""Scores and moments as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from clip_core.values import Moment, Scores

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """Return ``text`` so that no spreadsheet runs it as a formula: a quote goes before = + - @ tab and CR.

    See OWASP, "CSV injection". Numbers are written as numbers and never come through here.
    """
    return "'" + text if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def scores_csv(scores: Scores) -> str:
    """Return a table with a row per sample: frame, time_s, and the score of each prompt (6 decimals)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["frame", "time_s", *(harmless(prompt) for prompt in scores.prompts)])
    values = np.char.mod("%.6f", scores.values.astype(np.float64)) if scores.values.size else scores.values
    times = (f"{time:.6f}" for time in scores.times_s.tolist())
    for frame, time, row in zip(scores.frames.tolist(), times, values.tolist(), strict=True):
        writer.writerow([frame, time, *row])
    return out.getvalue()


def moments_csv(moments: Sequence[Moment]) -> str:
    """Return a table with a row per moment: prompt, start_s, end_s, duration_s, peak_s, peak, mean."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["prompt", "start_s", "end_s", "duration_s", "peak_s", "peak", "mean"])
    for m in moments:
        numbers = (m.start_s, m.end_s, m.duration_s, m.peak_s, m.peak, m.mean)
        writer.writerow([harmless(m.prompt), *(f"{number:.6f}" for number in numbers)])
    return out.getvalue()
