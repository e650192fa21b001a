"""Each (frame, prompt) cell is computed once, and is the cosine."""

from fractions import Fraction

import numpy as np

from clip_core.scoring.similarity_table import SimilarityTable
from clip_core.types import FrameEmbeddings, TimeTable


def units(n: int, seed: int, dim: int = 8) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def table(n: int) -> TimeTable:
    pts = np.arange(n, dtype=np.int64) * 10
    return TimeTable(pts, Fraction(1, 100), 0, n / 10, True, pts[:1])


def frames(numbers: list[int], all_vectors: np.ndarray) -> FrameEmbeddings:
    index = np.array(numbers, np.int64)
    return FrameEmbeddings(index * 10, index / 10, all_vectors[index])


def test_scores_are_cosines_sorted_by_time_whatever_the_order_of_arrival() -> None:
    vectors, texts = units(50, 1), units(3, 2)
    curves = SimilarityTable()
    curves.add_prompts(dict(zip("abc", texts, strict=True)))
    curves.add_frames(frames([40, 0, 20], vectors))
    first = curves.scores("ab", table(50), complete=False)
    curves.add_frames(frames([30, 10], vectors))
    scores = curves.scores("cab", table(50))
    assert (first.frames.tolist(), first.complete) == ([0, 20, 40], False)
    assert scores.frames.tolist() == [0, 10, 20, 30, 40]
    assert scores.times_s.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert (scores.prompts, scores.end_s) == (("c", "a", "b"), 5.0)
    np.testing.assert_allclose(scores.values, vectors[::10] @ texts[[2, 0, 1]].T, atol=1e-6)


def test_it_is_told_until_when_each_frame_is_shown() -> None:
    """Until the next frame of the video comes, sampled or not; the last until the end."""
    curves = SimilarityTable()
    curves.add_prompts({"a": units(1, 2)[0]})
    curves.add_frames(frames([40, 0, 20, 49], units(50, 1)))
    scores = curves.scores("a", table(50))
    assert scores.until_s is not None
    np.testing.assert_allclose(scores.until_s, [0.1, 2.1, 4.1, 5.0])
    curves.drop_frames()
    none = curves.scores("a", table(50))
    assert none.until_s is not None
    assert none.until_s.shape == (0,)


def test_only_missing_cells_are_computed() -> None:
    vectors, texts = units(3000, 1), units(4, 2)
    curves = SimilarityTable()
    curves.add_prompts(dict(zip("abcd", texts, strict=True)))
    curves.add_frames(frames(list(range(100)), vectors))
    curves.scores("ab", table(3000))
    assert curves.computed_cells == 200
    curves.scores("a", table(3000))  # a prompt toggled off and on again
    curves.scores("ab", table(3000))
    assert curves.computed_cells == 200
    curves.scores("abc", table(3000))  # a new prompt
    assert curves.computed_cells == 300
    curves.add_frames(frames(list(range(100, 2000)), vectors))  # k new frames, past the first room
    scores = curves.scores("abc", table(3000))
    assert curves.computed_cells == 300 + 1900 * 3
    np.testing.assert_allclose(scores.values, vectors[:2000] @ texts[:3].T, atol=1e-6)


def test_a_prompt_that_comes_back_catches_up_on_what_it_missed() -> None:
    vectors, texts = units(20, 1), units(2, 2)
    curves = SimilarityTable()
    curves.add_prompts(dict(zip("ab", texts, strict=True)))
    curves.add_frames(frames(list(range(10)), vectors))
    curves.scores("ab", table(20))
    curves.add_frames(frames(list(range(10, 20)), vectors))
    curves.scores("a", table(20))
    assert curves.computed_cells == 20 + 10
    np.testing.assert_allclose(curves.scores("ab", table(20)).values, vectors @ texts.T, atol=1e-6)
    assert curves.computed_cells == 40


def test_unknown_prompts_and_no_frames() -> None:
    curves = SimilarityTable()
    curves.add_prompts({"a": units(1, 0)[0]})
    assert curves.unknown(["a", "b"]) == ["b"]
    empty = curves.scores(["a"], table(5))
    assert (len(empty), empty.values.shape, curves.computed_cells) == (0, (0, 1), 0)


def test_dropped_frames_are_computed_anew() -> None:
    vectors, texts = units(20, 1), units(1, 2)
    curves = SimilarityTable()
    curves.add_prompts({"a": texts[0]})
    curves.add_frames(frames(list(range(20)), vectors))
    curves.scores("a", table(20))
    curves.drop_frames()
    assert len(curves.scores("a", table(20))) == 0
    curves.add_frames(frames([5, 3], vectors))
    np.testing.assert_allclose(curves.scores("a", table(20)).values, vectors[[3, 5]] @ texts.T, atol=1e-6)
