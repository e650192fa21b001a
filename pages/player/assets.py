"""The player's static files, and the address under which a browser may cache them for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import plotly

FOLDER = Path(__file__).parent
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
SERVED = (".js", ".css")


@cache
def scripts() -> dict[str, bytes]:
    """Return the files that the browser requests, by name."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in SERVED}


@cache
def version() -> str:
    """Return a hash that changes with any of these files."""
    digest = hashlib.sha256()
    for name, content in scripts().items():
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]


def script_address(name: str) -> str:
    """Return the address of a script, relative to the app's own."""
    return f"player/scripts/{version()}/{name}"


def plotly_address() -> str:
    """Return the address of plotly.js, relative to the app's own."""
    return f"player/plotly-{plotly.__version__}.js"


@cache
def text(name: str) -> str:
    """Return one of the files as text."""
    return (FOLDER / name).read_text(encoding="utf-8")
