"""Write moments for annotation tools: Label Studio and FiftyOne."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any
from urllib.parse import quote

from clip_core.export.selection import SelectedVideo, Selection
from clip_core.export.text import NAMELESS, one_line
from clip_core.text import unicode_text
from clip_core.types import Moment

LABELS_NAME, VIDEO_NAME = "videoLabels", "video"
"""Names of the tags in the labelling interface of Label Studio, see ``docs/files.md``."""
_SLACK_FRAMES = 1e-6


def labels_labelstudio(selection: Selection) -> str:
    """Return tasks for Label Studio's import, one a video: its moments are predictions on the video's timeline.

    A range has the first and the last frame, counted from 1 at the rate of the task's ``fps``, from the start of the
    file. Its label is the prompt. ``video`` is the file under Label Studio's local storage at the root folder. See
    Label Studio, "TimelineLabels" (one range per region), https://labelstud.io/tags/timelinelabels, and "Import
    pre-annotated data", https://labelstud.io/guide/predictions.
    """
    tasks = []
    for video in selection.videos:
        moments = [moment for own, moment in selection.rows if own is video]
        data = {
            "video": f"/data/local-files/?d={quote(unicode_text(video.source.path.lstrip('/')))}",
            "fps": float(video.source.rate),
            "name": unicode_text(video.source.name),
            "video_id": video.video_id,
        }
        result = [_region(number, moment, video) for number, moment in enumerate(moments, 1)]
        tasks.append({"data": data, "predictions": [{"model_version": "clip-video", "result": result}]})
    return json.dumps(tasks, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _region(number: int, moment: Moment, video: SelectedVideo) -> dict[str, Any]:
    source = video.source
    times = (source.first_frame_s + Fraction(time_s) for time_s in (moment.start_s, moment.end_s))
    first, stop = (math.ceil(time * source.rate - Fraction(_SLACK_FRAMES)) for time in times)
    span = {"start": first + 1, "end": max(first + 1, stop)}
    value = {"ranges": [span], "timelinelabels": [one_line(moment.prompt) or NAMELESS]}
    about = {"from_name": LABELS_NAME, "to_name": VIDEO_NAME, "type": "timelinelabels"}
    return {"id": f"moment-{number}", **about, "value": value, "score": float(moment.peak)}


def labels_fiftyone(selection: Selection) -> str:
    """Return the ``labels.json`` of a FiftyOneTemporalDetectionDataset: path of a video → its moments.

    The support is the first and the last frame, counted from 1; without a time table, ``timestamps`` are start and
    end in seconds instead. Attributes are peak_s, mean, unit and the moment's own label. The peak is written as
    attribute too and not as confidence, because it is no probability. There is no field ``classes``: with it, labels
    would be numbers, and without it they are the prompts themselves. Paths that are absolute need no ``data_path``. See
    FiftyOne, "FiftyOneTemporalDetectionDataset", https://docs.voxel51.com/user_guide/import_datasets.html.
    """
    labels: dict[str, list[dict[str, Any]]] = {unicode_text(video.source.path): [] for video in selection.videos}
    for video, moment in selection.rows:
        labels[unicode_text(video.source.path)].append(_detection(video, moment, selection.unit))
    return json.dumps({"labels": labels}, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _detection(video: SelectedVideo, moment: Moment, unit: str) -> dict[str, Any]:
    names = ("start_s", "end_s", "peak_s", "peak", "mean")
    attributes: dict[str, Any] = {name: float(getattr(moment, name)) for name in names}
    attributes |= {"unit": unit, "note": unicode_text(moment.label)}
    if video.table is None:
        place: dict[str, Any] = {"timestamps": [float(moment.start_s), float(moment.end_s)]}
    else:
        first, stop = video.table.times_s.searchsorted([moment.start_s - 1e-6, moment.end_s - 1e-6]).tolist()
        place = {"support": [first + 1, max(first + 1, stop)]}
    return {"label": unicode_text(moment.prompt), **place, "attributes": attributes}
