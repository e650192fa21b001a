"""Record in the store that the indexing of videos begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clip_core.addresses import is_address
from clip_core.store.store import EmbeddingStore
from clip_core.types import VideoRecord
from clip_core.video.sampling import is_denser

_INDEXED_AGAIN = "Indexed again from the start: what an earlier version had stored of this video could not be used."


@dataclass(frozen=True, slots=True, eq=False)
class BegunRun:
    """A run that has begun.

    Attributes:
        record: What the store knows of the video now.
        samples_per_second: The rate to record when it is finished; a sparser request does not lower it.
        is_new: Whether the store did not know the video before.
        warnings: What the user should know.
    """

    record: VideoRecord
    samples_per_second: float | None
    is_new: bool
    warnings: tuple[str, ...] = ()


def begin_runs(
    claims: Sequence[VideoRecord],
    model_id: str,
    fingerprint: str,
    samples_per_second: float | None,
    store: EmbeddingStore,
) -> list[BegunRun]:
    """Store what is known of some videos, at least one, and that their runs begin, in two commits.

    What an earlier version read otherwise is deleted.

    Args:
        claims: What the file of each says now.
        model_id, fingerprint: The model.
        samples_per_second: The rate that is asked for; None means every frame.
        store: Takes the records and the runs.
    """
    ids = [claim.video_id for claim in claims]
    known = store.records_of(ids)
    outdated = {c.video_id for c in claims if c.video_id in known and _is_outdated(known[c.video_id], c)}
    for video_id in outdated:
        store.forget_frames(video_id)
    records = {c.video_id: _record(c, known.get(c.video_id), is_outdated=c.video_id in outdated) for c in claims}
    store.remember_videos([*records.values()])
    rates: dict[str, float | None] = dict.fromkeys(ids, samples_per_second)
    for video_id, past in store.runs_under(fingerprint, ids).items():
        if past.finished and is_denser(past.samples_per_second, samples_per_second):
            rates[video_id] = past.samples_per_second
    store.begin_runs(fingerprint, model_id, rates)
    warnings = dict.fromkeys(outdated, (_INDEXED_AGAIN,))
    return [BegunRun(records[v], rates[v], v not in known, warnings.get(v, ())) for v in ids]


def _record(claim: VideoRecord, known: VideoRecord | None, *, is_outdated: bool) -> VideoRecord:
    """Return the record to store: the known one if its times are confirmed, else what the file says now."""
    if known is None:
        return claim
    if is_outdated:
        claim = replace(claim, table=replace(claim.table, confirmed=False))
    if is_outdated or not known.table.confirmed:
        return _named_as(known, replace(claim, added_s=known.added_s))
    if known.reading is None or known.recorded_s is None:
        return replace(known, reading=claim.reading, recorded_s=claim.recorded_s)
    return known


def _named_as(known: VideoRecord, claim: VideoRecord) -> VideoRecord:
    """Return what the file says now, under the known name if the file is an upload or a copy of an object.

    Such a file is named by its id; the path of an object stays its address.
    """
    if Path(claim.path).stem != claim.video_id:
        return claim
    return replace(claim, name=known.name, path=known.path if is_address(known.path) else claim.path)


def _is_outdated(known: VideoRecord, claim: VideoRecord) -> bool:
    """Return whether the pts of stored frames, or the pictures that were embedded, are no longer this file's."""
    return known.table.time_base != claim.table.time_base or (known.reading or "") != claim.reading
