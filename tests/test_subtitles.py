"""SubRip and WebVTT in every state: what is read, what is left out, and that it is told."""

from __future__ import annotations

import pytest

from clip_core import subtitles
from clip_core.subtitles import MOST_BYTES, Cue, ReadCues, ass_text, from_first_frame, read_cues


def cues(text: str, encoding: str = "utf-8") -> list[tuple[float, float, str]]:
    return [(cue.start_s, cue.end_s, cue.text) for cue in read_cues(text.encode(encoding)).cues]


def clock(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hé</i> &amp; {\\an8}a < b
second line
2
01:00:03,000-->01:00:04.5 X1:10 X2:20
next
"""
VTT = """WEBVTT Kind: captions

NOTE nothing --> here

STYLE
::cue { color: red }

name of it
00:01.000 --> 00:02.500 align:start position:0%
<v Roger>Hi <00:00:01.500><c.yellow>you</c> &lt;3
"""
READ = [(1.0, 2.5, "Hé & a < b\nsecond line"), (3603.0, 3604.5, "next")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_subrip_in_every_encoding(encoding: str, line_end: str) -> None:
    assert cues(SRT.replace("\n", line_end), encoding) == READ


def test_webvtt_without_its_markup() -> None:
    assert cues(VTT) == [(1.0, 2.5, "Hi you <3")]


def test_a_guessed_encoding_is_told() -> None:
    assert read_cues(SRT.encode("latin-1")).notes == ("It is not Unicode, so it was read as windows-1252.",)
    assert read_cues(SRT.encode()).notes == ()


def test_out_of_order_overlapping_and_doubled_cues_are_sorted_and_kept_once() -> None:
    text = "".join(f"{clock(at)}.000 --> {clock(at + 5)}.000\nfrom {at}\n\n" for at in (7, 1, 4, 1))
    assert cues(text) == [(1.0, 6.0, "from 1"), (4.0, 9.0, "from 4"), (7.0, 12.0, "from 7")]


@pytest.mark.parametrize(
    "times",
    ["-00:00:01,000 --> 00:00:02,000", "00:00:05,000 --> 00:00:02,000", "00:00:05,000 --> 00:00:05,000",
     "99999:00:00,000 --> 99999:00:01,000", "00:61:99,000 --> 00:62:00,000", "1 --> 2", "::: --> ..,"],
)  # fmt: skip
def test_absurd_times_are_left_out_and_counted(times: str) -> None:
    read = read_cues(f"{times}\nwrong\n\n00:01.000 --> 00:02.000\nright\n".encode())
    assert [cue.text for cue in read.cues] == ["right"]
    assert read.notes == ("1 cue without usable times left out.",)


def test_captions_that_roll_up_give_each_line_once() -> None:
    text = (
        "WEBVTT\n\n00:00.000 --> 00:02.000\n \nhello<00:00.500><c> world</c>\n\n"
        "00:02.000 --> 00:02.010\nhello world\n \n\n"
        "00:02.010 --> 00:04.000\nhello world\nnext<00:03.000><c> line</c>\n\n00:04.000 --> 00:04.010\nnext line\n\n"
    )
    assert cues(text) == [(0.0, 2.01, "hello world"), (2.01, 4.01, "next line")]


def test_control_characters_do_not_come_through_and_accents_are_composed() -> None:
    assert cues("00:01.000 --> 00:02.000\n\x1b[2Je\u0301\0 &#7;x\n") == [(1.0, 2.0, "[2J\u00e9 x")]


def test_a_huge_cue_too_many_cues_and_a_huge_file_are_bounded_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    long = read_cues(b"00:01.000 --> 00:02.000\n" + b"<" * 1_000_000)
    assert (len(long.cues[0].text), long.notes) == (1000, ("1 cue shortened to 1,000 letters.",))
    monkeypatch.setattr(subtitles, "MOST_CUES", 1000)
    many = "".join(f"{clock(at)}.000 --> {clock(at)}.500\n{at}\n\n" for at in range(1001))
    read = read_cues(many.encode())
    assert (len(read.cues), read.notes) == (1000, ("Only the first 1,000 cues are kept.",))
    assert read_cues(b"x" * (MOST_BYTES + 1)) == ReadCues((), ("It has more than 16 MB, so it is not read.",))


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 1000, b"-->\n" * 1000, b"1\n" * 1000, b"%PDF-1.7\n%\xe2\xe3", b"WEBVTT"]
)
def test_what_holds_no_cues_gives_none(content: bytes) -> None:
    assert read_cues(content).cues == ()


def test_ass_comes_without_its_codes_and_drawings() -> None:
    line = r"0,0,Default,Ann,0,0,0,,{\i1}Bonjour,{\i0} ça\Nva{\p1}m 0 0 l 1 1{\p0}\hok, {yes}"
    assert ass_text(line) == "Bonjour, ça\nva ok, {yes}"


def test_times_are_moved_to_the_first_frame_and_what_lies_outside_is_told() -> None:
    read = ReadCues((Cue(0, 1, "before"), Cue(1, 3, "across"), Cue(9, 11, "last"), Cue(12, 13, "after")), ("a note",))
    assert from_first_frame(read, 2.0, 10.0) == ReadCues(
        (Cue(0.0, 1.0, "across"), Cue(7.0, 9.0, "last")),
        ("a note", "2 cues outside the video left out: is the file of another cut?"),
    )
