"""One HTML page that needs nothing else: it opens offline, asks nobody, and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from clip_core.export.text import one_line, xml_text

Figure: TypeAlias = Mapping[str, Any]
CHART_PLACE = '<div id="chart" role="img" aria-label="Chart"></div>'
_HERE = Path(__file__).parent


def chart_html(figure: Figure, title: str = "Chart", dark: Figure | None = None) -> str:
    """Return a page with a chart alone, which can be zoomed and pointed at.

    Args:
        figure: A plotly figure as a plain dict: data and layout.
        title: Of the page.
        dark: The same figure for readers whose screen is dark.

    Raises:
        ValueError: The figure cannot be written as JSON, such as a number that is not finite.
    """
    return page_html(title, f"<h1>{escaped(title)}</h1>\n{CHART_PLACE}", figure, dark)


def page_html(title: str, body: str, figure: Figure | None = None, dark: Figure | None = None) -> str:
    """Return a whole page around ``body``, which must be escaped and hold ``CHART_PLACE`` if there is a figure.

    plotly.js is inlined once. The content security policy allows the two inlined scripts by their hashes, inlined
    styles (plotly.js sets them) and pictures that are part of the page; nothing can be loaded or sent.
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


def _each_array_once(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """The figures, with the x and y that their traces share written once: ``{"array": n}`` stands for ``arrays[n]``."""
    arrays: dict[tuple[Any, ...], int] = {}

    def placed(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever a trace of plotly's may hold
        if name not in ("x", "y") or not isinstance(value, list):
            return value
        return {"array": arrays.setdefault(tuple(value), len(arrays))}

    written = {
        theme: {**figure, "data": [{name: placed(name, trace[name]) for name in trace} for trace in figure["data"]]}
        for theme, figure in figures.items()
    }
    return {**written, "arrays": [list(array) for array in arrays]}


def escaped(text: str) -> str:
    """Return ``text`` so that it stays text in HTML and in its quoted attributes."""
    return html.escape(xml_text(text), quote=True)


def json_in_html(value: Mapping[str, Any]) -> str:
    """Return ``value`` as JSON that no text in it can end or open a script with: < > & are written as escapes."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def plotly_js() -> str:
    """The script of the plotly package, found without importing the package.

    Raises:
        FileNotFoundError: The package is not installed.
    """
    package = find_spec("plotly")
    if package is None or package.origin is None:
        raise FileNotFoundError("plotly is not installed: pip install plotly")
    path = Path(package.origin).parent / "package_data" / "plotly.min.js"
    return inert(path.read_text(encoding="utf-8"))


def inert(script: str) -> str:
    """Return a script whose strings can neither end its element nor open a comment in it; in strings it is the same."""
    return script.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "<\\!--")


@cache
def _own(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hashes(scripts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
