"""The similarities of a video's frames to prompts; each (frame, prompt) cell is computed once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from clip_core.settings import Templates
from clip_core.types import Floats, FrameEmbeddings, Ints, Scores, Times, TimeTable

FIRST_ROOM = 1024
_MARK = "\x1f"


def image_key(image_id: str) -> str:
    """Return the key of a picture that frames are compared with; ``image_id`` is, say, the SHA-256 of its pixels."""
    return f"{_MARK}image{_MARK}{image_id}"


def ensemble_key(prompt: str, templates: Templates) -> str:
    """Return the key of a prompt's ensemble vector over a template set; for "none" it is the prompt itself."""
    return prompt if templates == "none" else f"{_MARK}ensemble{_MARK}{templates}{_MARK}{prompt}"


class SimilarityTable:
    """The growing table of one video under one model: a row for each frame, a column for each prompt.

    Frames and prompts can be added at any time and in any order; ``scores`` computes only the requested cells that are
    missing. Not thread-safe.

    Attributes:
        revision: What the store's reader last delivered; opaque to this class.
        computed_cells: How many (frame, prompt) cells have been computed so far.
        generation: How often all frames were dropped. When it changes, any data cached per frame is stale.
        order: int64 (n,), the rows of ``vectors`` sorted by time.
    """

    def __init__(self) -> None:
        self.revision: object | None = None
        self.computed_cells = 0
        self.generation = 0
        self._count = 0
        self._pts: Ints = np.empty(0, np.int64)
        self._times_s: Times = np.empty(0, np.float64)
        self._vectors: Floats = np.empty((0, 0), np.float32)
        self.order: Ints = np.empty(0, np.int64)
        self._texts: dict[str, Floats] = {}
        self._columns: dict[str, Floats] = {}

    def __len__(self) -> int:
        return self._count

    def add_frames(self, embeddings: FrameEmbeddings) -> None:
        """Add frames that were not added before, in any order."""
        if len(embeddings) == 0:
            return
        count = self._count + len(embeddings)
        self._make_room(count, embeddings.vectors.shape[1])
        new = slice(self._count, count)
        self._pts[new] = embeddings.pts
        self._times_s[new] = embeddings.times_s
        self._vectors[new] = embeddings.vectors
        self._count = count
        self.order = np.argsort(self._pts[:count], kind="stable")

    def drop_frames(self) -> None:
        """Drop all frames and their similarities; the prompts' vectors stay."""
        self.generation += 1
        self._count = 0
        self.order = np.empty(0, np.int64)
        self._columns = {prompt: np.empty(0, np.float32) for prompt in self._columns}

    def vectors(self, since: int = 0) -> Floats:
        """Return the frames' vectors in order of arrival, float32 (n - since, dim): a view, do not write to it."""
        return self._vectors[since : self._count]

    def _make_room(self, count: int, dim: int) -> None:
        room = len(self._pts)
        if count <= room:
            return
        room = max(FIRST_ROOM, count, room * 2)
        for name in ("_pts", "_times_s", "_vectors"):
            old = getattr(self, name)
            new = np.empty((room, dim) if name == "_vectors" else room, old.dtype)
            if self._count:
                new[: self._count] = old[: self._count]
            setattr(self, name, new)

    def unknown(self, prompts: Iterable[str]) -> list[str]:
        """Return those of ``prompts`` whose vectors have not been added."""
        return [prompt for prompt in prompts if prompt not in self._texts]

    def add_prompts(self, vectors: Mapping[str, Floats]) -> None:
        """Add vectors: prompt, ``image_key`` or ``ensemble_key`` → float32 (dim,), unit length. Skips known keys."""
        for prompt, vector in vectors.items():
            if prompt not in self._texts:
                self._texts[prompt] = vector
                self._columns[prompt] = np.empty(0, np.float32)

    def scores(self, prompts: Sequence[str], table: TimeTable, *, complete: bool = True) -> Scores:
        """Return the similarities of ``prompts`` (or keys) to all frames, sorted by time.

        Their vectors must have been added. ``table`` maps frames to their numbers, and gives the end of the video.
        """
        self._fill(prompts)
        order, n = self.order, self._count
        rows = np.empty((len(prompts), n), np.float32)  # each prompt's curve is contiguous: faster for readers
        for row, prompt in zip(rows, prompts, strict=True):
            np.take(self._columns[prompt], order, out=row)
        frames, times_s = table.number_of(self._pts[order]), self._times_s[order]
        end_s = max(table.end_s, float(times_s[-1]) if n else 0.0)
        following = table.seconds(table.pts[np.minimum(frames + 1, len(table) - 1)]) if n else times_s
        return Scores(
            frames=frames,
            times_s=times_s,
            prompts=tuple(prompts),
            values=rows.T,
            start_s=0.0,
            end_s=end_s,
            complete=complete,
            until_s=np.where(frames + 1 < len(table), np.maximum(times_s, following), end_s),
        )

    def _fill(self, prompts: Sequence[str]) -> None:
        """Compute the missing rows of each column, in one product for all columns that miss the same rows."""
        lacking: dict[int, list[str]] = {}
        for prompt in prompts:
            known = len(self._columns[prompt])
            if known < self._count:
                lacking.setdefault(known, []).append(prompt)
        for known, group in lacking.items():
            texts = np.stack([self._texts[prompt] for prompt in group])
            block = texts @ self._vectors[known : self._count].T
            np.clip(block, -1.0, 1.0, out=block)
            self.computed_cells += block.size
            for row, prompt in zip(block, group, strict=True):
                self._columns[prompt] = np.concatenate([self._columns[prompt], row]) if known else row
