"""Truth from files that people have, and from files that nobody should."""

import pytest

from clip_core.errors import TruthError
from clip_core.evaluation.ground_truth import MOST_BYTES, Absence, Span, Truth, read_truth
from clip_core.export.data_files import moments_csv
from clip_core.types import Moment
from tests.support.selections import in_film


def read(text: str) -> Truth:
    return read_truth(text.encode(), "truth.csv")


def test_a_table_of_seconds_and_clock_times() -> None:
    truth = read("prompt,start,end\na dog,1.5,4\na dog,00:01:02.500,1:10\n\n pizza ,0,0.5\nan elephant,,\n")
    assert truth.spans == (Span("a dog", 1.5, 4), Span("a dog", 62.5, 70), Span("pizza", 0, 0.5))
    assert truth.absent == (Absence("an elephant"),)
    assert truth.prompts == ("a dog", "pizza", "an elephant")


def test_a_table_as_spreadsheets_save_it() -> None:
    truth = read_truth("\ufeffVideo;Start_S;END_S;Query;note\r\nmy.mp4;1,5;4,25;a dog;x\r\n".encode(), "t.csv")
    assert truth.spans == (Span("a dog", 1.5, 4.25, "my.mp4"),)
    assert read("prompt\tstart\tend\na, b\t1\t2\n").spans == (Span("a, b", 1, 2),)


def test_our_own_export_is_read_with_its_prompts_as_they_were() -> None:
    prompts = ["=SUM(A1)", 'say "hi", twice\nnow', "🐕", "'quoted'"]
    text = moments_csv(in_film([Moment(prompt, 1, 2, 1.5, 0.4, 0.3) for prompt in prompts]))
    assert read(text).prompts == tuple(prompts)


HEAD = "prompt,start,end\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"^truth\.csv says nothing\. It needs a head \(prompt,start,end\)"),
        (HEAD, r"^truth\.csv says nothing\."),
        ("a,b,c\n1,2,3\n", r"^truth\.csv has no column prompt; its head is: a, b, c\. It may be called prompt, query"),
        ("prompt,start\nx,1\n", r"^truth\.csv has no column end; "),
        (HEAD + "a,1,2\n,1,2\n", r"^truth\.csv, row 3: the prompt is missing\."),
        (
            HEAD + "a,1\n",
            r"^truth\.csv, row 2: the end is nothing, which is not a time\. Write seconds or HH:MM:SS\.mmm",
        ),
        (HEAD + "a,nan,2\n", r"row 2: the start is nan, which is not a time"),
        (HEAD + "a,-1,2\n", r"row 2: the start is -1, which"),
        (HEAD + "a,0,1e300\n", r"row 2: the end is 1e300, which"),
        (HEAD + "a,3,3\n", r"row 2: the end 3 is not after the start 3\. Correct"),
        (HEAD + "a,\x1b[2J,2\n", r"row 2: the start is \?\[2J, which"),
        (HEAD + '"' + "x" * 200_000, r"^truth\.csv is not CSV: field larger than field limit"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_its_place(text: str, said: str) -> None:
    with pytest.raises(TruthError, match=said) as caught:
        read(text)
    assert len(caught.value.line) <= 200
    assert caught.value.line.isprintable()


def test_what_is_too_large_or_no_text_is_refused() -> None:
    with pytest.raises(TruthError, match=r"^big\.csv has 10 MB: that is not a list of moments\. At most 10 MB"):
        read_truth(b"x" * (MOST_BYTES + 1), "big.csv")
    with pytest.raises(TruthError, match=r"^x\.csv is not UTF-8 text \(byte 3\)\."):
        read_truth(b"ab\xff", "x.csv")
    with pytest.raises(TruthError, match=r"says nothing|no column"):
        read_truth(b"\0\0\0\0\n\0\0", "x.csv")
    with pytest.raises(TruthError, match=r"is not CSV: it has over 1,000,000 lines"):
        read(HEAD + "a,1,2\n" + "\n" * 1_000_000)
    many = HEAD + "a,1,2\n" * 100_001
    with pytest.raises(TruthError, match=r"has 100,001 spans\. At most 100,000 are read\."):
        read(many)
