"""A video in a bucket is indexed through a copy, and the store keeps its address, its name and its ETag."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from obstore.store import S3Store

from clip_core import EmbeddingStore, index_video
from clip_core.errors import VideoError
from clip_core.indexing.index_source import index_source
from clip_core.library.buckets import find_object
from clip_core.library.identify import known_video
from tests.support.fakes import FakeEncoder
from tests.support.s3_server import S3Server
from tests.support.video_maker import VideoSpec, planted

ENCODER = FakeEncoder()
KEY = "day 1/50% #ü.mp4"


@pytest.fixture
def video(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """The address of a video of 40 frames, and its file."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    path, bucket = planted(tmp_path, "local", 40, VideoSpec()).path, s3.bucket()
    S3Store(bucket).put(KEY, path.read_bytes())
    return f"s3://{bucket}/{KEY}", path


def test_it_is_indexed_as_the_file_is_and_fetched_once(s3: S3Server, video: tuple[str, Path], tmp_path: Path) -> None:
    address, path = video
    store, other = EmbeddingStore(tmp_path / "store"), EmbeddingStore(tmp_path / "other")
    known = list[int]()
    reports = list(index_source(address, ENCODER, store, samples_per_second=5.0, on_known=lambda: known.append(1)))
    list(index_video(path, ENCODER, other, samples_per_second=5.0))
    assert reports[0].note.startswith("Fetching it from the bucket: 0 B of ")
    assert (reports[-1].stage, known) == ("done", [1])
    (record,), (local,) = store.videos(), other.videos()
    assert (record.path, record.name, record.video_id) == (address, "50% #ü.mp4", local.video_id)
    assert record.table.confirmed
    found, expected = (s.read(record.video_id, ENCODER.fingerprint)[0] for s in (store, other))
    assert np.array_equal(found.vectors, expected.vectors)
    assert not list((tmp_path / "temporary").iterdir())

    again = EmbeddingStore(tmp_path / "store")
    with s3.counting() as counts:
        assert known_video(address, again, find_object(address).stamp) is not None
        assert [report.stage for report in index_source(address, ENCODER, again, samples_per_second=5.0)] == ["done"]
    assert counts["GET"] == 0
    assert again.known_id(address.replace("day 1", "day 2"), *find_object(address).stamp) is None


def test_a_new_object_at_the_address_is_another_video(video: tuple[str, Path], tmp_path: Path) -> None:
    address, _ = video
    store = EmbeddingStore(tmp_path / "store")
    list(index_source(address, ENCODER, store, samples_per_second=5.0))
    new = planted(tmp_path, "new", 50, VideoSpec()).path
    S3Store(address.split("/")[2]).put(KEY, new.read_bytes())
    assert known_video(address, store) is None
    list(index_source(address, ENCODER, store, samples_per_second=5.0))
    assert [(record.path, len(record.table)) for record in store.videos()] == [(address, 50), (address, 40)]


def test_what_is_no_video_is_told_by_its_address(video: tuple[str, Path], tmp_path: Path) -> None:
    address, _ = video
    S3Store(address.split("/")[2]).put("no.mp4", b"nothing" * 100)
    store = EmbeddingStore(tmp_path / "store")
    with pytest.raises(VideoError, match=r"^s3://[^/]*/no\.mp4 is not a video that can be read"):
        list(index_source(address.replace(KEY, "no.mp4"), ENCODER, store))
    assert store.videos() == []
    assert not list((tmp_path / "temporary").iterdir())
