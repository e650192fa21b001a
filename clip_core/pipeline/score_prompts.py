"""From stored vectors and prompts to scores: once, or again and again as both grow."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from clip_core.encoders.base import Encoder
from clip_core.errors import NotIndexedError, PromptError
from clip_core.scoring.curves import Curves
from clip_core.store.store import EmbeddingStore, Revision
from clip_core.values import Scores


def score_prompts(video_id: str, prompts: Sequence[str], encoder: Encoder, store: EmbeddingStore) -> Scores:
    """Return the cosine similarity of every stored frame of a video to each prompt.

    Args:
        video_id: Of an indexed video.
        prompts: Texts; NFC-normalised and stripped here, a double is scored once.
        encoder: The model that the frames were embedded with.
        store: Where they are kept; vectors of prompts are kept there too.

    Raises:
        NotIndexedError: The video was never begun with this model.
        PromptError: A prompt is empty.
    """
    return update_curves(Curves(), video_id, prompts, encoder, store)


def update_curves(
    curves: Curves, video_id: str, prompts: Sequence[str], encoder: Encoder, store: EmbeddingStore
) -> Scores:
    """The same, with ``curves`` kept from call to call: only new rows are read, only missing cells computed.

    Args:
        curves: Of this video and this model alone.
        video_id, prompts, encoder, store: As for ``score_prompts``.
    """
    cleaned = clean_prompts(prompts)
    past = curves.revision if isinstance(curves.revision, Revision) else None
    run = store.run(video_id, encoder.fingerprint)
    embeddings, revision = store.read(video_id, encoder.fingerprint, past)
    if revision.restarted:
        curves.drop_frames()
    curves.add_frames(embeddings)
    curves.revision = revision
    unknown = curves.unknown(cleaned)
    if unknown:
        stored = store.texts(encoder.fingerprint, unknown)
        new = [prompt for prompt in unknown if prompt not in stored]
        if new:
            vectors = encoder.embed_texts(new)
            store.append_texts(encoder.fingerprint, new, vectors)
            stored |= dict(zip(new, vectors, strict=True))
        curves.add_prompts(stored)
    record = store.video(video_id)
    if record is None or run is None:
        raise NotIndexedError("This video was forgotten while it was read.", "Index it again.")
    return curves.scores(cleaned, record.table, complete=run.finished)


def clean_prompt(prompt: str) -> str:
    """Return a prompt as it is embedded and shown: NFC, without outer blanks, whatever cannot be UTF-8 replaced."""
    return unicodedata.normalize("NFC", prompt.encode("utf-8", "replace").decode("utf-8")).strip()


def clean_prompts(prompts: Iterable[str]) -> tuple[str, ...]:
    """Clean each prompt and drop doubles, keeping the order.

    Raises:
        PromptError: One is empty.
    """
    cleaned = [clean_prompt(prompt) for prompt in prompts]
    if "" in cleaned:
        raise PromptError(f"Prompt {cleaned.index('') + 1} is empty.", "Give each prompt at least one character.")
    return tuple(dict.fromkeys(cleaned))
