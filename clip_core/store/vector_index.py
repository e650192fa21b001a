"""Find the vectors with the highest products with a vector, by an index once there are many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clip_core.store.tables import Table
from clip_core.types import Floats

COLUMN = "vector"
FEWEST_INDEXED = 10_000
"""Fewer vectors are scanned in some milliseconds."""
PROBES = 8
"""How many partitions of an index are looked at; a default one has some thousand vectors in each."""
REMADE_AT = 2
"""An index is made again when the rows are this many times those that it was made of: new ones join old partitions."""


def nearest(table: Table, vector: Floats, columns: Sequence[str], where: str | None, limit: int) -> Any:  # noqa: ANN401
    """Return a pyarrow table of the rows with the highest products, the highest first.

    Rows that are not indexed yet are found as well. The SQL filter ``where`` applies before the best are taken.
    """

    def ask(raw: Any) -> Any:  # noqa: ANN401
        query = raw.search(vector).distance_type("dot").nprobes(PROBES).limit(limit)
        query = query.select([*columns, "_distance"])  # without it, LanceDB warns at each query
        return (query.where(where, prefilter=True) if where else query).to_arrow()

    return table.ask(ask)


def index_vectors(table: Table) -> None:
    """Create the index if there are many rows and it is missing or was made of far fewer; its name tells how many."""
    from lancedb.index import IvfFlat

    def index(raw: Any) -> None:  # noqa: ANN401
        rows = raw.count_rows()
        known = [index.name for index in raw.list_indices() if COLUMN in index.columns]
        if rows < FEWEST_INDEXED or any(rows < REMADE_AT * int(name.rsplit("_", 1)[1]) for name in known):
            return
        for name in known:
            raw.drop_index(name)
        raw.create_index(COLUMN, config=IvfFlat(distance_type="dot"), name=f"{COLUMN}_{rows}")

    table.tend(index)
