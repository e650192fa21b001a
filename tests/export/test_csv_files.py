"""CSV that reads back as it was, and that no spreadsheet runs."""

import csv
import io
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from clip_core.export.data_files import MOMENT_COLUMNS, harmless, moments_csv, scores_csv, spikes_csv
from clip_core.export.selection import select_from_one
from clip_core.text import as_typed
from clip_core.types import Moment, TimeTable
from tests.support.curve_maker import scores_of
from tests.support.odd_names import ODD_NAMES
from tests.support.selections import film, in_film


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-a person", "@x", "\tx", "\rx", "  =HYPERLINK()"])
def test_a_cell_that_a_spreadsheet_would_run_gets_a_quote(text: str) -> None:
    assert harmless(text) == "'" + text


@pytest.mark.parametrize("text", ["a dog", "1 = 1", "a-b", "<b>", "🐕", ""])
def test_other_cells_stay(text: str) -> None:
    assert harmless(text) == text


def test_scores_read_back() -> None:
    prompts = ["=SUM(A1)", 'say "hi", twice\nnow', "🐕"]
    values = np.array([[0.25, -0.5, 0.125], [0.5, 0.75, -1.0]])
    rows = list(csv.reader(io.StringIO(scores_csv(scores_of(values, [0.0, 1 / 3], prompts=prompts)))))
    assert rows[0] == ["frame", "time_s", "'=SUM(A1)", 'say "hi", twice\nnow', "🐕"]
    assert rows[2][:2] == ["1", "0.333333"]
    np.testing.assert_allclose([[float(cell) for cell in row[2:]] for row in rows[1:]], values)


def test_no_samples_and_no_moments_leave_the_heads() -> None:
    assert scores_csv(scores_of(np.empty((0, 1)), np.empty(0), end_s=1.0)) == "frame,time_s,p0\n"
    assert moments_csv(in_film([])) == ",".join(MOMENT_COLUMNS) + "\n"


def test_moments_read_back() -> None:
    moments = [Moment("@dog", 1.5, 4.0, 2.0, 0.5, 0.4, "+1"), Moment("b", 3599.9996, 3700.0, 3650.25, 9, 8)]
    text = moments_csv(select_from_one(moments, film(name="=a.mp4"), {"unit": "z"}, video_id="1e9"))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0] == {
        "prompt": "'@dog", "start_s": "1.500000", "end_s": "4.000000", "duration_s": "2.500000",
        "peak_s": "2.000000", "peak": "0.500000", "mean": "0.400000",
        "start": "00:00:01.500", "end": "00:00:04.000", "peak_time": "00:00:02.000", "label": "'+1",
        "video": "'=a.mp4", "unit": "z", "start_frame": "", "end_frame": "", "video_id": "1e9",
    }  # fmt: skip
    assert (rows[1]["start"], rows[1]["end"], rows[1]["peak_time"]) == ("01:00:00.000", "01:01:40.000", "01:00:50.250")


def test_the_frames_of_a_moment_are_numbered() -> None:
    table = TimeTable(np.arange(240), Fraction(1001, 24_000), 0, 10.01, confirmed=True, key_pts=np.array([0]))
    times_s = [*table.times_s.tolist(), table.end_s]
    moments = [Moment("a dog", times_s[k], times_s[k + n], times_s[k], 1, 1) for k, n in ((0, 1), (3, 70), (200, 40))]
    rows = list(csv.DictReader(io.StringIO(moments_csv(in_film(moments, table=table)))))
    assert [(row["start_frame"], row["end_frame"]) for row in rows] == [("0", "1"), ("3", "73"), ("200", "240")]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_pandas_reads_odd_names_and_they_are_known_again(name: str) -> None:
    table = pd.read_csv(
        io.StringIO(moments_csv(in_film([Moment(name, 0.0, 1.0, 0.5, 0.5, 0.4, name)]))), keep_default_na=False
    )
    assert as_typed(table["prompt"][0]) == as_typed(table["label"][0]) == name.replace("\ud800", "?")
    assert not table["prompt"][0].lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert (table["start_s"][0], table["end_s"][0]) == (0.0, 1.0)


def test_a_quote_that_was_typed_stays() -> None:
    for text in ("'=1", "''=1", "' =1", "'a", "=1", "a", "'"):
        assert as_typed(harmless(text)) == text


def test_spikes_read_back() -> None:
    spikes = [("=SUM(A1)", 3725.5, 0.125), ('say "hi",\nnow', 1 / 3, -0.25)]
    rows = list(csv.reader(io.StringIO(spikes_csv(spikes, "-holiday.mp4", "cosine"))))
    assert rows == [
        ["video", "prompt", "time_s", "clock", "change", "unit"],
        ["'-holiday.mp4", "'=SUM(A1)", "3725.500000", "01:02:05.500", "0.125000", "cosine"],
        ["'-holiday.mp4", 'say "hi",\nnow', "0.333333", "00:00:00.333", "-0.250000", "cosine"],
    ]
    assert spikes_csv([], "a.mp4", "z") == "video,prompt,time_s,clock,change,unit\n"
