"""The height of the chart, shared out."""

import numpy as np
import pytest

from clip_core.charts.panels import panels_of
from tests.support.chart_maker import view

RATE = np.zeros((50, 2), np.float32)


@pytest.mark.parametrize("kind", ["curves", "heat map"])
@pytest.mark.parametrize("height_px", [300, 430, 560])
def test_nothing_overlaps_and_the_rate_has_a_quarter(kind: str, height_px: int) -> None:
    given = view(kind=kind, rate=RATE, winners=[(0, 0.0, 1.0)], shot_boundaries_s=[3.0], height_px=height_px)
    found = panels_of(given)
    stack = [
        share
        for share in (found.lanes, found.strip, found.rate, found.shot_boundaries, found.curves)
        if share is not None
    ]
    ends = [end for share in stack for end in share]
    assert ends == sorted(ends)
    assert (ends[0], ends[-1]) == (0.0, 1.0)
    assert found.strip is not None
    assert found.rate is not None
    assert (found.strip[1] - found.strip[0]) * found.height_px == pytest.approx(8)
    assert found.rate[1] - found.rate[0] == pytest.approx(0.25, abs=0.03)
    assert found.curves_px > 0.5 * height_px
    assert (found.shot_boundaries is not None) == (kind == "heat map")


def test_without_extras_the_curves_have_all_but_the_lanes() -> None:
    found = panels_of(view())
    assert (found.strip, found.rate, found.shot_boundaries) == (None, None, None)
    assert found.curves == (10 / 400 + 0.02, 1.0)
