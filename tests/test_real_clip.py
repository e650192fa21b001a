"""On real CLIP vectors, who is there is found, who is not is not, and the library finds what the parts find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, detect_moments
from clip_core.scoring.null_bank import NullBank, bank_texts, prompt_banks
from clip_core.scoring.prompt_detection import PromptDetection, detect_prompt
from clip_core.scoring.segments import Neighbours, Segmenter, find_shot_boundaries
from clip_core.scoring.spans import sample_spans
from clip_core.settings import Settings
from clip_core.types import Floats, FrameEmbeddings, Times, TimeTable
from tests.store.test_store import record
from tests.support.fakes import FakeEncoder
from tests.support.real_films import DIM, Pairs, RealFilm

SLACK, SLACK_OF_BEST = 0.06, 0.08
"""Of a share that must be reached on many films, for the few of here: about two standard errors."""

MOST_ABSENT = 150


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return Pairs()


def found_in(
    film: RealFilm, pairs: Pairs, confidence: float = 0.95, bank_names: Sequence[str] = ()
) -> tuple[dict[int, PromptDetection], Times]:
    """Each caption's detection, and the shot boundaries, from the parts that the library is made of."""
    times, order = np.arange(float(len(film.vectors))), np.arange(len(film.vectors))
    shot_boundaries_s = find_shot_boundaries(Neighbours().distances(film.vectors, order), times)
    spans = sample_spans(times, 0.0, float(len(times)))
    segments = Segmenter().segments(film.vectors, order, spans, times, shot_boundaries_s)
    names = list(bank_names) or [f"neutral {row}" for row in film.bank]
    bank = NullBank(names, pairs.captions[film.bank], FakeEncoder.logit_scale)
    rows = [*film.truth, *film.absent[:MOST_ABSENT]]
    banks = prompt_banks([f"caption {row}" for row in rows], bank, film.vectors, order, segments)
    cosines = film.vectors @ pairs.captions[rows].T
    return {
        row: detect_prompt(cosines[:, k], segments, banks[f"caption {row}"], confidence) for k, row in enumerate(rows)
    }, shot_boundaries_s


def iou(a: tuple[float, float], b: tuple[float, float]) -> float:
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (max(a[1], b[1]) - min(a[0], b[0]))


@dataclass
class Tally:
    """What a judge would count."""

    present: list[bool] = field(default_factory=list)
    absent: list[bool] = field(default_factory=list)
    throughout: list[bool] = field(default_factory=list)
    first_is_right: list[bool] = field(default_factory=list)
    best_is_right: list[bool] = field(default_factory=list)
    boundaries: list[float] = field(default_factory=list)

    def add(self, film: RealFilm, found: dict[int, PromptDetection], shot_boundaries_s: Times) -> None:
        self.absent += [found[row].verdict.sure for row in film.absent[:MOST_ABSENT]]
        for row, truth in film.truth.items():
            detected, run = found[row], found[row].runs[0]
            right = iou((float(run.first), float(run.stop)), truth) >= 0.5
            self.present.append(detected.verdict.sure)
            self.throughout.append(detected.verdict.kind == "throughout")
            self.first_is_right.append(right and detected.verdict.sure)
            self.best_is_right.append(right)
        hits = sum(
            bool(len(shot_boundaries_s)) and float(np.abs(shot_boundaries_s - t).min()) < 1e-6
            for t in film.boundaries_s
        )
        if len(film.boundaries_s):
            self.boundaries.append(2 * hits / (len(shot_boundaries_s) + len(film.boundaries_s)))


def tally(pairs: Pairs, shots: Sequence[Sequence[int]], *, moving: bool = False, confidence: float = 0.95) -> Tally:
    counted = Tally()
    for seed, lengths_s in enumerate(shots, 500):
        film = pairs.film(list(lengths_s), seed, moving=moving)
        counted.add(film, *found_in(film, pairs, confidence))
    return counted


@pytest.mark.parametrize(
    ("shots", "length_s", "films", "present", "right", "best"),
    [(60, 5, 3, 0.44, 0.43, 0.79), (20, 15, 6, 0.62, 0.61, 0.91), (5, 60, 16, 0.78, 0.78, 0.97)],
)
def test_stills_are_found_where_they_are_shown(
    pairs: Pairs, shots: int, length_s: int, films: int, present: float, right: float, best: float
) -> None:
    counted = tally(pairs, [[length_s] * shots] * films)
    assert np.mean(counted.present) >= present - SLACK
    assert np.mean(counted.absent) <= 0.07
    assert np.mean(counted.first_is_right) >= right - SLACK
    assert np.mean(counted.best_is_right) >= best - SLACK_OF_BEST
    assert np.mean(counted.boundaries) >= 0.99


def test_moving_shots_are_found_where_they_are_shown(pairs: Pairs) -> None:
    lengths = np.random.default_rng(1).integers(2, 9, (6, 40)).tolist()
    counted = tally(pairs, lengths, moving=True)
    assert np.mean(counted.present) >= 0.49 - SLACK
    assert np.mean(counted.absent) <= 0.07
    assert np.mean(counted.first_is_right) >= 0.45 - SLACK
    assert np.mean(counted.best_is_right) >= 0.79 - SLACK_OF_BEST
    assert np.mean(counted.boundaries) >= 0.97


def test_one_still_is_there_throughout(pairs: Pairs) -> None:
    counted = tally(pairs, [[60]] * 40)
    assert np.mean(counted.throughout) >= 0.9
    assert np.mean(counted.first_is_right) >= 0.9
    assert np.mean(counted.best_is_right) == 1.0
    assert np.mean(counted.absent) <= 0.07


@pytest.mark.parametrize(("confidence", "most"), [(0.90, 0.115), (0.98, 0.035)])
def test_the_confidence_means_what_it_says(pairs: Pairs, confidence: float, most: float) -> None:
    for moving in (False, True):
        counted = tally(pairs, [[8] * 12] * 8, moving=moving, confidence=confidence)
        assert np.mean(counted.absent) <= most


class CaptionEncoder(FakeEncoder):
    """ "caption 7" is the seventh caption; texts of the bank are a film's other captions, in their order."""

    def __init__(self, film: RealFilm, pairs: Pairs) -> None:
        super().__init__(DIM, name="captions")
        self._rows = dict(zip(bank_texts("names"), film.bank, strict=True))
        self._captions = pairs.captions

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        rows = [self._rows[t] if t in self._rows else int(t.removeprefix("caption ")) for t in texts]
        return self._captions[rows]


def stored(film: RealFilm, encoder: CaptionEncoder, folder: Path) -> tuple[str, EmbeddingStore]:
    """A store that holds the film's vectors, as though its video had been indexed at one sample a second."""
    n, store = len(film.vectors), EmbeddingStore(folder)
    pts = np.arange(n, dtype=np.int64)
    known = record("c" * 64, table=TimeTable(pts, Fraction(1), 0, float(n), True, pts[:1]))
    store.remember_video(known)
    store.begin(known.video_id, encoder.fingerprint, encoder.id, 1.0)
    store.append(known.video_id, encoder.fingerprint, FrameEmbeddings(pts, pts.astype(np.float64), film.vectors))
    store.finish(known.video_id, encoder.fingerprint, 1.0)
    return known.video_id, store


@pytest.mark.parametrize("moving", [False, True])
def test_the_public_name_finds_what_the_parts_find(pairs: Pairs, tmp_path: Path, moving: bool) -> None:
    film = pairs.film([9, 5, 12, 7, 3, 11, 6, 4, 10, 8], 42, moving=moving)
    encoder = CaptionEncoder(film, pairs)
    video_id, store = stored(film, encoder, tmp_path)
    rows = [*film.truth, *film.absent[:20]]
    found = detect_moments(video_id, [f"caption {row}" for row in rows], encoder, store)
    expected, shot_boundaries_s = found_in(film, pairs, bank_names=bank_texts("names"))
    assert list(found.shot_boundaries_s) == shot_boundaries_s.tolist()
    kinds = set()
    for row in rows:
        prompt, direct = f"caption {row}", expected[row]
        kinds.add(direct.verdict.kind)
        assert found.verdicts[prompt] == direct.verdict.kind
        assert found.confidence[prompt] == direct.verdict.confidence
        assert found.reasons[prompt] == direct.verdict.reason
        listed = found.moments if direct.verdict.sure else found.candidates
        own = [(m.start_s, m.end_s) for m in listed if m.prompt == prompt]
        peaks = [m.peak for m in listed if m.prompt == prompt]
        # Of neighbouring frames nothing is unknown: a moment begins when its first frame comes.
        assert own == [(float(run.first), float(run.stop)) for run in direct.runs]
        assert peaks == pytest.approx([run.level for run in direct.runs], abs=1e-5)  # the store keeps float16
    assert {"there", "not sure"} <= kinds
    assert found.to_dict()["verdicts"] == dict(found.verdicts)


def test_the_public_name_takes_settings_and_a_confidence(pairs: Pairs, tmp_path: Path) -> None:
    film = pairs.film([9, 5, 12, 7, 3, 11], 43)
    encoder = CaptionEncoder(film, pairs)
    video_id, store = stored(film, encoder, tmp_path)
    prompts = [f"caption {row}" for row in film.truth]
    counts = []
    for confidence in (0.5, 0.9, 0.98):
        found = detect_moments(video_id, prompts, encoder, store, confidence=confidence)
        same = detect_moments(video_id, prompts, encoder, store, settings=Settings(confidence=confidence))
        assert found == same
        counts.append(sum(kind != "not sure" for kind in found.verdicts.values()))
        for prompt, share in found.confidence.items():
            assert share is not None
            assert (found.verdicts[prompt] != "not sure") == (share > confidence)
    assert counts == sorted(counts, reverse=True)
    by_hand = detect_moments(video_id, prompts, encoder, store, settings=Settings(unit="cosine", threshold=-1.0))
    assert {(m.start_s, m.end_s) for m in by_hand.moments} == {(0.0, float(len(film.vectors)))}
    assert by_hand.candidates == ()
