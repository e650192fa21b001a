"""Moments of several videos in one file: each row and each event names its own video."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from xml.etree import ElementTree

import opentimelineio as otio
import pandas as pd
import pytest

from clip_core.export.formats import MOMENT_FORMATS, write_moments
from clip_core.export.selection import Selection, cut_of
from clip_core.export.source import STANDARD_RATES
from clip_core.types import Moment
from tests.support.selections import film, over

DF30 = Fraction(30_000, 1001)
LATE, EARLY, OTHER = (Moment("a dog", s, s + 2.0, s + 1.0, 0.5, 0.4) for s in (60.0, 10.0, 5.02))
FAST = film(Fraction(50), "C0001.MP4", (1920, 1080), start_timecode="10:00:00:00")
SLOW = film(Fraction(24_000, 1001), "C0001 b.mov", start_timecode="01:00:00:12")


def two() -> Selection:
    """The best moment is the later one of the first video."""
    selection = over((FAST, [LATE, EARLY]), (SLOW, [OTHER]))
    first, second, third = selection.rows
    return Selection(selection.videos, [first, third, second], settings={"unit": "corrected"})


def test_rows_name_their_video_and_keep_their_order() -> None:
    rows = list(csv.DictReader(io.StringIO(write_moments("csv", two()).decode())))
    assert [(row["video"], row["video_id"][:1], row["start_s"]) for row in rows] == [
        ("C0001.MP4", "0", "60.000000"), ("C0001 b.mov", "1", "5.020000"), ("C0001.MP4", "0", "10.000000"),
    ]  # fmt: skip
    table = pd.read_parquet(io.BytesIO(write_moments("parquet", two())))
    assert table["video_id"].tolist() == ["0" * 64, "1" * 64, "0" * 64]
    assert table["start_s"].tolist() == [60.0, 5.02, 10.0]
    assert list(table.columns) == list(rows[0])
    whole = json.loads(write_moments("json", two()))
    assert [(source["name"], source["rate"]) for source in whole["sources"]] == [
        ("C0001.MP4", "50"), ("C0001 b.mov", "24000/1001"),
    ]  # fmt: skip
    assert [moment["video"] for moment in whole["moments"]] == ["C0001.MP4", "C0001 b.mov", "C0001.MP4"]


def test_the_timeline_goes_video_by_video_at_the_highest_rate() -> None:
    cut = cut_of(two())
    assert (cut.rate, cut.drops) == (50, False)
    assert [(e.moment.start_s, e.first, e.stop, e.at, e.frames) for e in cut.events] == [
        (10.0, 500, 600, 0, 100), (60.0, 3000, 3100, 100, 100), (5.02, 121, 169, 200, 100),
    ]  # fmt: skip
    assert cut.frames == 300
    assert "different frame rates: the timeline counts in 50 frames" in two().note


@pytest.mark.parametrize(("other", "drops"), [(film(Fraction(25)), True), (film(DF30, drop_frame=False), False)])
def test_the_timeline_drops_frames_if_all_of_its_rate_do(other: object, drops: bool) -> None:
    assert cut_of(over((film(DF30), [EARLY]), (other, [OTHER]))).drops is drops  # type: ignore[arg-type]


def test_otio_clips_have_their_own_media_and_rate() -> None:
    timeline = otio.adapters.read_from_string(write_moments("otio", two()).decode(), "otio_json")
    assert timeline.name == "2 videos"
    clips = list(timeline.find_clips())
    assert [clip.media_reference.target_url for clip in clips] == [FAST.url, FAST.url, SLOW.url]
    assert [clip.source_range.start_time.rate for clip in clips] == pytest.approx([50, 50, 24_000 / 1001])
    assert [clip.source_range.start_time.value for clip in clips] == [1_800_500, 1_803_000, 86_412 + 121]


def test_a_format_of_one_video_refuses_several() -> None:
    kinds = [kind for kind, form in MOMENT_FORMATS.items() if form.one_video]
    for kind in kinds:
        with pytest.raises(ValueError, match="one video, not of 2"):
            write_moments(kind, two())
    for kind in MOMENT_FORMATS.keys() - set(kinds):
        assert write_moments(kind, two())
        assert write_moments(kind, Selection([], []))


def test_edl_events_have_their_own_reel_path_and_timecode() -> None:
    text = write_moments("edl", two()).decode()
    events = [line for line in text.splitlines() if line[:1].isdigit()]
    assert events == [
        "001  C0001    V     C        10:00:10:00 10:00:12:00 00:00:00:00 00:00:02:00",
        "002  C0001    V     C        10:01:00:00 10:01:02:00 00:00:02:00 00:00:04:00",
        "003  C0001B   V     C        01:00:05:28 01:00:07:28 00:00:04:00 00:00:06:00",
    ]
    assert "* SOURCE FILE: /films/C0001 b.mov" in text
    peaks = [line.split(" AT ")[1].split()[0] for line in text.splitlines() if line.startswith("* PEAK")]
    assert peaks == ["10:00:11:00", "10:01:01:00", "01:00:06:25"]  # in frames of the timeline, as the events
    clips = list(otio.adapters.read_from_string(text, "cmx_3600", rate=50).find_clips())
    assert [clip.metadata["cmx_3600"]["reel"] for clip in clips] == ["C0001", "C0001", "C0001B"]
    assert [clip.name for clip in clips] == ["C0001.MP4", "C0001.MP4", "C0001 b.mov"]
    assert [clip.source_range.duration.value for clip in clips] == [100, 100, 100]


@pytest.mark.parametrize("rates", list(combinations(STANDARD_RATES, 2)))
def test_opentimelineio_reads_an_edl_of_any_two_rates(rates: tuple[Fraction, Fraction]) -> None:
    moments = [replace(EARLY, start_s=start_s, end_s=start_s + 0.77) for start_s in (1.01, 29.4, 29.99, 30.02)]
    first, second = (film(rate, f"{k}.mp4", start_timecode="09:58:30:10") for k, rate in enumerate(rates))
    text = write_moments("edl", over((first, moments), (second, moments))).decode()
    timeline = otio.adapters.read_from_string(text, "cmx_3600", rate=float(max(rates)))
    clips = list(timeline.find_clips())
    codes = [line.split()[4] for line in text.splitlines() if line[:1].isdigit()]
    events = cut_of(over((first, moments), (second, moments))).events
    for clip, code, event in zip(clips, codes, events, strict=True):
        assert clip.source_range.duration.value == event.frames
        own, nominal = event.video.source.timecode(event.first), math.ceil(event.video.source.timeline_rate)
        assert code[:8] == own[:8]  # the seconds of the source's own timecode
        assert 0 <= int(code[9:]) / math.ceil(max(rates)) - int(own[9:]) / nominal < 1 / math.ceil(max(rates))


def test_reels_are_short_and_differ() -> None:
    names = ["a very long name.mp4", "a very long one.mp4", "犬.mp4", "bl.mp4", "ax.mov"]
    text = write_moments("edl", over(*((film(name=name), [EARLY]) for name in names))).decode()
    reels = [line[5:13].rstrip() for line in text.splitlines() if line[:1].isdigit()]
    assert reels == ["AVERYLON", "AVERYLO2", "REEL", "BL2", "AX2"]


def test_fcpxml_has_an_asset_and_a_format_each() -> None:
    root = ElementTree.fromstring(write_moments("fcpxml", two()))  # noqa: S314 - ours
    formats = {form.get("id"): (form.get("frameDuration"), form.get("width")) for form in root.iter("format")}
    assert formats == {"r1": ("1/50s", "1920"), "r2": ("1001/24000s", "640")}
    assert [(a.get("id"), a.get("src"), a.get("format")) for a in root.iter("asset")] == [
        ("r3", FAST.url, "r1"), ("r4", SLOW.url, "r2"),
    ]  # fmt: skip
    clips = list(root.iter("asset-clip"))
    assert [clip.get("ref") for clip in clips] == ["r3", "r3", "r4"]
    assert [(clip.get("offset"), clip.get("duration")) for clip in clips] == [("0s", "2s"), ("2s", "2s"), ("4s", "2s")]
    assert Fraction(clips[2].attrib["start"][:-1]) == (86_412 + 121) * Fraction(1001, 24_000)
    (sequence,) = root.iter("sequence")
    assert (sequence.get("format"), sequence.get("duration")) == ("r1", "6s")
