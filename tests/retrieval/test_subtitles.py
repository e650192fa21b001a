"""Words in subtitles: which cues are found, in which order, and that a query is text and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from clip_core.errors import PromptError
from clip_core.retrieval.query import SearchQuery
from clip_core.retrieval.subtitles import search_subtitles, words_of
from clip_core.store.store import EmbeddingStore
from clip_core.store.subtitle_rows import SubtitleSource, Words
from clip_core.subtitles import Cue
from tests.store.test_store import OTHER, VIDEO, record

SAID = {
    VIDEO: [
        "The red car stops.", "A car, and it is red", "Ça va, l’école?", "Straße nach München", "日本語の字幕です",
        "don't", "привет мир", "100% <b>", "nothing",
    ],
    OTHER: ["the red car", "car"],
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    place = EmbeddingStore(tmp_path / "embeddings")
    for video_id, name in ((VIDEO, "a.mp4"), (OTHER, "b.mp4")):
        place.remember_video(record(video_id, name=name))
        keep(place, video_id, SAID[video_id])
    return place


def keep(store: EmbeddingStore, video_id: str, texts: list[str]) -> None:
    cues = [Cue(float(at), at + 0.5, text) for at, text in enumerate(texts)]
    store.keep_subtitles(video_id, SubtitleSource("stamp", "a.srt"), cues)


def found(store: EmbeddingStore, query: str, **how: object) -> list[str]:
    return [hit.text for hit in search_subtitles(query, store, **how)]  # type: ignore[arg-type]


def test_a_hit_says_where_and_what(store: EmbeddingStore) -> None:
    (hit,) = search_subtitles("Munchen STRASSE", store)
    assert (hit.video_id, hit.name, hit.start_s, hit.end_s, hit.text) == (VIDEO, "a.mp4", 3.0, 3.5, SAID[VIDEO][3])
    assert hit.score > 0
    assert hit.line == "0:03.000  a.mp4  Straße nach München"


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("red car", ["the red car", "The red car stops.", "A car, and it is red"]),
        ('"red car"', ["the red car", "The red car stops."]),
        ("“red car” stops !", ["The red car stops."]),
        ("ecole", ["Ça va, l’école?"]),
        ("字幕", ["日本語の字幕です"]),
        ("МИР", ["привет мир"]),
        ("don't", ["don't"]),
        ("red moon", []),
        ("munchen\nничего\nмир\n- привет", ["Straße nach München", "привет мир"]),
    ],
)
def test_words_in_any_order_and_phrases(store: EmbeddingStore, query: str, texts: list[str]) -> None:
    assert sorted(found(store, query)) == sorted(texts)
    store.optimize()
    assert sorted(found(store, query)) == sorted(texts), "the same once the index holds all rows"


def test_the_best_come_first_and_no_more_than_asked(store: EmbeddingStore) -> None:
    assert found(store, "red car") == ["the red car", "The red car stops.", "A car, and it is red"]
    assert found(store, "red car", limit=1) == ["the red car"]
    assert found(store, "red car", videos=[OTHER]) == ["the red car"]
    assert found(store, "red car", videos=[]) == []


@pytest.mark.parametrize(
    "query",
    ["'; DROP TABLE subtitles --", "AND OR NOT (", '"', '""', "a:b^2~", "*", "%", "\\", "x" * 1999, "🐕", "\0 q"],
)
def test_no_mark_of_a_query_language_means_anything(store: EmbeddingStore, query: str) -> None:
    assert found(store, query) == []
    assert len(store.subtitles(VIDEO)) == len(SAID[VIDEO])


def test_a_query_without_texts_finds_nothing_and_an_empty_or_endless_one_is_refused(store: EmbeddingStore) -> None:
    assert search_subtitles(SearchQuery(), store) == []
    for query in ("", "  \n", "- a person", "x" * 5000):
        with pytest.raises(PromptError):
            search_subtitles(query, store)


def test_replaced_and_forgotten_subtitles_are_not_found(store: EmbeddingStore) -> None:
    keep(store, OTHER, ["another thing"])
    assert found(store, "red car", videos=[OTHER]) == []
    assert found(store, "another") == ["another thing"]
    store.forget(OTHER)
    assert found(store, "another") == []
    store.keep_subtitles(VIDEO, SubtitleSource("changed"), [])
    assert found(store, "car") == []


def test_an_empty_store_has_no_words(tmp_path: Path) -> None:
    assert found(EmbeddingStore(tmp_path / "none"), "car") == []
    assert not (tmp_path / "none").exists()


def test_quotation_marks_of_several_languages_make_phrases() -> None:
    assert words_of('a "b c" „d e“ «f g» h') == Words("a h", ("b c", "d e", "f g"))
    assert words_of('"unclosed one') == Words('"unclosed one')
