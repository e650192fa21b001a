"""What somebody said of a moment: a value that the store keeps and scoring applies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

Verdict: TypeAlias = Literal["", "accepted", "rejected", "added"]


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody said of one moment. It is kept beside the computed moments and never written into them.

    Attributes:
        prompt: Whose moment it is.
        anchor_s: The peak of the moment when it was first touched, or the middle of an added one: with the prompt,
            what the edit is known by.
        start_s, end_s: Its edges as they were seen or set by hand; they stay, whatever the settings become.
        verdict: "" where only edges or label were changed.
        label: A note.
        settings: With which settings the moment was computed.
    """

    prompt: str
    anchor_s: float
    start_s: float
    end_s: float
    verdict: Verdict = ""
    label: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _need(self.verdict in get_args(Verdict), f"verdict must be one of {get_args(Verdict)}, not {self.verdict!r}")
        times = (self.anchor_s, self.start_s, self.end_s)
        _need(all(math.isfinite(time) and time >= 0 for time in times), "times must be finite and >= 0")
        _need(self.start_s < self.end_s, f"a moment must begin before it ends: {self.start_s} … {self.end_s}")


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
