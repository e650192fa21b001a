"""Find rows by the words of a text column, by a full-text index; rows that are not indexed yet are searched as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clip_core.store.tables import KEEP_OLD, Table

_MOST_BEHIND, _SHARE_BEHIND = 20_000, 10
"""The index is brought up to date when so many rows, and one in so many, are not in it."""


def index_words(table: Table, column: str) -> None:
    """Create an index of the words in ``column`` if there is none, or bring it up to date if it is far behind.

    Words are split as their language does (ICU), also where no spaces stand between them. Capitals and diacritics
    count as the plain letters; no word is left out or shortened, as the language is not known.
    """
    from lancedb.index import FTS

    config = FTS(base_tokenizer="icu/split", with_position=True, stem=False, remove_stop_words=False)

    def index(raw: Any) -> None:  # noqa: ANN401
        there = [index for index in raw.list_indices() if column in index.columns]
        if not there:
            raw.create_index(column, config=config)
        elif there[0].num_unindexed_rows > max(_MOST_BEHIND, there[0].num_indexed_rows // _SHARE_BEHIND):
            raw.optimize(cleanup_older_than=KEEP_OLD)

    table.tend(index)


def rows_with_words(table: Table, query: Any, columns: Sequence[str], where: str | None, limit: int) -> Any:  # noqa: ANN401
    """Return a pyarrow table of ``columns`` and ``_score``: the rows that fit a full-text query, the best first."""

    def ask(raw: Any) -> Any:  # noqa: ANN401
        found = raw.search(query, query_type="fts").select([*columns, "_score"]).limit(limit)
        return (found.where(where, prefilter=True) if where else found).to_arrow()

    return table.ask(ask)
