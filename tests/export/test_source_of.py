"""Rates from tables of times, rounded as containers round them."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from clip_core.export.source import STANDARD_RATES, rate_of, source_of, with_timecode
from clip_core.types import TimeTable, VideoRecord
from tests.support.records import HEADER

MILLISECOND, FINE = Fraction(1, 1000), Fraction(1, 90_000)


def table(times: list[Fraction], base: Fraction, end_s: float = 10.0) -> TimeTable:
    pts = np.array([round(time / base) for time in times], np.int64) + 7
    return TimeTable(pts, base, 7, end_s, confirmed=True, key_pts=pts[:1])


def record(given: TimeTable, header_fps: float | None = None) -> VideoRecord:
    return VideoRecord(
        video_id="0" * 64,
        path="/films/a b.mp4",
        name="mine.mp4",
        table=given,
        unreadable_after_s=None,
        added_s=0.0,
        **HEADER | {"header_fps": header_fps},
    )


@pytest.mark.parametrize("base", [MILLISECOND, FINE])
@pytest.mark.parametrize("rate", [*STANDARD_RATES, Fraction(10)])
@pytest.mark.parametrize("frames", [5, 3000])
def test_a_constant_rate_is_found_through_the_rounding(rate: Fraction, base: Fraction, frames: int) -> None:
    source = source_of(record(table([k / rate for k in range(frames)], base), float(rate)))
    assert not source.variable
    assert source.rate == pytest.approx(rate, rel=1e-6)
    assert source.timeline_rate == (Fraction(30) if rate == 10 else rate)


def test_a_header_that_lies_is_not_believed() -> None:
    steady = table([Fraction(k, 25) for k in range(100)], FINE)
    assert source_of(record(steady, 30.0)).rate == 25
    assert source_of(record(steady)).rate == 25


def test_a_variable_rate_is_told() -> None:
    times = [Fraction(k, 25) if k < 50 else 2 + Fraction(k - 50, 50) for k in range(100)]
    assert rate_of(table(times, FINE))[1]
    source = source_of(record(table(times, FINE), 33.5))
    assert source.variable
    assert "varies (mean 33." in source.note
    missing = [Fraction(k, 25) for k in range(100) if k != 40]
    assert rate_of(table(missing, FINE))[1]


def test_one_frame_has_a_rate() -> None:
    assert source_of(record(table([Fraction(0)], FINE, end_s=0.04))).frames == 1


def test_the_rest_is_the_records() -> None:
    source = source_of(
        record(table([Fraction(0), Fraction(1, 25)], FINE)), has_audio=True, start_timecode="01:00:00:00"
    )
    assert (source.name, source.url, source.width, source.height) == ("mine.mp4", "file:///films/a%20b.mp4", 640, 360)
    assert (source.end_s, source.has_audio, source.start_timecode) == (10.0, True, "01:00:00:00")
    with pytest.raises(ValueError, match="not a timecode"):
        source_of(replace(record(table([Fraction(0), Fraction(1, 25)], FINE))), start_timecode="00:00:00:30")


@pytest.mark.parametrize(
    ("rate", "named", "start", "frame", "drops"),
    [
        (Fraction(25), "14:09:42:10", "14:09:42:10", 1_274_560, False),
        (Fraction(30_000, 1001), "01:00:59;20", "01:00:59;20", 109_682, True),
        (Fraction(30_000, 1001), "01:00:59:20", "01:00:59:20", 109_790, False),
        (Fraction(120), "00:00:01:098", "00:00:01:49", 109, False),
        (Fraction(15), "00:00:01:07", "00:00:01:14", 44, False),
    ],
)
def test_the_files_timecode_says_where_it_starts_and_whether_it_drops(
    rate: Fraction, named: str, start: str, frame: int, drops: bool
) -> None:
    source = source_of(record(table([k / rate for k in range(300)], 1 / rate)), start_timecode=named)
    assert (source.start_timecode, source.start_frame, source.drops) == (start, frame, drops)


@pytest.mark.parametrize("text", ["", "now", "00:00:00", "00:00:00:25"])
def test_what_is_no_timecode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="timecode"):
        with_timecode(source_of(record(table([Fraction(0), Fraction(1, 25)], FINE))), text)
