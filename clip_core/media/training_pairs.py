"""Write judged moments as pictures with texts, for training: JPEGs and a line of JSON for each, in a ZIP."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from clip_core.errors import ExportError
from clip_core.export.data_files import json_lines
from clip_core.files import numbered_name
from clip_core.media.each_video import VideoJob, each_video
from clip_core.media.export_media import pack_zip, save_frames, workplace
from clip_core.text import unicode_text
from clip_core.types import Annotation, Moment, Progress, VideoRecord

METADATA = "metadata.jsonl"
"""The name that Hugging Face's ``imagefolder`` looks for."""
_JUDGED = ("accepted", "added", "rejected")


@dataclass(frozen=True, eq=False)
class JudgedVideo:
    """A video and what was judged in it.

    Attributes:
        path: Where its file lies now.
        record: What is stored of it.
        annotations: Those without a verdict are left out.
        stamp: The file's ``file_stamp`` when it was identified.
    """

    path: str | Path
    record: VideoRecord
    annotations: Sequence[Annotation]
    stamp: tuple[int, int] | None = None


def export_pairs(
    videos: Sequence[JudgedVideo], target: Path, *, pictures_per_moment: int = 1
) -> Generator[Progress, None, None]:
    """Write a ZIP of pictures and ``metadata.jsonl``. Closing the iterator cancels and leaves nothing.

    A line has file_name, text (the prompt), accepted (False for a rejected moment), video, video_id, time_s, start_s,
    end_s and note. Which of them are for training and which for evaluation is left to the reader: by video_id, so that
    nearly equal frames are not in both.

    Args:
        videos: Each once. One that cannot be read is named among the warnings.
        target: Path of the ZIP; an existing file is replaced at the end, in one step.
        pictures_per_moment: 1 takes the frame that was judged; more are spread evenly over the moment.

    Yields:
        Progress in pictures, then that of the ZIP, and at the end one with the stage "done".

    Raises:
        ExportError: Nothing was judged, or the ZIP cannot be written.
        VideoError: Not one video can be read.
    """
    wanted = [(video, list(_wanted(video, pictures_per_moment))) for video in videos]
    wanted = [(video, pictures) for video, pictures in wanted if pictures]
    if not wanted:
        raise ExportError("No moment was accepted or rejected by hand.", "Judge some on the page Investigate.")
    jobs = []
    for video, pictures in wanted:
        table = video.record.table if video.record.table.confirmed else None
        save = partial(save_frames, video.path, [moment for _, moment in pictures], table=table, stamp=video.stamp)
        jobs.append(VideoJob(video.record, len(pictures), len(pictures), save))
    with workplace(target.parent, hidden=True) as place:
        made = yield from each_video(jobs, place)
        rows = [row for video, pictures in wanted for row in _rows(video.record, pictures, made.files)]
        yield from pack_zip(target, made.paths, {METADATA: json_lines(rows).encode()})
    warnings = tuple(dict.fromkeys(made.warnings))
    yield Progress(1, 1, 0.0, 0.0, "done", warnings, files=(target,), failed=made.failed)


def _wanted(video: JudgedVideo, count: int) -> Iterator[tuple[Annotation, Moment]]:
    """Yield a moment for each picture; its peak is the time of the picture."""
    for a in sorted(video.annotations, key=lambda a: (a.start_s, a.prompt, a.anchor_s)):
        if a.verdict not in _JUDGED:
            continue
        step_s = (a.end_s - a.start_s) / count
        times_s = [a.start_s + (k + 0.5) * step_s for k in range(count)]
        for time_s in times_s if count > 1 else [min(max(a.anchor_s, a.start_s), a.end_s)]:
            yield a, Moment(a.prompt, a.start_s, a.end_s, min(time_s, video.record.table.end_s), 0.0, 0.0, a.label)


def _rows(
    record: VideoRecord, pictures: Sequence[tuple[Annotation, Moment]], made: Mapping[str, Mapping[str, Path]]
) -> Iterator[dict[str, Any]]:
    """Yield a line for each picture that was made."""
    for number, (annotation, moment) in enumerate(pictures, 1):
        picture = made[record.video_id].get(numbered_name(number, moment.prompt, moment.peak_s, "jpg"))
        if picture is not None:
            yield {
                "file_name": picture.name, "text": unicode_text(moment.prompt),
                "accepted": annotation.verdict != "rejected", "video": unicode_text(record.name),
                "video_id": record.video_id, "time_s": round(moment.peak_s, 6), "start_s": round(moment.start_s, 6),
                "end_s": round(moment.end_s, 6), "note": unicode_text(moment.label),
            }  # fmt: skip
