"""The units of curves and thresholds, and how to convert a threshold between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clip_core.text import value_text
from clip_core.types import Floats, Reals, Scores, Unit

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution divided by its median absolute deviation."""
SMALLEST_SPREAD = 0.005
"""In cosine; keeps a prompt that never appears from producing false events."""


def check_odds(weights: Mapping[str, float], logit_scale: float) -> None:
    """Raise ValueError unless the logit scale and all weights are finite and above 0."""
    for name, number in {"logit scale": logit_scale, **{f"weight of {p!r}": w for p, w in weights.items()}}.items():
        if not (np.isfinite(number) and number > 0):
            raise ValueError(f"the {name} must be a finite number above 0, not {number}")


def log_odds(prompts: Sequence[str], weights: Mapping[str, float], logit_scale: float) -> Floats:
    """Return ln(w) / L of each prompt, float32 (p,): what its prior odds (default 1) add to its cosines."""
    odds = np.array([weights.get(prompt, 1.0) for prompt in prompts], np.float64)
    return (np.log(odds) / logit_scale).astype(np.float32)


class Scale:
    """A video's raw cosines and their statistics, from which every unit is derived.

    Create a new one when samples or prompts change. Caches its results; not thread-safe.

    Args:
        raw: Raw cosines of the shown prompts.
        negatives: Raw cosines of the negative prompts at the same samples, or None.
        weights: Prompt or negative → prior odds > 0, default 1. Used only where prompts compete: in softmax and margin.
        logit_scale: The factor that the model was trained to multiply cosines by, > 0.
        levels: Prompt → float32 (n,), what the null bank (neutral texts) scores on each sample; empty without a bank.

    Attributes:
        raw, negatives: As passed in.
        median: float64 (p,), of each prompt's cosines; 0 without samples.
        spread: float64 (p,), max(1.4826 · MAD, 0.005) of the same.

    Raises:
        ValueError: A weight or the logit scale is not a finite number > 0, ``raw`` has another unit, or the negatives
            have another number of samples.
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
        check_odds(weights or {}, logit_scale)
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
        """The available units: margin needs a negative prompt, corrected needs the null bank."""
        has_negatives = self.negatives is not None and len(self.negatives.prompts) > 0
        available = {"margin": has_negatives, "corrected": self._is_corrected}
        return tuple(unit for unit in _VALUES if available.get(unit, True))

    @property
    def _is_corrected(self) -> bool:
        return all(prompt in self._levels for prompt in self.raw.prompts)

    def in_unit(self, unit: Unit) -> Scores:
        """Return the scores in ``unit``.

        - corrected: cosine minus what the null bank scores on the same frame.
        - cosine: unchanged.
        - z: (s - median) / spread.
        - percentile: see ``mid_ranks``, in [0, 100].
        - margin: s + ln(w)/L minus the same of the best negative.
        - softmax: of L·s + ln(w) over prompts and negatives, in [0, 1]; shows which one leads, not whether it is there.

        Raises:
            ValueError: The unit is unknown, margin without a negative prompt, or corrected without the null bank.
        """
        return replace(self.raw, values=self.values(unit), unit=unit)

    def values(self, unit: Unit) -> Floats:
        """Return only the values of ``in_unit``: float32 (n, p)."""
        if unit not in _VALUES:
            raise ValueError(f"there is no unit {unit!r}; there are {', '.join(_VALUES)}")
        if unit not in self._values:
            self._values[unit] = _VALUES[unit](self)
        return self._values[unit]

    def rising(self, unit: Unit, prompt: str) -> Floats:
        """Return all samples of one prompt in ``unit``, sorted: float32 (n,)."""
        if (unit, prompt) not in self._rising:
            self._rising[unit, prompt] = np.sort(self.values(unit)[:, self.raw.prompts.index(prompt)])
        return self._rising[unit, prompt]

    def _corrected(self) -> Floats:
        if not self._is_corrected:
            raise ValueError("corrected scores need what neutral texts score")
        rows = [self.raw.values[:, k] - self._levels[prompt] for k, prompt in enumerate(self.raw.prompts)]
        return np.stack(rows).T if rows else self.raw.values  # each prompt's curve is contiguous

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
        return np.asarray(self._with_odds(self.raw) - best)

    def _softmax(self) -> Floats:
        sides = [self.raw] if self.negatives is None else [self.raw, self.negatives]
        logits = np.concatenate([self._with_odds(side) for side in sides], axis=1) * np.float32(self._logit_scale)
        if logits.size == 0:
            return self.raw.values
        logits -= np.max(logits, axis=1, keepdims=True)
        np.exp(logits, out=logits)
        return np.asarray(logits[:, : len(self.raw.prompts)] / np.sum(logits, axis=1, keepdims=True))

    def _with_odds(self, side: Scores) -> Floats:
        """Return s + ln(w) / L: the cosines shifted by each prompt's prior odds."""
        return np.asarray(side.values + log_odds(side.prompts, self._weights, self._logit_scale))


_VALUES: dict[Unit, Callable[[Scale], Floats]] = {
    "corrected": Scale._corrected,
    "cosine": lambda scale: scale.raw.values,
    "z": Scale._z,
    "percentile": Scale._percentile,
    "margin": Scale._margin,
    "softmax": Scale._softmax,
}


def robust_statistics(values: Floats) -> tuple[Reals, Reals]:
    """Return the median and the robust spread, max(1.4826 · MAD, 0.005), of each column of float32 (n, p), n ≥ 0.

    Both are float64 (p,).
    """
    n, p = values.shape
    if n == 0:
        return np.zeros(p), np.full(p, SMALLEST_SPREAD)
    columns = np.array(values.T, order="C")
    columns.sort(axis=1)  # NumPy sorts float32 faster than it partitions
    median = _middle(columns)
    mad = (_kth_distance(columns, median, (n + 1) // 2) + _kth_distance(columns, median, n // 2 + 1)) / 2
    return median, np.maximum(MAD_TO_SIGMA * mad, SMALLEST_SPREAD)


def _kth_distance(rising: Floats, centre: Reals, k: int) -> Reals:
    """Return each sorted row's distance from ``centre`` to the k-th nearest sample; the k nearest are adjacent."""
    about = centre[:, None].astype(np.float32)
    reach = np.maximum(about - rising[:, : rising.shape[1] - k + 1], rising[:, k - 1 :] - about)
    return np.asarray(reach.min(axis=1), np.float64)


def _middle(rising: Floats) -> Reals:
    """Return the median of each sorted row."""
    n = rising.shape[1]
    return np.asarray((rising[:, (n - 1) // 2].astype(np.float64) + rising[:, n // 2]) / 2)


def mid_ranks(curve: Floats) -> Floats:
    """Return each sample's percentile in [0, 100]: the share of samples below it plus half of those equal to it.

    A constant curve is 50 throughout, so it never has a high percentile. Takes and returns float32 (n,).
    """
    n = len(curve)
    if n == 0:
        return curve
    order = np.argsort(curve)
    rising = curve[order]
    places = np.arange(n)
    in_order = percent(places, places + 1, n)
    twins = np.flatnonzero(rising[1:] == rising[:-1])  # samples equal to the next one; few
    if len(twins):
        begins = np.concatenate([[True], np.diff(twins) > 1])
        first, stop = twins[begins], twins[np.append(begins[1:], True)] + 2
        shared = percent(first, stop, n)[np.cumsum(begins) - 1]
        in_order[twins], in_order[twins + 1] = shared, shared
    ranks = np.empty(n, np.float32)
    ranks[order] = in_order
    return ranks


def percent(below: np.ndarray, below_or_equal: np.ndarray, n: int) -> Floats:
    """Return the mid-rank in percent, float32, from the counts of n samples below a value and at or below it."""
    return np.asarray((below + below_or_equal) * (50.0 / n), np.float32)


NO_COSINE: tuple[Unit, ...] = ("corrected", "margin", "softmax")
"""Units in which a threshold has no single cosine, because it also depends on how other texts score on a frame."""


@dataclass(frozen=True, slots=True)
class Equivalents:
    """One threshold in several units.

    Attributes:
        unit, threshold: The threshold that was converted.
        share: Share of the video's samples at or above it before smoothing, in [0, 1]; 0 without samples.
        cosine, z: The threshold in these units; None if its unit is in ``NO_COSINE``.
    """

    unit: Unit
    threshold: float
    share: float
    cosine: float | None
    z: float | None


def equivalents(scale: Scale, prompt: str, unit: Unit, threshold: float) -> Equivalents:
    """Convert a threshold of ``prompt`` to cosine and z, and count the share of samples at or above it."""
    cosine = cosine_of(scale, prompt, unit, threshold)
    z = None if cosine is None else threshold if unit == "z" else _from_cosine(scale, prompt, "z", cosine)
    return Equivalents(unit, threshold, share_at_or_above(scale, prompt, unit, threshold), cosine, z)


def equivalents_text(same: Equivalents) -> str:
    """Return a text such as "z 2.50 ≙ cosine 0.271 ≙ top 1.8 %"."""
    others: dict[Unit, float | None] = {"cosine": same.cosine, "z": same.z}
    converted = [(unit, number) for unit, number in others.items() if unit != same.unit and number is not None]
    words = [f"{unit} {value_text(number, unit)}" for unit, number in [(same.unit, same.threshold), *converted]]
    return " ≙ ".join([*words, f"top {100 * same.share:.1f} %"])


def share_at_or_above(scale: Scale, prompt: str, unit: Unit, threshold: float) -> float:
    """Return the share of the video's samples of ``prompt`` at or above ``threshold``, in [0, 1]."""
    rising = scale.rising(unit, prompt)
    reached = len(rising) - int(np.searchsorted(rising, np.float32(threshold), side="left"))
    return reached / len(rising) if len(rising) else 0.0


def cosine_of(scale: Scale, prompt: str, unit: Unit, threshold: float) -> float | None:
    """Return the cosine at which ``prompt`` meets ``threshold``, or None in a unit of ``NO_COSINE``.

    For a percentile it is the lowest sample with at least that percentile or, if there is none, the next float above
    the highest sample: the same samples are at or above both.
    """
    if unit == "cosine":
        return threshold
    if unit == "z":
        column = scale.raw.prompts.index(prompt)
        return float(scale.median[column] + threshold * scale.spread[column])
    if unit != "percentile":
        return None
    return _kth_highest(scale, prompt, "cosine", share_at_or_above(scale, prompt, unit, threshold))


def convert_prompt_threshold(scale: Scale, prompt: str, threshold: float, unit: Unit, new_unit: Unit) -> float:
    """Convert a threshold to another unit: by its cosine if both units have one, else by the share at or above it."""
    if unit == new_unit:
        return threshold
    cosine = cosine_of(scale, prompt, unit, threshold)
    if cosine is not None and new_unit not in NO_COSINE:
        return _from_cosine(scale, prompt, new_unit, cosine)
    return _kth_highest(scale, prompt, new_unit, share_at_or_above(scale, prompt, unit, threshold))


def _from_cosine(scale: Scale, prompt: str, unit: Unit, cosine: float) -> float:
    if unit == "cosine":
        return cosine
    if unit == "z":
        column = scale.raw.prompts.index(prompt)
        return float((cosine - scale.median[column]) / scale.spread[column])
    rising = scale.rising("cosine", prompt)
    low = np.asarray(np.searchsorted(rising, np.float32(cosine), "left"))
    high = np.asarray(np.searchsorted(rising, np.float32(cosine), "right"))
    return float(percent(low, high, max(1, len(rising))))


def _kth_highest(scale: Scale, prompt: str, unit: Unit, share: float) -> float:
    """Return the lowest of the highest ``share`` of the samples; just above all of them if the share is empty."""
    rising = scale.rising(unit, prompt)
    k = round(share * len(rising))
    if len(rising) == 0:
        return 0.0
    return float(rising[len(rising) - k] if k else np.nextafter(rising[-1], np.float32(np.inf)))
