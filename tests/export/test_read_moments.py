"""Moments from other people's tables; what is wrong is named with its row and column."""

import pytest

from clip_core.errors import MomentsFileError
from clip_core.evaluation.ground_truth import read_truth
from clip_core.export.data_files import moments_csv
from clip_core.export.read_moments import MOST_BYTES, MOST_MOMENTS, read_moments
from clip_core.text import parse_number
from clip_core.types import Moment
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
        ("start,x\n1,2\n", r"has no column end_s; .* It may be called end_s, end, end_time, stop"),
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
        read_moments("start,end\n".encode("utf-16"), "x.csv")
