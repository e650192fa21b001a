"""Frames → committed batches of vectors, in steps short enough to watch and to lose."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from clip_core.encoders.base import Encoder
from clip_core.errors import EncoderError
from clip_core.pipeline.check_vectors import checked
from clip_core.pipeline.decode_ahead import DecodeAhead
from clip_core.values import Floats, Frame, FrameEmbeddings

COMMIT_FRAMES = 64
COMMIT_S = 1.0
CALL_S = 1.0
MOST_PER_CALL = 32


class Pace:
    """How many pictures to give the encoder at once, so that one call takes about a second."""

    def __init__(self) -> None:
        self.pictures = 2

    def learn(self, pictures: int, took_s: float) -> None:
        """Take in what a call of ``pictures`` pictures took."""
        fitting = int(CALL_S * pictures / max(took_s, 1e-6))
        self.pictures = max(1, min(MOST_PER_CALL, fitting, self.pictures * 2))


def embed_frames(
    ahead: DecodeAhead, encoder: Encoder, pace: Pace, commit: Callable[[FrameEmbeddings], None]
) -> Iterator[int]:
    """Embed what ``ahead`` decodes, and commit every 64 frames or every second, whichever is first.

    If decoding or the encoder fails, what was embedded before is committed first.

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
        except Exception:  # of whatever kind: an encoder may be anybody's
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
    """Vectors that wait for their commit; the pictures are let go at once."""

    def __init__(self) -> None:
        self._pts: list[int] = []
        self._times_s: list[float] = []
        self._vectors: list[Floats] = []
        self._began = time.monotonic()

    def __len__(self) -> int:
        return len(self._pts)

    @property
    def due(self) -> bool:
        return bool(self._pts) and (len(self) >= COMMIT_FRAMES or time.monotonic() - self._began >= COMMIT_S)

    def add(self, frames: list[Frame], vectors: Floats) -> None:
        self._pts += [frame.pts for frame in frames]
        self._times_s += [frame.time_s for frame in frames]
        self._vectors.append(vectors)

    def embeddings(self) -> FrameEmbeddings:
        return FrameEmbeddings(
            pts=np.array(self._pts, np.int64),
            times_s=np.array(self._times_s, np.float64),
            vectors=np.concatenate(self._vectors).astype(np.float32, copy=False),
        )
