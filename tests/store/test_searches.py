"""Saved searches in the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from clip_core.errors import ReadOnlyError, StoreError
from clip_core.store import searches
from clip_core.store.searches import SavedSearch
from clip_core.store.store import EmbeddingStore


def test_a_search_is_kept_replaced_and_dropped(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path)
    assert store.searches() == ()
    first = SavedSearch("a red car\n- كلب '; DROP", {"name": "x", "shortest_s": 60.0}, {"0" * 12: 5, "1" * 12: 7})
    store.keep_search(first)
    store.keep_search(SavedSearch("a dog"))
    assert EmbeddingStore(tmp_path).searches() == (SavedSearch("a dog"), first)
    assert first.new_among({"0" * 64: 5, "1" * 64: 8, "2" * 64: 1, "3" * 64: 0}) == {"1" * 64, "2" * 64}
    later = SavedSearch(first.text, {}, {"2" * 12: 1})
    store.keep_search(later)
    store.optimize()
    assert store.searches() == (SavedSearch("a dog"), later)
    store.drop_search(first.text)
    store.drop_search("never saved")
    assert store.searches() == (SavedSearch("a dog"),)


def test_no_more_than_a_list_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "MOST_SAVED", 2)
    store = EmbeddingStore(tmp_path)
    for text in ("a", "b", "a"):
        store.keep_search(SavedSearch(text))
    with pytest.raises(StoreError, match="2 searches are saved already"):
        store.keep_search(SavedSearch("c"))


def test_a_read_only_store_keeps_none(tmp_path: Path) -> None:
    EmbeddingStore(tmp_path).keep_search(SavedSearch("a dog"))
    store = EmbeddingStore(tmp_path, read_only=True)
    with pytest.raises(ReadOnlyError):
        store.keep_search(SavedSearch("pizza"))
    with pytest.raises(ReadOnlyError):
        store.drop_search("a dog")
    assert store.searches() == (SavedSearch("a dog"),)
