"""The sample that ships: its model, its video, its prompts and settings fit together."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, find_moments, index_video, load_config, load_encoder, open_video, score_prompts
from clip_core.config import Config
from clip_core.pipeline.analyse import Analysis
from clip_core.recipe import Recipe
from clip_core.scoring.curves import Curves
from clip_core.scoring.defaults import Default, default_cuts
from clip_core.scoring.findings import Findings, find
from clip_core.scoring.null_bank import NullBank, beats, false_alarm_rates, null_captions
from clip_core.scoring.units import Scale
from clip_core.values import FrameEmbeddings, Moment, Scores
from tests import video_maker

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
def embeddings(config: Config, store: EmbeddingStore) -> FrameEmbeddings:
    encoder = load_encoder(config.model, config)
    return store.read(store.videos()[0].video_id, encoder.fingerprint)[0]


@pytest.fixture(scope="module")
def bank(config: Config) -> NullBank:
    return NullBank(load_encoder(config.model, config).embed_texts(null_captions()))


@pytest.fixture(scope="module")
def defaults(config: Config, scores: Scores, embeddings: FrameEmbeddings, bank: NullBank) -> dict[str, Default]:
    bank.extend(embeddings.vectors)
    return default_cuts(Scale(scores), bank.peaks, smoothing_s=config.smoothing_s)


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


def usual_findings(config: Config, store: EmbeddingStore, video_id: str) -> Findings:
    """What the page and the commands find with the settings of the config."""
    recipe = Recipe(prompts=config.prompts, smoothing_s=config.smoothing_s)
    return find(recipe, Analysis(video_id, load_encoder(config.model, config), store).evidence(recipe))


def test_by_the_real_walk_every_object_is_found_and_the_absent_one_is_not(
    config: Config, store: EmbeddingStore
) -> None:
    assert config.threshold is None
    found = usual_findings(config, store, store.videos()[0].video_id)
    assert set(found.unproven) == {*TRUTH["absent"]} == {"an elephant"}
    assert {moment.prompt for moment in found.moments} == set(config.prompts) - {"an elephant"}
    assert len(found.moments) == len(TRUTH["visible"])
    shares = []
    for prompt in {span["prompt"] for span in TRUTH["visible"]}:
        own = [(m.start_s, m.end_s) for m in sorted(found.moments, key=lambda m: -m.peak) if m.prompt == prompt]
        assert max(iou(truth, own[0]) for truth in spans(prompt)) >= 0.7  # R1@0.7 of 100 %
        shares += [max(iou(truth, moment) for moment in own) for truth in spans(prompt)]
    assert len(shares) == len(TRUTH["visible"])
    assert sum(shares) / len(shares) >= 0.85
    assert min(shares) >= 0.7


def test_the_bank_knows_the_absent_prompt_by_the_whole_video_not_by_single_samples(
    scores: Scores, embeddings: FrameEmbeddings, bank: NullBank, defaults: dict[str, Default]
) -> None:
    rates = false_alarm_rates(scores, bank.peaks)
    assert {prompt for prompt, rate in rates.items() if rate <= 0.05} == set(defaults)
    assert rates[TRUTH["absent"][0]] > 0.2
    curves = Curves()
    curves.add_frames(embeddings)
    single = beats(scores.values, NullBank(bank.captions).follow(curves), 95)
    assert single[:, scores.prompts.index(TRUTH["absent"][0])].any()


def test_a_constant_video_gives_none_by_the_real_walk(config: Config, tmp_path: Path) -> None:
    picture = np.full((96, 128, 3), (90, 140, 60), np.uint8)
    video_maker.write_video(tmp_path / "still.mp4", [picture] * 300, video_maker.Recipe())
    store = EmbeddingStore(tmp_path / "store")
    encoder = load_encoder(config.model, config)
    list(index_video(tmp_path / "still.mp4", encoder, store, samples_per_second=config.samples_per_second))
    (record,) = store.videos()
    assert record.table.end_s == 10.0
    found = usual_findings(config, store, record.video_id)
    assert found.scores.complete
    assert found.scores.prompts == config.prompts
    assert found.moments == []
