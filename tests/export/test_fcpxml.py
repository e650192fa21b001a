"""FCPXML, read back as XML: its rationals are whole frames, its names whole."""

import re
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

import pytest

from clip_core.export.fcpxml import moments_fcpxml
from clip_core.export.selection import select_from_one
from clip_core.export.source import STANDARD_RATES, Source
from clip_core.export.text import title_of
from clip_core.types import Moment
from tests.support.odd_names import ODD_NAMES

DOG = Moment("a dog", 61.0, 64.5, 62.0, 0.5, 0.4, "left")
PIZZA = Moment("pizza", 1.01, 2.0, 1.5, 2.625, 0.25)


def film(rate: Fraction = Fraction(25), name: str = "a film.mp4", **more: Any) -> Source:
    return Source(name, f"/films/{name}", 640, 360, rate, 100.0, **more)


def read(text: str) -> ElementTree.Element:
    head, body = text.split("\n", 1)
    assert head == '<?xml version="1.0" encoding="UTF-8"?>'
    assert body.startswith("<!DOCTYPE fcpxml>\n")
    return ElementTree.fromstring(text.encode())  # noqa: S314 - ours


def frames(seconds: str, rate: Fraction) -> int:
    found = re.fullmatch(r"(\d+)(?:/(\d+))?s", seconds)
    assert found, seconds
    number = Fraction(int(found[1]), int(found[2] or 1)) * rate
    assert number.denominator == 1, f"{seconds} is no whole frame"
    return int(number)


@pytest.mark.parametrize("rate", STANDARD_RATES)
@pytest.mark.parametrize("start_timecode", ["00:00:00:00", "01:00:00:10"])
def test_clips_are_whole_frames_of_the_source(rate: Fraction, start_timecode: str) -> None:
    source = film(rate, start_timecode=start_timecode)
    root = read(moments_fcpxml(select_from_one([DOG, PIZZA], source, {"unit": "z"})))
    (kind,) = root.iter("format")
    assert Fraction(1) / rate == Fraction(kind.attrib["frameDuration"].rstrip("s"))
    assert (kind.get("width"), kind.get("height")) == ("640", "360")
    (asset,) = root.iter("asset")
    assert asset.get("src") == "file:///films/a%20film.mp4"
    assert frames(asset.attrib["start"], rate) == source.start_frame
    assert frames(asset.attrib["duration"], rate) == source.frames
    at = 0
    for clip, moment in zip(root.iter("asset-clip"), [PIZZA, DOG], strict=True):
        first, stop = source.frame_range(moment)
        assert clip.get("name") == title_of(moment)
        assert [frames(clip.attrib[key], rate) for key in ("offset", "start", "duration")] == [
            at, source.start_frame + first, stop - first,
        ]  # fmt: skip
        marker = clip.find("marker")
        assert marker is not None
        assert frames(marker.attrib["start"], rate) == source.start_frame + source.peak_frame(moment)
        assert clip.findtext("note") == f"{moment.prompt}\npeak {moment.peak:.6f}, mean {moment.mean:.6f} z"
        at += stop - first
    (sequence,) = root.iter("sequence")
    assert frames(sequence.attrib["duration"], rate) == at
    assert sequence.get("tcFormat") == ("DF" if source.drops else "NDF")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_stay_names(name: str) -> None:
    moment = Moment(name, 0, 1, 0, 0.5, 0.4, name)
    root = read(moments_fcpxml(select_from_one([moment], film(name=name), {})))
    (clip,) = root.iter("asset-clip")
    assert clip.get("name") == title_of(moment)
    assert len(list(root.iter())) == 12


def test_sound_is_told() -> None:
    (asset,) = read(moments_fcpxml(select_from_one([], film(has_audio=True), {}))).iter("asset")
    assert asset.get("hasAudio") == "1"
    assert "hasAudio" not in moments_fcpxml(select_from_one([], film(), {}))


def test_no_moments_are_an_empty_spine() -> None:
    root = read(moments_fcpxml(select_from_one([], film(), {})))
    (spine,) = root.iter("spine")
    assert len(spine) == 0
    assert root.find(".//sequence").get("duration") == "0s"  # type: ignore[union-attr]
