"""A read-only store: everything that would change it is refused, and what is stored can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clip_core.errors import ReadOnlyError
from clip_core.settings import Settings
from clip_core.store.activities import Activity
from clip_core.store.embeddings import FRAMES
from clip_core.store.runs import RunState
from clip_core.store.searches import SEARCHES, SavedSearch
from clip_core.store.store import EmbeddingStore
from clip_core.store.subtitle_rows import SubtitleSource
from clip_core.store.video_settings import StoredSettings
from clip_core.stretches import Stretches, StretchSummary
from clip_core.types import Annotation
from tests.store.test_store import MODEL, MODEL_2, OTHER, VIDEO, facts, ones, record

JUDGED = Annotation("a dog", 1.0, 0.5, 1.5, "accepted", settings={})
ONE = np.ones(1, np.int64)
STRETCH = Stretches(ONE, ONE, ONE, np.zeros(1), np.ones(1), ONE, np.ones((1, 8), np.float32))


def elsewhere(store: EmbeddingStore) -> EmbeddingStore:
    """Another store, with rows that this one lacks."""
    other = EmbeddingStore(Path(store.location).parent / "elsewhere")
    other.append(OTHER, MODEL, ones(range(2)))
    other.keep_search(SavedSearch("a cat"))
    return other


WRITES: dict[str, Callable[[EmbeddingStore], object]] = {
    "remember_video": lambda store: store.remember_video(record(OTHER)),
    "remember_videos": lambda store: store.remember_videos([record(OTHER)]),
    "begin": lambda store: store.begin(VIDEO, MODEL_2, "m", 2.0),
    "append": lambda store: store.append(VIDEO, MODEL, ones(range(3))),
    "finish": lambda store: store.finish(VIDEO, MODEL, 2.0),
    "append_thumbnails": lambda store: store.append_thumbnails(VIDEO, {1: b"jpeg"}),
    "put_annotation": lambda store: store.put_annotation(VIDEO, JUDGED),
    "withdraw_annotation": lambda store: store.withdraw_annotation(VIDEO, JUDGED),
    "keep_settings": lambda store: store.keep_settings(VIDEO, StoredSettings(Settings(), MODEL)),
    "drop_settings": lambda store: store.drop_settings(VIDEO),
    "keep_subtitles": lambda store: store.keep_subtitles(VIDEO, SubtitleSource("stamp"), []),
    "keep_subtitles_of": lambda store: store.keep_subtitles_of({VIDEO: (SubtitleSource("stamp"), [])}),
    "begin_runs": lambda store: store.begin_runs(MODEL, "sample", {VIDEO: 1.0}),
    "keep_search": lambda store: store.keep_search(SavedSearch("a dog")),
    "drop_search": lambda store: store.drop_search("a dog"),
    "discard": lambda store: store.discard(VIDEO, MODEL),
    "forget_frames": lambda store: store.forget_frames(VIDEO),
    "forget": lambda store: store.forget(VIDEO),
    "optimize": lambda store: store.optimize(),
    "write_stretches": lambda store: store.write_stretches(MODEL, {VIDEO: STRETCH}, {VIDEO: "e"}, 1),
    "drop_stretches": lambda store: store.drop_stretches(VIDEO, MODEL),
    "compact_stretches": lambda store: store.compact_stretches(MODEL),
    "write_stretch_summaries": lambda store: store.write_stretch_summaries(MODEL, {VIDEO: StretchSummary(1)}),
    "drop_stretch_summary": lambda store: store.drop_stretch_summary(VIDEO, MODEL),
    "remember_failure": lambda store: store.remember_failure("/films/a.mp4", "It is broken."),
    "forget_failure": lambda store: store.forget_failure("/films/broken.mp4"),
    "report_activity": lambda store: store.report_activity(Activity("a", "here", 1, "m")),
    "end_activity": lambda store: store.end_activity("a"),
    "append_of_videos": lambda store: store.append_of_videos(MODEL, {VIDEO: ones(range(3))}),
    "append_thumbnails_of": lambda store: store.append_thumbnails_of({VIDEO: {1: b"jpeg"}}),
    "note_runs": lambda store: store.note_runs(MODEL_2, {VIDEO: RunState("m", 2.0, False)}),
    "put_records": lambda store: store.put_records([(record(OTHER), 1)]),
    "take_lacking": lambda store: list(store.take_lacking(elsewhere(store), FRAMES + MODEL)),
    "take_newest": lambda store: store.take_newest(elsewhere(store), SEARCHES),
    "indexing": lambda store: store.indexing(VIDEO, MODEL).__enter__(),
    "check_safe_to_write": lambda store: store.check_safe_to_write(),
}


def contents(folder: Path) -> dict[str, bytes]:
    """Path → bytes of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a store with one video, indexed and judged."""
    place = tmp_path / "embeddings"
    store = EmbeddingStore(place)
    store.remember_video(record())
    store.remember_id("/films/x.mp4", 7, 8, VIDEO)
    store.begin(VIDEO, MODEL, "m", 2.0)
    store.append(VIDEO, MODEL, ones(range(5)))
    store.append_texts(MODEL, ["a dog"], np.ones((1, 8), np.float32))
    store.put_annotation(VIDEO, JUDGED)
    store.remember_failure("/films/broken.mp4", "It is broken.")
    return place


@pytest.mark.parametrize("name", WRITES)
def test_what_would_write_is_refused_and_no_byte_changes(folder: Path, name: str) -> None:
    before = contents(folder)
    with pytest.raises(ReadOnlyError, match="read-only"):
        WRITES[name](EmbeddingStore(folder, read_only=True))
    assert contents(folder) == before


def test_every_method_that_writes_is_tried_above() -> None:
    code = {name for name, value in vars(EmbeddingStore).items() if callable(value)}
    for base in EmbeddingStore.__mro__:
        code |= {name for name, value in vars(base).items() if callable(value) and not name.startswith("_")}
    reads = {"run", "usage", "size_bytes", "video", "videos", "known_id", "stored_pts", "read", "texts", "settings"}
    reads |= {"thumbnails", "thumbnail_pts", "annotations", "check_writable", "remember_id", "append_texts"}
    reads |= {"all_annotations", "ends_s", "frames_of_videos", "stored_rows", "runs_under", "stretch_summaries"}
    reads |= {"stretches_of", "stretches_are_current", "outdated_stretches", "next_generation"}
    reads |= {"nearest_stretches", "frames_of_stretches", "picture_strips", "failures", "activities"}
    reads |= {"summaries", "ids_with", "records_of", "mending", "searches", "remember_ids", "subtitle_sources"}
    reads |= {"subtitles", "subtitle_source", "find_cues", "stored_pts_of", "frame_counts", "records_with_ages"}
    reads |= {"cues_left_over", "kinds_of_tables", "known_tables", "read_whole", "row_count", "tables_of_before"}
    assert {name for name in code if not name.startswith("_")} - reads == set(WRITES)


def test_what_is_stored_can_be_read(folder: Path) -> None:
    store, own = EmbeddingStore(folder, read_only=True), EmbeddingStore(folder)
    assert facts(store.video(VIDEO)) == facts(own.video(VIDEO))
    assert store.known_id("/films/x.mp4", 7, 8) == VIDEO
    assert store.stored_pts(VIDEO, MODEL).tolist() == [0, 1, 2, 3, 4]
    assert [annotation.prompt for annotation in store.annotations(VIDEO)] == ["a dog"]
    assert store.texts(MODEL, ["a dog", "new"]).keys() == {"a dog"}


def test_ids_and_vectors_of_prompts_stay_in_memory(folder: Path) -> None:
    before, store = contents(folder), EmbeddingStore(folder, read_only=True)
    store.remember_id("/films/moved.mp4", 7, 9, VIDEO)
    store.append_texts(MODEL, ["new"], np.full((1, 8), 0.5, np.float32))
    assert store.known_id("/films/moved.mp4", 7, 9) == VIDEO
    assert store.known_id("/films/moved.mp4", 7, 10) is None
    found = store.texts(MODEL, ["new", "a dog", "other"])
    assert {text: vector.tolist() for text, vector in found.items()} == {"new": [0.5] * 8, "a dog": [1.0] * 8}
    assert store.texts(MODEL_2, ["new"]) == {}
    assert EmbeddingStore(folder, read_only=True).texts(MODEL, ["new"]) == {}
    assert contents(folder) == before


def test_memory_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clip_core.store.tables._MOST_IN_MEMORY", 3)
    store = EmbeddingStore(folder, read_only=True)
    for k in range(5):
        store.append_texts(MODEL, [f"text {k}"], np.ones((1, 8), np.float32))
    assert store.texts(MODEL, [f"text {k}" for k in range(5)]).keys() == {"text 2", "text 3", "text 4"}


def test_a_read_only_store_that_does_not_exist_is_empty_and_not_made(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "none", read_only=True)
    assert store.videos() == []
    assert store.texts(MODEL, ["a dog"]) == {}
    assert not (tmp_path / "none").exists()
