"""From findings to their worth: planted curves, and the sample with the settings it ships with."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video, load_config, load_encoder
from clip_core.analysis import evaluate as module
from clip_core.analysis.analyse import Analysis
from clip_core.analysis.evaluate import Evaluation, evaluate, sweep_settings, usual_grid
from clip_core.errors import TruthError
from clip_core.evaluation.ground_truth import Absence, Span, Truth, read_truth
from clip_core.evaluation.sweep import Grid, Setting, best_cell
from clip_core.scoring.detection import detect
from clip_core.scoring.smoothing import smooth
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.types import Scores
from tests.support.curve_maker import scores_of, video_scores_of

ROOT = Path(__file__).parents[2]
TRUTH = Truth((Span("dog", 9.5, 19.5), Span("dog", 39.5, 49.5)), (Absence("absent"),))
SETTINGS = Settings(unit="cosine", threshold=0.3, smoothing_s=0.0)


def planted(noise: float = 0.0) -> VideoScores:
    """60 samples, 1 s apart: the dog at samples 10–19 and 40–49, another prompt never."""
    values = np.full((60, 2), 0.2, np.float32)
    values[10:20, 0] = values[40:50, 0] = 0.4
    values += np.random.default_rng(0).normal(0, noise, values.shape).astype(np.float32)
    return video_scores_of(scores_of(values, prompts=["dog", "absent"]), bank_peak=0.3)


def evaluated(video_scores: VideoScores, truth: Truth, settings: Settings) -> Evaluation:
    return evaluate(detect(settings, video_scores), truth)


def test_planted_moments_are_perfect() -> None:
    video_scores = planted()
    found = evaluated(video_scores, TRUTH, SETTINGS)
    assert (found.overall.map, found.overall.f1, found.overall.missed, found.overall.false_moments) == (1.0, 1.0, 0, 0)
    assert found.overall.onset_mean_s == 0.0
    assert [judgement.prompt for judgement in found.prompts] == ["dog", "absent"]
    assert found.warnings == ()
    assert (found.detection.settings, found.truth) == (SETTINGS, TRUTH)
    assert list(found.moments) == detect(SETTINGS, video_scores).moments
    assert found.curves["dog"].average_precision == pytest.approx(1.0)
    assert found.curves[""].average_precision == pytest.approx(1.0)
    assert found.curves["absent"].average_precision is None


@pytest.mark.parametrize("unit", ["corrected", "cosine", "z", "percentile", "softmax"])
def test_curves_are_in_the_unit_of_the_recipe_and_thresholds_that_adapt_find_the_plant(unit: str) -> None:
    found = evaluated(planted(0.01), TRUTH, Settings(unit=unit, smoothing_s=0.0))  # type: ignore[arg-type]
    assert found.overall.f1 == 1.0
    curve = found.curves["dog"]
    assert curve.thresholds[0] == pytest.approx(found.detection.smoothed[:, 0].max())
    assert curve.at(found.detection.thresholds["dog"]) == pytest.approx((1.0, 1.0))


def test_prompts_that_are_not_flagged_are_not_judged_and_other_moments_may_be() -> None:
    found = evaluated(planted(), TRUTH, replace(SETTINGS, unflagged=("absent",)))
    assert [judgement.prompt for judgement in found.prompts] == ["dog"]
    assert found.warnings == ("The truth names what is not judged here: “absent”.",)
    first = found.moments[0]
    assert evaluate(found.detection, TRUTH, [first]).overall.missed == 1


def test_what_does_not_fit_is_told() -> None:
    truth = Truth((*TRUTH.spans, Span("dog", 55, 70), Span("cat", 0, 1)))
    found = evaluated(planted(), truth, SETTINGS)
    assert found.overall.truths == 3
    assert found.overall.missed == 1
    assert len(found.warnings) == 3  # the cat, the span past the end, nothing said of the other prompt
    with pytest.raises(TruthError, match="judges nothing here"):
        evaluated(planted(), Truth((Span("cat", 0, 1),)), SETTINGS)


@pytest.mark.parametrize("scores", [scores_of(np.empty((0, 1)), np.empty(0), end_s=60.0), scores_of([0.2]),
                                    scores_of(np.full(60, 0.2))])  # fmt: skip
@pytest.mark.parametrize("settings", [replace(SETTINGS, smoothing_s=2.0, min_duration_s=1.0), Settings(unit="z")])
def test_no_sample_one_sample_and_a_constant_curve_make_no_nan(scores: Scores, settings: Settings) -> None:
    video_scores = video_scores_of(scores)
    found = evaluated(video_scores, Truth((Span("p0", 0, 0.5),)), settings)
    assert (found.overall.map, found.overall.f1, found.overall.missed) == (0.0, 0.0, 1)
    assert json.loads(json.dumps(found.overall.map, allow_nan=False)) == 0.0
    grid = usual_grid(settings, video_scores)
    assert 0 <= best_cell(grid, list(sweep_settings(settings, video_scores, found.truth, grid))).score <= 1


def test_a_sweep_finds_the_planted_setting() -> None:
    video_scores = planted(noise=0.09)
    grid = usual_grid(SETTINGS, video_scores)
    cells = list(sweep_settings(SETTINGS, video_scores, TRUTH, grid))
    best = best_cell(grid, cells)
    assert len(cells) == len(grid)
    assert best.score > 0.9
    assert best.score > evaluated(video_scores, TRUTH, SETTINGS).overall.f1
    assert best.setting.smoothing_s > 0
    assert cells == list(sweep_settings(SETTINGS, video_scores, TRUTH, grid))


SLOW_GRID = Grid((0.0, 2.0), (None, 0.25, 0.3), (0.0, 3.0, 11.0))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pad_s": 1.0},
        {"min_gap_s": 3.0, "hysteresis": 0.05},
        {"pad_s": 2.0, "min_gap_s": 2.0},
        {"unit": "z"},
        {"unit": "corrected", "confidence": 0.9},
    ],
)
def test_each_cell_is_what_finding_anew_would_give(changes: dict[str, object]) -> None:
    video_scores = planted(noise=0.05)
    settings = replace(SETTINGS, thresholds={"dog": 0.9}, **changes)  # type: ignore[arg-type]
    for cell in sweep_settings(settings, video_scores, TRUTH, SLOW_GRID):
        s = cell.setting
        slow = replace(settings, thresholds={}, smoothing_s=s.smoothing_s, threshold=s.threshold,
                       min_duration_s=s.min_duration_s)  # fmt: skip
        assert evaluated(video_scores, TRUTH, slow).overall.f1 == pytest.approx(cell.score), s


def test_the_grid_holds_the_setting_of_now_and_one_that_adapts() -> None:
    grid = usual_grid(replace(SETTINGS, smoothing_s=0.7, threshold=0.333, min_duration_s=0.25), planted())
    assert Setting(0.7, 0.333, 0.25) in list(grid)
    assert grid.thresholds[0] is None
    common = [cut for cut in grid.thresholds[1:] if cut is not None]
    assert min(common) > 0.2  # above the median
    assert max(common) >= 0.4


def test_common_thresholds_in_z_begin_above_the_median() -> None:
    grid = usual_grid(Settings(unit="z"), planted(0.01))
    assert grid.thresholds[:2] == (None, 1.0)
    assert max(cut for cut in grid.thresholds if cut is not None) >= 6.0


def test_each_smoothing_and_each_threshold_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    calls: list[tuple[float, float | None]] = []

    def counted(scores: Scores, window_s: float, *rest: object) -> np.ndarray:
        asked.append(window_s)
        return smooth(scores, window_s, *rest)  # type: ignore[arg-type]

    def finding(settings: Settings, video_scores: VideoScores, **rest: object) -> object:
        calls.append((settings.smoothing_s, settings.threshold))
        return detect(settings, video_scores, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr("clip_core.scoring.smoothing.smooth", counted)
    monkeypatch.setattr(module, "detect", finding)
    list(sweep_settings(SETTINGS, planted(), TRUTH, Grid((0.0, 1.0, 2.0), (0.2, 0.3), (0.0, 1.0))))
    assert asked == [0.0, 1.0, 2.0]
    assert calls == [(width, cut) for width in (0.0, 1.0, 2.0) for cut in (0.2, 0.3)]


def test_the_sample_with_the_settings_that_it_ships_with(tmp_path: Path) -> None:
    config = load_config(ROOT / "config.yaml")
    encoder, store = load_encoder(config.model, config), EmbeddingStore(tmp_path)
    list(index_video(ROOT / "data" / "sample.mp4", encoder, store, samples_per_second=config.samples_per_second))
    settings = Settings(prompts=config.prompts, smoothing_s=config.smoothing_s)
    video_scores = Analysis(store.videos()[0].video_id, encoder, store).video_scores(settings)
    truth = read_truth((ROOT / "data" / "sample.truth.json").read_bytes(), "sample.truth.json")
    found = evaluated(video_scores, truth, settings)
    assert found.warnings == ()
    assert (found.overall.r1_50, found.overall.r1_70, found.overall.map_50) == (1.0, 1.0, 1.0)
    assert (found.overall.missed, found.overall.false_moments) == (0, 0)
    assert all(judgement.mean_iou >= 0.9 for judgement in found.prompts if judgement.mean_iou is not None)
    assert found.overall.onset_mean_s is not None
    assert found.overall.onset_mean_s <= 0.2  # the samples are 0.2 s apart
    assert found.curves[""].average_precision is not None
    assert found.curves[""].average_precision > 0.75  # one cut for all prompts suits none
    assert found.curves["a dog"].average_precision is not None
    assert found.curves["a dog"].average_precision > 0.95
    elephant = next(judgement for judgement in found.prompts if judgement.prompt == "an elephant")
    assert (elephant.truths, elephant.moments) == (0, 0)
