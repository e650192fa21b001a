"""Draws static/real_clip.png: what curves of real CLIP look like, from real vectors.

    python tools/real_clip_picture/draw.py PAIRS.npz static/real_clip.png

PAIRS.npz holds ``images`` and ``captions``, unit vectors of photographs and their captions (see
tests/fixtures/realclip/README.md). Twelve photographs are shown for ten seconds each, moving as handheld takes do.
Needs Chromium and Playwright.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from clip_core.analysis.export_bundle import timeline_of
from clip_core.charts.timeline import still_figure
from clip_core.export.html_report import chart_html
from clip_core.scoring.detection import MomentDetection, detect
from clip_core.scoring.null_bank import NullBank, prompt_banks
from clip_core.scoring.segments import Neighbours, Segmenter, find_shot_boundaries
from clip_core.scoring.similarity_table import SimilarityTable
from clip_core.scoring.spans import sample_spans
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.types import Floats, FrameEmbeddings, TimeTable

SEED, SHOTS, SHOT_S, BANK = 3, 12, 10, 300
SIZE = {"width": 1000, "height": 470}


def unit(values: np.ndarray) -> Floats:
    """Rows of unit length."""
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True), np.float32)


def film(images: Floats, shown: np.ndarray, rng: np.random.Generator) -> Floats:
    """Each photograph for ten samples, moved by AR(1) noise of the photographs' own covariance."""
    values, vectors = np.linalg.eigh(np.cov((images - images.mean(0)).T))
    spread, rows = vectors * np.sqrt(np.maximum(values, 0)), []
    for picture in shown:
        noise = spread @ rng.normal(size=len(values))
        for _ in range(SHOT_S):
            noise = 0.6 * noise + 0.8 * (spread @ rng.normal(size=len(values)))
            rows.append(images[picture] + 0.45 * noise)
    return unit(np.array(rows))


def detection(images: Floats, captions: Floats) -> MomentDetection:
    """Six captions on such a film: four of photographs that are shown, two of photographs that are not."""
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(images))
    frames, bank_rows = film(images, order[:SHOTS], rng), order[-BANK:]
    prompts = {f"caption of photograph {k + 1}": captions[order[k]] for k in (1, 4, 7, 10)}
    prompts |= {f"caption that fits none ({k})": captions[order[SHOTS + k]] for k in (1, 2)}
    n = len(frames)
    table = TimeTable(np.arange(n), Fraction(1), 0, float(n), True, np.array([0]))
    curves = SimilarityTable()
    curves.add_frames(FrameEmbeddings(np.arange(n), np.arange(n, dtype=float), frames))
    curves.add_prompts(prompts)
    raw = curves.scores(list(prompts), table)
    shot_boundaries_s = find_shot_boundaries(Neighbours().distances(frames, curves.order), raw.times_s)
    spans = sample_spans(raw.times_s, 0.0, float(n))
    segments = Segmenter().segments(frames, curves.order, spans, raw.times_s, shot_boundaries_s)
    bank = NullBank([f"text {k}" for k in range(BANK)], captions[bank_rows], 100.0)
    video_scores = VideoScores(
        raw,
        replace(raw, prompts=(), values=np.empty((n, 0), np.float32)),
        weights={},
        logit_scale=100.0,
        banks=prompt_banks(list(prompts), bank, frames, curves.order, segments),
        shot_boundaries_s=shot_boundaries_s,
        segments=segments,
    )
    return detect(Settings(prompts=tuple(prompts)), video_scores)


def main(pairs: Path, target: Path) -> None:
    """Draw it."""
    with np.load(pairs) as file:
        found = detection(unit(file["images"].astype(np.float32)), unit(file["captions"].astype(np.float32)))
    for prompt, verdict in found.verdicts.items():
        print(f"{prompt}: {verdict.kind}, beats {verdict.confidence:.1%}")
    view = replace(timeline_of(found, found.moments), height_px=400)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "chart.html"
        page_file.write_text(chart_html(still_figure(view), "Real CLIP: cosine, less what 300 other captions score"))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        tab.goto(page_file.as_uri())
        tab.wait_for_selector(".lanes, .xtick", state="attached")
        tab.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
