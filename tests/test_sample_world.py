"""The sample that ships: its model, its video, its prompts and settings fit together."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from clip_core import (
    EmbeddingStore,
    detect_moments,
    find_moments,
    index_video,
    load_config,
    load_encoder,
    open_video,
    score_prompts,
)
from clip_core.analysis.analyse import Analysis
from clip_core.config import Config
from clip_core.scoring.detection import MomentDetection, detect
from clip_core.scoring.null_bank import bank_texts
from clip_core.settings import Settings
from clip_core.types import Moment, Scores
from tests.support import video_maker

ROOT = Path(__file__).parents[1]
VIDEO = ROOT / "data" / "sample.mp4"
TRUTH = json.loads((ROOT / "data" / "sample.truth.json").read_text(encoding="utf-8"))
MODEL = ROOT / "data" / "models" / "sample"


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(ROOT / "config.yaml")


@pytest.fixture(scope="module")
def store(config: Config, tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    store = EmbeddingStore(tmp_path_factory.mktemp("store"))
    list(index_video(VIDEO, load_encoder(config.model, config), store, samples_per_second=config.samples_per_second))
    return store


@pytest.fixture(scope="module")
def scores(config: Config, store: EmbeddingStore) -> Scores:
    encoder = load_encoder(config.model, config)
    return score_prompts(store.videos()[0].video_id, config.prompts, encoder, store)


@pytest.fixture(scope="module")
def moments(config: Config, scores: Scores) -> list[Moment]:
    threshold = config.threshold
    if threshold is None:
        threshold = load_encoder(config.model, config).default_threshold
    return find_moments(scores, threshold=threshold, smoothing_s=config.smoothing_s)


def iou(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Temporal intersection over union of two intervals."""
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (a[1] - a[0] + b[1] - b[0] - shared)


def spans(prompt: str) -> list[tuple[float, float]]:
    return [(span["start_s"], span["end_s"]) for span in TRUTH["visible"] if span["prompt"] == prompt]


def test_the_config_names_the_sample_and_its_prompts(config: Config) -> None:
    assert config.video_path == VIDEO
    assert config.model == "sample"
    assert 6 <= len(config.prompts) <= 8
    assert len(TRUTH["absent"]) == 1
    assert set(config.prompts) == {span["prompt"] for span in TRUTH["visible"]} | set(TRUTH["absent"])


def test_every_visible_span_is_flagged(moments: list[Moment]) -> None:
    for span in TRUTH["visible"]:
        truth = (span["start_s"], span["end_s"])
        best = max((iou(truth, (m.start_s, m.end_s)) for m in moments if m.prompt == span["prompt"]), default=0.0)
        assert best >= 0.7, f"{span['prompt']} at {truth}: IoU {best:.2f}"


def test_no_moment_lies_wholly_outside_its_truth_and_the_absent_prompt_is_never_flagged(moments: list[Moment]) -> None:
    for moment in moments:
        assert moment.prompt not in TRUTH["absent"]
        assert any(iou(truth, (moment.start_s, moment.end_s)) > 0 for truth in spans(moment.prompt)), moment


def test_the_video_is_what_was_asked_for() -> None:
    assert VIDEO.stat().st_size <= 4_000_000
    with open_video(VIDEO) as video:
        assert (video.info.width, video.info.height, video.info.codec) == (640, 360, "h264")
        assert 40 <= video.table.end_s <= 60
        assert len(video.table) == round(video.table.end_s * 30)


def test_the_scenes_have_what_was_asked_for() -> None:
    """Two at once, one that comes back, an empty stretch."""
    visible = sorted((span["start_s"], span["end_s"], span["prompt"]) for span in TRUTH["visible"])
    names = [prompt for *_, prompt in visible]
    assert any(names.count(name) >= 2 for name in names)
    assert any(a[1] > b[0] and a[2] != b[2] for a, b in itertools.pairwise(visible))
    gaps = [b[0] - max(end for _, end, _ in visible[: k + 1]) for k, b in enumerate(visible[1:])]
    assert max(gaps) >= 2.0


def test_the_model_is_small_and_says_what_it_is() -> None:
    assert sum(path.stat().st_size for path in MODEL.rglob("*") if path.is_file()) <= 6_000_000
    card = (MODEL / "README.md").read_text(encoding="utf-8")
    for word in ("Photographs", "Noto", "CLDR", "top-1"):
        assert word in card


def usual_detection(config: Config, store: EmbeddingStore, prompts: Sequence[str]) -> MomentDetection:
    """What the page and the commands find with the settings of the config."""
    settings = Settings(prompts=tuple(prompts), smoothing_s=config.smoothing_s)
    video_id = store.videos()[0].video_id
    return detect(settings, Analysis(video_id, load_encoder(config.model, config), store).video_scores(settings))


def test_with_the_shipped_settings_every_object_is_found_and_the_absent_one_is_not(
    config: Config, store: EmbeddingStore
) -> None:
    assert config.threshold is None
    found = usual_detection(config, store, config.prompts)
    assert found.settings.unit == "corrected"
    assert found.not_sure == ("an elephant",) == (*TRUTH["absent"],)
    there = set(config.prompts) - {"an elephant"}
    assert {prompt for prompt, verdict in found.verdicts.items() if verdict.kind == "there"} == there
    assert {moment.prompt for moment in found.moments} == there
    assert len(found.moments) == len(TRUTH["visible"]) == 8
    assert {candidate.prompt for candidate in found.candidates} == {"an elephant"}
    shares = []
    for prompt in sorted(there):
        own = [(m.start_s, m.end_s) for m in found.moments if m.prompt == prompt]
        assert max(iou(truth, own[0]) for truth in spans(prompt)) >= 0.9  # R1 of the highest
        shares += [max(iou(truth, moment) for moment in own) for truth in spans(prompt)]
    assert len(shares) == 8
    assert sum(shares) / 8 >= 0.96
    assert min(shares) >= 0.9


def test_detect_moments_finds_what_the_page_finds(config: Config, store: EmbeddingStore) -> None:
    encoder, found = load_encoder(config.model, config), usual_detection(config, store, config.prompts)
    settings = Settings(smoothing_s=config.smoothing_s)
    detection = detect_moments(store.videos()[0].video_id, config.prompts, encoder, store, settings=settings)
    assert (list(detection.moments), list(detection.candidates)) == (found.moments, found.candidates)
    assert detection.verdicts == {prompt: verdict.kind for prompt, verdict in found.verdicts.items()}
    told = json.loads(json.dumps(detection.to_dict(), allow_nan=False))
    assert told["verdicts"]["an elephant"] == "not sure"
    assert len(told["moments"]) == 8
    assert 0 <= told["confidence"]["an elephant"] <= 0.95 < told["confidence"]["a dog"] <= 1
    assert set(told["reasons"]) == set(config.prompts)
    assert min(abs(cut - 24.0) for cut in told["shot_boundaries_s"]) < 0.11  # the one cut of the storyboard


@pytest.mark.parametrize("wording", ["a {}", "{}"])
def test_of_the_models_other_names_at_most_one_in_twenty_is_there(
    config: Config, store: EmbeddingStore, wording: str
) -> None:
    lines = (ROOT / "tools" / "sample_world" / "concepts.txt").read_text(encoding="utf-8").splitlines()
    names = [line.split(":")[0].strip() for line in lines if ":" in line and not line.startswith("#")]
    told = " ".join(span["prompt"] for span in TRUTH["visible"]).split()
    absent = [name for name in dict.fromkeys(names) if name not in told]
    assert len(absent) > 240
    prompts = [wording.format(name) for name in absent]
    halves = (prompts[:200], prompts[200:])  # a recipe holds 200
    sure = [p for half in halves for p, v in usual_detection(config, store, half).verdicts.items() if v.sure]
    assert len(sure) <= 0.05 * len(prompts), sure


def test_a_constant_video_has_what_beats_the_bank_throughout_and_nothing_else(config: Config, tmp_path: Path) -> None:
    picture = np.full((96, 128, 3), (90, 140, 60), np.uint8)
    video_maker.write_video(tmp_path / "still.mp4", [picture] * 300, video_maker.VideoSpec())
    store = EmbeddingStore(tmp_path / "store")
    encoder = load_encoder(config.model, config)
    list(index_video(tmp_path / "still.mp4", encoder, store, samples_per_second=config.samples_per_second))
    (record,) = store.videos()
    assert record.table.end_s == 10.0
    prompts = [*config.prompts, *bank_texts("names")[:100]]
    found = usual_detection(config, store, prompts)
    assert found.scores.complete
    beating = {p for p, verdict in found.verdicts.items() if (verdict.confidence or 0) > 0.95}
    assert {p for p, verdict in found.verdicts.items() if verdict.kind == "throughout"} == beating
    assert {verdict.kind for p, verdict in found.verdicts.items() if p not in beating} == {"not sure"}
    assert 0 < len(beating) <= 0.07 * len(found.verdicts)
    assert {(m.prompt, m.start_s, m.end_s) for m in found.moments} == {(p, 0.0, 10.0) for p in beating}
