"""A video that an earlier version indexed with OpenCV is named, and indexed again when that is asked for."""

from __future__ import annotations

import io
import re
import shutil
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, detect_moments, index_video, load_config, score_prompts
from clip_core.__main__ import main
from clip_core.errors import NotIndexedError
from clip_core.library import identify
from clip_core.library.add_video import add_upload
from clip_core.library.identify import known_or_renamed, known_video, reindex_error
from clip_core.media.clips import cut_clips
from clip_core.media.proxies import proxy_path
from clip_core.types import Moment, VideoRecord
from clip_core.video import Video, open_video
from tests.indexing.test_index_video import NumberReader
from tests.support.fakes import FakeEncoder
from tests.support.joined_maker import JOINED, Recording, write_joined
from tests.support.model_maker import make_clip
from tests.support.old_store import rewrite_as_opencv, unpack_old_store
from tests.support.video_maker import KINDS, PlantedVideo, VideoSpec, copy_packed, number_picture, write_video

NAMED = r"packed\.avi was indexed without PyAV by an earlier version.* Index it again"


@pytest.fixture
def film(tmp_path: Path) -> PlantedVideo:
    return copy_packed(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return unpack_old_store(tmp_path / "store")


def the_record(store: EmbeddingStore) -> VideoRecord:
    (record,) = store.videos()
    return record


def test_what_the_old_version_wrote_is_known_by_its_record(store: EmbeddingStore) -> None:
    record = the_record(store)
    assert (record.table.time_base, record.table.key_pts.tolist()) == (Fraction(1, 10**9), [0])
    assert (record.container, record.codec, record.header_frame_count) == ("avi", "mpeg4", 60)
    with pytest.raises(NotIndexedError, match=NAMED):
        raise reindex_error(record, store) or AssertionError("it is not known")


def test_the_rewriting_helper_writes_the_record_that_the_old_version_wrote(film: PlantedVideo, tmp_path: Path) -> None:
    old = the_record(unpack_old_store(tmp_path / "old")).table
    store, encoder = EmbeddingStore(tmp_path / "new"), FakeEncoder()
    list(index_video(film.path, encoder, store, samples_per_second=2.0))
    rewrite_as_opencv(store, the_record(store).video_id)
    made = the_record(store).table
    assert made.pts.tolist() == old.pts.tolist()
    assert (made.time_base, made.start_pts, made.key_pts.tolist()) == (old.time_base, 0, old.key_pts.tolist())
    assert made.end_s == pytest.approx(old.end_s, abs=1e-6)


def test_it_is_known_where_pyav_is_still_missing(
    film: PlantedVideo, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.delitem(sys.modules, "clip_core.video.decoding", raising=False)
    monkeypatch.delitem(sys.modules, "clip_core.video.containers", raising=False)
    assert reindex_error(replace(the_record(store), path=str(film.path)), store) is not None


def test_its_stored_frames_are_not_scored(store: EmbeddingStore) -> None:
    video_id, encoder = the_record(store).video_id, FakeEncoder()
    assert len(store.stored_pts(video_id, encoder.fingerprint)) == 4
    for ask in (score_prompts, detect_moments):
        with pytest.raises(NotIndexedError, match=NAMED):
            ask(video_id, ["a dog"], encoder, store)


def test_indexing_replaces_its_frames_and_keeps_what_was_said_by_hand(
    film: PlantedVideo, store: EmbeddingStore
) -> None:
    encoder, other = NumberReader(), FakeEncoder(name="other")
    old = the_record(store)
    judged = store.annotations(old.video_id)
    assert len(judged) == 1
    assert old.table.confirmed
    assert store.run(old.video_id, other.fingerprint) is not None

    reports = list(index_video(film.path, encoder, store, samples_per_second=2.0))
    assert {0, 15, 30, 45} <= set(encoder.numbers)
    assert len(encoder.numbers) == len(set(encoder.numbers)) == reports[-1].done
    assert [warning for warning in reports[-1].warnings if "Indexed again" in warning]
    record = known_video(film.path, store)
    assert record is not None
    assert reindex_error(record, store) is None
    assert (record.video_id, record.added_s) == (old.video_id, old.added_s)
    assert (record.table.time_base, record.table.confirmed) == (Fraction(1, 30), True)
    assert set(store.stored_pts(record.video_id, encoder.fingerprint).tolist()) <= set(record.table.pts.tolist())
    assert set(store.thumbnail_pts(record.video_id).tolist()) <= set(record.table.pts.tolist())
    assert len(store.thumbnail_pts(record.video_id)) == reports[-1].done
    assert store.annotations(record.video_id) == judged
    scores = score_prompts(record.video_id, ["a dog"], encoder, store)
    np.testing.assert_allclose(scores.times_s, [number / 30 for number in sorted(encoder.numbers)], atol=1e-9)
    assert scores.complete

    # The other model's frames had the same old names: they are gone, and indexing brings them back.
    assert store.run(record.video_id, other.fingerprint) is None
    assert len(store.stored_pts(record.video_id, other.fingerprint)) == 0
    with pytest.raises(NotIndexedError):
        score_prompts(record.video_id, ["a dog"], other, store)
    last = list(index_video(film.path, other, store, samples_per_second=2.0))[-1]
    assert (last.done, last.warnings) == (reports[-1].done, ())


def test_it_is_done_once(film: PlantedVideo, store: EmbeddingStore) -> None:
    list(index_video(film.path, NumberReader(), store, samples_per_second=2.0))
    idle = FakeEncoder()
    (only,) = list(index_video(film.path, idle, store, samples_per_second=2.0))
    assert (only.stage, only.warnings, idle.pictures) == ("done", (), 0)


def test_stopped_in_the_middle_it_goes_on(tmp_path: Path) -> None:
    film, store = KINDS["constant"](tmp_path), EmbeddingStore(tmp_path / "store")
    list(index_video(film.path, NumberReader(), store, samples_per_second=2.0))
    rewrite_as_opencv(store, the_record(store).video_id)
    run = index_video(film.path, NumberReader(), store, samples_per_second=None)
    for progress in run:
        if progress.done:
            break
    run.close()
    again = NumberReader()
    last = list(index_video(film.path, again, store, samples_per_second=None))[-1]
    assert last.done == last.total == len(film)
    assert 0 < len(again.numbers) < len(film)


@pytest.mark.parametrize("kind", ["constant", "ts", "webm", "edit", "late"])
def test_every_kind_of_container(kind: str, tmp_path: Path) -> None:
    truth, store, encoder = KINDS[kind](tmp_path), EmbeddingStore(tmp_path / "store"), NumberReader()
    list(index_video(truth.path, FakeEncoder(), store, samples_per_second=2.0))
    rewrite_as_opencv(store, the_record(store).video_id)
    assert reindex_error(the_record(store), store) is not None
    last = list(index_video(truth.path, encoder, store, samples_per_second=None))[-1]
    assert last.done == last.total == len(truth)
    assert sorted(encoder.numbers) == truth.numbers
    assert reindex_error(the_record(store), store) is None


def test_all_other_videos_stay_as_they_are(film: PlantedVideo, store: EmbeddingStore, tmp_path: Path) -> None:
    others = [KINDS[kind](tmp_path).path for kind in ("constant", "gif", "webp", "images")]
    encoder = FakeEncoder()
    for path in others:
        list(index_video(path, encoder, store, samples_per_second=2.0))
    before = {record.video_id: store.stored_pts(record.video_id, encoder.fingerprint) for record in store.videos()}
    list(index_video(film.path, encoder, store, samples_per_second=2.0))
    idle = FakeEncoder()
    for path in others:
        record = known_video(path, store)
        assert record is not None
        assert reindex_error(record, store) is None
        assert store.stored_pts(record.video_id, encoder.fingerprint).tolist() == before[record.video_id].tolist()
        (only,) = list(index_video(path, idle, store, samples_per_second=2.0))
        assert (only.stage, only.warnings) == ("done", ())
    assert idle.pictures == 0


def test_a_table_that_opencv_completed_in_the_units_of_pyav_stays(tmp_path: Path) -> None:
    """Where PyAV had begun, the old version went on in PyAV's units, and took but the first frame for a keyframe."""
    truth, store, encoder = KINDS["constant"](tmp_path), EmbeddingStore(tmp_path / "store"), FakeEncoder()
    list(index_video(truth.path, encoder, store, samples_per_second=2.0))
    record = the_record(store)
    store.remember_video(replace(record, table=replace(record.table, key_pts=record.table.key_pts[:1])))
    assert reindex_error(the_record(store), store) is None
    last = list(index_video(truth.path, encoder, store, samples_per_second=4.0))[-1]
    assert last.warnings == ()
    assert encoder.pictures == len(store.stored_pts(record.video_id, encoder.fingerprint))  # each was embedded once


def test_a_short_video_on_a_clock_of_nanoseconds_is_no_old_one(tmp_path: Path) -> None:
    spec = VideoSpec(".mp4", container_options={"video_track_timescale": "1000000000"})
    write_video(tmp_path / "fine.mp4", [number_picture(n) for n in range(10)], spec)
    store, encoder = EmbeddingStore(tmp_path / "store"), FakeEncoder()
    list(index_video(tmp_path / "fine.mp4", encoder, store, samples_per_second=None))
    record = the_record(store)
    assert (record.table.time_base, record.table.key_pts.tolist()) == (Fraction(1, 10**9), [0])
    assert reindex_error(record, store) is None
    assert len(score_prompts(record.video_id, ["a dog"], encoder, store)) == 10


def test_an_upload_of_the_same_file_keeps_the_old_record_until_it_is_indexed(
    film: PlantedVideo, store: EmbeddingStore, tmp_path: Path
) -> None:
    data = film.path.read_bytes()
    path = add_upload(io.BytesIO(data), len(data), "mine.avi", tmp_path / "uploads", store)
    record = known_video(path, store)
    assert record is not None
    assert record.name == "mine.avi"
    assert reindex_error(record, store) is not None
    list(index_video(path, NumberReader(), store, samples_per_second=2.0))
    record = known_video(path, store)
    assert record is not None
    assert (record.name, reindex_error(record, store)) == ("mine.avi", None)


def test_clips_of_it_are_cut_at_the_right_frames(film: PlantedVideo, store: EmbeddingStore, tmp_path: Path) -> None:
    moment = Moment("a dog", 10 / 30, 20 / 30, 0.5, 1.0, 1.0)
    last = list(cut_clips(film.path, [moment], tmp_path / "out", table=the_record(store).table))[-1]
    (clip,) = last.clips
    assert (clip.frames, clip.start_s) == (10, pytest.approx(10 / 30))


def test_the_commands_name_it_and_what_to_run(
    film: PlantedVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_clip(tmp_path / "models" / "tiny")
    config = "video_dirs: .\nmodel: tiny\nmodel_dirs: models\nembeddings: store\nCLIP: [a dog]\n"
    (tmp_path / "config.yaml").write_text(config)
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path / "store", ignore_errors=True)
    assert main(["index", "packed.avi"]) == 0
    store = EmbeddingStore(tmp_path / "store")
    rewrite_as_opencv(store, the_record(store).video_id)
    capsys.readouterr()
    for command in ("score", "moments"):
        assert main([command, "packed.avi"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("packed.avi was indexed without PyAV")
        assert line.endswith("Run: python -m clip_core index packed.avi")
    assert main(["list"]) == 0
    assert "packed.avi was indexed without PyAV" in capsys.readouterr().err
    assert main(["index", "packed.avi"]) == 0
    assert "packed.avi: Indexed again" in capsys.readouterr().err
    assert main(["score", "packed.avi"]) == 0
    assert main(["list"]) == 0
    assert "PyAV" not in capsys.readouterr().err


def indexed_before(path: Path, store: EmbeddingStore, encoder: FakeEncoder) -> VideoRecord:
    """The record of a video as a version left it that did not note how pictures are read."""
    list(index_video(path, encoder, store, samples_per_second=2.0))
    record = known_video(path, store)
    assert record is not None
    store.remember_video(replace(record, reading=None))
    again = known_video(path, store)
    assert again is not None
    assert again.reading is None
    return again


def test_pictures_that_were_read_in_another_way_are_named_and_indexed_again(tmp_path: Path) -> None:
    store, encoder = EmbeddingStore(tmp_path / "store"), FakeEncoder()
    spec = VideoSpec(options={"g": "10"}, pixel_aspect=Fraction(2, 1))
    wide = write_numbered(tmp_path / "wide.mp4", spec)
    plain = write_numbered(tmp_path / "plain.mp4", VideoSpec())
    old, other = indexed_before(wide, store, encoder), indexed_before(plain, store, encoder)

    error = reindex_error(old, store)
    assert error is not None
    assert re.search(r"wide\.mp4 was indexed by an earlier version.* square pixels.* Index it again", str(error))
    assert reindex_error(other, store) is None
    again = store.video(other.video_id)
    assert again is not None
    assert again.reading == ""  # looked at once
    with pytest.raises(NotIndexedError, match="square pixels"):
        score_prompts(old.video_id, ["a dog"], encoder, store)
    assert len(score_prompts(other.video_id, ["a dog"], encoder, store).times_s)

    counted = FakeEncoder()
    last = list(index_video(wide, counted, store, samples_per_second=2.0))[-1]
    assert counted.pictures == last.done
    assert [warning for warning in last.warnings if "Indexed again" in warning]
    record = known_video(wide, store)
    assert record is not None
    assert (record.reading, reindex_error(record, store)) == ("square pixels", None)
    assert score_prompts(old.video_id, ["a dog"], counted, store).complete

    idle = FakeEncoder()
    list(index_video(plain, idle, store, samples_per_second=4.0))
    denser = known_video(plain, store)
    assert denser is not None
    assert denser.reading == ""
    assert idle.pictures == len(denser.table.pts) // 15  # only what a denser request lacked


def test_a_renamed_file_that_was_read_in_another_way_is_named_as_it_is_now(tmp_path: Path) -> None:
    store, encoder = EmbeddingStore(tmp_path / "store"), FakeEncoder()
    path = write_numbered(tmp_path / "wide.mp4", VideoSpec(pixel_aspect=Fraction(2, 1)))
    indexed_before(path, store, encoder)
    moved = path.rename(tmp_path / "moved.mp4")
    record = known_or_renamed(moved, store)
    assert record is not None
    assert (record.name, record.path, record.reading) == ("moved.mp4", str(moved), None)
    error = reindex_error(record, store)
    assert error is not None
    assert error.what.startswith("moved.mp4 was indexed by an earlier version")
    counted = FakeEncoder()  # its path is known by now, which must not make old vectors good
    last = list(index_video(moved, counted, store, samples_per_second=2.0))[-1]
    assert counted.pictures == last.done > 0


def write_numbered(path: Path, spec: VideoSpec) -> Path:
    write_video(path, [number_picture(number) for number in range(60)], spec)
    return path


def test_a_copy_of_pictures_as_they_were_read_before_goes_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_clip(tmp_path / "models" / "rnd", dim=16)
    wide = write_numbered(tmp_path / "wide.mp4", VideoSpec(pixel_aspect=Fraction(2, 1)))
    plain = write_numbered(tmp_path / "plain.mp4", VideoSpec())
    (tmp_path / "config.yaml").write_text("model: rnd\nmodel_dirs: [models]\nembeddings: store\nvideo_dirs: [films]\n")
    monkeypatch.chdir(tmp_path)
    assert main(["index", "wide.mp4", "plain.mp4"]) == 0
    store, config = EmbeddingStore(tmp_path / "store"), load_config(tmp_path / "config.yaml")
    copies = {}
    for path in (wide, plain):
        record = known_video(path, store)
        assert record is not None
        store.remember_video(replace(record, reading=None))
        copies[path] = proxy_path(config, record.video_id)
        copies[path].parent.mkdir(parents=True, exist_ok=True)
        copies[path].write_bytes(b"as before")
    assert main(["index", "wide.mp4", "plain.mp4"]) == 0
    assert {path.name: copy.exists() for path, copy in copies.items()} == {"wide.mp4": False, "plain.mp4": True}
    assert "Indexed again" in capsys.readouterr().err


def test_an_upload_does_not_make_old_vectors_good(tmp_path: Path) -> None:
    store, encoder = EmbeddingStore(tmp_path / "store"), FakeEncoder()
    wide = write_numbered(tmp_path / "wide.mp4", VideoSpec(pixel_aspect=Fraction(2, 1)))
    indexed_before(wide, store, encoder)
    content = wide.read_bytes()
    wide.unlink()  # so nothing says how its pictures are read now, until they are uploaded
    path = add_upload(io.BytesIO(content), len(content), "wide.mp4", tmp_path / "uploads", store)
    record = known_video(path, store)
    assert record is not None
    assert record.reading is None
    with pytest.raises(NotIndexedError, match="square pixels"):
        score_prompts(record.video_id, ["a dog"], encoder, store)
    counted = FakeEncoder()
    last = list(index_video(path, counted, store, samples_per_second=2.0))[-1]
    assert counted.pictures == last.done > 0


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_an_earlier_version_is_read_once(
    read_only: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not stored is kept in memory: of joined recordings, the packets of the whole file have to be read."""
    store = EmbeddingStore(tmp_path / "store")
    joined = write_joined(tmp_path, JOINED["ts"], [Recording(40), Recording(50)]).path
    plain = write_numbered(tmp_path / "plain.mp4", VideoSpec())
    for path in (joined, plain):
        indexed_before(path, store, FakeEncoder())
    opened: list[str] = []

    def noted(path: str | Path) -> Video:
        opened.append(Path(path).name)
        return open_video(path)

    monkeypatch.setattr(identify, "open_video", noted)
    store = EmbeddingStore(tmp_path / "store", read_only=read_only)
    for _ in range(3):
        errors = [reindex_error(record, store) for record in store.videos()]
        assert [error is None for error in errors] == [True, False]
    assert sorted(opened) == ["joined.ts", "plain.mp4"]
