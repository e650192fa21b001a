"""No file that OpenCV opens leads to another one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import cv2
import pytest

from clip_core.errors import VideoError
from clip_core.video import captures as room
from clip_core.video import open_video
from clip_core.video.captures import open_capture
from clip_core.video.opencv import open_with_opencv
from tests.video_maker import PlantedVideo, Recipe, number_picture, planted

LISTS = {
    "ffconcat": b"ffconcat version 1.0\nfile 'other.mp4'\n",
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.mp4\n#EXT-X-ENDLIST\n",
    "box": b"\0\0\0\x08freeffconcat version 1.0\nfile 'other.mp4'\n",
    "gif": b"GIF89a\nffconcat version 1.0\nfile 'other.mp4'\n",
    "riff": b"RIFF\x40\0\0\0AVI \nffconcat version 1.0\nfile 'other.mp4'\n",
    "ts": b"G" + b"\nffconcat version 1.0\nfile 'other.mp4'\n".ljust(187, b"\n"),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> PlantedVideo:
    return planted(tmp_path_factory.mktemp("good"), "good", 20, Recipe())


@pytest.fixture
def no_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)


@pytest.mark.parametrize("suffix", ["mp4", "avi", "gif", "webp", "ts", "mkv", "m3u8"])
@pytest.mark.parametrize("kind", list(LISTS))
@pytest.mark.usefixtures("no_pyav")
def test_lists_of_files_are_no_videos_under_any_name(
    good: PlantedVideo, tmp_path: Path, suffix: str, kind: str
) -> None:
    shutil.copy(good.path, tmp_path / "other.mp4")
    (tmp_path / f"x.{suffix}").write_bytes(LISTS[kind])
    with pytest.raises(VideoError, match=f"x.{suffix}"):
        open_video(tmp_path / f"x.{suffix}")


@pytest.mark.parametrize("kind", list(LISTS))
def test_the_whitelist_holds_where_the_probe_is_deceived(
    good: PlantedVideo, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(good.path, tmp_path / "other.mp4")
    (tmp_path / "x.mp4").write_bytes(LISTS[kind])
    monkeypatch.setattr(room, "container_of", lambda path: "mov")
    with pytest.raises(VideoError):
        open_with_opencv(tmp_path / "x.mp4")


def test_opencv_alone_does_follow_a_list_of_files(
    good: PlantedVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the two tests before this one would prove nothing."""
    shutil.copy(good.path, tmp_path / "other.mp4")
    (tmp_path / "x.mp4").write_bytes(LISTS["ffconcat"])
    monkeypatch.delenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", raising=False)
    assert cv2.VideoCapture(str(tmp_path / "x.mp4"), cv2.CAP_FFMPEG).isOpened()


def test_a_name_that_is_an_image_pattern_never_leads_to_the_images(good: PlantedVideo, tmp_path: Path) -> None:
    for n in range(3):
        cv2.imwrite(str(tmp_path / f"{n:03d}.png"), number_picture(n + 100))
    shutil.copy(good.path, tmp_path / "%03d.png")
    for opener in (open_with_opencv, open_video):  # FFmpeg goes by the name here, and only the whitelist stops it
        with pytest.raises(VideoError, match=r"%03d\.png is not a video that can be read"):
            opener(tmp_path / "%03d.png")


def test_a_capture_is_released_when_it_is_refused(
    good: PlantedVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, real = [], cv2.VideoCapture

    class Noted:
        def __init__(self, address: str, backend: int, options: list[int]) -> None:
            self.name, self.capture = Path(address).name, real(address, backend, options)

        def isOpened(self) -> bool:  # noqa: N802 - as OpenCV has it
            return self.capture.isOpened()

        def release(self) -> None:
            released.append(self.name)
            self.capture.release()

    monkeypatch.setattr(cv2, "VideoCapture", Noted)
    (tmp_path / "x.avi").write_bytes(b"RIFF\x10\0\0\0AVI \0\0\0\0")
    with pytest.raises(VideoError, match=r"x\.avi is not a video that can be read"):
        open_capture(tmp_path / "x.avi")
    assert released == ["x.avi"]
    capture = open_capture(good.path)
    assert released == ["x.avi"]  # what is good stays open
    capture.release()


def test_a_name_that_is_no_text_is_refused(good: PlantedVideo, tmp_path: Path) -> None:
    """OpenCV crashes the process on such a name."""
    path = tmp_path / os.fsdecode(b"v\xff.mp4")
    shutil.copy(good.path, path)
    with pytest.raises(VideoError, match=r"The name of v\?\.mp4 is not valid Unicode\. Rename the file"):
        open_capture(path)
