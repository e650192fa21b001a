"""One open video for several threads: the viewers of a page ask it for single frames."""

from __future__ import annotations

import threading
from pathlib import Path

from clip_core.types import Frame, TimeTable
from clip_core.video.base import Video
from clip_core.video.opening import open_video


class SharedVideo:
    """Opens a video when the first frame is asked for, and lets one thread at a time decode.

    Args:
        path: The file.
        video_id: Its id, so that it need not be hashed.
        table: Its confirmed table of times, so that its packets need not be scanned.
    """

    def __init__(self, path: str | Path, video_id: str, table: TimeTable | None = None) -> None:
        self._path = Path(path)
        self._video_id = video_id
        self._table = table
        self._video: Video | None = None
        self._lock = threading.Lock()

    def frame_at(self, time_s: float) -> Frame:
        """Return the frame on the screen at ``time_s``.

        Raises:
            VideoError: The file is gone, is no longer this video, or the frame cannot be decoded.
        """
        with self._lock:
            if self._video is None:
                self._video = open_video(self._path, video_id=self._video_id, table=self._table)
            return self._video.frame_at(time_s=time_s)

    def close(self) -> None:
        """Release the file; the next frame opens it again."""
        with self._lock:
            if self._video is not None:
                self._video.close()
                self._video = None
