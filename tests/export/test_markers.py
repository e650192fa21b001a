"""Lists of markers, against what the programs write themselves, and read back as text and XML."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from clip_core.export.formats import write_moments
from clip_core.export.read_moments import read_moments
from clip_core.export.selection import select_from_one
from clip_core.export.source import STANDARD_RATES
from clip_core.export.text import title_of
from clip_core.types import Moment
from tests.export.test_several_videos import FAST, SLOW, two
from tests.support.odd_names import ODD_NAMES
from tests.support.selections import film, in_film

DOG = Moment("a dog", 61.0, 64.5, 62.0, 0.5, 0.4, "left")
PIZZA = Moment("pizza", 1.01, 2.0, 1.5, 2.625, 0.25)
_RESOLVE = re.compile(
    r"(?P<number>\d{3})  001      V     C        (?P<at>\S{11}) (?P<stop>\S{11}) (?P=at) (?P=stop)  \n"
    r"(?P<note>.*?) \|C:ResolveColor(?P<colour>\w+) \|M:(?P<name>.*?) \|D:(?P<frames>\d+)\n\n"
)
"""As Resolve exports "Timeline Markers to EDL"; an example is quoted in the tests of the tool TC_MagiK."""


def test_resolve_markers_are_those_that_resolve_writes() -> None:
    source = film(start_timecode="01:00:00:00")
    assert write_moments("resolve", select_from_one([DOG, PIZZA], source, {"unit": "z"})).decode() == (
        "TITLE: a film.mp4\n"
        "FCM: NON-DROP FRAME\n"
        "\n"
        "001  001      V     C        01:00:01:01 01:00:01:02 01:00:01:01 01:00:01:02  \n"
        "peak 2.625000, mean 0.250000 z |C:ResolveColorGreen |M:pizza |D:24\n"
        "\n"
        "002  001      V     C        01:01:01:00 01:01:01:01 01:01:01:00 01:01:01:01  \n"
        "peak 0.500000, mean 0.400000 z |C:ResolveColorBlue |M:a dog (left) |D:88\n"
        "\n"
    )


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_break_no_field_of_resolve(name: str) -> None:
    text = write_moments("resolve", in_film([Moment(name, 1, 2, 1, 0.5, 0.4, name), DOG])).decode()
    found = [match.groupdict() for match in _RESOLVE.finditer(text)]
    assert [each["frames"] for each in found] == ["25", "88"]
    assert found[0]["name"] == title_of(Moment(name, 1, 2, 1, 0, 0, name)).replace("|", "¦")[:200]
    assert "".join(text.splitlines(keepends=True)[:3]) + "".join(m[0] for m in _RESOLVE.finditer(text)) == text


def test_markers_of_several_videos_lie_where_the_cut_has_the_moments() -> None:
    found = [match.groupdict() for match in _RESOLVE.finditer(write_moments("resolve", two()).decode())]
    assert [(each["at"], each["frames"]) for each in found] == [
        ("00:00:00:00", "100"), ("00:00:02:00", "100"), ("00:00:04:00", "100"),
    ]  # fmt: skip
    root = ElementTree.fromstring(write_moments("premiere", two()))  # noqa: S314 - ours
    markers = [(marker.findtext("in"), marker.findtext("out")) for marker in root.iter("marker")]
    assert markers == [("0", "100"), ("100", "200"), ("200", "300")]


def rate_of(element: ElementTree.Element | None) -> tuple[str | None, str | None]:
    assert element is not None
    return element.findtext("rate/timebase"), element.findtext("rate/ntsc")


def test_premiere_has_each_file_once_with_its_own_rate_and_timecode() -> None:
    root = ElementTree.fromstring(write_moments("premiere", two()))  # noqa: S314 - ours
    assert rate_of(root.find("sequence")) == ("50", "FALSE")
    clips = list(root.iter("clipitem"))
    facts = [[clip.findtext(name) for name in ("start", "end", "in", "out")] for clip in clips]
    assert facts == [["0", "100", "500", "600"], ["100", "200", "3000", "3100"], ["200", "300", "121", "169"]]
    assert [rate_of(clip) for clip in clips] == [("50", "FALSE"), ("50", "FALSE"), ("24", "TRUE")]
    assert [file.get("id") for file in root.iter("file")] == ["file-1", "file-1", "file-2"]
    described = [file for file in root.iter("file") if len(file)]
    assert [file.findtext("pathurl") for file in described] == [
        source.url.replace("file:///", "file://localhost/") for source in (FAST, SLOW)
    ]
    assert [file.findtext("timecode/string") for file in described] == ["10:00:00:00", "01:00:00:12"]
    assert [file.findtext("timecode/frame") for file in described] == ["1800000", "86412"]


@pytest.mark.parametrize("kind", ["premiere", "finalcut"])
@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_stay_names_in_xml(kind: str, name: str) -> None:
    moment = Moment(name, 1, 2, 1, 0.5, 0.4, name)
    root = ElementTree.fromstring(write_moments(kind, select_from_one([moment], film(name=name))))  # noqa: S314 - ours
    (marker,) = root.iter("marker")
    assert title_of(moment) == (marker.findtext("name") if kind == "premiere" else marker.get("value"))


@pytest.mark.parametrize("rate", STANDARD_RATES)
def test_final_cut_markers_have_the_span_of_their_moment_in_the_whole_video(rate: Fraction) -> None:
    source = film(rate, start_timecode="01:00:00:10")
    root = ElementTree.fromstring(write_moments("finalcut", select_from_one([DOG, PIZZA], source)))  # noqa: S314 - ours
    (clip,) = root.iter("asset-clip")
    (sequence,) = root.iter("sequence")
    assert clip.get("offset") == clip.get("start") == sequence.get("tcStart")
    assert Fraction(clip.attrib["start"][:-1]) * rate == source.start_frame
    assert Fraction(clip.attrib["duration"][:-1]) * rate == source.frames
    for marker, moment in zip(root.iter("marker"), [PIZZA, DOG], strict=True):
        first, stop = source.frame_range(moment)
        place = [Fraction(marker.attrib[name][:-1]) * rate for name in ("start", "duration")]
        assert place == [source.start_frame + first, stop - first]
        assert marker.get("value") == title_of(moment)


def test_final_cut_markers_of_several_videos_lie_in_their_clips() -> None:
    root = ElementTree.fromstring(write_moments("finalcut", two()))  # noqa: S314 - ours
    clips = list(root.iter("asset-clip"))
    assert [clip.get("start") for clip in clips] == [mark.get("start") for clip in clips for mark in clip]
    assert [clip.get("ref") for clip in clips] == ["r3", "r3", "r4"]


def test_losslesscut_reads_three_columns_and_so_do_we() -> None:
    """Its documentation, "import_export": CSV of times in seconds has start, end and name, and no header."""
    late = film(first_frame_s=Fraction(3, 2))
    moments = [Moment(name, k, k + 0.5, k, 0.5, 0.4) for k, name in enumerate(ODD_NAMES)]
    content = write_moments("losslesscut", select_from_one([*moments[::-1]], late))
    assert content.decode().splitlines()[0] == '1.500000,2.000000,"say ""hi"", it\'s; a|b"'
    back = read_moments(content, "x.csv", lambda: 1.5)
    assert [(m.prompt, m.start_s, m.end_s) for m in back] == [(title_of(m), m.start_s, m.end_s) for m in moments]
    assert not any(line.split(",", 2)[2].startswith(("=", "-", "+", "@")) for line in content.decode().splitlines())
    assert write_moments("losslesscut", in_film([])) == b""
