"""The units of curves and thresholds, and how a threshold converts between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from clip_core.text import value_text
from clip_core.types import Floats, Scores, Times, Unit

MAD_TO_SIGMA = 1.4826
"""The median absolute deviation of a normal distribution times this is its standard deviation."""
SMALLEST_SPREAD = 0.005
"""A cosine; keeps a prompt that never appears from inventing events."""


class Scale:
    """The whole video's raw cosines with their statistics: what every unit is derived from.

    Built anew when samples or prompts change. What it computes it keeps; not for several threads at once.

    Args:
        raw: Raw cosines of the shown prompts.
        negatives: Raw cosines of the negative prompts at the same samples, or None.
        weights: Prompt or negative → prior odds > 0; 1 where nothing is said. They act only where
            prompts compete: in softmax and margin.
        logit_scale: The factor that the model was trained to multiply cosines with, > 0.
        levels: Prompt → float32 (n,), what neutral texts score on each sample; empty where they were not asked.

    Attributes:
        raw, negatives: As given.
        median: float64 (p,), of each prompt's cosines; 0 if there are no samples.
        spread: float64 (p,), max(1.4826 · MAD, 0.005) of the same.

    Raises:
        ValueError: A weight or the logit scale is not a finite number > 0; ``raw`` is in another unit;
            the negatives have another number of samples.
    """

    def __init__(
        self,
        raw: Scores,
        negatives: Scores | None = None,
        *,
        weights: Mapping[str, float] | None = None,
        logit_scale: float = 100.0,
        levels: Mapping[str, Floats] | None = None,
    ) -> None:
        given = {"logit scale": logit_scale} | {f"weight of {p!r}": w for p, w in (weights or {}).items()}
        for name, number in given.items():
            if not (np.isfinite(number) and number > 0):
                raise ValueError(f"the {name} must be a finite number above 0, not {number}")
        if raw.unit != "cosine":
            raise ValueError(f"units are derived from raw cosines, not from {raw.unit}")
        if negatives is not None and len(negatives) != len(raw):
            raise ValueError(f"the negatives must have {len(raw)} samples too, not {len(negatives)}")
        self.raw, self.negatives = raw, negatives
        self._weights, self._logit_scale = dict(weights or {}), logit_scale
        self._levels = dict(levels or {})
        self.median, self.spread = robust_statistics(raw.values)
        self._values: dict[Unit, Floats] = {"cosine": raw.values}
        self._rising: dict[tuple[Unit, str], Floats] = {}

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units that can be had: margin needs a negative prompt, corrected what neutral texts score."""
        lacking = {"margin": not self._has_negatives, "corrected": not self._is_corrected}
        return tuple(unit for unit in _WAYS if not lacking.get(unit, False))

    @property
    def _is_corrected(self) -> bool:
        return all(prompt in self._levels for prompt in self.raw.prompts)

    @property
    def _has_negatives(self) -> bool:
        return self.negatives is not None and len(self.negatives.prompts) > 0

    def in_unit(self, unit: Unit) -> Scores:
        """The scores in ``unit``.

        corrected: cosine less what neutral texts score on the same frame. cosine: as they are. z:
        (s - median) / spread. percentile: see ``mid_ranks``, in [0, 100]. margin: s + ln(w)/L minus the same of the
        best negative. softmax: of L·s + ln(w) over prompts and negatives, in [0, 1]; it says which prompt wins, never
        whether anything is there.

        Raises:
            ValueError: There is no such unit; margin without a negative prompt, corrected without neutral texts.
        """
        return replace(self.raw, values=self.values(unit), unit=unit)

    def values(self, unit: Unit) -> Floats:
        """Only the numbers of ``in_unit``: float32 (n, p)."""
        if unit not in _WAYS:
            raise ValueError(f"there is no unit {unit!r}; there are {', '.join(_WAYS)}")
        if unit not in self._values:
            self._values[unit] = _WAYS[unit](self)
        return self._values[unit]

    def rising(self, unit: Unit, prompt: str) -> Floats:
        """All samples of one prompt in ``unit``, sorted: float32 (n,)."""
        if (unit, prompt) not in self._rising:
            self._rising[unit, prompt] = np.sort(self.values(unit)[:, self.raw.prompts.index(prompt)])
        return self._rising[unit, prompt]

    def _corrected(self) -> Floats:
        if not self._is_corrected:
            raise ValueError("corrected scores need what neutral texts score")
        rows = [self.raw.values[:, k] - self._levels[prompt] for k, prompt in enumerate(self.raw.prompts)]
        return np.stack(rows).T if rows else self.raw.values  # a prompt's curve lies together in memory

    def _z(self) -> Floats:
        shifted = self.raw.values - self.median.astype(np.float32)
        shifted /= self.spread.astype(np.float32)
        return shifted

    def _percentile(self) -> Floats:
        columns = [mid_ranks(column) for column in np.ascontiguousarray(self.raw.values.T)]
        return np.stack(columns, axis=1) if columns else self.raw.values

    def _margin(self) -> Floats:
        if self.negatives is None or not self.negatives.prompts:
            raise ValueError('the margin needs a negative prompt: add a line such as "- a person"')
        best = np.max(self._with_odds(self.negatives), axis=1, keepdims=True)
        margin: Floats = self._with_odds(self.raw) - best
        return margin

    def _softmax(self) -> Floats:
        sides = [self.raw] if self.negatives is None else [self.raw, self.negatives]
        logits = np.concatenate([self._with_odds(side) for side in sides], axis=1) * np.float32(self._logit_scale)
        if logits.size == 0:
            return self.raw.values
        logits -= np.max(logits, axis=1, keepdims=True)
        np.exp(logits, out=logits)
        total = np.sum(logits, axis=1, keepdims=True)
        share: Floats = logits[:, : len(self.raw.prompts)] / total
        return share

    def _with_odds(self, side: Scores) -> Floats:
        """S + ln(w) / L: cosines with the prior odds of each prompt."""
        odds = np.array([self._weights.get(prompt, 1.0) for prompt in side.prompts], np.float64)
        shifted: Floats = side.values + (np.log(odds) / self._logit_scale).astype(np.float32)
        return shifted


_WAYS: dict[Unit, Callable[[Scale], Floats]] = {
    "corrected": Scale._corrected,
    "cosine": lambda scale: scale.raw.values,
    "z": Scale._z,
    "percentile": Scale._percentile,
    "margin": Scale._margin,
    "softmax": Scale._softmax,
}


def robust_statistics(values: Floats) -> tuple[Times, Times]:
    """Median and robust spread of each column: max(1.4826 · MAD, 0.005).

    Args:
        values: float32 (n, p); n may be 0.

    Returns:
        Two arrays, float64 (p,).
    """
    n, p = values.shape
    if n == 0:
        return np.zeros(p), np.full(p, SMALLEST_SPREAD)
    columns = np.array(values.T, order="C")
    columns.sort(axis=1)  # NumPy sorts float32 faster than it partitions
    median = _middle(columns)
    mad = (_kth_distance(columns, median, (n + 1) // 2) + _kth_distance(columns, median, n // 2 + 1)) / 2
    return median, np.maximum(MAD_TO_SIGMA * mad, SMALLEST_SPREAD)


def _kth_distance(rising: Floats, centre: Times, k: int) -> Times:
    """Distance of the k-th nearest sample from ``centre``, row by row: the k nearest stand side by side."""
    about = centre[:, None].astype(np.float32)
    reach = np.maximum(about - rising[:, : rising.shape[1] - k + 1], rising[:, k - 1 :] - about)
    nearest: Times = reach.min(axis=1).astype(np.float64)
    return nearest


def _middle(rising: Floats) -> Times:
    """The median of each sorted row."""
    n = rising.shape[1]
    middle: Times = (rising[:, (n - 1) // 2].astype(np.float64) + rising[:, n // 2]) / 2
    return middle


def mid_ranks(curve: Floats) -> Floats:
    """Percentile of each sample among all, in [0, 100]: the share below it, and half of those equal to it.

    By mid-rank a constant curve lies at 50 throughout, so that no high percentile is claimed for it.

    Args:
        curve: float32 (n,).

    Returns:
        float32 (n,).
    """
    n = len(curve)
    if n == 0:
        return curve
    order = np.argsort(curve)
    rising = curve[order]
    places = np.arange(n)
    in_order = percent(places, places + 1, n)
    twins = np.flatnonzero(rising[1:] == rising[:-1])  # each equals its next; few
    if len(twins):
        begins = np.concatenate([[True], np.diff(twins) > 1])
        first, stop = twins[begins], twins[np.append(begins[1:], True)] + 2
        shared = percent(first, stop, n)[np.cumsum(begins) - 1]
        in_order[twins], in_order[twins + 1] = shared, shared
    ranks = np.empty(n, np.float32)
    ranks[order] = in_order
    return ranks


def percent(below: np.ndarray, below_or_equal: np.ndarray, n: int) -> Floats:
    """Mid-rank in percent, float32, of a value with so many of n samples below it and at most it."""
    return np.asarray((below + below_or_equal) * (50.0 / n), np.float32)


NO_COSINE: tuple[Unit, ...] = ("corrected", "margin", "softmax")
"""Units in which no single cosine stands for a threshold: what other texts score on a frame moves it."""


@dataclass(frozen=True, slots=True)
class Equivalents:
    """One threshold in several units.

    Attributes:
        unit, threshold: The threshold that was asked for.
        share: Share of the video's samples at or above it, in [0, 1]; before smoothing. 0 without samples.
        cosine, z, percentile: The threshold in these units; None if its unit is one of ``NO_COSINE``.
    """

    unit: Unit
    threshold: float
    share: float
    cosine: float | None
    z: float | None
    percentile: float | None


def equivalents(scale: Scale, prompt: str, unit: Unit, threshold: float) -> Equivalents:
    """Express a threshold of ``prompt`` in every unit."""
    cosine = cosine_of(scale, prompt, unit, threshold)
    if cosine is None:
        return Equivalents(unit, threshold, share_at_or_above(scale, prompt, unit, threshold), None, None, None)
    return Equivalents(
        unit,
        threshold,
        share_at_or_above(scale, prompt, unit, threshold),
        cosine,
        threshold if unit == "z" else _from_cosine(scale, prompt, "z", cosine),
        threshold if unit == "percentile" else _from_cosine(scale, prompt, "percentile", cosine),
    )


def equivalents_text(same: Equivalents) -> str:
    """Such as "z 2.50 ≙ cosine 0.271 ≙ top 1.8 %"."""
    others: dict[Unit, float | None] = {"cosine": same.cosine, "z": same.z}
    told = [(unit, number) for unit, number in others.items() if unit != same.unit and number is not None]
    words = [f"{unit} {value_text(number, unit)}" for unit, number in [(same.unit, same.threshold), *told]]
    return " ≙ ".join([*words, f"top {100 * same.share:.1f} %"])


def share_at_or_above(scale: Scale, prompt: str, unit: Unit, threshold: float) -> float:
    """Share of the video's samples of ``prompt`` at or above ``threshold``, in [0, 1]; equal counts, as in moments."""
    rising = scale.rising(unit, prompt)
    reached = len(rising) - int(np.searchsorted(rising, np.float32(threshold), side="left"))
    return reached / len(rising) if len(rising) else 0.0


def cosine_of(scale: Scale, prompt: str, unit: Unit, threshold: float) -> float | None:
    """The cosine at which ``prompt`` meets ``threshold``; None in ``NO_COSINE``.

    For a percentile it is the lowest sample that has that percentile, or, if none has, the next number
    above the highest: the very same samples lie at or above both.
    """
    if unit == "cosine":
        return threshold
    if unit == "z":
        column = scale.raw.prompts.index(prompt)
        return float(scale.median[column] + threshold * scale.spread[column])
    if unit != "percentile":
        return None
    return _kth_highest(scale, prompt, "cosine", share_at_or_above(scale, prompt, unit, threshold))


def convert_prompt_threshold(scale: Scale, prompt: str, threshold: float, given: Unit, wanted: Unit) -> float:
    """Convert a threshold to another unit: by its cosine where both have one, else by the share at or above it.

    Args:
        scale: Of the whole video.
        prompt: One of its prompts.
        threshold: In ``given``.
        given, wanted: The units before and after.
    """
    if given == wanted:
        return threshold
    cosine = cosine_of(scale, prompt, given, threshold)
    if cosine is not None and wanted not in NO_COSINE:
        return _from_cosine(scale, prompt, wanted, cosine)
    return _kth_highest(scale, prompt, wanted, share_at_or_above(scale, prompt, given, threshold))


def _from_cosine(scale: Scale, prompt: str, wanted: Unit, cosine: float) -> float:
    if wanted == "cosine":
        return cosine
    if wanted == "z":
        column = scale.raw.prompts.index(prompt)
        return float((cosine - scale.median[column]) / scale.spread[column])
    rising = scale.rising("cosine", prompt)
    low = np.asarray(np.searchsorted(rising, np.float32(cosine), "left"))
    high = np.asarray(np.searchsorted(rising, np.float32(cosine), "right"))
    return float(percent(low, high, max(1, len(rising))))


def _kth_highest(scale: Scale, prompt: str, unit: Unit, share: float) -> float:
    """The lowest of the highest ``share`` of the samples; just above all of them if that is none."""
    rising = scale.rising(unit, prompt)
    k = round(share * len(rising))
    if len(rising) == 0:
        return 0.0
    return float(rising[len(rising) - k] if k else np.nextafter(rising[-1], np.float32(np.inf)))
