"""Which frames stand for a video: evenly in time, or a quick coarse look. Pure arithmetic on times."""

from __future__ import annotations

import math

import numpy as np

from clip_core.types import Ints, TimeTable

# k / rate and time_s are both rounded; a frame that is due must not miss its turn by the last bit.
_ROUNDING_S = 1e-9


MOST_PER_SECOND = 1_000_000_000


def is_denser(rate: float | None, than: float | None) -> bool:
    """Whether one number of samples per second is above another; None is every frame."""
    return (math.inf if rate is None else rate) > (math.inf if than is None else than)


def sample_pts(table: TimeTable, samples_per_second: float | None) -> Ints:
    """Return the frames that stand for a video at a rate.

    Sample k is the first frame with ``time_s >= k / samples_per_second``; each frame counts once.

    Args:
        table: When each frame is presented.
        samples_per_second: None, or a rate above that of the frames, means every frame.

    Returns:
        int64 (m,): their pts, rising.

    Raises:
        ValueError: The rate is not a finite number above 0.
    """
    if samples_per_second is None:
        return table.pts.copy()
    if not 0 < samples_per_second < math.inf:
        raise ValueError(f"samples_per_second must be a finite number above 0, or None, not {samples_per_second}.")
    rate = float(min(samples_per_second, MOST_PER_SECOND))  # a whole number may be too large for a float
    times_s = table.times_s
    if len(times_s) < 2 or rate * float(np.diff(times_s).min()) >= 1:
        return table.pts.copy()
    # The greatest k with k / rate <= time_s: a frame counts if no earlier one has reached its k.
    latest = np.floor((times_s + _ROUNDING_S) * rate)
    return np.asarray(table.pts[np.diff(latest, prepend=-1.0) > 0])


def coarse_pts(table: TimeTable, count: int = 64) -> Ints:
    """Return the keyframes nearest to ``count`` evenly spread times, each once; all if there are fewer.

    Args:
        table: When each frame is presented, and which are keyframes.
        count: How many times, at least 1; they are the middles of as many equal parts.

    Returns:
        int64 (m,): pts of keyframes, rising, m <= count.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}.")
    if len(table.key_pts) <= count:
        return table.key_pts.copy()
    keys_s = table.seconds(table.key_pts)
    wanted_s = (np.arange(count) + 0.5) * (table.end_s / count)
    right = np.clip(np.searchsorted(keys_s, wanted_s), 1, len(keys_s) - 1)
    nearest = np.where(wanted_s - keys_s[right - 1] <= keys_s[right] - wanted_s, right - 1, right)
    return np.asarray(table.key_pts[np.unique(nearest)])


def missing_samples(table: TimeTable, samples_per_second: float | None, stored_pts: Ints) -> Ints:
    """Return the samples of a rate that are not stored yet: int64 pts, rising."""
    return np.setdiff1d(sample_pts(table, samples_per_second), stored_pts)
