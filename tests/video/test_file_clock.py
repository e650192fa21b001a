"""When files say that their first frame is shown, and which timecode they bear."""

from fractions import Fraction
from pathlib import Path

import pytest

from clip_core.types import TimeTable
from clip_core.video import open_video
from clip_core.video.containers import open_container, video_stream
from clip_core.video.file_clock import earliest_stream_s, first_frame_s, start_timecode
from tests.support.sound_maker import FilmSpec, SoundSpec, write_film
from tests.support.video_maker import copy_packed

SHORT = SoundSpec(codec="aac", ends_s=1.0, clicks_s=())


def table_of(path: Path) -> TimeTable:
    with open_video(path) as video:
        return video.table


def late_s(path: Path) -> float:
    with open_container(path) as container:
        return float(first_frame_s(container, video_stream(container, path), table_of(path)))


def timecode(path: Path) -> str:
    with open_container(path) as container:
        return start_timecode(container, video_stream(container, path))


@pytest.mark.parametrize("begins_s", [0.0, 2.0])
@pytest.mark.parametrize(("suffix", "frames"), [(".mp4", "0"), (".mov", "2"), (".mkv", "0"), (".ts", "2")])
def test_a_first_frame_after_the_sound_is_late(tmp_path: Path, suffix: str, frames: str, begins_s: float) -> None:
    spec = FilmSpec(begins_s=begins_s, frames=20, options={"bf": frames}, sound=SHORT)
    found = late_s(write_film(tmp_path / f"late{suffix}", spec))
    assert begins_s - 0.001 <= found < begins_s + 1 / 30  # coded sound begins a little before the planted one


@pytest.mark.parametrize(
    ("suffix", "codec", "sound", "shown_s"),
    [
        (".mp4", "libx264", None, 2.0),  # Chromium 142 shows these first frames at these times
        (".mp4", "libx264", "aac", 2.0),
        (".mkv", "libx264", None, 2.0),
        (".mkv", "libx264", "aac", 2.0),
        (".webm", "libvpx", None, 2.0),
        (".webm", "libvpx", "libopus", 2.0),
        (".ts", "libx264", None, 0.0),
        (".ts", "libx264", "aac", 0.0),
    ],
)
def test_a_file_whose_streams_all_start_late(
    tmp_path: Path, suffix: str, codec: str, sound: str | None, shown_s: float
) -> None:
    heard = None if sound is None else SoundSpec(sound, 48_000, begins_s=2.0, ends_s=2.5, clicks_s=())
    spec = FilmSpec(codec, begins_s=2.0, frames=20, options={"bf": "0"}, sound=heard)
    path = write_film(tmp_path / f"late{suffix}", spec)
    slack_s = 0.0 if heard is None else 0.03  # coded sound begins a little before the planted one
    assert late_s(path) == pytest.approx(shown_s, abs=max(0.001, slack_s if suffix == ".ts" else 0.0))
    with open_container(path) as container:
        assert float(earliest_stream_s(container)) == pytest.approx(shown_s, abs=max(0.001, slack_s))


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_frames_that_avi_reorders_are_not_late(tmp_path: Path, codec: str) -> None:
    path = write_film(tmp_path / "b.avi", FilmSpec(codec=codec, frames=20, options={"bf": "2"}, sound=None))
    assert table_of(path).start_pts > 0  # what the decoder says, which is wrong
    assert late_s(path) == 0


def test_two_frames_in_a_packet_are_not_late(tmp_path: Path) -> None:
    assert late_s(copy_packed(tmp_path).path) == 0


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_an_avi_may_be_late_all_the_same(tmp_path: Path, codec: str) -> None:
    sound = SoundSpec(codec="mp2", ends_s=3.0, clicks_s=())
    spec = FilmSpec(codec=codec, begins_s=2.0, frames=20, options={"bf": "2"}, sound=sound)
    assert late_s(write_film(tmp_path / "late.avi", spec)) == pytest.approx(2.0, abs=2 / 30)


@pytest.mark.parametrize(
    ("suffix", "rate", "text"),
    [
        (".mov", 25, "14:09:42:10"),
        (".mp4", Fraction(30_000, 1001), "01:00:59;20"),
        (".mov", Fraction(30_000, 1001), "01:00:59:20"),
        (".mkv", 25, "14:09:42:10"),
        (".mkv", 25, ""),
    ],
)
def test_the_timecode_is_read(tmp_path: Path, suffix: str, rate: int | Fraction, text: str) -> None:
    path = write_film(tmp_path / f"film{suffix}", FilmSpec(rate=rate, frames=10, sound=None, timecode=text))
    assert timecode(path) == text
