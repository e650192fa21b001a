"""Frames keep the names that they were stored under, whichever decoder reads them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_core.errors import VideoDecodeError
from clip_core.values import TimeTable
from clip_core.video import Video, open_video
from clip_core.video.opencv import open_with_opencv
from clip_core.video.retimed import RetimedVideo, in_units_of
from tests.video_maker import KINDS, PlantedVideo, read_number


def table_of(video: Video) -> TimeTable:
    with video:
        list(video.frames())
        return video.table


@pytest.fixture(params=["variable", "ts", "edit", "webm", "ntsc", "avi-b"])
def truth(request: pytest.FixtureRequest, tmp_path: Path) -> PlantedVideo:
    return KINDS[request.param](tmp_path)


@pytest.mark.parametrize(
    ("first", "then"), [(open_video, open_with_opencv), (open_with_opencv, open_video)], ids=["to-opencv", "to-pyav"]
)
def test_every_frame_has_the_name_that_the_table_gives_it(truth: PlantedVideo, first, then) -> None:  # type: ignore[no-untyped-def]
    table = table_of(first(truth.path))
    with in_units_of(then(truth.path), table) as video:
        assert isinstance(video, RetimedVideo)
        assert video.table is table
        frames = list(video.frames())
        assert [frame.pts for frame in frames] == table.pts.tolist()
        assert [frame.time_s for frame in frames] == table.times_s.tolist()
        assert [read_number(frame.rgb) for frame in frames] == truth.numbers
        wanted = table.pts[3::20].tolist()
        assert [frame.pts for frame in video.frames(wanted)] == wanted
        for frame in video.keyframes(table.key_pts.tolist()):
            assert read_number(frame.rgb) == truth.numbers[frame.index]
            assert frame.pts in table.key_pts
        for index in (0, len(truth) - 1, len(truth) // 2):
            frame = video.frame_at(index=index)
            assert (frame.index, frame.pts) == (index, table.pts[index])
            assert read_number(frame.rgb) == truth.numbers[index]
            assert read_number(video.frame_at(time_s=float(table.times_s[index])).rgb) == truth.numbers[index]
        assert (video.unreadable_after_s, video.left_out_frames) == (None, 0)


def test_the_front_door_translates(tmp_path: Path) -> None:
    truth = KINDS["variable"](tmp_path)
    table = table_of(open_with_opencv(truth.path))
    with open_video(truth.path, table=table) as video:
        assert video.info.decoder == "PyAV"
        assert video.table is table
        assert read_number(video.frame_at(index=100).rgb) == 100


def test_nothing_to_translate(tmp_path: Path) -> None:
    truth = KINDS["one"](tmp_path)
    with open_video(truth.path) as video:
        table = table_of(open_video(truth.path))
        assert in_units_of(video, None) is video
        assert in_units_of(video, table) is video
        assert in_units_of(video, replace(table, confirmed=False, time_base=Fraction(1, 7))) is video


def test_a_frame_that_the_decoder_does_not_have(tmp_path: Path) -> None:
    truth = KINDS["avi"](tmp_path)
    pts = np.array([0, 10, 500_000], dtype=np.int64)
    table = TimeTable(pts, Fraction(1, 300), 0, 2000.0, confirmed=True, key_pts=pts[:1])
    with in_units_of(open_video(truth.path), table) as video:
        assert [frame.pts for frame in video.frames(pts.tolist())] == [0, 10]
        assert video.frame_at(index=1).pts == 10
        with pytest.raises(VideoDecodeError, match=r"Frame 2 of avi\.avi does not come out of PyAV"):
            video.frame_at(index=2)
