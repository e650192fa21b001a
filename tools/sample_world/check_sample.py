"""Score the sample video with the shipped model and compare its moments with the truth.

`python -m tools.sample_world.check_sample --threshold 0.5 --smoothing-s 0.6 --samples-per-second 2 5 10 30`

The arithmetic is the slow, obvious form of the app's definitions: a centred time-weighted moving mean, and moments
from where the curve reaches the threshold to where it falls below, with ends halfway between samples.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.sample_world.film import Span
from tools.sample_world.folder import ModelFolder, Vectors

log = logging.getLogger("sample_world.check_sample")

Times = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """One truth span with the best moment found for it."""

    truth: Span
    moment: Span | None
    iou: float


def embed_video(folder: ModelFolder, path: Path) -> tuple[Times, Vectors]:
    """Presentation times (n,) in seconds and unit vectors (n, dim) of every frame."""
    times, pixels = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            times.append(float(frame.time or 0.0))
            pixels.append(folder.pixels(Image.fromarray(frame.to_ndarray(format="rgb24"))))
    return np.asarray(times), folder.embed_pixels(np.stack(pixels))


def sample_rows(times_s: Times, samples_per_second: float) -> NDArray[np.intp]:
    """Rows of the samples: number k is the first frame at or after k / rate."""
    wanted = np.arange(0, times_s[-1] + 1e-9, 1 / samples_per_second)
    rows = np.unique(np.searchsorted(times_s, wanted - 1e-6))
    return rows[rows < len(times_s)]


def bounds(times_s: Times, end_s: float) -> Times:
    """Edges (n + 1,) of the stretches that the samples stand for."""
    return np.concatenate([[0.0], (times_s[1:] + times_s[:-1]) / 2, [end_s]])


def smooth(values: NDArray[np.float32], times_s: Times, edges_s: Times, window_s: float) -> NDArray[np.float64]:
    """Centred moving mean, each sample weighted by how much of its stretch lies in the window; (n, n_prompts)."""
    if window_s == 0:
        return values.astype(np.float64)
    low, high = times_s[:, None] - window_s / 2, times_s[:, None] + window_s / 2
    overlap = np.minimum(high, edges_s[None, 1:]) - np.maximum(low, edges_s[None, :-1])
    weights = np.clip(overlap, 0, None)
    smoothed: NDArray[np.float64] = weights @ values / weights.sum(1, keepdims=True)
    return smoothed


def find_spans(prompt: str, curve: NDArray[np.float64], edges_s: Times, threshold: float) -> list[Span]:
    """Stretches in which the curve is at or above the threshold."""
    flags = np.concatenate([[False], curve >= threshold, [False]])
    turns = np.flatnonzero(flags[1:] != flags[:-1])
    pairs = zip(turns[::2], turns[1::2], strict=True)
    return [Span(prompt, float(edges_s[start]), float(edges_s[end])) for start, end in pairs]


def iou(a: Span, b: Span) -> float:
    """Temporal intersection over union, 0..1."""
    shared = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    return max(0.0, shared) / (max(a.end_s, b.end_s) - min(a.start_s, b.start_s))


def judge(moments: list[Span], visible: list[Span]) -> tuple[list[Found], list[Span]]:
    """The best moment for each truth span, and the moments that lie wholly outside their truth."""
    found = []
    for span in visible:
        scored = [(iou(span, m), m) for m in moments if m.prompt == span.prompt]
        best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
        found.append(Found(span, best[1], best[0]))
    stray = [m for m in moments if all(iou(m, s) == 0 for s in visible if s.prompt == m.prompt)]
    return found, stray


def load_truth(path: Path) -> tuple[list[Span], list[str]]:
    """Visible spans and absent prompts of a truth file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return [Span(**span) for span in data["visible"]], list(data["absent"])


def log_margins(curves: NDArray[np.float64], times_s: Times, prompts: list[str], visible: list[Span]) -> None:
    """Log, per prompt, how low its curve runs inside its spans and how high outside (0.5 s around each edge apart)."""
    for column, prompt in enumerate(prompts):
        inside, outside = np.zeros(len(times_s), np.bool_), np.ones(len(times_s), np.bool_)
        for span in (s for s in visible if s.prompt == prompt):
            inside |= (times_s >= span.start_s + 0.5) & (times_s < span.end_s - 0.5)
            outside &= (times_s < span.start_s - 0.5) | (times_s >= span.end_s + 0.5)
        low = f"{curves[inside, column].min():.2f}" if inside.any() else "   –"
        log.info("  %-14s lowest inside %s, highest outside %.2f", prompt, low, curves[outside, column].max())


def main() -> None:
    """Print the table of spans for each sampling rate, and the range of thresholds that pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("data/models/sample"))
    parser.add_argument("--video", type=Path, default=Path("data/sample.mp4"))
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--smoothing-s", type=float, required=True)
    parser.add_argument("--samples-per-second", type=float, nargs="+", default=[2, 5, 10, 30])
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    visible, absent = load_truth(options.video.with_suffix(".truth.json"))
    prompts = list(dict.fromkeys([span.prompt for span in visible])) + absent
    folder = ModelFolder(options.model)
    all_times_s, vectors = embed_video(folder, options.video)
    end_s = float(all_times_s[-1] + np.median(np.diff(all_times_s)))
    scores = vectors @ folder.embed_texts(prompts).T
    for rate in options.samples_per_second:
        rows = sample_rows(all_times_s, rate)
        times_s = all_times_s[rows]
        edges_s = bounds(times_s, end_s)
        curves = smooth(scores[rows], times_s, edges_s, options.smoothing_s)
        log.info("%g samples/s, threshold %.2f, smoothing %.1f s", rate, options.threshold, options.smoothing_s)
        report(curves, times_s, edges_s, prompts, visible, options.threshold)


def report(
    curves: NDArray[np.float64],
    times_s: Times,
    edges_s: Times,
    prompts: list[str],
    visible: list[Span],
    threshold: float,
) -> None:
    """Log the spans with their IoU, strays, margins, and which thresholds would pass."""

    def judged(at: float) -> tuple[list[Found], list[Span]]:
        moments = [m for k, p in enumerate(prompts) for m in find_spans(p, curves[:, k], edges_s, at)]
        return judge(moments, visible)

    found, stray = judged(threshold)
    for item in found:
        moment = f"{item.moment.start_s:5.2f} – {item.moment.end_s:5.2f}" if item.moment else "nothing"
        span = item.truth
        log.info("  %-14s %5.2f – %5.2f   found %s   IoU %.2f", span.prompt, span.start_s, span.end_s, moment, item.iou)
    log.info("  moments wholly outside their truth: %s", stray or "none")
    log_margins(curves, times_s, prompts, visible)
    passing = [at for at in np.arange(0.05, 0.95, 0.01) if _passes(*judged(float(at)))]
    log.info("  thresholds that pass: %s", f"{min(passing):.2f} to {max(passing):.2f}" if passing else "none")


def _passes(found: list[Found], stray: list[Span]) -> bool:
    return not stray and all(item.iou >= 0.7 for item in found)


if __name__ == "__main__":
    main()
