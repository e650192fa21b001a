"""Build the stretches of stored videos, among which a search looks first, from their stored frames."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from clip_core.errors import NotIndexedError
from clip_core.scoring.null_bank import bank_texts
from clip_core.scoring.stretches import find_stretches, levels_of
from clip_core.store.store import EmbeddingStore
from clip_core.types import Floats, Stretches


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
    generation = store.next_generation(fingerprint, video_ids)
    built, epochs = dict[str, Stretches](), dict[str, str]()
    for video_id in video_ids:
        record = store.video(video_id)
        try:
            frames, revision = store.read(video_id, fingerprint)
        except NotIndexedError:
            record = None
        if record is None or len(frames) == 0:
            store.drop_stretches(video_id, fingerprint)
            continue
        levels = None if bank is None else levels_of(frames.vectors, bank.names, bank.captions, bank.logit_scale)
        built[video_id] = find_stretches(frames, record.table.end_s, levels)
        epochs[video_id] = revision.epoch
    if built:
        store.write_stretches(fingerprint, built, epochs, generation)
