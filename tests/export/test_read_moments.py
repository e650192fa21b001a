"""Moments from other people's tables; what is wrong is named with its row and column."""

import json
from dataclasses import asdict

import pytest

from clip_core.errors import MomentsFileError
from clip_core.evaluation.ground_truth import read_truth
from clip_core.export.data_files import moments_csv
from clip_core.export.read_moments import MOST_BYTES, MOST_MOMENTS, MOST_SECONDS, read_moments
from clip_core.text import parse_number
from clip_core.types import Moment, RoundedTime
from tests.support.odd_names import ODD_NAMES


def read(text: str) -> list[Moment]:
    return read_moments(text.encode(), "/secret/truth.csv")


def spans(text: str) -> list[tuple[str, float, float]]:
    return [(m.prompt, m.start_s, m.end_s) for m in read(text)]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_our_own_come_back_as_they_were(name: str) -> None:
    utf8 = name.replace("\ud800", "?")
    moments = [Moment(name, 1.5, 4.25, 2.0, 0.5, -0.25, name), Moment("b", 3600.125, 3700.0, 3601.0, 2.5, 1.0)]
    back = read(moments_csv(moments))
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
