"""A stored video and a model → evidence: right, in order, and only what is new is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video, open_video
from clip_core.analysis.analyse import Analysis, Picture
from clip_core.errors import EncoderError, NotIndexedError, SettingsError
from clip_core.library.identify import record_of
from clip_core.scoring.detection import detect
from clip_core.scoring.null_bank import BankKind, NullBank, bank_texts, prompt_banks
from clip_core.scoring.templates import ensemble, filled
from clip_core.settings import Settings
from clip_core.types import Floats, FrameEmbeddings
from tests.support import video_maker
from tests.support.fakes import FakeEncoder

BANK = 300
NAMES = Settings(prompts=("a dog", "pizza"))
GNOME, SENTENCE = "a purple gnome", "a brown dog runs over a green meadow"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> video_maker.PlantedVideo:
    settings = video_maker.VideoSpec(options={"g": "30", "sc_threshold": "0"})
    return video_maker.planted(tmp_path_factory.mktemp("v"), "v", 60, settings)


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
    return analysis.similarities.vectors()[analysis.similarities.order]


def test_prompts_and_negatives_are_cosines_and_the_bank_is_not_asked_where_it_must_not_be(
    analysis: Analysis, encoder: FakeEncoder
) -> None:
    settings = Settings(prompts=("a dog", "- a person", "pizza"), weights={"pizza": 2.0})
    found = analysis.video_scores(settings, ask_bank=False)
    assert (found.raw.prompts, found.negatives.prompts) == (("a dog", "pizza"), ("a person",))
    texts = encoder.embed_texts(["a dog", "pizza", "a person"])
    np.testing.assert_allclose(found.raw.values, frames(analysis) @ texts[:2].T, atol=1e-6)
    np.testing.assert_allclose(found.negatives.values, frames(analysis) @ texts[2:].T, atol=1e-6)
    assert (found.banks, found.has_bank, found.weights, found.logit_scale) == ({}, False, {"pizza": 2.0}, 100.0)
    assert found.raw.times_s.tolist() == pytest.approx([k / 5 for k in range(10)])
    assert encoder.texts == 3 + 3  # ours, and the analysis' own
    assert not analysis.bank_is_ready(settings.positives)
    assert analysis.video_scores(settings) is not found


def test_a_frame_is_shown_until_the_next_one_of_the_video_comes(analysis: Analysis) -> None:
    """A video of 30 frames a second, a sample every sixth; the last frame ends with the video."""
    raw = analysis.video_scores(NAMES, ask_bank=False).raw
    assert raw.until_s is not None
    expected = np.minimum(raw.times_s + 1 / 30, raw.end_s)
    np.testing.assert_allclose(raw.until_s, expected, atol=1e-3)
    assert np.all(raw.until_s > raw.times_s)


@pytest.mark.parametrize(("prompt", "kind"), [(GNOME, "names"), (SENTENCE, "captions")])
def test_each_prompt_is_held_against_texts_of_its_kind_embedded_once_for_each_model(
    analysis: Analysis, encoder: FakeEncoder, store: EmbeddingStore, prompt: str, kind: BankKind
) -> None:
    settings = Settings(prompts=(prompt,))
    found = analysis.video_scores(settings)
    assert encoder.texts == BANK + 1
    assert (found.has_bank, analysis.bank_is_ready([prompt])) == (True, True)
    assert not analysis.bank_is_ready([GNOME, SENTENCE])
    texts = bank_texts(kind)
    bank = NullBank(texts, encoder.embed_texts(texts), 100.0)
    expected = prompt_banks([prompt], bank, frames(analysis), np.arange(10), found.segments)[prompt]
    own = found.banks[prompt]
    for name in ("level", "segment_level", "peaks", "means"):
        np.testing.assert_allclose(getattr(own, name), getattr(expected, name), atol=1e-6)
    np.testing.assert_allclose(found.scale.values("corrected")[:, 0], found.raw.values[:, 0] - own.level, atol=1e-6)
    again = Analysis(store.videos()[0].video_id, encoder, store)
    before = encoder.texts
    again.video_scores(settings)
    assert encoder.texts == before


def test_prompts_of_both_kinds_ask_both_banks(analysis: Analysis, encoder: FakeEncoder) -> None:
    found = analysis.video_scores(Settings(prompts=(GNOME, SENTENCE)))
    assert encoder.texts == 2 * BANK + 2
    assert set(found.banks) == {GNOME, SENTENCE}
    assert not np.allclose(found.banks[GNOME].peaks, found.banks[SENTENCE].peaks)


def test_a_prompt_that_is_in_the_bank_word_for_word_is_held_against_the_others(analysis: Analysis) -> None:
    text = bank_texts("names")[7]
    found = analysis.video_scores(Settings(prompts=(text, GNOME)))
    assert (len(found.banks[text].peaks), len(found.banks[GNOME].peaks)) == (BANK - 1, BANK)


def test_the_bank_is_not_asked_without_prompts(analysis: Analysis, encoder: FakeEncoder) -> None:
    found = analysis.video_scores(Settings(prompts=("- a person",)))
    assert (found.banks, found.raw.values.shape, encoder.texts) == ({}, (10, 0), 1)


def test_only_new_cells_are_computed_and_the_same_question_has_the_same_answer(analysis: Analysis) -> None:
    first = analysis.video_scores(NAMES)
    assert analysis.similarities.computed_cells == 10 * 2
    assert analysis.video_scores(replace(NAMES, unit="cosine", threshold=0.3, smoothing_s=2.0, pad_s=1.0)) is first
    analysis.video_scores(replace(NAMES, prompts=("a dog", "pizza", "a tree")))
    assert analysis.similarities.computed_cells == 10 * 3
    back = analysis.video_scores(NAMES)
    assert analysis.similarities.computed_cells == 10 * 3
    assert np.array_equal(back.raw.values, first.raw.values)
    weighted = analysis.video_scores(replace(NAMES, weights={"a dog": 3.0}))
    assert weighted is not back
    assert analysis.similarities.computed_cells == 10 * 3


def test_frames_that_arrive_later_are_taken_in(
    video: video_maker.PlantedVideo, store: EmbeddingStore, encoder: FakeEncoder, analysis: Analysis
) -> None:
    first = analysis.video_scores(NAMES)
    index(video, store, encoder, 10.0)
    second = analysis.video_scores(NAMES)
    assert (len(first.raw), len(second.raw)) == (10, 20)
    assert analysis.similarities.computed_cells == 20 * 2
    assert analysis._banks["names"].computed_cells == 20 * BANK
    whole = Analysis(store.videos()[0].video_id, encoder, store).video_scores(NAMES)
    np.testing.assert_allclose(second.raw.values, whole.raw.values, atol=1e-6)
    assert second.segments.starts.tolist() == whole.segments.starts.tolist()
    assert second.shot_boundaries_s.tolist() == whole.shot_boundaries_s.tolist()
    for prompt in NAMES.positives:
        for name in ("level", "segment_level", "peaks", "means"):
            left, right = (getattr(e.banks[prompt], name) for e in (second, whole))
            np.testing.assert_allclose(left, right, atol=1e-6)
    one, other = (detect(replace(NAMES, smoothing_s=0), video_scores) for video_scores in (second, whole))
    assert one.verdicts == other.verdicts
    assert [(m.start_s, m.end_s) for m in one.candidates] == [(m.start_s, m.end_s) for m in other.candidates]


def test_templates_give_one_vector_of_all_wordings(analysis: Analysis, encoder: FakeEncoder) -> None:
    found = analysis.video_scores(replace(NAMES, templates="simple"))
    wordings = filled("a dog", "simple")
    assert len(wordings) == 7
    vector = ensemble(encoder.embed_texts(wordings))
    np.testing.assert_allclose(found.raw.column("a dog"), frames(analysis) @ vector, atol=1e-6)
    plain = analysis.video_scores(NAMES)
    assert not np.allclose(plain.raw.values, found.raw.values, atol=1e-3)


def test_ribbons_are_mean_and_spread_of_the_wordings(analysis: Analysis, encoder: FakeEncoder) -> None:
    settings = Settings(prompts=("a dog", SENTENCE), templates="simple")
    analysis.video_scores(settings)
    ribbons = analysis.ribbons(settings)
    assert list(ribbons) == ["a dog"]  # a sentence has one wording
    cosines = frames(analysis) @ encoder.embed_texts(filled("a dog", "simple")).T
    low, high = ribbons["a dog"]
    curve = analysis.video_scores(settings).raw.column("a dog")
    np.testing.assert_allclose((low + high) / 2, curve, atol=1e-6)
    around = cosines.std(axis=1) * np.median(curve / cosines.mean(axis=1))  # as much longer as the curve is
    np.testing.assert_allclose((high - low) / 2, around, atol=1e-5)
    assert analysis.ribbons(replace(settings, templates="none")) == {}


def test_pictures_never_mix_with_texts(analysis: Analysis, encoder: FakeEncoder) -> None:
    picture = Picture(video_maker.number_picture(30))
    texts = analysis.video_scores(NAMES)
    seen = encoder.pictures
    settings = Settings(prompts=("a dog", "- a person"), weights={"a dog": 9.0})
    found = analysis.video_scores(settings, pictures={"a dog": picture})
    assert (found.raw.prompts, found.negatives.prompts, found.banks) == (("a dog",), (), {})
    assert int(found.raw.values.argmax()) == 5  # frame 30 at 1.0 s
    assert found.raw.values.max() > 0.99
    assert encoder.pictures == seen + 1
    assert found.scale.units == ("cosine", "z", "percentile", "softmax")
    assert detect(replace(settings, unit="cosine"), found).verdicts["a dog"].confidence is None
    analysis.video_scores(settings, pictures={"another name": Picture(picture.rgb.copy())})
    assert encoder.pictures == seen + 1  # the same pixels
    back = analysis.video_scores(NAMES)
    assert np.array_equal(back.raw.values, texts.raw.values)


def test_a_picture_that_is_a_frame_scores_at_most_1(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding puts the cosine of a vector with itself above 1, which no axis reaches."""
    analysis.video_scores(NAMES)
    monkeypatch.setattr(FakeEncoder, "embed_images", lambda _self, _images: frames(analysis)[3:4] * np.float32(1.0001))
    vector = analysis.video_scores(NAMES, pictures={"it": Picture(video_maker.number_picture(0))})
    assert float(vector.raw.values.max()) == 1.0
    inside = detect(Settings(unit="cosine", smoothing_s=0), vector).within("it", (-1.0, 1.0))
    assert np.isfinite(inside).all()


def test_no_picture_at_all(analysis: Analysis) -> None:
    found = analysis.video_scores(NAMES, pictures={})
    assert found.raw.values.shape == (10, 0)
    assert detect(Settings(unit="cosine"), found).moments == []
    assert detect(Settings(), found).moments == []  # there is no curve that lacks its neutral texts


def test_a_video_that_was_never_begun(store: EmbeddingStore, encoder: FakeEncoder) -> None:
    with pytest.raises(NotIndexedError):
        Analysis("0" * 64, encoder, store).video_scores(NAMES)


def test_a_model_that_fails_leaves_what_is_known(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    first = analysis.video_scores(NAMES)

    def fail(self: FakeEncoder, texts: object) -> Floats:
        raise EncoderError("The server is down.", "Try again.")

    monkeypatch.setattr(FakeEncoder, "embed_texts", fail)
    with pytest.raises(EncoderError):
        analysis.video_scores(replace(NAMES, prompts=("a dog", "new")))
    with pytest.raises(EncoderError):
        analysis.video_scores(Settings(prompts=("a dog", SENTENCE)))
    assert not analysis.bank_is_ready([SENTENCE])
    assert np.array_equal(analysis.video_scores(NAMES).raw.values, first.raw.values)


def test_where_the_bank_cannot_be_asked_there_is_a_way_without_it(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = FakeEncoder.embed_texts

    def fail_for_many(self: FakeEncoder, texts: Sequence[str]) -> Floats:
        if len(texts) > 10:
            raise EncoderError("The server is down.", "Try again.")
        return known(self, texts)

    monkeypatch.setattr(FakeEncoder, "embed_texts", fail_for_many)
    with pytest.raises(EncoderError):
        analysis.video_scores(NAMES)
    found = detect(replace(NAMES, unit="z"), analysis.video_scores(NAMES, ask_bank=False))
    assert [verdict.confidence for verdict in found.verdicts.values()] == [None, None]
    with pytest.raises(SettingsError, match="Corrected scores need the null bank"):
        detect(NAMES, analysis.video_scores(NAMES, ask_bank=False))


def test_one_sample(tmp_path: Path, store: EmbeddingStore, encoder: FakeEncoder) -> None:
    film = video_maker.planted(tmp_path, "one", 1, video_maker.VideoSpec())
    list(index_video(film.path, encoder, store, samples_per_second=5.0))
    found = Analysis(store.videos()[0].video_id, encoder, store).video_scores(NAMES)
    assert len(found.raw) == 1
    assert np.isfinite(found.raw.values).all()
    detected = detect(replace(NAMES, smoothing_s=3.0, confidence=0.999), found)
    assert (detected.moments, set(detected.not_sure)) == ([], {"a dog", "pizza"})
    assert {(c.start_s, c.end_s) for c in detected.candidates} == {(0.0, found.raw.end_s)}
    assert (len(found.shot_boundaries_s), len(found.segments)) == (0, 1)


def test_no_sample_yet(video: video_maker.PlantedVideo, store: EmbeddingStore, encoder: FakeEncoder) -> None:
    """A video that was begun, of which nothing is stored so far."""
    with open_video(video.path) as opened:
        record = record_of(opened, opened.info.video_id, None)
    store.remember_video(record)
    store.begin(record.video_id, encoder.fingerprint, encoder.id, 5.0)
    found = detect(NAMES, Analysis(record.video_id, encoder, store).video_scores(NAMES))
    assert (found.scores.values.shape, found.moments, found.candidates) == ((0, 2), [], [])
    assert {verdict.reason for verdict in found.verdicts.values()} == {"There are no samples yet."}


def test_what_was_forgotten_and_indexed_anew_has_its_own_cuts_levels_and_segments(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The distances between neighbours belong to rows that are gone."""
    seen: list[np.ndarray] = []
    monkeypatch.setattr(
        "clip_core.analysis.analyse.find_shot_boundaries", lambda distances, _: seen.append(distances) or np.empty(0)
    )
    analysis.video_scores(NAMES)
    curves = analysis.similarities
    vectors, order = curves.vectors()[curves.order][::2].copy(), curves.order
    rows = FrameEmbeddings(curves._pts[order][::2].copy(), curves._times_s[order][::2].copy(), vectors)
    curves.drop_frames()
    curves.add_frames(rows)
    found = analysis.video_scores(NAMES)
    np.testing.assert_allclose(seen[-1], 1 - np.sum(vectors[1:] * vectors[:-1], axis=1), atol=1e-6)
    assert len(found.banks["a dog"].level) == len(rows)
    segments, stop = found.segments, int(found.segments.edges[1])
    first = np.average(vectors[:stop], axis=0, weights=segments.samples_s[:stop])
    np.testing.assert_allclose(segments.means[0], first, atol=1e-6)
