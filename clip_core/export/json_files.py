"""Scores and moments as JSON, as JSON Lines, and as predictions in the form of QVHighlights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clip_core.export.source import Source
from clip_core.export.text import by_time
from clip_core.text import full_clock, unicode_text
from clip_core.values import Moment, Scores

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

    Raises:
        ValueError: The settings cannot be written as JSON, such as a number that is not finite.
    """
    about = {
        "name": source.name, "path": source.path, "width": source.width, "height": source.height,
        "rate": str(source.rate), "variable_rate": source.variable, "end_s": _rounded(source.end_s),
        "start_timecode": source.start_timecode,
    }  # fmt: skip
    whole = {"source": about, "settings": dict(settings), "moments": [moment_record(moment) for moment in moments]}
    return unicode_text(json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=2)) + "\n"


def moment_record(moment: Moment) -> dict[str, Any]:
    """A moment as a plain dict: its fields, and its times as HH:MM:SS.mmm too."""
    m = moment
    numbers = {"start_s": m.start_s, "end_s": m.end_s, "duration_s": m.duration_s, "peak_s": m.peak_s}
    numbers |= {"peak": m.peak, "mean": m.mean}
    clocks = {"start": full_clock(m.start_s), "end": full_clock(m.end_s), "peak_time": full_clock(m.peak_s)}
    names = {"prompt": unicode_text(m.prompt), "label": unicode_text(m.label)}
    return names | {name: _rounded(number) for name, number in numbers.items()} | clocks


def moments_qvhighlights(moments: Sequence[Moment], prompts: Sequence[str], vid: str) -> str:
    """Return predictions as jayleicn/moment_detr's ``standalone_eval`` reads them: a line per prompt.

    ``{"qid": 1…, "query": prompt, "vid": …, "pred_relevant_windows": [[start_s, end_s, score], …]}``, the windows by
    falling score, which is the moment's peak. A prompt without moments has no windows.

    Args:
        moments: Those of prompts that are not in ``prompts`` are left out.
        prompts: What was asked for; gives the qids, counted from 1.
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
    """In ASCII, so that no reader finds another line break in it (U+2028, U+0085 …)."""
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)


def _rounded(number: float) -> float:
    return round(float(number), DECIMALS)
