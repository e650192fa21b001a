"""Parquet, read back by pyarrow and by pandas."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from clip_core.export.data_files import scores_parquet
from tests.support.curve_maker import scores_of
from tests.support.odd_names import ODD_NAMES

VALUES = np.array([[0.25, -0.5], [0.5, 0.1], [0.75, 3.0]], np.float32)


def test_values_types_and_settings_read_back() -> None:
    scores = scores_of(VALUES, [0.0, 1 / 3, 2.0], prompts=["a dog", "pizza"], end_s=2.5)
    table = parquet.read_table(io.BytesIO(scores_parquet(scores, {"model": "sample", "threshold": 2.5})))
    assert [(f.name, str(f.type)) for f in table.schema] == [
        ("frame", "int64"), ("time_s", "double"), ("a dog", "float"), ("pizza", "float"),
    ]  # fmt: skip
    assert table["time_s"].to_pylist() == [0.0, 1 / 3, 2.0]
    np.testing.assert_array_equal(np.stack([table["a dog"], table["pizza"]], axis=1), VALUES)
    assert json.loads(table.schema.metadata[b"clip_video"]) == {
        "unit": "cosine", "prompts": ["a dog", "pizza"], "start_s": 0.0, "end_s": 2.5, "complete": True,
        "settings": {"model": "sample", "threshold": 2.5},
    }  # fmt: skip


def test_pandas_reads_odd_names_verbatim() -> None:
    scores = scores_of(np.ones((2, len(ODD_NAMES))), prompts=ODD_NAMES)
    table = pd.read_parquet(io.BytesIO(scores_parquet(scores, {})))
    assert list(table.columns) == ["frame", "time_s", *(name.replace("\ud800", "?") for name in ODD_NAMES)]
    assert table.dtypes.iloc[2] == np.float32


def test_names_that_are_taken_get_a_number() -> None:
    scores = scores_of(VALUES[:, [0, 0, 1, 1]], prompts=["frame", "time_s", "a", "a"])
    content = scores_parquet(scores, {})
    assert list(pd.read_parquet(io.BytesIO(content)).columns) == [
        "frame", "time_s", "frame (2)", "time_s (2)", "a", "a (2)",
    ]  # fmt: skip
    about = json.loads(parquet.read_schema(io.BytesIO(content)).metadata[b"clip_video"])
    assert about["prompts"] == ["frame", "time_s", "a", "a"]


def test_no_samples_leave_the_columns() -> None:
    table = pd.read_parquet(io.BytesIO(scores_parquet(scores_of(np.empty((0, 1)), np.empty(0), end_s=1.0), {})))
    assert (list(table.columns), len(table)) == (["frame", "time_s", "p0"], 0)


def test_settings_that_are_no_json_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        scores_parquet(scores_of(VALUES), {"threshold": float("nan")})
