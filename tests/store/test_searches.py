"""Saved searches in the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from clip_core.errors import ReadOnlyError, StoreError
from clip_core.indexing.merge_stores import merge_stores
from clip_core.store import searches
from clip_core.store.searches import SavedSearch
from clip_core.store.store import EmbeddingStore
from clip_core.store.tables import digest


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


def test_more_than_a_list_can_hold_are_shown_changed_and_dropped_and_only_a_new_one_is_refused(tmp_path: Path) -> None:
    """A merge of two stores, each of which has fewer."""
    here, there = EmbeddingStore(tmp_path / "here"), EmbeddingStore(tmp_path / "there")
    texts = [f"text {number:03}" for number in range(250)]
    for store, own in ((here, texts[:125]), (there, texts[125:])):
        rows = {name: [""] * 125 for name in ("key", "text", "filter", "seen")}
        rows |= {"key": [digest(text) for text in own], "text": own, "filter": ["{}"] * 125}
        with store._tables.writing(searches.SEARCHES, searches.COLUMNS) as table:
            table.add({**rows, "at_ns": range(125)})
    *_, last = merge_stores(there, here)
    assert last.added == {"searches": 125}
    assert [search.text for search in here.searches()] == texts
    seen = SavedSearch(texts[0], {}, {"1" * 12: 5})
    here.keep_search(seen)
    assert here.searches()[0] == seen
    with pytest.raises(StoreError, match="250 searches are saved already, and 200 is the limit") as caught:
        here.keep_search(SavedSearch("new"))
    assert caught.value.next_step == "Remove 51 first."
    for text in texts[:51]:
        here.drop_search(text)
    here.keep_search(SavedSearch("new"))
    assert [search.text for search in here.searches()] == ["new", *texts[51:]]


def test_a_read_only_store_keeps_none(tmp_path: Path) -> None:
    EmbeddingStore(tmp_path).keep_search(SavedSearch("a dog"))
    store = EmbeddingStore(tmp_path, read_only=True)
    with pytest.raises(ReadOnlyError):
        store.keep_search(SavedSearch("pizza"))
    with pytest.raises(ReadOnlyError):
        store.drop_search("a dog")
    assert store.searches() == (SavedSearch("a dog"),)
