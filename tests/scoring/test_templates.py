"""The template sets are the published ones; an ensemble is a unit vector between its texts."""

import numpy as np
import pytest

from clip_core.scoring import templates
from clip_core.scoring.templates import TEMPLATE_SETS, ensemble, filled, ribbon


def units(n: int, seed: int, dim: int = 16) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def test_the_sets_are_the_published_ones() -> None:
    simple, openai = TEMPLATE_SETS["simple"], TEMPLATE_SETS["openai"]
    assert (len(simple), len(openai), len(set(openai))) == (7, 80, 80)
    assert set(simple) < set(openai)
    assert (simple[0], simple[2], simple[-1]) == ("itap of a {}.", "a origami {}.", "a photo of the small {}.")
    assert (openai[0], openai[1], openai[39], openai[-1]) == (
        "a bad photo of a {}.",
        "a photo of many {}.",
        "a photo of a {}.",
        "a tattoo of the {}.",
    )
    assert all(template.count("{}") == 1 for templates in TEMPLATE_SETS.values() for template in templates)
    assert sum("{}" in t and t.endswith(".") for t in openai) == 80


@pytest.mark.parametrize(
    ("prompt", "template", "text"),
    [
        ("a dog", "a photo of the {}.", "a photo of the dog."),
        ("An  old elephant", "itap of a {}.", "itap of a old elephant."),
        ("dog", "a photo of the {}.", "a photo of the dog."),
        ("the moon", "the toy {}.", "the toy moon."),
        ("the moon", "itap of my {}.", "itap of my moon."),
        ("the moon", "graffiti of {}.", "graffiti of the moon."),
        ("a", "a photo of the {}.", "a photo of the a."),
        ("another dog", "a photo of the {}.", "a photo of the another dog."),
        ("theatre", "a {} in a video game.", "a theatre in a video game."),
        ("{} and {}", "a photo of a {}.", "a photo of a {} and {}."),
        ("a man in a red", "a photo of the {}.", "a photo of the man in a red."),
        ("a man in a red shirt", "a photo of the {}.", "a man in a red shirt"),
    ],
)
def test_filling(prompt: str, template: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEMPLATE_SETS, "simple", (template,))
    assert filled(prompt, "simple") == [text]


def test_filling_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert filled("a dog", "none") == ["a dog"]
    assert filled("a dog", "simple")[:3] == ["itap of a dog.", "a bad photo of the dog.", "a origami dog."]
    assert len(filled("a dog", "openai")) == 80
    assert filled("two people walk along a beach", "openai") == ["two people walk along a beach"]
    with pytest.raises(ValueError, match="there is no template set 'big'; there are none, simple, openai"):
        filled("a dog", "big")  # type: ignore[arg-type]
    monkeypatch.setitem(TEMPLATE_SETS, "simple", ("a {}.", "a {}."))
    assert filled("a dog", "simple") == ["a dog."]


def test_an_ensemble_is_the_mean_direction_whatever_the_lengths() -> None:
    two = np.array([[3, 0, 0], [0, 0.5, 0]], np.float32)
    got = ensemble(two)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, [2**-0.5, 2**-0.5, 0], atol=1e-7)
    np.testing.assert_allclose(ensemble(units(1, 3)), units(1, 3)[0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(ensemble(units(80, 4))), 1, atol=1e-6)
    np.testing.assert_array_equal(ensemble(np.array([[1, 0], [-1, 0]], np.float32)), [1, 0])
    with pytest.raises(ValueError, match="at least one vector"):
        ensemble(np.empty((0, 4), np.float32))
    with pytest.raises(ValueError, match="none of them zero"):
        ensemble(np.zeros((2, 4), np.float32))


def test_the_ribbon_is_mean_and_deviation_of_the_single_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, texts = units(50, 1), units(7, 2)
    monkeypatch.setattr(templates, "BLOCK_SAMPLES", 8)
    low, high = ribbon(frames, texts)
    length = float(np.linalg.norm(texts.astype(float).mean(axis=0)))  # the ensemble's curve is the mean over it
    curve = frames @ ensemble(texts)
    np.testing.assert_allclose((low + high) / 2, curve, atol=1e-6)
    for i in range(50):
        cosines = [float(np.dot(frames[i].astype(float), text)) for text in texts]
        assert low[i] == pytest.approx((np.mean(cosines) - np.std(cosines)) / length, abs=1e-6)
        assert high[i] == pytest.approx((np.mean(cosines) + np.std(cosines)) / length, abs=1e-6)
    alone_low, alone_high = ribbon(frames, texts[:1])
    np.testing.assert_allclose(alone_low, alone_high, atol=1e-7)
    assert ribbon(frames[:0], texts)[0].shape == (0,)
