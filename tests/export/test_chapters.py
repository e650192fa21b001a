"""Chapters: FFmpeg reads its metadata back; those of YouTube keep its rules."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from clip_core.export.formats import MOMENT_FORMATS, write_moments
from clip_core.export.selection import Selection, select_from_one
from clip_core.export.text import title_of
from clip_core.types import Moment
from tests.support.odd_names import ODD_NAMES
from tests.support.selections import film, in_film


def at(start_s: float, prompt: str = "a dog") -> Moment:
    return Moment(prompt, start_s, start_s + 2.0, start_s, 0.5, 0.4)


def youtube(selection: Selection) -> list[str]:
    return write_moments("youtube", selection).decode().splitlines()


def left_out(selection: Selection) -> str:
    tell = MOMENT_FORMATS["youtube"].left_out
    assert tell is not None
    return tell(selection)


def test_ffmpeg_reads_the_chapters_back(tmp_path: Path) -> None:
    moments = [Moment(name, k, k + 0.75, k, 0.5, 0.4, "a=b;#c\\") for k, name in enumerate(ODD_NAMES)]
    file = tmp_path / "chapters.ffmetadata"
    file.write_bytes(write_moments("ffmetadata", select_from_one(moments, film(first_frame_s=Fraction(1, 2)))))
    with av.open(str(file), format="ffmetadata") as container:
        chapters = container.chapters()
    assert [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in chapters] == [
        (k + 0.5, k + 1.25) for k in range(len(moments))
    ]
    for chapter, moment in zip(chapters, moments, strict=True):
        assert title_of(moment).startswith(chapter["metadata"]["title"][:1000])
        assert len(chapter["metadata"]["title"]) >= min(1000, len(title_of(moment)))


def test_youtube_chapters_begin_at_nought_and_last_ten_seconds() -> None:
    """YouTube Help, "Add chapters to your videos": the first at 00:00, at least three, each 10 seconds or longer."""
    moments = [at(70.9, "a <b>"), at(20.0), at(29.9, "too soon"), at(30.0, "pizza"), at(91.0, "too late")]
    assert youtube(in_film(moments)) == ["0:00 Start", "0:20 a dog", "0:30 pizza", "1:10 a ‹b›"]
    assert left_out(in_film(moments)) == "2 moments of 5 left out: a chapter lasts at least 10 s."
    assert youtube(in_film([at(0.4), at(30.0), at(40.0)]))[0] == "0:00 a dog"
    assert left_out(in_film([at(0.4), at(30.0), at(40.0)])) == ""


def test_too_few_youtube_chapters_are_told() -> None:
    assert youtube(in_film([])) == ["0:00 Start"]
    assert left_out(in_film([at(20.0)])) == "YouTube shows chapters only if there are 3; here are 2."


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_one_line_of_a_description(name: str) -> None:
    (_, line) = youtube(in_film([at(20.0, name)]))
    assert line.startswith("0:20 ")
    assert len(line) <= 105
    assert not set("<>") & set(line)


def test_hours_and_the_clock_of_the_file() -> None:
    source = replace(film(first_frame_s=Fraction(2)), end_s=4000.0)
    selection = select_from_one([at(9.0), at(3598.0)], source)
    assert youtube(selection) == ["0:00 Start", "0:11 a dog", "1:00:00 a dog"]
