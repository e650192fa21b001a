"""What clips are taken from: the file that was meant, in its own units, and its sound from anywhere on."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_core.errors import VideoDecodeError, VideoError, VideoNotFoundError
from clip_core.library.identify import file_stamp
from clip_core.media.original import open_original
from clip_core.media.sound import RATE, open_sound
from clip_core.video import open_video
from tests.support.sound_maker import FilmSpec, SoundSpec, write_film
from tests.support.video_maker import VideoSpec, planted


def test_it_stays_in_its_own_units(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 30, VideoSpec())
    with open_video(video.path) as opened:
        for _ in opened.frames([]):
            pass
        own = opened.table
    units = np.rint(own.times_s * 90_000).astype(np.int64)
    other = replace(own, pts=units, key_pts=units[:1], start_pts=0, time_base=Fraction(1, 90_000))
    for table in (None, own, other):
        with open_original(video.path, table) as original:
            assert original.video.table.time_base == own.time_base
            assert (original.video.table is own) == (table is own)
            assert original.stamp == file_stamp(video.path)


def test_a_file_that_changes_or_goes(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 30, VideoSpec())
    with pytest.raises(VideoError, match=r"v\.mp4 has changed"), open_original(video.path, None, (1, 2)):
        pass
    with open_original(video.path, None) as original:
        original.check()
        video.path.write_bytes(b"another")
        with pytest.raises(VideoError, match=r"v\.mp4 has changed since it was opened"):
            original.check()
    again = planted(tmp_path, "v", 30, VideoSpec()).path
    with pytest.raises(VideoNotFoundError, match=r"v\.mp4 was moved or deleted meanwhile\. Put it back\."):
        _fails_after_it_is_gone(again)


def _fails_after_it_is_gone(path: Path) -> None:
    with open_original(path, None):
        path.unlink()
        raise VideoDecodeError("Frame 7 cannot be decoded.")


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "flac"), ("a.ts", "aac"), ("a.avi", "pcm_s16le")])
def test_the_sound_from_anywhere(name: str, codec: str, tmp_path: Path) -> None:
    sound = SoundSpec(codec, 48_000, ends_s=12.0, clicks_s=(0.5, 8.25, 11.0))
    path = write_film(tmp_path / name, FilmSpec("mpeg4", rate=10, frames=120, sound=sound))
    for start_s, expected in ((0.0, 0.5), (0.4, 0.1), (7.0, 1.25), (10.9, 0.1)):
        with open_video(path) as video, ExitStack() as stack:
            heard, warnings = open_sound(video, stack, start_s)
            assert heard is not None
            samples = np.concatenate(
                [frame.to_ndarray() for frame in heard.until(2.0 if start_s < 10 else 1.0)], axis=1
            )
            loud = np.flatnonzero(np.abs(samples).max(axis=0) > 0.3)
            assert loud[0] / RATE == pytest.approx(expected, abs=0.03)
            assert warnings == heard.warnings == []


def test_without_sound(tmp_path: Path) -> None:
    with open_video(planted(tmp_path, "v", 5, VideoSpec()).path) as video, ExitStack() as stack:
        assert open_sound(video, stack, 0.1) == (None, [])
