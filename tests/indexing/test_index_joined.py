"""Joined recordings are indexed whole: stored, resumed, found again, and indexed anew after an earlier version."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video, open_video
from clip_core.library.identify import known_video, reindex_error
from clip_core.store.videos import VIDEO_COLUMNS
from clip_core.video.continued_clock import PacketLog
from tests.indexing.test_index_video import NumberReader
from tests.indexing.test_thumbnails import numbers
from tests.support.fakes import FakeEncoder
from tests.support.joined_maker import JOINED, Recording, write_joined
from tests.support.video_maker import number_picture, read_number
from tests.test_kill_and_resume import kill_after_two_batches


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


def check_stored(path: Path, store: EmbeddingStore, frames: int) -> None:
    """Check that each frame of a video at 25 fps is stored at its time with its own vector and thumbnail."""
    record = known_video(path, store)
    assert record is not None
    table = record.table
    assert table.times_s == pytest.approx([k / 25 for k in range(frames)], abs=0.001)
    assert (table.end_s, table.confirmed) == (pytest.approx(frames / 25), True)
    stored, _ = store.read(record.video_id, FakeEncoder().fingerprint)
    assert stored.times_s == pytest.approx([k / 25 for k in range(frames)], abs=0.001)
    fresh = FakeEncoder().embed_images([number_picture(number) for number in range(frames)])
    assert (np.sum(fresh * stored.vectors, axis=1) > 0.99).all()
    asked = list(range(0, frames, 7))
    assert numbers(store.thumbnails(record.video_id, table.pts[asked].tolist())) == dict(
        zip(table.pts[asked].tolist(), asked, strict=True)
    )


@pytest.mark.parametrize("kind", ["ts", "mpg"])
def test_each_frame_of_both_recordings_is_stored_at_its_time(kind: str, store: EmbeddingStore, tmp_path: Path) -> None:
    joined, encoder = write_joined(tmp_path, JOINED[kind], [Recording(100), Recording(100)]), NumberReader()
    last = list(index_video(joined.path, encoder, store, samples_per_second=None))[-1]
    assert (last.done, last.total, last.warnings) == (200, 200, ())
    assert sorted(encoder.numbers) == list(range(200))
    check_stored(joined.path, store, 200)


def test_the_second_recording_is_sampled_like_the_first(store: EmbeddingStore, tmp_path: Path) -> None:
    joined, encoder = write_joined(tmp_path, JOINED["ts"], [Recording(100), Recording(100)]), NumberReader()
    list(index_video(joined.path, encoder, store, samples_per_second=2.0))
    record = known_video(joined.path, store)
    assert record is not None
    keys = record.table.number_of(record.table.key_pts).tolist()
    assert sorted(encoder.numbers) == sorted({*range(0, 200, 25), *range(13, 200, 25), *keys})
    idle = FakeEncoder()
    list(index_video(joined.path, idle, store, samples_per_second=2.0))
    assert idle.pictures == 0


@pytest.mark.parametrize("kind", ["ts", "mpg-plain"])
def test_after_a_kill_the_rest_is_embedded(kind: str, tmp_path: Path) -> None:
    joined, place = write_joined(tmp_path, JOINED[kind], [Recording(150), Recording(250)]), tmp_path / "killed"
    said = kill_after_two_batches(joined.path, place)
    rest, store = FakeEncoder(), EmbeddingStore(place)
    stored = len(store.stored_pts(store.videos()[0].video_id, rest.fingerprint))
    assert 0 < said <= stored < 400
    list(index_video(joined.path, rest, store, samples_per_second=None))
    assert rest.pictures == 400 - stored
    check_stored(joined.path, store, 400)


@pytest.mark.parametrize("reading", [None, ""])
def test_what_an_earlier_version_left_of_it_is_indexed_again_as_a_whole(
    reading: str | None, store: EmbeddingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions left out the frames from a join on, or took later ones for those between."""
    joined = write_joined(tmp_path, JOINED["ts"], [Recording(100), Recording(130)])
    single = tmp_path / "single.ts"
    single.write_bytes(joined.path.read_bytes()[: joined.path.stat().st_size // 3 // 188 * 188])
    with monkeypatch.context() as before:
        before.setattr(PacketLog, "joins", lambda *_: ())
        before.setitem(VIDEO_COLUMNS, "reading", "string")
        before.delitem(VIDEO_COLUMNS, "joins")
        for path in (joined.path, single):
            list(index_video(path, FakeEncoder(), store, samples_per_second=None))
            record = known_video(path, store)
            assert record is not None
            store.remember_video(replace(record, reading=reading))
    old, other = known_video(joined.path, store), known_video(single, store)
    assert old is not None
    assert other is not None
    assert (len(old.table) < 231, old.table.joins, old.reading) == (True, (), None)
    error = reindex_error(old, store)
    assert error is not None
    assert re.search(r"joined\.ts was indexed by an earlier version.* clock goes on at joins", str(error))
    assert reindex_error(other, store) is None
    last = list(index_video(joined.path, FakeEncoder(), store, samples_per_second=None))[-1]
    assert [warning for warning in last.warnings if "Indexed again" in warning]
    check_stored(joined.path, store, 230)
    record = known_video(joined.path, store)
    assert record is not None
    assert (reindex_error(record, store), record.reading) == (None, "clock goes on at joins")
    with open_video(joined.path, table=record.table) as video:
        assert read_number(video.frame_at(index=200).rgb) == 200
