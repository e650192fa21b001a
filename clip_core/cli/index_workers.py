"""Index several videos with several workers: processes of this machine, or actors of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from clip_core.addresses import is_address
from clip_core.analysis.stored_videos import forget_outdated_copy
from clip_core.cli import terminal
from clip_core.cli.index_passes import list_failed
from clip_core.cli.options import Options
from clip_core.distributed.driver import index_with_workers
from clip_core.distributed.process_pool import ProcessPool
from clip_core.distributed.progress import EndedVideo, RunProgress
from clip_core.distributed.worker import JobWorker
from clip_core.distributed.workers import ModelFacts, Workers, WorkerSetup
from clip_core.encoders.model_files import cores
from clip_core.encoders.registry import load_encoder
from clip_core.errors import shown_name
from clip_core.indexing.activity import ActivityReporter
from clip_core.library.identify import is_there
from clip_core.text import clock, counted
from clip_core.video.sequence import with_rate

CORES_A_WORKER = 2
"""Decoding and the model share them; more cores for one worker bring less than another worker does."""


def index_by_workers(
    paths: Sequence[str],
    options: Options,
    samples_per_second: float | None,
    count: int | None,
    cluster: str | None,
) -> int:
    """Index videos, tell what was done, and return how many failed.

    Args:
        paths: The videos as they were named, each once.
        options: Names the model and the store, which lists what failed.
        samples_per_second: None means every frame.
        count: How many workers; None: as many as fit.
        cluster: The address of a Ray cluster, "auto" or "local"; None: processes of this machine.

    Raises:
        WorkersError: The cluster cannot be reached, or no worker can be started.
    """
    model = options.load_encoder()
    facts = ModelFacts(model.id, model.fingerprint, model.logit_scale)
    name = options.config.model if options.model is None else options.model
    setup = WorkerSetup(partial(load_encoder, name, options.config), model.fingerprint)
    del model  # the workers have their own
    locations = [_location(path, options) for path in paths]
    for location in locations:
        if not is_address(location):
            forget_outdated_copy(location, options.store, options.config)
    told = _Told(locations, options, facts)
    with closing(told), _workers(setup, count, cluster) as workers:
        run = index_with_workers(locations, workers, facts, options.store, samples_per_second=samples_per_second)
        with closing(run), ActivityReporter(options.store, facts.id, len(paths)) as reporter:  # type: ignore[type-var]
            for progress in run:
                told.show(progress)
                reporter.report(partial(_activity, progress))
    return len(told.failed)


def _location(path: str, options: Options) -> str:
    """Return a path that means the same to every worker."""
    if is_address(path):
        return path
    return os.path.abspath(with_rate(Path(path), options.config.sequence_fps))  # noqa: PTH100 - links stay


def _workers(setup: WorkerSetup, count: int | None, cluster: str | None) -> Workers:
    if cluster is not None:
        from clip_core.distributed.ray_workers import RayWorkers  # needs Ray: only now

        return RayWorkers(JobWorker, setup, cluster, count)
    chosen = max(1, cores() // CORES_A_WORKER) if count is None else count
    terminal.note(f"{counted(chosen, 'worker')} with {counted(max(1, cores() // chosen), 'core')} each.")
    return ProcessPool(setup, chosen)


def _activity(progress: RunProgress) -> dict[str, object]:
    busy = [shown_name(worker.doing) for worker in progress.workers if worker.doing]
    return {
        "current": f"{counted(len(progress.workers), 'worker')}{': ' + busy[0] if busy else ''}",
        "done": progress.videos_done,
        "failed": progress.videos_failed,
        "samples": progress.samples_done,
        "per_second": progress.samples_per_second,
        "left_s": progress.seconds_left,
    }


class _Told:
    """Writes to the terminal how far the workers are."""

    def __init__(self, locations: Sequence[str], options: Options, model: ModelFacts) -> None:
        self._total, self._store, self._fingerprint = len(locations), options.store, model.fingerprint
        self._missing = {location for location in locations if not is_address(location) and not is_there(location)}
        self._bar = terminal.ProgressBar("All videos")
        self.failed: dict[str, str] = {}

    def show(self, progress: RunProgress) -> None:
        for note in progress.notes:
            self._bar.note(note)
        for ended in progress.ended:
            self._tell(ended, self._bar.note)
        is_done = progress.videos_done + progress.videos_failed == progress.videos_total
        self._bar.update(progress.share, _counts(progress), is_done)

    def _tell(self, ended: EndedVideo, note: Callable[[str], None]) -> None:
        name = shown_name(ended.location)
        if ended.reason:
            note(f"{name} failed.")
            terminal.event("failed", video=ended.location, reason=ended.reason)
            self.failed[ended.location] = ended.reason
            return
        record = self._store.video(ended.video_id)
        samples = len(self._store.stored_pts(ended.video_id, self._fingerprint))
        for warning in ended.warnings:
            note(f"{name}: {warning}")
        if record is not None:
            length_s = record.table.end_s
            terminal.event("indexed", video=ended.location, id=ended.video_id, samples=samples, length_s=length_s)
            idle = " (nothing to do)" if ended.is_idle else ""
            terminal.line(f"{name}: {counted(samples, 'sample')} of {clock(length_s)}, {ended.video_id}{idle}")

    def close(self) -> None:
        """List what failed, also when Ctrl-C stops it."""
        self._bar.__exit__()
        list_failed(self.failed, self._total, may_try_again=bool(self.failed.keys() - self._missing))


def _counts(progress: RunProgress) -> str:
    parts = [f"{progress.videos_done + progress.videos_failed} of {counted(progress.videos_total, 'video')}"]
    if progress.videos_failed:
        parts.append(f"{progress.videos_failed} failed")
    if progress.samples_total:
        parts.append(f"{progress.samples_done:,} of about {progress.samples_total:,} samples")
    if progress.samples_per_second:
        parts.append(f"{progress.samples_per_second:.1f}/s")
    working = sum(bool(worker.doing) for worker in progress.workers)
    parts.append(f"{working} of {counted(len(progress.workers), 'worker')} busy")
    return ", ".join(parts) + terminal.time_left(progress.seconds_left)
