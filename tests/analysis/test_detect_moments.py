"""``detect_moments``: for scripts, what the page finds."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clip_core
from clip_core import Detection, EmbeddingStore, detect_moments
from clip_core.analysis.analyse import Analysis
from clip_core.errors import EncoderError, NotIndexedError, PromptError, SettingsError
from clip_core.scoring.detection import MomentDetection, detect
from clip_core.settings import Settings
from clip_core.types import FrameEmbeddings, TimeTable, Unit
from tests.store.test_store import record
from tests.support.fakes import FakeEncoder

VIDEO, DIM, SAMPLES_PER_S, SCENE_S = "d" * 64, 256, 2, 10
DOG, PIZZA, GNOME, TREE = "a dog", "pizza", "a purple gnome", "a tree"
SCENES = ((), (DOG,), (), (PIZZA,), ())
"""What each ten seconds show beside the tree, which is always there; the gnome never is."""
BOUNDARIES_S = pytest.approx([10, 20, 30, 40], abs=0.5 / SAMPLES_PER_S)


@pytest.fixture
def encoder() -> FakeEncoder:
    """Of many dimensions, in which the texts are almost at right angles to each other."""
    return FakeEncoder(DIM)


@pytest.fixture
def store(tmp_path: Path, encoder: FakeEncoder) -> EmbeddingStore:
    """A store that has the film."""
    made, vectors = EmbeddingStore(tmp_path), film(encoder)
    pts = np.arange(len(vectors), dtype=np.int64)
    table = TimeTable(pts, Fraction(1, SAMPLES_PER_S), 0, len(pts) / SAMPLES_PER_S, True, pts[:1])
    made.remember_video(record(VIDEO, table=table))
    made.begin(VIDEO, encoder.fingerprint, encoder.id, SAMPLES_PER_S)
    made.append(VIDEO, encoder.fingerprint, FrameEmbeddings(pts, table.times_s, vectors))
    made.finish(VIDEO, encoder.fingerprint, SAMPLES_PER_S)
    return made


def film(encoder: FakeEncoder) -> np.ndarray:
    """float32 (n, dim): each scene has a picture of its own, with a little noise, and what it shows."""
    rng = np.random.default_rng(0)
    each = SCENE_S * SAMPLES_PER_S
    pictures = [
        0.05 * rng.standard_normal(DIM) + 0.35 * encoder.embed_texts([TREE, *shown]).sum(axis=0) for shown in SCENES
    ]
    vectors = np.repeat(pictures, each, axis=0)
    vectors += 0.01 * rng.standard_normal(vectors.shape)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def through_analysis(settings: Settings, encoder: FakeEncoder, store: EmbeddingStore) -> MomentDetection:
    return detect(settings, Analysis(VIDEO, encoder, store).video_scores(settings))


def test_what_is_planted_is_found_and_the_rest_is_not_sure(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    found = detect_moments(VIDEO, [DOG, PIZZA, GNOME, TREE], encoder, store)
    assert found.verdicts == {DOG: "there", PIZZA: "there", GNOME: "not sure", TREE: "throughout"}
    stretches = {(m.prompt, m.start_s, m.end_s) for m in found.moments}
    assert stretches == {(DOG, 10.0, 20.0), (PIZZA, 30.0, 40.0), (TREE, 0.0, 50.0)}
    assert {(m.prompt, m.label) for m in found.candidates} == {(GNOME, "candidate")}
    assert len(found.candidates) <= 3
    assert found.shot_boundaries_s == BOUNDARIES_S
    assert min(found.confidence[prompt] or 0 for prompt in (DOG, PIZZA, TREE)) > 0.95 > (found.confidence[GNOME] or 0)
    assert [found.reasons[p].split(" %")[0] for p in (DOG, GNOME)] == [
        f"Beats {int(100 * (found.confidence[DOG] or 0))}", f"Beats only {int(100 * (found.confidence[GNOME] or 0))}",
    ]  # fmt: skip


def test_it_finds_what_the_page_finds(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    settings = Settings(prompts=(DOG, PIZZA, GNOME))
    found, page = detect_moments(VIDEO, settings.prompts, encoder, store), through_analysis(settings, encoder, store)
    assert found.moments == tuple(page.moments)
    assert found.candidates == tuple(page.candidates)
    for prompt, verdict in page.verdicts.items():
        said = (found.verdicts[prompt], found.confidence[prompt], found.reasons[prompt])
        assert said == (verdict.kind, verdict.confidence, verdict.reason)
    assert found.shot_boundaries_s == tuple(page.video_scores.shot_boundaries_s.tolist())


def test_the_settings_are_followed_but_for_their_prompts(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    settings = Settings(
        prompts=(GNOME,), unit="z", thresholds={DOG: 1.0}, smoothing_s=3.0, pad_s=0.5, unflagged=(PIZZA,)
    )
    found = detect_moments(VIDEO, [DOG, PIZZA], encoder, store, settings=settings)
    page = through_analysis(replace(settings, prompts=(DOG, PIZZA)), encoder, store)
    assert found.moments == tuple(page.moments)
    assert {m.prompt for m in found.moments} == {DOG}
    assert list(found.verdicts) == [DOG, PIZZA]


@pytest.mark.parametrize("unit", ["cosine", "z", "percentile", "softmax"])
@pytest.mark.parametrize("smoothing_s", [0.0, 8.0])
def test_detection_is_the_same_in_every_unit_and_smoothing(
    encoder: FakeEncoder, store: EmbeddingStore, unit: Unit, smoothing_s: float
) -> None:
    prompts = [DOG, PIZZA, GNOME, TREE]
    usual = detect_moments(VIDEO, prompts, encoder, store)
    settings = Settings(prompts=tuple(prompts), unit=unit, smoothing_s=smoothing_s)
    found = detect_moments(VIDEO, prompts, encoder, store, settings=settings)
    assert (found.verdicts, found.confidence) == (usual.verdicts, usual.confidence)
    for mine, theirs in ((found.moments, usual.moments), (found.candidates, usual.candidates)):
        assert {(m.prompt, m.start_s, m.end_s) for m in mine} == {(m.prompt, m.start_s, m.end_s) for m in theirs}
    page = through_analysis(settings, encoder, store)
    assert np.isfinite(list(page.thresholds.values())).all()
    assert all(page.thresholds[moment.prompt] <= moment.peak for moment in found.moments)


def test_the_confidence_goes_before_that_of_the_settings(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    usual = detect_moments(VIDEO, [GNOME], encoder, store)
    beaten = usual.confidence[GNOME]
    assert beaten is not None
    assert 0.5 < beaten < 0.95
    strict, mild = Settings(confidence=0.98), Settings(confidence=0.5)
    for settings, confidence, kind in (
        (None, None, "not sure"), (None, 0.5, "there"), (mild, None, "there"),
        (mild, 0.98, "not sure"), (strict, 0.5, "there"), (strict, None, "not sure"),
    ):  # fmt: skip
        found = detect_moments(VIDEO, [GNOME], encoder, store, settings=settings, confidence=confidence)
        assert (found.verdicts[GNOME] != "not sure") is (kind == "there")
        assert found.confidence[GNOME] == beaten


@pytest.mark.parametrize("confidence", [0.4, 1.0, 95, float("nan")])
def test_a_confidence_that_cannot_be(encoder: FakeEncoder, store: EmbeddingStore, confidence: float) -> None:
    with pytest.raises(SettingsError, match=r"'confidence' cannot be .* 0\.5 to 0\.999"):
        detect_moments(VIDEO, [DOG], encoder, store, confidence=confidence)


def test_it_is_json(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    found = detect_moments(VIDEO, [DOG, GNOME], encoder, store)
    told: dict[str, Any] = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    fields = ["moments", "candidates", "verdicts", "confidence", "reasons", "shot_boundaries_s", "warnings"]
    assert list(told) == fields
    assert told["moments"] == [asdict(moment) for moment in found.moments]
    assert set(told["moments"][0]) == {"prompt", "start_s", "end_s", "peak_s", "peak", "mean", "label"}
    assert told["candidates"] == [asdict(moment) for moment in found.candidates]
    assert told["verdicts"] == {DOG: "there", GNOME: "not sure"}
    assert (told["confidence"], told["reasons"]) == (found.confidence, found.reasons)
    assert told["shot_boundaries_s"] == list(found.shot_boundaries_s) == BOUNDARIES_S
    assert all(type(value) is float for moment in told["moments"] for value in (moment["peak"], moment["mean"]))


def test_a_negative_prompt_is_held_against_and_not_looked_for(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    prompts = [DOG, "- a person"]
    found = detect_moments(VIDEO, prompts, encoder, store)
    assert (list(found.verdicts), {m.prompt for m in found.moments}) == ([DOG], {DOG})
    margin = Settings(unit="margin", threshold=0.2)
    (moment,) = detect_moments(VIDEO, prompts, encoder, store, settings=margin).moments
    assert (moment.start_s, moment.end_s) == pytest.approx((10.0, 20.0), abs=0.6)
    with pytest.raises(SettingsError, match="negative prompt"):
        detect_moments(VIDEO, [DOG], encoder, store, settings=margin)


def test_a_double_is_taken_once(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    once = detect_moments(VIDEO, [DOG, "café"], encoder, store)
    twice = detect_moments(VIDEO, [DOG, " a dog ", "cafe\u0301", DOG, "café"], encoder, store)
    assert twice == once
    assert list(once.verdicts) == [DOG, "café"]


@pytest.mark.parametrize("prompts", [[""], [DOG, "  "]])
def test_an_empty_prompt_is_refused(encoder: FakeEncoder, store: EmbeddingStore, prompts: list[str]) -> None:
    with pytest.raises(PromptError):
        detect_moments(VIDEO, prompts, encoder, store)


@pytest.mark.parametrize("prompts", [[], ["- a person"]])
def test_without_prompts_there_are_only_shot_boundaries(
    encoder: FakeEncoder, store: EmbeddingStore, prompts: list[str]
) -> None:
    found = detect_moments(VIDEO, prompts, encoder, store)
    assert found == Detection((), (), {}, {}, {}, found.shot_boundaries_s)
    assert found.shot_boundaries_s == BOUNDARIES_S


def test_a_video_that_was_never_indexed(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    with pytest.raises(NotIndexedError):
        detect_moments("0" * 64, [DOG], encoder, store)
    with pytest.raises(NotIndexedError):
        detect_moments(VIDEO, [DOG], FakeEncoder(DIM, name="another"), store)


def test_thresholds_set_by_hand_need_no_null_bank(
    encoder: FakeEncoder, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object, prompts: object) -> None:
        raise EncoderError("The server is down.", "Try again.")

    monkeypatch.setattr(Analysis, "prepare_bank", fail)
    cosine = Settings(unit="cosine", threshold=-1.0)
    found = detect_moments(VIDEO, [DOG, GNOME], encoder, store, settings=cosine)
    assert {(m.prompt, m.start_s, m.end_s) for m in found.moments} == {(DOG, 0.0, 50.0), (GNOME, 0.0, 50.0)}
    assert found.confidence == {DOG: None, GNOME: None}
    json.dumps(found.to_dict(), allow_nan=False)
    with pytest.raises(EncoderError, match="server is down"):
        detect_moments(VIDEO, [DOG], encoder, store)


def test_it_is_a_public_name() -> None:
    assert {"detect_moments", "Detection"} <= set(clip_core.__all__)
    assert clip_core.detect_moments is detect_moments
