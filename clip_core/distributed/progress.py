"""What is told while several workers index: plain values for the terminal, the page and logs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What a worker does.

    Attributes:
        name: Its name.
        doing: The location of the video that it works on; "" if it waits for a job.
        samples: How many frames it has reported in this run.
        deaths: How often it ended and was replaced.
    """

    name: str
    doing: str
    samples: int = 0
    deaths: int = 0


@dataclass(frozen=True, slots=True)
class EndedVideo:
    """A video that needs no more work in this run.

    Attributes:
        location: As it was given.
        video_id: Its id; "" if it was never found out.
        reason: Why it failed, in one line; "" if it is indexed.
        warnings: What the user should know about it.
        is_idle: Whether there was nothing to do.
    """

    location: str
    video_id: str
    reason: str = ""
    warnings: tuple[str, ...] = ()
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is.

    Attributes:
        videos_done, videos_failed, videos_total: Videos; those that failed are not among those that are done.
        samples_done, samples_total: Frames to store, those that were stored before included; the total is estimated
            from the videos that were looked at.
        samples_per_second: Over this run, 0.0 until measured.
        seconds_left: Estimated, None until measured.
        workers: One for each.
        ended: The videos that have ended since the last report.
        notes: What happened since the last report, such as a worker that was replaced.
    """

    videos_done: int
    videos_failed: int
    videos_total: int
    samples_done: int
    samples_total: int
    samples_per_second: float = 0.0
    seconds_left: float | None = None
    workers: tuple[WorkerState, ...] = ()
    ended: tuple[EndedVideo, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share that is done, from 0 to 1."""
        if self.samples_total:
            return min(1.0, self.samples_done / self.samples_total)
        return (self.videos_done + self.videos_failed) / max(1, self.videos_total)
