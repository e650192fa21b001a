"""A truth as a file that ``evaluation.read_truth`` reads again."""

from __future__ import annotations

import csv
import io

from clip_core.evaluation.truth import Truth
from clip_core.export.csv_files import harmless


def truth_csv(truth: Truth) -> str:
    """Return a CSV: prompt, start_s, end_s (6 decimals); a prompt that is never there has no times."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["prompt", "start_s", "end_s"])
    for span in truth.spans:
        writer.writerow([harmless(span.prompt), f"{span.start_s:.6f}", f"{span.end_s:.6f}"])
    for absence in truth.absent:
        writer.writerow([harmless(absence.prompt), "", ""])
    return out.getvalue()
