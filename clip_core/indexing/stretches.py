"""Build the stretches of stored videos, among which a search looks first, from their stored frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.scoring.null_bank import bank_texts
from clip_core.scoring.stretches import bank_peaks, find_stretches, levels_of
from clip_core.store.store import EmbeddingStore
from clip_core.stretches import Stretches, StretchSummary
from clip_core.types import Floats


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


def build_stretches(
    video_ids: Collection[str], fingerprint: str, store: EmbeddingStore, bank: BankVectors | None
) -> None:
    """Build and store the stretches of some videos, at least one; those of videos without frames are deleted.

    A frame that is stored meanwhile makes them outdated, and the next call finds it.

    Args:
        bank: For the levels of the null banks; None: they are stored as unknown, and a later call may add them.
    """
    store.mending(fingerprint, lambda: _build(video_ids, fingerprint, store, bank))


def _build(video_ids: Collection[str], fingerprint: str, store: EmbeddingStore, bank: BankVectors | None) -> None:
    generation = store.next_generation(fingerprint, video_ids)
    runs = store.runs_under(fingerprint)  # before the frames: of a video that is begun again meanwhile, they differ
    ends_s, frames = store.ends_s(video_ids), store.frames_of_videos(fingerprint, video_ids)
    usable = [video_id for video_id in frames if video_id in runs and video_id in ends_s]
    for video_id in {*video_ids} - {*usable}:
        store.drop_stretches(video_id, fingerprint)
        store.drop_stretch_summary(video_id, fingerprint)
    if not usable:
        return
    levels = _levels([frames[video_id].vectors for video_id in usable], bank)
    built = {v: find_stretches(frames[v], ends_s[v], own) for v, own in zip(usable, levels, strict=True)}
    store.write_stretch_summaries(fingerprint, _summaries(built, bank))  # first: after a crash both are made again
    store.write_stretches(fingerprint, built, {v: runs[v].epoch for v in usable}, generation)
    for video_id in {*usable} - store.runs_under(fingerprint).keys():  # forgotten meanwhile
        store.drop_stretch_summary(video_id, fingerprint)


def _levels(vectors: Sequence[Floats], bank: BankVectors | None) -> list[Floats | None]:
    """Return the levels of the null banks on the frames of each video, in few large products."""
    if bank is None:
        return [None] * len(vectors)
    levels = levels_of(np.concatenate(vectors), bank.names, bank.captions, bank.logit_scale)
    return [*np.split(levels, np.cumsum([len(own) for own in vectors])[:-1])]


def _summaries(built: Mapping[str, Stretches], bank: BankVectors | None) -> dict[str, StretchSummary]:
    """Return video id → the summary of its stretches."""
    frames = [int(stretches.counts.sum()) for stretches in built.values()]
    if bank is None:
        return {video_id: StretchSummary(own) for video_id, own in zip(built, frames, strict=True)}
    means = np.concatenate([stretches.vectors for stretches in built.values()])
    starts = np.cumsum([0, *(len(stretches) for stretches in built.values())])[:-1]
    names, captions = (bank_peaks(means, starts, texts, bank.logit_scale) for texts in (bank.names, bank.captions))
    return {video_id: StretchSummary(frames[k], names[k], captions[k]) for k, video_id in enumerate(built)}
