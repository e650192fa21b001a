"""Single frames as files: the very picture at that time, in full size."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import clip_core.media.exports_folder
from clip_core.errors import ExportError, VideoNotFoundError
from clip_core.media.export_media import save_frames
from clip_core.types import Moment
from clip_core.video import open_video
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
