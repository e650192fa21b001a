"""How the height of the chart is shared out: from below lanes, a strip of leaders, the rate of change, the curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from clip_core.charts.lanes import LANE_PX, lanes_of
from clip_core.charts.view import Timeline

Share: TypeAlias = tuple[float, float]

MARGINS_PX = 30
STRIP_PX = 8
STRIP_GAP_PX = 4
GAP = 0.02
RATE_SHARE = 0.25


@dataclass(frozen=True)
class Panels:
    """Lower and upper end of each, as shares of the height between the margins; None: it is not there.

    Attributes:
        lanes, strip, rate, curves: From below to above; the heat map stands where the curves do.
        height_px: What the shares are of.
    """

    lanes: Share
    strip: Share | None
    rate: Share | None
    curves: Share
    height_px: int

    @property
    def curves_px(self) -> float:
        """How high the curves are."""
        return (self.curves[1] - self.curves[0]) * self.height_px


def panels_of(view: Timeline) -> Panels:
    """Share out the height of a chart."""
    height = view.height_px - MARGINS_PX
    floor = max(1, len(lanes_of(view))) * LANE_PX / height
    lanes, strip, rate = (0.0, floor), None, None
    if view.winners:
        strip = (floor + STRIP_GAP_PX / height, floor + (STRIP_GAP_PX + STRIP_PX) / height)
        floor = strip[1]
    if view.rate is not None:
        rate = (floor + GAP, floor + GAP + RATE_SHARE * (1 - floor))
        floor = rate[1] + GAP
    return Panels(lanes, strip, rate, (floor + GAP, 1.0), height)
