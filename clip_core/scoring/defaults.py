"""Thresholds to start with, each prompt's own, from its curve and the null bank."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clip_core.scoring.smoothing import smooth
from clip_core.scoring.units import MAD_TO_SIGMA, SMALLEST_SPREAD, Scale
from clip_core.values import Floats

BANK_SHARE = 0.95
"""A prompt must come out higher than this share of the neutral captions do."""
HALF, MOST = 0.5, 0.7
"""Where an event starts and ends, in parts of its height: at half, or higher where the bank comes as high."""
LEAST_RISE = 5.0
"""A peak stands so many deviations above the background: noise alone reaches 4 in 10,000 samples."""
LUCK = 2.0
"""Deviations of noise granted to an event's level: the captions' best samples were lucky with theirs."""
ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Default:
    """Where a prompt's moments start and end by default.

    Attributes:
        cosine, z: The same cut. z is on the median and the spread of the whole video; where an event
            fills most of it, that may be below 0.
        background, plateau: Medians of the smoothed curve below and above the cut, in cosines.
    """

    cosine: float
    z: float
    background: float
    plateau: float


def default_cuts(
    scale: Scale,
    bank_peaks: Floats | None = None,
    *,
    smoothing_s: float = 0.0,
    bank_share: float = BANK_SHARE,
    smoothed: Floats | None = None,
) -> dict[str, Default]:
    """Find each prompt's cut, if the bank and its curve speak for it.

    The bank says whether: the level of the prompt's events, and twice the noise from sample to sample,
    must be higher than the best samples of 95 % of the captions. (Its best sample alone, as in
    ``false_alarm_rates``, would let single samples through.) The curve says when: an event starts and
    ends at half its height, as is usual for peaks, or, where captions come higher than that, as high as
    they do, but at most at 0.7. A prompt is left out, and so never flagged, if the bank is not beaten, or
    if its peak does not stand 5 deviations above the background: nothing starts or ends. With a bank, a
    deviation is the noise, at least 0.005; without one, the curve must also show whether, and it is the
    spread of all the background.

    Args:
        scale: Of the whole video.
        bank_peaks: float32 (m,), ``NullBank.peaks`` on the same samples; None: there is no bank.
        smoothing_s: Of the curves that will be cut, in seconds; a lone noisy sample is then no peak.
        bank_share: In [0, 1].
        smoothed: The raw cosines smoothed otherwise, if they are at hand; float32 (n, p).

    Returns:
        Prompt → Default, for those that have one. ``cosine`` is what ``find_moments`` takes of raw scores;
        ``equivalents.convert_cut`` carries it into another unit.
    """
    raw = scale.raw
    if len(raw) == 0:
        return {}
    ceiling = -math.inf if bank_peaks is None else bank_ceiling(bank_peaks, bank_share)
    smoothed = smooth(raw, smoothing_s) if smoothed is None else smoothed
    found: dict[str, Default] = {}
    for column, prompt in enumerate(raw.prompts):
        rising = np.sort(smoothed[:, column]).astype(np.float64)
        background, plateau, cut = split_levels(rising, ceiling)
        noise = _spread(np.diff(raw.values[:, column]) / math.sqrt(2))
        deviation = max(SMALLEST_SPREAD, noise if bank_peaks is not None else _spread(rising[rising < cut]))
        beaten = plateau + LUCK * noise > ceiling
        if beaten and rising[-1] - background >= LEAST_RISE * deviation:
            z = float((cut - scale.median[column]) / scale.spread[column])
            found[prompt] = Default(cut, z, background, plateau)
    return found


def bank_ceiling(bank_peaks: Floats, share: float = BANK_SHARE) -> float:
    """The cosine that ``share`` of the captions nowhere exceed in the video: to be above it is to beat them."""
    rank = min(len(bank_peaks), max(1, math.ceil(share * len(bank_peaks))))
    return float(np.sort(bank_peaks)[rank - 1])


def split_levels(rising: np.ndarray, ceiling: float = -math.inf) -> tuple[float, float, float]:
    """Part a curve into background and events.

    The cut hangs on the medians below and above it, and they on it: they are found in rounds, as in
    isodata thresholding (Ridler and Calvard 1978), begun at the whole range. Medians, so that neither a
    rare event nor one that fills most of the video shifts its own cut.

    Args:
        rising: float64 (n,), sorted samples, n ≥ 1.
        ceiling: A cosine below which the cut should not lie, as far as the event's height allows.

    Returns:
        Background, plateau and cut, in cosines. All are the same for a constant curve.
    """
    background, plateau = float(rising[0]), float(rising[-1])
    cut = _part_way(background, plateau, ceiling)
    for _ in range(ROUNDS):
        k = min(max(1, int(np.searchsorted(rising, cut))), len(rising) - 1)
        background, plateau = _middle(rising, 0, max(1, k)), _middle(rising, k, len(rising))
        before, cut = cut, _part_way(background, plateau, ceiling)
        if cut == before:
            break
    return background, plateau, cut


def _middle(rising: np.ndarray, start: int, stop: int) -> float:
    """The median of a stretch of sorted samples."""
    return float(rising[(start + stop - 1) // 2] + rising[(start + stop) // 2]) / 2


def _part_way(background: float, plateau: float, ceiling: float) -> float:
    height = plateau - background
    return min(max(ceiling, background + HALF * height), background + MOST * height)


def _spread(values: np.ndarray) -> float:
    """1.4826 · median of the distances from the median; 0 of nothing."""
    return MAD_TO_SIGMA * float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0
