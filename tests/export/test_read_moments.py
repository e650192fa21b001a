"""Moments from other people's tables; what is wrong is named with its row and column."""

import json
from dataclasses import asdict
from fractions import Fraction

import pytest

from clip_core.errors import MomentsFileError
from clip_core.evaluation.ground_truth import read_truth
from clip_core.export.data_files import moments_csv, moments_json
from clip_core.export.read_moments import MOST_BYTES, MOST_MOMENTS, MOST_SECONDS, read_moments
from clip_core.export.selection import select_from_one
from clip_core.export.source import Source
from clip_core.export.timelines import moments_srt, moments_vtt
from clip_core.text import parse_number
from clip_core.types import Moment, RoundedTime
from tests.support.odd_names import ODD_NAMES
from tests.support.selections import in_film


def read(text: str) -> list[Moment]:
    return read_moments(text.encode(), "/secret/truth.csv")


def spans(text: str) -> list[tuple[str, float, float]]:
    return [(m.prompt, m.start_s, m.end_s) for m in read(text)]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_our_own_come_back_as_they_were(name: str) -> None:
    utf8 = name.replace("\ud800", "?")
    moments = [Moment(name, 1.5, 4.25, 2.0, 0.5, -0.25, name), Moment("b", 3600.125, 3700.0, 3601.0, 2.5, 1.0)]
    back = read(moments_csv(in_film(moments)))
    assert back == [Moment(utf8.strip(), 1.5, 4.25, 2.0, 0.5, -0.25, utf8.strip()), moments[1]]


@pytest.mark.parametrize(
    "text",
    [
        "start,end\n1.5,4\n", "\ufeffStart;End;Prompt\r\n1,5;4,0;\r\n", "END\tstart\n00:00:04.000\t0:01.5\n",
        "\n\nnote,start_time,end_time\n,,\nx,1.5,00:00:04\n\n", 'begin,stop,"a,b"\n 1.5 ,4,"x\ny"\n',
    ],
)  # fmt: skip
def test_other_tables(text: str) -> None:
    assert spans(text) == [("", 1.5, 4.0)]


def test_prompts_labels_and_what_is_missing() -> None:
    assert read("start,end,query,label\n1,2,a dog,left\n3,4\n") == [
        Moment("a dog", 1, 2, 1, 0, 0, "left"), Moment("", 3, 4, 3, 0, 0),
    ]  # fmt: skip
    assert read("start_s,end_s\n") == []


def test_a_list_to_evaluate_by_is_read_and_its_absent_prompts_are_no_moments() -> None:
    text = "prompt,start,end\na dog,1.0,2.5\nan elephant,,\npizza,0:04,0:05\n"
    assert spans(text) == [("a dog", 1.0, 2.5), ("pizza", 4.0, 5.0)]
    assert len(read_truth(text.encode(), "truth.csv").spans) == 2  # what Evaluate makes of the same
    with pytest.raises(MomentsFileError, match=r"row 2, column end_s: \(empty name\) is not a time"):
        read("prompt,start,end\na dog,1.0,\n")


@pytest.mark.parametrize(
    ("cell", "time_s"),
    [
        ("12.5", 12.5), ("12,5", 12.5), ("1:02.5", 62.5), ("01:01:02.500", 3662.5), (".5", 0.5), ("1e1", 10.0),
        ("0.0010416666666666667", 1 / 960),
        ("100:00:00", 360_000.0), ("90:00", 5400.0), ("1:60", None), ("", None), ("nan", None), ("inf", None),
        ("1e999", None), ("1_0", None), ("0x1", None), ("١", None), ("1:2:3:4", None), ("9" * 40, None), ("-1", -1.0),
    ],
)  # fmt: skip
def test_times(cell: str, time_s: float | None) -> None:
    assert parse_number(cell) == time_s


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "truth.csv is empty"),
        ("a,b\n1,2\n", "has no column start_s; its head is: a, b"),
        ("start,x\n1,2\n", r"has no column end_s; .* It may be called end_s, end, end_time, end time"),
        ("start,end\n1,2\n\nx/y\x1b,3\n", r"truth.csv, row 4, column start_s: x∕y\? is not a time"),
        ("start,end\n1\n", r"row 2, column end_s: \(empty name\) is not a time"),
        ("start,end\n2,1\n", "row 2, column end_s: 1 is not after the start"),
        ("start,end\n1,1\n", "row 2, column end_s: 1 is not after the start"),
        ("start,end\n-1,1\n", "row 2, column start_s: -1 is not a time"),
        ("start,end\n1,1e9\n", "row 2, column end_s: 1e9 is not a time"),
        ("start,end,peak\n1,2,high\n", "row 2, column peak: high is not a number"),
        ("start,end\n1,nan\n", "row 2, column end_s: nan is not a time"),
        ('start,end,name\n1,2,"a\n3,4,b\n', "truth.csv is not CSV: a quotation mark in row 2 is never closed"),
        ('start,end\n1,"' + "9" * 200_000, "truth.csv is not CSV: field larger than field limit"),
        ("start,end\n" + "1,2\n" * (MOST_MOMENTS + 1), "has 100,001 rows. At most 100,000 are read"),
        ("start,end\n1,2\n" + "\n" * 1_000_000, "truth.csv is not CSV: it has over 1,000,000 lines"),
        ("1\t2\ta\n" + "\\\n" * 1_000_000, "truth.csv is not CSV: it has over 1,000,000 lines"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(MomentsFileError, match=message) as caught:
        read(text)
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_too_large_and_no_text() -> None:
    with pytest.raises(MomentsFileError, match=r"has 20 MB: that is not a list of moments\. At most 20 MB"):
        read_moments(bytes(MOST_BYTES + 1), "x.csv")
    with pytest.raises(MomentsFileError, match=r"x.csv is not UTF-8 text \(byte 1\)"):
        read_moments(b"\xe9,start,end\n", "x.csv")
    with pytest.raises(MomentsFileError, match=r"x.csv is not UTF-16-LE text \(byte 7\)"):
        read_moments("a,b".encode("utf-16")[:-1], "x.csv")


def test_lists_of_losslesscut_have_no_header_and_may_end_with_the_video() -> None:
    assert spans('0.5,2.5025,"a, ""b"""\n12.5,15.041666666666666,\n,3,from the beginning\n20,,to the end\n') == [
        ('a, "b"', 0.5, 2.5025), ("", 12.5, 15.041666666666666), ("from the beginning", 0.0, 3.0),
        ("to the end", 20.0, MOST_SECONDS),
    ]  # fmt: skip
    clocks = "00:00:01.000,00:00:02.500,x\r\n,00:00:03.000,\r\n,,all\r\n"
    assert spans(clocks) == [("x", 1.0, 2.5), ("", 0.0, 3.0), ("all", 0.0, MOST_SECONDS)]
    assert spans(clocks.replace(",", "\t")) == spans(clocks)
    assert spans("1,5;2,5;a\n;3;b\n") == [("a", 1.5, 2.5), ("b", 0.0, 3.0)]


@pytest.mark.parametrize("cuts", ["", "Timecode List:,00:00:05.005,00:00:10.010\r\n", "Timecode List:\r\n"])
def test_scenes_of_pyscenedetect(cuts: str) -> None:
    head = (
        "Scene Number,Start Frame,Start Timecode,Start Time (seconds),End Frame,End Timecode,End Time (seconds),"
        "Length (frames),Length (timecode),Length (seconds)\r\n"
    )
    scenes = "1,1,00:00:00.000,0.000,120,00:00:05.005,5.005,120,00:00:05.005,5.005\r\n"
    scenes += "2,121,00:00:05.005,5.005,240,00:00:10.010,10.010,120,00:00:05.005,5.005\r\n"
    assert spans(cuts + head + scenes) == [("", 0.0, 5.005), ("", 5.005, 10.01)]
    row = 4 if cuts else 3
    with pytest.raises(MomentsFileError, match=rf"row {row}, column end_s: soon is not a time"):
        read(cuts + head + scenes.replace(",10.010,", ",soon,"))


def test_labels_of_audacity() -> None:
    labels = '0.500000\t2.250000\ta, b; c\n\\\t100.000000\t2000.000000\n3.000000\t3.000000\t"point\n4\t5\t\n6\t7\n'
    assert spans(labels) == [("a, b; c", 0.5, 2.25), ('"point', 3.0, 3.0), ("", 4.0, 5.0), ("", 6.0, 7.0)]
    assert spans("0,500000\t2,250000\ta,b,c\n") == [("a,b,c", 0.5, 2.25)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_utf_16_with_its_mark(encoding: str) -> None:
    mark = "\ufeff" if encoding[-2:] in ("le", "be") else ""
    for text in ("prompt,start,end\r\nein Bär 🐕,1.5,4\r\n", "1.5\t4\tein Bär 🐕\n"):
        assert [(m.prompt, m.start_s, m.end_s) for m in read_moments((mark + text).encode(encoding), "x.csv")] == [
            ("ein Bär 🐕", 1.5, 4.0)
        ]
    truth = read_truth((mark + "prompt,start,end\r\nein Bär,1.5,4\r\n").encode(encoding), "x.csv")
    assert truth.prompts == ("ein Bär",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,a\nhello\n", "row 2, column start_s: hello is not a time"),
        ("1,2,a\n5\n", r"row 2, column end_s: \(empty name\) is not a time"),
        ("1,2,a\n\n3,3,b\n", "row 3, column end_s: 3 is not after the start"),
        ("-1,2,a\n", "row 1, column start_s: -1 is not a time"),
        ("1\t2\ta\n5\t4\tb\n", "row 2, column end_s: 4 is not after the start"),
        ("1\t2\ta\n\\\t1\t2\nx\t4\tb\n", "row 3, column start_s: x is not a time"),
        ("Timecode List:,00:00:05.005\n1,2,3\nx,2,3\n", "row 3, column start_s: x is not a time"),
        ("Scene Number,Start Frame\n1,1\n", "no column start_s; its head is: Scene Number, Start Frame"),
    ],
)
def test_what_is_wrong_without_a_header_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(MomentsFileError, match=message):
        read(text)


@pytest.mark.parametrize(
    ("text", "roundings_s"),
    [
        ("start,end\n00:00:00.042,00:00:01.001\n", [(0.0005, 0.0005)]),
        ("start,end\n0.5,2\n", [(0.0005, 0.0005)]),
        ("start,end\n0.5,2\n0.041708,2\n", [(5e-7, 5e-7)] * 2),
        ("start,end\n0.5,2.5003\n00:00:01,2.001\n", [(5e-5, 5e-5), (0.0005, 5e-5)]),
        ("0.5,1.001\n5e-2,2\n", [(5e-31, 5e-31)] * 2),
    ],
)
def test_a_list_shows_by_its_decimals_how_far_it_is_rounded(text: str, roundings_s: list[tuple[float, float]]) -> None:
    times = [(moment.start_s, moment.end_s) for moment in read(text)]
    for row, expected in zip(times, roundings_s, strict=True):
        assert [time_s.rounding_s for time_s in row if isinstance(time_s, RoundedTime)] == pytest.approx(expected)


def test_rounded_times_are_copied_and_written_as_numbers() -> None:
    (moment,) = read("0.042,1.001,a dog\n")
    copied = asdict(moment)
    assert (copied["start_s"], copied["start_s"].rounding_s) == (0.042, 0.0005)
    assert json.loads(json.dumps(copied))["end_s"] == 1.001


def test_lists_that_were_written_here_are_read_from_json_vtt_and_srt() -> None:
    source = Source("v.mp4", "/v.mp4", 64, 64, Fraction(25), 100.0, False, first_frame_s=Fraction(3, 2))
    moments = [
        Moment("a <dog>", 1.5, 4.25, 2.0, 0.5, -0.25, "it's"),
        Moment('"b" & {c}', 3600.125, 3700.0, 3601.0, 2.5, 1.0),
    ]
    assert read_moments(moments_json(select_from_one(moments, source, {})).encode(), "x.json", lambda: 1.5) == moments
    for text, names in (
        (moments_vtt(moments, source.first_frame_s), ["a <dog> (it's)", '"b" & {c}']),
        (moments_srt(moments, source.first_frame_s), ["a ‹dog› (it's)", '"b" & (c)']),
    ):
        back = read_moments(text.encode(), "x", lambda: 1.5)
        assert [(m.prompt, m.start_s, m.end_s) for m in back] == [(names[0], 1.5, 4.25), (names[1], 3600.125, 3700.0)]
        assert isinstance(back[0].start_s, RoundedTime)
        assert back[0].start_s.rounding_s == 0.0005


def test_subtitles_of_others() -> None:
    vtt = (
        "WEBVTT - a title\nX-KIND: captions\n\nNOTE a --> b\n\nSTYLE\n::cue { color: red }\n\n"
        "intro\n00:00.500 --> 00:01.500 align:start position:10%\n<v Bob>a <i>dog</i>\nand &amp; a cat</v>\n\n"
        "1:00:02.000 --> 1:00:03.000\n"
    )
    want = [("a dog and & a cat", 0.5, 1.5), ("", 3602.0, 3603.0)]
    assert spans(vtt) == spans(vtt.replace("\n", "\r\n")) == spans(vtt.replace("\n", "\r")) == want
    srt = "1\n00:00:00,500 --> 00:00:01,500 X1:0\n{\\an8}<font color=red>a dog</font>\n\n\n"
    srt += "2\n00:00:02,000-->00:00:03,000\nx\n"
    with pytest.raises(MomentsFileError, match=r"line 7: these are not the times of a cue"):
        read(srt)
    assert spans(srt.replace(",000-->", ",000 --> ")) == [("a dog", 0.5, 1.5), ("x", 2.0, 3.0)]
    tight = srt.replace(",000-->", ",000 --> ").replace("\n\n\n", "\n")
    assert spans(tight) == [("a dog", 0.5, 1.5), ("x", 2.0, 3.0)]
    with pytest.raises(MomentsFileError, match=r"line 3: these are not the times"):
        read("WEBVTT\n\n00:03.000 --> 00:02.000\nx\n")


LLC = """{
  version: %d, // a comment
  mediaFileName: 'it\\'s "v".mp4',
  cutSegments: [
    { start: 0.5, end: 1.5, name: 'it\\'s a "dog": one, two', tags: { a: 'b' }, },
    { end: 2, name: "", },
    { start: 3, name: 'rest', selected: true },
  ],
}
"""


@pytest.mark.parametrize(("version", "open_end_s"), [(1, MOST_SECONDS), (2, 3.0)])
def test_projects_of_losslesscut(version: int, open_end_s: float) -> None:
    want = [('it\'s a "dog": one, two', 0.5, 1.5), ("", 0.0, 2.0), ("rest", 3.0, open_end_s)]
    assert spans(LLC % version) == want
    strict = {"version": version, "cutSegments": [{"start": a, "end": b, "name": n} for n, a, b in want[:2]]}
    assert spans(json.dumps(strict)) == want[:2]
    with pytest.raises(MomentsFileError, match=r"moment 2: its times are missing or are not seconds"):
        read((LLC % version).replace("end: 2,", "end: -2,"))
    with pytest.raises(MomentsFileError, match="is not JSON"):
        read((LLC % version).replace("],", ""))
    for rows in (
        "[null]",
        "[7]",
        '[{"start": "1", "end": 2}]',
        '[{"start": NaN, "end": 2}]',
        '[{"start": 3, "end": 2}]',
    ):
        for key in ("cutSegments", "moments"):
            with pytest.raises(MomentsFileError, match="moment 1: its times are missing or are not seconds"):
                read(f'{{"{key}": {rows}}}')


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("0.5\t2.5\ta\n3\t4\tb\n", [("a", 0.0, 1.0), ("b", 1.5, 2.5)]),  # Audacity
        ("0.5,2.5,a\n3,,b\n", [("a", 0.0, 1.0), ("b", 1.5, MOST_SECONDS)]),  # LosslessCut
        ("{version: 1, cutSegments: [{start: 0.5, end: 2.5, name: 'a'}]}", [("a", 0.0, 1.0)]),
        ("WEBVTT\n\n00:02.000 --> 00:03.000\na\n", [("a", 0.5, 1.5)]),
        ("0.5\t1\tspoken before the first frame\n", [("spoken before the first frame", 0.0, 0.0)]),
        ("start,end,prompt\n0.5,2.5,a\n", [("a", 0.5, 2.5)]),
        ("Timecode List:,00:00:01.000\nStart Time (seconds),End Time (seconds)\n0.5,2.5\n", [("", 0.5, 2.5)]),
    ],
)
def test_lists_of_players_and_editors_count_from_the_start_of_the_file(
    text: str, want: list[tuple[str, float, float]]
) -> None:
    found = read_moments(text.encode(), "x", lambda: 1.5)
    assert [(m.prompt, m.start_s, m.end_s) for m in found] == want
    assert all(isinstance(m.start_s, RoundedTime) for m in found)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_without_a_mark(encoding: str) -> None:
    for text in (
        "start,end,prompt\n1.5,4,ein Bär 🐕\n",
        "1.5000\t4\tein Bär 🐕\n",
        "WEBVTT\n\n0:01.5 --> 0:04.0\nein Bär 🐕\n",
    ):
        (moment,) = read_moments(text.encode(encoding), "x")
        assert (moment.prompt, moment.start_s, moment.end_s) == ("ein Bär 🐕", 1.5, 4.0)


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nstart;end;name\n1,5;4;a, b\n",
        '"sep=;"\r\nstart;end;name\r\n1,5;4;"a, b"\r\n',
        "\n# made by hand, 2026\n#and by me\nsep=|\nstart|end|name\n# one\n1.5|4|a, b\n#\n",
        "start;end;name\r1,5;4;a, b\r",
        "1.5\t4\ta, b\r",
        "# labels\n1.5\t4\ta, b\n",
        "Scene Number\tStart Timecode\tEnd Timecode\tName\n1\t00:00:01.500\t00:00:04.000\ta, b\n",
        "Start Time;End Time;Marker Name\n1,5;4;a, b\n",
    ],
)
def test_what_stands_above_a_header_and_other_line_ends(text: str) -> None:
    assert spans(text) == [("a, b", 1.5, 4.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sep=;\n# x\nstart;end\n1;x\n", "row 4, column end_s: x is not a time"),
        ("Marker Name\tIn\tOut\na\t00:00:01:12\t00:00:02:00\n", "row 2, column start_s: 00:00:01:12 counts frames"),
        ("start,end\n00:00:01;12,9\n", "row 2, column start_s: 00:00:01;12 counts frames"),
        ("TITLE: v\nFCM: NON-DROP FRAME\n", r"its head is: TITLE: v\. Give CSV, OTIO, WebVTT, SRT, or a list of"),
    ],
)
def test_what_cannot_be_read_says_what_can(text: str, message: str) -> None:
    with pytest.raises(MomentsFileError, match=message):
        read(text)


@pytest.mark.parametrize("text", ['{cutSegments:"\\', "{cutSegments:'\\", "{cutSegments:/*", "{cutSegments:a "])
def test_a_project_without_end_is_searched_once(text: str) -> None:
    head, tail = text[:13], text[13:]
    with pytest.raises(MomentsFileError, match="is not JSON"):
        read(head + tail * 1_000_000)


def test_too_many_cues() -> None:
    with pytest.raises(MomentsFileError, match=r"has 100,001 moments\. At most 100,000"):
        read("WEBVTT\n\n" + "0:01.0 --> 0:02.0\n\n" * (MOST_MOMENTS + 1))
