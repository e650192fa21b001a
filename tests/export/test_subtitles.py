"""Chapters, read by another library (WebVTT) and by a strict expression (SubRip)."""

import html
import io
import re
from fractions import Fraction

import pytest
import webvtt

from clip_core.export.timelines import moments_srt, moments_vtt
from clip_core.types import Moment
from tests.support.odd_names import ODD_NAMES

TWO = [Moment("pizza", 3600.5, 3700, 3601, 0.5, 0.4), Moment("a dog", 1.5, 4.0004, 2, 0.5, 0.4, "left")]
_TIME = r"\d\d:[0-5]\d:[0-5]\d,\d{3}"
_ENTRY = re.compile(rf"(\d+)\n({_TIME}) --> ({_TIME})\n([^\n]+)\n(?:\n(?=\d)|\Z)")


def vtt(text: str) -> list[tuple[str, str, str]]:
    return [(cue.start, cue.end, html.unescape(cue.raw_text)) for cue in webvtt.from_buffer(io.StringIO(text))]


def srt(text: str) -> list[tuple[str, str, str]]:
    found, at = [], 0
    while at < len(text):
        entry = _ENTRY.match(text, at)
        assert entry, text[at:]
        assert int(entry[1]) == len(found) + 1
        found.append((entry[2], entry[3], entry[4]))
        at = entry.end()
    return found


def test_cues_stand_in_order_of_time() -> None:
    assert vtt(moments_vtt(TWO)) == [
        ("00:00:01.500", "00:00:04.000", "a dog (left)"), ("01:00:00.500", "01:01:40.000", "pizza"),
    ]  # fmt: skip
    assert srt(moments_srt(TWO)) == [
        ("00:00:01,500", "00:00:04,000", "a dog (left)"), ("01:00:00,500", "01:01:40,000", "pizza"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_one_line_and_no_markup(name: str) -> None:
    moments = [Moment(name, 0, 1, 0, 0, 0), Moment("after", 2, 3, 2, 0, 0)]
    text = moments_vtt(moments)
    expected = re.sub("[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", name.replace("\ud800", "?").replace("\ufffe", ""))
    assert [cue[2] for cue in vtt(text)] == [expected.strip(), "after"]
    assert text.count("-->") == 2
    assert "<" not in text
    assert [cue[2] for cue in srt(moments_srt(moments))][1] == "after"
    assert not set("<{") & set(moments_srt(moments))
    assert moments_srt(moments).count("-->") == 2


def test_a_cue_lasts_at_least_a_millisecond() -> None:
    assert vtt(moments_vtt([Moment("a", 1.0, 1.0001, 1, 0, 0)]))[0][:2] == ("00:00:01.000", "00:00:01.001")


def test_cues_count_from_the_start_of_the_file() -> None:
    late_s = Fraction(2023, 1000)
    assert [cue[:2] for cue in vtt(moments_vtt(TWO, late_s))] == [
        ("00:00:03.523", "00:00:06.023"), ("01:00:02.523", "01:01:42.023"),
    ]  # fmt: skip
    assert srt(moments_srt(TWO, late_s))[0][:2] == ("00:00:03,523", "00:00:06,023")


def test_no_moments_are_a_valid_file() -> None:
    assert moments_vtt([]) == "WEBVTT\n"
    assert vtt(moments_vtt([])) == []
    assert moments_srt([]) == ""
