"""What a benchmark hands back, and the one table that shows it."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Spread:
    """Several measurements of one thing.

    Attributes:
        values: In the order in which they were taken; at least one.
        unit: Such as "ms", or "" for a ratio.
        digits: How many decimals to show.
    """

    values: tuple[float, ...]
    unit: str = ""
    digits: int = 2

    @staticmethod
    def of(values: Sequence[float], unit: str = "", digits: int = 2, factor: float = 1.0) -> Spread:
        """Collect ``values``, each multiplied by ``factor`` (1000 makes milliseconds of seconds)."""
        return Spread(tuple(value * factor for value in values), unit, digits)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def over(self, yardstick: float) -> Spread:
        """The same as a ratio to ``yardstick``."""
        return Spread.of(self.values, factor=1 / yardstick)

    def __str__(self) -> str:
        low, middle, high = (f"{v:.{self.digits}f}" for v in (min(self.values), self.median, max(self.values)))
        unit = f" {self.unit}" if self.unit else ""
        return f"{middle}{unit}" if len(self.values) == 1 else f"{low} / {middle} / {high}{unit}"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: What ``--only`` takes, with a remark if a benchmark gives several rows.
        ratio: Of two things measured in the same run, or of a time to its limit; the median counts.
        goal: The median is to be at least (or, with ``at_most``, at most) this; None: for information.
        at_most: Which of the two.
        says: What the ratio is, in a few words.
        raw: Label → what was measured.
        notes: Lines of text under the figures.
    """

    name: str
    ratio: Spread
    goal: float | None
    at_most: bool
    says: str
    raw: dict[str, Spread] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Whether the median reaches the goal."""
        if self.goal is None:
            return "-"
        reached = self.ratio.median <= self.goal if self.at_most else self.ratio.median >= self.goal
        return "reached" if reached else "MISSED"

    @property
    def goal_text(self) -> str:
        """Such as "≥ 0.95"."""
        return "-" if self.goal is None else f"{'≤' if self.at_most else '≥'} {self.goal:.2f}"


def write_table(rows: Sequence[Row]) -> None:
    """Write the table: a line for each ratio (lowest / median / highest), under it what it was made of."""
    heads = ("benchmark", "ratio  min / med / max", "goal", "", "what it is")
    cells = [heads, *((row.name, str(row.ratio), row.goal_text, row.verdict, row.says) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]

    def line(texts: Sequence[str]) -> str:
        return "  ".join([*(text.ljust(width) for text, width in zip(texts[:4], widths, strict=True)), texts[4]])

    say(line(heads))
    say("-" * (sum(widths) + 8 + len(heads[4])))
    for row, texts in zip(rows, cells[1:], strict=True):
        say(line(texts))
        wide = max((len(label) for label in row.raw), default=0)
        for label, spread in row.raw.items():
            say(f"    {label.ljust(wide)}  {spread}")
        for note in row.notes:
            say(f"    {note}")


def say(text: str) -> None:
    """Write a line of the table."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    """Write a line about what is going on, beside the table."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
