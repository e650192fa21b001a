"""Decode, embed and check batches of frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from clip_core.encoders.base import Encoder, RunsInBatches
from clip_core.encoders.waits import MOST_WAIT_S, on_wait, raise_busy, seconds_left
from clip_core.errors import EncoderError, ServerBusyError, StoreUnreachableError
from clip_core.types import MOST_OFF_UNIT, Floats, Frame, FrameEmbeddings
from clip_core.video.decode_ahead import DecodeAhead


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
    if np.abs(lengths - 1.0).max(initial=0.0) > MOST_OFF_UNIT:
        found = found / lengths
    return np.asarray(found, dtype=np.float32)


COMMIT_FRAMES = 64
COMMIT_S = 1.0
REMOTE_COMMIT_FRAMES = 2_000
REMOTE_COMMIT_S = 5.0
"""Into an object store: a commit there takes about ten requests and a second, and adds three objects."""
STORE_PATIENCE_S = 120.0
FIRST_STORE_WAIT_S, MOST_STORE_WAIT_S = 1.0, 30.0
"""A commit that the storage service does not answer is tried again for two minutes, with waits that double."""
SERVICE_SILENT = "the storage service does not answer and is asked again"
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
    """Something is waited for: why and until when, such as "the server asks to wait until 14:03:20"; seconds left."""

    note: str
    left_s: float


def embed_frames(
    ahead: DecodeAhead,
    encoder: Encoder,
    pace: Pace,
    commit: Callable[[FrameEmbeddings], None],
    commit_s: float = COMMIT_S,
    commit_frames: int = COMMIT_FRAMES,
) -> Iterator[int | Wait]:
    """Embed what ``ahead`` decodes, and commit every 64 frames or every second, or as the arguments say.

    What one call embedded is committed at once, also if it is more. If decoding or the encoder fails, or its server
    asks to wait, commit what was embedded so far before that is told.

    Yields:
        The number of frames in each committed batch; while the model's server asks to wait, or the storage service does
        not answer, a Wait every quarter of a second.
    """
    batch, calls = _Batch(commit_s, commit_frames), _Calls(encoder, pace)
    while calls.left or not ahead.finished:
        try:
            busy = calls.embed(batch, ahead)
        except Exception:  # a third-party encoder may raise anything
            if batch:
                commit(batch.embeddings())
            raise
        if batch.due or (busy and batch):
            yield from _committed(batch, commit)
            batch = _Batch(commit_s, commit_frames)
        if busy:
            note = f"the server asks to wait until {busy.until}"
            yield from (Wait(note, left_s) for left_s in seconds_left(busy.wait_s))
    if batch:
        yield from _committed(batch, commit)


def _committed(batch: _Batch, commit: Callable[[FrameEmbeddings], None]) -> Iterator[int | Wait]:
    """Commit a batch and yield its length; while the storage service does not answer, wait and try again."""
    began, wait_s = time.monotonic(), FIRST_STORE_WAIT_S
    while True:
        try:
            commit(batch.embeddings())
        except StoreUnreachableError:
            if time.monotonic() - began + wait_s > STORE_PATIENCE_S:
                raise
        else:
            break
        yield from (Wait(SERVICE_SILENT, left_s) for left_s in seconds_left(wait_s))
        wait_s = min(2 * wait_s, MOST_STORE_WAIT_S)
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
        room = max(batch.room, self._pace.most - len(batch))
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

    def __init__(self, most_s: float, most_frames: int) -> None:
        self._frames: list[tuple[int, float]] = []  # pts and time_s
        self._vectors: list[Floats] = []
        self._due, self._most_frames = time.monotonic() + most_s, most_frames

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def room(self) -> int:
        return self._most_frames - len(self)

    @property
    def due(self) -> bool:
        return len(self) > 0 and (self.room <= 0 or time.monotonic() >= self._due)

    def add(self, frames: list[Frame], vectors: Floats) -> None:
        self._frames += [(frame.pts, frame.time_s) for frame in frames]
        self._vectors.append(vectors)

    def embeddings(self) -> FrameEmbeddings:
        pts, times_s = zip(*self._frames, strict=True)
        return FrameEmbeddings(np.array(pts, np.int64), np.array(times_s, np.float64), np.concatenate(self._vectors))
