"""What a chart may show, with planted truth."""

import numpy as np

from clip_core.charts.view import Line, Timeline
from clip_core.scoring.moments import find_moments
from tests.support.curve_maker import scores_of


def view(n: int = 50, prompts: tuple[str, ...] = ("a dog", "pizza"), **changes: object) -> Timeline:
    """Samples every 0.2 s, noise below 0.2; the first prompt is at 0.35 from sample 10 to 19."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0.1, 0.2, (n, len(prompts)))
    values[10:20, 0] = 0.35
    scores = scores_of(values, step_s=0.2, prompts=prompts)
    settings = {
        "scores": scores, "smoothed": scores.values, "moments": find_moments(scores, threshold=0.3),
        "lines": [Line(p, k) for k, p in enumerate(prompts)], "threshold": 0.3, "score_range": (0.1, 0.4),
        "cursor_s": 4.0, "cursor_frame": 20,
    }  # fmt: skip
    return Timeline(**(settings | changes))  # type: ignore[arg-type]


def at(seconds: str) -> str:
    """A time within the first minute on the date axis."""
    return f"1970-01-01T00:00:{seconds}"


def on_axis(figure: dict, axis: str) -> list[dict]:
    """The traces of a figure that stand on an axis."""
    return [trace for trace in figure["data"] if trace.get("yaxis") == axis]
