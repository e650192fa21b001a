"""Parse prompts from typed lines, once, and write them as lines again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clip_core.text import clean_prompt

_NEGATIVE = "- "


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text to look for, or a negative one to compare the others with.

    Attributes:
        text: The text as it is embedded and shown; see ``clean_prompt``.
        negative: Whether it is a negative or background prompt: others are compared with it; it is never flagged.
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
    """Parse a line; return None if it is blank or a lone "-", the start of a negative prompt being typed."""
    line = clean_prompt(line)
    negative = f"{line} ".startswith(_NEGATIVE)
    text = line[len(_NEGATIVE) :].strip() if negative else line
    return Prompt(text, negative) if text else None


def parse_prompts(lines: Iterable[str], weights: Mapping[str, float] | None = None) -> tuple[Prompt, ...]:
    """Parse lines in order, each prompt once; ``weights`` maps texts to weights that are not 1."""
    found = dict.fromkeys(prompt for line in lines if (prompt := parse_prompt(line)))
    return tuple(Prompt(p.text, p.negative, (weights or {}).get(p.text, 1.0)) for p in found)
