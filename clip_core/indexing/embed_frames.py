"""Decode, embed and check batches of frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from clip_core.encoders.base import Encoder, RunsInBatches
from clip_core.encoders.waits import MOST_WAIT_S, on_wait, raise_busy, seconds_left
from clip_core.errors import EncoderError, ServerBusyError
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
"""Two runs of a model on a CPU, so that pictures are prepared while it runs."""


class Pace:
    """Chooses how many pictures to pass to the encoder at once, so that one call takes about a second.

    Args:
        most: At most so many.
    """

    def __init__(self, most: int = MOST_PER_CALL) -> None:
        self.pictures, self.most = 2, most

    @classmethod
    def of(cls, encoder: Encoder) -> Pace:
        """Return the pace for an encoder: on a GPU, which takes more pictures in one run, more for each call."""
        return cls(max(MOST_PER_CALL, 2 * encoder.images_at_once if isinstance(encoder, RunsInBatches) else 0))

    def learn(self, pictures: int, took_s: float) -> None:
        """Adapt to the duration of a call with ``pictures`` pictures; at most double, up to ``most``."""
        fitting = int(CALL_S * pictures / max(took_s, 1e-6))
        self.pictures = max(1, min(self.most, fitting, self.pictures * 2))


@dataclass(frozen=True, slots=True)
class Wait:
    """The model's server asks to wait: until when (local time, such as "14:03:20"), and how many seconds are left."""

    until: str
    left_s: float


def embed_frames(
    ahead: DecodeAhead, encoder: Encoder, pace: Pace, commit: Callable[[FrameEmbeddings], None]
) -> Iterator[int | Wait]:
    """Embed what ``ahead`` decodes, and commit every 64 frames or every second, whichever comes first.

    What one call embedded is committed at once, also if it is more. If decoding or the encoder fails, or its server
    asks to wait, commit what was embedded so far before that is told.

    Yields:
        The number of frames in each committed batch; while the server asks to wait, a Wait every quarter of a second.
    """
    batch, calls = _Batch(), _Calls(encoder, pace)
    while calls.left or not ahead.finished:
        try:
            busy = calls.embed(batch, ahead)
        except Exception:  # a third-party encoder may raise anything
            if batch:
                commit(batch.embeddings())
            raise
        if batch.due or (busy and batch):
            commit(batch.embeddings())
            yield len(batch)
            batch = _Batch()
        if busy:
            yield from (Wait(busy.until, left_s) for left_s in seconds_left(busy))
    if batch:
        commit(batch.embeddings())
        yield len(batch)


class _Calls:
    """Calls the encoder with the next frames, and again with those that its server was too busy for.

    Attributes:
        left: Frames that were decoded and must be embedded next.
    """

    def __init__(self, encoder: Encoder, pace: Pace) -> None:
        self.left: list[Frame] = []
        self._encoder, self._pace = encoder, pace
        self._waited_s = 0.0

    def embed(self, batch: _Batch, ahead: DecodeAhead) -> ServerBusyError | None:
        """Add the vectors of the next frames to ``batch``; return the wait that the server asks for, or None.

        Raises:
            EncoderError: The model failed, or its server asks for too long a wait; ``batch`` has what it finished.
        """
        room = max(COMMIT_FRAMES, self._pace.most) - len(batch)
        self.left = self.left or ahead.take(min(self._pace.pictures, room), CALL_S)
        try:
            self._add(batch, self._vectors())
        except EncoderError as error:
            if error.finished is not None:
                self._add(batch, checked(error.finished, len(error.finished), self._encoder))
            if not isinstance(error, ServerBusyError) or not error.wait_s:
                raise
            self._waited_s += error.wait_s
            if self._waited_s > MOST_WAIT_S:
                raise
            return error
        return None

    def _add(self, batch: _Batch, vectors: Floats) -> None:
        if len(vectors):
            batch.add(self.left[: len(vectors)], vectors)
            self.left, self._waited_s = self.left[len(vectors) :], 0.0

    def _vectors(self) -> Floats:
        if not self.left:
            return np.empty((0, self._encoder.dim), np.float32)
        asked = time.monotonic()
        with on_wait(raise_busy):  # it is waited for here, where it can be shown and cancelled
            vectors = self._encoder.embed_images([frame.rgb for frame in self.left])
        self._pace.learn(len(self.left), time.monotonic() - asked)
        return checked(vectors, len(self.left), self._encoder)


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
