"""The store as a page needs it, which runs from top to bottom at every click: asked again only after a commit."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from clip_core.store.store import EmbeddingStore, Revision, RunRecord
from clip_core.values import FrameEmbeddings, VideoRecord

T = TypeVar("T")
Stamp = tuple[tuple[str, int], ...]

MOST_ANSWERS = 256
SETTLED_NS = 100_000_000
"""A folder's time of change may stand still for some milliseconds: a younger one does not prove anything."""


class QuickStore(EmbeddingStore):
    """An ``EmbeddingStore`` that remembers its answers while nobody, in any process, has committed anything.

    LanceDB writes a new manifest for each commit, so the times of change of the tables' ``_versions``
    folders tell. A store that is no folder is asked each time.
    """

    def __init__(self, location: str | Path) -> None:
        super().__init__(location)
        self._folder = None if "://" in str(location) else Path(self.location)
        self._stamp: Stamp | None = None
        self._answers: dict[object, Any] = {}
        self._lock = threading.Lock()

    def video(self, video_id: str) -> VideoRecord | None:
        """As the store says."""
        return self._asked(("video", video_id), lambda: super(QuickStore, self).video(video_id))

    def videos(self) -> list[VideoRecord]:
        """As the store says."""
        return self._asked("videos", super().videos)

    def known_id(self, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int) -> str | None:
        """As the store says."""
        key = ("id", os.fspath(path), size_bytes, mtime_ns)
        return self._asked(key, lambda: super(QuickStore, self).known_id(path, size_bytes, mtime_ns))

    def run(self, video_id: str, fingerprint: str) -> RunRecord | None:
        """As the store says."""
        return self._asked(("run", video_id, fingerprint), lambda: super(QuickStore, self).run(video_id, fingerprint))

    def read(self, video_id: str, fingerprint: str, since: Revision | None = None) -> tuple[FrameEmbeddings, Revision]:
        """As the store says; nothing, without asking, when ``since`` is still the newest."""
        stamp = self._settled_stamp()
        if since is not None and self._remembered(stamp, ("read", video_id, fingerprint, id(since)), None) is since:
            return _NOTHING, since
        found, revision = super().read(video_id, fingerprint, since)
        newest = replace(revision, restarted=False)
        self._remember(stamp, ("read", video_id, fingerprint, id(newest)), newest)
        return found, revision if revision.restarted else newest

    def _asked(self, key: object, ask: Callable[[], T]) -> T:
        stamp = self._settled_stamp()
        known = self._remembered(stamp, key, _UNKNOWN)
        if known is not _UNKNOWN:
            return known  # type: ignore[no-any-return]
        answer = ask()
        self._remember(stamp, key, answer)
        return answer

    def _settled_stamp(self) -> Stamp | None:
        """What changes with each commit; None when it cannot tell. Taken before the store is asked."""
        if self._folder is None:
            return None
        try:
            with os.scandir(self._folder) as entries:
                tables = sorted(entry.path for entry in entries if entry.name.endswith(".lance"))
            stamp = tuple((table, Path(table, "_versions").stat().st_mtime_ns) for table in tables)
        except OSError:
            return None
        youngest = max((changed for _, changed in stamp), default=0)
        return stamp if 0 < youngest < time.time_ns() - SETTLED_NS else None

    def _remembered(self, stamp: Stamp | None, key: object, otherwise: object) -> Any:  # noqa: ANN401 - of any kind
        with self._lock:
            return self._answers.get(key, otherwise) if stamp is not None and stamp == self._stamp else otherwise

    def _remember(self, stamp: Stamp | None, key: object, answer: object) -> None:
        if stamp is None:
            return
        with self._lock:
            if stamp != self._stamp or len(self._answers) >= MOST_ANSWERS:
                self._stamp, self._answers = stamp, {}
            self._answers[key] = answer


_UNKNOWN = object()
_NOTHING = FrameEmbeddings(np.empty(0, np.int64), np.empty(0, np.float64), np.empty((0, 0), np.float32))
