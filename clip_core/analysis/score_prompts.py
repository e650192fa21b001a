"""Score prompts against stored vectors: once, or repeatedly as frames and prompts are added."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from clip_core.encoders.base import Encoder, NamesUnreadWords
from clip_core.errors import EncoderError, NotIndexedError, PromptError, StoreError
from clip_core.indexing.embed_frames import checked
from clip_core.library.identify import reindex_error
from clip_core.scoring.similarity_table import SimilarityTable, ensemble_key
from clip_core.scoring.templates import ensemble, filled
from clip_core.settings import Templates
from clip_core.store.embeddings import Revision
from clip_core.store.runs import RunRecord
from clip_core.store.store import EmbeddingStore
from clip_core.text import clean_prompt
from clip_core.types import Floats, Scores, TimeTable

_log = logging.getLogger(__name__)
_FORGOTTEN = ("This video was forgotten while it was read.", "Index it again.")


def score_prompts(
    video_id: str,
    prompts: Sequence[str],
    encoder: Encoder,
    store: EmbeddingStore,
    *,
    similarities: SimilarityTable | None = None,
) -> Scores:
    """Return the cosine similarity of every stored frame of a video to each prompt.

    Args:
        video_id: An indexed video.
        prompts: Texts; NFC-normalised and stripped here, a duplicate is scored once.
        encoder: The model that the frames were embedded with.
        store: Holds the frames; the vectors of prompts are stored there too.
        similarities: Of earlier calls for this video and this model: only new rows are read, and only missing cells
            are computed.

    Raises:
        NotIndexedError: The video was never indexed with this model, or must be indexed again.
        PromptError: A prompt is empty.
    """
    cleaned = clean_prompts(prompts)
    similarities = SimilarityTable() if similarities is None else similarities
    run = read_new_frames(similarities, video_id, encoder, store)
    learn_prompts(similarities, cleaned, "none", encoder, store)
    scores = similarities.scores(cleaned, table_of(video_id, store), complete=run.finished)
    return replace(scores, warnings=unread_notes(cleaned, encoder))


def unread_notes(prompts: Sequence[str], encoder: Encoder) -> tuple[str, ...]:
    """Return sentences that name the words of prompts that the model does not know, or that are beyond its length.

    There are none from an encoder that cannot tell.
    """
    if not isinstance(encoder, NamesUnreadWords):
        return ()
    return tuple(note for words in encoder.unread(prompts) for note in words.notes)


def read_new_frames(similarities: SimilarityTable, video_id: str, encoder: Encoder, store: EmbeddingStore) -> RunRecord:
    """Add new rows of the store to ``similarities``; return how far the video is indexed.

    Raises:
        NotIndexedError: The video was never indexed with this model, is being forgotten, or must be indexed again.
    """
    past = similarities.revision if isinstance(similarities.revision, Revision) else None
    record = store.video(video_id) if past is None else None
    if record is not None and (error := reindex_error(record, store)) is not None:
        raise error
    run = store.run(video_id, encoder.fingerprint)
    embeddings, revision = store.read(video_id, encoder.fingerprint, past)
    if revision.restarted:
        similarities.drop_frames()
    similarities.add_frames(embeddings)
    similarities.revision = revision
    if run is None:
        raise NotIndexedError(*_FORGOTTEN)
    return run


def learn_prompts(
    similarities: SimilarityTable, prompts: Sequence[str], templates: Templates, encoder: Encoder, store: EmbeddingStore
) -> None:
    """Add to ``similarities`` the missing vectors of clean prompts, each under its ``ensemble_key`` for the templates.

    Raises:
        EncoderError: The model failed; nothing was added.
    """
    keys = {ensemble_key(prompt, templates): filled(prompt, templates) for prompt in prompts}
    lacking = {key: keys[key] for key in similarities.unknown(keys)}
    if not lacking:
        return
    texts = list(dict.fromkeys(text for wordings in lacking.values() for text in wordings))
    vectors = text_vectors(texts, encoder, store)
    for key, wordings in lacking.items():
        own = [vectors[text] for text in wordings]
        similarities.add_prompts({key: own[0] if len(own) == 1 else ensemble(np.stack(own))})


def text_vectors(texts: Sequence[str], encoder: Encoder, store: EmbeddingStore) -> dict[str, Floats]:
    """Return text → float32 (dim,), from the store; texts that it lacks are embedded and stored.

    Raises:
        EncoderError: The model failed; what it finished before is stored, so that the next call asks for the rest.
    """
    found = store.texts(encoder.fingerprint, texts)
    new = [text for text in texts if text not in found]
    if new:
        try:
            vectors = checked(encoder.embed_texts(new), len(new), encoder)
        except EncoderError as error:
            if error.finished is not None and len(error.finished):
                done = new[: len(error.finished)]
                _keep_texts(done, checked(error.finished, len(done), encoder), encoder, store)
            raise
        _keep_texts(new, vectors, encoder, store)
        found |= dict(zip(new, vectors, strict=True))
    return found


def _keep_texts(texts: Sequence[str], vectors: Floats, encoder: Encoder, store: EmbeddingStore) -> None:
    try:
        store.append_texts(encoder.fingerprint, texts, vectors)
    except StoreError as error:  # only logged: the scores do not depend on it
        _log.warning("The vectors of %d prompts are not kept: %s", len(texts), error.line)


def table_of(video_id: str, store: EmbeddingStore) -> TimeTable:
    """Return the presentation times of a stored video.

    Raises:
        NotIndexedError: The video was forgotten.
    """
    record = store.video(video_id)
    if record is None:
        raise NotIndexedError(*_FORGOTTEN)
    return record.table


def known_prompts(
    similarities: SimilarityTable, prompts: Sequence[str], templates: Templates, encoder: Encoder, store: EmbeddingStore
) -> tuple[str, ...]:
    """Return the prompts that can be scored without calling the encoder."""
    cleaned = clean_prompts(prompts)
    wordings = {prompt: filled(prompt, templates) for prompt in cleaned}
    unknown = {prompt for prompt in cleaned if similarities.unknown([ensemble_key(prompt, templates)])}
    texts = sorted({text for prompt in unknown for text in wordings[prompt]})
    stored = store.texts(encoder.fingerprint, texts) if texts else {}
    return tuple(p for p in cleaned if p not in unknown or all(text in stored for text in wordings[p]))


def clean_prompts(prompts: Iterable[str]) -> tuple[str, ...]:
    """Clean each prompt and drop duplicates, keeping the order.

    Raises:
        PromptError: A prompt is empty or not a string, or ``prompts`` is a single string.
    """
    if isinstance(prompts, str):
        raise PromptError("One text was given where a list of prompts belongs.", 'Write ["…"] around it.')
    texts = list(prompts)
    for place, prompt in enumerate(texts, 1):
        if not isinstance(prompt, str):
            raise PromptError(f"Prompt {place} is not text but {type(prompt).__name__}.", "Give texts.")
    cleaned = [clean_prompt(prompt) for prompt in texts]
    if "" in cleaned:
        raise PromptError(f"Prompt {cleaned.index('') + 1} is empty.", "Give each prompt at least one character.")
    return tuple(dict.fromkeys(cleaned))
