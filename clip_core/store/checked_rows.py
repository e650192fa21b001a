"""Read tables through to find what is damaged, stored twice, or about videos that are not stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_core.store.kinds import OF_BEFORE, Kind, check_columns, known_tables
from clip_core.store.subtitle_rows import SUBTITLE_SOURCES, SUBTITLES
from clip_core.store.tables import StorePart
from clip_core.store.thumbnails import THUMBNAILS
from clip_core.types import MOST_OFF_UNIT, Ints

_ROWS_AT_ONCE = {THUMBNAILS: 128}
_OTHER_ROWS_AT_ONCE = 1024


@dataclass(slots=True)
class TableCounts:
    """What was found in a table.

    Attributes:
        rows: How many rows were read.
        doubled: How many of them repeat the key of another one, where each key should be stored once.
        unusable: First column of the key → how many of its rows have a vector that is zero or not finite, or, of
            frames, not of unit length.
        of_videos: Video id → how many rows, each key once.
    """

    rows: int = 0
    doubled: int = 0
    unusable: Counter[str] = field(default_factory=Counter)
    of_videos: Mapping[str, int] = field(default_factory=dict)


class CheckedRows(StorePart):
    """Tables that are read through."""

    def kinds_of_tables(self) -> dict[str, Kind]:
        """Return name → kind of all tables, none of which is read; NewerStoreError if one is not known here."""
        return known_tables(self._tables)

    def tables_of_before(self) -> list[str]:
        """Return the names of the tables that only earlier versions read, in order."""
        return sorted(name for name in self._tables.names() if name.startswith(OF_BEFORE))

    def read_whole(self, name: str, kind: Kind, counts: TableCounts) -> Iterator[int]:
        """Read all rows of a table, and count them in ``counts``, which is complete at the end.

        8 bytes a row stay in memory meanwhile.

        Yields:
            After each part, how many rows it had.

        Raises:
            NewerStoreError: The table has a column that is not known here.
            StoreError: A file is damaged or gone.
        """
        check_columns(self._tables, name, kind)
        keys: dict[str, list[Ints]] = {}
        with self._tables.reading(name) as table:
            if table is None:
                return
            most = _ROWS_AT_ONCE.get(name, _OTHER_ROWS_AT_ONCE)
            batches = table.ask(lambda raw: iter(raw.search().limit(None).to_batches(most)))
            while (batch := table.ask(lambda _: next(batches, None))) is not None:
                counts.rows += batch.num_rows
                counts.unusable.update(_unusable(batch, kind) if kind.vector else ())
                for key, own in _keys(batch, kind):
                    keys.setdefault(key, []).append(own)
                yield batch.num_rows
        once = {key: len(np.unique(np.concatenate(parts))) for key, parts in keys.items()}
        counts.of_videos = once if "video" in kind.key else {}
        counts.doubled = counts.rows - sum(once.values()) if kind.join == "same" else 0

    def cues_left_over(self) -> int:
        """Return how many cues belong to no source of subtitles that counts."""
        with self._tables.reading(SUBTITLES) as cues, self._tables.reading(SUBTITLE_SOURCES) as sources:
            if cues is None:
                return 0
            rows = cues.rows(("video", "at_ns"))
            stored = Counter(zip(rows["video"].to_pylist(), rows["at_ns"].to_pylist(), strict=True))
            newest: dict[str, int] = {}
            for row in [] if sources is None else sources.rows(("video", "at_ns")).to_pylist():
                newest[row["video"]] = max(row["at_ns"], newest.get(row["video"], -1))
        return sum(count for (video, at_ns), count in stored.items() if newest.get(video) != at_ns)


def _unusable(batch: Any, kind: Kind) -> list[str]:  # noqa: ANN401
    """Return the first column of the key of those rows that ``TableCounts.unusable`` counts."""
    column = batch["vector"]
    vectors = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
    if kind.vector == "float16":
        usable = is_rounded_unit(vectors)
    else:
        usable = np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)
    keys: list[str] = batch[kind.key[0]].take(np.flatnonzero(~usable)).to_pylist()
    return keys


def is_rounded_unit(vectors: NDArray[np.float16]) -> NDArray[np.bool_]:
    """Return of each row of float16 (n, dim) whether it can be a vector of unit length that was rounded.

    Rounding to half precision moves a number x by at most 2⁻¹¹·|x|, or by 2⁻²⁵ where |x| < 2⁻¹⁴. So it moves a vector,
    and changes its length, by at most 2⁻¹¹ of that length and 2⁻²⁵·√dim. Sums in single precision change the length by
    at most 2⁻²⁵·dim; 2⁻²⁴·dim is more than both. Before it is rounded, the length is within ``MOST_OFF_UNIT`` of 1.
    """
    exact = vectors.astype(np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", exact, exact))
    off = MOST_OFF_UNIT + 2**-11 * (1 + MOST_OFF_UNIT) + 2**-24 * vectors.shape[1]
    return np.asarray(np.abs(lengths - 1) <= off)  # false for NaN


def _keys(batch: Any, kind: Kind) -> Iterator[tuple[str, Ints]]:  # noqa: ANN401
    """Yield the values of the first column of the key, each with those of the second, or with as many zeros."""
    coded = batch[kind.key[0]].dictionary_encode()
    codes = np.asarray(coded.indices.to_numpy())
    for code, value in enumerate(coded.dictionary.to_pylist()):
        at = np.flatnonzero(codes == code)
        second = batch[kind.key[1]] if kind.key[1:] == ("pts",) else None
        yield value, np.zeros(len(at), np.int64) if second is None else np.asarray(second.to_numpy()[at], np.int64)
