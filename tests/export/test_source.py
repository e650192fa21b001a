"""Frames and timecodes against OpenTimelineIO's own, and against counting by hand."""

from fractions import Fraction

import opentimelineio as otio
import pytest

from clip_core.export.source import STANDARD_RATES, Source, frame_of_timecode, nearest_standard, timecode
from clip_core.types import Moment

DF30, DF60 = Fraction(30_000, 1001), Fraction(60_000, 1001)


def source(rate: Fraction = Fraction(25), end_s: float = 10.0, **more: object) -> Source:
    return Source("a film.mp4", "/films/a film.mp4", 640, 360, rate, end_s, **more)  # type: ignore[arg-type]


def moment(start_s: float, end_s: float, peak_s: float | None = None) -> Moment:
    return Moment("a dog", start_s, end_s, start_s if peak_s is None else peak_s, 0.5, 0.4)


def test_drop_frame_leaves_out_two_numbers_a_minute_but_not_each_tenth() -> None:
    assert [timecode(n, DF30, True) for n in (1799, 1800, 17981, 17982)] == [
        "00:00:59;29", "00:01:00;02", "00:09:59;29", "00:10:00;00",
    ]  # fmt: skip
    assert [timecode(n, DF60, True) for n in (3599, 3600)] == ["00:00:59;59", "00:01:00;04"]
    assert timecode(1800, DF30, False) == "00:01:00:00"
    assert timecode(30 * 3600, Fraction(30), False) == "01:00:00:00"


@pytest.mark.parametrize("rate", STANDARD_RATES)
def test_timecodes_are_those_of_opentimelineio_and_read_back(rate: Fraction) -> None:
    drops = rate in (DF30, DF60)
    for frame in [*range(0, 40_000, 7), 107_891, 107_892, 107_893, 2_000_000]:
        text = timecode(frame, rate, drops)
        assert text == otio.opentime.to_timecode(otio.opentime.RationalTime(frame, float(rate)), float(rate))
        assert frame_of_timecode(text, rate, drops) == frame


def test_after_a_day_it_begins_anew() -> None:
    assert timecode(25 * 86_400, Fraction(25), False) == "00:00:00:00"
    assert timecode(2_589_408 + 5, DF30, True) == "00:00:00;05"


@pytest.mark.parametrize("text", ["1:2:3", "24:00:00:00", "00:00:00:25", "00:60:00:00", "00:00:00:00\n", "00:00:00"])
def test_what_is_no_timecode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="timecode"):
        source(start_timecode=text)


def test_a_number_that_is_dropped_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not a timecode at 29\.97"):
        source(DF30, start_timecode="00:01:00;01")


@pytest.mark.parametrize(
    ("rate", "standard"),
    [
        (Fraction(2997, 100), DF30), (Fraction(23976, 1000), Fraction(24_000, 1001)), (Fraction(24), Fraction(24)),
        (Fraction(10), Fraction(30)), (Fraction(15), Fraction(30)), (Fraction(12), Fraction(24)),
        (Fraction(25, 2), Fraction(25)), (Fraction(120), Fraction(60)), (Fraction(271, 10), Fraction(25)),
        (Fraction(1), Fraction(24)), (Fraction(7, 3), Fraction(24_000, 1001)), (Fraction(5994, 100), DF60),
    ],
)  # fmt: skip
def test_the_nearest_standard_rate(rate: Fraction, standard: Fraction) -> None:
    assert nearest_standard(rate) == standard


def test_a_rate_that_is_none_of_the_standards_is_told() -> None:
    assert source(Fraction(2997, 100)).note == source(Fraction(25)).note == ""
    assert "10 frames per second is not a standard rate: the timeline counts in 30" in source(Fraction(10)).note
    assert "varies (mean 24.7): the timeline counts in 25" in source(Fraction(247, 10), variable=True).note


@pytest.mark.parametrize("rate", [*STANDARD_RATES, Fraction(10), Fraction(271, 10)])
def test_a_frame_is_inside_exactly_if_its_time_is(rate: Fraction) -> None:
    video = source(rate, 20.0)
    times = [k / video.timeline_rate for k in range(video.frames)]
    for start_s, end_s in [(0.0, 20.0), (1.0, 2.0), (1.01, 3.999), (float(times[7]), float(times[9])), (0.5, 0.9)]:
        inside = [k for k, time in enumerate(times) if start_s - 1e-7 <= time < end_s - 1e-7]
        assert video.frame_range(moment(start_s, end_s)) == (inside[0], inside[-1] + 1)


def test_a_moment_has_a_frame_within_the_video() -> None:
    video = source()
    assert video.frames == 250
    assert video.frame_range(moment(1.001, 1.002)) == (26, 27)
    assert video.frame_range(moment(9.99, 12.0)) == (249, 250)
    assert video.frame_range(moment(50.0, 60.0)) == (249, 250)
    assert video.frame_range(moment(-1.0, 0.1)) == (0, 3)
    assert source(end_s=0.0).frames == 1


def test_the_peak_is_the_frame_on_the_screen() -> None:
    assert source().peak_frame(moment(1.0, 2.0, 1.5)) == 37
    assert source().peak_frame(moment(1.0, 2.0, 9.0)) == 49
    assert source().peak_frame(moment(1.01, 2.0, 1.0)) == 26


def test_timecodes_count_from_the_sources_own() -> None:
    assert source(start_timecode="01:00:00:10").timecode(20) == "01:00:01:05"
    assert source(DF30, start_timecode="00:00:59;29").timecode(1) == "00:01:00;02"


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a b/ü#?.mp4", "file:///a%20b/%C3%BC%23%3F.mp4"), (r"C:\a b\x.mp4", "file:///C:/a%20b/x.mp4"),
        ("a b&'\".mp4", "a%20b%26%27%22.mp4"), ("\ud800.mp4", "%3F.mp4"),
        ("/\udcff\ud800", "file:///%3F%3F"), ("/\udcff", "file:///%FF"), ("//h/x", "file:////h/x"),
    ],
)  # fmt: skip
def test_addresses_are_percent_encoded(path: str, url: str) -> None:
    assert Source("x", path, 1, 1, Fraction(25), 1.0).url == url


@pytest.mark.parametrize(("rate", "end_s"), [(Fraction(0), 1.0), (Fraction(25), float("nan")), (Fraction(25), -1.0)])
def test_impossible_sources_are_refused(rate: Fraction, end_s: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        source(rate, end_s)


@pytest.mark.parametrize(
    ("late_s", "lead"),
    [(Fraction(2), 50), (Fraction(2023, 1000), 50), (Fraction(2039, 1000), 51), (Fraction(23, 1000), 0)],
)
def test_a_late_start_moves_frames_by_whole_ones(late_s: Fraction, lead: int) -> None:
    late = source(first_frame_s=late_s)
    assert (late.first_frame, late.frames) == (lead, lead + 250)
    assert late.frame_range(moment(1.0, 2.0)) == (lead + 25, lead + 50)
    assert late.frame_range(moment(-1.0, 99.0)) == (lead, lead + 250)
    assert late.peak_frame(moment(1.0, 2.0, 1.5)) == lead + 37


def test_the_first_frame_is_not_before_the_file() -> None:
    with pytest.raises(ValueError, match="first_frame_s"):
        source(first_frame_s=Fraction(-1))
