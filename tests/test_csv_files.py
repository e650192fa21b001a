"""CSV that reads back as it was, and that no spreadsheet runs."""

import csv
import io

import numpy as np
import pytest

from clip_core.export.csv_files import harmless, moments_csv, scores_csv
from clip_core.values import Moment
from tests.curve_maker import scores_of


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
    assert moments_csv([]) == "prompt,start_s,end_s,duration_s,peak_s,peak,mean\n"


def test_moments_read_back() -> None:
    text = moments_csv([Moment("@dog", 1.5, 4.0, 2.0, 0.5, 0.4)])
    assert list(csv.reader(io.StringIO(text)))[1] == [
        "'@dog", "1.500000", "4.000000", "2.500000", "2.000000", "0.500000", "0.400000",
    ]  # fmt: skip
