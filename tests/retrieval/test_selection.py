"""Hits of a search as a selection over their videos."""

from __future__ import annotations

from pathlib import Path

import pytest

from clip_core.errors import NotIndexedError
from clip_core.export.formats import write_moments
from clip_core.export.read_moments import read_moments
from clip_core.library.identify import record_of
from clip_core.retrieval.query import parse_query
from clip_core.retrieval.results import Hit
from clip_core.retrieval.selection import NAMELESS, selection_of
from clip_core.store.store import EmbeddingStore
from clip_core.video import open_video
from tests.support.video_maker import VideoSpec, planted

FIRST, SECOND, GONE = "a" * 64, "b" * 64, "c" * 64


def hit(video_id: str, start_s: float, score: float) -> Hit:
    return Hit(video_id, "as it was", start_s, start_s + 0.5, start_s + 0.25, 0, score, 0.3)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    """Two videos, of which the second one's file is gone."""
    store = EmbeddingStore(tmp_path / "store")
    for video_id, name in ((FIRST, "here"), (SECOND, "gone")):
        path = planted(tmp_path, name, 40, VideoSpec(options={"g": "10"})).path
        with open_video(path) as video:
            store.remember_video(record_of(video, video_id, None))
    (tmp_path / "gone.mp4").unlink()
    return store


def test_hits_keep_their_order_and_name_their_videos(store: EmbeddingStore) -> None:
    hits = [hit(SECOND, 0.5, 0.3), hit(FIRST, 0.0, 0.2), hit(SECOND, 0.0, 0.1)]
    selection = selection_of(hits, store, query=parse_query("a dog\na cat\n- a person"))
    assert [video.source.name for video in selection.videos] == ["gone.mp4", "here.mp4"]
    assert [(video.video_id, m.prompt, m.start_s, m.peak) for video, m in selection.rows] == [
        (SECOND, "a dog; a cat", 0.5, 0.3), (FIRST, "a dog; a cat", 0.0, 0.2), (SECOND, "a dog; a cat", 0.0, 0.1),
    ]  # fmt: skip
    assert selection.settings == {"unit": "corrected", "prompts": ["a dog", "a cat", "- a person"]}
    back = read_moments(write_moments("csv", selection), "x.csv")
    assert [(m.start_s, m.peak) for m in back] == [(0.5, 0.3), (0.0, 0.2), (0.0, 0.1)]
    assert f",15,30,{SECOND}" in write_moments("csv", selection).decode()


def test_a_query_without_texts_and_no_hits(store: EmbeddingStore) -> None:
    assert selection_of([hit(FIRST, 0.0, 0.2)], store, unit="cosine").moments[0].prompt == NAMELESS
    assert len(selection_of([], store).rows) == 0


def test_a_video_that_was_forgotten_is_named(store: EmbeddingStore) -> None:
    with pytest.raises(NotIndexedError, match="as it was was forgotten since the search"):
        selection_of([hit(FIRST, 0.0, 0.2), hit(GONE, 0.0, 0.2)], store)
