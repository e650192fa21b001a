"""Read a store through; say what is damaged, lacking, stored twice or left over, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from clip_core.errors import NewerStoreError, StoreError, shown_name
from clip_core.store.checked_rows import TableCounts
from clip_core.store.embeddings import FRAMES
from clip_core.store.kinds import Kind
from clip_core.store.runs import RUNS
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VIDEOS
from clip_core.text import counted, short_id

FindingResult: TypeAlias = Literal["ok", "note", "lacking", "damaged"]
_NO_HARM = "It does no harm; `store copy` to an empty place leaves it behind."


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in a table.

    Attributes:
        table: Its name.
        result: "note": nothing must be done. "lacking": a command puts it right. "damaged": it cannot be read.
        what, next_step: What was found, in one sentence, and what to do about it, or "".
    """

    table: str
    result: FindingResult
    what: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class StoreProgress:
    """How far the check is: rows that were read, of how many, and what the last table gave."""

    done: int
    total: int
    findings: tuple[Finding, ...] = ()

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


def check_store(store: EmbeddingStore) -> Iterator[StoreProgress]:
    """Read every table of a store through; nothing is changed. 8 bytes a row stay in memory.

    Raises:
        NewerStoreError: A newer version wrote the store.
        StoreError: There is nothing stored, or the place cannot be read.
    """
    kinds = store.kinds_of_tables()
    if not kinds:
        raise StoreError(f"There is nothing stored in {store.location}.", "Check the folder or address.")
    yield from _Check(store, kinds).run()


class _Check:
    """One check of a store."""

    def __init__(self, store: EmbeddingStore, kinds: dict[str, Kind]) -> None:
        self._store, self._kinds = store, kinds
        self._counts: dict[str, TableCounts] = {}
        self._done = self._total = 0

    def run(self) -> Iterator[StoreProgress]:
        broken = [finding for name in self._kinds if (finding := self._counted(name)) is not None]
        yield self._progress(*broken)
        unread = {finding.table for finding in broken}
        for name, kind in self._kinds.items():
            if name not in unread:
                yield from self._read(name, kind)
        yield self._progress(*self._of_before(), *self._vectors())
        if {VIDEOS, RUNS} <= self._counts.keys():
            yield self._progress(*self._times(), *self._runs(), *self._left_over())

    def _progress(self, *findings: Finding) -> StoreProgress:
        return StoreProgress(self._done, self._total, findings)

    def _counted(self, name: str) -> Finding | None:
        """Add the rows of a table to the total, or return why it cannot be opened."""
        try:
            self._total += self._store.row_count(name)
        except StoreError as error:
            return self._damage(name, error)
        return None

    def _read(self, name: str, kind: Kind) -> Iterator[StoreProgress]:
        counts = TableCounts()
        try:
            for rows in self._store.read_whole(name, kind, counts):
                self._done += rows
                yield self._progress()
        except NewerStoreError:
            raise
        except StoreError as error:
            yield self._progress(self._damage(name, error))
            return
        self._counts[name] = counts
        yield self._progress(*_findings(name, counts))

    def _damage(self, name: str, error: StoreError) -> Finding:
        if self._kinds[name].join == "derived":
            return Finding(name, "note", error.what, "The next search makes this table again from the frames.")
        return Finding(name, "damaged", error.what, error.next_step)

    def _of_before(self) -> Iterator[Finding]:
        for name in self._store.tables_of_before():
            yield Finding(name, "note", "Only an earlier version reads this table.", _NO_HARM)

    def _vectors(self) -> Iterator[Finding]:
        """Find vectors that are damaged, those of frames by video."""
        summaries = self._store.summaries() if VIDEOS in self._counts else ()
        names = {summary.video_id: shown_name(summary.name) for summary in summaries}
        for name, counts in self._counts.items():
            if not name.startswith(FRAMES):
                if count := counts.unusable.total():
                    what = f"{counted(count, 'vector is', 'vectors are')} zero or not finite."
                    next_step = f"Delete {self._store.location}/{name}.lance: it is made again when it is needed."
                    yield Finding(name, "lacking", what, next_step)
                continue
            for video_id, count in sorted(counts.unusable.items()):
                if video_id in names or VIDEOS not in self._counts:  # rows of others are never read
                    short = short_id(video_id)
                    damaged = f"{counted(count, 'vector is', 'vectors are')} damaged: not of unit length."
                    what = f"{names.get(video_id, short)}: {damaged}"
                    yield Finding(name, "lacking", what, f"Forget {short} and index it again.")

    def _times(self) -> Iterator[Finding]:
        """Find records whose times cannot be unpacked."""
        for summary in self._store.summaries():
            try:
                self._store.records_with_ages([summary.video_id])
            except StoreError as error:
                yield Finding(VIDEOS, "lacking", f"{shown_name(summary.name)}: {error.what}", error.next_step)

    def _runs(self) -> Iterator[Finding]:
        """Compare finished runs with the stored frames, and count those that are not finished."""
        summaries, unfinished = {summary.video_id: summary for summary in self._store.summaries()}, set[str]()
        for name in self._frame_tables():
            stored = self._counts[name].of_videos
            for video_id, run in self._store.runs_under(name.removeprefix(FRAMES)).items():
                summary, has = summaries.get(video_id), stored.get(video_id, 0)
                least = run.counts[0] if run.counts else min(1, summary.frames if summary else 0)
                if not run.finished:
                    unfinished.add(video_id)
                elif has < least and summary is not None:
                    lacks = f"{shown_name(summary.name)}: {has:,} of at least {counted(least, 'frame')} are stored."
                    yield Finding(name, "lacking", lacks, "Index it again.")
        if unfinished:
            what = f"{counted(len(unfinished), 'video is', 'videos are')} not indexed to the end."
            yield Finding(RUNS, "note", what, "Index them again to go on.")

    def _left_over(self) -> Iterator[Finding]:
        """Find rows of videos that are not stored, or not begun under their model."""
        known = {summary.video_id for summary in self._store.summaries()}
        for name, counts in self._counts.items():
            owners: Collection[str] = known
            if name.startswith(FRAMES):
                owners = self._store.runs_under(name.removeprefix(FRAMES)).keys() & known
            others = Counter({video: count for video, count in counts.of_videos.items() if video not in owners})
            if others and self._kinds[name].join != "derived":
                named = ", ".join(short_id(video) for video, _ in others.most_common(3))
                what = f"Rows of {counted(len(others), 'video')} that are not stored, such as {named}."
                yield Finding(name, "note", what, _NO_HARM)
        if cues := self._store.cues_left_over():
            yield Finding("subtitles", "note", f"{counted(cues, 'line')} of subtitles that were replaced.", _NO_HARM)

    def _frame_tables(self) -> list[str]:
        return [name for name in self._counts if name.startswith(FRAMES)]


def _findings(name: str, counts: TableCounts) -> Iterator[Finding]:
    yield Finding(name, "ok", f"{counted(counts.rows, 'row')} can be read.")
    if counts.doubled:
        what = f"{counted(counts.doubled, 'row is', 'rows are')} stored twice; each counts once."
        yield Finding(name, "note", what, _NO_HARM)
