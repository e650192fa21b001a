"""A prompt, read once from the line that somebody typed, and written as such a line again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clip_core.text import clean_prompt

_NEGATIVE = "- "


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text that is looked for, or that others are held against.

    Attributes:
        text: As it is embedded and shown; see ``clean_prompt``.
        negative: Whether it is a negative or background prompt: others are held against it, and it is never flagged.
        weight: Prior odds, > 0: how much it counts where prompts compete (softmax, margin, leading).
    """

    text: str
    negative: bool = False
    weight: float = 1.0

    @property
    def line(self) -> str:
        """The prompt as it is typed: a negative one begins with "- "."""
        return f"{_NEGATIVE}{self.text}" if self.negative else self.text


def parse_prompt(line: str) -> Prompt | None:
    """Read a line; None if it holds no text: it is blank, or a lone "-", which is one that is still being typed."""
    line = clean_prompt(line)
    negative = f"{line} ".startswith(_NEGATIVE)
    text = line[len(_NEGATIVE) :].strip() if negative else line
    return Prompt(text, negative) if text else None


def parse_prompts(lines: Iterable[str], weights: Mapping[str, float] | None = None) -> tuple[Prompt, ...]:
    """Read lines in their order, each prompt once.

    Args:
        lines: As typed.
        weights: Text → weight, where it is not 1.
    """
    found = dict.fromkeys(prompt for line in lines if (prompt := parse_prompt(line)))
    return tuple(Prompt(p.text, p.negative, (weights or {}).get(p.text, 1.0)) for p in found)
