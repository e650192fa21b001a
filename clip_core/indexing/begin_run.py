"""Record in the store that the indexing of a video begins."""

from __future__ import annotations

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


def begin_run(
    claim: VideoRecord, model_id: str, fingerprint: str, samples_per_second: float | None, store: EmbeddingStore
) -> BegunRun:
    """Store what is known of a video and that its run begins; what an earlier version read otherwise is deleted.

    Args:
        claim: What the file says now.
        model_id, fingerprint: The model.
        samples_per_second: The rate that is asked for; None means every frame.
        store: Takes the record and the run.
    """
    known, warnings = store.video(claim.video_id), tuple[str, ...]()
    record, noted = known, samples_per_second
    if known is not None and _is_outdated(known, claim):
        store.forget_frames(claim.video_id)
        table = replace(claim.table, confirmed=False)
        record, warnings = replace(known, table=table, unreadable_after_s=None), (_INDEXED_AGAIN,)
    elif known is not None and (known.reading is None or known.recorded_s is None):
        record = replace(known, reading=claim.reading, recorded_s=claim.recorded_s)
        store.remember_video(record)
    if record is None or not record.table.confirmed:
        record = claim if record is None else _named_as(record, replace(claim, added_s=record.added_s))
        store.remember_video(record)
    past = store.runs_under(fingerprint, [claim.video_id]).get(claim.video_id)
    if past is not None and past.finished and is_denser(past.samples_per_second, samples_per_second):
        noted = past.samples_per_second
    store.begin(claim.video_id, fingerprint, model_id, noted)
    return BegunRun(record, noted, known is None, warnings)


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
