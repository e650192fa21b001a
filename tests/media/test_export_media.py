"""Clips, frames and tables in one go, single or in a ZIP."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

import clip_core.media.exports_folder
from clip_core.errors import ExportError
from clip_core.media.export_media import ExportRequest, export_media
from clip_core.types import Moment
from clip_core.video import open_video
from tests.support.video_maker import VideoSpec, planted, read_number

MOMENTS = (Moment("a dog", 0.5, 1.0, 0.7, 1.0, 1.0), Moment("pizza", 1.0, 1.5, 1.2, 1.0, 1.0))
NAMES = ["001_a-dog_0m00.500s.mp4", "002_pizza_0m01.000s.mp4", "001_a-dog_0m00.700s.jpg", "002_pizza_0m01.200s.jpg"]


def test_single_files(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 60, VideoSpec())
    request = ExportRequest(MOMENTS, pictures="jpeg", texts={"moments.csv": b"x\n"})
    reports = list(export_media(video.path, request, tmp_path / "out"))
    stages = list(dict.fromkeys(report.stage for report in reports))
    assert stages == ["clips", "frames", "done"]
    assert [path.name for path in reports[-1].files] == [*NAMES, "moments.csv"]
    assert sorted(reports[-1].files) == sorted((tmp_path / "out").iterdir())
    assert [(clip.start_s, clip.end_s, clip.frames) for clip in reports[-1].clips] == [(0.5, 1.0, 15), (1.0, 1.5, 15)]


def test_a_zip_of_all(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 60, VideoSpec())
    request = ExportRequest(MOMENTS, pictures="jpeg", zip_name="clips.zip", texts={"moments.csv": b"x\n"})
    reports = list(export_media(video.path, request, tmp_path / "out"))
    assert list(dict.fromkeys(report.stage for report in reports)) == ["clips", "frames", "zip", "done"]
    assert reports[-1].files == (tmp_path / "out" / "clips.zip",)
    assert [clip.path for clip in reports[-1].clips] == [Path(name) for name in NAMES[:2]]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clips.zip"]
    with zipfile.ZipFile(tmp_path / "out" / "clips.zip") as archive:
        assert archive.namelist() == ["moments.csv", *NAMES]
        archive.extract(NAMES[1], tmp_path)
        picture = cv2.imdecode(np.frombuffer(archive.read(NAMES[2]), np.uint8), cv2.IMREAD_COLOR)
    with open_video(tmp_path / NAMES[1]) as clip:
        assert [read_number(frame.rgb) for frame in clip.frames()] == list(range(30, 45))
    assert read_number(picture) == 21


def test_frames_alone_and_a_copy(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 60, VideoSpec(options={"g": "30", "sc_threshold": "0"}))
    (*_, last) = export_media(video.path, ExportRequest(MOMENTS, clip_mode=None, pictures="png"), tmp_path / "frames")
    assert [path.suffix for path in last.files] == [".png", ".png"]
    assert last.clips == ()
    (*_, last) = export_media(video.path, ExportRequest(MOMENTS, clip_mode="fast"), tmp_path / "copies")
    assert [clip.start_s for clip in last.clips] == [0.0, 1.0]


@pytest.mark.parametrize("stage", ["clips", "frames", "zip"])
def test_nothing_is_left_of_a_zip_that_is_stopped(stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    video = planted(tmp_path, "v", 60, VideoSpec())
    run = export_media(video.path, ExportRequest(MOMENTS, pictures="png", zip_name="clips.zip"), tmp_path / "out")
    for progress in run:
        if progress.stage == stage and 0 < progress.share < 1:
            break
    assert progress.stage == stage
    run.close()
    assert list((tmp_path / "out").iterdir()) == []


def test_nothing_is_left_of_a_zip_that_fails(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 60, VideoSpec())
    request = ExportRequest(MOMENTS, zip_name="clips.zip", texts={"../moments.csv": b""})
    with pytest.raises(ExportError, match=r"moments\.csv is not a safe file name"):
        list(export_media(video.path, request, tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == []


def test_wishes_are_told_apart() -> None:
    wishes = [
        ExportRequest(MOMENTS),
        ExportRequest(MOMENTS[:1]),
        ExportRequest(MOMENTS, clip_mode="fast"),
        ExportRequest(MOMENTS, zip_name="a.zip"),
    ]
    assert len({request.digest for request in wishes}) == 4
    assert ExportRequest(MOMENTS).digest == wishes[0].digest
