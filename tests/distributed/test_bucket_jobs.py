"""Jobs of videos in buckets are done on copies, fetched once, and reported as of the object."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from obstore.store import S3Store

from clip_core.distributed.bucket_jobs import on_a_file
from clip_core.distributed.jobs import ChunkJob, Job, Looked, LookJob, VideoSource, WorkerReport
from clip_core.errors import VideoChangedError, VideoDecodeError, shown_name
from clip_core.library.buckets import find_object
from clip_core.library.fetched import Scratch
from clip_core.library.identify import file_stamp, record_of
from clip_core.types import VideoRecord
from clip_core.video import open_video
from clip_core.video.identity import hash_file
from tests.support.s3_server import S3Server
from tests.support.video_maker import VideoSpec, planted

NONE = np.empty(0, np.int64)


def looked(job: Job) -> Iterator[WorkerReport]:
    """What a worker does with a file: it looks at it, and fails then."""
    path = Path(job.source.location)
    assert job.source.stamp == file_stamp(path)
    with open_video(path) as video:
        yield Looked(job.number, job.source, record_of(video, hash_file(path), None))
    raise VideoDecodeError(f"{shown_name(path)} is damaged.")


def looked_record(reports: Iterator[WorkerReport]) -> tuple[VideoSource, VideoRecord, str]:
    first = next(reports)
    assert isinstance(first, Looked)
    with pytest.raises(VideoDecodeError) as failed:
        next(reports)
    return first.source, first.record, failed.value.what


def test_a_file_is_handed_on_as_it_is(tmp_path: Path) -> None:
    path = planted(tmp_path, "film", 20, VideoSpec()).path
    job = LookJob(1, VideoSource(str(path), file_stamp(path)), None, NONE)
    source, record, _ = looked_record(on_a_file(job, Scratch(tmp_path / "scratch"), looked))
    assert (source, record.path) == (job.source, str(path))
    assert not (tmp_path / "scratch").exists()


def test_an_object_is_fetched_once_and_reported_by_its_address(s3: S3Server, tmp_path: Path) -> None:
    path, bucket, scratch = planted(tmp_path, "film", 20, VideoSpec()).path, s3.bucket(), Scratch(tmp_path / "scratch")
    S3Store(bucket).put("day 1/film #1.mp4", path.read_bytes())
    address = f"s3://{bucket}/day 1/film #1.mp4"
    source, record, reason = looked_record(on_a_file(LookJob(1, VideoSource(address), None, NONE), scratch, looked))
    assert source == VideoSource(address, find_object(address).stamp)
    assert (record.path, record.name, record.video_id) == (address, "film #1.mp4", hash_file(path))
    assert reason == f"{address} is damaged."

    chunk = ChunkJob(2, source, record.video_id, record.table, record.table.pts, 0, None)
    with s3.counting() as counts:
        looked_record(on_a_file(chunk, scratch, looked))
    assert counts == {"HEAD": 1}
    S3Store(bucket).put("day 1/film #1.mp4", path.read_bytes() + b"more")
    with pytest.raises(VideoChangedError):
        next(on_a_file(chunk, scratch, looked))
