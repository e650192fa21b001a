"""What neutral texts score is exact, however the frames arrive, and a prompt is held against texts of its own kind."""

from __future__ import annotations

import unicodedata
from typing import get_args

import numpy as np
import pytest

from clip_core.scoring import null_bank
from clip_core.scoring.null_bank import (
    BankKind,
    NullBank,
    PromptBank,
    bank_levels,
    bank_texts,
    kind_of,
    prompt_banks,
)
from clip_core.scoring.segments import Segments
from tests.scoring.test_similarity_table import units

SHARPNESS = 60.0


def texts_of(m: int) -> list[str]:
    return [f"text {k}" for k in range(m)]


def log_mean_exp(cosines: np.ndarray) -> np.ndarray:
    """The slow, obvious way, over the last axis."""
    return np.log(np.exp(SHARPNESS * cosines.astype(np.float64)).mean(axis=-1)) / SHARPNESS


def segments_of(vectors: np.ndarray, starts: list[int]) -> Segments:
    """Segments of samples one second apart."""
    parts = np.split(vectors, starts[1:])
    lengths = np.array([len(part) for part in parts], np.float64)
    return Segments(np.array(starts), lengths, np.array([p.mean(axis=0) for p in parts], np.float32),
                    np.ones(len(vectors)))  # fmt: skip


@pytest.mark.parametrize("kind", get_args(BankKind))
def test_each_bank_has_300_clean_texts_of_its_kind_all_different(kind: BankKind) -> None:
    texts = bank_texts(kind)
    assert len(texts) == 300
    assert len({null_bank._bare(text) for text in texts}) == 300
    for text in texts:
        assert text == unicodedata.normalize("NFC", text.strip()) == text.lower()
        assert 1 <= len(text.split()) <= 20
        assert text.translate(str.maketrans("", "", " -',")).isalpha()
    assert {kind_of(text) for text in texts} == {kind}


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [("dog", "names"), ("a dog", "names"), ("the big red dog", "names"), ("a very big red dog", "captions"),
     ("people on a beach", "captions"), ("pizza and an extra spoon", "captions"), ("  A  Dog ", "names"), ("", "names"),
     ("a", "names")],
)  # fmt: skip
def test_a_prompt_of_three_words_after_its_article_is_a_name(prompt: str, kind: BankKind) -> None:
    assert kind_of(prompt) == kind


@pytest.mark.parametrize("m", [2, 7, 300])
def test_the_level_is_the_log_mean_exp_with_and_without_one_text(m: int) -> None:
    cosines = np.random.default_rng(m).normal(0.2, 0.05, (40, m)).astype(np.float32)
    levels = bank_levels(cosines, SHARPNESS)
    np.testing.assert_allclose(levels.level, log_mean_exp(cosines), atol=1e-6)
    assert np.all(levels.level >= cosines.mean(axis=1) - 1e-6)
    assert np.all(levels.level <= cosines.max(axis=1) + 1e-6)
    assert levels.top.tolist() == cosines.argmax(axis=1).tolist()
    for text in {0, m // 2, m - 1}:
        expected = log_mean_exp(np.delete(cosines, text, axis=1))
        np.testing.assert_allclose(levels.without(text, cosines[:, text]), expected, atol=2e-5)
    rows = np.array([3, 0, 17])
    np.testing.assert_array_equal(levels.take(rows).level, levels.level[rows])
    np.testing.assert_array_equal(
        levels.take(rows).without(1, cosines[rows, 1]), levels.without(1, cosines[:, 1])[rows]
    )


def test_a_text_that_towers_above_the_others_is_left_out_exactly() -> None:
    """Its share of the sum is 1 in floats, so what is left must not be what is left by subtraction."""
    cosines = np.full((1, 300), 0.1, np.float32)
    cosines[0, 7] = 0.9
    levels = bank_levels(cosines, 100.0)
    assert levels.without(7, cosines[:, 7])[0] == pytest.approx(0.1, abs=1e-6)
    assert levels.level[0] == pytest.approx(0.9 - np.log(300) / 100, abs=1e-6)


def test_no_frames_have_no_levels() -> None:
    assert bank_levels(np.empty((0, 5), np.float32), SHARPNESS).level.shape == (0,)
    bank = NullBank(texts_of(5), units(5, 1), 100.0)
    bank.extend(np.empty((0, 8), np.float32))
    assert (len(bank), bank.computed_cells) == (0, 0)


def test_frames_are_looked_at_once_in_whatever_blocks_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(null_bank, "BLOCK_SAMPLES", 16)
    texts, vectors = units(30, 1), units(50, 2)
    bank = NullBank(texts_of(30), texts, 100.0)
    for first, stop in ((0, 20), (20, 33), (33, 50)):
        bank.extend(vectors[first:stop])
    assert (len(bank), bank.computed_cells, bank.sharpness) == (50, 50 * 30, pytest.approx(60.0))
    order = np.random.default_rng(0).permutation(50)
    expected = log_mean_exp(vectors @ texts.T)
    np.testing.assert_allclose(bank.levels(order).level, expected[order], atol=1e-5)
    bank.forget()
    assert len(bank) == 0
    bank.extend(vectors[:3])
    np.testing.assert_allclose(bank.levels(np.arange(3)).level, expected[:3], atol=1e-5)


def test_a_prompt_is_known_in_the_bank_but_for_article_and_capitals() -> None:
    bank = NullBank(["a dog", "the red bus", "an apple"], units(3, 1), 100.0)
    places = [bank.place_of(p) for p in ("dog", "A Dog", "  a  dog", "red bus", "an apple", "dogs", "the", "a")]
    assert places == [0, 0, 0, 1, 2, None, None, None]


def test_only_an_article_at_the_beginning_is_left_out() -> None:
    bank = NullBank(["a panama hat", "a panamhat"], units(2, 1), 100.0)
    assert [bank.place_of(p) for p in ("panama hat", "panamhat", "the a panama hat")] == [0, 1, None]


def test_what_a_prompt_bank_holds_is_what_the_slow_way_gives() -> None:
    m, n, starts = 20, 30, [0, 4, 5, 17]
    texts, vectors = units(m, 1), units(n, 2)
    bank, order = NullBank(texts_of(m), texts, 100.0), np.random.default_rng(3).permutation(n)
    segments = segments_of(vectors[order], starts)
    found = prompt_banks(["another", "text 5", "The Text 5"], bank, vectors, order, segments)
    cosines, on_segments = vectors[order] @ texts.T, segments.means @ texts.T
    own = np.stack([on_segments[:, k] - log_mean_exp(np.delete(on_segments, k, axis=1)) for k in range(m)])
    weights = segments.lengths_s / n
    other = found["another"]
    np.testing.assert_allclose(other.level, log_mean_exp(cosines), atol=1e-5)
    np.testing.assert_allclose(other.segment_level, log_mean_exp(on_segments), atol=1e-5)
    np.testing.assert_allclose(other.peaks, np.sort(own.max(axis=1)), atol=2e-5)
    np.testing.assert_allclose(other.means, np.sort(own @ weights), atol=2e-5)
    for name in ("text 5", "The Text 5"):
        itself = found[name]
        np.testing.assert_allclose(itself.level, log_mean_exp(np.delete(cosines, 5, axis=1)), atol=2e-5)
        np.testing.assert_allclose(itself.segment_level, log_mean_exp(np.delete(on_segments, 5, axis=1)), atol=2e-5)
        np.testing.assert_allclose(itself.peaks, np.sort(np.delete(own.max(axis=1), 5)), atol=2e-5)
        assert len(itself.means) == m - 1
    assert bank.computed_cells == n * m
    prompt_banks(["another"], bank, vectors, order, segments)
    assert bank.computed_cells == n * m


def test_without_frames_no_text_is_beaten_and_nothing_breaks() -> None:
    nothing = Segments(np.empty(0, np.int64), np.empty(0), np.empty((0, 8), np.float32), np.empty(0))
    bank = NullBank(texts_of(4), units(4, 1), 100.0)
    found = prompt_banks(["a dog"], bank, np.empty((0, 8), np.float32), np.empty(0, np.int64), nothing)["a dog"]
    assert (found.level.shape, found.segment_level.shape) == ((0,), (0,))
    assert found.peaks.tolist() == [-np.inf] * 4


def test_the_share_that_is_beaten_and_the_ceiling_of_a_share_agree() -> None:
    empty = np.empty(0, np.float32)
    peaks = np.arange(1, 301, dtype=np.float32) / 1000
    bank = PromptBank(empty, empty, peaks, peaks)
    assert [bank.beaten_by(p) for p in (0.0, 0.001, 0.0015, 0.3, 0.301)] == pytest.approx([0, 0, 1 / 300, 299 / 300, 1])
    for confidence in (0.5, 0.9, 0.95, 0.98):
        ceiling = bank.ceiling(confidence)
        assert bank.beaten_by(ceiling) <= confidence
        assert bank.beaten_by(ceiling + 1e-6) > confidence
    assert bank.ceiling(1.0) == pytest.approx(0.3, abs=2e-5)


def test_what_differs_by_rounding_only_is_not_beaten() -> None:
    empty = np.empty(0, np.float32)
    equal = PromptBank(empty, empty, np.full(300, 0.2, np.float32), empty)
    assert [equal.beaten_by(p) for p in (0.2, 0.2 + 1e-7, 0.2 + 1e-6, 0.2001)] == [0, 0, 0, 1]
    assert 0.2 + 1e-6 < equal.ceiling(0.95) < 0.2001


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"vectors must be \(m, dim\) for m ≥ 2 texts, not \(1, 8\) for 1"):
        NullBank(["a"], units(1, 1), 100.0)
    with pytest.raises(ValueError, match=r"not \(3, 8\) for 2"):
        NullBank(["a", "b"], units(3, 1), 100.0)
