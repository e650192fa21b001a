"""The levels of the bank are exact, however the frames arrive."""

import unicodedata

import numpy as np
import pytest

from clip_core.scoring import null_bank
from clip_core.scoring.curves import Curves
from clip_core.scoring.null_bank import LEVELS, NullBank, beats, false_alarm_rates, null_captions
from tests.curve_maker import scores_of
from tests.test_curves import frames, table, units


def test_the_captions_are_about_300_clean_and_different() -> None:
    captions = null_captions()
    assert 280 <= len(captions) <= 320
    assert len({caption.lower() for caption in captions}) == len(captions)
    for caption in captions:
        assert caption == unicodedata.normalize("NFC", caption.strip()) == caption.lower()
        assert 1 <= len(caption.split()) <= 9
        assert caption.replace("-", "").replace(" ", "").isalpha()


@pytest.mark.parametrize("m", [1, 7, 300])
def test_a_prompt_beats_a_level_if_that_many_captions_lie_below_it(m: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(null_bank, "BLOCK_SAMPLES", 16)
    captions, vectors, texts = units(m, 1), units(50, 2), units(3, 3)
    bank = NullBank(captions)
    for start in (0, 20, 33):
        bank.extend(vectors[start : {0: 20, 20: 33, 33: 50}[start]])
    curves = Curves()
    curves.add_frames(frames(list(range(50)), vectors))
    levels = bank.follow(curves)
    assert (levels.shape, levels.dtype, bank.computed_cells) == ((50, len(LEVELS)), np.float32, 50 * m)
    cosines, values = vectors @ captions.T, vectors @ texts.T
    np.testing.assert_allclose(bank.peaks, cosines.max(axis=0), atol=1e-6)
    for percent in LEVELS:
        for i in range(50):
            for p in range(3):
                share_below = 100 * np.sum(cosines[i] < values[i, p]) / m
                assert beats(values, levels, percent)[i, p] == (share_below >= percent)


def test_the_bank_follows_curves_in_any_order_and_begins_anew_when_they_do() -> None:
    vectors = units(40, 5)
    curves, bank = Curves(), NullBank(units(30, 6))
    assert bank.follow(curves).shape == (0, 7)
    curves.add_frames(frames([30, 0, 20], vectors))
    bank.follow(curves)
    curves.add_frames(frames([10, 39], vectors))
    levels = bank.follow(curves)
    assert bank.computed_cells == 5 * 30
    alone = NullBank(units(30, 6))
    alone.extend(vectors[[0, 10, 20, 30, 39]])
    other = Curves()
    other.add_frames(frames([0, 10, 20, 30, 39], vectors))
    np.testing.assert_allclose(levels, alone.follow(other), atol=1e-6)
    curves.drop_frames()
    assert bank.follow(curves).shape == (0, 7)
    assert bank.peaks.tolist() == [-1.0] * 30
    curves.add_frames(frames(list(range(40)), vectors))  # more than before
    assert bank.follow(curves).shape == (40, 7)
    np.testing.assert_allclose(bank.peaks, (vectors @ units(30, 6).T).max(axis=0), atol=1e-6)
    assert curves.scores([], table(40)).values.shape == (40, 0)


def test_false_alarm_rates() -> None:
    peaks = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    raw = scores_of([[0.05, 0.3, 0.0], [0.41, 0.1, 0.0]])
    assert false_alarm_rates(raw, peaks) == {"p0": 0.0, "p1": 0.5, "p2": 1.0}
    assert false_alarm_rates(scores_of(np.empty((0, 2)), [], end_s=1.0), peaks) == {"p0": 1.0, "p1": 1.0}
    captions, frame = units(30, 1), units(1, 2)[0]
    cosines = captions @ frame
    assert NullBank(captions).rate_on(frame, float(np.sort(cosines)[-3]) - 1e-4) == pytest.approx(0.1)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="the levels of the bank are 50, 75, 90, 95, 98, 99, 100 %, not 97 %"):
        beats(np.zeros((1, 1), np.float32), np.zeros((1, 7), np.float32), 97)
    with pytest.raises(ValueError, match=r"captions must be \(m, dim\) with m ≥ 1"):
        NullBank(np.empty((0, 8), np.float32))
