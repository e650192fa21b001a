"""What every implementation of ``Video`` must do, on every kind of file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clip_core.types import Frame
from clip_core.video import Video, open_video
from clip_core.video.animation import open_animation
from clip_core.video.watched import WatchedFile
from tests.support.video_maker import KINDS, PlantedVideo, VideoSpec, read_number, write_video

Opener = Callable[[Path], Video]

# ``open_video`` gives images to OpenCV, WebP and animated PNG to Pillow, and all else to PyAV.
IMPLEMENTATIONS: dict[str, Opener] = {
    "open_video": open_video,
    "pillow": lambda path: open_animation(path, WatchedFile(path)),
}
CAN = {"open_video": list(KINDS), "pillow": ["webp", "apng"]}


@pytest.fixture(scope="session")
def planted_videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PlantedVideo]:
    folder = tmp_path_factory.mktemp("videos")
    return {kind: make(folder) for kind, make in KINDS.items()}


@pytest.fixture(params=[(name, kind) for name, kinds in CAN.items() for kind in kinds], ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    name, kind = request.param
    return name, kind


@pytest.fixture
def truth(pair: tuple[str, str], planted_videos: dict[str, PlantedVideo]) -> PlantedVideo:
    return planted_videos[pair[1]]


@pytest.fixture
def opener(pair: tuple[str, str]) -> Opener:
    return IMPLEMENTATIONS[pair[0]]


def assert_is(frame: Frame, truth: PlantedVideo, index: int) -> None:
    assert read_number(frame.rgb) == truth.numbers[index]
    assert frame.index == index
    assert frame.time_s == pytest.approx(truth.times_s[index], abs=1e-9)


def test_frames_come_in_order_with_their_times(opener: Opener, truth: PlantedVideo) -> None:
    with opener(truth.path) as video:
        frames = list(video.frames())
        assert [read_number(frame.rgb) for frame in frames] == truth.numbers
        assert [frame.index for frame in frames] == list(range(len(truth)))
        np.testing.assert_allclose([frame.time_s for frame in frames], truth.times_s, rtol=0, atol=1e-9)
        assert [frame.time_s for frame in frames] == video.times_s.tolist()
        assert video.table.confirmed
        assert video.unreadable_after_s is None
        assert all(frame.rgb.shape == (truth.height, truth.width, 3) for frame in frames)
        assert (video.info.width, video.info.height) == (truth.width, truth.height)


def test_the_table_tells_the_planted_times_before_decoding(opener: Opener, truth: PlantedVideo) -> None:
    with opener(truth.path) as video:
        np.testing.assert_allclose(video.times_s, truth.times_s, rtol=0, atol=1e-9)
        assert video.table.end_s > truth.times_s[-1]


def test_any_frame_by_number(opener: Opener, truth: PlantedVideo) -> None:
    with opener(truth.path) as video:
        for index in np.random.default_rng(2).integers(0, len(truth), 25).tolist():
            assert_is(video.frame_at(index=index), truth, index)


def test_any_frame_by_time(opener: Opener, truth: PlantedVideo) -> None:
    with opener(truth.path) as video:
        ends = [*video.times_s[1:].tolist(), video.table.end_s]
        for index in np.random.default_rng(3).integers(0, len(truth), 25).tolist():
            start_s = float(video.times_s[index])
            assert_is(video.frame_at(time_s=start_s), truth, index)
            assert_is(video.frame_at(time_s=(start_s + ends[index]) / 2), truth, index)
        assert_is(video.frame_at(time_s=-1.0), truth, 0)
        assert_is(video.frame_at(time_s=1e9), truth, len(truth) - 1)


def test_frames_in_a_row_and_backwards(opener: Opener, truth: PlantedVideo) -> None:
    with opener(truth.path) as video:
        middle = len(truth) // 2
        row = [*range(middle, min(middle + 12, len(truth))), *range(middle, max(middle - 4, 0), -1)]
        for index in row:
            assert_is(video.frame_at(index=index), truth, index)


def test_wanted_frames_are_the_only_ones_and_keep_their_numbers(opener: Opener, truth: PlantedVideo) -> None:
    with opener(truth.path) as video:
        indices = list(range(0, len(truth), 7))
        frames = list(video.frames(video.table.pts[indices].tolist()))
        assert [frame.index for frame in frames] == indices
        assert [read_number(frame.rgb) for frame in frames] == [truth.numbers[index] for index in indices]
        assert video.table.confirmed


def test_a_span_and_single_frames_are_those_of_a_whole_pass(opener: Opener, truth: PlantedVideo) -> None:
    with opener(truth.path) as video, opener(truth.path) as again:
        whole = list(video.frames())
        pts, n = [frame.pts for frame in whole], len(whole)
        assert again.trust(video.table)
        picked = np.unique(np.random.default_rng(6).integers(0, n, 12)).tolist()
        for first, last in ((0, n - 1), (n // 3, n // 2), (n - min(n, 4), n - 1), (n // 2, n // 2)):
            assert_same(list(again.span(pts[first], pts[last])), whole[first : last + 1])
        assert_same(list(again.frames_at([pts[k] for k in picked])), [whole[k] for k in picked])
        assert list(again.span(pts[-1] + 1, pts[-1] + 9)) == list(again.frames_at([])) == []


def assert_same(frames: list[Frame], right: list[Frame]) -> None:
    assert [(f.index, f.pts, f.time_s) for f in frames] == [(f.index, f.pts, f.time_s) for f in right]
    assert all(np.array_equal(frame.rgb, other.rgb) for frame, other in zip(frames, right, strict=True))


def test_keyframes_alone_are_the_right_pictures(opener: Opener, truth: PlantedVideo) -> None:
    with opener(truth.path) as video:
        whole = {frame.pts: frame for frame in video.frames()}
        frames = list(video.keyframes(video.table.key_pts.tolist()))
        for frame in frames:
            assert_is(frame, truth, frame.index)
            assert np.array_equal(frame.rgb, whole[frame.pts].rgb)
        if truth.path.name not in ("avi-h264.avi", "packed.avi", "edit.mp4"):
            assert len(frames) == len(video.table.key_pts) >= 1


def test_looking_in_the_middle_of_a_pass_does_not_disturb_it(opener: Opener, truth: PlantedVideo) -> None:
    with opener(truth.path) as video:
        numbers = []
        for frame in video.frames():
            numbers.append(read_number(frame.rgb))
            if frame.index % 50 == 0:
                assert_is(video.frame_at(index=len(truth) - 1), truth, len(truth) - 1)
        assert numbers == truth.numbers


def test_wrong_questions(planted_videos: dict[str, PlantedVideo]) -> None:
    with open_video(planted_videos["ntsc"].path) as video:
        with pytest.raises(IndexError, match="frames 0 to 149, not 150"):
            video.frame_at(index=150)
        with pytest.raises(IndexError, match="not -1"):
            video.frame_at(index=-1)
        with pytest.raises(ValueError, match="either time_s or index"):
            video.frame_at()
        with pytest.raises(ValueError, match="either time_s or index"):
            video.frame_at(time_s=0.0, index=0)
        with pytest.raises(ValueError, match="nan"):
            video.frame_at(time_s=float("nan"))


def test_red_is_red(tmp_path: Path) -> None:
    red = np.zeros((48, 64, 3), np.uint8)
    red[:, :, 0] = 255
    write_video(tmp_path / "red.mp4", [red] * 3, VideoSpec())
    with open_video(tmp_path / "red.mp4") as video:
        r, g, b = video.frame_at(index=1).rgb.reshape(-1, 3).mean(axis=0)
    assert r > 240
    assert max(g, b) < 15


def test_closing_twice_and_in_the_middle(planted_videos: dict[str, PlantedVideo]) -> None:
    video = open_video(planted_videos["ntsc"].path)
    frames = video.frames()
    assert next(frames).index == 0
    video.close()
    video.close()
    with pytest.raises(ValueError, match="is closed"):
        next(frames)
    with pytest.raises(ValueError, match="is closed"):
        video.frame_at(index=0)


def test_pictures_are_contiguous_bytes_of_their_own(planted_videos: dict[str, PlantedVideo]) -> None:
    with open_video(planted_videos["turned90"].path) as video:
        first, *_, last = list(video.frames())
        assert first.rgb.flags.c_contiguous
        assert read_number(first.rgb) == 0
        assert read_number(last.rgb) == 39
