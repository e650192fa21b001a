"""Judgements are kept beside the computed moments, survive, and can be taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore
from clip_core.analysis.annotations import annotation_of, keep_annotation, reviewed_moments, withdraw_annotation
from clip_core.errors import NotIndexedError
from clip_core.scoring.detection import MomentDetection, detect
from clip_core.settings import Settings
from clip_core.types import Annotation
from tests.store.test_store import record
from tests.support.curve_maker import scores_of, video_scores_of

VIDEO, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def detection() -> MomentDetection:
    """A dog at [4.5, 9.5) and [14.5, 19.5)."""
    values = np.full(30, 0.1)
    values[5:10], values[15:20] = 0.3, 0.4
    video_scores = video_scores_of(scores_of(values, prompts=["a dog"]))
    return detect(Settings(prompts=("a dog",), unit="cosine", threshold=0.2, smoothing_s=0.0), video_scores)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    """A store that knows the video."""
    made = EmbeddingStore(tmp_path)
    made.remember_video(record(VIDEO))
    return made


def edges(detection: MomentDetection, store: EmbeddingStore) -> list[tuple[float, float, str]]:
    reviewed = reviewed_moments(detection, VIDEO, store)
    return [(r.moment.start_s, r.moment.end_s, r.annotation.verdict if r.annotation else "computed") for r in reviewed]


def test_untouched_they_are_as_computed(detection: MomentDetection, store: EmbeddingStore) -> None:
    assert edges(detection, store) == [(14.5, 19.5, "computed"), (4.5, 9.5, "computed")]


def test_a_verdict_is_there_in_another_process_too_and_only_for_this_video(
    detection: MomentDetection, store: EmbeddingStore
) -> None:
    first = reviewed_moments(detection, VIDEO, store)[0]
    settings = detection.settings.as_mapping()
    annotation = replace(annotation_of(first, settings), verdict="rejected")
    assert keep_annotation(VIDEO, annotation, store) is None
    again = EmbeddingStore(store.location)
    assert edges(detection, again) == [(14.5, 19.5, "rejected"), (4.5, 9.5, "computed")]
    kept = reviewed_moments(detection, VIDEO, again)[0]
    assert not kept.kept
    assert kept.annotation is not None
    assert kept.annotation.settings == settings
    assert all(r.annotation is None for r in reviewed_moments(detection, OTHER, again))


def test_each_step_gives_back_what_was_there_before(detection: MomentDetection, store: EmbeddingStore) -> None:
    first = reviewed_moments(detection, VIDEO, store)[0]
    accepted = replace(annotation_of(first, {}), verdict="accepted")
    moved = replace(accepted, end_s=25.0, label="barks")
    assert keep_annotation(VIDEO, accepted, store) is None
    assert keep_annotation(VIDEO, moved, store) == accepted
    assert edges(detection, store)[0] == (14.5, 25.0, "accepted")
    assert reviewed_moments(detection, VIDEO, store)[0].moment.label == "barks"
    assert withdraw_annotation(VIDEO, moved, store) == moved
    assert edges(detection, store)[0] == (14.5, 19.5, "computed")
    assert withdraw_annotation(VIDEO, moved, store) is None


def test_an_added_moment_stands_behind_and_is_measured(detection: MomentDetection, store: EmbeddingStore) -> None:
    keep_annotation(VIDEO, Annotation("a dog", 25.0, 24.0, 26.0, "added"), store)
    added = reviewed_moments(detection, VIDEO, store)[-1]
    assert (added.moment.start_s, added.moment.end_s, added.computed, added.kept) == (24.0, 26.0, False, True)
    assert added.moment.peak == pytest.approx(0.1)


def test_two_visitors_of_one_moment_the_later_word_counts(detection: MomentDetection, store: EmbeddingStore) -> None:
    mine = replace(annotation_of(reviewed_moments(detection, VIDEO, store)[0], {}), verdict="accepted")
    other = EmbeddingStore(store.location)
    assert keep_annotation(VIDEO, mine, store) is None
    assert keep_annotation(VIDEO, replace(mine, verdict="rejected"), other) == mine
    assert edges(detection, store)[0] == (14.5, 19.5, "rejected")
    assert len(store.annotations(VIDEO)) == 1


def test_a_forgotten_video_takes_no_judgement(detection: MomentDetection, store: EmbeddingStore) -> None:
    annotation = annotation_of(reviewed_moments(detection, VIDEO, store)[0], {})
    store.forget(VIDEO)
    with pytest.raises(NotIndexedError, match="This video was forgotten, and its judgements with it"):
        keep_annotation(VIDEO, annotation, store)
    assert store.annotations(VIDEO) == ()


def test_judgements_of_prompts_that_are_not_asked_for_wait(detection: MomentDetection, store: EmbeddingStore) -> None:
    keep_annotation(VIDEO, Annotation("a cat", 25.0, 24.0, 26.0, "added"), store)
    assert [r.moment.prompt for r in reviewed_moments(detection, VIDEO, store)] == ["a dog", "a dog"]
    assert len(store.annotations(VIDEO)) == 1


def test_an_edge_moved_past_the_peak_doubles_nothing(detection: MomentDetection, store: EmbeddingStore) -> None:
    first = reviewed_moments(detection, VIDEO, store)[0]
    before_peak = replace(annotation_of(first, {}), end_s=first.moment.peak_s - 0.05)
    keep_annotation(VIDEO, before_peak, store)
    found = reviewed_moments(detection, VIDEO, store)
    assert len(found) == 2
    assert (found[0].moment.start_s, found[0].moment.end_s) == (before_peak.start_s, before_peak.end_s)
