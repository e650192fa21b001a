"""Build the stretches of stored videos, among which a search looks first, from their stored frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from clip_core.errors import NotIndexedError
from clip_core.scoring.null_bank import bank_texts
from clip_core.scoring.stretches import bank_peaks, find_stretches, levels_of
from clip_core.store.store import EmbeddingStore
from clip_core.types import Floats, Stretches, StretchSummary


@dataclass(frozen=True, eq=False)
class BankVectors:
    """The vectors of the texts of both null banks under a model, float32 (m, dim), and the model's logit scale."""

    names: Floats
    captions: Floats
    logit_scale: float


def stored_bank(store: EmbeddingStore, fingerprint: str, logit_scale: float) -> BankVectors | None:
    """Return the null banks if the store holds the vectors of all their texts, else None; no model is asked."""
    texts = {kind: bank_texts(kind) for kind in ("names", "captions")}
    known = store.texts(fingerprint, [text for own in texts.values() for text in own])
    if any(text not in known for own in texts.values() for text in own):
        return None
    names, captions = (np.stack([known[text] for text in own]) for own in texts.values())
    return BankVectors(names, captions, logit_scale)


def summary_of(stretches: Stretches, bank: BankVectors | None) -> StretchSummary:
    """Return the summary of a video's stretches, of which there is at least one."""
    frames = int(stretches.counts.sum())
    if bank is None:
        return StretchSummary(frames)
    names, captions = (bank_peaks(stretches.vectors, own, bank.logit_scale) for own in (bank.names, bank.captions))
    return StretchSummary(frames, names, captions)


def build_stretches(
    video_ids: Iterable[str], fingerprint: str, store: EmbeddingStore, bank: BankVectors | None
) -> None:
    """Build and store the stretches of some videos, in one commit; those of videos without frames are deleted.

    A frame that is stored meanwhile makes them outdated, and the next call finds it.

    Args:
        bank: For the levels of the null banks; None: they are stored as unknown, and a later call may add them.
    """
    built, epochs = dict[str, Stretches](), dict[str, str]()
    summaries = dict[str, StretchSummary]()
    for video_id in video_ids:
        record = store.video(video_id)
        try:
            frames, revision = store.read(video_id, fingerprint)
        except NotIndexedError:
            record = None
        if record is None or len(frames) == 0:
            store.drop_stretches(video_id, fingerprint)
            store.drop_stretch_summary(video_id, fingerprint)
            continue
        stretches = find_stretches(frames, record.table.end_s)
        if bank is not None:
            levels = levels_of(stretches.vectors, bank.names, bank.captions, bank.logit_scale)
            stretches = replace(stretches, levels=levels)
        built[video_id], epochs[video_id] = stretches, revision.epoch
        summaries[video_id] = summary_of(stretches, bank)
    if built:
        store.write_stretch_summaries(fingerprint, summaries)  # first: after a crash the stretches are made again
        store.write_stretches(fingerprint, built, epochs)
