"""A ZIP of clips of moments of several videos."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from pathlib import Path

from clip_core.errors import ExportError
from clip_core.media.clips import ClipMode, cut_clips
from clip_core.media.each_video import VideoJob, each_video
from clip_core.media.export_media import pack_zip, workplace
from clip_core.media.reel import FileMoment
from clip_core.types import Progress


def zip_clips(
    moments: Sequence[FileMoment],
    target: Path,
    *,
    kind: ClipMode = "exact",
    texts: Mapping[str, bytes] | None = None,
) -> Generator[Progress, None, None]:
    """Write a ZIP with a clip of each moment. Closing the iterator cancels and leaves nothing.

    The name of a clip begins with the first 12 digits of its video's id; then it is numbered within its video, see
    ``numbered_name``.

    Args:
        moments: In any order. A video that cannot be read is named among the warnings.
        target: Path of the ZIP; an existing file is replaced at the end, in one step.
        kind: As in ``cut_clips``.
        texts: Further files by name, such as moments.csv.

    Yields:
        Progress in seconds of video, then that of the ZIP, and at the end one with the stage "done".

    Raises:
        ExportError: There are no moments, a clip lies outside its video, or the ZIP cannot be written.
        VideoError: Not one video can be read.
    """
    if not moments:
        raise ExportError("There are no moments to cut.", "Choose some.")
    groups: dict[str, list[FileMoment]] = {}
    for moment in moments:
        groups.setdefault(moment.record.video_id, []).append(moment)
    jobs = []
    for own in groups.values():
        record, cut = own[0].record, [each.moment for each in own]
        table = record.table if record.table.confirmed else None
        steps = partial(cut_clips, own[0].path, cut, kind=kind, table=table, stamp=own[0].stamp)
        jobs.append(VideoJob(record, sum(each.duration_s for each in own), len(cut), steps))
    with workplace(target.parent, hidden=True) as place:
        made = yield from each_video(jobs, place)
        yield from pack_zip(target, made.paths, texts)
    warnings = tuple(dict.fromkeys(made.warnings))
    yield Progress(1, 1, 0.0, 0.0, "done", warnings, files=(target,), failed=made.failed)
