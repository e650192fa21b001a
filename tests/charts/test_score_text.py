"""Scores as texts: in Python and in the player's scripts alike."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from clip_core.charts.timeline import live_figure, timeline_figure
from clip_core.export.data_files import scores_csv
from clip_core.text import number_text, shown_value, value_text
from tests.support.chart_maker import view
from tests.support.curve_maker import scores_of


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (-0.0004, "cosine", "0.000"), (-0.0, "z", "0.00"), (-4.0, "z", "-4.00"), (-0.006, "z", "-0.01"),
        (12.34, "percentile", "12.3"),
    ],
)  # fmt: skip
def test_one_minus_sign_and_no_negative_zero(value: float, unit: str, text: str) -> None:
    assert value_text(value, unit) == text  # type: ignore[arg-type]
    assert f"{shown_value(value, unit):.{len(text.partition('.')[2])}f}" == text  # type: ignore[arg-type]
    assert "−" not in value_text(-1.5, unit)  # type: ignore[arg-type]


def test_numpy_numbers_too() -> None:
    assert number_text(np.float32(-1e-9), 6) == "0.000000"


@pytest.mark.parametrize("kind", ["curves", "heat map"])
def test_the_axes_write_their_numbers_with_the_sign_of_all_others(kind: str) -> None:
    given = view(unit="z", score_range=(-4.0, 2.0), kind=kind)
    for figure in (live_figure(given), timeline_figure(given)):
        bars = [trace[place]["colorbar"] if place else trace["colorbar"] for trace in figure["data"]
                for place in ("", "marker") if "colorbar" in (trace.get(place) or {} if place else trace)]  # fmt: skip
        axes = [figure["layout"]["yaxis"]] if kind == "curves" else bars
        assert axes
        for axis in axes:
            assert axis["ticktext"] == ["-4.0", "-3.0", "-2.0", "-1.0", "0.0", "1.0", "2.0"]
            assert axis["title"]["text"] == "z (deviations)"


def test_a_file_of_scores_has_no_negative_zero() -> None:
    rows = list(csv.reader(io.StringIO(scores_csv(scores_of(np.array([[-1e-9, -0.25]]))))))
    assert rows[1][2:] == ["0.000000", "-0.250000"]
