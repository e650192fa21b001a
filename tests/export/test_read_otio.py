"""OTIO from OpenTimelineIO itself, from us, and from somebody who means ill."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from clip_core.errors import MomentsFileError
from clip_core.export.read_moments import read_moments
from clip_core.export.selection import select_from_one
from clip_core.export.source import Source
from clip_core.export.timelines import moments_otio
from clip_core.types import Moment, RoundedTime


def read(text: str) -> list[Moment]:
    return read_moments(text.encode(), "cut.otio")


def span(start: float, length: float, rate: float = 25.0) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(length, rate))


def written(*clips: Any) -> str:
    timeline = otio.schema.Timeline("t")
    timeline.tracks.append(otio.schema.Track("V1", children=list(clips)))
    return str(otio.adapters.write_to_string(timeline, "otio_json"))


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30_000, 1001), Fraction(1999, 80)])
@pytest.mark.parametrize("start_timecode", ["00:00:00:00", "10:00:00:00"])
@pytest.mark.parametrize("late_s", [Fraction(0), Fraction(2023, 1000), Fraction(5)])
def test_our_own_come_back_exactly(rate: Fraction, start_timecode: str, late_s: Fraction) -> None:
    source = Source(
        "a.mp4", "/a.mp4", 640, 360, rate, 100.0, start_timecode=start_timecode, first_frame_s=late_s
    )  # fmt: skip
    moments = [Moment("a\ndog", 61.0, 64.5, 62.0, 0.5, 0.4, "left"), Moment("🐕", 70.0, 71.0, 70.5, 2.5, 1.0)]
    for back, moment in zip(read(moments_otio(select_from_one(moments, source, {"unit": "z"}))), moments, strict=True):
        assert (back.start_s, back.end_s) == (moment.start_s, moment.end_s)
        assert not isinstance(back.start_s, RoundedTime)
        assert (back.prompt, back.label, back.peak, back.mean) == (
            moment.prompt, moment.label, moment.peak, moment.mean,
        )  # fmt: skip
        assert back.peak_s == moment.peak_s


def test_a_range_that_an_editor_moved_counts_and_not_what_we_wrote() -> None:
    source = Source("a.mp4", "/a.mp4", 640, 360, Fraction(30_000, 1001), 100.0)
    whole = json.loads(moments_otio(select_from_one([Moment("a dog", 61.0, 64.5, 62.0, 0.5, 0.4)], source, {})))
    span = whole["tracks"]["children"][0]["children"][0]["source_range"]
    span["start_time"]["value"] += 1
    span["duration"]["value"] -= 1
    (back,) = read(json.dumps(whole))
    first, stop = source.frame_range(Moment("a dog", 61.0, 64.5, 62.0, 0.5, 0.4))
    assert (back.start_s, back.end_s) == pytest.approx((float((first + 1) / source.rate), float(stop / source.rate)))
    assert isinstance(back.start_s, RoundedTime)
    assert back.start_s.rounding_s == 0.0005  # the container may have rounded its own times


def test_clips_of_others_nested_and_without_a_range() -> None:
    media = otio.schema.ExternalReference("file:///dev/zero", span(90_000, 500))
    nested = otio.schema.Stack(children=[otio.schema.Track(children=[otio.schema.Clip("in", None, span(50, 25))])])
    text = written(
        otio.schema.Clip("whole", media), otio.schema.Gap(source_range=span(0, 9)), nested,
        otio.schema.Clip("part", media, span(90_025, 25)),
    )  # fmt: skip
    assert [(m.prompt, m.start_s, m.end_s, m.peak_s, m.peak) for m in read(text)] == [
        ("whole", 0.0, 20.0, 0.0, 0.0), ("in", 2.0, 3.0, 2.0, 0.0), ("part", 1.0, 2.0, 1.0, 0.0),
    ]  # fmt: skip


def test_markers_with_a_length_stand_for_their_clip() -> None:
    clip = otio.schema.Clip("film.mp4", otio.schema.ExternalReference("x", span(100, 500)), span(100, 500))
    for name, start, length in (("a dog", 125, 50), ("point", 130, 1), ("pizza", 200, 25)):
        clip.markers.append(otio.schema.Marker(name, span(start, length)))
    assert [(m.prompt, m.start_s, m.end_s) for m in read(written(clip))] == [("a dog", 1.0, 3.0), ("pizza", 4.0, 5.0)]


def test_the_first_version_of_clips() -> None:
    text = json.loads(written(otio.schema.Clip("c", None, span(25, 25))))
    clip = text["tracks"]["children"][0]["children"][0]
    clip["OTIO_SCHEMA"] = "Clip.1"
    del clip["media_references"]
    clip["media_reference"] = {"OTIO_SCHEMA": "MissingReference.1", "available_range": None}
    assert [(m.prompt, m.start_s, m.end_s) for m in read(json.dumps(text))] == [("c", 1.0, 2.0)]


def clip_with(**changes: Any) -> str:
    clip = {"OTIO_SCHEMA": "Clip.2", "name": "c", "source_range": {
        "start_time": {"value": 0, "rate": 25}, "duration": {"value": 25, "rate": 25}}}  # fmt: skip
    return json.dumps({"OTIO_SCHEMA": "Track.1", "children": [clip, clip | changes]})


@pytest.mark.parametrize(
    "changes",
    [
        {"source_range": None}, {"source_range": 5}, {"source_range": {}}, {"markers": [5]}, {"markers": 5},
        {"source_range": {"start_time": {"value": 0, "rate": 0}, "duration": {"value": 1, "rate": 25}}},
        {"source_range": {"start_time": {"value": 0, "rate": 25}, "duration": {"value": -1, "rate": 25}}},
        {"source_range": {"start_time": {"value": "0", "rate": 25}, "duration": {"value": 1, "rate": 25}}},
        {"source_range": {"start_time": {"value": 10**400, "rate": 25}, "duration": {"value": 1, "rate": 25}}},
        {"source_range": {"start_time": {"value": 1e300, "rate": 1e-300}, "duration": {"value": 1, "rate": 25}}},
        {"media_references": [1], "active_media_reference_key": "x"}, {"media_reference": "file:///etc/passwd"},
        {"active_media_reference_key": [], "media_references": {"a": 1}}, {"metadata": 5},
        {"metadata": {"clip_video": {"peak": 10**400}}},
    ],
)  # fmt: skip
def test_a_clip_that_is_none_is_named(changes: dict[str, Any]) -> None:
    with pytest.raises(MomentsFileError, match=r"cut.otio, clip 2: its range is missing or is not a range of time"):
        read(clip_with(**changes))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ('{"a":' * 100_000, "is not JSON: it is nested too deeply"),
        ('{"OTIO_SCHEMA": "Timeline.1", "tracks": ' + "[" * 100_000, "nested too deeply"),
        ('{"OTIO_SCHEMA": "Clip.2", "x": NaN}', "is not JSON: NaN is not a number"),
        ('{"x": ' + "9" * 5000 + "}", "is not JSON"),
        ("{}", "not an OpenTimelineIO timeline"),
        ('{"OTIO_SCHEMA": 5}', "not an OpenTimelineIO timeline"),
        ('{"OTIO_SCHEMA": "Evil.1", "plugin": "/etc/passwd"}', "not an OpenTimelineIO timeline"),
        ('{"OTIO_SCHEMA": "Stack.1", "children": [' * 300 + "]}" * 300, "is nested too deeply"),
    ],
)
def test_what_is_no_timeline_is_refused(text: str, message: str) -> None:
    with pytest.raises(MomentsFileError, match=message):
        read(text)


@pytest.mark.parametrize(
    "text", ['{"OTIO_SCHEMA": "Timeline.1"}', '{"OTIO_SCHEMA": "Track.1", "children": [1, null, "x"]}']
)
def test_nothing_in_it_is_no_moment(text: str) -> None:
    assert read(text) == []


def test_no_file_and_no_plugin_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was opened")

    text = clip_with(media_reference={"OTIO_SCHEMA": "ExternalReference.1", "target_url": str(tmp_path / "x.mp4")})
    for module, name in (("builtins", "open"), ("io", "open"), ("os", "open")):
        monkeypatch.setattr(f"{module}.{name}", refuse)
    monkeypatch.setattr(otio.adapters, "read_from_string", refuse)
    assert len(read(text)) == 2
