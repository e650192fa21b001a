"""Reports on what is being indexed, and which of them are fresh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clip_core.indexing import activity
from clip_core.indexing.activity import EVERY_S, FRESH_S, ActivityReporter, FreshActivities
from clip_core.store.activities import FORGOTTEN_NS, Activity
from clip_core.store.store import EmbeddingStore

COUNTS: dict[str, Any] = {"current": "a.mp4", "failed": 1, "samples": 40, "per_second": 2.5, "left_s": 60.0}


class Clocks:
    """Stands in for the module ``time``."""

    def __init__(self) -> None:
        self.at_s = 1000.0

    def monotonic(self) -> float:
        return self.at_s

    def time_ns(self) -> int:
        return int(self.at_s * 1e9)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(activity, "time", clocks)
    return clocks


def test_what_is_told_can_be_read_by_others_until_the_end(tmp_path: Path) -> None:
    store, other = EmbeddingStore(tmp_path), EmbeddingStore(tmp_path, read_only=True)
    with ActivityReporter(store, "clip", 7) as reporter:
        assert other.activities() == ()
        reporter.report(lambda: {"done": 3, **COUNTS})
        (told,) = other.activities()
        assert (told.model_id, told.videos, told.done, told.failed, told.current) == ("clip", 7, 3, 1, "a.mp4")
        assert (told.samples, told.per_second, told.left_s) == (40, 2.5, 60.0)
    assert other.activities() == ()


def test_reports_are_some_seconds_apart(tmp_path: Path, clocks: Clocks) -> None:
    store = EmbeddingStore(tmp_path)
    with ActivityReporter(store, "clip", 7) as reporter:
        for later_s, done in ((0.0, 1), (EVERY_S - 1, 2), (1.0, 3)):
            clocks.at_s += later_s
            reporter.report(lambda done=done: {"done": done, **COUNTS})
            assert [told.done for told in store.activities()] == [{1: 1, 2: 1, 3: 3}[done]]


def test_a_row_that_was_left_behind_is_deleted_a_day_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EmbeddingStore(tmp_path)
    monkeypatch.setattr("clip_core.store.activities.stamp", lambda: 5)
    store.report_activity(Activity("left", "here", 1, "m"))
    for at_ns, keys in ((FORGOTTEN_NS, ["left", "new"]), (FORGOTTEN_NS + 6, ["new"])):
        monkeypatch.setattr("clip_core.store.activities.stamp", lambda now=at_ns: now)
        store.report_activity(Activity("new", "here", 1, "m"))
        assert [told.key for told in store.activities()] == keys


def test_of_a_machine_whose_clock_is_an_hour_off_only_what_changes_is_fresh(clocks: Clocks) -> None:
    fresh, hour = FreshActivities(), 3600 * 10**9

    def report(at_ns: int) -> list[Activity]:
        return fresh.of([Activity("a", "afar", 1, "m", at_ns=at_ns)])

    start = clocks.time_ns() - hour
    assert report(start) == []
    clocks.at_s += 5
    assert report(start + 5) != []
    clocks.at_s += FRESH_S - 1
    assert report(start + 5) != []
    clocks.at_s += 2
    assert report(start + 5) == []


def test_what_reported_within_a_minute_is_fresh_at_once(clocks: Clocks) -> None:
    assert FreshActivities().of([Activity("a", "near", 1, "m", at_ns=clocks.time_ns() - 10**9)]) != []
    past = clocks.time_ns() - int((FRESH_S + 1) * 1e9)
    assert FreshActivities().of([Activity("a", "near", 1, "m", at_ns=past)]) == []
