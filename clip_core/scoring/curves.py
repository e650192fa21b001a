"""Similarity curves of prompts, computed once for each (sample, prompt)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from clip_core.scoring.templates import TemplateSet
from clip_core.types import Floats, FrameEmbeddings, Ints, Scores, Times, TimeTable

_MARK = "\x1f"


def image_key(image_id: str) -> str:
    """The key of a picture that frames are compared with, such as by the SHA-256 of its pixels."""
    return f"{_MARK}image{_MARK}{image_id}"


def ensemble_key(prompt: str, templates: TemplateSet) -> str:
    """The key of a prompt's common vector over a template set; of "none" it is the prompt itself."""
    return prompt if templates == "none" else f"{_MARK}ensemble{_MARK}{templates}{_MARK}{prompt}"


FIRST_ROOM = 1024


class Curves:
    """The growing table of similarities of one video under one model.

    Frames and prompts may be added at any time and in any order; ``scores`` computes just the cells
    that are asked for and missing. Not for use by several threads at once.

    Attributes:
        revision: What the reader of the store has handed over so far; opaque here.
        computed_cells: How many (frame, prompt) cells were ever computed.
        generation: How often all frames were forgotten; what is kept beside the frames is stale if it rose.
    """

    def __init__(self) -> None:
        self.revision: object | None = None
        self.computed_cells = 0
        self.generation = 0
        self._count = 0
        self._pts: Ints = np.empty(0, np.int64)
        self._times_s: Times = np.empty(0, np.float64)
        self._vectors: Floats = np.empty((0, 0), np.float32)
        self._order: Ints = np.empty(0, np.int64)
        self._texts: dict[str, Floats] = {}
        self._columns: dict[str, Floats] = {}

    def __len__(self) -> int:
        return self._count

    def add_frames(self, embeddings: FrameEmbeddings) -> None:
        """Take in frames that were not added before, in any order."""
        if len(embeddings) == 0:
            return
        count = self._count + len(embeddings)
        self._make_room(count, embeddings.vectors.shape[1])
        new = slice(self._count, count)
        self._pts[new] = embeddings.pts
        self._times_s[new] = embeddings.times_s
        self._vectors[new] = embeddings.vectors
        self._count = count
        self._order = np.argsort(self._pts[:count], kind="stable")

    def drop_frames(self) -> None:
        """Forget all frames and their similarities; the vectors of the prompts stay."""
        self.generation += 1
        self._count = 0
        self._order = np.empty(0, np.int64)
        self._columns = {prompt: np.empty(0, np.float32) for prompt in self._columns}

    @property
    def order(self) -> Ints:
        """int64 (n,): the rows of ``vectors`` by time."""
        return self._order

    def vectors(self, since: int = 0) -> Floats:
        """The frames' vectors in the order of their arrival, float32 (n - since, dim): a view, not to be written to."""
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
        """Those of ``prompts`` whose vectors have not been added."""
        return [prompt for prompt in prompts if prompt not in self._texts]

    def add_prompts(self, vectors: Mapping[str, Floats]) -> None:
        """Take in vectors: prompt, or a key of ``scoring/keys.py`` → float32 (dim,), unit length."""
        for prompt, vector in vectors.items():
            if prompt not in self._texts:
                self._texts[prompt] = vector
                self._columns[prompt] = np.empty(0, np.float32)

    def scores(self, prompts: Sequence[str], table: TimeTable, *, complete: bool = True) -> Scores:
        """Return the similarities of ``prompts`` to all frames, sorted by time.

        Args:
            prompts: Each of them added before.
            table: Gives frames their numbers and the video its end.
            complete: Handed on to ``Scores.complete``.
        """
        self._fill(prompts)
        order, n = self._order, self._count
        rows = np.empty((len(prompts), n), np.float32)  # a prompt's curve lies together in memory, as all readers like
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
        """Compute the missing rows of each column; columns that lack the same rows are multiplied together."""
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
