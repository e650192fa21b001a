"""Index many videos with several workers: give out jobs, take what is reported, store it, and try again what failed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import closing
from itertools import islice

from clip_core.distributed.committer import Committer
from clip_core.distributed.given_jobs import GivenJob, GivenJobs
from clip_core.distributed.jobs import (
    Died,
    Failed,
    Finished,
    Job,
    Looked,
    LookJob,
    Rows,
    WorkerReport,
    no_pts,
)
from clip_core.distributed.progress import EndedVideo, RunProgress, WorkerState
from clip_core.distributed.videos_in_work import (
    KnownSource,
    VideoInWork,
    known_sources,
    planned_jobs,
    table_of,
    what_is_missing,
)
from clip_core.distributed.workers import MOST_IN_FLIGHT, ModelFacts, Workers
from clip_core.errors import ClipVideoError, StoreUnreachableError, shown_name
from clip_core.indexing.begin_run import begin_runs
from clip_core.indexing.embed_frames import FIRST_STORE_WAIT_S, MOST_STORE_WAIT_S, STORE_PATIENCE_S
from clip_core.indexing.index_video import left_out_warnings, warnings_of
from clip_core.library.identify import is_there
from clip_core.library.subtitles import refresh_subtitles_of
from clip_core.store.store import EmbeddingStore
from clip_core.types import VideoRecord

LOOK_S, TELL_S = 0.2, 0.5
KNOWN_AT_ONCE = 16
AFTER_KILL_S = 30.0
"""So long after the start, what an earlier run did not finish may be what it lost when it was killed."""
MOST_ROUNDS = 2
"""A video is planned again once if its frames have other times than its packets claimed."""


def index_with_workers(
    locations: Sequence[str],
    workers: Workers,
    model: ModelFacts,
    store: EmbeddingStore,
    *,
    samples_per_second: float | None = 2.0,
) -> Iterator[RunProgress]:
    """Embed the samples of videos that the store lacks; first the keyframes of all of them, then chunks of each.

    Only this process writes the store. Closing the iterator stops the run; what has arrived is stored. Calling again
    goes on. A job that fails is tried by other workers, three times in all; then its video is listed as failed.

    Args:
        locations: Paths of files, patterns of numbered pictures, or addresses; each once.
        workers: Do the jobs; they are entered already, and not ended here.
        model: What the workers' model is.
        store: Takes the rows; several processes may use it at the same time, but may then embed a frame twice.
        samples_per_second: As for ``index_video``.

    Yields:
        RunProgress: About twice a second; together, their ``ended`` name every location once.

    Raises:
        WorkersError: No worker can be started.
        StoreError: The store cannot be written.
    """
    driver = _Driver(locations, workers, model, store, samples_per_second)
    with closing(driver):
        yield from driver.run()


_FORGOTTEN = "This video was forgotten while it was indexed."


class _Driver:
    def __init__(
        self,
        locations: Sequence[str],
        workers: Workers,
        model: ModelFacts,
        store: EmbeddingStore,
        rate: float | None,
    ) -> None:
        self._workers, self._model, self._store, self._rate = workers, model, store, rate
        self._committer = Committer(store, model)
        self._given = GivenJobs()
        self._total = len(locations)
        self._to_look, self._to_embed = deque(locations), deque[str]()
        self._known: dict[str, KnownSource | ClipVideoError] = {}
        self._videos: dict[str, VideoInWork] = {}
        self._looked: list[VideoInWork] = []
        self._ready: list[VideoInWork] = []
        self._reports = deque[tuple[str, WorkerReport]]()
        self._failures = {failed.path for failed in store.failures()}
        self._ended: list[EndedVideo] = []
        self._notes: list[str] = []
        self._done = self._failed = self._embedded = self._kept = self._wanted = 0
        self._samples: dict[str, int] = {}
        self._deaths: dict[str, int] = {}
        self._began, self._told = time.monotonic(), 0.0

    def run(self) -> Iterator[RunProgress]:
        """Index the videos."""
        while self._to_look or self._videos:
            yield from self._patiently(self._work)
            if time.monotonic() - self._told >= TELL_S:
                yield self._progress()
        yield from self._patiently(self._end_run)
        yield self._progress()

    def _patiently(self, step: Callable[[], None]) -> Iterator[RunProgress]:
        """Take a step; while the storage service does not answer, wait and go on where it stopped."""
        waited_s, wait_s = 0.0, FIRST_STORE_WAIT_S
        while True:
            try:
                return step()
            except StoreUnreachableError as error:
                if waited_s + wait_s > STORE_PATIENCE_S:
                    raise
                self._notes.append(f"{error.what} It is asked again in {wait_s:g} s.")
            yield self._progress()
            time.sleep(wait_s)
            waited_s, wait_s = waited_s + wait_s, min(2 * wait_s, MOST_STORE_WAIT_S)

    def _work(self) -> None:
        """Give out jobs, take reports and store them. What has been taken when the store fails is not taken again."""
        self._give_jobs()
        is_idle = bool(self._ready) and not self._given.in_flight
        if not self._reports:
            self._reports += self._workers.reports(0.0 if is_idle else LOOK_S)
        while self._reports:
            self._take(*self._reports[0])
            self._reports.popleft()
        if self._committer.is_due or is_idle:
            self._commit()
            self._committer.prepare_search()

    def _end_run(self) -> None:
        self._committer.commit()
        self._committer.prepare_search(is_last=True)

    def close(self) -> None:
        """Store what has arrived, and let other processes index the videos that were in work."""
        try:
            self._begin_runs()
            self._committer.commit()
        finally:
            for video in self._videos.values():
                video.release()

    # Jobs out

    def _give_jobs(self) -> None:
        for worker in self._workers.names:
            while self._given.count(worker) < MOST_IN_FLIGHT:
                given = self._next(worker)
                if given is None:
                    break
                self._given.give(worker, given)
                self._workers.submit(worker, given.job)

    def _next(self, worker: str) -> GivenJob | None:
        """Return the next job for a worker; what is tried again goes first, then first looks, then chunks."""
        names = self._workers.names
        given = self._given.next_waiting(worker, names, only_own=bool(self._to_look))
        while given is None and self._to_look:
            given = self._look_job(self._to_look[0])
            self._to_look.popleft()
        given = given or self._given.next_waiting(worker, names)
        while given is None and self._to_embed:
            self._plan(self._to_embed[0])
            self._to_embed.popleft()
            given = self._given.next_waiting(worker, names)
        return given

    def _look_job(self, location: str) -> GivenJob | None:
        """Return the job that looks at a video; None if there is nothing to do, or it is not there."""
        if location not in self._known:
            some = [*islice(self._to_look, KNOWN_AT_ONCE)]
            self._known = known_sources(some, self._model, self._rate, self._store)
        found = self._known[location]
        if isinstance(found, ClipVideoError):
            self._end(location, "", found.line)
            return None
        known, finished = found.record, found.finished
        if known is not None and finished is not None:
            self._kept += int(finished.done)
            self._wanted += int(finished.total)
            self._end(location, known.video_id, warnings=tuple(finished.warnings), is_idle=True)
            return None
        self._videos[location] = VideoInWork(location, found.source, is_resumed=known is not None)
        return GivenJob(location, LookJob(self._given.number(), found.source, known, found.stored))

    def _plan(self, location: str, prefers: str = "") -> None:
        """Queue the chunks that a video lacks; finish it if it lacks none."""
        video = self._videos.get(location)
        if video is None:
            return
        if video.claim is not None:
            self._begin_runs()
        if video.table is None:
            record = self._store.video(video.video_id)
            if record is None:
                self._end(location, video.video_id, _FORGOTTEN)
                return
            video.plan_from(record)
        if not video.is_locked and not video.rounds:
            self._lock(video)
        stored = self._committer.follow(video.video_id)
        jobs = planned_jobs(video, stored, self._rate, self._given.number, len(self._videos), len(self._workers.names))
        video.open_jobs = len(jobs)
        for job in jobs:
            self._given.wait(GivenJob(location, job, prefers=prefers))
        if not jobs:
            self._ready.append(video)

    def _lock(self, video: VideoInWork) -> None:
        """Let others know that a video is in work; a lock is an open file, so those that only wait have none."""
        video.lock(self._store.indexing(video.video_id, self._model.fingerprint))
        if not video.is_locked:
            name = shown_name(video.location)
            self._notes.append(f"{name}: another process is indexing it; frames may be embedded twice.")

    # Reports in

    def _take(self, worker: str, report: WorkerReport) -> None:
        if isinstance(report, Died):
            in_hand, waiting = self._given.all_of(worker)
            if in_hand is not None:
                self._again(in_hand, worker, f"Workers end while they work on it; the last one was {report.reason}.")
            for given in waiting:
                self._given.wait(given, first=True)
            self._given.clear(worker)
            self._deaths[worker] = self._deaths.get(worker, 0) + 1
            self._notes.append(f"{worker} was {report.reason}; another one takes its place.")
            return
        self._take_of_job(worker, report)

    def _take_of_job(self, worker: str, report: Looked | Rows | Finished | Failed) -> None:
        given = self._given.of(worker, report.number)
        if given is None or given.location not in self._videos:
            pass  # of a video that was forgotten or has failed meanwhile, or that is another file's copy
        elif isinstance(report, Looked):
            self._looked_at(self._videos[given.location], report)
        elif isinstance(report, Rows):
            given.tries = 0  # it gets somewhere
            self._committer.add(report, is_repeated=given.is_repeated or self._may_repeat(given.location))
            self._embedded += len(report.embeddings)
            self._samples[worker] = self._samples.get(worker, 0) + len(report.embeddings)
        elif isinstance(report, Finished):
            self._finished(self._videos[given.location], given.job, report, worker)
        else:
            self._again(given, worker, report.reason, is_final=report.is_final or report.change is not None)
        if isinstance(report, Finished | Failed):
            self._given.done(worker, report.number)

    def _may_repeat(self, location: str) -> bool:
        return self._videos[location].is_resumed and time.monotonic() - self._began < AFTER_KILL_S

    def _looked_at(self, video: VideoInWork, looked: Looked) -> None:
        """Note which video it is; its run begins with the next commit."""
        record, location = looked.record, video.location
        if looked.source.stamp is not None:
            self._committer.add_file(location, looked.source.stamp, record.video_id)
        twin = next((other for other in self._videos.values() if other.video_id == record.video_id), None)
        if twin is not None and twin is not video:
            twin.copies.append(location)
            del self._videos[location]
        elif video.video_id not in ("", record.video_id):
            self._given.drop(location)
            self._end(location, video.video_id, f"{record.name} was changed while it was indexed. Index it again.")
        elif not video.video_id:
            video.found(looked, self._rate)
            self._looked.append(video)

    def _begin_runs(self) -> None:
        """Record that the runs of the videos begin that were looked at since the last time."""
        new = {v.location: (v, v.claim) for v in self._looked if v.location in self._videos and v.claim is not None}
        if new:
            model, claims = self._model, [claim for _, claim in new.values()]
            begun = begin_runs(claims, model.id, model.fingerprint, self._rate, self._store)
            refresh_subtitles_of({path: claim for path, (_, claim) in new.items() if is_there(path)}, self._store)
            for (video, _), run in zip(new.values(), begun, strict=True):
                video.begin(run)
                if run.is_new:  # at most as many frames as a look embeds
                    self._committer.follow(video.video_id, is_new=True)
        self._looked = []

    def _finished(self, video: VideoInWork, job: Job, report: Finished, worker: str) -> None:
        if isinstance(job, LookJob):
            if video.is_fetched:  # the worker has the copy
                self._plan(video.location, prefers=worker)
            else:
                self._to_embed.append(video.location)
            return
        video.seen.append(report)
        video.open_jobs -= 1
        if video.open_jobs:
            return
        video.table = table_of(video)
        video.rounds += 1
        stored = self._committer.pts_of(video.video_id)
        if len(what_is_missing(video.table, stored, self._rate)) and video.rounds < MOST_ROUNDS:
            self._plan(video.location)
        else:
            self._ready.append(video)

    def _again(self, given: GivenJob, worker: str, reason: str, *, is_final: bool = False) -> None:
        """Let another worker try a job, without what has arrived of it; after three tries its video has failed."""
        video = self._videos.get(given.location)
        if video is None:
            return
        stored = self._committer.pts_of(video.video_id) if video.video_id else no_pts()
        if self._given.fails(given, worker) and not is_final:
            self._given.wait(given.repeated(stored), first=True)
        else:
            self._given.drop(given.location)
            self._end(given.location, video.video_id, reason)

    # Into the store

    def _commit(self) -> None:
        """Store what has arrived, then finish the videos of which everything is stored."""
        self._begin_runs()
        self._drop_forgotten(self._committer.commit())
        ready = [(video, video.finished_record()) for video in self._ready if video.location in self._videos]
        self._drop_forgotten(self._committer.finish([(record, video.samples_per_second) for video, record in ready]))
        for video, record in ready:
            if video.location in self._videos:
                self._finished_video(video, record)
        self._ready = []

    def _drop_forgotten(self, video_ids: Set[str]) -> None:
        for video in [video for video in self._videos.values() if video.video_id in video_ids]:
            self._given.drop(video.location)
            self._end(video.location, video.video_id, _FORGOTTEN)

    def _finished_video(self, video: VideoInWork, record: VideoRecord) -> None:
        samples = len(self._committer.pts_of(video.video_id))
        self._kept += samples
        self._wanted += samples
        left_out = left_out_warnings(sum(part.left_out for part in video.seen), record.container)
        self._end(video.location, video.video_id, warnings=(*video.warnings, *warnings_of(record, samples), *left_out))

    def _end(
        self, location: str, video_id: str, reason: str = "", warnings: tuple[str, ...] = (), *, is_idle: bool = False
    ) -> None:
        """Note that a video needs no more work, and list it in the store if it failed."""
        video = self._videos.pop(location, None)
        if video is not None:
            self._committer.drop(video.video_id)
            video.release()
            for copy in video.copies:
                self._end(copy, video_id, reason, warnings, is_idle=True)
        self._ended.append(EndedVideo(location, video_id, reason, warnings, is_idle))
        self._done, self._failed = self._done + (not reason), self._failed + bool(reason)
        if reason and (video is not None or is_there(location)):
            self._committer.add_failure(location, reason)
        elif location in self._failures:
            self._committer.add_failure(location, "")

    def _progress(self) -> RunProgress:
        self._told = time.monotonic()
        took_s, ended = self._told - self._began, self._done + self._failed
        rate = self._embedded / took_s if self._embedded else 0.0
        counted = self._wanted + sum(video.wanted for video in self._videos.values())
        looked = self._done + sum(1 for video in self._videos.values() if video.wanted)
        total = counted + (self._total - self._failed - looked) * counted // looked if looked else counted
        stored = self._kept + sum(video.stored for video in self._videos.values())
        done = min(max(stored, self._embedded), total)
        ended_now, notes, self._ended, self._notes = tuple(self._ended), tuple(self._notes), [], []
        return RunProgress(
            self._done,
            self._failed,
            self._total,
            done,
            total,
            rate,
            (total - done) / rate if rate and ended < self._total else None,
            tuple(self._state(name) for name in self._workers.names),
            ended_now,
            notes,
        )

    def _state(self, name: str) -> WorkerState:
        return WorkerState(name, self._given.doing(name), self._samples.get(name, 0), self._deaths.get(name, 0))
