"""The axes of the chart."""

import numpy as np
import pytest

from clip_core.charts.view import frame_axis, instants, score_ticks, time_axis


def test_instants_are_dates_to_the_millisecond() -> None:
    assert instants(np.array([0.0, 12.4, 3661.0004])) == [
        "1970-01-01T00:00:00.000",
        "1970-01-01T00:00:12.400",
        "1970-01-01T01:01:01.000",
    ]


def test_an_hour_brings_the_hours() -> None:
    assert time_axis(3599.0)["tickformat"] == "%-M:%S"
    assert time_axis(3600.0)["tickformat"] == "%-H:%M:%S"


def test_one_frame_has_an_axis_too() -> None:
    assert frame_axis(0)["range"] == [0, 1]


@pytest.mark.parametrize(
    ("score_range", "ticks"),
    [
        ((-0.66, 0.7), [-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6]),
        ((0.1, 0.4), [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]),
        ((0.2, 0.21), [0.2, 0.21]),
        ((-1.0, 1.0), [-1.0, -0.5, 0.0, 0.5, 1.0]),
    ],
)
def test_the_score_axis_has_round_ticks_and_one_zero(score_range: tuple[float, float], ticks: list[float]) -> None:
    found = score_ticks(*score_range)
    assert found == ticks
    assert not any(str(tick) == "-0.0" for tick in found)
