"""Makes copies to play in the background: one board for the whole process, one copy at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from clip_core.board import Board, TaskView
from clip_core.errors import JobCancelled
from clip_core.pipeline.identify import file_stamp
from clip_core.pipeline.make_proxy import ProxyProgress, make_proxy
from clip_core.values import TimeTable, VideoRecord

ProxyView: TypeAlias = TaskView[str, ProxyProgress]
Make: TypeAlias = Callable[[Path, Path, TimeTable, tuple[int, int]], Generator[ProxyProgress, None, None]]

PATIENCE_S = 10.0


class ProxyBoard:
    """Runs ``make_proxy``, one video at a time, the newest wish first. All methods may be called from any thread.

    Args:
        make: What runs; for tests.
    """

    def __init__(self, make: Make | None = None) -> None:
        self._make: Make = make or _make
        self._board = Board[str, ProxyProgress]("The copy to play", "Nothing of it is kept; try again.", at_once=1)

    def start(self, path: Path, record: VideoRecord, destination: Path, viewer: str = "somebody") -> None:
        """Ask for a copy; who asks for one that waits or runs joins it.

        Args:
            path: The video, as it was just identified.
            record: What is known of it.
            destination: Where its copy will lie.
            viewer: Who asks, such as a session's id.

        Raises:
            VideoNotFoundError: There is no such file.
        """
        stamp = file_stamp(path)

        def steps(cancelled: Callable[[], bool]) -> Generator[ProxyProgress, None, None]:
            with closing(self._make(path, destination, record.table, stamp)) as making:
                for progress in making:
                    yield progress
                    if cancelled() and not destination.is_file():
                        raise JobCancelled("The copy to play was cancelled.")

        self._board.start(record.video_id, steps, viewer)

    def view(self, video_id: str, viewer: str = "somebody") -> ProxyView | None:
        """How the copy of a video stands, None if there is none. Asking makes ``viewer`` one of its watchers.

        A copy that waits and that nobody watches any more is dropped, and then there is none.
        """
        return self._board.view(video_id, viewer)

    def cancel(self, video_id: str) -> None:
        """Stop making a copy within about a second; nothing of it stays. Unknown or ended: nothing happens."""
        self._board.cancel(video_id)

    def stop(self, video_id: str) -> None:
        """Cancel, and wait until nothing is written any more, but no longer than ten seconds."""
        self._board.cancel(video_id)
        self._board.wait(video_id, PATIENCE_S)


def _make(
    path: Path, destination: Path, table: TimeTable, stamp: tuple[int, int]
) -> Generator[ProxyProgress, None, None]:
    return make_proxy(path, destination, table=table, stamp=stamp)
