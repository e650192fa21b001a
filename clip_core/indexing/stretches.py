"""Build the stretches of stored videos, among which a search looks first, from their stored frames."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

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
    video_ids: Collection[str], fingerprint: str, store: EmbeddingStore, bank: BankVectors | None
) -> None:
    """Build and store the stretches of some videos, at least one; those of videos without frames are deleted.

    A frame that is stored meanwhile makes them outdated, and the next call finds it.

    Args:
        bank: For the levels of the null banks; None: they are stored as unknown, and a later call may add them.
    """
    generation = store.next_generation(fingerprint, video_ids)
    runs = store.runs_under(fingerprint)  # before the frames: of a video that is begun again meanwhile, they differ
    ends_s, frames = store.ends_s(video_ids), store.frames_of_videos(fingerprint, video_ids)
    built, epochs, summaries = dict[str, Stretches](), dict[str, str](), dict[str, StretchSummary]()
    for video_id in video_ids:
        own, run = frames.get(video_id), runs.get(video_id)
        if own is None or run is None or video_id not in ends_s:
            store.drop_stretches(video_id, fingerprint)
            store.drop_stretch_summary(video_id, fingerprint)
            continue
        levels = None if bank is None else levels_of(own.vectors, bank.names, bank.captions, bank.logit_scale)
        built[video_id], epochs[video_id] = find_stretches(own, ends_s[video_id], levels), run.epoch
        summaries[video_id] = summary_of(built[video_id], bank)
    if built:
        store.write_stretch_summaries(fingerprint, summaries)  # first: after a crash the stretches are made again
        store.write_stretches(fingerprint, built, epochs, generation)
