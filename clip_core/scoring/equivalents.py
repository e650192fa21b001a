"""One cut of one prompt, told in every unit, and carried from one unit into another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clip_core.scoring.units import Scale, percent
from clip_core.text import value_text
from clip_core.values import Unit

NO_COSINE: tuple[Unit, ...] = ("corrected", "margin", "softmax")
"""Units in which no single cosine stands for a cut: what other texts score on a frame moves it."""


@dataclass(frozen=True, slots=True)
class Equivalents:
    """The same cut in other words.

    Attributes:
        unit, cut: The cut that was asked about.
        share: Share of the video's samples at or above it, in [0, 1]; before smoothing. 0 without samples.
        cosine, z, percentile: The same cut in these units; None for a cut in
            ``NO_COSINE``.
    """

    unit: Unit
    cut: float
    share: float
    cosine: float | None
    z: float | None
    percentile: float | None


def equivalents(scale: Scale, prompt: str, unit: Unit, cut: float) -> Equivalents:
    """Tell a cut of ``prompt`` in every unit."""
    cosine = cosine_of(scale, prompt, unit, cut)
    if cosine is None:
        return Equivalents(unit, cut, share_at_or_above(scale, prompt, unit, cut), None, None, None)
    return Equivalents(
        unit,
        cut,
        share_at_or_above(scale, prompt, unit, cut),
        cosine,
        cut if unit == "z" else _from_cosine(scale, prompt, "z", cosine),
        cut if unit == "percentile" else _from_cosine(scale, prompt, "percentile", cosine),
    )


def equivalents_text(same: Equivalents) -> str:
    """Such as "z 2.50 ≙ cosine 0.271 ≙ top 1.8 %"."""
    others: dict[Unit, float | None] = {"cosine": same.cosine, "z": same.z}
    told = [(unit, number) for unit, number in others.items() if unit != same.unit and number is not None]
    words = [f"{unit} {value_text(number, unit)}" for unit, number in [(same.unit, same.cut), *told]]
    return " ≙ ".join([*words, f"top {100 * same.share:.1f} %"])


def share_at_or_above(scale: Scale, prompt: str, unit: Unit, cut: float) -> float:
    """Share of the video's samples of ``prompt`` at or above ``cut``, in [0, 1]; equal counts, as in moments."""
    rising = scale.rising(unit, prompt)
    reached = len(rising) - int(np.searchsorted(rising, np.float32(cut), side="left"))
    return reached / len(rising) if len(rising) else 0.0


def cosine_of(scale: Scale, prompt: str, unit: Unit, cut: float) -> float | None:
    """The cosine at which ``prompt`` meets ``cut``; None in ``NO_COSINE``.

    For a percentile it is the lowest sample that has that percentile, or, if none has, the next number
    above the highest: the very same samples lie at or above both.
    """
    if unit == "cosine":
        return cut
    if unit == "z":
        column = scale.raw.prompts.index(prompt)
        return float(scale.median[column] + cut * scale.spread[column])
    if unit != "percentile":
        return None
    return _kth_highest(scale, prompt, "cosine", share_at_or_above(scale, prompt, unit, cut))


def convert_cut(scale: Scale, prompt: str, cut: float, given: Unit, wanted: Unit) -> float:
    """The same cut in another unit: by its cosine where both have one, else by the share at or above it.

    Args:
        scale: Of the whole video.
        prompt: One of its prompts.
        cut: In ``given``.
        given, wanted: The units before and after.
    """
    if given == wanted:
        return cut
    cosine = cosine_of(scale, prompt, given, cut)
    if cosine is not None and wanted not in NO_COSINE:
        return _from_cosine(scale, prompt, wanted, cosine)
    return _kth_highest(scale, prompt, wanted, share_at_or_above(scale, prompt, given, cut))


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
