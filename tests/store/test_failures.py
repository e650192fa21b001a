"""Files that could not be indexed: the last try of each counts, in the order of the tries, also of odd names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clip_core import EmbeddingStore
from clip_core.errors import ReadOnlyError


def test_the_last_try_of_each_file_counts(tmp_path: Path) -> None:
    store, raw = EmbeddingStore(tmp_path / "store"), str(tmp_path / os.fsdecode(b"\xff'.mp4"))
    assert store.failures() == []
    store.forget_failure(raw)
    assert not (tmp_path / "store").exists()
    for path, reason in ((raw, "One."), (tmp_path / "b.mp4", "Two."), (raw, "Three.")):
        store.remember_failure(path, reason)
    found = EmbeddingStore(tmp_path / "store").failures()
    assert [(failed.path, failed.reason) for failed in found] == [(str(tmp_path / "b.mp4"), "Two."), (raw, "Three.")]
    assert found[0].failed_s < found[1].failed_s
    store.forget_failure(tmp_path / "b.mp4")
    store.optimize()
    assert [failed.path for failed in store.failures()] == [raw]


def test_a_relative_path_is_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = EmbeddingStore("store")
    store.remember_failure("a.mp4", "One.")
    store.remember_failure(tmp_path / "a.mp4", "Two.")
    assert [failed.reason for failed in store.failures()] == ["Two."]
    with pytest.raises(ReadOnlyError):
        EmbeddingStore("store", read_only=True).remember_failure("b.mp4", "Three.")
