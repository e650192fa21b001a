"""Colours and line marks that distinguish prompts, in both themes."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

ThemeName: TypeAlias = Literal["light", "dark"]


@dataclass(frozen=True)
class Theme:
    """The colours of one theme as CSS hex strings.

    Attributes:
        text, muted, grid, edge, background: Greys, from strong to faint.
        prompts: Twelve colours; prompt number k takes ``prompts[k % 12]``.
    """

    text: str
    muted: str
    grid: str
    edge: str
    background: str
    prompts: tuple[str, ...]

    def colour(self, number: int) -> str:
        """Return the colour of prompt ``number``; colours repeat from the thirteenth on, with a mark (``mark_of``)."""
        return self.prompts[number % len(self.prompts)]


# blue amber teal pink olive violet red sky green rust plum slate
_LIGHT = "#5094f6 #855500 #208173 #db5bb7 #989402 #7e50d0 #840f37 #024d74 #509e70 #b7622d #7b249e #5a5c6c"
_DARK = "#2388f9 #e8c089 #a4f8d9 #f290be #f2ec29 #8560b1 #e64c57 #59bef8 #52851c #f98542 #b77c9c #c2d1eb"

THEMES: dict[ThemeName, Theme] = {
    "light": Theme("#1b1f24", "#667080", "#e8ebef", "#cfd6de", "#ffffff", tuple(_LIGHT.split())),
    "dark": Theme("#dde1e7", "#8b95a3", "#262b33", "#3a414c", "#14171c", tuple(_DARK.split())),
}

_HEAT_LIGHT = "#e9f1fa #bbd8f9 #90bdf1 #69a3e3 #4789cf #2a6fb5 #135696 #063f72 #05294d"
_HEAT_DARK = "#062544 #053a6b #10518f #266ab0 #4285cb #65a0e1 #8cbbf0 #b7d5f8 #e6f0fa"
HEAT: dict[ThemeName, tuple[str, ...]] = {
    "light": tuple(_HEAT_LIGHT.split()),
    "dark": tuple(_HEAT_DARK.split()),
}
"""Heat map colours from low to high: one hue, its OKLab lightness in equal steps away from the background, so that
equal steps look equal with any colour vision."""


MarkName: TypeAlias = Literal["", "ring", "bars", "dot", "cross"]
PER_MARK = 12
"""The number of prompt colours; prompts with the same colour have different marks."""


@dataclass(frozen=True)
class LineMark:
    """How twelve consecutive prompts look.

    Attributes:
        name: "" for the first twelve, which have no mark.
        dash: Of curves, as plotly names it.
        glyph: A square for use in text.
        drawn: SVG within a square of 10 px; ``{colour}`` stands for its colour.
        gap: (width in px, dash) of the line that is cut out of thick bars; None: nothing.
    """

    name: MarkName
    dash: str
    glyph: str
    drawn: str
    gap: tuple[float, str] | None


_RING = '<rect x="1.25" y="1.25" width="7.5" height="7.5" rx="1" fill="none" stroke="{colour}" stroke-width="2.5"/>'
_BARS = "".join(f'<rect x="{x}" width="2" height="10" fill="{{colour}}"/>' for x in (0, 4, 8))
_DOT = (
    '<rect x="0.6" y="0.6" width="8.8" height="8.8" rx="1" fill="none" stroke="{colour}" stroke-width="1.2"/>'
    '<circle cx="5" cy="5" r="2.2" fill="{colour}"/>'
)
_CROSS = '<path d="M1 1l8 8M9 1l-8 8" fill="none" stroke="{colour}" stroke-width="2.4"/>'
MARKS = (
    LineMark("", "solid", "■", '<rect width="10" height="10" rx="2" fill="{colour}"/>', None),
    LineMark("ring", "dash", "□", _RING, (2.5, "solid")),
    LineMark("bars", "dot", "▥", _BARS, (6, "2px,2px")),
    LineMark("dot", "dashdot", "▣", _DOT, (2.5, "8px,4px")),
    LineMark("cross", "longdash", "⊠", _CROSS, (6, "2px,8px")),
)
"""For sixty prompts; those of the next sixty look the same, with their number beside them."""


def mark_of(number: int) -> LineMark:
    """Return the mark of prompt ``number``."""
    return MARKS[number // PER_MARK % len(MARKS)]


def looks_alone(number: int) -> bool:
    """Whether no prompt with a lower number can look like this one."""
    return number < PER_MARK * len(MARKS)


def swatch_uri(colour: str, number: int = 0, box: int = 10) -> str:
    """Return the swatch of prompt ``number``, 10 px in a box of ``box`` px, as a data URI for labels and tables."""
    margin = (box - 10) / 2
    place = f'<g transform="translate({margin:g} {margin:g})">'
    return svg_uri(f"{place}{mark_of(number).drawn.format(colour=colour)}</g>", box)


def svg_uri(drawn: str, box: int) -> str:
    """Return a square picture as a data URI."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{box}" height="{box}" viewBox="0 0 {box} {box}">'
    return "data:image/svg+xml;base64," + base64.b64encode(f"{head}{drawn}</svg>".encode()).decode()


def marked_bars(trace: dict[str, Any], number: int, background: str) -> list[dict[str, Any]]:
    """Return a trace of thick lines, and the trace that cuts the mark of prompt ``number`` out of them."""
    gap = mark_of(number).gap
    if gap is None:
        return [trace]
    width, dash = gap
    scale = trace["line"]["width"] / 6
    return [trace, trace | {"line": {"width": width * scale, "color": background, "dash": dash}, "opacity": 1}]
