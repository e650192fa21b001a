"""All findings as one HTML page that opens offline."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from clip_core.export.page import CHART_PLACE, Figure, escaped, page_html
from clip_core.export.text import NAMELESS
from clip_core.text import full_clock, number_text
from clip_core.values import Moment

_JPEG = b"\xff\xd8\xff"
_HEADS = ("", "prompt", "start", "end", "seconds", "peak at", "peak", "mean")
_NUMBERS = ("start", "end", "seconds", "peak at", "peak", "mean")


@dataclass(frozen=True)
class Report:
    """What stands in a report. Every text may be anything: it is escaped.

    Attributes:
        title: The heading.
        video, model, settings: Facts by name, each a table; a list is written line by line.
        moments: In the order to show.
        unit: What their peak and mean are.
        thumbnails: JPEG files, by the position of their moment in ``moments``; any may be missing.
        figure: The chart, a plotly figure as a plain dict, or None.
        dark_figure: The same for dark screens.
        notes: What the reader should know, a sentence each.
    """

    title: str
    video: Mapping[str, object]
    model: Mapping[str, object]
    settings: Mapping[str, object]
    moments: Sequence[Moment]
    unit: str = "cosine"
    thumbnails: Mapping[int, bytes] = field(default_factory=dict)
    figure: Figure | None = None
    dark_figure: Figure | None = None
    notes: Sequence[str] = ()


def report_html(report: Report) -> str:
    """Return the report as one HTML page.

    Raises:
        ValueError: A thumbnail is no JPEG, or the figure cannot be written as JSON.
    """
    for position, content in report.thumbnails.items():
        if not content.startswith(_JPEG):
            raise ValueError(f"the thumbnail of moment {position} is no JPEG")
    facts = (("Video", report.video), ("Model", report.model), ("Settings", report.settings))
    tables = "\n".join(_facts(name, rows) for name, rows in facts if rows)
    notes = "".join(f'<p class="note" dir="auto">{escaped(note)}</p>\n' for note in report.notes)
    chart = f"<h2>Chart</h2>\n{CHART_PLACE}\n" if report.figure is not None else ""
    body = f'<h1 dir="auto">{escaped(report.title)}</h1>\n{notes}<div class="facts">\n{tables}\n</div>\n{chart}'
    return page_html(report.title, body + _moments(report), report.figure, report.dark_figure)


def _facts(name: str, rows: Mapping[str, object]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{escaped(key)}</th><td dir="auto">{escaped(_shown(value))}</td></tr>\n'
        for key, value in rows.items()
    )
    return f"<section><h2>{name}</h2>\n<table>\n{lines}</table></section>"


def _shown(value: object) -> str:
    """A setting as a person reads it."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "–", True: "yes", False: "no"}[value]
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_shown(item)}" for key, item in value.items()) or "–"
    if isinstance(value, Iterable):
        return "\n".join(_shown(item) for item in value) or "–"
    return json.dumps(value, default=str)


def _moments(report: Report) -> str:
    count = len(report.moments)
    title = f"<h2>{count} {'moment' if count == 1 else 'moments'}</h2>"
    if not count:
        return f'{title}\n<p class="note">Nothing was flagged with these settings.</p>'
    names = [f"{name} ({report.unit})" if name in ("peak", "mean") else name for name in _HEADS]
    heads = "".join(
        f'<th scope="col"{_class(head)}>{escaped(name)}</th>' for head, name in zip(_HEADS, names, strict=True)
    )
    rows = "".join(_row(moment, report.thumbnails.get(at)) for at, moment in enumerate(report.moments))
    table = f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"
    return f'{title}\n<div class="moments">{table}</div>'


def _class(head: str) -> str:
    return ' class="number"' if head in _NUMBERS else ""


def _row(moment: Moment, thumbnail: bytes | None) -> str:
    picture = ""
    if thumbnail is not None:
        address = "data:image/jpeg;base64," + base64.b64encode(thumbnail).decode()
        picture = f'<img src="{address}" alt="The frame at {full_clock(moment.peak_s)}">'
    label = f'<br><bdi class="label">{escaped(moment.label)}</bdi>' if moment.label else ""
    numbers = (
        full_clock(moment.start_s), full_clock(moment.end_s), f"{moment.duration_s:.3f}", full_clock(moment.peak_s),
        number_text(moment.peak, 3), number_text(moment.mean, 3),
    )  # fmt: skip
    cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
    return f"<tr><td>{picture}</td><td><bdi>{escaped(moment.prompt) or NAMELESS}</bdi>{label}</td>{cells}</tr>\n"
