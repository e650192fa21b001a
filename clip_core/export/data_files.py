"""Write moments and scores as data: CSV, JSON, JSON Lines and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clip_core.export.selection import SelectedVideo, Selection
from clip_core.export.text import by_time
from clip_core.text import FORMULA_STARTS, full_clock, number_text, unicode_text
from clip_core.types import Moment, Scores

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBERS = ("start_s", "end_s", "duration_s", "peak_s", "peak", "mean")
_FRAMES = ("start_frame", "end_frame")
_SLACK_S = 1e-6  # no two frames are that close
MOMENT_COLUMNS = ("prompt", *_NUMBERS, "start", "end", "peak_time", "label", "video", "unit", *_FRAMES, "video_id")
CLOCK = "seconds from the first frame"
SPIKE_COLUMNS = ("video", "prompt", "time_s", "clock", "change", "unit")


def harmless(text: str) -> str:
    """Return ``text`` with a leading quote if a spreadsheet could run it: before = + - @ tab and line breaks.

    Such text that already starts with a quote gets another one, so that ``text.as_typed`` restores the original.
    See OWASP, "CSV injection". Numbers are written as numbers and are not escaped.
    """
    text = unicode_text(text)
    return "'" + text if text.lstrip(" '").startswith(FORMULA_STARTS) else text


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV; a header is the first of them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(rows)
    return out.getvalue()


def scores_csv(scores: Scores) -> str:
    """Return a CSV table with a row per sample: frame, time_s, and the score of each prompt (6 decimals)."""
    values = scores.values.astype(np.float64).round(6) + 0.0  # + 0.0 turns minus zero into zero
    texts = np.char.mod("%.6f", values) if values.size else values
    times = (f"{time:.6f}" for time in scores.times_s.tolist())
    samples = zip(scores.frames.tolist(), times, texts.tolist(), strict=True)
    header = ["frame", "time_s", *(harmless(prompt) for prompt in scores.prompts)]
    return csv_text([header, *([frame, time, *row] for frame, time, row in samples)])


def moment_rows(selection: Selection) -> Iterator[dict[str, Any]]:
    """Yield the values of each moment by the names in ``MOMENT_COLUMNS``; frames are None without a time table."""
    tables = {id(video): None if video.table is None else video.table.times_s for video in selection.videos}
    for video, m in selection.rows:
        times_s = tables[id(video)]
        limits_s = np.array([m.start_s, m.end_s]) - _SLACK_S
        frames = (None, None) if times_s is None else times_s.searchsorted(limits_s).tolist()
        clocks = (full_clock(time_s) for time_s in (m.start_s, m.end_s, m.peak_s))
        texts = (m.label, video.source.name, selection.unit)
        values = (m.prompt, *(float(getattr(m, name)) for name in _NUMBERS), *clocks, *texts, *frames, video.video_id)
        yield dict(zip(MOMENT_COLUMNS, values, strict=True))


def moments_csv(selection: Selection) -> str:
    """Return a CSV table with a row per moment, in the order given: ``MOMENT_COLUMNS``.

    Columns ending in ``_s`` are seconds from the first frame (6 decimals); start, end and peak_time are the same
    times as HH:MM:SS.mmm. The frames of a moment are those numbered [start_frame, end_frame), counted from 0; they
    are empty for a video without a time table. Each row has the video's name and id, and the unit of peak and mean.
    """
    return csv_text([MOMENT_COLUMNS, *([_cell(value) for value in row.values()] for row in moment_rows(selection))])


def _cell(value: object) -> object:
    if isinstance(value, float):
        return number_text(value, 6)
    return harmless(value) if isinstance(value, str) else value


def moments_parquet(selection: Selection) -> bytes:
    """Return a Parquet table with a row per moment and the columns of ``moments_csv``, not escaped.

    Names ending in ``_s``, peak and mean are float64, start_frame and end_frame int64, all others text. The schema's
    metadata contain the settings as JSON under "clip_video".

    Raises:
        ValueError: The settings cannot be written as JSON.
    """
    import pyarrow as pa

    kinds = dict.fromkeys(MOMENT_COLUMNS, pa.string()) | dict.fromkeys(_NUMBERS, pa.float64())
    kinds |= dict.fromkeys(_FRAMES, pa.int64())
    rows = [{name: _plain(value) for name, value in row.items()} for row in moment_rows(selection)]
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))
    return parquet_file(table, {"settings": dict(selection.settings)})


def _plain(value: object) -> object:
    return unicode_text(value) if isinstance(value, str) else value


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
    return csv_text([SPIKE_COLUMNS, *rows])


DECIMALS = 6


def scores_jsonl(scores: Scores) -> str:
    """Return a line per sample: ``{"frame": int, "time_s": float, "scores": {prompt: float}}`` (6 decimals)."""
    prompts = [unicode_text(prompt) for prompt in scores.prompts]
    rows = zip(scores.frames.tolist(), scores.times_s.tolist(), scores.values.tolist(), strict=True)
    return json_lines(
        {"frame": frame, "time_s": _rounded(time), "scores": dict(zip(prompts, map(_rounded, row), strict=True))}
        for frame, time, row in rows
    )


def moments_json(selection: Selection) -> str:
    """Return one object: ``source``, ``settings`` as given, and ``moments`` in the order given.

    ``source`` says from where the times of moments count (``clock``), and when the first frame is shown, in seconds
    from the start of the file (``first_frame_s``). Of several videos, ``sources`` is a list of such objects. Each
    moment has the name and the id of its video.

    Raises:
        ValueError: The settings cannot be written as JSON, for example because a number is not finite.
    """
    about = [_source_record(video) for video in selection.videos]
    where: dict[str, Any] = {"source": about[0]} if len(about) == 1 else {"sources": about}
    moments = [
        {**moment_record(moment), "video": unicode_text(video.source.name), "video_id": video.video_id}
        for video, moment in selection.rows
    ]
    whole = {**where, "settings": dict(selection.settings), "moments": moments}
    return unicode_text(json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=2)) + "\n"


def _source_record(video: SelectedVideo) -> dict[str, Any]:
    source = video.source
    return {
        "name": source.name, "path": source.path, "video_id": video.video_id,
        "width": source.width, "height": source.height,
        "rate": str(source.rate), "variable_rate": source.variable, "end_s": _rounded(source.end_s),
        "start_timecode": source.start_timecode, "clock": CLOCK, "first_frame_s": _rounded(float(source.first_frame_s)),
    }  # fmt: skip


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
    return json_lines(
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


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
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
    about = {
        "unit": scores.unit, "prompts": [unicode_text(prompt) for prompt in scores.prompts],
        "start_s": scores.start_s, "end_s": scores.end_s, "complete": scores.complete, "settings": dict(settings),
    }  # fmt: skip
    return parquet_file(scores.to_arrow(), about)


def parquet_file(table: pa.Table, about: Mapping[str, Any]) -> bytes:
    """Return a table as Parquet, with ``about`` as JSON in the schema's metadata."""
    import pyarrow as pa
    from pyarrow import parquet

    out = pa.BufferOutputStream()
    told = json.dumps(about, allow_nan=False).encode()
    parquet.write_table(table.replace_schema_metadata({KEY: told}), out)
    return bytes(out.getvalue().to_pybytes())
