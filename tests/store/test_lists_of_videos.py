"""Lists read no times of frames, and count what is stored without scanning it; stores of before give the same lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_core.errors import StoreError
from clip_core.store import runs, videos
from clip_core.store.store import EmbeddingStore
from clip_core.store.tables import Table
from clip_core.store.videos import packed, summary_of, unpacked
from clip_core.types import Ints, VideoRecord
from tests.store.test_store import MODEL, MODEL_2, OTHER, VIDEO, facts, ones, record

NEW_COLUMNS = ("recorded_s", "frames", "key_frames", "times", "key_times")


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


@pytest.fixture
def before(store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch) -> EmbeddingStore:
    """A store as an earlier version wrote it: with times as lists, and without counts."""
    row = videos._row

    def old_row(given: Any) -> dict[str, Any]:
        return row(given) | {"pts": given.table.pts, "key_pts": given.table.key_pts}

    with monkeypatch.context() as patched:
        patched.setattr(videos, "_row", old_row)
        patched.setattr(videos, "_rewrite_old", lambda _: None)
        for name in NEW_COLUMNS:
            patched.delitem(videos.VIDEO_COLUMNS, name)
        for name in ("frames", "picture_bytes"):
            patched.delitem(runs.COLUMNS, name)
        fill(store)
    return store


def fill(store: EmbeddingStore) -> None:
    store.remember_video(record(VIDEO, added_s=1.0, name="first"))
    store.remember_video(record(OTHER, added_s=2.0))
    store.remember_video(record(VIDEO, added_s=9.0, name="renamed"))
    for video_id, n in ((VIDEO, 5), (OTHER, 7)):
        store.begin(video_id, MODEL, "m", 2.0)
        store.append(video_id, MODEL, ones(range(n)))
        store.append(video_id, MODEL, ones(range(n - 2, n)))
        store.append_thumbnails(video_id, {0: bytes(100), 1: bytes(n)})
        store.finish(video_id, MODEL, 2.0)


def test_summaries_are_what_the_records_say_newest_first(store: EmbeddingStore) -> None:
    assert store.summaries() == []
    fill(store)
    store.remember_video(record(OTHER, added_s=5.0, recorded_s=1.5e9))
    assert store.summaries() == [summary_of(known) for known in store.videos()]
    other, video = store.summaries()
    assert (video.name, video.added_s, video.frames, video.key_frames, video.recorded_s) == ("renamed", 1.0, 4, 2, None)
    assert (other.video_id, other.recorded_s, other.end_s, other.confirmed) == (OTHER, 1.5e9, 36.7, False)


def test_lists_read_no_times_and_finished_runs_are_not_counted_again(
    store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    usage = counted(store)
    read: list[tuple[str, ...]] = []
    rows = Table.rows

    def noted(self: Table, columns: Any, where: str | None = None) -> Any:
        read.append(tuple(columns))
        return rows(self, columns, where)

    monkeypatch.setattr(Table, "rows", noted)
    again = EmbeddingStore(store.location)
    assert (counted(again), len(again.summaries())) == (usage, 2)
    assert len(read) == 2  # records and runs, each once
    assert not {"pts", "times", "vector", "jpeg"} & {name for columns in read for name in columns}


def counted(store: EmbeddingStore) -> list[tuple[Any, ...]]:
    """Video, frames of its models, bytes."""
    return [(v.record.video_id, [m.frames for m in v.models], v.size_bytes) for v in store.usage()]


def test_a_run_that_stopped_is_counted_as_it_is_and_one_that_goes_on_too(store: EmbeddingStore) -> None:
    """A process that was killed has not said how many frames it stored."""
    fill(store)
    before = counted(store)
    assert [frames for _, frames, _ in before] == [[7], [5]]
    store.begin(VIDEO, MODEL, "m", 5.0)
    store.append(VIDEO, MODEL, ones(range(5, 9)))
    store.append_thumbnails(VIDEO, {2: bytes(1000)})
    store.begin(VIDEO, MODEL_2, "other", None)
    assert [frames for _, frames, _ in counted(store)] == [[7], [9, 0]]
    assert counted(store)[1][2] == before[1][2] + 4 * 32 + 1000
    for model in (MODEL, MODEL_2):
        store.finish(VIDEO, model, 5.0)
    assert [frames for _, frames, _ in counted(EmbeddingStore(store.location))] == [[7], [9, 0]]
    assert counted(store)[1][2] == before[1][2] + 4 * 32 + 1000


def test_the_runs_of_a_model_are_those_of_each_video(store: EmbeddingStore) -> None:
    fill(store)
    store.begin(VIDEO, MODEL_2, "other", None)
    assert store.runs_under(MODEL) == {VIDEO: store.run(VIDEO, MODEL), OTHER: store.run(OTHER, MODEL)}
    assert list(store.runs_under(MODEL_2)) == [VIDEO]
    store.forget(VIDEO)
    assert (list(store.runs_under(MODEL)), store.runs_under(MODEL_2)) == ([OTHER], {})


def test_a_store_of_before_gives_the_same_lists(before: EmbeddingStore, tmp_path: Path) -> None:
    fresh = EmbeddingStore(tmp_path / "fresh")
    fill(fresh)
    for opened in (EmbeddingStore(before.location, read_only=True), EmbeddingStore(before.location)):
        assert opened.summaries() == fresh.summaries()
        assert counted(opened) == counted(opened) == counted(fresh)
        assert facts(opened.video(VIDEO)) == facts(fresh.video(VIDEO))


def test_the_first_write_packs_the_times_of_before_and_loses_nothing(before: EmbeddingStore) -> None:
    records = [facts(known) for known in before.videos()]
    before.remember_video(record("ef" * 32, added_s=0.5))
    assert [facts(known) for known in before.videos()][:2] == records
    with before._tables.reading("videos") as table:
        assert table is not None
        rows = table.rows(("pts", "key_pts", "times", "frames")).to_pylist()
    assert len(rows) == 4
    assert all(row["pts"] == row["key_pts"] == [] and row["frames"] == 4 and row["times"] for row in rows)


@pytest.mark.parametrize("packed_then", [VIDEO, OTHER])
def test_what_is_forgotten_while_times_of_before_are_packed_stays_forgotten(
    before: EmbeddingStore, packed_then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process forgets a video, and compacts, while the rows of this one or of another are being packed."""
    row, known, others = videos._row, facts(before.video(VIDEO)), EmbeddingStore(before.location)

    def meanwhile(given: VideoRecord) -> dict[str, Any]:
        if given.video_id == packed_then and others.video(OTHER):
            others.forget(OTHER)
            others.optimize()
        return row(given)

    monkeypatch.setattr(videos, "_row", meanwhile)
    monkeypatch.setattr(videos, "_OLD_AT_ONCE", 1)
    before.remember_video(record("ef" * 32, added_s=0.5))
    assert [summary.video_id for summary in before.summaries()] == [VIDEO, "ef" * 32]
    assert facts(before.video(VIDEO)) == known


@pytest.mark.parametrize(
    "times", [[], [0], [-(2**63), 0, 2**63 - 1], [-512, 0, 1001, 2**40], [*range(0, 108_000 * 512, 512)]]
)
def test_times_come_back_as_they_were_packed(times: list[int]) -> None:
    given: Ints = np.array(times, np.int64)
    data = packed(given)
    assert unpacked(data, len(times)).tolist() == times
    assert len(data) < 5000
    for wrong, count in ((data, len(times) + 1), (data[:-1], len(times)), (b"x", len(times))):
        with pytest.raises(StoreError, match="times of a stored video are damaged"):
            unpacked(wrong, count)
