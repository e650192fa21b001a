"""Single frames as files: the very picture at that time, in full size."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import clip_core.media.exports_folder
from clip_core.errors import ExportError, VideoDecodeError, VideoError, VideoNotFoundError
from clip_core.media.export_media import ExportRequest, export_media, save_frames
from clip_core.types import Moment, TimeTable
from clip_core.video import open_video
from clip_core.video.pyav import PyAVVideo
from tests.support.video_maker import KINDS, VideoSpec, planted, read_number


def moment(peak_s: float, prompt: str = "a dog") -> Moment:
    return Moment(prompt, max(0.0, peak_s - 0.1), peak_s + 0.1, peak_s, 1.0, 1.0)


@pytest.mark.parametrize("kind", ["variable", "edit", "avi", "turned90", "late", "gif", "images"])
def test_the_very_frames(kind: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    video = KINDS[kind](tmp_path / "in")
    places = [len(video) - 1, 3, len(video) // 2]
    wanted = [moment(round(video.times_s[k], 6)) for k in places]  # as a CSV has it
    last = list(save_frames(video.path, wanted, tmp_path / "out", kind="png"))[-1]
    assert (last.stage, last.done, last.total) == ("frames", 3, 3)
    names = sorted(path.name for path in last.files)
    assert [name[:10] for name in names] == ["001_a-dog_", "002_a-dog_", "003_a-dog_"]
    with open_video(video.path) as original:
        for name, place in zip(names, places, strict=True):
            rgb = cv2.imread(str(tmp_path / "out" / name))[:, :, ::-1]
            assert read_number(rgb) == video.numbers[place]
            np.testing.assert_array_equal(rgb, original.frame_at(index=place).rgb)


def test_jpeg_and_given_times(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 30, VideoSpec())
    last = list(save_frames(video.path, [0.5, 0.0, 0.99], tmp_path / "out"))[-1]
    assert sorted(path.name for path in last.files) == [
        "001_frame_0m00.500s.jpg",
        "002_frame_0m00.000s.jpg",
        "003_frame_0m00.990s.jpg",
    ]
    pictures = [cv2.imread(str(path)) for path in sorted(last.files)]
    assert [read_number(picture) for picture in pictures] == [15, 0, 29]
    assert pictures[0].shape == (96, 160, 3)


def test_what_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = planted(tmp_path, "v", 30, VideoSpec())
    with pytest.raises(ExportError, match=r"A moment at 0:07\.000 lies outside the video"):
        list(save_frames(video.path, [0.5, 7.0], tmp_path / "out"))
    with pytest.raises(VideoNotFoundError):
        list(save_frames(tmp_path / "gone.mp4", [0.5], tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ExportError, match="file cannot be made or is not a folder"):
        list(save_frames(video.path, [0.5], tmp_path / "file"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".001_frame_0m00.500s.jpg.part").symlink_to("/dev/full")
    with pytest.raises(ExportError, match="The disk is full"):
        list(save_frames(video.path, [0.5], tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == []
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    run = save_frames(video.path, [0.1, 0.2, 0.3], tmp_path / "out")
    assert [next(run).done for _ in range(3)] == [0, 1, 2]
    run.close()
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.fixture
def flawed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, TimeTable]:
    """A video whose frames 6 and 7 cannot be decoded, and its times."""
    video = planted(tmp_path, "v", 60, VideoSpec())
    picture_at = PyAVVideo._picture_at
    bad = {6, 7}
    with open_video(video.path) as opened:
        list(opened.frames())
        table = opened.table
    monkeypatch.setattr(
        PyAVVideo, "_picture_at", lambda self, pts: None if self.table.number_of(pts) in bad else picture_at(self, pts)
    )
    return video.path, table


def test_a_picture_that_cannot_be_decoded_is_named_and_the_others_are_written(
    flawed: tuple[Path, TimeTable], tmp_path: Path
) -> None:
    path, table = flawed
    last = list(save_frames(path, [moment(1.0), moment(0.2), 0.1], tmp_path / "out", kind="png", table=table))[-1]
    assert (last.done, last.total, last.failed) == (3, 3, 1)
    assert sorted(file.name for file in last.files) == ["001_a-dog_0m01.000s.png", "003_frame_0m00.100s.png"]
    assert sorted(last.files) == sorted((tmp_path / "out").iterdir())
    numbers = [read_number(cv2.imread(str(file))) for file in sorted(last.files)]
    assert numbers == [30, 3]
    (named,) = last.warnings
    assert named.startswith("“a dog” at 0:00.200 has no picture: Frame 6 of v.mp4 cannot be decoded.")
    with pytest.raises(VideoDecodeError, match="Frame 7"):
        list(save_frames(path, [7 / 30, 6 / 30 + 0.034], tmp_path / "none", table=table))


def test_clips_stay_where_no_picture_comes_and_pictures_where_no_clip_does(
    flawed: tuple[Path, TimeTable], tmp_path: Path
) -> None:
    path, table = flawed
    whole, torn = Moment("whole", 1.0, 1.5, 0.2, 1.0, 1.0), Moment("torn", 0.1, 0.5, 1.0, 1.0, 1.0)
    for one, names in ((whole, ["001_whole_0m01.000s.mp4"]), (torn, ["001_torn_0m01.000s.jpg"])):
        request = ExportRequest((one,), pictures="jpeg", zip_name="all.zip")
        last = list(export_media(path, request, tmp_path / one.prompt, table=table))[-1]
        with zipfile.ZipFile(last.files[0]) as archive:
            assert archive.namelist() == names
        assert (last.stage, last.failed, len(last.warnings)) == ("done", 1, 1)
    nothing = ExportRequest((replace(torn, peak_s=0.2),), pictures="jpeg", zip_name="all.zip")
    with pytest.raises(VideoDecodeError, match="Frame 6"):
        list(export_media(path, nothing, tmp_path / "nothing", table=table))
    (tmp_path / "text.mp4").write_bytes(path.read_bytes()[:3000])
    with pytest.raises(VideoError):
        list(export_media(tmp_path / "text.mp4", nothing, tmp_path / "nothing"))


def test_a_picture_that_is_too_wide_for_jpeg_is_named(tmp_path: Path) -> None:
    for number in (1, 2):
        wide = np.full((2, 65_501 if number == 1 else 60, 3), 9, np.uint8)
        assert cv2.imwrite(str(tmp_path / f"p{number}.png"), wide)
    last = list(save_frames(tmp_path / "p%d.png@1", [0.0], tmp_path / "png", kind="png"))[-1]
    assert cv2.imread(str(last.files[0])).shape == (2, 65_501, 3)
    with pytest.raises(ExportError, match=r"A JPEG has at most 65,500 pixels in a row, not 65,501 × 2\. Choose PNG\."):
        list(save_frames(tmp_path / "p%d.png@1", [0.0], tmp_path / "jpeg"))
