"""From stored vectors and prompts to scores: once, or again and again as both grow."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable, Sequence

from clip_core.encoders.base import Encoder
from clip_core.errors import NotIndexedError, PromptError, StoreError
from clip_core.pipeline.check_vectors import checked
from clip_core.scoring.curves import Curves
from clip_core.store.store import EmbeddingStore, Revision
from clip_core.values import Floats, Scores

_log = logging.getLogger(__name__)


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
            vectors = checked(encoder.embed_texts(new), len(new), encoder)
            _keep_texts(new, vectors, encoder, store)
            stored |= dict(zip(new, vectors, strict=True))
        curves.add_prompts(stored)
    record = store.video(video_id)
    if record is None or run is None:
        raise NotIndexedError("This video was forgotten while it was read.", "Index it again.")
    return curves.scores(cleaned, record.table, complete=run.finished)


def known_prompts(curves: Curves, prompts: Sequence[str], encoder: Encoder, store: EmbeddingStore) -> tuple[str, ...]:
    """Return those of ``prompts`` that can be scored without asking the encoder.

    Args:
        curves, prompts, encoder, store: As for ``update_curves``.
    """
    cleaned = clean_prompts(prompts)
    unknown = set(curves.unknown(cleaned))
    stored = store.texts(encoder.fingerprint, sorted(unknown)) if unknown else {}
    return tuple(prompt for prompt in cleaned if prompt not in unknown or prompt in stored)


def _keep_texts(prompts: list[str], vectors: Floats, encoder: Encoder, store: EmbeddingStore) -> None:
    """Keep the vectors for the next time. Without room for them the scores are right all the same."""
    try:
        store.append_texts(encoder.fingerprint, prompts, vectors)
    except StoreError as error:
        _log.warning("The vectors of %d prompts are not kept: %s", len(prompts), error.line)


def clean_prompt(prompt: str) -> str:
    """Return a prompt as it is embedded and shown: NFC, without outer blanks, whatever cannot be UTF-8 replaced."""
    return unicodedata.normalize("NFC", prompt.encode("utf-8", "replace").decode("utf-8")).strip()


def clean_prompts(prompts: Iterable[str]) -> tuple[str, ...]:
    """Clean each prompt and drop doubles, keeping the order.

    Raises:
        PromptError: One is empty or no text.
    """
    if isinstance(prompts, str):
        raise PromptError("One text was given where a list of prompts belongs.", 'Write ["…"] around it.')
    texts = list(prompts)
    for place, prompt in enumerate(texts, 1):
        if not isinstance(prompt, str):
            raise PromptError(f"Prompt {place} is no text but {type(prompt).__name__}.", "Give texts.")
    cleaned = [clean_prompt(prompt) for prompt in texts]
    if "" in cleaned:
        raise PromptError(f"Prompt {cleaned.index('') + 1} is empty.", "Give each prompt at least one character.")
    return tuple(dict.fromkeys(cleaned))
