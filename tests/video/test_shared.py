"""Several threads ask one open video for frames."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from clip_core import open_video
from clip_core.errors import VideoChangedError, VideoNotFoundError
from clip_core.library.identify import file_stamp
from clip_core.video.opening import SharedVideo
from tests.support import video_maker


def test_each_thread_gets_its_frame(tmp_path: Path) -> None:
    video = video_maker.planted(tmp_path, "v", 90, video_maker.VideoSpec())
    shared = SharedVideo(video.path, "0" * 64)
    wanted = [(n * 37) % 90 for n in range(60)]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda n: video_maker.read_number(shared.frame_at(video.times_s[n]).rgb), wanted))
    assert got == wanted
    shared.close()
    assert video_maker.read_number(shared.frame_at(1.0).rgb) == 30
    shared.close()


def test_a_confirmed_table_is_believed_if_it_begins_where_the_video_does(tmp_path: Path) -> None:
    video = video_maker.planted(tmp_path, "v", 60, video_maker.VideoSpec())
    with open_video(video.path) as opened:
        list(opened.frames())
        table = opened.table
    with open_video(video.path, table=table) as again:
        assert again.table is table
        assert video_maker.read_number(again.frame_at(index=41).rgb) == 41
    for other in (replace(table, start_pts=7), replace(table, confirmed=False)):
        with open_video(video.path, table=other) as again:
            assert again.table is not other
            assert len(again.table) == 60


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(VideoNotFoundError, match=r"gone\.mp4"):
        SharedVideo(tmp_path / "gone.mp4", "0" * 64).frame_at(0.0)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two videos of the same times whose pictures show 0 to 89 and 500 to 589."""
    paths = tmp_path / "v.mp4", tmp_path / "other.mp4"
    for path, first in zip(paths, (0, 500), strict=True):
        pictures = [video_maker.number_picture(number) for number in range(first, first + 90)]
        video_maker.write_video(path, pictures, video_maker.VideoSpec())
    return paths


def shown(shared: SharedVideo, time_s: float) -> int:
    return video_maker.read_number(shared.frame_at(time_s).rgb)


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("how", ["replaced", "overwritten"])
def test_no_picture_of_another_file_is_shown(how: str, is_open: bool, two: tuple[Path, Path], tmp_path: Path) -> None:
    path, other = two
    shared = SharedVideo(path, "0" * 64, None, file_stamp(path))
    if is_open:
        assert shown(shared, 1.0) == 30
    kept = Path(shutil.copy2(path, tmp_path / "kept"))
    if how == "replaced":
        other.replace(path)
    else:
        path.write_bytes(other.read_bytes())
    for _ in range(2):
        with pytest.raises(VideoChangedError, match=r"v\.mp4 (was|grew).* Open it again\."):
            shown(shared, 2.0)
    kept.replace(path)  # with the time that it had
    assert shown(shared, 2.0) == 60
    shared.close()


def test_an_open_video_whose_file_is_deleted_or_cut_says_so(two: tuple[Path, Path]) -> None:
    path, other = two
    for act, says in (
        (other.unlink, "was moved or deleted"),
        (lambda: os.truncate(path, 50), "was cut short"),
    ):
        file = other if "deleted" in says else path
        shared = SharedVideo(file, "0" * 64)
        shown(shared, 0.0)
        act()
        with pytest.raises(VideoChangedError, match=says):
            shown(shared, 2.0)
        shared.close()


def test_a_sequence_shows_no_picture_that_was_replaced(tmp_path: Path) -> None:
    video_maker.write_images(tmp_path, "f_%d.png", range(20))
    shared = SharedVideo(tmp_path / "f_%d.png@10", "0" * 64)
    assert shown(shared, 0.3) == 3
    video_maker.write_images(tmp_path, "f_%d.png", [700])
    (tmp_path / "f_700.png").replace(tmp_path / "f_7.png")
    with pytest.raises(VideoChangedError, match=r"f_7\.png of f_%d\.png@10 was changed while it was read"):
        shown(shared, 0.7)
    shared.close()
