"""From scores to their worth: planted curves, and the sample with the settings it ships with."""

import json
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video, load_config, load_encoder, score_prompts
from clip_core.errors import TruthError
from clip_core.evaluation.read_truth import read_truth
from clip_core.evaluation.sweep import Grid, Setting, best_cell
from clip_core.evaluation.truth import Absence, Span, Truth
from clip_core.pipeline.evaluate import evaluate, moments_under, smoothed_under, sweep_settings, usual_grid
from clip_core.scoring.moments import find_moments
from clip_core.values import Scores
from tests.curve_maker import scores_of

ROOT = Path(__file__).parents[1]
TRUTH = Truth((Span("dog", 9.5, 19.5), Span("dog", 39.5, 49.5)), (Absence("absent"),))
SETTING = Setting(smoothing_s=0.0, threshold=0.3, min_duration_s=0.0)


def planted(noise: float = 0.0) -> Scores:
    """60 samples, 1 s apart: the dog at samples 10–19 and 40–49, another prompt never."""
    values = np.full((60, 2), 0.2, np.float32)
    values[10:20, 0] = values[40:50, 0] = 0.4
    values += np.random.default_rng(0).normal(0, noise, values.shape).astype(np.float32)
    return scores_of(values, prompts=["dog", "absent"])


def test_planted_moments_are_perfect() -> None:
    found = evaluate(planted(), TRUTH, SETTING)
    assert (found.overall.map, found.overall.f1, found.overall.missed, found.overall.false_moments) == (1.0, 1.0, 0, 0)
    assert found.overall.onset_mean_s == 0.0
    assert [judgement.prompt for judgement in found.prompts] == ["dog", "absent"]
    assert found.warnings == ()
    assert (found.setting, found.truth) == (SETTING, TRUTH)
    assert found.curves["dog"].average_precision == pytest.approx(1.0)
    assert found.curves[""].average_precision == pytest.approx(1.0)
    assert found.curves["absent"].average_precision is None


def test_the_shortest_duration_drops_moments() -> None:
    moments = moments_under(planted(), SETTING)
    assert moments == find_moments(planted(), threshold=0.3)
    assert moments_under(planted(), Setting(0.0, 0.3, 10.0)) == moments  # equal counts as long enough
    assert moments_under(planted(), Setting(0.0, 0.3, 10.1)) == []


def test_what_does_not_fit_is_told() -> None:
    truth = Truth((*TRUTH.spans, Span("dog", 55, 70), Span("cat", 0, 1)))
    found = evaluate(planted(), truth, SETTING)
    assert found.overall.truths == 3
    assert found.overall.missed == 1
    assert len(found.warnings) == 3  # the cat, the span past the end, nothing said of the other prompt
    with pytest.raises(TruthError, match="judges nothing here"):
        evaluate(planted(), Truth((Span("cat", 0, 1),)), SETTING)


@pytest.mark.parametrize("scores", [scores_of(np.empty((0, 1)), np.empty(0), end_s=60.0), scores_of([0.2]),
                                    scores_of(np.full(60, 0.2))])  # fmt: skip
def test_no_sample_one_sample_and_a_constant_curve_make_no_nan(scores: Scores) -> None:
    found = evaluate(scores, Truth((Span("p0", 0, 0.5),)), Setting(2.0, 0.3, 1.0))
    assert (found.overall.map, found.overall.f1, found.overall.missed) == (0.0, 0.0, 1)
    assert json.loads(json.dumps(found.overall.map, allow_nan=False)) == 0.0
    grid = usual_grid(scores, Setting(2.0, 0.3, 1.0))
    assert 0 <= best_cell(grid, list(sweep_settings(scores, found.truth, grid))).score <= 1


def test_a_sweep_finds_the_planted_setting() -> None:
    scores = planted(noise=0.09)
    grid = usual_grid(scores, SETTING)
    cells = list(sweep_settings(scores, TRUTH, grid))
    best = best_cell(grid, cells)
    assert len(cells) == len(grid)
    assert best.score > 0.9
    assert best.score > evaluate(scores, TRUTH, SETTING).overall.f1
    assert 0.25 < best.setting.threshold < 0.38
    assert best.setting.smoothing_s > 0
    assert cells == list(sweep_settings(scores, TRUTH, grid))
    assert evaluate(scores, TRUTH, best.setting).overall.f1 == pytest.approx(best.score)


def test_the_grid_holds_the_setting_of_now() -> None:
    grid = usual_grid(planted(), Setting(0.7, 0.333, 0.25))
    assert Setting(0.7, 0.333, 0.25) in list(grid)
    assert 6 * 2 * 4 <= len(grid) <= 7 * 21 * 5


def test_each_smoothing_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def counted(scores: Scores, setting: Setting) -> np.ndarray:
        asked.append(setting.smoothing_s)
        return smoothed_under(scores, setting)

    monkeypatch.setattr("clip_core.pipeline.evaluate.smoothed_under", counted)
    list(sweep_settings(planted(), TRUTH, Grid((0.0, 1.0, 2.0), (0.2, 0.3), (0.0, 1.0))))
    assert asked == [0.0, 1.0, 2.0]


def test_the_sample_with_the_settings_that_it_ships_with(tmp_path: Path) -> None:
    config = load_config(ROOT / "config.yaml")
    encoder, store = load_encoder(config.model, config), EmbeddingStore(tmp_path)
    list(index_video(ROOT / "data" / "sample.mp4", encoder, store, samples_per_second=config.samples_per_second))
    scores = score_prompts(store.videos()[0].video_id, config.prompts, encoder, store)
    truth = read_truth((ROOT / "data" / "sample.truth.json").read_bytes(), "sample.truth.json")
    setting = Setting(config.smoothing_s, encoder.default_threshold, 0.0)
    assert (setting.smoothing_s, setting.threshold) == (0.6, 0.4)
    found = evaluate(scores, truth, setting)
    assert found.warnings == ()
    assert (found.overall.r1_50, found.overall.r1_70, found.overall.map_50) == (1.0, 1.0, 1.0)
    assert (found.overall.missed, found.overall.false_moments) == (0, 0)
    assert all(judgement.mean_iou >= 0.85 for judgement in found.prompts if judgement.mean_iou is not None)
    assert found.overall.onset_mean_s is not None
    assert found.overall.onset_mean_s <= 0.2  # the samples are 0.2 s apart
    assert found.curves[""].average_precision is not None
    assert found.curves[""].average_precision > 0.95
    elephant = next(judgement for judgement in found.prompts if judgement.prompt == "an elephant")
    assert (elephant.truths, elephant.moments) == (0, 0)
