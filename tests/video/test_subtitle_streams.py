"""Subtitle streams inside videos: which one is read, its text without markup, its times from the first frame."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from clip_core.video import open_video
from clip_core.video.subtitle_streams import StreamText, first_frame_in, read_streams
from tests.support.subtitle_maker import write_talk

MARKED = [(0.2, 0.9, r"{\i1}Bonjour,{\i0} ça va?\Nligne 2"), (2.0, 3.5, "a, b & c")]
PLAIN = [(0.2, 0.9, "Bonjour, ça va?\nligne 2"), (2.0, 3.5, "a, b & c")]


def result(steps: Generator[str, None, Any]) -> Any:
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def streams_of(path: Path) -> StreamText:
    with open_video(path) as video:
        table = video.table
    text: StreamText = result(read_streams(path, table))
    return text


def spans(text: StreamText) -> list[tuple[float, float, str]]:
    return [(round(cue.start_s, 3), round(cue.end_s, 3), cue.text) for cue in text.read.cues]


@pytest.mark.parametrize(
    ("suffix", "codec", "name", "pictures"),
    [
        (".mkv", "subrip", "srt", "libx264"),
        (".mkv", "ass", "ssa", "libx264"),
        (".mp4", "mov_text", "mov_text", "libx264"),
        (".webm", "webvtt", "webvtt", "libvpx"),
    ],
)
def test_text_of_each_kind_comes_out_plain(tmp_path: Path, suffix: str, codec: str, name: str, pictures: str) -> None:
    text = streams_of(write_talk(tmp_path / f"a{suffix}", [(codec, "fre", MARKED)], codec=pictures))
    assert (text.source, text.language, text.read.notes) == (f"stream 1 ({name})", "fre", ())
    assert spans(text) == PLAIN


@pytest.mark.parametrize(("suffix", "codec"), [(".mkv", "subrip"), (".mp4", "mov_text")])
def test_times_count_from_a_first_frame_that_is_late(tmp_path: Path, suffix: str, codec: str) -> None:
    said = [(1.5, 2.5, "early"), (3.0, 4.0, "later")]
    path = write_talk(tmp_path / f"late{suffix}", [(codec, "eng", said)], begins_s=2.0)
    assert spans(streams_of(path)) == [(-0.5, 0.5, "early"), (1.0, 2.0, "later")]
    with open_video(path) as video:
        assert first_frame_in(path, video.table) == 2.0


def test_english_comes_before_others_and_pictures_are_named(tmp_path: Path) -> None:
    three = [("dvdsub", "eng", MARKED), ("subrip", "ger", [(1, 2, "deutsch")]), ("subrip", "eng", [(1, 2, "english")])]
    text = streams_of(write_talk(tmp_path / "three.mkv", three))
    assert (text.language, spans(text)) == ("eng", [(1.0, 2.0, "english")])
    pictures = streams_of(write_talk(tmp_path / "pictures.mkv", three[:1]))
    assert (pictures.source, pictures.read.cues) == ("", ())
    assert pictures.read.notes == ("The subtitles in the video are not text (dvdsub), so they cannot be read.",)
    assert streams_of(write_talk(tmp_path / "none.mkv", [])) == StreamText("", "", type(pictures.read)(()))
