"""Combine the moments of two prompts: A and B, A without B, A then B."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from clip_core.settings import OPS, Op
from clip_core.types import Moment


@dataclass(frozen=True, slots=True)
class Combination:
    """How two prompts are combined. The name of a combination can be a prompt of another one.

    Attributes:
        op: "and": both are visible. "without": a is visible and b is not. "then": b starts after a starts, and at most
            ``within_s`` after a ends.
        within_s: Seconds, >= 0; only used by "then".

    Raises:
        ValueError: The operation is unknown, or ``within_s`` is negative or not finite.
    """

    op: Op
    a: str
    b: str
    within_s: float = 0.0

    def __post_init__(self) -> None:
        if self.op not in OPS:
            raise ValueError(f"op must be one of {', '.join(OPS)}, not {self.op!r}")
        if not math.isfinite(self.within_s) or self.within_s < 0:
            raise ValueError(f"within_s must be >= 0 and finite, not {self.within_s}")

    @property
    def name(self) -> str:
        """The prompt of the combined moments, such as "a dog and a ball" or "a dog then a ball within 5 s"."""
        return f"{self.a} {self.op} {self.b}" + (f" within {self.within_s:g} s" if self.op == "then" else "")


def combine(moments: Sequence[Moment], combination: Combination) -> list[Moment]:
    """Return the moments of a combination, whose prompt is ``combination.name``.

    Moments of one prompt that overlap or touch (after an edit by hand, say) are joined first. A combination has no
    curve, so the scores of a result come from its source moments:

    - and: each interval that a moment of a shares with one of b. Peak and mean are the lower of the two, because the
      result is as sure as its less sure part. The peak time is that of the lower peak.
    - without: what remains of each moment of a outside those of b, with a's peak and mean.
    - then: from the start of a moment of a to the end of the first moment of b that starts after it and at most
      ``within_s`` after its end. If several moments of a lead to the same one of b, the last is used. Peak and mean are
      the lower of the two.

    A peak time outside the result is moved to the nearest instant inside it.

    Args:
        moments: Of any prompts, in any order. Peaks of a and b are compared, so they must have the same unit.

    Returns:
        Non-empty moments ranked by peak, highest first; equal peaks by start.
    """
    a, b = (_disjoint([m for m in moments if m.prompt == prompt]) for prompt in (combination.a, combination.b))
    found = {"and": _both, "without": _without, "then": _then}[combination.op](a, b, combination)
    return sorted(found, key=lambda m: (-m.peak, m.start_s))


def _disjoint(moments: list[Moment]) -> list[Moment]:
    """Join moments that overlap or touch: highest peak, mean weighted by duration. Sorted by time."""
    joined: list[Moment] = []
    for moment in sorted(moments, key=lambda m: m.start_s):
        if moment.end_s <= moment.start_s:
            continue
        if not joined or moment.start_s > joined[-1].end_s:
            joined.append(moment)
            continue
        last = joined[-1]
        top = max(last, moment, key=lambda m: m.peak)
        weight = last.duration_s + moment.duration_s
        mean = (last.mean * last.duration_s + moment.mean * moment.duration_s) / weight
        end_s = max(last.end_s, moment.end_s)
        joined[-1] = replace(last, end_s=end_s, peak_s=top.peak_s, peak=top.peak, mean=mean)
    return joined


def _overlapping(moment: Moment, others: list[Moment]) -> Iterator[Moment]:
    """Yield those of ``others``, disjoint and sorted by time, that share time with a moment."""
    for place in range(bisect.bisect_right(others, moment.start_s, key=lambda m: m.end_s), len(others)):
        if others[place].start_s >= moment.end_s:
            return
        yield others[place]


def _both(a: list[Moment], b: list[Moment], combination: Combination) -> list[Moment]:
    pairs = [(one, other) for one in a for other in _overlapping(one, b)]
    return [_lower(x, y, combination.name, max(x.start_s, y.start_s), min(x.end_s, y.end_s)) for x, y in pairs]


def _without(a: list[Moment], b: list[Moment], combination: Combination) -> list[Moment]:
    found, name = [], combination.name
    for moment in a:
        start_s = moment.start_s
        for other in _overlapping(moment, b):
            if other.start_s > start_s:
                found.append(_part(moment, name, start_s, other.start_s))
            start_s = other.end_s
        if start_s < moment.end_s:
            found.append(_part(moment, name, start_s, moment.end_s))
    return found


def _then(a: list[Moment], b: list[Moment], combination: Combination) -> list[Moment]:
    starts, pairs = [m.start_s for m in b], dict[int, Moment]()
    for first in a:
        k = bisect.bisect_right(starts, first.start_s)
        if k < len(b) and b[k].start_s <= first.end_s + combination.within_s:
            pairs[k] = first  # a later moment of a replaces an earlier one
    return [_lower(first, b[k], combination.name, first.start_s, b[k].end_s) for k, first in pairs.items()]


def _lower(a: Moment, b: Moment, name: str, start_s: float, end_s: float) -> Moment:
    lower = min(a, b, key=lambda m: m.peak)
    return replace(_part(lower, name, start_s, end_s), mean=min(a.mean, b.mean))


def _part(moment: Moment, name: str, start_s: float, end_s: float) -> Moment:
    last = math.nextafter(end_s, start_s)  # intervals are half-open
    peak_s = min(max(moment.peak_s, start_s), last)
    return Moment(name, start_s, end_s, peak_s, moment.peak, moment.mean)
