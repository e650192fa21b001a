"""Interlaced streams are known by their headers, and refused where OpenCV would give garbage for pictures."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from clip_core.errors import VideoDecodeError
from clip_core.video import open_video
from clip_core.video.interlaced import may_be_interlaced
from tests.video_maker import FIELDS, KINDS, Recipe, number_picture, write_video

_OLD_FIELDS = {"flags": "+ildct+ilme"}
FIELD_RECIPES = {
    "mp4": Recipe(options=FIELDS),
    "mkv": Recipe(".mkv", options={"x264-params": "tff=1:cqm=jvt"}),
    "444": Recipe(".ts", pix_fmt="yuv444p", options={"x264-params": "tff=1:cqm=jvt"}),
    "flv": Recipe(".flv", options=FIELDS),
    "mpeg2": Recipe(".ts", "mpeg2video", options=_OLD_FIELDS),
    "mpeg4": Recipe(".mp4", "mpeg4", options=_OLD_FIELDS),
    "avi": Recipe(".avi", "mpeg4", options=_OLD_FIELDS),
}


@pytest.mark.parametrize("kind", FIELD_RECIPES)
def test_streams_of_fields_are_told_from_those_of_frames(kind: str, tmp_path: Path) -> None:
    recipe = FIELD_RECIPES[kind]
    params = {"x264-params": "cqm=jvt"} if recipe.codec == "libx264" else {}
    pictures = [number_picture(n) for n in range(20)]
    write_video(tmp_path / f"fields{recipe.suffix}", pictures, recipe)
    write_video(tmp_path / f"frames{recipe.suffix}", pictures, replace(recipe, options=params))
    assert may_be_interlaced(tmp_path / f"fields{recipe.suffix}")
    assert not may_be_interlaced(tmp_path / f"frames{recipe.suffix}")


def test_what_no_capture_opens_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no video")
    assert not may_be_interlaced(tmp_path / "x.mp4")


def test_without_pyav_an_interlaced_video_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = KINDS["interlaced"](tmp_path)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(VideoDecodeError, match=r"interlaced\.mp4 is interlaced, which OpenCV cannot.*Install PyAV"):
        open_video(truth.path)
