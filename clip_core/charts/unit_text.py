"""How many decimals the values of a unit are written with."""

from __future__ import annotations

from clip_core.values import Unit

_DECIMALS: dict[Unit, tuple[int, int]] = {
    "corrected": (2, 3),
    "cosine": (2, 3),
    "margin": (2, 3),
    "softmax": (2, 3),
    "z": (1, 2),
    "percentile": (0, 1),
}


def tick_format(unit: Unit, ticks: list[float]) -> str:
    """How plotly writes the ticks of the score axis; those of a narrow range get the decimals that they need."""
    needed = max((len(f"{tick:.2f}".rstrip("0").partition(".")[2]) for tick in ticks), default=0)
    return f".{max(_DECIMALS[unit][0], needed)}f"


def value_decimals(unit: Unit) -> int:
    """The decimals of one value that is told, such as a threshold or what lies under the pointer."""
    return _DECIMALS[unit][1]


def share_text(share: float) -> str:
    """A share from 0 to 1 as Evaluate writes it, such as "41.7 %"."""
    return f"{100 * share:.1f} %"


def value_text(value: float, unit: Unit) -> str:
    """One value as text; it never says minus zero."""
    return f"{round(value, value_decimals(unit)) + 0.0:.{value_decimals(unit)}f}"
