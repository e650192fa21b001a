"""From what is known of a video to its moments, as a recipe says: the one way that the page and the command line go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from clip_core.errors import RecipeError
from clip_core.recipe import Recipe
from clip_core.scoring.combine import Combination, combine
from clip_core.scoring.defaults import Default, default_cuts
from clip_core.scoring.equivalents import convert_cut
from clip_core.scoring.moments import find_moments
from clip_core.scoring.null_bank import beats, false_alarm_rates
from clip_core.scoring.smoothing import smooth
from clip_core.scoring.spans import sample_spans
from clip_core.scoring.units import Scale
from clip_core.values import Floats, Moment, Scores, Times, Unit


@dataclass(frozen=True, slots=True, eq=False)
class BankFacts:
    """What the null bank scores on the same samples.

    Attributes:
        levels: float32 (n, 7), see ``NullBank.follow``.
        peaks: float32 (m,), the best of each caption in the video.
    """

    levels: Floats
    peaks: Floats


class Evidence:
    """What is known of a video under a model, before any setting that a slider moves. Built anew when it changes.

    Args:
        raw: Raw cosines of the prompts.
        negatives: Of the negative prompts, at the same samples; may have no column.
        weights: Prompt or negative → prior odds.
        logit_scale: Of the model.
        bank: What the null bank says; None where it is not asked, as for pictures.
        cuts_s: float64 (k,), times of the cuts between shots.
    """

    def __init__(
        self,
        raw: Scores,
        negatives: Scores,
        *,
        weights: Mapping[str, float],
        logit_scale: float,
        bank: BankFacts | None,
        cuts_s: Times,
    ) -> None:
        self.raw, self.negatives, self.bank, self.cuts_s = raw, negatives, bank, cuts_s
        self.weights, self.logit_scale = dict(weights), logit_scale
        self._defaults: dict[tuple[object, ...], dict[str, Default]] = {}

    @cached_property
    def scale(self) -> Scale:
        """The curves in every unit."""
        return Scale(self.raw, self.negatives, weights=self.weights, logit_scale=self.logit_scale)

    def defaults(self, recipe: Recipe) -> dict[str, Default]:
        """Each prompt's own threshold, from the data: from the curves as the recipe smooths them."""
        share = recipe.bank_share if self.bank is not None else 0
        key = (recipe.smoothing_s, recipe.smoothing, recipe.across_cuts, share)
        if key not in self._defaults:
            cuts = None if recipe.across_cuts else self.cuts_s
            self._defaults[key] = default_cuts(
                self.scale,
                self.bank.peaks if self.bank is not None and share > 0 else None,
                smoothing_s=recipe.smoothing_s,
                bank_share=share / 100,
                smoothed=smooth(self.raw, recipe.smoothing_s, recipe.smoothing, cuts),
            )
        return self._defaults[key]

    @property
    def weights_of_prompts(self) -> dict[str, float]:
        """The weights without those of the negatives."""
        return {prompt: weight for prompt, weight in self.weights.items() if prompt in self.raw.prompts}

    @cached_property
    def false_alarm_rates(self) -> dict[str, float]:
        """Prompt → share of the bank that comes out as high somewhere in the video; empty without a bank."""
        return {} if self.bank is None else false_alarm_rates(self.raw, self.bank.peaks)


@dataclass(frozen=True, eq=False)
class Findings:
    """What a recipe makes of the evidence.

    Attributes:
        evidence, recipe: What it was made of.
        scores: The curves in the recipe's unit.
        smoothed: float32 of the same shape.
        thresholds: Prompt → threshold in that unit, for the prompts that are flagged.
        moments: Of these prompts, ranked by peak; behind them those of combinations.
    """

    evidence: Evidence
    recipe: Recipe
    scores: Scores
    smoothed: Floats
    thresholds: Mapping[str, float]
    moments: list[Moment]

    @property
    def unproven(self) -> tuple[str, ...]:
        """Prompts that would be flagged if anything spoke for them: without a threshold, the data gave none."""
        asked = (prompt for prompt in self.scores.prompts if prompt not in self.recipe.unflagged)
        return tuple(prompt for prompt in asked if prompt not in self.thresholds)

    @property
    def cuts_s(self) -> Times | None:
        """The cuts that nothing was smoothed across."""
        return None if self.recipe.across_cuts else self.evidence.cuts_s

    @property
    def offsets(self) -> dict[str, float]:
        """Prompt → where its moments end, at or below its threshold."""
        return {prompt: onset - self.recipe.hysteresis for prompt, onset in self.thresholds.items()}

    def scale_to_unit(self, prompt: str, cosines: Floats) -> Floats:
        """Other cosines of a prompt, such as a band around its curve, in the unit cosine or z.

        Raises:
            ValueError: In another unit they have no place.
        """
        scale, column = self.evidence.scale, self.scores.prompts.index(prompt)
        if self.scores.unit == "cosine":
            return cosines
        if self.scores.unit == "z":
            return np.asarray((cosines - scale.median[column]) / scale.spread[column], np.float32)
        raise ValueError(f"a single cosine has no place in {self.scores.unit}")

    def within(self, prompt: str, score_range: tuple[float, float]) -> Floats:
        """A prompt's curve, float32 (n,); NaN marks what lies outside the score range or the recipe's time range."""
        curve, times_s = self.scores.column(prompt), self.scores.times_s
        inside = (curve >= np.float32(score_range[0])) & (curve <= np.float32(score_range[1]))
        if self.recipe.time_range is not None:
            inside &= (times_s >= self.recipe.time_range[0]) & (times_s < self.recipe.time_range[1])
        return np.where(inside, curve, np.nan).astype(np.float32)

    def measure(self, prompt: str, start_s: float, end_s: float) -> Moment | None:
        """A prompt's moment with these edges: peak and mean of the samples within, or of the nearest one.

        None if the prompt has no curve, or there are no samples.
        """
        if prompt not in self.scores.prompts or not len(self.scores):
            return None
        times_s = self.scores.times_s
        first, stop = np.searchsorted(times_s, [start_s, end_s])
        if first == stop:
            first = int(np.argmin(np.abs(times_s - (start_s + end_s) / 2)))
            stop = first + 1
        inside = self.smoothed[first:stop, self.scores.prompts.index(prompt)].astype(np.float64)
        lengths_s = sample_spans(times_s, self.scores.start_s, self.scores.end_s).lengths_s[first:stop]
        top = int(np.argmax(inside))
        mean = float(np.average(inside, weights=lengths_s)) if lengths_s.sum() > 0 else float(inside.mean())
        return Moment(prompt, start_s, end_s, float(times_s[first + top]), float(inside[top]), mean)


def find(recipe: Recipe, evidence: Evidence, *, smoothed: Floats | None = None) -> Findings:
    """Turn curves into moments.

    Args:
        recipe: How.
        evidence: Of what.
        smoothed: ``Findings.smoothed`` of the same unit and smoothing, if it is at hand.

    Raises:
        RecipeError: The unit is margin and there is no negative prompt.
    """
    if recipe.unit not in evidence.scale.units:
        raise RecipeError(
            "Margin needs a negative prompt.", 'Add a line such as "- a person" to the prompts, or choose another unit.'
        )
    scores = evidence.scale.in_unit(recipe.unit)
    if smoothed is None:
        cuts_s = None if recipe.across_cuts else evidence.cuts_s
        smoothed = smooth(scores, recipe.smoothing_s, recipe.smoothing, cuts_s)
    thresholds = thresholds_of(recipe, evidence, of_all=bool(recipe.combinations))
    shown = {prompt: cut for prompt, cut in thresholds.items() if prompt not in recipe.unflagged}
    found = Findings(evidence, recipe, scores, smoothed, shown, [])
    allowed = None
    if evidence.bank is not None and recipe.bank_share > 0:
        allowed = beats(evidence.raw.values, evidence.bank.levels, round(recipe.bank_share))
    moments = find_moments(
        scores,
        threshold=thresholds,
        offset={prompt: onset - recipe.hysteresis for prompt, onset in thresholds.items()},
        score_range=recipe.score_range,
        time_range=recipe.time_range,
        smoothed=smoothed,
        min_gap_s=recipe.min_gap_s,
        min_duration_s=recipe.min_duration_s,
        pad_s=recipe.pad_s,
        allowed=allowed,
    )
    flagged = [moment for moment in moments if moment.prompt in shown]
    return replace(found, moments=flagged + _combined(moments, recipe, scores.prompts))


def _combined(moments: list[Moment], recipe: Recipe, prompts: tuple[str, ...]) -> list[Moment]:
    """Of combinations, earlier ones and unflagged prompts included; of a prompt that is gone no curve says anything."""
    known, found = set(prompts), list[Moment]()
    for combination in (Combination(*given) for given in recipe.combinations):
        if {combination.a, combination.b} <= known:
            found += combine([*moments, *found], combination)
            known.add(combination.name)
    return found


def thresholds_of(recipe: Recipe, evidence: Evidence, *, of_all: bool = False) -> dict[str, float]:
    """Prompt → threshold in the recipe's unit: its own, the common one, or the one that the data speaks for.

    Args:
        recipe, evidence: As for ``find``.
        of_all: Whether prompts that are not flagged have one too.
    """
    found: dict[str, float] = {}
    for prompt in evidence.raw.prompts:
        if prompt in recipe.unflagged and not of_all:
            continue
        given = recipe.thresholds.get(prompt, recipe.threshold)
        if given is None:
            own = evidence.defaults(recipe).get(prompt)
            given = None if own is None else convert_cut(evidence.scale, prompt, own.cosine, "cosine", recipe.unit)
        if given is not None:
            found[prompt] = given
    return found


def carried_over(cut: float, given: Unit, wanted: Unit, evidence: Evidence, prompt: str | None = None) -> float | None:
    """The same cut in another unit; of a cut for all prompts the median, for it means another for each of them.

    None where nothing can be said: there are no samples, or no such prompt.
    """
    prompts = evidence.raw.prompts if prompt is None else tuple(p for p in (prompt,) if p in evidence.raw.prompts)
    if not prompts or not len(evidence.raw):
        return None
    return float(np.median([convert_cut(evidence.scale, p, cut, given, wanted) for p in prompts]))
