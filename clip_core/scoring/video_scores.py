"""The scores of a video under a model, before any setting that a slider changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property

import numpy as np

from clip_core.scoring.moments import Mask
from clip_core.scoring.null_bank import PromptBank
from clip_core.scoring.prompt_detection import PromptDetection, detect_prompt
from clip_core.scoring.segments import Segments
from clip_core.scoring.units import Scale
from clip_core.types import Floats, Scores, Times, Unit


@dataclass(frozen=True, eq=False)
class VideoScores:
    """Scores, shot boundaries, segments and null-bank scores. Create a new one when any of them changes.

    Attributes:
        raw: Raw cosines of the prompts.
        negatives: Of the negative prompts at the same samples; may have no columns.
        weights: Prompt or negative → prior odds.
        logit_scale: The model's.
        banks: Prompt → its null bank; empty if the bank was not used, as for pictures.
        shot_boundaries_s: float64 (k,), the times of the shot boundaries.
        segments: Of these samples.
    """

    raw: Scores
    negatives: Scores
    _: KW_ONLY
    weights: Mapping[str, float]
    logit_scale: float
    banks: Mapping[str, PromptBank]
    shot_boundaries_s: Times
    segments: Segments
    _detected: dict[tuple[str, float], PromptDetection] = field(default_factory=dict, init=False)

    @cached_property
    def scale(self) -> Scale:
        """The curves in every unit."""
        levels = {prompt: bank.level for prompt, bank in self.banks.items()}
        return Scale(self.raw, self.negatives, weights=self.weights, logit_scale=self.logit_scale, levels=levels)

    @property
    def has_bank(self) -> bool:
        """Whether all prompts were compared with the null bank."""
        return all(prompt in self.banks for prompt in self.raw.prompts)

    def detected(self, prompt: str, confidence: float) -> PromptDetection:
        """Return the ``scoring.prompt_detection`` result of a prompt; computed once."""
        key = (prompt, confidence)
        if key not in self._detected:
            curve = self.raw.column(prompt)
            self._detected[key] = detect_prompt(curve, self.segments, self.banks.get(prompt), confidence)
        return self._detected[key]

    def levels(self, unit: Unit, prompt: str) -> Floats:
        """Return a prompt's mean score over each sample's segment, float32 (n,), in ``unit``."""
        corrected = unit == "corrected"  # by the level of the segment's mean vector, as in detection
        values = self.raw.values if corrected else self.scale.values(unit)
        column = self.raw.prompts.index(prompt)
        levels = self.segments.average(values[:, column : column + 1])
        if corrected:
            levels = levels - self.banks[prompt].segment_level[:, None]
        return self.segments.spread_out(levels)[:, 0]

    def beating_bank(self, share: float) -> Mask | None:
        """Return which samples lie in segments that beat this share of the null bank, bool (n, p), or None."""
        if not self.has_bank or not self.banks:
            return None
        banks = [self.banks[prompt] for prompt in self.raw.prompts]
        levels = self.segments.average(self.raw.values) - np.stack([bank.segment_level for bank in banks], axis=1)
        beaten = levels > np.array([bank.ceiling(share) for bank in banks], np.float32)
        return self.segments.spread_out(beaten.astype(np.float32)) > 0

    @property
    def weights_of_prompts(self) -> dict[str, float]:
        """The weights of the prompts, without those of the negatives."""
        return {prompt: weight for prompt, weight in self.weights.items() if prompt in self.raw.prompts}
