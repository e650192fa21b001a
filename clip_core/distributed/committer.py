"""Write what workers report into the store: few large commits by one process, so that none meets another."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from clip_core.distributed.jobs import Rows, no_pts
from clip_core.distributed.workers import ModelFacts
from clip_core.indexing.stretches import build_stretches, stored_bank
from clip_core.store.runs import RunState
from clip_core.store.store import EmbeddingStore
from clip_core.types import FrameEmbeddings, Ints, VideoRecord

FIRST_COMMIT_S, COMMIT_S, MOST_COMMIT_S = 0.25, 0.5, 5.0
"""The first commits follow quickly, so that a run that is ended again and again gets somewhere."""
COMMITTING = 0.1
"""The share of the time that commits may take; in an object store each takes about a second."""
MOST_ROWS, MOST_BYTES = 32_000, 64 * 1024 * 1024
TIDY_COMMITS = 256
PREPARE_S = 30.0
PREPARED_AT = 1.5
"""Stretches are built again when a video has so many times the rows that they were built from."""
FRAMES_AT_ONCE, VIDEOS_AT_ONCE = 8_000, 64


class Committer:
    """Holds what is to be stored until a commit is due, and keeps the search prepared.

    If the store fails, what waits still waits, and the same may be called again.

    Args:
        store: Takes the rows.
        model: Under which they are stored.
    """

    def __init__(self, store: EmbeddingStore, model: ModelFacts) -> None:
        self._store, self._model = store, model
        self._rows: dict[str, list[Rows]] = {}
        self._count = self._bytes = self._commits = 0
        self._pts: dict[str, Ints] = {}
        self._files: dict[tuple[str, int, int | str], str] = {}
        self._failures: dict[str, str] = {}
        self._wait_s, self._committed, self._is_urgent = FIRST_COMMIT_S, time.monotonic(), False
        self._stored: dict[str, int] = {}
        self._prepared: dict[str, int] = {}
        self._prepared_at = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether to commit now."""
        is_late = time.monotonic() - self._committed >= self._wait_s
        waits = self._count > 0 or bool(self._files) or bool(self._failures)
        return self._is_urgent or self._count >= MOST_ROWS or self._bytes >= MOST_BYTES or (is_late and waits)

    def add(self, rows: Rows, *, is_repeated: bool = False) -> None:
        """Take some rows; a commit is due at once if they may have been embedded before and lost."""
        self._is_urgent |= is_repeated
        self._rows.setdefault(rows.video_id, []).append(rows)
        self._count += len(rows.embeddings)
        self._bytes += rows.embeddings.vectors.nbytes + sum(map(len, rows.thumbnails.values()))
        if rows.video_id in self._pts:
            self._pts[rows.video_id] = np.union1d(self._pts[rows.video_id], rows.embeddings.pts)

    def add_file(self, location: str, stamp: tuple[int, int | str], video_id: str) -> None:
        """Take what was found out about a file: the id of the video that it has in the state of this stamp."""
        self._files[location, *stamp] = video_id

    def add_failure(self, location: str, reason: str) -> None:
        """Take why a video failed; "" takes it off the list of those that failed."""
        self._failures[location] = reason

    def pts_of(self, video_id: str) -> Ints:
        """Return the pts of a video's frames that are stored or wait here, int64 (n,), rising."""
        if video_id in self._pts:
            return self._pts[video_id]
        return np.union1d(self._store.stored_pts(video_id, self._model.fingerprint), self._waiting_pts(video_id))

    def follow(self, video_id: str, *, is_new: bool = False) -> Ints:
        """Return the ``pts_of`` a video and keep them in memory until it is dropped.

        The store is asked once, or not if nothing of it is stored yet.
        """
        self._pts[video_id] = self._waiting_pts(video_id) if is_new else self.pts_of(video_id)
        return self._pts[video_id]

    def _waiting_pts(self, video_id: str) -> Ints:
        return np.unique(np.concatenate([no_pts(), *(rows.embeddings.pts for rows in self._rows.get(video_id, ()))]))

    def drop(self, video_id: str) -> None:
        """Forget what waits here of a video, and its pts."""
        self._rows.pop(video_id, None)
        self._pts.pop(video_id, None)

    def commit(self) -> set[str]:
        """Store all that waits, each frame once; return the ids of videos that were forgotten meanwhile."""
        began, fingerprint = time.monotonic(), self._model.fingerprint
        self._store.remember_ids(self._files)
        self._files = {}
        while self._failures:
            self._note_failure(*next(iter(self._failures.items())))
        forgotten = self._forgotten()
        for video_id in forgotten:
            self.drop(video_id)
        if self._rows:
            self._append(self._rows)
            since = self._forgotten()
            for video_id in since:  # at the same moment: rows without a run would never be read
                self._store.discard(video_id, fingerprint)
            forgotten |= since
            self._commits += 1
            if self._commits % TIDY_COMMITS == 0:
                self._store.optimize(fingerprint)
        self._rows, self._count, self._bytes, self._is_urgent = {}, 0, 0, False
        self._committed = time.monotonic()
        wait_s = float(np.clip((self._committed - began) / COMMITTING, COMMIT_S, MOST_COMMIT_S))
        self._wait_s = min(wait_s, 2 * self._wait_s)
        return forgotten

    def _forgotten(self) -> set[str]:
        """Return the ids of the videos of which rows wait, and whose run is gone."""
        return self._rows.keys() - self._store.runs_under(self._model.fingerprint, self._rows).keys()

    def _note_failure(self, location: str, reason: str) -> None:
        if reason:
            self._store.remember_failure(location, reason)
        else:
            self._store.forget_failure(location)
        del self._failures[location]

    def _append(self, waiting: Mapping[str, list[Rows]]) -> None:
        stored = self._store.stored_pts_of(self._model.fingerprint, list(waiting))
        frames = {video_id: _missing(rows, stored[video_id]) for video_id, rows in waiting.items()}
        self._store.append_of_videos(self._model.fingerprint, frames)
        drawn = {video_id: self._missing_thumbnails(video_id, rows) for video_id, rows in waiting.items()}
        self._store.append_thumbnails_of(drawn)
        for video_id, own in frames.items():
            self._stored[video_id] = len(stored[video_id]) + len(own)

    def _missing_thumbnails(self, video_id: str, rows: list[Rows]) -> dict[int, bytes]:
        known = set(self._store.thumbnail_pts(video_id).tolist())
        return {pts: jpeg for some in rows for pts, jpeg in some.thumbnails.items() if pts not in known}

    def finish(self, videos: Sequence[tuple[VideoRecord, float | None]]) -> set[str]:
        """Record that all samples of some videos are stored at some rates, each None for every frame.

        They must have been committed. Return the ids of those that were forgotten meanwhile.
        """
        model, ids = self._model, [record.video_id for record, _ in videos]
        runs = self._store.runs_under(model.fingerprint, ids)
        there = [(record, rate) for record, rate in videos if record.video_id in runs]
        if there:
            self._store.remember_videos([record for record, _ in there])
            states = {record.video_id: RunState(model.id, rate, finished=True) for record, rate in there}
            self._store.note_runs(model.fingerprint, states)
            self._stored |= dict.fromkeys(states, -1)  # their stretches are built in any case
        return {*ids} - runs.keys()

    def prepare_search(self, *, is_last: bool = False) -> None:
        """Build the stretches of videos that have grown, at times; at the last call of all that have changed."""
        if not is_last and time.monotonic() - self._prepared_at < PREPARE_S:
            return
        fingerprint = self._model.fingerprint
        for some in self._grown(is_last=is_last):
            bank = stored_bank(self._store, fingerprint, self._model.logit_scale)
            build_stretches(some, fingerprint, self._store, bank)
        if is_last and self._commits:
            self._store.optimize(fingerprint)
        self._prepared_at = time.monotonic()

    def _grown(self, *, is_last: bool) -> Iterator[list[str]]:
        some, count = list[str](), 0
        for video_id, rows in list(self._stored.items()):
            is_finished, before = rows < 0, self._prepared.get(video_id, 0)
            if not is_finished and not is_last and rows <= PREPARED_AT * before:
                continue
            own = max(rows, before)
            if some and (count + own > FRAMES_AT_ONCE or len(some) == VIDEOS_AT_ONCE):
                yield some
                some, count = [], 0
            some.append(video_id)
            count += own
            self._prepared[video_id] = own
            del self._stored[video_id]
        if some:
            yield some


def _missing(rows: list[Rows], stored: Ints) -> FrameEmbeddings:
    """Return the frames of rows that are not stored, each once."""
    pts = np.concatenate([some.embeddings.pts for some in rows])
    _, first = np.unique(pts, return_index=True)
    new = first[~np.isin(pts[first], stored)]
    times_s = np.concatenate([some.embeddings.times_s for some in rows])
    vectors = np.concatenate([some.embeddings.vectors for some in rows])
    return FrameEmbeddings(pts[new], times_s[new], vectors[new])


def arrived(rows: list[Rows]) -> Ints:
    """Return the pts of the frames of some rows, int64 (n,)."""
    return np.concatenate([no_pts(), *(some.embeddings.pts for some in rows)])
