"""Write hits as data: CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from clip_core.export.data_files import csv_text, harmless
from clip_core.retrieval.results import Hit, SearchResult
from clip_core.retrieval.subtitles import SubtitleHit
from clip_core.text import full_clock, number_text
from clip_core.types import Unit

HIT_COLUMNS = (
    "query", "video", "start_s", "end_s", "peak_s", "score", "unit", "cosine", "beats", "start", "end", "also_in",
    "video_id",
)  # fmt: skip


def hits_csv(hits: Sequence[Hit], query: str, unit: Unit) -> str:
    """Return a CSV table with a row per hit, in the order given: ``HIT_COLUMNS``. Texts are made safe for spreadsheets.

    Times are seconds from the first frame; start and end are the same as HH:MM:SS.mmm. ``also_in`` names the other
    files that show the same pictures, separated by "; ".
    """
    rows: list[Sequence[object]] = [HIT_COLUMNS]
    for hit in hits:
        times = [number_text(time_s, 6) for time_s in (hit.start_s, hit.end_s, hit.peak_s)]
        scores = [number_text(hit.score, 6), unit, number_text(hit.cosine, 6)]
        beats = "" if hit.beats is None else number_text(hit.beats, 4)
        also = harmless("; ".join(other.name for other in hit.also_in))
        clocks = [full_clock(hit.start_s), full_clock(hit.end_s)]
        rows.append([harmless(query), harmless(hit.name), *times, *scores, beats, *clocks, also, hit.video_id])
    return csv_text(rows)


def hits_json(result: SearchResult, query: str, said: Sequence[SubtitleHit] = ()) -> str:
    """Return ``query``, all fields of the result, and ``subtitles``: the lines that hold the words, as JSON."""
    content = {"query": query, **result.to_dict(), "subtitles": [asdict(hit) for hit in said]}
    return json.dumps(content, indent=2, allow_nan=False, default=lambda value: value.item()) + "\n"  # NumPy's numbers
