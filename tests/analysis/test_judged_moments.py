"""Accepted moments of several videos as a selection."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from clip_core.analysis.judged_moments import accepted_file_moments, accepted_selection
from clip_core.export.formats import MOMENT_FORMATS, write_moments
from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation
from tests.store.test_store import OTHER, VIDEO, record


def test_only_what_was_accepted_in_the_order_of_the_videos_then_by_time(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "embeddings")
    for video_id, name in ((VIDEO, "a.mp4"), (OTHER, "b.mp4"), ("c" * 64, "c.mp4")):
        store.remember_video(record(video_id, name=name))
    for video_id, annotation in (
        (VIDEO, Annotation("a dog", 0.3, 0.2, 0.4, "accepted", "Rex")),
        (VIDEO, Annotation("pizza", 0.1, 0.0, 0.2, "rejected")),
        (VIDEO, Annotation("pizza", 0.05, 0.0, 0.1, "")),
        (OTHER, Annotation("pizza", 0.3, 0.25, 0.4, "added")),
        (OTHER, Annotation("a dog", 0.9, 0.1, 0.2, "accepted")),
        ("c" * 64, Annotation("a cat", 0.1, 0.0, 0.2, "rejected")),
    ):
        store.put_annotation(video_id, annotation)
    selection = accepted_selection([OTHER, "c" * 64, "d" * 64, VIDEO], store)
    assert [(video.source.name, m.prompt, m.start_s, m.end_s, m.peak_s, m.label) for video, m in selection.rows] == [
        ("b.mp4", "a dog", 0.1, 0.2, 0.2, ""),  # a peak outside its edges is moved in
        ("b.mp4", "pizza", 0.25, 0.4, 0.3, ""),
        ("a.mp4", "a dog", 0.2, 0.4, 0.3, "Rex"),
    ]
    assert (selection.prompts, selection.name) == (("a dog", "pizza"), "2 videos")
    moments = accepted_file_moments([OTHER, "c" * 64, "d" * 64, VIDEO], store)
    assert [(each.record.video_id, each.moment) for each in moments] == [
        (video.video_id, moment) for video, moment in selection.rows
    ]
    rows = list(csv.DictReader(io.StringIO(write_moments("csv", selection).decode())))
    assert [(row["video"], row["prompt"]) for row in rows] == [
        ("b.mp4", "a dog"),
        ("b.mp4", "pizza"),
        ("a.mp4", "a dog"),
    ]
    for kind, written in MOMENT_FORMATS.items():
        assert written.one_video or write_moments(kind, selection), kind
