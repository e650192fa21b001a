"""From stored vectors to scores: right, incremental, and no text embedded twice."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video, score_prompts
from clip_core.analysis.analyse import detect_moments
from clip_core.analysis.score_prompts import clean_prompts, text_vectors
from clip_core.encoders.base import UnreadWords
from clip_core.errors import EncoderError, NotIndexedError, PromptError, StoreFullError
from clip_core.scoring.similarity_table import SimilarityTable
from clip_core.text import clean_prompt
from tests.support import video_maker
from tests.support.fakes import FakeEncoder


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> video_maker.PlantedVideo:
    settings = video_maker.VideoSpec(options={"g": "30", "sc_threshold": "0"})
    return video_maker.planted(tmp_path_factory.mktemp("v"), "v", 90, settings)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path)


def index(video: video_maker.PlantedVideo, store: EmbeddingStore, rate: float | None, encoder: FakeEncoder) -> str:
    list(index_video(video.path, encoder, store, samples_per_second=rate))
    return store.videos()[0].video_id


def test_scores_are_the_cosines_of_the_pictures_and_the_texts(
    video: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    encoder = FakeEncoder()
    video_id = index(video, store, 5.0, encoder)
    scores = score_prompts(video_id, ["a dog", " pizza ", "a dog"], encoder, store)
    pictures = encoder.embed_images([video_maker.number_picture(n) for n in range(0, 90, 6)])
    texts = encoder.embed_texts(["a dog", "pizza"])
    assert scores.prompts == ("a dog", "pizza")
    assert scores.frames.tolist() == list(range(0, 90, 6))
    np.testing.assert_allclose(scores.times_s, np.arange(0, 90, 6) / 30)
    np.testing.assert_allclose(scores.values, pictures @ texts.T, atol=0.02)  # the file is lossy
    assert (scores.start_s, scores.end_s, scores.unit, scores.complete) == (0.0, 3.0, "cosine", True)


def test_texts_are_embedded_once_for_each_model_and_prompt(
    video: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    encoder = FakeEncoder()
    video_id = index(video, store, 1.0, encoder)
    score_prompts(video_id, ["a", "b"], encoder, store)
    score_prompts(video_id, ["b", "c"], encoder, EmbeddingStore(store.location))
    assert encoder.texts == 3


def test_a_reload_reads_and_multiplies_and_encodes_nothing(
    video: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    first = FakeEncoder()
    video_id = index(video, store, 5.0, first)
    expected = score_prompts(video_id, ["a", "b"], first, store)
    reloaded = FakeEncoder()
    scores = score_prompts(video_id, ["a", "b"], reloaded, EmbeddingStore(store.location))
    assert (reloaded.pictures, reloaded.texts) == (0, 0)
    np.testing.assert_array_equal(scores.values, expected.values)


def test_kept_curves_compute_only_what_is_new(video: video_maker.PlantedVideo, store: EmbeddingStore) -> None:
    encoder = FakeEncoder()
    video_id = index(video, store, 5.0, encoder)
    table = SimilarityTable()
    score_prompts(video_id, ["a", "b"], encoder, store, similarities=table)
    assert table.computed_cells == 15 * 2
    score_prompts(video_id, ["a"], encoder, store, similarities=table)
    score_prompts(video_id, ["a", "b"], encoder, store, similarities=table)
    assert table.computed_cells == 15 * 2
    score_prompts(video_id, ["a", "b", "c"], encoder, store, similarities=table)
    assert table.computed_cells == 15 * 3
    index(video, store, 10.0, encoder)
    scores = score_prompts(video_id, ["a", "b", "c"], encoder, store, similarities=table)
    assert table.computed_cells == 30 * 3
    assert scores.frames.tolist() == list(range(0, 90, 3))


def test_a_forgotten_and_reindexed_video_starts_over(video: video_maker.PlantedVideo, store: EmbeddingStore) -> None:
    encoder = FakeEncoder()
    video_id = index(video, store, 10.0, encoder)
    table = SimilarityTable()
    score_prompts(video_id, ["a"], encoder, store, similarities=table)
    store.forget(video_id)
    with pytest.raises(NotIndexedError):
        score_prompts(video_id, ["a"], encoder, store, similarities=table)
    index(video, store, 5.0, encoder)
    assert len(score_prompts(video_id, ["a"], encoder, store, similarities=table)) == 15


def test_while_indexing_the_scores_are_not_complete(video: video_maker.PlantedVideo, store: EmbeddingStore) -> None:
    encoder = FakeEncoder(delay_s=0.02)
    running = index_video(video.path, encoder, store, samples_per_second=None)
    report = next(running)
    scores = score_prompts(store.videos()[0].video_id, ["a"], encoder, store)
    assert (len(scores), scores.complete) == (report.done, False)
    running.close()  # type: ignore[attr-defined]


def test_no_prompts(video: video_maker.PlantedVideo, store: EmbeddingStore) -> None:
    encoder = FakeEncoder()
    scores = score_prompts(index(video, store, 5.0, encoder), [], encoder, store)
    assert (scores.values.shape, encoder.texts) == ((15, 0), 0)


def test_never_indexed(store: EmbeddingStore) -> None:
    with pytest.raises(NotIndexedError, match="never indexed with this model"):
        score_prompts("0" * 64, ["a"], FakeEncoder(), store)


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(PromptError, match="Prompt 2 is empty"):
        clean_prompts(["a", " \n "])


def test_prompts_are_normalised_once() -> None:
    assert clean_prompts(["é", unicodedata.normalize("NFD", "é"), " é "]) == ("é",)
    assert clean_prompt("a\ud800b") == "a?b"


def test_one_text_is_no_list_and_a_number_no_text() -> None:
    with pytest.raises(PromptError, match="where a list of prompts belongs"):
        clean_prompts("abc")
    with pytest.raises(PromptError, match="Prompt 2 is not text but NoneType"):
        clean_prompts(["a", None])  # type: ignore[list-item]


def test_without_room_for_a_text_the_scores_are_right_all_the_same(
    video: video_maker.PlantedVideo,
    store: EmbeddingStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    encoder = FakeEncoder()
    video_id = index(video, store, 5.0, encoder)
    expected = score_prompts(video_id, ["a"], encoder, EmbeddingStore(store.location)).values

    def full(*_: object) -> None:
        raise StoreFullError("The disk is full.")

    monkeypatch.setattr(store, "append_texts", full)
    monkeypatch.setattr(store, "texts", lambda *_: {})
    np.testing.assert_array_equal(score_prompts(video_id, ["a"], encoder, store).values, expected)
    assert "The vectors of 1 prompts are not kept: The disk is full." in caplog.text


class UnversedEncoder(FakeEncoder):
    """Does not know the word "rug"."""

    def unread(self, texts: Sequence[str]) -> list[UnreadWords]:
        return [UnreadWords(text, "", ("rug",) if "rug" in text else (), text.replace("rug", "")) for text in texts]


def test_words_that_the_model_does_not_know_are_among_the_warnings(
    video: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    encoder = UnversedEncoder()
    video_id = index(video, store, 5.0, encoder)
    scores = score_prompts(video_id, ["a dog", "rug"], encoder, store)
    want = (
        "“rug”: the model does not know “rug”. It reads nothing else, so the scores say nothing about this prompt.",
    )
    assert scores.warnings == want
    assert detect_moments(video_id, ["a dog", "- rug"], encoder, store).warnings == want
    assert score_prompts(video_id, ["a dog"], encoder, store).warnings == ()


def test_texts_that_were_embedded_before_a_failure_are_not_embedded_again(store: EmbeddingStore) -> None:
    class Failing(FakeEncoder):
        def embed_texts(self, texts):  # type: ignore[no-untyped-def]
            if len(texts) > 2:
                error = EncoderError("It broke.")
                error.finished = super().embed_texts(texts[:3])
                raise error
            return super().embed_texts(texts)

    encoder, texts = Failing(), ["a", "b", "c", "d", "e"]
    with pytest.raises(EncoderError, match="It broke"):
        text_vectors(texts, encoder, store)
    found = text_vectors(texts, encoder, store)
    assert encoder.texts == 5
    np.testing.assert_array_equal(np.stack([found[text] for text in texts]), FakeEncoder().embed_texts(texts))
