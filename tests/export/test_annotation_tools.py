"""What Label Studio and FiftyOne import, in the form that they document."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np

from clip_core.export.formats import write_moments
from clip_core.export.selection import select_from_one
from clip_core.types import Moment, TimeTable
from tests.export.test_several_videos import two
from tests.support.odd_names import ODD_NAMES
from tests.support.selections import film, in_film

DOG = Moment("a dog", 1.0, 3.0, 2.0, 0.5, 0.4, "left")


def test_label_studio_tasks_have_predictions_on_the_timeline() -> None:
    """See labelstud.io/tags/timelinelabels ("Sample Results JSON") and labelstud.io/guide/predictions.

    A region has one range with the first and the last frame, counted from 1, and its labels; a prediction has a model
    version and results with an id, from_name, to_name, type, value and score.
    """
    (task,) = json.loads(write_moments("labelstudio", in_film([DOG], video_id="1e9")))
    assert task == {
        "data": {"video": "/data/local-files/?d=films/a%20film.mp4", "fps": 25.0, "name": "a film.mp4",
                 "video_id": "1e9"},
        "predictions": [{"model_version": "clip-video", "result": [{
            "id": "moment-1", "from_name": "videoLabels", "to_name": "video", "type": "timelinelabels", "score": 0.5,
            "value": {"ranges": [{"start": 26, "end": 75}], "timelinelabels": ["a dog"]},
        }]}],
    }  # fmt: skip
    late = film(first_frame_s=Fraction(2))
    (task,) = json.loads(write_moments("labelstudio", select_from_one([DOG], late)))
    assert task["predictions"][0]["result"][0]["value"]["ranges"] == [{"start": 76, "end": 125}]


def test_label_studio_has_a_task_a_video() -> None:
    tasks = json.loads(write_moments("labelstudio", two()))
    assert [(task["data"]["name"], len(task["predictions"][0]["result"])) for task in tasks] == [
        ("C0001.MP4", 2), ("C0001 b.mov", 1),
    ]  # fmt: skip


def test_fiftyone_labels_are_by_path_with_frames_counted_from_one() -> None:
    """See docs.voxel51.com/user_guide/import_datasets.html, "FiftyOneTemporalDetectionDataset", and its note.

    ``labels.json`` maps the path of a video to its detections: a label, as support [first, last] or timestamps
    [start, stop], and attributes. Paths that are absolute need no ``data_path``.
    """
    table = TimeTable(np.arange(100), Fraction(1, 25), 0, 4.0, confirmed=True, key_pts=np.array([0]))
    facts = {"start_s": 1.0, "end_s": 3.0, "peak_s": 2.0, "peak": 0.5, "mean": 0.4, "unit": "z", "note": "left"}
    selection = select_from_one([DOG], film(), {"unit": "z"}, table=table)
    assert json.loads(write_moments("fiftyone", selection)) == {
        "labels": {"/films/a film.mp4": [{"label": "a dog", "support": [26, 75], "attributes": facts}]}
    }
    assert json.loads(write_moments("fiftyone", in_film([DOG])))["labels"]["/films/a film.mp4"][0]["timestamps"] == [
        1.0, 3.0,
    ]  # fmt: skip
    labels = json.loads(write_moments("fiftyone", two()))["labels"]
    assert {path: len(found) for path, found in labels.items()} == {"/films/C0001.MP4": 2, "/films/C0001 b.mov": 1}


def test_odd_names_come_back() -> None:
    selection = in_film([Moment(name, 0, 1, 0, 0.5, 0.4, name) for name in ODD_NAMES])
    (labels,) = json.loads(write_moments("fiftyone", selection))["labels"].values()
    assert [label["label"] for label in labels] == [name.replace("\ud800", "?") for name in ODD_NAMES]
    (task,) = json.loads(write_moments("labelstudio", selection))
    assert all(len(result["value"]["timelinelabels"][0]) for result in task["predictions"][0]["result"])
