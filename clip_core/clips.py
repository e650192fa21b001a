"""Makes clips, frames and ZIPs in the background: one board for the whole process, one at a time."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from clip_core.board import Board, TaskView
from clip_core.errors import JobCancelled
from clip_core.pipeline.export_media import Wish, export_media
from clip_core.pipeline.export_progress import ExportProgress
from clip_core.pipeline.exports_folder import clean_exports
from clip_core.pipeline.identify import file_stamp
from clip_core.values import TimeTable, VideoRecord

ExportView: TypeAlias = TaskView[str, ExportProgress]
Make: TypeAlias = Callable[[Path, Wish, Path, TimeTable, tuple[int, int]], Generator[ExportProgress, None, None]]

PATIENCE_S = 10.0


class ExportBoard:
    """Runs ``export_media``, one wish at a time, the newest first. All methods may be called from any thread.

    Args:
        folder: Where results lie, each in a folder of its own; it is cleaned of old ones now and before each new one.
        make: What runs; for tests.
    """

    def __init__(self, folder: Path, make: Make | None = None) -> None:
        self._folder = folder
        self._make: Make = make or _make
        self._board = Board[str, ExportProgress]("The export", "Nothing of it is kept; try again.", at_once=1)
        clean_exports(folder)

    def start(self, path: Path, record: VideoRecord, wish: Wish, viewer: str = "somebody") -> str:
        """Ask for clips; who asks for the same that waits or runs joins it.

        Args:
            path: The video, as it was just identified.
            record: What is known of it.
            wish: What is to be made.
            viewer: Who asks, such as a session's id.

        Returns:
            What tells this wish from others, for ``view`` and ``cancel``.

        Raises:
            VideoNotFoundError: There is no such file.
        """
        stamp = file_stamp(path)
        key = export_key(record.video_id, wish)
        result = self._folder / key

        def steps(cancelled: Callable[[], bool]) -> Generator[ExportProgress, None, None]:
            clean_exports(self._folder)
            shutil.rmtree(result, ignore_errors=True)
            done = False
            try:
                with closing(self._make(path, wish, result, record.table, stamp)) as making:
                    for progress in making:
                        done = progress.stage == "done"
                        yield progress
                        if cancelled() and not done:
                            raise JobCancelled("The export was cancelled.")
            finally:
                if not done:
                    shutil.rmtree(result, ignore_errors=True)

        self._board.start(key, steps, viewer)
        return key

    def view(self, key: str, viewer: str = "somebody") -> ExportView | None:
        """How a wish stands, None if there is none. Asking makes ``viewer`` one of its watchers.

        When it is done, the ``files`` of its report are the results; they stay for a day.
        """
        return self._board.view(key, viewer)

    def cancel(self, key: str) -> None:
        """Stop within about a second; nothing of it stays. Unknown or ended: nothing happens."""
        self._board.cancel(key)

    def stop(self, key: str) -> None:
        """Cancel, and wait until nothing is written any more, but no longer than ten seconds."""
        self._board.cancel(key)
        self._board.wait(key, PATIENCE_S)


def export_key(video_id: str, wish: Wish) -> str:
    """Return 32 hex digits that tell a wish for a video from all others: the name of its result's folder."""
    return hashlib.sha256(f"{video_id} {wish.digest}".encode()).hexdigest()[:32]


def _make(
    path: Path, wish: Wish, folder: Path, table: TimeTable, stamp: tuple[int, int]
) -> Generator[ExportProgress, None, None]:
    return export_media(path, wish, folder, table=table, stamp=stamp)
