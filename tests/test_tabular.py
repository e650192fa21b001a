"""Scores, detections and search results as tables."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa

from clip_core.analysis.analyse import Detection
from clip_core.retrieval.results import Elsewhere, Hit, SearchResult
from clip_core.types import Moment
from tests.support.curve_maker import scores_of
from tests.support.odd_names import ODD_NAMES

DOG = Moment("a dog", 1.0, 2.0, 1.5, 0.5, 0.4, "left")
BOTH = Moment("a dog and a cat", 1.0, 2.0, 1.5, 0.5, 0.4)
CAT = Moment("a cat", 5.0, 6.0, 5.5, 0.2, 0.1, "candidate")


def detection(*moments: Moment, candidates: tuple[Moment, ...] = ()) -> Detection:
    verdicts, beats = {"a dog": "there", "a cat": "not sure"}, {"a dog": 0.97, "a cat": None}
    return Detection(moments, candidates, verdicts, beats, {}, ())  # type: ignore[arg-type]


def test_scores_have_a_row_a_sample() -> None:
    prompts = ["frame", "a", "a", *ODD_NAMES]
    values = np.arange(2.0 * len(prompts), dtype=np.float32).reshape(2, -1)
    scores = scores_of(values, [0.0, 1 / 3], prompts=prompts)
    table = scores.to_pandas()
    assert list(table.columns) == [
        "frame", "time_s", "frame (2)", "a", "a (2)", *(name.replace("\ud800", "?") for name in ODD_NAMES),
    ]  # fmt: skip
    assert table["time_s"].tolist() == [0.0, 1 / 3]
    np.testing.assert_array_equal(table.iloc[:, 2:].to_numpy(np.float32), values)
    empty = scores_of(np.empty((0, 1)), np.empty(0), end_s=1.0).to_arrow()
    assert [str(kind) for kind in empty.schema.types] == ["int64", "double", "float"]


def test_a_detection_has_a_row_a_moment_and_a_candidate() -> None:
    table = detection(DOG, BOTH, candidates=(CAT,)).to_pandas()
    assert table["prompt"].tolist() == ["a dog", "a dog and a cat", "a cat"]
    assert table["verdict"].tolist() == ["there", "", "not sure"]
    assert table["is_candidate"].tolist() == [False, False, True]
    assert table[["start_s", "end_s", "peak_s", "peak", "mean"]].iloc[0].tolist() == [1.0, 2.0, 1.5, 0.5, 0.4]
    assert table["confidence"].isna().tolist() == [False, True, True]
    assert detection().to_arrow().num_rows == 0
    assert detection().to_arrow().schema == detection(DOG).to_arrow().schema


def test_a_search_result_has_a_row_a_hit() -> None:
    hits = [
        Hit("a" * 64, "=a.mp4", 1.0, 2.0, 1.5, 45, 0.1, 0.3, 0.97, (Elsewhere("b" * 64, "b.mp4", 0.0, 1.0),)),
        Hit("b" * 64, "half \ud800.mp4", 0.0, 1.0, 0.5, 15, 0.05, 0.25),
    ]
    table = SearchResult(hits, "there", "").to_arrow()
    assert table["video"].to_pylist() == ["=a.mp4", "half ?.mp4"]
    assert table["peak_pts"].to_pylist() == [45, 15]
    assert table["beats"].to_pylist() == [0.97, None]
    assert table["copies"].to_pylist() == [1, 0]
    assert set(table["unit"].to_pylist()) == {"corrected"}
    assert SearchResult([], "not sure", "").to_arrow().schema.field("video").type == pa.string()


def test_neither_pandas_nor_pyarrow_is_imported_before_it_is_needed() -> None:
    code = "import sys, clip_core.types, clip_core.tabular; print({'pandas', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
