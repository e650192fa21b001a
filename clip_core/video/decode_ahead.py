"""Decoding in a thread of its own, a bounded number of frames ahead of the encoder."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Self

from clip_core.types import Frame

IN_FLIGHT_BYTES = 192 * 1024 * 1024
MOST_IN_FLIGHT = 64


def room_for(width: int, height: int, most: int = MOST_IN_FLIGHT) -> int:
    """How many frames of this size may wait, at most ``most``, so that memory stays the same whatever the video."""
    return max(2, min(most, IN_FLIGHT_BYTES // max(1, width * height * 3)))


class DecodeAhead:
    """Runs an iterator of frames in a thread, at most ``room`` frames ahead of ``take``.

    FFmpeg and ONNX Runtime both leave the interpreter's lock while they work, so the two overlap.

    Args:
        frames: What to run; nobody else may use its video until ``close`` has returned.
        room: How many frames may wait.
    """

    def __init__(self, frames: Iterator[Frame], room: int) -> None:
        self._frames = frames
        self._room = room
        self._waiting: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._closed = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="decode-ahead", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            for frame in self._frames:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._room)
                    if self._closed:
                        break
                    self._waiting.append(frame)
                    self._changed.notify_all()
        except Exception as caught:  # noqa: BLE001 - it rises again in take(), in the thread that asked
            error = caught
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify_all()

    def take(self, most: int, wait_s: float) -> list[Frame]:
        """Return up to ``most`` frames within ``wait_s``; a short list does not mean end of stream.

        Raises:
            VideoDecodeError: Whatever the iterator raised, after the frames before it were taken.
        """
        most = min(most, self._room)
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._waiting) >= most, timeout=wait_s)
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            self._changed.notify_all()
            if not taken and self._error is not None:
                raise self._error
        return taken

    @property
    def finished(self) -> bool:
        """Whether all frames were decoded and taken; an error still to be raised counts as a frame."""
        with self._changed:
            return self._ended and not self._waiting and self._error is None

    def close(self) -> None:
        """Stop decoding and wait until the thread is gone."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
