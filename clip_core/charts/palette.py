"""The colours: twelve for prompts, a few greys for everything else, one list for each theme.

Found by annealing on OKLab distance under normal sight and simulated deuteranopia, protanopia and
tritanopia; the order and the hue are the same in both themes. Colour means prompt, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

ThemeName: TypeAlias = Literal["light", "dark"]


@dataclass(frozen=True)
class Theme:
    """The colours of one theme as CSS hex texts.

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
        """The colour of prompt ``number``; from the thirteenth on they repeat, with a mark (``colour_marks``)."""
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
"""From low to high, for a heat map: one hue, and its lightness in OKLab in equal steps away from the background, so
that equal steps look equal, with any colour vision."""
