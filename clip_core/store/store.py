"""EmbeddingStore: the public interface of the store, written by background tasks and read by the page."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from clip_core.store.annotation_rows import ANNOTATIONS, AnnotationRows
from clip_core.store.embeddings import FRAMES, TEXTS, EmbeddingRows, dim_of
from clip_core.store.errors import guarded
from clip_core.store.runs import RUNS, RunRecord, runs_of_all
from clip_core.store.subtitle_rows import SUBTITLE_SOURCES, SUBTITLES, SubtitleRows
from clip_core.store.tables import Tables, of_video, plain_id
from clip_core.store.thumbnails import THUMBNAILS, ThumbnailRows
from clip_core.store.video_settings import SETTINGS, SettingsRows
from clip_core.store.videos import FILES, VIDEOS, VideoRows
from clip_core.types import VideoRecord

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
        record: The video's record.
        models: One entry for each model with which its indexing was begun.
        size_bytes: Estimated size of its embeddings, thumbnails and time table.
    """

    record: VideoRecord
    models: tuple[StoredModel, ...]
    size_bytes: int


class EmbeddingStore(VideoRows, EmbeddingRows, ThumbnailRows, AnnotationRows, SettingsRows, SubtitleRows):
    """Videos, embeddings, thumbnails, annotations, subtitles and settings, in a folder or an object store.

    Any number of processes may use one location, and threads may share the object. Nothing is opened
    before the first use, and the folder is created at the first write. Every method raises
    ``StoreError`` if the location cannot be read or written, and those that write raise
    ``StoreFullError`` if the disk is full; what was committed before stays. If it is read-only, they raise
    ``ReadOnlyError``; only ids of files and vectors of prompts are then kept in memory.

    Reading and writing of each kind of rows is in the base classes; here is what concerns several of them.

    Args:
        location: A folder, or an address such as ``s3://bucket/embeddings``.
        read_only: Whether nothing may be written or deleted.
    """

    def __init__(self, location: str | Path, *, read_only: bool = False) -> None:
        super().__init__(Tables(location, read_only=read_only))

    def __repr__(self) -> str:
        return f"EmbeddingStore({self.location!r})"

    @property
    def location(self) -> str:
        """The folder (absolute) or address."""
        return self._tables.location

    @property
    def read_only(self) -> bool:
        """Whether nothing may be written or deleted."""
        return self._tables.read_only

    def check_writable(self) -> None:
        """Raise ``ReadOnlyError`` if the store is read-only: before files that belong to it are written or deleted."""
        self._tables.check_writable()

    def finish(self, video_id: str, fingerprint: str, samples_per_second: float | None) -> None:
        """Record that all samples of a rate are stored.

        Raises:
            NotIndexedError: The run was never begun, or was forgotten meanwhile.
        """
        self._note_run(video_id, fingerprint, None, samples_per_second, finished=True)
        self._tables.index(FRAMES + fingerprint)
        self._tables.index(THUMBNAILS)

    def usage(self) -> list[StoredVideo]:
        """Return what is stored of each video and roughly how much space it takes, the last added first."""
        runs, pictures = runs_of_all(self._tables), self._thumbnail_bytes()
        videos = []
        for record in self.videos():
            own = sorted(runs.get(record.video_id, {}).items())
            models = tuple(self._stored(record.video_id, fingerprint, run) for fingerprint, run in own)
            times = (len(record.table) + len(record.table.key_pts)) * 8
            beside = times + pictures.get(record.video_id, 0)
            videos.append(StoredVideo(record, models, beside + sum(model.size_bytes for model in models)))
        return videos

    def _stored(self, video_id: str, fingerprint: str, run: RunRecord) -> StoredModel:
        n = len(self.stored_pts(video_id, fingerprint))
        dim = 0
        if n:
            with self._tables.reading(FRAMES + fingerprint) as table:
                dim = 0 if table is None else dim_of(table)
        size = n * (_ROW_BYTES + _HALF_BYTES * dim)
        return StoredModel(run.model_id, fingerprint, n, run.samples_per_second, run.finished, size)

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
        """Merge small fragments of one model's tables, or of all; call it when a video is finished.

        Versions over an hour old are deleted, and only then is their disk space freed. Losing a
        race against another process is not an error.
        """
        if fingerprint is None:
            big = [SUBTITLES, *self._tables.names(FRAMES), *self._tables.names(TEXTS)]
        else:  # the index of words takes long, so it is brought up to date when it is far behind
            big = [prefix + plain_id(fingerprint) for prefix in (FRAMES, TEXTS)]
        self._tables.compact([VIDEOS, FILES, RUNS, THUMBNAILS, ANNOTATIONS, SETTINGS, SUBTITLE_SOURCES, *big])

    def discard(self, video_id: str, fingerprint: str) -> None:
        """Delete the frames of a video under one model; also its thumbnails if its record is gone (it was forgotten).

        Its record, its runs and other models stay.
        """
        pictures = [] if self.video(video_id) else [THUMBNAILS]
        self._tables.delete([FRAMES + plain_id(fingerprint), *pictures], of_video(video_id))

    def forget_frames(self, video_id: str) -> None:
        """Delete a video's runs, frames and thumbnails; its record, settings, annotations and subtitles stay."""
        self._tables.delete([RUNS, *self._tables.names(FRAMES), THUMBNAILS], of_video(video_id))

    def forget(self, video_id: str) -> None:
        """Delete everything stored of a video. Its file is not touched.

        The runs go first and the record last, so that no reader sees half of a video, and after a crash the video is
        still listed and can be forgotten again. Disk space is freed by an ``optimize`` at least an hour later, because
        others may still be reading.
        """
        self.forget_frames(video_id)
        self._tables.delete([ANNOTATIONS, SETTINGS, SUBTITLE_SOURCES, SUBTITLES, FILES, VIDEOS], of_video(video_id))
