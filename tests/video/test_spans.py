"""What single frames and spans cost: it is chosen by itself whether to seek or to decode on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from clip_core.types import Frame
from clip_core.video import open_video
from clip_core.video.decoding import Decoded, Decoder
from clip_core.video.pyav import FrameFinder
from tests.support.joined_maker import JOINED, Recording, write_joined
from tests.support.video_maker import VideoSpec, number_picture, planted, read_number, write_video

COUNT = 240


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pts of the frames that come out of decoders from here on."""
    found: list[int] = []
    frames = Decoder.frames

    def noted(self: Decoder) -> Iterator[Decoded]:
        for frame in frames(self):
            found.append(frame.pts)
            yield frame

    monkeypatch.setattr(Decoder, "frames", noted)
    return found


def numbers(frames: Iterator[Frame]) -> list[int]:
    return [read_number(frame.rgb) for frame in frames]


@pytest.mark.parametrize(
    ("wanted", "most"),
    [
        ([*range(225, 240)], 30),  # the end of the file: from the last keyframe on
        ([5, 125, 215], 3 * 30),  # far apart: three groups of 30
        ([29, 30, 59, 60], 61),  # the next group begins with the next frame: no seek
        ([*range(0, 240, 3)], 238),  # dense: one pass
        ([0], 1),
    ],
)
def test_no_more_is_decoded_than_the_nearer_way_needs(
    tmp_path: Path, decoded: list[int], wanted: list[int], most: int
) -> None:
    video = open_video(planted(tmp_path, "v", COUNT, VideoSpec(options={"g": "30", "sc_threshold": "0"})).path)
    with video:
        pts = video.table.pts[wanted].tolist()
        decoded.clear()
        assert numbers(video.frames_at(pts)) == wanted
        assert 1 <= len(decoded) <= most


def test_open_groups_give_the_pictures_of_a_whole_pass(tmp_path: Path) -> None:
    """The first frames of such a group are shown before its keyframe, and build on the group before."""
    options = {"g": "30", "bf": "3", "x264-params": "open-gop=1:scenecut=0:b-pyramid=normal:ref=4"}
    noise = np.random.default_rng(0).integers(-20, 20, (COUNT, 96, 160, 3))
    pictures = [np.clip(number_picture(n) + noise[n], 0, 255).astype(np.uint8) for n in range(COUNT)]
    write_video(tmp_path / "v.ts", pictures, VideoSpec(".ts", options=options))
    with open_video(tmp_path / "v.ts") as video:
        whole = list(video.frames())
        for first in (26, 86, 147):
            found = list(video.span(whole[first].pts, whole[first + 9].pts))
            assert [frame.index for frame in found] == list(range(first, first + 10))
            assert all(np.array_equal(frame.rgb, whole[frame.index].rgb) for frame in found)


@pytest.mark.parametrize("kind", ["lies", "one clock"])
def test_where_seeks_do_not_help_they_are_given_up(
    tmp_path: Path, decoded: list[int], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Each would begin at the first frame: 8 frames would cost up to 1,000 of a video of 240."""
    jumps: list[int] = []
    jump = FrameFinder._jump
    if kind == "lies":
        path = planted(tmp_path, "v", COUNT, VideoSpec(options={"g": "30", "sc_threshold": "0"})).path
        monkeypatch.setattr(Decoder, "seek", lambda self, pts: self.restart())
    else:
        path = write_joined(tmp_path, JOINED["mkv"], [Recording(120), Recording(120)]).path
    monkeypatch.setattr(FrameFinder, "_jump", lambda self, pts: jumps.append(pts) or jump(self, pts))
    with open_video(path) as video:
        wanted = [*range(20, len(video.table), 28)]
        pts = video.table.pts[wanted].tolist()
        decoded.clear()
        assert numbers(video.frames_at(pts)) == wanted
        assert len(jumps) <= 4
        assert len(decoded) <= 2 * COUNT


def test_a_table_that_other_packets_claim_is_not_trusted(tmp_path: Path) -> None:
    one = planted(tmp_path, "one", 60, VideoSpec())
    other = planted(tmp_path, "other", 61, VideoSpec())
    with open_video(one.path) as video, open_video(other.path) as longer:
        assert not video.trust(video.table)  # nobody has confirmed it
        list(longer.frames())
        assert not video.trust(longer.table)
        assert not video.table.confirmed
