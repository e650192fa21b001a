"""EmbeddingStore: what the background work writes and the page reads."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from clip_core.store import edits, frames, runs, settings, texts, thumbnails, upkeep, videos
from clip_core.store.frames import Revision
from clip_core.store.locks import IndexingLock
from clip_core.store.runs import RunRecord
from clip_core.store.settings import KeptSettings
from clip_core.store.tables import Tables, plain_id
from clip_core.store.upkeep import StoredModel, StoredVideo
from clip_core.types import Edit, Floats, FrameEmbeddings, Ints, VideoRecord

__all__ = ["EmbeddingStore", "IndexingLock", "KeptSettings", "Revision", "RunRecord", "StoredModel", "StoredVideo"]


class EmbeddingStore:
    """Videos, embeddings of frames and embeddings of texts, in a folder or an object store.

    Any number of processes may use one place, and threads may share the object. Nothing is opened
    before the first use, and the folder is made at the first write. Every method raises
    ``StoreError`` if the place cannot be read or written, and those that write raise
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
        """Store what is known of a video. The newest record counts, with the ``added_s`` of the first."""
        videos.remember(self._tables, record)

    def video(self, video_id: str) -> VideoRecord | None:
        """What is known of a video, None if nothing is."""
        where = f"video = '{plain_id(video_id)}'"
        found = self._tables.answered(videos.VIDEOS, where, lambda table: videos.records(table, where))
        return found[0] if found else None

    def videos(self) -> list[VideoRecord]:
        """All videos, the last added first."""
        return list(self._tables.answered(videos.VIDEOS, None, videos.records))

    def known_id(self, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int) -> str | None:
        """The id of the video at ``path``, if this file was seen with this size and modification time."""
        return videos.known_id(self._tables, path, size_bytes, mtime_ns)

    def remember_id(self, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int, video_id: str) -> None:
        """Note the id of the video at ``path``, so that its bytes need not be hashed again."""
        videos.remember_id(self._tables, path, size_bytes, mtime_ns, video_id)

    # Runs

    def begin(self, video_id: str, fingerprint: str, model_id: str, samples_per_second: float | None) -> None:
        """Note that a video is being embedded; the run is unfinished from now on. None: every frame."""
        runs.note(self._tables, video_id, fingerprint, model_id, samples_per_second, finished=False)

    def finish(self, video_id: str, fingerprint: str, samples_per_second: float | None) -> None:
        """Note that all samples of a rate are stored.

        Raises:
            NotIndexedError: The run was never begun, or was forgotten meanwhile.
        """
        runs.note(self._tables, video_id, fingerprint, None, samples_per_second, finished=True)
        upkeep.index(self._tables, fingerprint)
        thumbnails.index(self._tables)

    def run(self, video_id: str, fingerprint: str) -> RunRecord | None:
        """How far a video is under a model, None if it was never begun."""
        return runs.run(self._tables, video_id, fingerprint)

    def indexing(self, video_id: str, fingerprint: str) -> IndexingLock:
        """A courtesy lock for one (video, model): ``with store.indexing(…) as lock: if lock.held: …``."""
        return IndexingLock(self._tables, video_id, fingerprint)

    # Frames

    def append(self, video_id: str, fingerprint: str, embeddings: FrameEmbeddings) -> None:
        """Commit one batch, all or none. A frame that is stored already does no harm.

        Raises:
            StoreError: The vectors are of another length than those of this model.
        """
        frames.append(self._tables, video_id, fingerprint, embeddings)

    def stored_pts(self, video_id: str, fingerprint: str) -> Ints:
        """int64 (n,): the pts of the frames that are stored, rising, each once."""
        return frames.stored_pts(self._tables, video_id, fingerprint)

    def read(self, video_id: str, fingerprint: str, since: Revision | None = None) -> tuple[FrameEmbeddings, Revision]:
        """What was committed since a revision: each frame once over the whole chain of reads.

        Args:
            video_id: The video.
            fingerprint: The model.
            since: What the last read returned; None reads all.

        Returns:
            The new frames sorted by pts, vectors float32 (n, dim) of unit length (dim is 0 before
            the first append), and the revision to pass next time. If ``revision.restarted``, the
            video was forgotten and begun anew: drop what the chain gave before.

        Raises:
            NotIndexedError: The video was never begun under this model, or was forgotten.
        """
        return frames.read(self._tables, video_id, fingerprint, since)

    # Texts

    def texts(self, fingerprint: str, prompts: Sequence[str]) -> dict[str, Floats]:
        """Prompt → float32 (dim,), for those of ``prompts`` (NFC) whose vectors are stored."""
        return texts.texts(self._tables, fingerprint, prompts)

    def append_texts(self, fingerprint: str, prompts: Sequence[str], vectors: Floats) -> None:
        """Store the vectors of prompts (NFC): float32 (len(prompts), dim)."""
        texts.append_texts(self._tables, fingerprint, prompts, vectors)

    # Thumbnails

    def append_thumbnails(self, video_id: str, jpegs: Mapping[int, bytes]) -> None:
        """Store small pictures of frames, whatever the model: pts → JPEG. One that is stored does no harm."""
        thumbnails.append(self._tables, video_id, jpegs)

    def thumbnail_pts(self, video_id: str) -> Ints:
        """int64 (n,): the pts of the frames that have a thumbnail, rising, each once."""
        return thumbnails.stored_pts(self._tables, video_id)

    def thumbnails(self, video_id: str, pts: Sequence[int]) -> dict[int, bytes]:
        """Pts → JPEG, for those of ``pts`` that have a thumbnail."""
        return thumbnails.read(self._tables, video_id, pts)

    # Edits

    def edits(self, video_id: str) -> tuple[Edit, ...]:
        """What was said of this video's moments by hand, in order of their anchors."""
        return edits.edits(self._tables, video_id)

    def put_edit(self, video_id: str, edit: Edit) -> None:
        """Store an edit; it replaces the one of the same prompt and anchor."""
        edits.put(self._tables, video_id, edit)

    def withdraw_edit(self, video_id: str, edit: Edit) -> None:
        """Take an edit back."""
        edits.put(self._tables, video_id, edit, withdrawn=True)

    # Settings

    def settings(self, video_id: str) -> KeptSettings | None:
        """The settings that are kept of a video, None if none are.

        Raises:
            RecipeError: What is kept cannot be used.
        """
        return settings.kept(self._tables, video_id)

    def keep_settings(self, video_id: str, kept: KeptSettings) -> None:
        """Keep the settings of a video in place of those of before.

        Raises:
            StoreError: They are larger than 1 MB.
        """
        settings.keep(self._tables, video_id, kept)

    def drop_settings(self, video_id: str) -> None:
        """Delete the settings that are kept of a video."""
        settings.drop(self._tables, video_id)

    # Upkeep

    def usage(self) -> list[StoredVideo]:
        """What is stored of each video and about how much room it takes, the last added first."""
        return upkeep.usage(self._tables)

    def size_bytes(self) -> int:
        """The room that the whole store takes; an estimate if it is no folder."""
        return upkeep.size_bytes(self._tables)

    def optimize(self, fingerprint: str | None = None) -> None:
        """Join small files of one model's tables, or of all; call it when a video is finished.

        Versions over an hour old are dropped, so room that was freed comes back then. A race lost
        to another process is no error.
        """
        upkeep.optimize(self._tables, fingerprint)

    def discard(self, video_id: str, fingerprint: str) -> None:
        """Delete the frames of a video under one model alone."""
        upkeep.discard(self._tables, video_id, fingerprint)

    def forget_frames(self, video_id: str) -> None:
        """Delete what indexing stored of a video under all models; its record, settings and judgements stay."""
        upkeep.forget_frames(self._tables, video_id)

    def forget(self, video_id: str) -> None:
        """Delete all that is stored of a video. Its file is not touched.

        The room comes back with an ``optimize`` an hour later, for others may still be reading.
        """
        upkeep.forget(self._tables, video_id)
