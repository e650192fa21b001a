"""Build the stretches of everything that is stored already, in the background or before a first search."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping, Sequence

from clip_core.analysis.score_prompts import text_vectors
from clip_core.encoders.base import Encoder
from clip_core.errors import EncoderError
from clip_core.indexing.stretches import BankVectors, build_stretches, stored_bank
from clip_core.scoring.null_bank import bank_texts
from clip_core.store.store import EmbeddingStore
from clip_core.types import Progress

FRAMES_AT_ONCE, VIDEOS_AT_ONCE = 20_000, 64
"""Each commit costs some milliseconds, and each frame some kilobytes of memory."""
_log = logging.getLogger(__name__)


def refresh_stretches(store: EmbeddingStore, encoder: Encoder) -> Generator[Progress, None, None]:
    """Build the stretches that are missing or outdated under a model; progress counts videos.

    A read-only store gets none. If the model cannot embed the texts of the null banks now, the stretches are built
    without their levels.

    Raises:
        StoreError: The store cannot be read or written.
    """
    outdated = [] if store.read_only else store.mending(encoder.fingerprint, lambda: _outdated(store, encoder))
    bank = _bank(store, encoder) if outdated else None
    if outdated and bank is None:
        outdated = store.outdated_stretches(encoder.fingerprint)
    total = len(outdated)
    for done, some in _batches(outdated, store.stored_rows(encoder.fingerprint)):
        yield Progress(done, total, stage="frames", note="Preparing the search")
        build_stretches(some, encoder.fingerprint, store, bank)
    if outdated:
        store.compact_stretches(encoder.fingerprint)
    yield Progress(total, total, seconds_left=0.0, stage="done")


def _outdated(store: EmbeddingStore, encoder: Encoder) -> list[str]:
    fingerprint = encoder.fingerprint
    indexed = store.stored_rows(fingerprint).keys() & store.runs_under(fingerprint).keys()
    differ = indexed ^ store.stretch_summaries(fingerprint).keys()  # of a forgotten video one may be left by a crash
    return sorted(differ.union(store.outdated_stretches(fingerprint, levelled=True)))


def _batches(video_ids: Sequence[str], frames: Mapping[str, int]) -> Iterator[tuple[int, list[str]]]:
    """Yield videos that are built together, at least one, with how many came before them."""
    some, count, done = list[str](), 0, 0
    for video_id in video_ids:
        own = frames.get(video_id, 0)
        if some and (count + own > FRAMES_AT_ONCE or len(some) == VIDEOS_AT_ONCE):
            yield done, some
            done, some, count = done + len(some), [], 0
        some.append(video_id)
        count += own
    if some:
        yield done, some


def _bank(store: EmbeddingStore, encoder: Encoder) -> BankVectors | None:
    try:
        text_vectors([text for kind in ("names", "captions") for text in bank_texts(kind)], encoder, store)
    except EncoderError as error:
        _log.warning("The search is prepared without the null bank: %s", error.line)
        return None
    return stored_bank(store, encoder.fingerprint, encoder.logit_scale)
