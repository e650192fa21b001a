"""Which packets make a stretch that stands alone, on made-up orders and on a real file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clip_core.errors import ExportError
from clip_core.media.fast_clips import Streams, _Counted, packets_of, stretch_of
from clip_core.types import TimeTable
from tests.support.sound_maker import FilmSpec, SoundSpec, write_film


def table(pts: list[int], keys: list[int]) -> TimeTable:
    stamps = np.array(pts, np.int64)
    return TimeTable(stamps, Fraction(1, 10), pts[0], len(pts) / 10, confirmed=True, key_pts=np.array(keys, np.int64))


def test_it_begins_at_the_keyframe_before() -> None:
    times = table(list(range(5, 25)), [5, 12, 20])
    for first, begins in ((0, 5), (6, 5), (7, 12), (14, 12), (15, 20), (19, 20)):
        stretch = stretch_of(times, first, first + 1, 1.5)
        assert (stretch.key_pts, stretch.first, stretch.last_pts) == (begins, begins - 5, first + 5)
        assert stretch.end_s == pytest.approx(2.0)
    with pytest.raises(ExportError, match=r"no keyframe at or before 0:00\.100"):
        stretch_of(table([5, 6, 7], [7]), 1, 2, 0.2)


def test_it_ends_where_no_hole_is_left() -> None:
    stretch = stretch_of(table(list(range(12)), [0, 6]), 6, 8, 0.8)  # 6 and 7 are wanted
    counted = _Counted(stretch)
    taken = []
    for pts in (6, 4, 5, 9, 7, 8, 11, 10):  # in decoding order; 4 and 5 lead the keyframe and need what is before it
        if counted.whole:
            break
        if counted.takes(pts):
            taken.append(pts)
    assert taken == [6, 9, 7, 8]  # 9 is needed for 7, and then 8 must not be missing
    with pytest.raises(ExportError, match="no presentation times"):
        counted.takes(None)


def test_the_sound_is_that_of_the_pictures(tmp_path: Path) -> None:
    options = {"g": "15", "bf": "0", "sc_threshold": "0"}
    path = write_film(tmp_path / "a.mkv", FilmSpec(sound=SoundSpec("flac"), options=options))
    with av.open(str(path)) as container:
        pictures, sound = container.streams.video[0], container.streams.audio[0]
        assert Streams(container, pictures, sound).extension == "mp4"
        milliseconds = [round(k * 1000 / 30) for k in range(90)]
        times = TimeTable(np.array(milliseconds), Fraction(1, 1000), 0, 3.0, True, np.array(milliseconds[::15]))
        packets = list(packets_of(Streams(container, pictures, sound), stretch_of(times, 50, 60, 2.0)))
        heard = [float(packet.pts * packet.time_base) for packet in packets if packet.stream.index == sound.index]
        seen = [packet.pts for packet in packets if packet.stream.index == pictures.index]
    assert seen == milliseconds[45:60]
    assert 1.5 <= min(heard) < 1.6
    assert 1.85 < max(heard) < 2.0


def test_what_an_mp4_does_not_hold_goes_to_mkv(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mkv", FilmSpec(frames=5, sound=SoundSpec("mp2", 48_000)))
    with av.open(str(path)) as container:
        pictures, sound = container.streams.video[0], container.streams.audio[0]
        assert Streams(container, pictures, sound).extension == "mkv"
        assert Streams(container, pictures, None).extension == "mp4"
