"""Several threads ask one open video for frames."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from clip_core import open_video
from clip_core.errors import VideoNotFoundError
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
