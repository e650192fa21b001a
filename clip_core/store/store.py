"""EmbeddingStore: the public interface of the store, written by background tasks and read by the page."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from clip_core.errors import StoreError
from clip_core.store.activities import ACTIVITIES, ActivityRows
from clip_core.store.annotation_rows import ANNOTATIONS, AnnotationRows
from clip_core.store.checked_rows import CheckedRows
from clip_core.store.copied_rows import CopiedRows
from clip_core.store.embeddings import FRAMES, TEXTS
from clip_core.store.errors import asked_again, guarded, is_damage
from clip_core.store.failures import FAILURES, FailureRows
from clip_core.store.runs import RUNS, RunRecord, RunState, never_begun, runs_of_all
from clip_core.store.searches import SEARCHES, SearchRows
from clip_core.store.stretch_summaries import SUMMARIES, StretchSummaryRows
from clip_core.store.stretches import STRETCHES, StretchRows
from clip_core.store.subtitle_rows import SUBTITLE_SOURCES, SUBTITLES, SubtitleRows
from clip_core.store.tables import MANY_FRAGMENTS, Tables, of_video, plain_id
from clip_core.store.thumbnails import THUMBNAILS, ThumbnailRows
from clip_core.store.video_settings import SETTINGS, SettingsRows
from clip_core.store.videos import FILES, VIDEOS, VideoRows, VideoSummary

_OF_MODELS = (FRAMES, STRETCHES, SUMMARIES, TEXTS)
_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_ROW_BYTES = 8 + 8
_HALF_BYTES = 2


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What is stored of one video under one model.

    Attributes:
        model_id, fingerprint: The model's name and fingerprint.
        frames: The number of stored frames, each counted once.
        samples_per_second: The rate of the last request; None means every frame.
        finished: Whether that request was completed.
        size_bytes: Estimated size: rows times the size of a row.
    """

    model_id: str
    fingerprint: str
    frames: int
    samples_per_second: float | None
    finished: bool
    size_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class StoredVideo:
    """One video of the library.

    Attributes:
        record: The video, without the times of its frames.
        models: One entry for each model with which its indexing was begun.
        size_bytes: Estimated size of its embeddings, thumbnails and time table.
    """

    record: VideoSummary
    models: tuple[StoredModel, ...]
    size_bytes: int


def _stored(fingerprint: str, run: RunRecord, frames: int, dim: int) -> StoredModel:
    size = frames * (_ROW_BYTES + _HALF_BYTES * dim)
    return StoredModel(run.model_id, fingerprint, frames, run.samples_per_second, run.finished, size)


class EmbeddingStore(
    VideoRows,
    StretchRows,
    StretchSummaryRows,
    ThumbnailRows,
    AnnotationRows,
    SubtitleRows,
    SettingsRows,
    FailureRows,
    SearchRows,
    ActivityRows,
    CopiedRows,
    CheckedRows,
):
    """Videos, embeddings, thumbnails, annotations, subtitles, settings, failures, searches and running commands.

    They lie in a folder or an object store.

    Any number of processes may use one location, and threads may share the object. Nothing is opened
    before the first use, and the folder is created at the first write. Every method raises
    ``StoreError`` if the location cannot be read or written, and those that write raise
    ``StoreFullError`` if the disk is full; what was committed before stays. If it is read-only, they raise
    ``ReadOnlyError``; only ids of files and vectors of prompts are then kept in memory.

    Reading and writing of each kind of rows is in the base classes; here is what concerns several of them.

    Args:
        location: A folder, or an address such as ``s3://bucket/embeddings``.
        read_only: Whether nothing may be written or deleted.
        fresh_s: For this long, what was read of a small table in an object store counts as current, so that a page
            that is drawn often does not ask at each turn. What this object writes is seen at once.
    """

    def __init__(self, location: str | Path, *, read_only: bool = False, fresh_s: float = 0.0) -> None:
        super().__init__(Tables(location, read_only=read_only, fresh_s=fresh_s))
        self._finished_before: dict[tuple[str, str, int], int] = {}
        """Counts of runs that an earlier version finished: (fingerprint or table, video id, ``RunRecord.at_ns``)."""

    def __repr__(self) -> str:
        return f"EmbeddingStore({self.location!r})"

    @property
    def location(self) -> str:
        """The folder (absolute) or address."""
        return self._tables.location

    @property
    def is_remote(self) -> bool:
        """Whether it lies in an object store, where each commit takes about a second."""
        return not self._tables.is_folder

    @property
    def read_only(self) -> bool:
        """Whether nothing may be written or deleted."""
        return self._tables.read_only

    def check_writable(self) -> None:
        """Raise ``ReadOnlyError`` if the store is read-only: before files that belong to it are written or deleted."""
        self._tables.check_writable()

    def check_safe_to_write(self) -> None:
        """Raise ``StoreError`` if several writers would lose each other's rows in this object store.

        One object is written and removed, once for each process. A folder is always safe.
        """
        self._tables.check_safe_to_write()

    def finish(self, video_id: str, fingerprint: str, samples_per_second: float | None) -> None:
        """Record that all samples of a rate are stored.

        Raises:
            NotIndexedError: The run was never begun, or was forgotten meanwhile.
        """
        run = self.runs_under(fingerprint, [video_id]).get(video_id)
        if run is None:
            raise never_begun()
        self.note_runs(fingerprint, {video_id: RunState(run.model_id, samples_per_second, finished=True)})

    def note_runs(self, fingerprint: str, states: Mapping[str, RunState]) -> list[str]:
        """Record the states of some videos under a model, in one commit, with what is stored of them now.

        Returns:
            The ids of those whose state or counts were others before.
        """
        videos = [*states]
        known = self.runs_under(fingerprint, videos)
        frames, pictures = self.frame_counts(fingerprint, videos), self._thumbnail_bytes(videos)
        changed = {}
        for video_id, state in states.items():
            counts = (frames.get(video_id, 0), pictures.get(video_id, 0)) if state.finished else None
            run = known.get(video_id)
            if run is None or (RunState.of(run), run.counts) != (replace(state, model_id=run.model_id), counts):
                changed[video_id] = (state, counts)
        self._note_states(fingerprint, changed, known)
        if any(state.finished for state in states.values()):
            self._tables.index(FRAMES + fingerprint)
            self._tables.index(THUMBNAILS)
        return [*changed]

    def usage(self) -> list[StoredVideo]:
        """Return what is stored of each video and roughly how much space it takes, the last added first.

        Frames and thumbnails of a finished run are as they were counted at its end, so that no table of frames is
        scanned for them; those of other runs are counted now.
        """
        runs, summaries = runs_of_all(self._tables), self.summaries()
        own = {summary.video_id: dict(sorted(runs.get(summary.video_id, {}).items())) for summary in summaries}
        frames, pictures = self._counted_frames(own), self._counted_pictures(own)
        dims = {fingerprint: self._dim(fingerprint) for fingerprint in {f for models in own.values() for f in models}}
        videos = []
        for summary in summaries:
            models = tuple(
                _stored(fingerprint, run, frames[summary.video_id, fingerprint], dims[fingerprint])
                for fingerprint, run in own[summary.video_id].items()
            )
            beside = (summary.frames + summary.key_frames) * 8 + pictures.get(summary.video_id, 0)
            videos.append(StoredVideo(summary, models, beside + sum(model.size_bytes for model in models)))
        return videos

    def _counted_frames(self, runs: Mapping[str, Mapping[str, RunRecord]]) -> dict[tuple[str, str], int]:
        """Return (video id, fingerprint) → the number of stored frames, for these runs."""
        counts: dict[tuple[str, str], int] = {}
        unknown: dict[str, list[str]] = {}
        for video_id, models in runs.items():
            for fingerprint, run in models.items():
                known = run.counts[0] if run.counts else self._finished_before.get((fingerprint, video_id, run.at_ns))
                counts[video_id, fingerprint] = known or 0
                if known is None:
                    unknown.setdefault(fingerprint, []).append(video_id)
        for fingerprint, videos in unknown.items():
            found = self.frame_counts(fingerprint, videos)
            for video_id in videos:
                run = runs[video_id][fingerprint]
                counts[video_id, fingerprint] = found.get(video_id, 0)
                if run.finished:
                    self._finished_before[fingerprint, video_id, run.at_ns] = found.get(video_id, 0)
        return counts

    def _counted_pictures(self, runs: Mapping[str, Mapping[str, RunRecord]]) -> dict[str, int]:
        """Return video id → the bytes of its thumbnails, for these videos."""
        sizes: dict[str, int] = {}
        unknown: dict[str, int] = {}
        for video_id, models in runs.items():
            last = max(models.values(), key=lambda run: run.at_ns, default=None)
            at_ns = last.at_ns if last is not None and all(run.finished for run in models.values()) else 0
            known = last.counts[1] if last is not None and at_ns and last.counts else None
            known = self._finished_before.get((THUMBNAILS, video_id, at_ns)) if known is None else known
            if known is None:
                unknown[video_id] = at_ns
            else:
                sizes[video_id] = known
        found = self._thumbnail_bytes(list(unknown))
        self._finished_before |= {(THUMBNAILS, v, at_ns): found.get(v, 0) for v, at_ns in unknown.items() if at_ns}
        return sizes | found

    def mending(self, fingerprint: str, action: Callable[[], _T]) -> _T:
        """Return what ``action`` returns, done again without the stored stretches under a model if they are damaged.

        They are deleted then, of all videos, and their summaries too: both are made again from the frames.
        """
        try:
            return action()
        except StoreError:
            names = [prefix + plain_id(fingerprint) for prefix in (STRETCHES, SUMMARIES)]
            if self.read_only or not any(map(self._is_damaged, names)):
                raise
        for name in names:
            _log.warning("%s is damaged, and made again from the frames", name)
            self._tables.drop(name)
        return action()

    def _is_damaged(self, name: str) -> bool:
        """Return whether a table cannot be read because a file of it is damaged or gone."""
        try:
            self._read_through(name)
        except StoreError as error:
            return error.__cause__ is not None and is_damage(error.__cause__, self.location)
        return False

    @asked_again
    def _read_through(self, name: str) -> None:
        with self._tables.reading(name) as table:
            if table is not None:
                table.ask(lambda raw: deque(raw.search().limit(None).to_batches(), maxlen=0))

    def size_bytes(self) -> int:
        """Return the size of the whole store: the sum of its files, or an estimate for an object store."""
        if not self._tables.is_folder:
            return sum(video.size_bytes for video in self.usage())
        total = 0
        with guarded(self.location):
            for folder, _, names in os.walk(self.location):
                for name in names:
                    with suppress(FileNotFoundError):  # deleted by another process, for example by compaction
                        total += Path(folder, name).stat().st_size
        return total

    def optimize(self, fingerprint: str | None = None) -> None:
        """Merge small fragments of one model's tables that have many, or of all tables; call it at a video's end.

        Versions over an hour old of these tables are deleted, and only then is their disk space freed. Losing a race
        against another process is not an error.
        """
        # Each merge writes all small fragments again, and asks for each version: not after each video.
        fewest = 0 if fingerprint is None else MANY_FRAGMENTS
        if fingerprint is None:
            small = [VIDEOS, FILES, RUNS, ANNOTATIONS, SETTINGS, SUBTITLE_SOURCES, FAILURES, SEARCHES, ACTIVITIES]
            of_models = [name for prefix in _OF_MODELS for name in self._tables.names(prefix)]
            big = [SUBTITLES, *small, *of_models]
        else:  # the index of words takes long, so it is brought up to date when it is far behind
            big = [prefix + plain_id(fingerprint) for prefix in (FRAMES, TEXTS)]
            derived = [prefix + fingerprint for prefix in (STRETCHES, SUMMARIES)]
            self.mending(fingerprint, lambda: self._tables.compact(derived, fewest))
        self._tables.compact([THUMBNAILS, *big], fewest)

    def discard(self, video_id: str, fingerprint: str) -> None:
        """Delete the frames and stretches of a video under one model.

        Its thumbnails are deleted too if its record is gone (it was forgotten). The record, runs and other models stay.
        """
        pictures = [] if self.video(video_id) else [THUMBNAILS]
        self._tables.delete([FRAMES + plain_id(fingerprint), *pictures], of_video(video_id))
        self._delete_stretches(video_id, fingerprint)

    def _delete_stretches(self, video_id: str, fingerprint: str) -> None:
        derived = [prefix + plain_id(fingerprint) for prefix in (SUMMARIES, STRETCHES)]
        self.mending(fingerprint, lambda: self._tables.delete(derived, of_video(video_id)))

    def forget_frames(self, video_id: str) -> None:
        """Delete the runs, frames, stretches and thumbnails of a video; all else that is stored of it stays."""
        self._tables.delete([RUNS], of_video(video_id))
        for prefix in (SUMMARIES, STRETCHES):
            for name in self._tables.names(prefix):
                self._delete_stretches(video_id, name.removeprefix(prefix))
        for name in self.tables_of_before():  # they may hold some of the video, and are not needed
            self._tables.drop(name)
        self._tables.delete([*self._tables.names(FRAMES), THUMBNAILS], of_video(video_id))

    def forget(self, video_id: str) -> None:
        """Delete everything stored of a video. Its file is not touched.

        The runs go first and the record last, so that no reader sees half of a video, and after a crash the video is
        still listed and can be forgotten again. Disk space is freed by an ``optimize`` at least an hour later, because
        others may still be reading.
        """
        self.forget_frames(video_id)
        self._tables.delete([ANNOTATIONS, SETTINGS, SUBTITLE_SOURCES, SUBTITLES, FILES, VIDEOS], of_video(video_id))
