"""Report to the store what this process is indexing, and tell which of the reports there are still fresh."""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Self

from clip_core.errors import StoreError
from clip_core.store.activities import Activity
from clip_core.store.store import EmbeddingStore

_log = logging.getLogger(__name__)
EVERY_S, EVERY_S_AFAR = 5.0, 15.0
"""Seconds between two reports, in a folder and in an object store, where each is two requests or more."""
FRESH_S = 4 * EVERY_S_AFAR
"""A process that has not reported for so long has ended without a word."""


class ActivityReporter:
    """Keeps the store's row on what this process is indexing; the row is deleted at the end of the ``with`` block.

    Args:
        store: Where the videos are indexed.
        model_id: The model's name.
        videos: How many videos were asked for.
    """

    def __init__(self, store: EmbeddingStore, model_id: str, videos: int) -> None:
        self._store = store
        self._last = Activity(uuid.uuid4().hex, socket.gethostname(), os.getpid(), model_id, videos=videos)
        self._every_s = EVERY_S_AFAR if "://" in store.location else EVERY_S
        self._told_s: float | None = None

    def report(self, counts: Callable[[], Mapping[str, Any]]) -> None:
        """Store what ``counts`` returns, fields of ``Activity``, unless the last report is only seconds old."""
        now_s = time.monotonic()
        if self._told_s is not None and now_s - self._told_s < self._every_s:
            return
        self._told_s = now_s
        self._last = replace(self._last, **counts())
        try:
            self._store.report_activity(self._last)
        except StoreError as error:  # whoever watches misses a report; the next one follows in seconds
            _log.warning("Progress is not shown to others: %s", error.line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._told_s is None:
            return
        try:
            self._store.end_activity(self._last.key)
        except StoreError as trouble:  # the row is not fresh any more in a minute
            _log.warning("What was shown to others stays for a minute: %s", trouble.line)


class FreshActivities:
    """Tells which activities are alive, although the clocks of other machines may differ from this one's.

    One is alive if it reported within the last minute by both clocks, or if a new report was seen within that time.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float]] = {}

    def of(self, activities: Iterable[Activity]) -> list[Activity]:
        """Return those of the stored activities that are alive."""
        now_s, wall_ns = time.monotonic(), time.time_ns()
        fresh, seen = [], {}
        for activity in activities:
            at_ns, changed_s = self._seen.get(activity.key, (activity.at_ns, float("-inf")))
            if activity.at_ns != at_ns:
                changed_s = now_s
            seen[activity.key] = activity.at_ns, changed_s
            if now_s - changed_s < FRESH_S or abs(wall_ns - activity.at_ns) < FRESH_S * 1e9:
                fresh.append(activity)
        self._seen = seen
        return fresh
