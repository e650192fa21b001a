"""Share out the height of the chart, from the bottom: lanes, strip of leaders, rate of change, curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from clip_core.charts.lanes import LANE_PX, judged_px, lanes_of
from clip_core.charts.view import Timeline

Share: TypeAlias = tuple[float, float]

MARGINS_PX = 30
STRIP_PX = 8
STRIP_GAP_PX = 4
MARK_PX, BOUNDARY_GAP_PX = 7, 2
GAP = 0.02
RATE_SHARE = 0.25


@dataclass(frozen=True)
class Panels:
    """Lower and upper end of each panel, as shares of the height between the margins; None: not shown.

    Attributes:
        lanes, strip, rate, shot_boundaries, curves: From bottom to top. The heat map takes the place of the curves.
            Shot boundaries have their own panel only below a heat map; otherwise they are marked over the curves.
        height_px: The height between the margins.
    """

    lanes: Share
    strip: Share | None
    rate: Share | None
    shot_boundaries: Share | None
    curves: Share
    height_px: int

    @property
    def curves_px(self) -> float:
        """The height of the curves."""
        return (self.curves[1] - self.curves[0]) * self.height_px


def panels_of(view: Timeline) -> Panels:
    """Share out the height of a chart."""
    height = view.height_px - MARGINS_PX
    moments_px = max(1, len(lanes_of(view))) * LANE_PX
    floor = (moments_px if view.bars is None else judged_px(view, height)) / height
    lanes, strip, rate = (0.0, floor), None, None
    if view.winners:
        strip = (floor + STRIP_GAP_PX / height, floor + (STRIP_GAP_PX + STRIP_PX) / height)
        floor = strip[1]
    if view.rate is not None:
        rate = (floor + GAP, floor + GAP + RATE_SHARE * (1 - floor))
        floor = rate[1] + GAP
    floor += GAP
    shot_boundaries = None
    if len(view.shot_boundaries_s) and view.kind == "heat map":
        shot_boundaries = (floor, floor + MARK_PX / height)
        floor = shot_boundaries[1] + BOUNDARY_GAP_PX / height
    return Panels(lanes, strip, rate, shot_boundaries, (floor, 1.0), height)
