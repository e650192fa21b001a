"""Whether the frames that OpenCV gives reach the end that the header promises."""

from __future__ import annotations

from pathlib import Path

from clip_core.video.base import VideoInfo
from clip_core.video.framing import counts_pictures_only

# Headers round, and some count the time before the first frame.
_SLACK_S = 1.0


class PromisedEnd:
    """Watches the frames of one pass go by.

    Args:
        path: The file.
        header: What its container says.
    """

    def __init__(self, path: Path, header: VideoInfo) -> None:
        told = header.header_duration_s is not None and counts_pictures_only(path, header.container)
        self._promised_s = header.header_duration_s if told else None
        self._slack_s = _SLACK_S + 0.5 / (header.header_fps or 25.0)
        self._first: tuple[float, float] | None = None
        self._last = (0.0, 0.0)
        self._longest_s = 0.0

    def see(self, time_s: float, units: float) -> None:
        """Note a frame: its time from the first frame, and the same on the file's own clock, in unknown units."""
        if self._first is None:
            self._first = (time_s, units)
        else:
            self._longest_s = max(self._longest_s, time_s - self._last[0])
        self._last = (time_s, units)

    def is_missed(self) -> bool:
        """Return whether over a second, and the longest step between two frames, was promised after the last."""
        if self._promised_s is None or self._first is None or self._last[1] <= self._first[1]:
            return False
        (first_s, first), (last_s, last) = self._first, self._last
        start_s = first * (last_s - first_s) / (last - first)
        return self._promised_s > start_s + last_s + self._longest_s + self._slack_s
