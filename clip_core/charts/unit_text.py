"""How a unit is written at the axes."""

from __future__ import annotations

from collections.abc import Sequence

from clip_core.text import number_text
from clip_core.types import Unit

_TICK_DECIMALS: dict[Unit, int] = {"corrected": 2, "cosine": 2, "margin": 2, "softmax": 2, "z": 1, "percentile": 0}
AXIS_TITLES: dict[Unit, str] = {
    "corrected": "cosine, corrected",
    "cosine": "cosine similarity",
    "margin": "cosine margin",
    "softmax": "softmax share",
    "z": "z (deviations)",
    "percentile": "percentile",
}
"""What the score axis measures."""


def tick_texts(unit: Unit, ticks: Sequence[float]) -> list[str]:
    """The ticks of the score axis as texts; those of a narrow range get the decimals that they need.

    Written here, because plotly has a minus sign of its own, which the numbers beside the chart have not.
    """
    needed = max((len(f"{tick:.2f}".rstrip("0").partition(".")[2]) for tick in ticks), default=0)
    return [number_text(tick, max(_TICK_DECIMALS[unit], needed)) for tick in ticks]


def share_text(share: float) -> str:
    """A share from 0 to 1 as Evaluate writes it, such as "41.7 %"."""
    return f"{100 * share:.1f} %"
