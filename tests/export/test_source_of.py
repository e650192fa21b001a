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


@pytest.mark.parametrize(
    ("rate", "named", "base", "start", "drops"),
    [
        (Fraction(60), "01:00:00:20", 30, "01:00:00:40", False),
        (Fraction(50), "01:00:00:24", 25, "01:00:00:48", False),
        (Fraction(60_000, 1001), "01:00:59;20", 30, "01:00:59;40", True),
        (Fraction(60_000, 1001), "01:01:00;02", 30, "01:01:00;04", True),
        (Fraction(60_000, 1001), "01:00:59:20", 30, "01:00:59:40", False),
        (Fraction(60_000, 1001), "01:00:59;50", 60, "01:00:59;50", True),
        (Fraction(25), "10:00:00:12", 30, "10:00:00:10", False),
        (Fraction(25), "20:50:00:10", 12, "20:50:00:20", False),
        (Fraction(25), "02:46:40:45", 90, "02:46:40:12", False),
        (Fraction(120), "00:00:01:98", 120, "00:00:01:49", False),
        (Fraction(25), "26:00:00:05", 25, "02:00:00:05", False),
        (Fraction(25), "100:00:00:05", None, "04:00:00:05", False),
        (Fraction(25), "-00:00:02:00", 25, "23:59:58:00", False),
        (Fraction(30_000, 1001), "-00:00:00;01", 30, "23:59:59;29", True),
    ],
)
def test_a_timecode_that_counts_otherwise_is_converted(
    rate: Fraction, named: str, base: int | None, start: str, drops: bool
) -> None:
    steady = record(table([k / rate for k in range(300)], 1 / rate))
    source = source_of(steady, start_timecode=named, timecode_base=base)
    assert (source.start_timecode, source.drops) == (start, drops)


def test_a_timecode_beyond_its_own_base_is_refused() -> None:
    with pytest.raises(ValueError, match="counts to 30"):
        with_timecode(source_of(record(table([Fraction(0), Fraction(1, 60)], FINE))), "00:00:00:40", 30)


def test_subtitles_and_timelines_may_count_from_different_starts() -> None:
    steady = record(table([Fraction(k, 25) for k in range(100)], Fraction(1, 25)))
    source = source_of(steady, first_frame_s=Fraction(7), earliest_s=Fraction(5))
    assert (source.first_frame_s, source.first_frame) == (7, 50)
    assert source_of(steady, first_frame_s=Fraction(5), earliest_s=Fraction(5)).first_frame == 0


@pytest.mark.parametrize("text", ["", "now", "00:00:00", "00:00:00:25"])
def test_what_is_no_timecode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="timecode"):
        with_timecode(source_of(record(table([Fraction(0), Fraction(1, 25)], FINE))), text)
