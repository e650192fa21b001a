"""Chunks of a video begin at keyframes and cover it; what is seen of them joins to the times of a whole pass."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from clip_core.distributed.jobs import Finished, no_pts
from clip_core.distributed.plan import Chunk, chunk_samples, confirmed_table, plan_chunks
from clip_core.types import TimeTable
from clip_core.video import open_video
from clip_core.video.base import SeenFrames
from clip_core.video.sampling import sample_pts
from tests.support.video_maker import VideoSpec, make_edit_list, make_variable_rate, planted

MAKERS = {
    "ordered": lambda folder: planted(folder, "b", 120, VideoSpec(options={"g": "12", "bf": "3", "sc_threshold": "0"})),
    "matroska": lambda folder: planted(
        folder, "m", 120, VideoSpec(".mkv", options={"g": "15", "bf": "2", "sc_threshold": "0"}, first_pts=150)
    ),
    "open groups": lambda folder: planted(
        folder, "o", 120, VideoSpec(options={"g": "12", "bf": "3", "x264-params": "open-gop=1:scenecut=0"})
    ),
    "edit list": make_edit_list,
    "variable": make_variable_rate,
}


def assert_covers(chunks: list[Chunk], table: TimeTable, wanted: list[int]) -> None:
    """Each chunk begins at a keyframe where the one before it ends, and has the samples in between."""
    assert chunks[0].first_pts == table.pts[0]
    assert chunks[-1].last_pts is None
    for chunk, following in pairwise(chunks):
        assert chunk.last_pts == following.first_pts
    assert {chunk.first_pts for chunk in chunks[1:]} <= set(table.key_pts.tolist())
    assert [pts for chunk in chunks for pts in chunk.wanted.tolist()] == wanted
    for chunk in chunks:
        assert all(chunk.first_pts <= pts for pts in chunk.wanted)
        assert chunk.last_pts is None or all(pts < chunk.last_pts for pts in chunk.wanted)


@pytest.mark.parametrize("name", MAKERS)
def test_chunks_seen_one_by_one_join_to_the_table_of_a_whole_pass(name: str, tmp_path: Path) -> None:
    made = MAKERS[name](tmp_path)
    with open_video(made.path) as video:
        claim, has_parts = video.table, video.has_parts
        everything = claim.pts.tolist()
        chunks = plan_chunks(claim, claim.pts, no_pts(), has_parts=has_parts, samples=10)
        assert_covers(chunks, claim, everything)
        shown = [frame.pts for frame in video.frames(everything)]
        whole = video.table
    assert len(chunks) > 1
    found, decoded = list[Finished](), list[int]()
    for number, chunk in enumerate(reversed(chunks)):
        with open_video(made.path) as video:
            seen = SeenFrames()
            if has_parts:
                decoded += [
                    frame.pts for frame in video.part(chunk.wanted.tolist(), chunk.first_pts, chunk.last_pts, seen)
                ]
                table = seen.table(claim.time_base, claim.start_pts, video.info.header_fps, confirmed=False)
            else:
                decoded += [frame.pts for frame in video.frames(chunk.wanted.tolist())]
                table = video.table
            found.append(Finished(number, table.pts, table.end_s, seen_keys=table.key_pts))
    assert sorted(decoded) == shown  # each once
    joined = confirmed_table(claim, found)
    assert whole.confirmed
    assert joined.confirmed
    assert len(whole.pts) == len(made)
    assert joined.pts.tolist() == whole.pts.tolist()
    assert joined.key_pts.tolist() == whole.key_pts.tolist()
    assert (joined.start_pts, joined.end_s, joined.time_base) == (whole.start_pts, whole.end_s, whole.time_base)


def table_of(count: int, keys: int, *, confirmed: bool) -> TimeTable:
    pts = np.arange(count, dtype=np.int64)
    return TimeTable(pts, Fraction(1, 25), 0, count / 25, confirmed, pts[::keys])


def test_a_video_with_unsure_times_is_covered_also_where_nothing_is_missing() -> None:
    table = table_of(100, 10, confirmed=False)
    chunks = plan_chunks(table, table.pts, table.pts[:95], has_parts=True, samples=25)
    assert_covers(chunks, table, [95, 96, 97, 98, 99])
    assert [(chunk.first_pts, chunk.last_pts) for chunk in chunks] == [(0, 20), (20, 50), (50, 70), (70, None)]
    (whole,) = plan_chunks(table, table.pts, no_pts(), has_parts=False, samples=25)
    assert (whole.wanted.tolist(), whole.first_pts, whole.last_pts) == (table.pts.tolist(), 0, None)


def test_a_video_with_known_times_is_read_only_where_something_is_missing() -> None:
    table = table_of(100, 10, confirmed=True)
    assert plan_chunks(table, table.pts, table.pts, has_parts=True, samples=10) == []
    chunks = plan_chunks(table, table.pts, np.r_[0:40, 60:100], has_parts=True, samples=10)
    assert [chunk.wanted.tolist() for chunk in chunks] == [[*range(40, 50)], [*range(50, 60)]]
    assert confirmed_table(table, []) is table


def test_a_video_without_keyframes_is_one_chunk() -> None:
    table = replace(table_of(100, 10, confirmed=False), key_pts=no_pts())
    (chunk,) = plan_chunks(table, sample_pts(table, None), no_pts(), has_parts=True, samples=10)
    assert chunk.wanted.tolist() == table.pts.tolist()


@pytest.mark.parametrize(
    ("samples", "videos", "workers", "expected"),
    [
        (100_000, 50, 2, 2000),  # enough videos for all: long chunks
        (6000, 1, 4, 750),  # one video for four workers: two chunks each
        (6000, 4, 4, 2000),
        (300, 1, 16, 200),  # never so short that opening costs more than embedding
    ],
)
def test_chunks_are_shorter_when_few_videos_are_left(samples: int, videos: int, workers: int, expected: int) -> None:
    assert chunk_samples(samples, videos, workers) == expected
