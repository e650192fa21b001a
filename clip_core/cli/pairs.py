"""``pairs``: write what was judged by hand as pictures with texts, for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from clip_core.analysis.judged_moments import judged_videos
from clip_core.cli import terminal
from clip_core.cli.files import check_file
from clip_core.cli.options import INCOMPLETE, Options, about, command, place
from clip_core.errors import NotIndexedError, shown_name
from clip_core.library.identify import known_video
from clip_core.media.training_pairs import JudgedVideo, export_pairs
from clip_core.text import counted, size_text
from clip_core.types import Progress, VideoRecord

MOST_PICTURES = 100


@command("pairs --out training.zip", "pairs holiday.mp4 --pictures 4 --out training.zip")
@click.argument("videos", metavar="[VIDEO]...", nargs=-1)
@click.option("--out", metavar="FILE", type=place, required=True, help="the ZIP to write")
@click.option("--pictures", metavar="N", type=click.IntRange(1, MOST_PICTURES), default=1,
              help="pictures of each moment, spread over it (default: 1, the frame that was judged)")  # fmt: skip
def run_pairs(options: Options, videos: Sequence[str], out: str, pictures: int) -> int:
    """Write accepted and rejected moments as pictures with texts: JPEGs and metadata.jsonl in a ZIP.

    Without a VIDEO those of all stored videos are written. Videos that cannot be read are named; the exit code is 3
    then.
    """
    check_file(out)
    judged = list(_judged(options, videos))
    for video in judged:
        check_file(out, video=str(video.path))
    with terminal.when_stopped("Nothing of the ZIP is kept."):
        last = terminal.run_shown(export_pairs(judged, Path(out), pictures_per_moment=pictures), out, _counted)
    for warning in last.warnings:
        terminal.note(warning)
    wanted = pictures * sum(1 for video in judged for annotation in video.annotations if annotation.verdict)
    made = counted(wanted - last.failed, "picture")
    terminal.line(f"{made} in {out}, {size_text(Path(out).stat().st_size)}")
    options.tell_notices()
    return INCOMPLETE if last.failed else 0


def _judged(options: Options, videos: Sequence[str]) -> Iterator[JudgedVideo]:
    store = options.store
    named = {record.video_id: record for record in (_record(options, video) for video in videos)}
    return judged_videos(named.values() if videos else store.videos(), store)


def _record(options: Options, video: str) -> VideoRecord:
    path = options.video_path(video)
    with about(path):
        record = known_video(path, options.store)
        if record is None:
            what = f"{shown_name(path)} is not indexed, so nothing is judged in it."
            raise NotIndexedError(what, options.index_step(video, what))
        return record


def _counted(progress: Progress) -> str:
    counts = {
        "frames": f"{progress.done:.0f} of {progress.total:.0f} pictures",
        "zip": f"{size_text(progress.done)} of {size_text(progress.total)} packed",
    }
    return counts.get(progress.stage, "done") + terminal.time_left(progress.seconds_left)
