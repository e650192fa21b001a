"""Sequences go the whole way: indexed, scored, resumed, known after a restart."""

from __future__ import annotations

import os
import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, find_moments, index_video, open_video, score_prompts
from clip_core.errors import VideoError, VideoNotFoundError
from clip_core.library.identify import file_stamp, is_there, known_video
from tests.indexing.test_index_video import NumberReader
from tests.support import video_maker
from tests.support.fakes import FakeEncoder


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    video_maker.write_images(tmp_path / "shot", "frame_%04d.png", range(9, 209))
    return tmp_path / "shot" / "frame_%04d.png@20"


def test_a_sequence_is_indexed_scored_resumed_and_known_again(shot: Path, store: EmbeddingStore) -> None:
    encoder = NumberReader()
    run = index_video(shot, encoder, store, samples_per_second=None)
    begun = [report.done for report in islice(run, 2)]
    run.close()
    again = NumberReader()
    reports = list(index_video(shot, again, EmbeddingStore(store.location), samples_per_second=None))
    assert 0 < begun[-1] < 200
    assert sorted(encoder.numbers + again.numbers) == list(range(9, 209))
    assert (reports[-1].done, reports[-1].total, reports[-1].warnings) == (200, 200, ())
    record = known_video(shot, EmbeddingStore(store.location))
    assert record is not None
    assert (record.name, record.container, record.header_fps) == ("frame_%04d.png@20", "images", 20.0)
    assert record.table.confirmed
    scores = score_prompts(record.video_id, ["a dog"], again, store)
    assert len(scores) == 200
    np.testing.assert_allclose(scores.times_s, np.arange(200) / 20, atol=1e-9)
    assert scores.end_s == pytest.approx(10.0)
    assert find_moments(scores, threshold=-1.0)[0].prompt == "a dog"
    idle = FakeEncoder()
    (only,) = list(index_video(shot, idle, store, samples_per_second=None))
    assert (only.done, only.stage, idle.pictures) == (200, "done", 0)


def test_the_first_look_is_spread_over_the_whole_sequence(shot: Path, store: EmbeddingStore) -> None:
    encoder = NumberReader()
    list(index_video(shot, encoder, store, samples_per_second=0.1))
    assert len(encoder.numbers) == 65  # the picture at 0 s, and 64 evenly spread
    assert min(np.diff(sorted(encoder.numbers)[1:])) >= 3


def test_the_id_covers_pictures_numbers_and_rate(shot: Path, tmp_path: Path) -> None:
    def id_of(path: Path) -> str:
        with open_video(path) as video:
            return video.info.video_id

    ids = [id_of(shot), id_of(shot.with_name("frame_%04d.png@24"))]
    shutil.copytree(shot.parent, tmp_path / "copy")
    assert id_of(tmp_path / "copy" / "frame_%04d.png@20") == ids[0]
    assert id_of(tmp_path / "copy" / "frame_%04d.png@20/1") == ids[0]
    (tmp_path / "copy" / "frame_0208.png").rename(tmp_path / "copy" / "frame_0209.png")
    ids.append(id_of(tmp_path / "copy" / "frame_%04d.png@20"))
    video_maker.write_images(tmp_path / "copy", "frame_%04d.png", [209])
    ids.append(id_of(tmp_path / "copy" / "frame_%04d.png@20"))
    assert len(set(ids)) == 4
    assert all(len(video_id) == 64 for video_id in ids)


def test_a_changed_picture_is_another_video(shot: Path, store: EmbeddingStore) -> None:
    list(index_video(shot, FakeEncoder(), store, samples_per_second=1.0))
    video_maker.write_images(shot.parent, "frame_%04d.png", [209])
    assert known_video(shot, store) is None
    list(index_video(shot, FakeEncoder(), store, samples_per_second=1.0))
    assert len(store.videos()) == 2


def test_broken_pictures_are_left_out_and_nothing_stays_to_do(shot: Path, store: EmbeddingStore) -> None:
    for number in (11, 50, 51):
        path = shot.parent / f"frame_{number:04d}.png"
        path.write_bytes(path.read_bytes()[:90])
    damaged = shot.parent / "frame_0089.png"
    damaged.write_bytes(damaged.read_bytes()[:60] + bytes(40) + damaged.read_bytes()[100:])
    encoder = NumberReader()
    last = list(index_video(shot, encoder, store, samples_per_second=None))[-1]
    expected = sorted(set(range(9, 209)) - {11, 50, 51, 89})
    assert sorted(encoder.numbers) == expected
    assert (last.done, last.total) == (196, 196)
    assert last.warnings == ("4 pictures cannot be read and are left out.",)
    idle = FakeEncoder()
    list(index_video(shot, idle, store, samples_per_second=None))
    assert idle.pictures == 0
    record = known_video(shot, store)
    assert record is not None
    assert len(record.table) == 196


def test_one_broken_picture_is_told(shot: Path, store: EmbeddingStore) -> None:
    (shot.parent / "frame_0011.png").write_bytes(b"gone")
    last = list(index_video(shot, FakeEncoder(), store, samples_per_second=1.0))[-1]
    assert last.warnings == ("1 picture cannot be read and is left out.",)


def test_stamps_and_what_is_there(shot: Path, tmp_path: Path) -> None:
    size, stamp = file_stamp(shot)
    assert size == sum(path.stat().st_size for path in shot.parent.iterdir())
    os.utime(shot.parent / "frame_0100.png", ns=(1, 1))
    assert file_stamp(shot)[1] != stamp
    assert is_there(shot)
    assert is_there(shot.parent / "frame_0100.png")
    missing = [tmp_path / "%d.png", tmp_path / "gone" / "%d.png", tmp_path / "%s.png", tmp_path / "x.mp4", "n" * 9999]
    assert not any(is_there(path) for path in missing)
    with pytest.raises(VideoNotFoundError, match=r"No file fits %d\.png@25"):
        next(index_video(tmp_path / "%d.png", FakeEncoder(), EmbeddingStore(tmp_path / "e")))
    with pytest.raises(VideoError, match=r"%s\.png is not a pattern"):
        next(index_video(tmp_path / "%s.png", FakeEncoder(), EmbeddingStore(tmp_path / "e")))
