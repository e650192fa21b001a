"""Truth as JSON: QVHighlights' lines, or one object with what is visible and what is absent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from clip_core.errors import TruthError
from clip_core.evaluation.truth import Absence, Span, Truth
from clip_core.text import MOST_SECONDS, clean_prompt

_LINE = 'Lines look like {"query": "a dog", "relevant_windows": [[0, 4]]}.'
_ENTRY = 'Entries look like {"prompt": "a dog", "start_s": 0, "end_s": 4}.'
_CORRECT = "Correct that line, or leave it out."


def read_json(text: str, shown: str) -> Truth:
    """Return the truth in JSON Lines of QVHighlights, or in one object as in data/sample.truth.json.

    - A line: ``{"qid": 1, "query": "a dog", "vid": "holiday", "relevant_windows": [[0, 4.5]]}``; seconds, other keys
      are ignored; no windows: the query is never there.
    - One object: ``{"visible": [{"prompt": "a dog", "start_s": 0, "end_s": 4.5}], "absent": ["a cat"]}``.

    Args:
        text: The file.
        shown: Its name as it may stand in a message.

    Raises:
        TruthError: It is neither; the message names the line, or the place in the list.
    """
    try:
        whole = _parsed(text)
    except (ValueError, RecursionError) as error:
        if '"visible"' in text and '"relevant_windows"' not in text:
            raise TruthError(f"{shown} is no JSON ({_why(error)}).", "See data/sample.truth.json.") from None
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
    """The spans of one line, and what it says if there are none."""
    try:
        given = _parsed(line)
    except (ValueError, RecursionError) as error:
        raise TruthError(f"{place}: no JSON ({_why(error)}).", _CORRECT) from None
    if not isinstance(given, dict) or not isinstance(given.get("query"), str) or not clean_prompt(given["query"]):
        raise TruthError(f"{place}: there is no query.", _LINE)
    windows = given.get("relevant_windows")
    if not isinstance(windows, list):
        raise TruthError(f"{place}: there are no relevant_windows.", _LINE)
    query = clean_prompt(given["query"])
    video = clean_prompt(given["vid"]) if isinstance(given.get("vid"), str) else ""
    return [Span(query, *_pair(window, place), video=video) for window in windows], Absence(query, video)


def _why(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:60]


def _object(whole: Mapping[str, Any], shown: str) -> Truth:
    visible, absent = whole["visible"], whole.get("absent", [])
    if not isinstance(visible, list) or not isinstance(absent, list):
        raise TruthError(f"{shown}: 'visible' and 'absent' must be lists.", "See data/sample.truth.json.")
    spans = []
    for number, given in enumerate(visible, 1):
        place = f"{shown}, entry {number} of 'visible'"
        prompt = given.get("prompt") if isinstance(given, dict) else None
        if not isinstance(prompt, str) or not clean_prompt(prompt):
            raise TruthError(f"{place}: there is no prompt.", _ENTRY)
        spans.append(Span(clean_prompt(prompt), *_pair([given.get("start_s"), given.get("end_s")], place)))
    if not all(isinstance(prompt, str) and clean_prompt(prompt) for prompt in absent):
        raise TruthError(f"{shown}: an entry of 'absent' is no prompt.", "List texts there.")
    return Truth(tuple(spans), tuple(Absence(clean_prompt(prompt)) for prompt in absent))


def _pair(given: object, place: str) -> tuple[float, float]:
    if not isinstance(given, list) or len(given) != 2 or not all(_is_time(time) for time in given):
        shown = json.dumps(given, ensure_ascii=True, default=str)[:40]
        raise TruthError(f"{place}: {shown} is no [start, end] in seconds.", _CORRECT)
    start_s, end_s = float(given[0]), float(given[1])
    if end_s <= start_s:
        raise TruthError(f"{place}: the end {end_s:g} is not after the start {start_s:g}.", _CORRECT)
    return start_s, end_s


def _is_time(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= MOST_SECONDS


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever it holds
    return json.loads(text, parse_constant=_refuse)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
