"""Merge a store into another: what two machines indexed, or a copy of one into an empty place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from clip_core.errors import StoreError, shown_name
from clip_core.store.embeddings import FRAMES
from clip_core.store.kinds import Kind
from clip_core.store.runs import RunRecord, RunState
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VIDEOS
from clip_core.text import counted
from clip_core.types import VideoRecord
from clip_core.video.sampling import is_denser, sample_pts

_RECORDS_AT_ONCE = 20
"""The times of an hour are 1.7 MB in memory."""
_NANOSECOND = Fraction(1, 10**9)


@dataclass(frozen=True, slots=True)
class MergeProgress:
    """How far a merge is.

    Attributes:
        done, total: Rows of embeddings, texts and thumbnails that were looked at, of how many.
        added: Name of a table → how many rows were added; of records and runs, how many were added or changed.
        notes: Sentences about videos of which only one store's frames were kept.
        finished: Whether nothing is left to do.
    """

    done: int
    total: int
    added: Mapping[str, int]
    notes: Sequence[str] = ()
    finished: bool = False

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else float(self.finished)


def check_places(source: EmbeddingStore, target: EmbeddingStore, *, is_copy: bool) -> None:
    """Refuse two places that cannot be merged, before anything is written.

    Args:
        source, target: The stores.
        is_copy: Whether the target must hold no video that the source does not hold.

    Raises:
        ReadOnlyError: The target is read-only.
        StoreError: They are the same place; there is nothing in the source; a newer version wrote one of them; or the
            target of a copy holds other videos.
    """
    target.check_writable()
    if _place(source) == _place(target):
        raise StoreError(f"{source.location} would be merged with itself.", "Give two places.")
    if not source.known_tables():
        raise StoreError(f"There is nothing stored in {source.location}.", "Check the folder or address.")
    target.known_tables()
    if is_copy:
        others = len(_videos(target) - _videos(source))
        if others:
            what = f"The target holds {counted(others, 'video')} that the source does not hold."
            raise StoreError(what, "Copy to an empty place, or use: store merge FROM TO")


def merge_stores(source: EmbeddingStore, target: EmbeddingStore) -> Iterator[MergeProgress]:
    """Add to a store what another one has and it lacks; nothing is added twice, and a stopped merge goes on.

    Of two rows of one key, one counts: of embeddings, texts and thumbnails any, as they are equal; of annotations,
    saved searches, settings, failures, subtitles and known files the newest. A video's record of confirmed times beats
    one of unconfirmed times. If the two stores read its pictures in different ways, or its times differ, the frames of
    only one store are kept, of the newer way. A run has the denser rate and is finished if all samples are there.
    Stretches, their summaries and indexes are not merged: the next search makes what is outdated.

    Args:
        source: Only read; see ``check_places``.
        target: What is not in ``source`` stays, but for frames that were read in an outdated way.

    Yields:
        Progress after each part.

    Raises:
        StoreError: One of the stores cannot be read or written; what was committed stays.
    """
    yield from _Merge(source, target).run()


def _place(store: EmbeddingStore) -> str:
    return store.location.rstrip("/") if "://" in store.location else str(Path(store.location).resolve())


def _videos(store: EmbeddingStore) -> set[str]:
    return {summary.video_id for summary in store.summaries()}


class _Merge:
    """One merge."""

    def __init__(self, source: EmbeddingStore, target: EmbeddingStore) -> None:
        self._source, self._target = source, target
        self._kinds = source.known_tables()
        self._streamed = [name for name, kind in self._kinds.items() if kind.join == "same"]
        self._total = sum(source.row_count(name) for name in self._streamed)
        self._done, self._added = 0, Counter[str]()
        self._notes: list[str] = []

    def run(self) -> Iterator[MergeProgress]:
        videos = set[str]()
        ids = sorted(_videos(self._source))
        for first in range(0, len(ids), _RECORDS_AT_ONCE):
            videos |= self._join_records(ids[first : first + _RECORDS_AT_ONCE])
            yield self._progress()
        runs = {
            name.removeprefix(FRAMES): self._runs_of(name.removeprefix(FRAMES), videos)
            for name in self._kinds if name.startswith(FRAMES)
        }  # fmt: skip
        for fingerprint, own in runs.items():
            self._begin(fingerprint, own)
        for name in self._streamed:
            yield from self._stream(name, self._kinds[name], videos, runs.get(name.removeprefix(FRAMES)))
        for fingerprint, own in runs.items():
            self._settle(fingerprint, own)
        for name, kind in self._kinds.items():
            if kind.join == "newest":
                self._added[name] += self._target.take_newest(self._source, name)
                yield self._progress()
        self._target.optimize()
        yield replace(self._progress(), finished=True)

    def _progress(self) -> MergeProgress:
        return MergeProgress(self._done, self._total, +self._added, tuple(self._notes))

    def _join_records(self, ids: Sequence[str]) -> set[str]:
        """Store the joined records of some videos; return the ids of those whose frames the source may add."""
        theirs, ours = self._source.records_with_ages(ids), self._target.records_with_ages(ids)
        usable, changed = set[str](), list[tuple[VideoRecord, int]]()
        for video_id, (record, at_ns) in theirs.items():
            own, own_at_ns = ours.get(video_id, (None, 0))
            joined = record
            if own is not None and _fit(own, record):
                joined = _joined(own, record)
            elif own is not None:
                joined = self._one_of((own, own_at_ns), (record, at_ns))
            if joined is not own:
                usable.add(video_id)
            if own is None or not _is_same(own, joined):
                changed.append((joined, max(at_ns, own_at_ns + 1)))
        if changed:
            self._target.put_records(changed)
            self._added[VIDEOS] += len(changed)
        return usable

    def _one_of(self, own: tuple[VideoRecord, int], other: tuple[VideoRecord, int]) -> VideoRecord:
        """Return the target's record if it counts, else the source's; frames of the target that do not are deleted."""
        wins = _rank(*other) > _rank(*own)
        place = (self._source if wins else self._target).location
        self._notes.append(f"{shown_name(own[0].name)}: read or timed differently; only frames of {place} are kept.")
        if not wins:
            return own[0]
        self._target.forget_frames(own[0].video_id)
        return replace(other[0], path=own[0].path, name=own[0].name, added_s=min(own[0].added_s, other[0].added_s))

    def _runs_of(self, fingerprint: str, videos: set[str]) -> dict[str, RunRecord]:
        return {video: run for video, run in self._source.runs_under(fingerprint).items() if video in videos}

    def _begin(self, fingerprint: str, runs: Mapping[str, RunRecord]) -> None:
        """Begin those runs that the target lacks: rows of a video without a run are never read."""
        known = self._target.runs_under(fingerprint)
        fresh = {
            video_id: RunState(run.model_id, run.samples_per_second, finished=False)
            for video_id, run in runs.items() if video_id not in known
        }  # fmt: skip
        self._target.note_runs(fingerprint, fresh)

    def _stream(
        self, name: str, kind: Kind, videos: set[str], runs: Mapping[str, RunRecord] | None
    ) -> Iterator[MergeProgress]:
        within = (videos if runs is None else {*runs}) if "video" in kind.key else None
        for looked, added in self._target.take_lacking(self._source, name, within):
            self._done += looked
            self._added[name] += added
            yield self._progress()

    def _settle(self, fingerprint: str, runs: Mapping[str, RunRecord]) -> None:
        """Record what the merged runs are."""
        known, stored = self._target.runs_under(fingerprint), self._target.frame_counts(fingerprint, [*runs])
        states = {
            video_id: self._state(video_id, fingerprint, (known[video_id], run), stored.get(video_id, 0))
            for video_id, run in runs.items() if video_id in known  # else it was forgotten meanwhile
        }  # fmt: skip
        self._added["runs"] += len(self._target.note_runs(fingerprint, states))

    def _state(self, video_id: str, fingerprint: str, runs: Sequence[RunRecord], stored: int) -> RunState:
        own, other = runs
        rate = other.samples_per_second
        rate = rate if is_denser(rate, own.samples_per_second) else own.samples_per_second
        finished = any(
            run.finished and run.samples_per_second == rate and stored >= (run.counts or (0, 0))[0] for run in runs
        )
        return RunState(own.model_id, rate, finished or self._has_all_samples(video_id, fingerprint, rate))

    def _has_all_samples(self, video_id: str, fingerprint: str, rate: float | None) -> bool:
        """Return whether the target has every sample of a rate, such as when either store had a half."""
        known = self._target.records_with_ages([video_id]).get(video_id)
        if known is None or not known[0].table.confirmed:
            return False
        stored = self._target.stored_pts(video_id, fingerprint)
        return len(np.setdiff1d(sample_pts(known[0].table, rate), stored)) == 0


def _fit(own: VideoRecord, other: VideoRecord) -> bool:
    """Return whether frames under the two records of a video may be mixed: they name and show the same pictures."""
    is_alike = own.table.time_base == other.table.time_base and (own.reading or "") == (other.reading or "")
    if own.table.confirmed and other.table.confirmed:
        return is_alike and np.array_equal(own.table.pts, other.table.pts)
    return is_alike


def _rank(record: VideoRecord, at_ns: int) -> tuple[bool, bool, int]:
    """Return a value that is higher for the record that counts, of two that do not fit.

    The earliest versions named frames by nanoseconds, and did not store how pictures were read.
    """
    is_of_opencv = record.table.time_base == _NANOSECOND and not record.table.key_pts.any()
    return not is_of_opencv, record.reading is not None, at_ns


def _joined(own: VideoRecord, other: VideoRecord) -> VideoRecord:
    """Return the record of two that fit, under the target's path and name; ``own`` itself never leaves here."""
    better = other if other.table.confirmed and not own.table.confirmed else own
    return replace(
        better,
        path=own.path,
        name=own.name,
        added_s=min(own.added_s, other.added_s),
        reading=other.reading if own.reading is None else own.reading,
        recorded_s=other.recorded_s if own.recorded_s is None else own.recorded_s,
    )


def _is_same(own: VideoRecord, joined: VideoRecord) -> bool:
    """Return whether joining changed nothing."""
    names = [field.name for field in fields(VideoRecord) if field.name != "table"]
    return joined.table is own.table and all(getattr(own, name) == getattr(joined, name) for name in names)
