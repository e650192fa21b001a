"""The states of tables a moment ago: a page that is drawn often need not ask an object store each time."""

from __future__ import annotations

import time


class RecentStates:
    """The last known state of each table, for as long as it counts as fresh. Threads may share it.

    Args:
        fresh_s: How long a state is fresh; 0: never, so that every read asks the store.
    """

    def __init__(self, fresh_s: float) -> None:
        self.fresh_s = fresh_s
        self._seen: dict[str, tuple[float, str]] = {}
        self._changed: dict[str, float] = {}

    def note(self, name: str, asked: float, state: str) -> None:
        """Note the state of a table that was asked for at ``asked``, by the monotonic clock."""
        self._seen[name] = (asked, state)

    def changed(self, name: str) -> None:
        """Note that this process changed a table: what was seen before does not count any more."""
        self._changed[name] = time.monotonic()

    def get(self, name: str) -> str | None:
        """Return the state of a table if it is fresh, else None."""
        asked, state = self._seen.get(name, (0.0, ""))
        is_fresh = time.monotonic() - asked < self.fresh_s and asked > self._changed.get(name, 0.0)
        return state if is_fresh else None
