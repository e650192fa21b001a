"""A stored video and a model → evidence: right, in order, and only what is new is computed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video
from clip_core.errors import EncoderError, NotIndexedError
from clip_core.pipeline.analyse import Analysis, Picture
from clip_core.recipe import Recipe
from clip_core.scoring.findings import find
from clip_core.scoring.null_bank import null_captions
from clip_core.scoring.templates import ensemble, filled
from clip_core.values import Floats, FrameEmbeddings
from tests import video_maker
from tests.fakes import FakeEncoder

BANK = len(null_captions())
PLAIN = Recipe(prompts=("a dog", "pizza"), bank_share=0)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> video_maker.PlantedVideo:
    recipe = video_maker.Recipe(options={"g": "30", "sc_threshold": "0"})
    return video_maker.planted(tmp_path_factory.mktemp("v"), "v", 60, recipe)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path)


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def analysis(video: video_maker.PlantedVideo, store: EmbeddingStore, encoder: FakeEncoder) -> Analysis:
    return Analysis(index(video, store, encoder, 5.0), encoder, store)


def index(video: video_maker.PlantedVideo, store: EmbeddingStore, encoder: FakeEncoder, rate: float) -> str:
    list(index_video(video.path, encoder, store, samples_per_second=rate))
    return store.videos()[0].video_id


def frames(analysis: Analysis) -> Floats:
    return analysis.curves.vectors()[analysis.curves.order]


def test_prompts_and_negatives_are_cosines_and_the_bank_is_not_asked_at_0(
    analysis: Analysis, encoder: FakeEncoder
) -> None:
    found = analysis.evidence(Recipe(prompts=("a dog", "- a person", "pizza"), weights={"pizza": 2.0}, bank_share=0))
    assert (found.raw.prompts, found.negatives.prompts) == (("a dog", "pizza"), ("a person",))
    texts = encoder.embed_texts(["a dog", "pizza", "a person"])
    np.testing.assert_allclose(found.raw.values, frames(analysis) @ texts[:2].T, atol=1e-6)
    np.testing.assert_allclose(found.negatives.values, frames(analysis) @ texts[2:].T, atol=1e-6)
    assert (found.bank, found.weights, found.logit_scale) == (None, {"pizza": 2.0}, 100.0)
    assert found.raw.times_s.tolist() == pytest.approx([k / 5 for k in range(10)])
    assert encoder.texts == 3 + 3  # ours, and the analysis' own
    assert not analysis.bank_is_ready


def test_the_bank_is_embedded_once_for_each_model(
    analysis: Analysis, encoder: FakeEncoder, store: EmbeddingStore
) -> None:
    found = analysis.evidence(replace(PLAIN, bank_share=95.0))
    assert encoder.texts == BANK + 2
    vectors = encoder.embed_texts(null_captions())
    cosines = frames(analysis) @ vectors.T
    assert found.bank is not None
    np.testing.assert_allclose(found.bank.peaks, cosines.max(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.bank.levels[:, -1], cosines.max(axis=1), atol=1e-6)
    again = Analysis(store.videos()[0].video_id, encoder, store)
    before = encoder.texts
    again.evidence(replace(PLAIN, bank_share=50.0))
    assert encoder.texts == before


def test_the_bank_is_not_asked_without_prompts(analysis: Analysis, encoder: FakeEncoder) -> None:
    found = analysis.evidence(Recipe(prompts=("- a person",), bank_share=95))
    assert (found.bank, found.raw.values.shape, encoder.texts) == (None, (10, 0), 1)


def test_only_new_cells_are_computed_and_the_same_question_has_the_same_answer(analysis: Analysis) -> None:
    first = analysis.evidence(PLAIN)
    assert analysis.curves.computed_cells == 10 * 2
    assert analysis.evidence(replace(PLAIN, unit="cosine", threshold=0.3, smoothing_s=2.0, pad_s=1.0)) is first
    analysis.evidence(replace(PLAIN, prompts=("a dog", "pizza", "a tree")))
    assert analysis.curves.computed_cells == 10 * 3
    back = analysis.evidence(PLAIN)
    assert analysis.curves.computed_cells == 10 * 3
    assert np.array_equal(back.raw.values, first.raw.values)
    weighted = analysis.evidence(replace(PLAIN, weights={"a dog": 3.0}))
    assert weighted is not back
    assert analysis.curves.computed_cells == 10 * 3


def test_frames_that_arrive_later_are_taken_in(
    video: video_maker.PlantedVideo, store: EmbeddingStore, encoder: FakeEncoder, analysis: Analysis
) -> None:
    first = analysis.evidence(replace(PLAIN, bank_share=95.0))
    index(video, store, encoder, 10.0)
    second = analysis.evidence(replace(PLAIN, bank_share=95.0))
    assert (len(first.raw), len(second.raw)) == (10, 20)
    assert analysis.curves.computed_cells == 20 * 2
    assert second.bank is not None
    assert second.bank.levels.shape == (20, 7)
    whole = Analysis(store.videos()[0].video_id, encoder, store).evidence(replace(PLAIN, bank_share=95.0))
    assert whole.bank is not None
    np.testing.assert_allclose(second.raw.values, whole.raw.values, atol=1e-6)
    np.testing.assert_allclose(second.bank.levels, whole.bank.levels, atol=1e-6)
    np.testing.assert_allclose(second.bank.peaks, whole.bank.peaks, atol=1e-6)


def test_templates_give_one_vector_of_all_wordings(analysis: Analysis, encoder: FakeEncoder) -> None:
    found = analysis.evidence(replace(PLAIN, templates="simple"))
    wordings = filled("a dog", "simple")
    assert len(wordings) == 7
    vector = ensemble(encoder.embed_texts(wordings))
    np.testing.assert_allclose(found.raw.column("a dog"), frames(analysis) @ vector, atol=1e-6)
    plain = analysis.evidence(PLAIN)
    assert not np.allclose(plain.raw.values, found.raw.values, atol=1e-3)


def test_ribbons_are_mean_and_spread_of_the_wordings(analysis: Analysis, encoder: FakeEncoder) -> None:
    sentence = "a brown dog runs over a green meadow"
    recipe = Recipe(prompts=("a dog", sentence), templates="simple", bank_share=0)
    analysis.evidence(recipe)
    ribbons = analysis.ribbons(recipe)
    assert list(ribbons) == ["a dog"]  # a sentence has one wording
    cosines = frames(analysis) @ encoder.embed_texts(filled("a dog", "simple")).T
    low, high = ribbons["a dog"]
    curve = analysis.evidence(recipe).raw.column("a dog")
    np.testing.assert_allclose((low + high) / 2, curve, atol=1e-6)
    around = cosines.std(axis=1) * np.median(curve / cosines.mean(axis=1))  # as much longer as the curve is
    np.testing.assert_allclose((high - low) / 2, around, atol=1e-5)
    assert analysis.ribbons(replace(recipe, templates="none")) == {}


def test_pictures_never_mix_with_texts(analysis: Analysis, encoder: FakeEncoder) -> None:
    picture = Picture(video_maker.number_picture(30))
    texts = analysis.evidence(replace(PLAIN, bank_share=95.0))
    seen = encoder.pictures
    recipe = Recipe(prompts=("a dog", "- a person"), weights={"a dog": 9.0})
    found = analysis.evidence(recipe, pictures={"a dog": picture})
    assert (found.raw.prompts, found.negatives.prompts, found.bank) == (("a dog",), (), None)
    assert int(found.raw.values.argmax()) == 5  # frame 30 at 1.0 s
    assert found.raw.values.max() > 0.99
    assert encoder.pictures == seen + 1
    assert "margin" not in found.scale.units
    analysis.evidence(recipe, pictures={"another name": Picture(picture.rgb.copy())})
    assert encoder.pictures == seen + 1  # the same pixels
    back = analysis.evidence(replace(PLAIN, bank_share=95.0))
    assert np.array_equal(back.raw.values, texts.raw.values)


def test_a_picture_that_is_a_frame_scores_at_most_1(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding puts the cosine of a vector with itself above 1, which no axis reaches."""
    analysis.evidence(PLAIN)
    monkeypatch.setattr(FakeEncoder, "embed_images", lambda _self, _images: frames(analysis)[3:4] * np.float32(1.0001))
    vector = analysis.evidence(PLAIN, pictures={"it": Picture(video_maker.number_picture(0))})
    assert float(vector.raw.values.max()) == 1.0
    inside = find(Recipe(unit="cosine", smoothing_s=0), vector).within("it", (-1.0, 1.0))
    assert np.isfinite(inside).all()


def test_no_picture_at_all(analysis: Analysis) -> None:
    found = analysis.evidence(PLAIN, pictures={})
    assert found.raw.values.shape == (10, 0)
    assert find(Recipe(), found).moments == []


def test_a_video_that_was_never_begun(store: EmbeddingStore, encoder: FakeEncoder) -> None:
    with pytest.raises(NotIndexedError):
        Analysis("0" * 64, encoder, store).evidence(PLAIN)


def test_a_model_that_fails_leaves_what_is_known(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    first = analysis.evidence(PLAIN)

    def fail(self: FakeEncoder, texts: object) -> Floats:
        raise EncoderError("The server is down.", "Try again.")

    monkeypatch.setattr(FakeEncoder, "embed_texts", fail)
    with pytest.raises(EncoderError):
        analysis.evidence(replace(PLAIN, prompts=("a dog", "new")))
    with pytest.raises(EncoderError):
        analysis.evidence(replace(PLAIN, bank_share=95.0))
    assert not analysis.bank_is_ready
    assert np.array_equal(analysis.evidence(PLAIN).raw.values, first.raw.values)


def test_one_sample(tmp_path: Path, store: EmbeddingStore, encoder: FakeEncoder) -> None:
    film = video_maker.planted(tmp_path, "one", 1, video_maker.Recipe())
    list(index_video(film.path, encoder, store, samples_per_second=5.0))
    found = Analysis(store.videos()[0].video_id, encoder, store).evidence(replace(PLAIN, bank_share=95.0))
    assert len(found.raw) == 1
    assert np.isfinite(found.raw.values).all()
    assert find(Recipe(smoothing_s=3.0), found).moments == []
    assert len(found.cuts_s) == 0


def test_what_was_forgotten_and_indexed_anew_has_its_own_cuts(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The distances between neighbours belong to rows that are gone."""
    seen: list[np.ndarray] = []
    monkeypatch.setattr(
        "clip_core.pipeline.analyse.find_cuts", lambda distances, _: seen.append(distances) or np.empty(0)
    )
    analysis.evidence(PLAIN)
    curves = analysis.curves
    vectors, order = curves.vectors()[curves.order][::2].copy(), curves.order
    rows = FrameEmbeddings(curves._pts[order][::2].copy(), curves._times_s[order][::2].copy(), vectors)
    curves.drop_frames()
    curves.add_frames(rows)
    analysis.evidence(PLAIN)
    np.testing.assert_allclose(seen[-1], 1 - np.sum(vectors[1:] * vectors[:-1], axis=1), atol=1e-6)
