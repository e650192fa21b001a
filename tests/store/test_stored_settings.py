"""The settings of a video in the store: the newest counts, and what cannot be used is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clip_core.errors import SettingsError, StoreError
from clip_core.settings import Settings
from clip_core.store import video_settings
from clip_core.store.store import EmbeddingStore
from clip_core.store.tables import Tables
from clip_core.store.video_settings import StoredSettings
from tests.store.test_store import record

VIDEO, OTHER, MODEL = "ab" * 32, "cd" * 32, "f0" * 32
ALL = Settings(prompts=("a dog", "- a street"), weights={"a dog": 2.0}, templates="simple", unit="z", threshold=1.25,
             thresholds={"a dog": 2.5}, hysteresis=0.5, confidence=0.9, bank_share=90, smoothing="median",
             smoothing_s=2.4, across_cuts=True, min_gap_s=0.5, min_duration_s=1.5, pad_s=0.25, score_range=(-1.0, 3.0),
             time_range=(1.0, 9.5), unflagged=("a dog",), combinations=(("then", "a dog", "a cat", 2.0),))  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


def plant(store: EmbeddingStore, **changes: Any) -> None:
    """Write a row as another program might."""
    row = {"video": VIDEO, "version": 1, "fingerprint": MODEL, "recipe": "{}", "at_ns": 2**62} | changes
    with Tables(store.location).writing(video_settings.SETTINGS, video_settings.COLUMNS) as table:
        table.add_rows(row)


def test_every_setting_comes_back_in_another_process(store: EmbeddingStore) -> None:
    assert store.settings(VIDEO) is None
    store.keep_settings(VIDEO, StoredSettings(ALL, MODEL))
    assert EmbeddingStore(store.location).settings(VIDEO) == StoredSettings(ALL, MODEL)
    assert store.settings(OTHER) is None


def test_the_newest_counts_and_the_rows_of_a_video_stay_few(store: EmbeddingStore) -> None:
    store.keep_settings(OTHER, StoredSettings(ALL, MODEL))
    for step in range(80):
        store.keep_settings(VIDEO, StoredSettings(Settings(smoothing_s=step / 10), MODEL))
    found = store.settings(VIDEO)
    assert found is not None
    assert found.settings.smoothing_s == 7.9
    assert store.settings(OTHER) == StoredSettings(ALL, MODEL)
    with Tables(store.location).reading(video_settings.SETTINGS) as table:
        assert table is not None
        assert len(table.rows(("at_ns",), f"video = '{VIDEO}'")) <= 33


def test_they_can_be_dropped_and_go_with_the_video(store: EmbeddingStore) -> None:
    store.drop_settings(VIDEO)  # there is no table yet
    for video in (VIDEO, OTHER):
        store.keep_settings(video, StoredSettings(ALL, MODEL))
    store.drop_settings(VIDEO)
    assert store.settings(VIDEO) is None
    store.remember_video(record(OTHER))
    store.forget(OTHER)
    assert store.settings(OTHER) is None


def test_compaction_leaves_them(store: EmbeddingStore) -> None:
    store.keep_settings(VIDEO, StoredSettings(ALL, MODEL))
    store.optimize()
    assert store.settings(VIDEO) == StoredSettings(ALL, MODEL)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": 2}, r"another version \(2\)"),
        ({"recipe": "{"}, "cannot be read"),
        ({"recipe": None}, "cannot be read"),
        ({"recipe": "[" * 100_000}, "cannot be read"),
        ({"recipe": json.dumps({"smoothing_s": 1.0}) + " " * 2_000_000 + "x"}, None),
        ({"recipe": "[1]"}, "holds no settings"),
        ({"recipe": json.dumps({"unit": "miles"})}, "unit"),
        ({"recipe": json.dumps({"smoothing_s": float("nan")})}, "smoothing_s"),
        ({"recipe": json.dumps({"rm": "-rf"})}, "unknown setting"),
    ],
)
def test_what_cannot_be_used_is_told_and_replaced(store: EmbeddingStore, changes: dict[str, Any], says: str) -> None:
    plant(store, **changes)
    if says is not None:
        with pytest.raises(SettingsError, match=says):
            store.settings(VIDEO)
    store.keep_settings(VIDEO, StoredSettings(ALL, MODEL))
    assert store.settings(VIDEO) == StoredSettings(ALL, MODEL)


def test_what_is_too_large_is_refused(store: EmbeddingStore) -> None:
    large = Settings(prompts=tuple(f"{k} " + "x" * 19_000 for k in range(100)))
    with pytest.raises(StoreError, match="more than 1 MB"):
        store.keep_settings(VIDEO, StoredSettings(large, MODEL))
    assert store.settings(VIDEO) is None
