"""The figures of the shipped files: `python -m tools.sample_world.evaluate [--model data/models/sample]`."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.sample_world.folder import ModelFolder, Vectors
from tools.sample_world.glyphs import FONT_FILE, draw_glyph
from tools.sample_world.scenes import SceneMaker
from tools.sample_world.vocabulary import CLDR_ANNOTATIONS, Vocabulary, build_vocabulary, caption

EVALUATION_SEED = 20_000_003
"""Training never sees these scenes: it has its own painter and its own generator."""

log = logging.getLogger("sample_world.evaluate")

Truth = NDArray[np.bool_]


def make_pictures(folder: ModelFolder, scenes: SceneMaker, n: int, n_concepts: int) -> tuple[Vectors, Truth]:
    """Fresh pictures embedded by the shipped files, and what they show.

    Returns:
        Unit vectors float32 (n, dim), and bool (n, n_concepts).
    """
    pixels, shown = [], np.zeros((n, n_concepts), dtype=np.bool_)
    for k in range(n):
        scene = scenes.make(EVALUATION_SEED, k)
        pixels.append(folder.pixels(scene.image))
        shown[k, list(scene.shown)] = True
    return folder.embed_pixels(np.stack(pixels)), shown


def name_figures(scores: Vectors, shown: Truth, names: list[str]) -> None:
    """Log top-1 and top-5 by name over the pictures that show an object, and the names most often missed."""
    some = shown.any(1)
    best = np.argsort(-scores[some], axis=1)
    right = np.take_along_axis(shown[some], best, axis=1)
    log.info("top-1 by name  %.1f %%   (%d pictures that show an object)", 100 * right[:, 0].mean(), some.sum())
    log.info("top-5 by name  %.1f %%", 100 * right[:, :5].any(1).mean())
    single = shown[some].sum(1) == 1
    log.info("top-1 with a single object  %.1f %%", 100 * right[single, 0].mean())
    missed: dict[str, int] = {}
    for row in np.flatnonzero(~right[:, 0]):
        first = int(np.flatnonzero(shown[some][row])[0])
        pair = f"{names[first]} → {names[best[row, 0]]}"
        missed[pair] = missed.get(pair, 0) + 1
    worst = sorted(missed, key=lambda pair: -missed[pair])[:12]
    log.info("most frequent mistakes: %s", "; ".join(f"{pair} ({missed[pair]})" for pair in worst))


def keyword_figure(folder: ModelFolder, vectors: Vectors, shown: Truth, vocabulary: Vocabulary) -> None:
    """Log for how many keywords the best picture is one that the keyword fits."""
    first = vocabulary.first_keyword
    fits = (shown.astype(np.int64) @ vocabulary.fits[first:].T.astype(np.int64)) > 0
    scores = vectors @ folder.embed_texts(vocabulary.texts[first:]).T
    possible = fits.any(0)
    right = np.take_along_axis(fits, scores.argmax(0)[None], axis=0)[0]
    log.info("keywords whose best picture fits  %.1f %% of %d", 100 * right[possible].mean(), possible.sum())


def threshold_figures(scores: Vectors, shown: Truth) -> None:
    """Log how far pictures that show a thing and pictures that do not lie apart, and the threshold between them."""
    there, absent = scores[shown], scores[~shown]
    log.info("cosine where shown   median %.2f, 5th percentile %.2f", np.median(there), np.quantile(there, 0.05))
    log.info("cosine where absent  median %.2f, 99th percentile %.2f", np.median(absent), np.quantile(absent, 0.99))
    empty = scores[~shown.any(1)]
    log.info("cosine of empty scenes with all names  99th percentile %.2f", np.quantile(empty, 0.99))
    for threshold in np.arange(0.15, 0.71, 0.05):
        hit, false = (there >= threshold).mean(), (absent >= threshold).mean()
        text = "threshold %.2f: flags %5.1f %% of what is shown, %.3f %% of what is not"
        log.info(text, threshold, 100 * hit, 100 * false)


def speed_figure(folder: ModelFolder, size: tuple[int, int], batch: int = 32) -> None:
    """Log pictures per second through the ONNX session alone, the median of 20 runs."""
    pixels = np.random.default_rng(0).uniform(-1, 1, (batch, 3, *size)).astype(np.float32)
    folder.run_vision(pixels)
    seconds = []
    for _ in range(20):
        began_s = time.perf_counter()
        folder.run_vision(pixels)
        seconds.append(time.perf_counter() - began_s)
    log.info("%.0f pictures/s through the ONNX session (batch %d)", batch / float(np.median(seconds)), batch)


def main() -> None:
    """Render fresh scenes and print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("data/models/sample"))
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cldr", type=Path, default=CLDR_ANNOTATIONS)
    parser.add_argument("--font", type=Path, default=FONT_FILE)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    vocabulary = build_vocabulary(options.cldr)
    glyphs = {g: draw_glyph(g, options.font) for concept in vocabulary.concepts for g in concept.glyphs}
    folder = ModelFolder(options.model, options.threads)
    names = [concept.name for concept in vocabulary.concepts]
    vectors, shown = make_pictures(folder, SceneMaker(vocabulary, glyphs), options.pictures, len(names))
    scores = vectors @ folder.embed_texts([caption("{a} {}", name) for name in names]).T
    log.info("%d concepts, %d texts, %d pictures", len(names), len(vocabulary.texts), options.pictures)
    name_figures(scores, shown, names)
    keyword_figure(folder, vectors, shown, vocabulary)
    threshold_figures(scores, shown)
    speed_figure(folder, folder.pixels(glyphs[vocabulary.concepts[0].glyphs[0]]).shape[1:])


if __name__ == "__main__":
    main()
