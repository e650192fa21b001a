"""Write moments and scores as data: CSV, JSON, JSON Lines and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, count
from typing import Any

import numpy as np

from clip_core.export.source import Source
from clip_core.export.text import by_time
from clip_core.text import FORMULA_STARTS, full_clock, number_text, unicode_text
from clip_core.types import Moment, Scores, TimeTable

_NUMBERS = ("start_s", "end_s", "duration_s", "peak_s", "peak", "mean")
_FRAMES = ("start_frame", "end_frame")
_SLACK_S = 1e-6  # no two frames are that close
MOMENT_COLUMNS = ("prompt", *_NUMBERS, "start", "end", "peak_time", "label", "video", "unit", *_FRAMES)
CLOCK = "seconds from the first frame"
SPIKE_COLUMNS = ("video", "prompt", "time_s", "clock", "change", "unit")


def harmless(text: str) -> str:
    """Return ``text`` with a leading quote if a spreadsheet could run it: before = + - @ tab and line breaks.

    Such text that already starts with a quote gets another one, so that ``text.as_typed`` restores the original.
    See OWASP, "CSV injection". Numbers are written as numbers and are not escaped.
    """
    text = unicode_text(text)
    return "'" + text if text.lstrip(" '").startswith(FORMULA_STARTS) else text


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def scores_csv(scores: Scores) -> str:
    """Return a CSV table with a row per sample: frame, time_s, and the score of each prompt (6 decimals)."""
    values = scores.values.astype(np.float64).round(6) + 0.0  # + 0.0 turns minus zero into zero
    texts = np.char.mod("%.6f", values) if values.size else values
    times = (f"{time:.6f}" for time in scores.times_s.tolist())
    samples = zip(scores.frames.tolist(), times, texts.tolist(), strict=True)
    header = ["frame", "time_s", *(harmless(prompt) for prompt in scores.prompts)]
    return _csv(header, ([frame, time, *row] for frame, time, row in samples))


def moments_csv(moments: Sequence[Moment], video: str = "", unit: str = "", table: TimeTable | None = None) -> str:
    """Return a CSV table with a row per moment, in the order given: ``MOMENT_COLUMNS``.

    Columns ending in ``_s`` are seconds from the first frame (6 decimals); start, end and peak_time are the same
    times as HH:MM:SS.mmm. The frames of a moment are those numbered [start_frame, end_frame), counted from 0.

    Args:
        moments: The moments.
        video: The video's name, written in each row, so that tables of several videos can be joined.
        unit: The unit of peak and mean, also written in each row.
        table: The presentation times of the video's frames; without it there are no frame numbers.
    """
    times_s = None if table is None else table.times_s
    rows = []
    for m in moments:
        numbers = (number_text(getattr(m, name), 6) for name in _NUMBERS)
        clocks = (full_clock(time_s) for time_s in (m.start_s, m.end_s, m.peak_s))
        limits_s = np.array([m.start_s, m.end_s]) - _SLACK_S
        frames = ("", "") if times_s is None else times_s.searchsorted(limits_s).tolist()
        rows.append([harmless(m.prompt), *numbers, *clocks, harmless(m.label), harmless(video), unit, *frames])
    return _csv(MOMENT_COLUMNS, rows)


def spikes_csv(spikes: Iterable[tuple[str, float, float]], video: str, unit: str) -> str:
    """Return a CSV table with a row per spike, in the order given: ``SPIKE_COLUMNS``.

    Args:
        spikes: (prompt, time in seconds, change) each; the numbers are written with 6 decimals.
        video: The video's name, written in each row.
        unit: The unit of the changes, written in each row.
    """
    rows = (
        (harmless(video), harmless(prompt), f"{time_s:.6f}", full_clock(time_s), f"{change:.6f}", unit)
        for prompt, time_s, change in spikes
    )
    return _csv(SPIKE_COLUMNS, rows)


DECIMALS = 6


def scores_jsonl(scores: Scores) -> str:
    """Return a line per sample: ``{"frame": int, "time_s": float, "scores": {prompt: float}}`` (6 decimals)."""
    prompts = [unicode_text(prompt) for prompt in scores.prompts]
    rows = zip(scores.frames.tolist(), scores.times_s.tolist(), scores.values.tolist(), strict=True)
    return _lines(
        {"frame": frame, "time_s": _rounded(time), "scores": dict(zip(prompts, map(_rounded, row), strict=True))}
        for frame, time, row in rows
    )


def moments_json(moments: Sequence[Moment], source: Source, settings: Mapping[str, Any]) -> str:
    """Return one object: ``source``, ``settings`` as given, and ``moments`` in the order given.

    ``source`` says from where the times of moments count (``clock``), and when the first frame is shown, in seconds
    from the start of the file (``first_frame_s``).

    Raises:
        ValueError: The settings cannot be written as JSON, for example because a number is not finite.
    """
    about = {
        "name": source.name, "path": source.path, "width": source.width, "height": source.height,
        "rate": str(source.rate), "variable_rate": source.variable, "end_s": _rounded(source.end_s),
        "start_timecode": source.start_timecode, "clock": CLOCK, "first_frame_s": _rounded(float(source.first_frame_s)),
    }  # fmt: skip
    whole = {"source": about, "settings": dict(settings), "moments": [moment_record(moment) for moment in moments]}
    return unicode_text(json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=2)) + "\n"


def moment_record(moment: Moment) -> dict[str, Any]:
    """Return a moment as a plain dict: its fields, plus its times as HH:MM:SS.mmm."""
    return {
        "prompt": unicode_text(moment.prompt),
        "label": unicode_text(moment.label),
        **{name: _rounded(getattr(moment, name)) for name in _NUMBERS},
        "start": full_clock(moment.start_s),
        "end": full_clock(moment.end_s),
        "peak_time": full_clock(moment.peak_s),
    }


def moments_qvhighlights(moments: Sequence[Moment], prompts: Sequence[str], vid: str) -> str:
    """Return predictions in the format of jayleicn/moment_detr's ``standalone_eval``: one line per prompt.

    ``{"qid": 1…, "query": prompt, "vid": …, "pred_relevant_windows": [[start_s, end_s, score], …]}``, with windows by
    decreasing score, which is the moment's peak. A prompt without moments has an empty list.

    Args:
        moments: The moments; those of prompts that are not in ``prompts`` are left out.
        prompts: The queries, in the order of their qids, counted from 1.
        vid: The video's name in the data set.
    """
    return _lines(
        {
            "qid": number,
            "query": unicode_text(prompt),
            "vid": unicode_text(vid),
            "pred_relevant_windows": [
                [_rounded(number) for number in (m.start_s, m.end_s, m.peak)]
                for m in sorted(moments, key=lambda m: (-m.peak, *by_time(m)))
                if m.prompt == prompt
            ],
        }
        for number, prompt in enumerate(prompts, 1)
    )


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return one line per row, in ASCII, so that no reader sees extra line breaks (U+2028, U+0085 …)."""
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)


def _rounded(number: float) -> float:
    return round(float(number), DECIMALS)


KEY = b"clip_video"
"""The key of the JSON in the schema's metadata."""


def scores_parquet(scores: Scores, settings: Mapping[str, Any]) -> bytes:
    """Return a Parquet table with a row per sample.

    Columns: ``frame`` int64, ``time_s`` float64, and one float32 per prompt, with the prompt as its name; a prompt
    that is called "frame" or "time_s", or occurs twice, gets " (2)". The schema's metadata contain, under
    "clip_video", JSON with ``settings``, ``unit``, ``prompts`` (unchanged, in the order of the columns), ``start_s``,
    ``end_s`` and ``complete``.

    Raises:
        ValueError: The settings cannot be written as JSON.
    """
    import pyarrow as pa
    from pyarrow import parquet

    about = {
        "unit": scores.unit, "prompts": [unicode_text(prompt) for prompt in scores.prompts],
        "start_s": scores.start_s, "end_s": scores.end_s, "complete": scores.complete, "settings": dict(settings),
    }  # fmt: skip
    columns = {"frame": pa.array(scores.frames, pa.int64()), "time_s": pa.array(scores.times_s, pa.float64())}
    for k, prompt in enumerate(scores.prompts):
        columns[_untaken(unicode_text(prompt), columns)] = pa.array(scores.values[:, k], pa.float32())
    table = pa.table(columns).replace_schema_metadata({KEY: json.dumps(about, allow_nan=False).encode()})
    out = pa.BufferOutputStream()
    parquet.write_table(table, out)
    return bytes(out.getvalue().to_pybytes())


def _untaken(name: str, taken: Collection[str]) -> str:
    """Return ``name``, or if it is taken with the first free number, from " (2)" on."""
    numbered = (f"{name} ({number})" for number in count(2))
    return next(free for free in chain([name], numbered) if free not in taken)
