"""JSON that every reader reads."""

import io
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from clip_core.export.data_files import moments_json, moments_qvhighlights, scores_jsonl
from clip_core.export.selection import select_from_one
from clip_core.export.source import Source
from clip_core.types import Moment
from tests.support.curve_maker import scores_of
from tests.support.odd_names import ODD_NAMES

FILM = Source("a film.mp4", "/films/a film.mp4", 640, 360, Fraction(30_000, 1001), 10.0)


def utf8(name: str) -> str:
    return name.replace("\ud800", "?")


def test_scores_are_a_line_each() -> None:
    scores = scores_of(np.array([[0.25, 0.1], [0.5, -1]]), [0.0, 1 / 3], prompts=["a dog", "a\u2028b"])
    text = scores_jsonl(scores)
    rows = [json.loads(line) for line in text.splitlines()]  # which also breaks at U+2028
    assert rows[1] == {"frame": 1, "time_s": 0.333333, "scores": {"a dog": 0.5, "a\u2028b": -1.0}}
    assert len(pd.read_json(io.StringIO(text), lines=True)) == 2
    assert scores_jsonl(scores_of(np.empty((0, 1)), np.empty(0), end_s=1.0)) == ""


def test_odd_names_come_back() -> None:
    scores = scores_of(np.ones((1, len(ODD_NAMES))), prompts=ODD_NAMES)
    assert list(json.loads(scores_jsonl(scores))["scores"]) == [utf8(name) for name in ODD_NAMES]
    moments = [Moment(name, 0, 1, 0, 0.5, 0.4, name) for name in ODD_NAMES]
    text = moments_json(select_from_one(moments, FILM, {}))
    assert [m["prompt"] for m in json.loads(text.encode())["moments"]] == [utf8(name) for name in ODD_NAMES]
    lines = moments_qvhighlights(moments, ODD_NAMES, "v").splitlines()
    assert [json.loads(line)["query"] for line in lines] == [utf8(name) for name in ODD_NAMES]
    assert all(len(json.loads(line)["pred_relevant_windows"]) == 1 for line in lines)


def test_moments_have_their_source_and_settings() -> None:
    whole = json.loads(
        moments_json(select_from_one([Moment("a dog", 1.5, 4, 2, 0.5, 0.4, "left")], FILM, {"unit": "z"}))
    )
    assert whole["source"] == {
        "name": "a film.mp4", "path": "/films/a film.mp4", "video_id": "",
        "width": 640, "height": 360, "rate": "30000/1001",
        "variable_rate": False, "end_s": 10.0, "start_timecode": "00:00:00:00",
        "clock": "seconds from the first frame", "first_frame_s": 0.0,
    }  # fmt: skip
    assert whole["settings"] == {"unit": "z"}
    assert whole["moments"] == [{
        "prompt": "a dog", "label": "left", "start_s": 1.5, "end_s": 4.0, "duration_s": 2.5, "peak_s": 2.0,
        "peak": 0.5, "mean": 0.4, "start": "00:00:01.500", "end": "00:00:04.000", "peak_time": "00:00:02.000",
        "video": "a film.mp4", "video_id": "",
    }]  # fmt: skip
    assert json.loads(moments_json(select_from_one([], FILM, {})))["moments"] == []


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        moments_json(select_from_one([], FILM, {"threshold": float("inf")}))


def test_predictions_in_the_form_of_qvhighlights() -> None:
    moments = [Moment("a", 1, 2, 1, 0.3, 0.2), Moment("b", 0, 9, 1, 1.0, 1.0), Moment("a", 5, 6.25, 5, 0.9, 0.2)]
    rows = [json.loads(line) for line in moments_qvhighlights(moments, ["a", "none"], "v1").splitlines()]
    assert rows == [
        {"qid": 1, "query": "a", "vid": "v1", "pred_relevant_windows": [[5.0, 6.25, 0.9], [1.0, 2.0, 0.3]]},
        {"qid": 2, "query": "none", "vid": "v1", "pred_relevant_windows": []},
    ]
    assert moments_qvhighlights([], [], "v1") == ""


def test_a_late_start_is_told_and_changes_no_time() -> None:
    late = replace(FILM, first_frame_s=Fraction(2023, 1000))
    whole = json.loads(moments_json(select_from_one([Moment("a dog", 1.5, 4, 2, 0.5, 0.4)], late, {})))
    assert whole["source"]["first_frame_s"] == 2.023
    assert [whole["moments"][0][name] for name in ("start_s", "end_s", "start")] == [1.5, 4.0, "00:00:01.500"]
