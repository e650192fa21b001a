"""The store's face: records, runs, texts, upkeep, the courtesy lock, and places that cannot be a store."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_core.errors import NotIndexedError, StoreError
from clip_core.store.store import EmbeddingStore
from clip_core.store.subtitle_rows import SubtitleSource
from clip_core.subtitles import Cue
from clip_core.types import FrameEmbeddings, Join, TimeTable, VideoRecord
from tests.support.records import HEADER

ROOT = Path(__file__).resolve().parents[2]
VIDEO, OTHER = "ab" * 32, "cd" * 32
MODEL, MODEL_2 = "f0" * 32, "f1" * 32


def record(video_id: str = VIDEO, **changes: object) -> VideoRecord:
    pts = np.array([-512, 0, 1001, 2**40], dtype=np.int64)
    joins = (Join(2**40 + 1, 2**40, 1001, -(2**33), 900), Join(2**41, 2**41 - 1, 2**40, 7, 2**40))
    table = TimeTable(pts, Fraction(1001, 30_000), -512, 36.7, False, np.array([-512, 1001], dtype=np.int64), joins)
    facts = VideoRecord(
        video_id=video_id,
        path="/films/caf\u00e9 \udcff'; DROP.mp4",
        name='sp ace "quote" 🐕.mp4',
        table=table,
        unreadable_after_s=None,
        added_s=1000.5,
        **HEADER | {"size_bytes": 2**41, "width": 1920, "height": 1080, "header_fps": 29.97},
    )
    return dataclasses.replace(facts, **changes)


def ones(pts: range, dim: int = 8) -> FrameEmbeddings:
    vectors = np.full((len(pts), dim), dim**-0.5, dtype=np.float32)
    return FrameEmbeddings(np.array(pts, dtype=np.int64), np.array(pts, dtype=np.float64), vectors)


def facts(of: VideoRecord | None) -> tuple[object, ...]:
    assert of is not None
    plain = [getattr(of, field.name) for field in dataclasses.fields(of) if field.name != "table"]
    t = of.table
    return (*plain, t.pts.tolist(), t.key_pts.tolist(), t.time_base, t.start_pts, t.end_s, t.confirmed, t.joins)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


def test_importing_and_making_a_store_loads_no_lancedb(tmp_path: Path) -> None:
    code = (
        "import sys; from clip_core.store.store import EmbeddingStore; s = EmbeddingStore(sys.argv[1]);"
        "print(s.videos(), s.usage(), s.size_bytes(), [m for m in ('lancedb', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "none"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[] [] 0 []\n"
    assert not (tmp_path / "none").exists()


# Videos


def test_a_record_comes_back_to_the_last_bit(store: EmbeddingStore) -> None:
    store.remember_video(record())
    found = store.video(VIDEO)
    assert facts(found) == facts(record())
    assert found is not None
    assert found.table.pts.dtype == found.table.key_pts.dtype == np.int64
    assert store.video(OTHER) is None


def test_the_newest_record_counts_and_keeps_when_it_was_added(store: EmbeddingStore) -> None:
    store.remember_video(record())
    confirmed = dataclasses.replace(record().table, confirmed=True, pts=np.arange(9, dtype=np.int64))
    changed = record(path="/elsewhere/b.mp4", added_s=2000.0, table=confirmed, unreadable_after_s=3.25)
    store.remember_video(changed)
    store.remember_video(changed)
    assert facts(store.video(VIDEO)) == facts(dataclasses.replace(changed, added_s=1000.5))
    store.remember_video(record())
    assert facts(store.video(VIDEO)) == facts(record())


def test_videos_come_once_each_the_last_added_first(store: EmbeddingStore) -> None:
    store.remember_video(record(added_s=10.0))
    store.remember_video(record(OTHER, added_s=20.0, name="other"))
    store.remember_video(record(added_s=30.0, name="renamed"))
    assert [(v.video_id, v.name, v.added_s) for v in store.videos()] == [
        (OTHER, "other", 20.0),
        (VIDEO, "renamed", 10.0),
    ]


def test_a_file_is_known_by_path_size_and_time(store: EmbeddingStore, tmp_path: Path) -> None:
    path = tmp_path / "it's; a -- film\udcff.mp4"
    assert store.known_id(path, 10, 20) is None
    store.remember_id(path, 10, 20, VIDEO)
    (tmp_path / "link").symlink_to(tmp_path)
    assert store.known_id(path, 10, 20) == VIDEO
    assert store.known_id(str(tmp_path / "link" / path.name), 10, 20) == VIDEO
    assert [store.known_id(path, 11, 20), store.known_id(path, 10, 21), store.known_id(tmp_path, 10, 20)] == [None] * 3
    store.remember_id(path, 10, 20, OTHER)
    assert store.known_id(path, 10, 20) == OTHER


# Runs


def test_a_run_says_what_was_last_asked_and_whether_it_is_done(store: EmbeddingStore) -> None:
    assert store.run(VIDEO, MODEL) is None
    store.begin(VIDEO, MODEL, "sample", 2.0)
    begun = store.run(VIDEO, MODEL)
    assert begun is not None
    assert (begun.model_id, begun.samples_per_second, begun.finished) == ("sample", 2.0, False)
    store.finish(VIDEO, MODEL, 2.0)
    assert store.run(VIDEO, MODEL) == dataclasses.replace(begun, finished=True)
    store.begin(VIDEO, MODEL, "sample's new name", None)
    assert store.run(VIDEO, MODEL) == dataclasses.replace(begun, model_id="sample's new name", samples_per_second=None)
    assert store.run(VIDEO, MODEL_2) is None
    with pytest.raises(NotIndexedError):
        store.finish(OTHER, MODEL, 2.0)


def test_a_clock_that_was_set_back_does_not_bring_back_old_events(
    store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.begin(VIDEO, MODEL, "sample", 2.0)
    monkeypatch.setattr(time, "time_ns", lambda: 5)
    store.finish(VIDEO, MODEL, 3.0)
    found = store.run(VIDEO, MODEL)
    assert found is not None
    assert (found.samples_per_second, found.finished) == (3.0, True)


# Texts

ODD = ["a dog", "it's; DROP TABLE texts --", '"', "", "日本 🐕\u200d🦺", "\ud800 lone", "x" * 5000, "a\nb\0c"]


def test_texts_round_trip_whatever_they_say(store: EmbeddingStore) -> None:
    vectors = np.random.default_rng(3).normal(size=(len(ODD), 8)).astype(np.float32)
    assert store.texts(MODEL, ODD) == {}
    store.append_texts(MODEL, ODD, vectors)
    store.append_texts(MODEL, ODD[:2], vectors[:2])
    store.append_texts(MODEL_2, ODD[:1], -vectors[:1])
    found = store.texts(MODEL, [*ODD, "unknown", "a Dog"])
    assert set(found) == set(ODD)
    for prompt, vector in zip(ODD, vectors, strict=True):
        assert found[prompt].dtype == np.float32
        assert found[prompt].tolist() == vector.tolist()
    assert store.texts(MODEL_2, ODD)["a dog"].tolist() == (-vectors[0]).tolist()
    assert store.texts(MODEL, []) == {}


def test_texts_of_another_length_or_number_are_refused(store: EmbeddingStore) -> None:
    store.append_texts(MODEL, ["a"], np.ones((1, 8), np.float32))
    with pytest.raises(StoreError, match=r"have 8 numbers, and these have 4"):
        store.append_texts(MODEL, ["b"], np.ones((1, 4), np.float32))
    with pytest.raises(ValueError, match=r"must be \(1, dim\), not \(2, 8\)"):
        store.append_texts(MODEL, ["b"], np.ones((2, 8), np.float32))


# Upkeep


def test_usage_counts_each_frame_once_and_its_room(store: EmbeddingStore, tmp_path: Path) -> None:
    store.remember_video(record(added_s=1.0))
    store.remember_video(record(OTHER, added_s=2.0))
    store.begin(VIDEO, MODEL, "sample", 2.0)
    store.append(VIDEO, MODEL, ones(range(5)))
    store.append(VIDEO, MODEL, ones(range(3, 10)))
    store.finish(VIDEO, MODEL, 2.0)
    store.begin(VIDEO, MODEL_2, "big", None)
    store.append(VIDEO, MODEL_2, ones(range(4), dim=32))
    other, video = store.usage()
    assert (other.record.video_id, other.models, other.size_bytes) == (OTHER, (), 6 * 8)
    assert [dataclasses.astuple(model) for model in video.models] == [
        ("sample", MODEL, 10, 2.0, True, 10 * (16 + 16)),
        ("big", MODEL_2, 4, None, False, 4 * (16 + 64)),
    ]
    assert video.size_bytes == 6 * 8 + 320 + 320
    files = [file for file in (tmp_path / "embeddings").rglob("*") if file.is_file()]
    assert store.size_bytes() == sum(file.stat().st_size for file in files) > 1000


def test_forget_takes_all_of_one_video_and_nothing_else(store: EmbeddingStore, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film")
    for video_id in (VIDEO, OTHER):
        store.remember_video(record(video_id, path=str(film)))
        store.begin(video_id, MODEL, "sample", 1.0)
        store.append(video_id, MODEL, ones(range(3)))
        store.remember_id(tmp_path / video_id, 1, 2, video_id)
    store.append_texts(MODEL, ["a dog"], np.ones((1, 8), np.float32))
    store.forget(VIDEO)
    store.forget(VIDEO)
    assert store.video(VIDEO) is None
    assert store.run(VIDEO, MODEL) is None
    assert store.known_id(tmp_path / VIDEO, 1, 2) is None
    assert store.stored_pts(VIDEO, MODEL).tolist() == []
    with pytest.raises(NotIndexedError):
        store.read(VIDEO, MODEL)
    assert [video.record.video_id for video in store.usage()] == [OTHER]
    assert store.known_id(tmp_path / OTHER, 1, 2) == OTHER
    assert store.stored_pts(OTHER, MODEL).tolist() == [0, 1, 2]
    assert list(store.texts(MODEL, ["a dog"])) == ["a dog"]
    assert film.read_bytes() == b"film"


def test_optimize_joins_files_and_keeps_the_index(store: EmbeddingStore) -> None:
    store.begin(VIDEO, MODEL, "sample", 1.0)
    for start in range(0, 80, 2):
        store.append(VIDEO, MODEL, ones(range(start, start + 2)))
    store.finish(VIDEO, MODEL, 1.0)
    store.optimize(MODEL)
    import lancedb

    table = lancedb.connect(store.location).open_table(f"frames_{MODEL}")
    assert table.stats()["fragment_stats"]["num_fragments"] == 1
    assert [found.columns for found in table.list_indices()] == [["video"]]
    assert len(table.list_versions()) > 40
    assert store.stored_pts(VIDEO, MODEL).tolist() == list(range(80))


def test_threads_may_share_one_store(store: EmbeddingStore) -> None:
    store.begin(VIDEO, MODEL, "sample", 1.0)
    broken: list[BaseException] = []

    def work(start: int) -> None:
        try:
            revision, seen = None, 0
            for k in range(8):
                store.append(VIDEO, MODEL, ones(range(start + 4 * k, start + 4 * k + 4)))
                found, revision = store.read(VIDEO, MODEL, revision)
                seen += len(found)
                if k == 4:
                    store.optimize(MODEL)
            assert seen >= 32
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            broken.append(error)

    threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    wanted = sorted(1000 * n + k for n in range(4) for k in range(32))
    assert store.stored_pts(VIDEO, MODEL).tolist() == wanted
    assert store.read(VIDEO, MODEL)[0].pts.tolist() == wanted


# Places


def test_below_a_regular_file_there_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I am no folder")
    for place in (tmp_path / "file", tmp_path / "file" / "embeddings"):
        store = EmbeddingStore(place)
        for use in (
            store.videos,
            lambda s=store: s.read(VIDEO, MODEL),
            lambda s=store: s.remember_video(record()),
            lambda s=store: s.append(VIDEO, MODEL, ones(range(2))),
            lambda s=store: s.indexing(VIDEO, MODEL).__enter__(),
        ):
            with pytest.raises(
                StoreError, match=r"file(/embeddings)? cannot be read or written: \S.*config\.yaml"
            ) as caught:
                use()
            assert not isinstance(caught.value, NotIndexedError)
            assert len(str(caught.value)) < 300
    assert (tmp_path / "file").read_text() == "I am no folder"


def test_a_folder_that_was_removed_meanwhile_is_an_empty_store(store: EmbeddingStore) -> None:
    store.remember_video(record())
    store.begin(VIDEO, MODEL, "sample", 1.0)
    store.append(VIDEO, MODEL, ones(range(3)))
    _, revision = store.read(VIDEO, MODEL)
    shutil.rmtree(store.location)
    assert store.videos() == []
    with pytest.raises(NotIndexedError):
        store.read(VIDEO, MODEL, revision)
    store.begin(VIDEO, MODEL, "sample", 1.0)
    store.append(VIDEO, MODEL, ones(range(1, 3)))
    found, revision = store.read(VIDEO, MODEL, revision)
    assert (found.pts.tolist(), revision.restarted) == ([1, 2], True)


# The courtesy lock


def test_one_holds_the_lock_and_the_other_is_told(store: EmbeddingStore) -> None:
    twin = EmbeddingStore(store.location)
    with store.indexing(VIDEO, MODEL) as mine:
        assert mine.held
        with twin.indexing(VIDEO, MODEL) as theirs, store.indexing(VIDEO, MODEL_2) as another:
            assert (theirs.held, another.held) == (False, True)
        assert mine.held
    with twin.indexing(VIDEO, MODEL) as theirs:
        assert theirs.held


def test_on_an_object_store_the_lock_is_always_held() -> None:
    remote = EmbeddingStore("s3://bucket/embeddings")
    with remote.indexing(VIDEO, MODEL) as one, remote.indexing(VIDEO, MODEL) as two:
        assert (one.held, two.held) == (True, True)
    assert remote.location == "s3://bucket/embeddings"


def test_a_killed_process_gives_the_lock_back(store: EmbeddingStore) -> None:
    code = (
        "import sys, time; from clip_core.store.store import EmbeddingStore\n"
        f"with EmbeddingStore(sys.argv[1]).indexing({VIDEO!r}, {MODEL!r}) as lock:\n"
        "    print(lock.held, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, store.location]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        with store.indexing(VIDEO, MODEL) as lock:
            assert not lock.held
        child.kill()
    with store.indexing(VIDEO, MODEL) as lock:
        assert lock.held


def test_what_was_asked_before_is_answered_from_memory_until_somebody_commits(tmp_path: Path) -> None:
    mine, theirs = EmbeddingStore(tmp_path), EmbeddingStore(tmp_path)
    first = record()
    mine.remember_video(first)
    mine.remember_id("/v.mp4", 1, 2, first.video_id)
    mine.begin(first.video_id, "f" * 64, "m", 1.0)
    asked = mine.video(first.video_id)
    assert mine.video(first.video_id) is asked
    assert asked is not None
    assert not asked.table.pts.flags.writeable
    theirs.remember_video(dataclasses.replace(first, name="another name"))
    theirs.remember_id("/w.mp4", 3, 4, first.video_id)
    theirs.finish(first.video_id, "f" * 64, 1.0)
    assert [known.name for known in (mine.video(first.video_id), *mine.videos()) if known] == ["another name"] * 2
    assert mine.known_id("/w.mp4", 3, 4) == first.video_id
    run = mine.run(first.video_id, "f" * 64)
    assert run is not None
    assert run.finished
    theirs.forget(first.video_id)
    assert (mine.video(first.video_id), mine.videos(), mine.known_id("/v.mp4", 1, 2)) == (None, [], None)


@pytest.mark.parametrize("place", ["", "  ", "a\0b", None])
def test_what_is_no_place_is_refused(place: str | None) -> None:
    with pytest.raises(StoreError, match="is not a place for embeddings"):
        EmbeddingStore(place)  # type: ignore[arg-type]


def test_small_tables_are_merged_while_rows_are_added_one_by_one(store: EmbeddingStore) -> None:
    for n in range(100):
        store.begin(f"{n:064}", MODEL, "sample", 1.0)
        store.remember_id(f"/films/{n}.mp4", n, n, f"{n:064}")
    import lancedb

    for name in ("runs", "files"):
        stats = lancedb.connect(store.location).open_table(name).stats()
        assert stats["num_rows"] == 100
        assert stats["fragment_stats"]["num_fragments"] <= 32
    assert len(store.runs_under(MODEL)) == 100
    assert store.known_id("/films/7.mp4", 7, 7) == f"{7:064}"


def test_what_is_told_of_several_videos_at_once_is_what_each_was_told(store: EmbeddingStore) -> None:
    store.remember_video(record(added_s=1.0))
    store.begin(VIDEO, MODEL, "sample", 1.0)
    epoch = store.runs_under(MODEL)[VIDEO].epoch
    store.remember_videos([record(name="new.mp4"), record(OTHER)])
    store.begin_runs(MODEL, "sample", {VIDEO: 2.0, OTHER: None})
    store.remember_ids({("/a.mp4", 1, 2): VIDEO, ("s3://b/a.mp4", 3, "etag"): OTHER})
    store.keep_subtitles_of(
        {VIDEO: (SubtitleSource("1", "a.srt"), [Cue(0.0, 1.0, "a fox")]), OTHER: (SubtitleSource("2"), [])}
    )
    found = store.records_of([VIDEO, OTHER])
    assert (found[VIDEO].name, found[VIDEO].added_s, found[OTHER].video_id) == ("new.mp4", 1.0, OTHER)
    assert {
        v: (run.samples_per_second, run.finished) for v, run in store.runs_under(MODEL, [VIDEO, OTHER]).items()
    } == {
        VIDEO: (2.0, False),
        OTHER: (None, False),
    }
    assert store.runs_under(MODEL, [VIDEO])[VIDEO].epoch == epoch
    assert store.runs_under(MODEL_2, [VIDEO]) == {}
    assert (store.known_id("/a.mp4", 1, 2), store.known_id("s3://b/a.mp4", 3, "etag")) == (VIDEO, OTHER)
    assert {v: source.stamp for v, source in store.subtitle_sources([VIDEO, OTHER]).items()} == {VIDEO: "1", OTHER: "2"}
    assert store.subtitles(VIDEO) == (Cue(0.0, 1.0, "a fox"),)
