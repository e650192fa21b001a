"""Write the report of a video as one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from clip_core.export.text import NAMELESS, one_line, xml_text
from clip_core.text import counted, full_clock, number_text
from clip_core.types import Moment

PlotlyFigure: TypeAlias = Mapping[str, Any]
CHART_PLACE = '<div id="chart" role="img" aria-label="Chart"></div>'
_HERE = Path(__file__).parent


def chart_html(figure: PlotlyFigure, title: str = "Chart", dark: PlotlyFigure | None = None) -> str:
    """Return a page with one interactive chart.

    Args:
        figure: A plotly figure as a plain dict: data and layout.
        title: The page's title.
        dark: The same figure for dark colour schemes.

    Raises:
        ValueError: The figure cannot be written as JSON, for example because a number is not finite.
    """
    return page_html(title, f"<h1>{escaped(title)}</h1>\n{CHART_PLACE}", figure, dark)


def page_html(title: str, body: str, figure: PlotlyFigure | None = None, dark: PlotlyFigure | None = None) -> str:
    """Return a whole page around ``body``, which must be escaped and contain ``CHART_PLACE`` if there is a figure.

    plotly.js is inlined once. The content security policy allows the two inline scripts by their hashes, inline
    styles (plotly.js sets them) and embedded pictures; nothing can be loaded or sent.
    """
    scripts = [plotly_js(), _own("chart.js")] if figure is not None else []
    policy = (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    data = ""
    if figure is not None:
        figures = json_in_html(_each_array_once({"light": figure} | ({"dark": dark} if dark is not None else {})))
        data = f'<script type="application/json" id="figures">{figures}</script>\n'
    inlined = "\n".join(f"<script>{script}</script>" for script in scripts)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy, quote=True)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
        f"<title>{html.escape(one_line(title))}</title>\n<style>\n{_own('page.css')}</style>\n</head>\n"
        f"<body>\n{body}\n{data}{inlined}\n</body>\n</html>\n"
    )


def _each_array_once(figures: Mapping[str, PlotlyFigure]) -> dict[str, Any]:
    """Return the figures with each distinct x or y array stored once: ``{"array": n}`` refers to ``arrays[n]``."""
    arrays: dict[tuple[Any, ...], int] = {}

    def placed(name: str, value: Any) -> Any:  # noqa: ANN401 - any value in a plotly trace
        if name not in ("x", "y") or not isinstance(value, list):
            return value
        return {"array": arrays.setdefault(tuple(value), len(arrays))}

    written = {
        theme: {**figure, "data": [{name: placed(name, trace[name]) for name in trace} for trace in figure["data"]]}
        for theme, figure in figures.items()
    }
    return {**written, "arrays": [list(array) for array in arrays]}


def escaped(text: str) -> str:
    """Return ``text`` escaped for HTML text and quoted attributes."""
    return html.escape(xml_text(text), quote=True)


def json_in_html(value: Mapping[str, Any]) -> str:
    """Return ``value`` as JSON that is safe inside a script element: < > & are written as escapes."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def plotly_js() -> str:
    """Return the script of the plotly package, found without importing the package.

    Raises:
        FileNotFoundError: The package is not installed.
    """
    package = find_spec("plotly")
    if package is None or package.origin is None:
        raise FileNotFoundError("plotly is not installed: pip install plotly")
    path = Path(package.origin).parent / "package_data" / "plotly.min.js"
    return inert(path.read_text(encoding="utf-8"))


def inert(script: str) -> str:
    """Escape ``</script`` and ``<!--`` in a script; the values of its strings stay the same."""
    return script.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "<\\!--")


@cache
def _own(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hashes(scripts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"


_JPEG = b"\xff\xd8\xff"
_HEADS = ("", "prompt", "start", "end", "seconds", "peak at", "peak", "mean")
_NUMBER = ' class="number"'
_NUMBERS = ("start", "end", "seconds", "peak at", "peak", "mean")


@dataclass(frozen=True)
class Report:
    """The content of a report. All texts are escaped.

    Attributes:
        title: The heading.
        video, model, settings: Name → value, one table each; a list is written one item per line.
        moments: In the order to show.
        unit: The unit of their peak and mean.
        thumbnails: Position in ``moments`` → JPEG file; any may be missing.
        figure: The chart, a plotly figure as a plain dict, or None.
        dark_figure: The same for dark colour schemes.
        notes: What the reader should know, one sentence each.
    """

    title: str
    video: Mapping[str, object]
    model: Mapping[str, object]
    settings: Mapping[str, object]
    moments: Sequence[Moment]
    unit: str = "cosine"
    thumbnails: Mapping[int, bytes] = field(default_factory=dict)
    figure: PlotlyFigure | None = None
    dark_figure: PlotlyFigure | None = None
    notes: Sequence[str] = ()


def report_html(report: Report) -> str:
    """Return the report as one HTML page.

    Raises:
        ValueError: A thumbnail is not a JPEG, or the figure cannot be written as JSON.
    """
    for position, content in report.thumbnails.items():
        if not content.startswith(_JPEG):
            raise ValueError(f"the thumbnail of moment {position} is not a JPEG")
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
    """Return a value as readable text."""
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
    title = f"<h2>{counted(count, 'moment')}</h2>"
    if not count:
        return f'{title}\n<p class="note">Nothing was flagged with these settings.</p>'
    names = [f"{name} ({report.unit})" if name in ("peak", "mean") else name for name in _HEADS]
    heads = "".join(
        f'<th scope="col"{_NUMBER if head in _NUMBERS else ""}>{escaped(name)}</th>'
        for head, name in zip(_HEADS, names, strict=True)
    )
    rows = "".join(_row(moment, report.thumbnails.get(at)) for at, moment in enumerate(report.moments))
    table = f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"
    return f'{title}\n<div class="moments">{table}</div>'


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
    cells = "".join(f"<td{_NUMBER}>{number}</td>" for number in numbers)
    return f"<tr><td>{picture}</td><td><bdi>{escaped(moment.prompt) or NAMELESS}</bdi>{label}</td>{cells}</tr>\n"
