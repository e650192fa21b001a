"""A ZIP of clips of several videos: each the very frames of its moment, under a name that no other has."""

from __future__ import annotations

import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from clip_core.errors import ExportError, VideoError
from clip_core.library.identify import record_of
from clip_core.media.clips_of_videos import zip_clips
from clip_core.media.reel import FileMoment
from clip_core.types import Moment
from clip_core.video import open_video
from tests.support.video_maker import VideoSpec, planted, read_number


def moments(folder: Path, name: str, *starts_s: float) -> list[FileMoment]:
    path = planted(folder, name, 60, VideoSpec()).path
    with open_video(path) as video:
        record = record_of(video, name * 64, None)
    return [FileMoment(path, record, Moment("a dog", s, s + 0.1, s, 1.0, 1.0)) for s in starts_s]


def test_clips_of_two_videos_in_one_zip(tmp_path: Path) -> None:
    a, b = moments(tmp_path, "a", 0.5, 1.0), moments(tmp_path, "b", 0.5)
    *_, last = zip_clips([a[1], *b, a[0]], tmp_path / "out" / "clips.zip", texts={"moments.csv": b"x"})
    assert (last.stage, last.failed, last.warnings) == ("done", 0, ())
    with zipfile.ZipFile(tmp_path / "out" / "clips.zip") as packed:
        packed.extractall(tmp_path / "all")
    found = {}
    for path in sorted((tmp_path / "all").glob("*.mp4")):
        with open_video(path) as video:
            found[path.name] = [read_number(frame.rgb) for frame in video.frames()]
    assert found == {
        "aaaaaaaaaaaa_001_a-dog_0m01.000s.mp4": [30, 31, 32],
        "aaaaaaaaaaaa_002_a-dog_0m00.500s.mp4": [15, 16, 17],
        "bbbbbbbbbbbb_001_a-dog_0m00.500s.mp4": [15, 16, 17],
    }
    assert (tmp_path / "all" / "moments.csv").read_bytes() == b"x"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clips.zip"]


def test_a_changed_video_is_named_and_cancelling_leaves_nothing(tmp_path: Path) -> None:
    a, b = moments(tmp_path, "a", 0.5, 1.0), moments(tmp_path, "b", 0.5)
    other = [FileMoment(each.path, each.record, each.moment, (-1, -1)) for each in a]
    *_, last = zip_clips([*other, *b], tmp_path / "clips.zip")
    assert (last.failed, len(last.warnings)) == (2, 1)
    assert last.warnings[0].startswith("a.mp4 is left out: a.mp4 has changed")
    with pytest.raises(VideoError):
        list(zip_clips(other, tmp_path / "none.zip"))
    with pytest.raises(ExportError, match="no moments to cut"):
        list(zip_clips([], tmp_path / "none.zip"))
    (tmp_path / "out").mkdir()
    with closing(zip_clips(a, tmp_path / "out" / "clips.zip")) as run:
        next(run)
    assert list((tmp_path / "out").iterdir()) == []
