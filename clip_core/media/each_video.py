"""Make files of several videos, one video after another; one that cannot be read stops none."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from clip_core.errors import VideoError, shown_name
from clip_core.text import short_id
from clip_core.types import Progress, VideoRecord


@dataclass(frozen=True, eq=False)
class VideoJob:
    """What to make of one video.

    Attributes:
        record: What is stored of the video.
        amount: What the progress of its steps counts up to.
        files: How many files they make.
        steps: Makes them in a folder.
    """

    record: VideoRecord
    amount: float
    files: int
    steps: Callable[[Path], Generator[Progress, None, None]]


@dataclass
class MadeFiles:
    """What was made, and what was not.

    Attributes:
        files: Name that the steps gave, per video id → where it lies now: named after the video's id too, so that
            names of all videos differ.
        warnings: What the user should know.
        errors: Why videos could not be read.
        failed: How many files are missing.
    """

    files: dict[str, dict[str, Path]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    errors: list[VideoError] = field(default_factory=list)
    failed: int = 0

    @property
    def paths(self) -> list[Path]:
        """All files."""
        return [path for named in self.files.values() for path in named.values()]


def each_video(jobs: Sequence[VideoJob], place: Path) -> Generator[Progress, None, MadeFiles]:
    """Run jobs, each video once, and return what they made; ``place`` is a folder for the files.

    Yields:
        Progress over all jobs, in the unit of their steps.

    Raises:
        VideoError: Not one video can be read.
        ExportError: A file cannot be written.
    """
    made, begun, total = MadeFiles(), 0.0, sum(job.amount for job in jobs)
    for job in jobs:
        folder, last = place / job.record.video_id, Progress(0, 1)
        try:
            with closing(job.steps(folder)) as run:
                for last in run:
                    yield replace(last, done=begun + last.done, total=total, files=tuple(made.paths), seconds_left=None)
            made.failed += last.failed
        except VideoError as error:
            made.errors.append(error)
            made.failed += job.files
            made.warnings.append(f"{shown_name(job.record.name)} is left out: {error.line}")
        made.warnings += last.warnings
        begun += job.amount
        made.files[job.record.video_id] = {}
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            named = place / f"{short_id(job.record.video_id)}_{path.name}"
            made.files[job.record.video_id][path.name] = path.rename(named)
    if made.errors and not made.paths:
        raise made.errors[0]
    return made
