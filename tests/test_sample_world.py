"""The sample that ships: its model, its video, its prompts and settings fit together."""

import itertools
import json
from pathlib import Path

import pytest

from clip_core import EmbeddingStore, find_moments, index_video, load_config, load_encoder, open_video, score_prompts
from clip_core.config import Config
from clip_core.values import Moment, Scores

ROOT = Path(__file__).parents[1]
VIDEO = ROOT / "data" / "sample.mp4"
TRUTH = json.loads((ROOT / "data" / "sample.truth.json").read_text(encoding="utf-8"))
MODEL = ROOT / "data" / "models" / "sample"


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(ROOT / "config.yaml")


@pytest.fixture(scope="module")
def scores(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Scores:
    encoder = load_encoder(config.model, config)
    store = EmbeddingStore(tmp_path_factory.mktemp("store"))
    list(index_video(VIDEO, encoder, store, samples_per_second=config.samples_per_second))
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
