"""Subtitles of a video: which file is chosen, when it is read again, and what is told of what cannot be read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from clip_core.indexing.index_video import index_video
from clip_core.library.identify import known_video
from clip_core.library.subtitles import refresh_subtitles, subtitle_files, subtitles_are_current
from clip_core.store.store import EmbeddingStore
from clip_core.store.subtitle_rows import SubtitleSource
from clip_core.types import VideoRecord
from tests.support.fakes import FakeEncoder
from tests.support.subtitle_maker import write_talk

INSIDE = [("mov_text", "eng", [(1.0, 2.0, "inside")])]


def srt(text: str, at: str = "00:00:01") -> str:
    return f"1\n{at},000 --> {at},900\n{text}\n"


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


def indexed(path: Path, store: EmbeddingStore) -> VideoRecord:
    for _ in index_video(path, FakeEncoder(), store, samples_per_second=1.0):
        pass
    record = known_video(path, store)
    assert record is not None
    return record


def texts(store: EmbeddingStore, record: VideoRecord) -> list[str]:
    return [cue.text for cue in store.subtitles(record.video_id)]


def source(store: EmbeddingStore, record: VideoRecord) -> tuple[str, str, tuple[str, ...]]:
    found = store.subtitle_source(record.video_id)
    assert found is not None
    return found.source, found.language, found.notes


def test_files_are_tried_in_this_order(tmp_path: Path) -> None:
    order = [
        "film.srt", "film.vtt", "film.default.srt", "film.en.srt", "film.en-GB.VTT", "film.en.sdh.srt", "film.de.srt",
        "film.en.forced.srt",
    ]  # fmt: skip
    others = [
        "film.part2.srt",
        "film2.srt",
        "film.en.srt.txt",
        "film.commentary track.srt",
        "film.cut.mp4",
        "film.cut.srt",
    ]
    for name in (*order, *others, "film.mp4"):
        (tmp_path / name).write_bytes(b"")
    found = [file.path.name for file in subtitle_files(tmp_path / "film.mp4")]
    assert found == order
    assert [file.language for file in subtitle_files(tmp_path / "film.mp4")] == [
        "", "", "", "en", "en-GB", "en", "de", "en",
    ]  # fmt: skip
    assert [file.path.name for file in subtitle_files(tmp_path / "film.cut.mp4")] == ["film.cut.srt"]
    assert subtitle_files(tmp_path / "gone" / "film.mp4") == []


def test_a_file_beside_the_video_comes_before_its_stream_and_is_read_again_when_it_changes(
    tmp_path: Path, store: EmbeddingStore
) -> None:
    path, beside = write_talk(tmp_path / "a.mp4", INSIDE), tmp_path / "a.de.srt"
    record = indexed(path, store)
    assert (texts(store, record), source(store, record)) == (["inside"], ("stream 1 (mov_text)", "eng", ()))
    beside.write_text(srt("eins"))
    assert not subtitles_are_current(path, record.video_id, store)
    assert indexed(path, store).video_id == record.video_id, "nothing to embed; the subtitles are read"
    assert (texts(store, record), source(store, record)) == (["eins"], ("a.de.srt", "de", ()))
    assert subtitles_are_current(path, record.video_id, store)
    beside.write_text(srt("zwei, länger"))
    list(refresh_subtitles(path, record, store))
    assert texts(store, record) == ["zwei, länger"]
    beside.unlink()
    list(refresh_subtitles(path, record, store))
    assert texts(store, record) == ["inside"]
    store.forget(record.video_id)
    assert (store.subtitles(record.video_id), store.subtitle_source(record.video_id)) == ((), None)


def test_files_that_cannot_be_used_are_named_and_the_next_is_read(tmp_path: Path, store: EmbeddingStore) -> None:
    folder, elsewhere = tmp_path / "videos", tmp_path / "secret.srt"
    folder.mkdir()
    elsewhere.write_text(srt("secret"))
    path = write_talk(folder / "a.mkv", [("dvdsub", "eng", [(1.0, 2.0, "")])])
    (folder / "a.srt").symlink_to(elsewhere)
    (folder / "a.vtt").write_text("WEBVTT")
    (folder / "a.en.srt").mkdir()
    os.mkfifo(folder / "a.en.vtt")
    (folder / "a.es.srt").write_bytes(b"x" * 16_000_001)
    record, regular = indexed(path, store), "It is no regular file in the folder of the video, so it is not read."
    told = (
        f"a.srt: {regular}", "a.vtt: It holds no cues.", f"a.en.srt: {regular}", f"a.en.vtt: {regular}",
        "a.es.srt: It has more than 16 MB, so it is not read.",
    )  # fmt: skip
    pictures = "The subtitles in the video are not text (dvdsub), so they cannot be read."
    assert (texts(store, record), source(store, record)) == ([], ("", "", (*told, pictures)))
    (folder / "words.srt").write_text(srt("a link within the folder"))
    (folder / "a.fr.srt").symlink_to(folder / "words.srt")
    list(refresh_subtitles(path, record, store))
    assert texts(store, record) == ["a link within the folder"]
    assert source(store, record) == ("a.fr.srt", "fr", told)


def test_times_of_a_file_count_from_the_first_frame(tmp_path: Path, store: EmbeddingStore) -> None:
    path = write_talk(tmp_path / "late.mp4", [], begins_s=2.0)
    (tmp_path / "late.srt").write_text(srt("now", "00:00:03") + "\n" + srt("never", "00:00:59"))
    record = indexed(path, store)
    (cue,) = store.subtitles(record.video_id)
    assert (round(cue.start_s, 3), round(cue.end_s, 3), cue.text) == (1.0, 1.9, "now")
    assert source(store, record)[2] == ("late.srt: 1 cue outside the video left out: is the file of another cut?",)


def test_one_version_counts_while_another_is_written(tmp_path: Path, store: EmbeddingStore) -> None:
    """A process died between the cues and their source: the earlier ones count, and the next reading tidies up."""
    record = indexed(write_talk(tmp_path / "a.mp4", INSIDE), store)
    half = replace(store.subtitles(record.video_id)[0], text="half")
    store._add_cues(record.video_id, SubtitleSource("s", "x.srt"), [half], 2**62)
    assert texts(store, record) == ["inside"]
    (tmp_path / "a.srt").write_text(srt("newest"))
    list(refresh_subtitles(tmp_path / "a.mp4", record, store))
    assert texts(store, record) == ["newest"]
