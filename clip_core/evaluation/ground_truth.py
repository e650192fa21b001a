"""Ground truth, when each prompt can be seen: read it from a file, and fit it to a video."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, NoReturn

from clip_core.errors import TruthError, shown_name
from clip_core.evaluation.intervals import as_intervals, merged
from clip_core.text import (
    MOST_SECONDS,
    as_typed,
    clean_prompt,
    clock,
    counted,
    decode_text,
    filled_rows,
    parse_time,
    places_of,
    size_text,
)
from clip_core.types import Times

MOST_NAMED, MOST_NAMED_LENGTH = 3, 40
"""A warning names this many prompts or videos, each at most this long, and counts the rest."""
MOST_BYTES = 10_000_000
MOST_SPANS = 100_000
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt", "query", "text", "name"),
    "start": ("start_s", "start", "start_time", "begin"),
    "end": ("end_s", "end", "end_time", "stop"),
    "video": ("video", "vid", "video_name", "file"),
}
"""Accepted column names, the preferred one first; case is ignored."""
_LINE = 'Lines look like {"query": "a dog", "relevant_windows": [[0, 4]]}.'
_ENTRY = 'Entries look like {"prompt": "a dog", "start_s": 0, "end_s": 4}.'
_CORRECT = "Correct that line, or leave it out."


@dataclass(frozen=True, slots=True)
class Span:
    """When a prompt is visible: [start_s, end_s) in seconds, in the video of that name; "" means any video."""

    prompt: str
    start_s: float
    end_s: float
    video: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """A prompt known never to be visible in the video of that name; "" means any video."""

    prompt: str
    video: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """Spans of any number of prompts, and the prompts whose moments are all false unless a span says otherwise."""

    spans: tuple[Span, ...]
    absent: tuple[Absence, ...] = ()

    @property
    def prompts(self) -> tuple[str, ...]:
        """All prompts, each once, those with spans first."""
        spans, absent = (span.prompt for span in self.spans), (absence.prompt for absence in self.absent)
        return tuple(dict.fromkeys([*spans, *absent]))

    def intervals(self, prompt: str) -> Times:
        """Return the spans of one prompt, float64 (m, 2), sorted by start."""
        return as_intervals(sorted((span.start_s, span.end_s) for span in self.spans if span.prompt == prompt))


def joined(first: Truth, second: Truth) -> Truth:
    """Merge two ground truths; a prompt with a span in either is not absent."""
    spans = (*first.spans, *second.spans)
    seen = {span.prompt for span in spans}
    absent = dict.fromkeys(each for each in (*first.absent, *second.absent) if each.prompt not in seen)
    return Truth(spans, tuple(absent))


def of_video(truth: Truth, names: Collection[str]) -> tuple[Truth, list[str]]:
    """Return the ground truth of one video, with a warning if there are entries for other videos.

    Args:
        truth: As read from a file.
        names: What the video may be called, such as its name and id; folder, extension and case are ignored. Entries
            without a video apply to every video.

    Raises:
        TruthError: All of it is for other videos.
    """
    known = {form for name in names for form in _forms(name)}
    everything: list[Span | Absence] = [*truth.spans, *truth.absent]
    ours = {video for video in {each.video for each in everything} if not video or known & _forms(video)}
    others = list(dict.fromkeys(each.video for each in everything if each.video not in ours))
    if not others:
        return truth, []
    kept = Truth(
        tuple(span for span in truth.spans if span.video in ours),
        tuple(absence for absence in truth.absent if absence.video in ours),
    )
    if not kept.prompts:
        raise TruthError(f"All of the truth is of another video: {_named(others)}.", "Give the truth of this one.")
    count = len(everything) - len(kept.spans) - len(kept.absent)
    return kept, [f"{counted(count, 'entry is', 'entries are')} of another video ({_named(others)}): left out."]


def fit_truth(truth: Truth, prompts: Sequence[str], end_s: float) -> tuple[Truth, list[str]]:
    """Return the part of a video's ground truth that covers these prompts, with a warning for each change.

    Other prompts are left out. Spans that reach beyond the end of the video end there, and spans that
    start after it are left out. Overlapping spans of one prompt are merged, as continuous visibility is one moment.

    The video ends at ``end_s``. A warning names the prompts without ground truth.

    Raises:
        TruthError: Nothing is left.
    """
    warnings: list[str] = []
    evaluated, known = set(prompts), set(truth.prompts)
    if others := [prompt for prompt in truth.prompts if prompt not in evaluated]:
        warnings.append(f"The truth names what is not judged here: {_named(others)}.")
    if missing := [prompt for prompt in prompts if prompt not in known]:
        warnings.append(f"The truth says nothing of {_named(missing)}: not judged.")
    spans = _joined(_within([span for span in truth.spans if span.prompt in evaluated], end_s, warnings), warnings)
    seen = {span.prompt for span in truth.spans}
    absent = tuple(each for each in truth.absent if each.prompt in evaluated and each.prompt not in seen)
    if not spans and not absent:
        raise TruthError(" ".join(["The truth judges nothing here.", *warnings[:1]]), "Check its prompts and times.")
    return Truth(spans, absent), warnings


def _forms(name: str) -> set[str]:
    """Return the names a video may have: with and without extension, never with a folder, in lower case."""
    path = PurePath(name.strip().casefold().replace("\\", "/"))
    return {path.name, path.stem}


def _within(spans: Sequence[Span], end_s: float, warnings: list[str]) -> list[Span]:
    after = [span.prompt for span in spans if span.start_s >= end_s]
    late = [span.prompt for span in spans if span.start_s < end_s < span.end_s]
    where = f"after the end of the video at {clock(end_s)}"
    if after:
        warnings.append(f"{counted(len(after), 'span starts', 'spans start')} {where} ({_named(after)}): left out.")
    if late:
        warnings.append(f"{counted(len(late), 'span ends', 'spans end')} {where} ({_named(late)}): cut there.")
    return [replace(span, end_s=min(span.end_s, end_s)) for span in spans if span.start_s < end_s]


def _joined(spans: Sequence[Span], warnings: list[str]) -> tuple[Span, ...]:
    by_prompt: dict[str, list[Span]] = {}
    for span in spans:
        by_prompt.setdefault(span.prompt, []).append(span)
    joined: list[Span] = []
    overlapping: list[str] = []
    for prompt, own in by_prompt.items():
        union = merged(as_intervals((span.start_s, span.end_s) for span in own)).tolist()
        joined += [Span(prompt, start_s, end_s, own[0].video) for start_s, end_s in union]
        overlapping += [prompt] if len(union) < len(own) else []
    if overlapping:
        warnings.append(f"Spans that overlap were made one: {_named(overlapping)}.")
    return tuple(joined)


def _named(texts: Sequence[str]) -> str:
    each = list(dict.fromkeys(texts))
    shown = [f"“{shown_name(text.replace('/', '∕'), MOST_NAMED_LENGTH)}”" for text in each[:MOST_NAMED]]
    rest = len(each) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def read_json(text: str, shown: str) -> Truth:
    """Return the ground truth from JSON Lines of QVHighlights, or from one object like data/sample.truth.json.

    - A line: ``{"qid": 1, "query": "a dog", "vid": "holiday", "relevant_windows": [[0, 4.5]]}``. Times are in seconds,
      other keys are ignored, and a query without windows is never visible.
    - One object: ``{"visible": [{"prompt": "a dog", "start_s": 0, "end_s": 4.5}], "absent": ["a cat"]}``.

    ``shown`` is the name of the file for messages.

    Raises:
        TruthError: It is neither; the message names the line or the list entry.
    """
    try:
        whole = _parsed(text)
    except ValueError as error:
        if '"visible"' in text and '"relevant_windows"' not in text:
            raise TruthError(f"{shown} is not JSON ({error}).", "See data/sample.truth.json.") from None
        return _lines(text, shown)
    return _object(whole, shown) if isinstance(whole, dict) and "visible" in whole else _lines(text, shown)


def _lines(text: str, shown: str) -> Truth:
    spans: list[Span] = []
    absent: list[Absence] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            own, absence = _line(line, f"{shown}, line {number}")
            spans += own
            absent += [] if own else [absence]
    return Truth(tuple(spans), tuple(dict.fromkeys(absent)))


def _line(line: str, place: str) -> tuple[list[Span], Absence]:
    """Return the spans of one line, and the absence that it states if it has none."""
    try:
        entry = _parsed(line)
    except ValueError as error:
        raise TruthError(f"{place}: not JSON ({error}).", _CORRECT) from None
    query = _clean(entry.get("query")) if isinstance(entry, dict) else ""
    if not query:
        raise TruthError(f"{place}: there is no query.", _LINE)
    windows, video = entry.get("relevant_windows"), _clean(entry.get("vid"))
    if not isinstance(windows, list):
        raise TruthError(f"{place}: there are no relevant_windows.", _LINE)
    return [Span(query, *_pair(window, place), video=video) for window in windows], Absence(query, video)


def _clean(value: object) -> str:
    """Return a clean prompt or name; "" for what is not a text."""
    return clean_prompt(value) if isinstance(value, str) else ""


def _object(whole: Mapping[str, Any], shown: str) -> Truth:
    visible, absent = whole["visible"], whole.get("absent", [])
    if not isinstance(visible, list) or not isinstance(absent, list):
        raise TruthError(f"{shown}: 'visible' and 'absent' must be lists.", "See data/sample.truth.json.")
    spans = []
    for number, entry in enumerate(visible, 1):
        place = f"{shown}, entry {number} of 'visible'"
        prompt = _clean(entry.get("prompt")) if isinstance(entry, dict) else ""
        if not prompt:
            raise TruthError(f"{place}: there is no prompt.", _ENTRY)
        spans.append(Span(prompt, *_pair([entry.get("start_s"), entry.get("end_s")], place)))
    prompts = [_clean(prompt) for prompt in absent]
    if "" in prompts:
        raise TruthError(f"{shown}: an entry of 'absent' is not a prompt.", "List texts there.")
    return Truth(tuple(spans), tuple(map(Absence, prompts)))


def _pair(value: object, place: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2 or not all(_is_time(time) for time in value):
        shown = json.dumps(value, ensure_ascii=True, default=str)[:40]
        raise TruthError(f"{place}: {shown} is not [start, end] in seconds.", _CORRECT)
    start_s, end_s = float(value[0]), float(value[1])
    if end_s <= start_s:
        raise TruthError(f"{place}: the end {end_s:g} is not after the start {start_s:g}.", _CORRECT)
    return start_s, end_s


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_SECONDS


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever it holds
    """Return what JSON holds; a ValueError says in at most 60 characters why it is not JSON."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        raise ValueError(str(error)[:60]) from None


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")


def read_truth(content: bytes, name: str) -> Truth:
    """Return the ground truth in a file: JSON or JSON Lines if it begins with ``{``, else CSV.

    ``content`` is at most 10 MB of UTF-8, or of UTF-16 with its mark; ``name`` is used only in messages.

    Raises:
        TruthError: It is too large, empty or invalid; the message names the row or line.
    """
    shown = shown_name(name)
    if len(content) > MOST_BYTES:
        what = f"{shown} has {size_text(len(content))}: that is not a list of moments."
        raise TruthError(what, f"At most {MOST_BYTES // 10**6} MB are read.")
    try:
        text = decode_text(content)
    except UnicodeDecodeError as error:
        what = f"{shown} is not {error.encoding.upper()} text (byte {error.start + 1})."
        raise TruthError(what, "Save it as CSV in UTF-8, or as JSON Lines.") from None
    truth = read_json(text, shown) if text.lstrip().startswith("{") else read_csv(text, shown)
    if len(truth.spans) > MOST_SPANS:
        raise TruthError(f"{shown} has {len(truth.spans):,} spans.", f"At most {MOST_SPANS:,} are read.")
    return truth


def read_csv(text: str, shown: str) -> Truth:
    """Return the ground truth in a table: one row per span, with a prompt, a start, an end and optionally a video.

    Times are seconds or [HH:]MM:SS[.mmm]; columns are separated by comma, semicolon or tab; other columns are ignored.
    A row with a prompt but no start and no end says that the prompt is never visible.

    ``shown`` is the name of the file for messages.

    Raises:
        TruthError: As in ``read_truth``; the header is row 1.
    """
    try:
        filled = filled_rows(text)
    except csv.Error as error:
        raise TruthError(f"{shown} is not CSV: {error}.", "Save it as CSV in UTF-8.") from None
    if len(filled) < 2:
        raise TruthError(f"{shown} says nothing.", "It needs a head (prompt,start,end) and a row for each moment.")
    where = _columns(filled[0][1], shown)
    spans: list[Span] = []
    absent: list[Absence] = []
    for number, row in filled[1:]:
        cells = {field: row[at].strip() if at < len(row) else "" for field, at in where.items()}
        prompt = clean_prompt(as_typed(cells["prompt"]))
        video = as_typed(cells.get("video", ""))
        if not prompt:
            raise TruthError(f"{shown}, row {number}: the prompt is missing.", "Correct that row, or leave it out.")
        if cells["start"] or cells["end"]:
            start_s, end_s = (_time(cells[field], f"{shown}, row {number}", field) for field in ("start", "end"))
            if end_s <= start_s:
                what = f"the end {cells['end'][:20]} is not after the start {cells['start'][:20]}."
                raise TruthError(f"{shown}, row {number}: {what}", "Correct that row, or leave it out.")
            spans.append(Span(prompt, start_s, end_s, video))
        else:
            absent.append(Absence(prompt, video))
    return Truth(tuple(spans), tuple(dict.fromkeys(absent)))


def _columns(head: Sequence[str], shown: str) -> dict[str, int]:
    where = places_of(head, _COLUMNS)
    for field, known in _COLUMNS.items():
        if field not in where and field != "video":
            listed = ", ".join(shown_name(cell, 20) for cell in head[:6])
            what = f"{shown} has no column {field}; its head is: {listed}."
            raise TruthError(what, f"It may be called {', '.join(known)}.")
    return where


def _time(cell: str, place: str, field: str) -> float:
    time_s = parse_time(cell)
    if time_s is None:
        shown = shown_name(cell.replace("/", "∕"), 30) if cell else "nothing"
        raise TruthError(f"{place}: the {field} is {shown}, which is not a time.", "Write seconds or HH:MM:SS.mmm.")
    return time_s
