"""What is being indexed right now, by which process: each keeps one row up to date, so that any page can show it."""

from __future__ import annotations

from dataclasses import dataclass

from clip_core.store.errors import asked_again
from clip_core.store.tables import StorePart, Table, columns_of, plain_id, stamp
from clip_core.text import unicode_text

ACTIVITIES = "activities"
FORGOTTEN_NS = 24 * 3600 * 1_000_000_000
"""A process that was ended leaves its row behind; another one deletes it after this time."""
COLUMNS = columns_of(
    "key string, host string, process int64, model_id string, current string, videos int64, done int64, failed int64, "
    "samples int64, per_second float64, left_s float64, at_ns int64"
)


@dataclass(frozen=True, slots=True)
class Activity:
    """The indexing of some videos by one command.

    Attributes:
        key: Identifies it, letters and digits.
        host, process: Where it runs: the name of the machine and the number of the process.
        model_id: The model's name.
        current: What it works on now, such as the name of a video.
        videos, done, failed: How many videos it was asked for, and how many of them are done or have failed.
        samples: How many samples of its videos are stored.
        per_second: Samples embedded a second; 0 while unknown.
        left_s: The seconds that it may still take, or None while unknown.
        at_ns: When it last reported, nanoseconds since 1970 by the clock of its machine.
    """

    key: str
    host: str
    process: int
    model_id: str
    current: str = ""
    videos: int = 0
    done: int = 0
    failed: int = 0
    samples: int = 0
    per_second: float = 0.0
    left_s: float | None = None
    at_ns: int = 0


class ActivityRows(StorePart):
    """The store's list of what is being indexed."""

    def activities(self) -> tuple[Activity, ...]:
        """Return the last report of each, in the order of their keys; some may have ended without a word."""
        return self._tables.answered(ACTIVITIES, None, _newest)

    @asked_again
    def report_activity(self, activity: Activity) -> None:
        """Store a report in place of the last one with the same key; its ``at_ns`` is taken here."""
        key = plain_id(activity.key)
        row = {name: getattr(activity, name) for name in COLUMNS}
        row |= {name: unicode_text(getattr(activity, name)) for name in ("host", "model_id", "current")}
        with self._tables.writing(ACTIVITIES, COLUMNS) as table:
            at_ns = stamp()
            table.add_rows({**row, "at_ns": at_ns})
            table.delete(f"(key = '{key}' AND at_ns < {at_ns}) OR at_ns < {at_ns - FORGOTTEN_NS}")

    def end_activity(self, key: str) -> None:
        """Take an activity off the list."""
        self._tables.delete([ACTIVITIES], f"key = '{plain_id(key)}'")


def _newest(table: Table | None) -> tuple[Activity, ...]:
    if table is None:
        return ()
    rows = sorted(table.rows(tuple(COLUMNS)).to_pylist(), key=lambda row: row["at_ns"])
    newest = {row["key"]: row for row in rows}
    return tuple(Activity(**{name: newest[key][name] for name in COLUMNS}) for key in sorted(newest))
