"""Decode, embed and check batches of frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from clip_core.encoders.base import Encoder
from clip_core.errors import EncoderError
from clip_core.types import Floats, Frame, FrameEmbeddings
from clip_core.video.decode_ahead import DecodeAhead

SLACK = 1e-3


def checked(vectors: Floats, count: int, encoder: Encoder) -> Floats:
    """Return the ``count`` vectors that were requested from an encoder as float32 (count, dim), of unit length.

    Raises:
        EncoderError: The vectors have another shape, are not finite, or one is zero.
    """
    found = np.asarray(vectors)
    if found.shape != (count, encoder.dim):
        what = f"The model {encoder.id} gave vectors of shape {found.shape} instead of {(count, encoder.dim)}."
        raise EncoderError(what, "Use another model.")
    lengths = np.linalg.norm(found.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise EncoderError(f"The model {encoder.id} gave a zero, NaN or infinite vector.", "Use another model.")
    if np.abs(lengths - 1.0).max(initial=0.0) > SLACK:
        found = found / lengths
    return np.asarray(found, dtype=np.float32)


COMMIT_FRAMES = 64
COMMIT_S = 1.0
CALL_S = 1.0
MOST_PER_CALL = 32


class Pace:
    """Chooses how many pictures to pass to the encoder at once, so that one call takes about a second."""

    def __init__(self) -> None:
        self.pictures = 2

    def learn(self, pictures: int, took_s: float) -> None:
        """Adapt to the duration of a call with ``pictures`` pictures; at most double, up to 32."""
        fitting = int(CALL_S * pictures / max(took_s, 1e-6))
        self.pictures = max(1, min(MOST_PER_CALL, fitting, self.pictures * 2))


def embed_frames(
    ahead: DecodeAhead, encoder: Encoder, pace: Pace, commit: Callable[[FrameEmbeddings], None]
) -> Iterator[int]:
    """Embed what ``ahead`` decodes, and commit every 64 frames or every second, whichever comes first.

    If decoding or the encoder fails, commit what was embedded so far before raising.

    Yields:
        The number of frames in each committed batch.
    """
    batch = _Batch()
    while not ahead.finished:
        try:
            taken = ahead.take(min(pace.pictures, COMMIT_FRAMES - len(batch)), CALL_S)
            try:
                batch.add(taken, _embed(encoder, taken, pace))
            except EncoderError as error:
                if error.finished is not None:
                    batch.add(taken[: len(error.finished)], checked(error.finished, len(error.finished), encoder))
                raise
        except Exception:  # a third-party encoder may raise anything
            if batch:
                commit(batch.embeddings())
            raise
        if batch.due:
            commit(batch.embeddings())
            yield len(batch)
            batch = _Batch()
    if batch:
        commit(batch.embeddings())
        yield len(batch)


def _embed(encoder: Encoder, frames: list[Frame], pace: Pace) -> Floats:
    if not frames:
        return np.empty((0, encoder.dim), np.float32)
    asked = time.monotonic()
    vectors = encoder.embed_images([frame.rgb for frame in frames])
    pace.learn(len(frames), time.monotonic() - asked)
    return checked(vectors, len(frames), encoder)


class _Batch:
    """Vectors that wait to be committed; the pictures are not kept."""

    def __init__(self) -> None:
        self._frames: list[tuple[int, float]] = []  # pts and time_s
        self._vectors: list[Floats] = []
        self._began = time.monotonic()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def due(self) -> bool:
        return len(self) > 0 and (len(self) >= COMMIT_FRAMES or time.monotonic() - self._began >= COMMIT_S)

    def add(self, frames: list[Frame], vectors: Floats) -> None:
        self._frames += [(frame.pts, frame.time_s) for frame in frames]
        self._vectors.append(vectors)

    def embeddings(self) -> FrameEmbeddings:
        pts, times_s = zip(*self._frames, strict=True)
        return FrameEmbeddings(np.array(pts, np.int64), np.array(times_s, np.float64), np.concatenate(self._vectors))
