"""Watches folders for new videos in a thread of its own, and queues them to be indexed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from clip_core.config import Config
from clip_core.encoders.base import Encoder
from clip_core.errors import ClipVideoError
from clip_core.library.add_video import open_path
from clip_core.library.identify import stamp_if_there
from clip_core.library.watched_folders import Settling, WatchedFolder, read_watched, watched_file, write_watched
from clip_core.store.store import EmbeddingStore
from clip_core.tasks import IndexQueue
from clip_core.video.sampling import is_denser

EVERY_S = 2.0
VIEWER = "watched folder"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FolderView:
    """A watched folder at one instant.

    Attributes:
        folder: The folder.
        videos: How many videos lie in it, None before the first look.
        changing: How many of them have not been taken yet because they are still changing.
        error: Why it cannot be looked at, or its model not be loaded.
    """

    folder: WatchedFolder
    videos: int | None = None
    changing: int = 0
    error: ClipVideoError | None = None


class FolderWatcher:
    """Looks at the watched folders of this machine, whose list survives the process. Thread-safe.

    Args:
        config: Returns the config as it is now.
        store: Returns the store of a config.
        queue: Indexes the videos.
        load: Returns the model of a folder.
        clock: Seconds that never jump back.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        store: Callable[[Config], EmbeddingStore],
        queue: IndexQueue,
        load: Callable[[WatchedFolder, Config], Encoder],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._store, self._queue, self._load, self._clock = config, store, queue, load, clock
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._settling: dict[str, Settling] = {}
        self._views: dict[str, FolderView] = {}
        self._thread: threading.Thread | None = None

    def views(self) -> list[FolderView]:
        """Return the watched folders as they were at the last look, by path.

        Raises:
            ConfigError: Their list cannot be read.
        """
        with self._lock:
            folders = read_watched(watched_file(self._config()))
            return [replace(self._views.get(f.path, FolderView(f)), folder=f) for f in folders]

    def add(self, folder: WatchedFolder) -> None:
        """Watch a folder from now on, also after a restart; one with the same path is replaced.

        Raises:
            ConfigError: The list of folders cannot be read or written.
        """
        with self._lock:
            self._write([*(f for f in self._read() if f.path != folder.path), folder])
            self._settling.pop(folder.path, None)
        self.start()

    def remove(self, path: str) -> None:
        """Watch a folder no longer. What is queued or indexed stays.

        Raises:
            ConfigError: The list of folders cannot be read or written.
        """
        with self._lock:
            self._write([f for f in self._read() if f.path != path])

    def leave_out(self, paths: set[str]) -> None:
        """Never queue these files again: somebody forgot their videos.

        Raises:
            ConfigError: The list of folders cannot be read or written.
        """
        with self._lock:
            folders = self._read()
            inside = [(f, {p for p in paths if Path(p).is_relative_to(f.path)} - {*f.left_out}) for f in folders]
            if any(own for _, own in inside):
                self._write([replace(f, left_out=(*f.left_out, *sorted(own))) for f, own in inside])

    def start(self) -> None:
        """Start the thread if it does not run."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="Watched folders", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread at its next look."""
        self._stopped.set()

    def look(self) -> None:
        """Look at every folder once, and queue the videos that have stopped changing.

        Raises:
            ConfigError: The config, or the list of folders, cannot be read.
        """
        config = self._config()
        for folder in read_watched(watched_file(config)):
            try:
                view = self._look_at(folder, config)
            except ClipVideoError as error:
                view = replace(self._views.get(folder.path, FolderView(folder)), error=error)
            with self._lock:
                self._views[folder.path] = view

    def _look_at(self, folder: WatchedFolder, config: Config) -> FolderView:
        left_out, videos = set(folder.left_out), open_path(folder.path, config, empty_ok=True).videos
        found = ((path, stamp_if_there(path)) for path in videos if str(path.absolute()) not in left_out)
        stamps = {path: stamp for path, stamp in found if stamp is not None}
        settling = self._settling.setdefault(folder.path, Settling())
        ready = settling.ready(stamps, self._clock())
        try:
            self._queue_ready({path: stamps[path] for path in ready}, folder, config)
        except ClipVideoError:
            settling.put_back(ready)  # its model may be there at the next look
            raise
        return FolderView(folder, len(videos), settling.changing)

    def _queue_ready(self, stamps: dict[Path, tuple[int, int]], folder: WatchedFolder, config: Config) -> None:
        if not stamps:
            return
        encoder, store, rate = self._load(folder, config), self._store(config), folder.samples_per_second
        for path, stamp in stamps.items():
            if not _is_indexed(path, stamp, encoder, store, rate):
                self._queue.start(path, encoder, store, rate, VIEWER, batch=True)

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            try:
                self.look()
            except ClipVideoError as error:
                _log.warning("The watched folders were not looked at: %s", error.line)
            except Exception:  # noqa: BLE001 - the thread must live on; the log says why
                _log.exception("looking at the watched folders failed unexpectedly")

    def _read(self) -> tuple[WatchedFolder, ...]:
        return read_watched(watched_file(self._config()))

    def _write(self, folders: list[WatchedFolder]) -> None:
        write_watched(watched_file(self._config()), folders)
        self._views = {path: view for path, view in self._views.items() if path in {f.path for f in folders}}


def _is_indexed(
    path: Path, stamp: tuple[int, int], encoder: Encoder, store: EmbeddingStore, rate: float | None
) -> bool:
    """Return whether a file is stored wholly at this rate: after a restart, all are seen for the first time."""
    video_id = store.known_id(path, *stamp)
    run = None if video_id is None else store.run(video_id, encoder.fingerprint)
    return run is not None and run.finished and not is_denser(rate, run.samples_per_second)
