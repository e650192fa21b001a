"""All that the chart shows at once: which part of the time, and how much is sent."""

import json

import numpy as np
import pytest

from clip_core.charts.timeline import live_figure, timeline_figure
from clip_core.charts.view import Line, Timeline
from clip_core.types import Moment
from tests.support.chart_maker import at, view
from tests.support.curve_maker import scores_of


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ((2.0, 4.0), (2.0, 4.0)),
        ((-5.0, 4.0), (0.0, 4.0)),
        ((2.0, 400.0), (2.0, 10.0)),
        (None, None),
        ((0.0, 10.0), None),
        ((4.0, 4.0), None),
        ((6.0, 2.0), None),
        ((40.0, 50.0), None),
    ],
)
def test_the_part_of_the_time_that_is_seen(asked: tuple | None, seen: tuple | None) -> None:
    given = view(time_range=asked)
    assert given.seen_s == seen
    low, high = seen or (0.0, 10.0)
    live = live_figure(given)
    assert live["seen"] == seen
    assert live["layout"]["xaxis"]["range"] == [at(f"{low:06.3f}"), at(f"{high:06.3f}")]
    assert live_figure(view(time_range=asked, axis="Frames"))["layout"]["xaxis"]["range"] == (
        [low * 5, min(high * 5, 49)] if seen else [0, 49]
    )
    assert ("uirevision" in live["layout"]["xaxis"]) == (seen is not None)


def test_there_the_points_of_a_long_video_are_closer_and_the_rest_is_still_drawn() -> None:
    scores = scores_of(np.random.default_rng(1).uniform(0, 1, (20_000, 2)), step_s=1.0)
    given = {"scores": scores, "smoothed": scores.values, "moments": [], "lines": [Line("p0", 0)], "axis": "Frames"}
    whole, part = (
        next(trace["x"] for trace in timeline_figure(view(**given, time_range=asked))["data"] if "name" in trace)
        for asked in (None, (1000.0, 1500.0))
    )
    assert sum(1000 <= x <= 1500 for x in whole) < 120
    assert sum(1000 <= x <= 1500 for x in part) > 360
    assert (part[0], part[-1]) == (0, 19_999)
    assert len(part) < 3000


def everything(n: int, p: int, **changes: object) -> Timeline:
    """All that there is to show, of many prompts; each prompt leads, jumps and is cut as often as may be."""
    rng = np.random.default_rng(7)
    scores = scores_of(rng.normal(0.2, 0.05, (n, p)), step_s=0.5)
    smoothed = scores.values + np.float32(0.001)
    band = {prompt: (smoothed[:, k] - 0.01, smoothed[:, k] + 0.01) for k, prompt in enumerate(scores.prompts)}
    winners = [(int(k), float(i) / 2, (i + 1) / 2) for i, k in enumerate(smoothed.argmax(axis=1))]
    times = [(k % p, 3.0 * k) for k in range(300)]
    given = {
        "scores": scores, "smoothed": smoothed, "lines": [Line(prompt, k) for k, prompt in enumerate(scores.prompts)],
        "moments": [Moment(f"p{k}", start, start + 2.0, start + 1.0, 0.3, 0.3) for k, start in times],
        "threshold": 0.3, "score_range": (0.0, 0.4), "rate": np.gradient(smoothed, axis=0).astype(np.float32),
        "spikes": [(k, k % p) for k in range(n)], "ribbon": band, "shot_boundaries_s": np.arange(n // 2) + 0.25,
        "winners": winners, "thresholds": {prompt: 0.2 + k / 500 for k, prompt in enumerate(scores.prompts)},
    }  # fmt: skip
    return Timeline(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["curves", "heat map"])
@pytest.mark.parametrize("time_range", [None, (100.0, 2000.0)])
def test_what_is_sent_at_a_rerun_stays_small_with_everything_on(kind: str, time_range: tuple | None) -> None:
    given = everything(7200, 20, kind=kind, time_range=time_range)
    for make, most in ((live_figure, 300_000), (timeline_figure, 1_000_000)):
        assert len(json.dumps(make(given), separators=(",", ":"), allow_nan=False)) <= most, make.__name__
