"""EmbeddingStore: the public interface of the store, written by background tasks and read by the page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from clip_core.store import annotation_rows, embeddings, runs, thumbnails, upkeep, video_settings, videos
from clip_core.store.embeddings import Revision
from clip_core.store.runs import IndexingLock, RunRecord
from clip_core.store.tables import Tables, of_video
from clip_core.store.upkeep import StoredModel, StoredVideo
from clip_core.store.video_settings import StoredSettings
from clip_core.types import Annotation, Floats, FrameEmbeddings, Ints, VideoRecord

__all__ = ["EmbeddingStore", "IndexingLock", "Revision", "RunRecord", "StoredModel", "StoredSettings", "StoredVideo"]


class EmbeddingStore:
    """Videos, embeddings, thumbnails, annotations and settings, in a folder or an object store.

    Any number of processes may use one location, and threads may share the object. Nothing is opened
    before the first use, and the folder is created at the first write. Every method raises
    ``StoreError`` if the location cannot be read or written, and those that write raise
    ``StoreFullError`` if the disk is full; what was committed before stays.

    Args:
        location: A folder, or an address such as ``s3://bucket/embeddings``.
    """

    def __init__(self, location: str | Path) -> None:
        self._tables = Tables(location)

    def __repr__(self) -> str:
        return f"EmbeddingStore({self.location!r})"

    @property
    def location(self) -> str:
        """The folder (absolute) or address."""
        return self._tables.location

    # Videos

    def remember_video(self, record: VideoRecord) -> None:
        """Store a video's record. The newest record counts, with the ``added_s`` of the first."""
        videos.remember(self._tables, record)

    def video(self, video_id: str) -> VideoRecord | None:
        """Return the record of a video, or None if there is none."""
        where = of_video(video_id)
        found = self._tables.answered(videos.VIDEOS, where, lambda table: videos.records(table, where))
        return found[0] if found else None

    def videos(self) -> list[VideoRecord]:
        """Return all videos, the last added first."""
        return list(self._tables.answered(videos.VIDEOS, None, videos.records))

    def known_id(self, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int) -> str | None:
        """Return the id of the video at ``path`` if it is known with this size and modification time, else None."""
        return videos.known_id(self._tables, path, size_bytes, mtime_ns)

    def remember_id(self, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int, video_id: str) -> None:
        """Store the id of the video at ``path``, so that its bytes need not be hashed again."""
        videos.remember_id(self._tables, path, size_bytes, mtime_ns, video_id)

    # Runs

    def begin(self, video_id: str, fingerprint: str, model_id: str, samples_per_second: float | None) -> None:
        """Record that a run begins; it is unfinished from now on. A rate of None means every frame."""
        runs.note(self._tables, video_id, fingerprint, model_id, samples_per_second, finished=False)

    def finish(self, video_id: str, fingerprint: str, samples_per_second: float | None) -> None:
        """Record that all samples of a rate are stored.

        Raises:
            NotIndexedError: The run was never begun, or was forgotten meanwhile.
        """
        runs.note(self._tables, video_id, fingerprint, None, samples_per_second, finished=True)
        self._tables.index(embeddings.FRAMES + fingerprint)
        self._tables.index(thumbnails.THUMBNAILS)

    def run(self, video_id: str, fingerprint: str) -> RunRecord | None:
        """Return the state of a video under a model, or None if it was never begun."""
        return runs.run(self._tables, video_id, fingerprint)

    def indexing(self, video_id: str, fingerprint: str) -> IndexingLock:
        """Return an advisory lock for one (video, model): ``with store.indexing(…) as lock: if lock.held: …``."""
        return IndexingLock(self._tables, video_id, fingerprint)

    # Frames

    def append(self, video_id: str, fingerprint: str, frames: FrameEmbeddings) -> None:
        """Commit one batch, all or nothing. Frames that are stored already may be appended again.

        Raises:
            StoreError: The vectors' length differs from that of this model's stored vectors.
        """
        embeddings.append_frames(self._tables, video_id, fingerprint, frames)

    def stored_pts(self, video_id: str, fingerprint: str) -> Ints:
        """Return the pts of the stored frames: int64 (n,), increasing, each once."""
        return embeddings.stored_pts(self._tables, video_id, fingerprint)

    def read(self, video_id: str, fingerprint: str, since: Revision | None = None) -> tuple[FrameEmbeddings, Revision]:
        """Return the frames committed since a revision, each once over the whole chain of reads.

        Args:
            video_id: The video.
            fingerprint: The model.
            since: The revision that the last read returned; None reads all.

        Returns:
            The new frames sorted by pts, vectors float32 (n, dim) of unit length (dim is 0 before
            the first append), and the revision to pass next time. If ``revision.restarted``, the
            video was forgotten and begun again: drop the frames of earlier reads.

        Raises:
            NotIndexedError: The video was never begun under this model, or was forgotten.
        """
        return embeddings.read_frames(self._tables, video_id, fingerprint, since)

    # Texts

    def texts(self, fingerprint: str, prompts: Sequence[str]) -> dict[str, Floats]:
        """Return prompt → float32 (dim,), for those of ``prompts`` (NFC) whose vectors are stored."""
        return embeddings.read_texts(self._tables, fingerprint, prompts)

    def append_texts(self, fingerprint: str, prompts: Sequence[str], vectors: Floats) -> None:
        """Store the vectors of prompts (NFC): float32 (len(prompts), dim)."""
        embeddings.append_texts(self._tables, fingerprint, prompts, vectors)

    # Thumbnails

    def append_thumbnails(self, video_id: str, jpegs: Mapping[int, bytes]) -> None:
        """Store thumbnails of frames, shared by all models: pts → JPEG. Stored ones may be appended again."""
        thumbnails.append(self._tables, video_id, jpegs)

    def thumbnail_pts(self, video_id: str) -> Ints:
        """Return the pts of the frames that have a thumbnail: int64 (n,), increasing, each once."""
        return thumbnails.stored_pts(self._tables, video_id)

    def thumbnails(self, video_id: str, pts: Sequence[int]) -> dict[int, bytes]:
        """Return pts → JPEG, for those of ``pts`` that have a thumbnail."""
        return thumbnails.read(self._tables, video_id, pts)

    # Annotations

    def annotations(self, video_id: str) -> tuple[Annotation, ...]:
        """Return the annotations of a video's moments, ordered by anchor."""
        return annotation_rows.current(self._tables, video_id)

    def put_annotation(self, video_id: str, annotation: Annotation) -> None:
        """Store an annotation; it replaces the one of the same prompt and anchor."""
        annotation_rows.put(self._tables, video_id, annotation)

    def withdraw_annotation(self, video_id: str, annotation: Annotation) -> None:
        """Remove an annotation."""
        annotation_rows.put(self._tables, video_id, annotation, withdrawn=True)

    # Settings

    def settings(self, video_id: str) -> StoredSettings | None:
        """Return the stored settings of a video, or None if there are none.

        Raises:
            SettingsError: The stored settings are invalid.
        """
        return video_settings.kept(self._tables, video_id)

    def keep_settings(self, video_id: str, kept: StoredSettings) -> None:
        """Store the settings of a video in place of the previous ones.

        Raises:
            StoreError: They are larger than 1 MB.
        """
        video_settings.keep(self._tables, video_id, kept)

    def drop_settings(self, video_id: str) -> None:
        """Delete the stored settings of a video."""
        self._tables.delete([video_settings.SETTINGS], of_video(video_id))

    # Upkeep

    def usage(self) -> list[StoredVideo]:
        """Return what is stored of each video and roughly how much space it takes, the last added first."""
        return upkeep.usage(self._tables)

    def size_bytes(self) -> int:
        """Return the size of the whole store; an estimate if it is not a folder."""
        return upkeep.size_bytes(self._tables)

    def optimize(self, fingerprint: str | None = None) -> None:
        """Merge small fragments of one model's tables, or of all; call it when a video is finished.

        Versions over an hour old are deleted, and only then is their disk space freed. Losing a
        race against another process is not an error.
        """
        upkeep.optimize(self._tables, fingerprint)

    def discard(self, video_id: str, fingerprint: str) -> None:
        """Delete the frames of a video under one model; also its thumbnails if its record is gone."""
        upkeep.discard(self._tables, video_id, fingerprint)

    def forget_frames(self, video_id: str) -> None:
        """Delete a video's runs, frames and thumbnails; its record, settings and annotations stay."""
        upkeep.forget_frames(self._tables, video_id)

    def forget(self, video_id: str) -> None:
        """Delete everything stored of a video. Its file is not touched.

        Disk space is freed by an ``optimize`` at least an hour later, because others may still be reading.
        """
        upkeep.forget(self._tables, video_id)
