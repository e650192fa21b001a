"""Every format by its name, with every odd name, and with nothing at all."""

import io
from fractions import Fraction

import numpy as np
import pytest
from pyarrow import parquet

from clip_core.export.formats import MOMENT_FORMATS, SCORE_FORMATS, write_moments, write_scores
from clip_core.export.read_moments import read_moments
from clip_core.export.selection import select_from_one
from clip_core.export.source import Source
from clip_core.types import Moment
from tests.support.curve_maker import scores_of
from tests.support.odd_names import ODD_NAMES

FILM = Source("a film.mp4", "/films/a film.mp4", 640, 360, Fraction(25), 100.0)


@pytest.mark.parametrize("kind", MOMENT_FORMATS)
def test_every_format_writes_every_name_and_nothing(kind: str) -> None:
    moments = [Moment(name, k, k + 1.0, k + 0.5, 0.5, 0.4, name) for k, name in enumerate(ODD_NAMES)]
    full = write_moments(kind, select_from_one(moments, FILM, {"unit": "z"}, prompts=ODD_NAMES))
    empty = write_moments(kind, select_from_one([], FILM))
    assert len(full) > len(empty)
    if kind == "parquet":
        names = parquet.read_table(io.BytesIO(full))["prompt"].to_pylist()
        assert names == [name.replace("\ud800", "?") for name in ODD_NAMES]
    else:
        full.decode(), empty.decode()
    if kind in ("csv", "otio"):
        assert len(read_moments(full, "x")) == len(ODD_NAMES)
        assert read_moments(empty, "x") == []


@pytest.mark.parametrize("kind", SCORE_FORMATS)
def test_every_format_writes_scores(kind: str) -> None:
    full = write_scores(kind, scores_of(np.ones((3, len(ODD_NAMES))), prompts=ODD_NAMES), {"unit": "z"})
    assert len(full) > len(write_scores(kind, scores_of(np.empty((0, 1)), np.empty(0), end_s=1.0), {}))


def test_file_names_are_constants_of_their_own() -> None:
    names = [kind.file_name for kind in (*MOMENT_FORMATS.values(), *SCORE_FORMATS.values())]
    assert len(set(names)) == len(names)
    assert [kind for kind, about in MOMENT_FORMATS.items() if about.counts_frames] == [
        "edl", "fcpxml", "otio", "resolve", "premiere", "finalcut",
    ]  # fmt: skip


def test_an_unknown_format_lists_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="no format 'xls'; there are csv, json, parquet, vtt, srt, edl, "):
        write_moments("xls", select_from_one([], FILM))
    with pytest.raises(ValueError, match="no format 'vtt'; there are csv, parquet, jsonl"):
        write_scores("vtt", scores_of([1.0, 2.0]), {})
