"""The first digits of an id name one stored video, or it is said why not."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_core.errors import VideoNotFoundError
from clip_core.library.identify import file_stamp
from clip_core.library.short_ids import listed_video, stored_id
from clip_core.library.videos import VideoChoice
from clip_core.store.store import EmbeddingStore
from clip_core.types import TimeTable, VideoRecord
from tests.support.records import HEADER

TABLE = TimeTable(np.arange(3, dtype=np.int64), Fraction(1, 25), 0, 0.12, True, np.zeros(1, np.int64))
ONE, OTHER = "0123456789ab" + "0" * 52, "0123456789ac" + "0" * 52


def record(video_id: str, path: str = "/v.mp4", size: int = 1) -> VideoRecord:
    header = {**HEADER, "size_bytes": size}
    return VideoRecord(
        video_id=video_id, path=path, name=Path(path).name, table=TABLE, unreadable_after_s=None, added_s=1.0, **header
    )


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    made = EmbeddingStore(tmp_path / "store")
    for video_id in (ONE, OTHER):
        made.remember_video(record(video_id))
    return made


def test_digits_that_fit_one_video_name_it(store: EmbeddingStore) -> None:
    store.remember_video(replace(record(ONE), name="renamed"))  # a second row of the same video
    assert stored_id(ONE[:12], store) == stored_id(f" {ONE.upper()} ", store) == ONE
    assert stored_id(OTHER[:12], store) == OTHER


@pytest.mark.parametrize(
    ("digits", "says"),
    [
        ("0123456789a", "2 stored videos .* begin with 0123456789a.* more digits"),
        ("ffffffffffff", "No stored video .* begins with ffffffffffff"),
        *((digits, "is not an id of a video") for digits in ("01234", "", "C0001.MP4", "0" * 65, "' OR 1=1", "01234%")),
    ],
)
def test_digits_that_name_no_video_or_several_say_so(store: EmbeddingStore, digits: str, says: str) -> None:
    with pytest.raises(VideoNotFoundError, match=says):
        stored_id(digits, store)


def test_a_renamed_file_is_found_among_the_listed_and_a_changed_one_is_not(tmp_path: Path) -> None:
    store, files = EmbeddingStore(tmp_path / "store"), [tmp_path / name for name in ("a.mp4", "b.mp4", "c.mp4")]
    for file, content in zip(files, (b"one", b"two", b"four"), strict=True):
        file.write_bytes(content)
        video_id = hashlib.sha256(content).hexdigest()
        store.remember_video(record(video_id, str(file), len(content)))
        store.remember_id(file, *file_stamp(file), video_id)
    two = hashlib.sha256(b"two").hexdigest()
    listed = [VideoChoice(file.name, file) for file in files]
    assert listed_video(two[:12], listed, store).path == files[1]
    moved = files[1].rename(tmp_path / "moved.mp4")
    store.remember_id(moved, *file_stamp(moved), two)
    assert listed_video(two[:12], [*listed, VideoChoice("moved.mp4", moved)], store).path == moved
    moved.write_bytes(b"2nd")
    os.utime(moved, ns=(1, 1))
    with pytest.raises(VideoNotFoundError, match=rf"file of b\.mp4 \({two[:12]}\) is not in the list"):
        listed_video(two[:12], [*listed, VideoChoice("moved.mp4", moved)], store)
