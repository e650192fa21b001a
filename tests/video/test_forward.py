"""The reader of whole pictures over a made-up source: numbers, damage, places to begin."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_core.errors import VideoDecodeError
from clip_core.types import TimeTable
from clip_core.video.base import VideoInfo
from clip_core.video.forward import ForwardVideo, PendingFrame
from tests.support.records import HEADER
from tests.support.video_maker import number_picture, read_number

INFO = VideoInfo(
    path=Path("made.up"),
    name="made.up",
    **HEADER | {"container": "images", "codec": "png", "width": 160, "height": 96, "header_fps": 10.0},
)


@dataclass
class MadeUp:
    """Frames at 0.1 s that carry their pts as numbers."""

    count: int = 100
    bad: Sequence[int] = ()
    known_bad: Sequence[int] = ()
    cut: bool = False
    starts_anywhere: bool = True
    time_base: Fraction = Fraction(1, 10)
    begun: list[int | None] = field(default_factory=list)
    read: int = 0
    running: int = 0

    def claimed(self, start_pts: int) -> TimeTable:
        pts = np.arange(start_pts, self.count)
        return TimeTable(pts, self.time_base, start_pts, len(pts) / 10, confirmed=False, key_pts=pts[:1])

    def frames(self, from_pts: int | None = None) -> Generator[PendingFrame, None, None]:
        self.begun.append(from_pts)
        self.running += 1
        try:
            for pts in range(from_pts or 0, self.count):
                self.read += 1
                image = None if pts in self.bad else number_picture(pts)
                yield PendingFrame(pts, 0, pts == 0, lambda image=image: image, damaged=pts in self.known_bad)  # type: ignore[misc]
        finally:
            self.running -= 1

    def ends_early(self) -> bool:
        return self.cut


@pytest.mark.parametrize("asked", [(50, 51, 55, 60, 66, 65, 65), (10, 90, 20)])
def test_a_source_that_starts_anywhere_starts_at_each_frame(asked: tuple[int, ...]) -> None:
    source = MadeUp()
    with ForwardVideo(INFO, source, 0) as video:
        assert [read_number(video.frame_at(index=k).rgb) for k in asked] == list(asked)
        assert source.begun == list(dict.fromkeys(asked))
    assert source.running == 0


def test_every_other_source_goes_on_from_frame_to_frame_and_starts_again_only_to_go_back() -> None:
    source = MadeUp(starts_anywhere=False)
    with ForwardVideo(INFO, source, 0) as video:
        assert [read_number(video.frame_at(index=k).rgb) for k in (10, 11, 90, 20, 20)] == [10, 11, 90, 20, 20]
        assert source.begun == [None, None]
    assert source.running == 0


def test_damaged_frames_have_no_number_once_they_are_known() -> None:
    source = MadeUp(count=10, bad=[4], known_bad=[7])
    with ForwardVideo(INFO, source, 0) as video:
        assert video.table.pts.tolist() == list(range(10))
        assert list(video.frames([])) == []
        assert video.table.pts.tolist() == [0, 1, 2, 3, 4, 5, 6, 8, 9]
        assert [frame.pts for frame in video.frames()] == [0, 1, 2, 3, 5, 6, 8, 9]
        assert video.table.pts.tolist() == [0, 1, 2, 3, 5, 6, 8, 9]
        assert [(frame.pts, frame.index) for frame in video.frames([5, 9])] == [(5, 4), (9, 7)]
        assert video.left_out_frames == 2
    with ForwardVideo(INFO, MadeUp(count=10, bad=[4]), 0) as video:
        assert list(video.frames([])) == []
        with pytest.raises(VideoDecodeError, match=r"Frame 4 of made\.up cannot be decoded"):
            video.frame_at(index=4)
        assert video.frame_at(index=5).pts == 5


@pytest.mark.parametrize(
    ("source", "end_s"),
    [
        (MadeUp(count=10), None),
        (MadeUp(count=10, bad=[9]), None),
        (MadeUp(count=10, bad=[8, 9]), 0.8),
        (MadeUp(count=10, cut=True), 1.0),
    ],
)
def test_where_reading_ended(source: MadeUp, end_s: float | None) -> None:
    with ForwardVideo(INFO, source, 0) as video:
        list(video.frames())
        assert video.unreadable_after_s == (None if end_s is None else pytest.approx(end_s))


def test_nothing_decodes() -> None:
    with (
        ForwardVideo(INFO, MadeUp(count=3, bad=[0, 1, 2]), 0) as video,
        pytest.raises(VideoDecodeError, match=r"Not one frame of made\.up"),
    ):
        list(video.frames())


def test_time_zero_is_the_first_frame_that_decodes() -> None:
    with ForwardVideo(INFO, MadeUp(count=5, bad=[0, 1]), 2) as video:
        np.testing.assert_allclose(video.times_s, [0, 0.1, 0.2])
        assert next((frame.pts, frame.index, frame.time_s) for frame in video.frames()) == (2, 0, 0.0)


def test_a_pass_over_a_known_table_ends_with_the_last_wanted_frame() -> None:
    source = MadeUp()
    with ForwardVideo(INFO, source, 0) as video:
        assert list(video.frames([])) == []
        source.read = 0
        assert [frame.pts for frame in video.frames([3, 12])] == [3, 12]
        assert source.read == 13
        assert source.running == 0
        assert list(video.frames([])) == []


def test_a_table_in_other_units_or_of_another_beginning_is_not_believed() -> None:
    pts = np.arange(100)
    for base, start, believed in [(Fraction(1, 10), 0, True), (Fraction(1, 7), 0, False), (Fraction(1, 10), 1, False)]:
        table = TimeTable(pts, base, start, 10.0, confirmed=True, key_pts=pts[:1])
        with ForwardVideo(INFO, MadeUp(), 0, table) as video:
            assert (video.table is table) == believed


def test_a_closed_video_reads_no_more() -> None:
    source = MadeUp()
    video = ForwardVideo(INFO, source, 0)
    video.frame_at(index=5)
    video.close()
    video.close()
    assert source.running == 0
    for ask in (lambda: video.frame_at(index=0), lambda: next(video.frames()), lambda: next(video.keyframes([0]))):
        with pytest.raises(ValueError, match=r"made\.up is closed"):
            ask()
