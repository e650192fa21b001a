"""EDL, read line by line, and by OpenTimelineIO's adapter, which did not write it."""

import re
from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest

from clip_core.export.selection import select_from_one
from clip_core.export.source import STANDARD_RATES, Source, frame_of_timecode, timecode
from clip_core.export.text import title_of
from clip_core.export.timelines import moments_edl
from clip_core.types import Moment
from tests.support.odd_names import ODD_NAMES

DOG = Moment("a dog", 61.0, 64.5, 62.0, 0.5, 0.4, "left")
PIZZA = Moment("pizza", 1.01, 2.0, 1.5, 2.625, 0.25)
_EVENT = re.compile(
    r"(\d{3,})  AX       V     C        " + " ".join([r"(\d\d:[0-5]\d:[0-5]\d[:;]\d\d)"] * 4)
)  # columns of CMX 3600


def film(rate: Fraction = Fraction(25), name: str = "a film.mp4", **more: Any) -> Source:
    return Source(name, f"/films/{name}", 640, 360, rate, 100.0, **more)


def edl_events(text: str) -> tuple[list[str], list[tuple[list[str], list[str]]]]:
    """The head, and each event as its four timecodes and its comments."""
    head, events = [], []
    for line in text.splitlines():
        if event := _EVENT.fullmatch(line):
            events.append(([*event.groups()[1:]], []))
            assert int(event[1]) == len(events)
        elif events:
            assert line.startswith("* "), line
            events[-1][1].append(line[2:])
        elif line:
            head.append(line)
    return head, events


@pytest.mark.parametrize(
    ("rate", "mark"),
    [(rate, ";" if rate in (Fraction(30_000, 1001), Fraction(60_000, 1001)) else ":") for rate in STANDARD_RATES],
)
@pytest.mark.parametrize("drop_frame", [True, False])
def test_edl_timecodes(rate: Fraction, mark: str, drop_frame: bool) -> None:
    source = film(rate, drop_frame=drop_frame, start_timecode="00:58:30:05")
    head, events = edl_events(moments_edl(select_from_one([DOG, PIZZA], source, {"unit": "z"})))
    drops = mark == ";" and drop_frame
    assert head == ["TITLE: a film.mp4", f"FCM: {'' if drops else 'NON-'}DROP FRAME"]
    at = 0
    for (codes, comments), moment in zip(events, [PIZZA, DOG], strict=True):
        first, stop = source.frame_range(moment)
        begin = frame_of_timecode("00:58:30:05", rate, drops)
        frames = [begin + first, begin + stop, at, at + stop - first]
        assert codes == [timecode(frame, rate, drops) for frame in frames]
        assert ";" in "".join(codes) or not drops
        assert comments[0] == "FROM CLIP NAME:  a film.mp4"
        assert comments[1] == f"MOMENT: {title_of(moment)}"
        peak = timecode(begin + source.peak_frame(moment), rate, drops)
        assert comments[2] == f"PEAK {moment.peak:.6f} AT {peak} MEAN {moment.mean:.6f} Z"
        at += stop - first


@pytest.mark.parametrize("rate", STANDARD_RATES)
def test_opentimelineio_reads_the_same_frames(rate: Fraction) -> None:
    source = film(rate, start_timecode="00:58:30:05")
    timeline = otio.adapters.read_from_string(
        moments_edl(select_from_one([DOG, PIZZA], source, {})), "cmx_3600", rate=float(rate)
    )
    clips = list(timeline.find_clips())
    assert [(clip.source_range.start_time.value, clip.source_range.duration.value) for clip in clips] == [
        (source.start_frame + first, stop - first) for first, stop in map(source.frame_range, [PIZZA, DOG])
    ]
    assert [clip.name for clip in clips] == ["a film.mp4"] * 2


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_break_no_line(name: str) -> None:
    head, events = edl_events(
        moments_edl(select_from_one([Moment(name, 0, 1, 0, 0.5, 0.4, name), DOG], film(name=name), {}))
    )
    assert len(events) == len(head) == 2
    assert all(len(comments) == 3 for _, comments in events)
    assert events[0][1][1].startswith("MOMENT: ")
    assert max(len(comment) for comment in events[0][1]) <= 200


def test_a_day_ends_in_the_edl() -> None:
    source = film(start_timecode="23:59:59:00")
    _, [(codes, _)] = edl_events(moments_edl(select_from_one([Moment("a", 0.5, 2, 1, 0, 0)], source, {})))
    assert codes[:2] == ["23:59:59:13", "00:00:01:00"]


def test_events_beyond_999_count_on() -> None:
    _, events = edl_events(
        moments_edl(select_from_one([Moment("a", k, k + 1, k, 0, 0) for k in range(1002)], film(), {}))
    )
    assert len(events) == 1002


def test_no_moments_are_a_head() -> None:
    text = moments_edl(select_from_one([], film(), {}))
    assert text == "TITLE: a film.mp4\nFCM: NON-DROP FRAME\n\n"
    assert list(otio.adapters.read_from_string(text, "cmx_3600").find_clips()) == []
