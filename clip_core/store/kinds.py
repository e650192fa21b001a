"""Which kinds of tables a store has, and how two rows of one key become one when a store is merged into another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from clip_core.errors import NewerStoreError
from clip_core.store import (
    activities,
    annotation_rows,
    embeddings,
    failures,
    runs,
    searches,
    stretch_summaries,
    stretches,
    subtitle_rows,
    thumbnails,
    video_settings,
    videos,
)
from clip_core.store.tables import Columns, Tables

RowJoin: TypeAlias = Literal["same", "newest", "record", "run", "cues", "derived"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of table.

    Attributes:
        columns: All its columns but ``vector``.
        key: The columns that name what a row is about.
        join: What becomes of two rows of one key. "same": they say the same, and the target's stays. "newest": the one
            with the higher ``at_ns`` counts. "record", "run", "cues": see ``merge_stores``. "derived": the table is not
            merged, as it is made from others.
        vector: Element type of the column ``vector``; "" if there is none.
    """

    columns: Columns
    key: tuple[str, ...]
    join: RowJoin
    vector: str = ""

    def column_names(self) -> list[str]:
        """Return the names of all columns."""
        return [*self.columns, "vector"] if self.vector else [*self.columns]


KINDS = {
    videos.VIDEOS: Kind(videos.VIDEO_COLUMNS, ("video",), "record"),
    videos.FILES: Kind(videos.FILE_COLUMNS, ("path_key", "size_bytes", "mtime_ns"), "newest"),
    runs.RUNS: Kind(runs.COLUMNS, ("video", "fingerprint"), "run"),
    thumbnails.THUMBNAILS: Kind(thumbnails.COLUMNS, ("video", "pts"), "same"),
    annotation_rows.ANNOTATIONS: Kind(annotation_rows.COLUMNS, ("video", "key"), "newest"),
    video_settings.SETTINGS: Kind(video_settings.COLUMNS, ("video",), "newest"),
    searches.SEARCHES: Kind(searches.COLUMNS, ("key",), "newest"),
    failures.FAILURES: Kind(failures.COLUMNS, ("path_key",), "newest"),
    subtitle_rows.SUBTITLE_SOURCES: Kind(subtitle_rows.SOURCE_COLUMNS, ("video",), "newest"),
    activities.ACTIVITIES: Kind(activities.COLUMNS, ("key",), "derived"),
    subtitle_rows.SUBTITLES: Kind(subtitle_rows.COLUMNS, ("video", "at_ns"), "cues"),
}
"""Name of a table → its kind."""
KINDS_OF_MODELS = {
    embeddings.FRAMES: Kind(embeddings.FRAME_COLUMNS, ("video", "pts"), "same", "float16"),
    embeddings.TEXTS: Kind(embeddings.TEXT_COLUMNS, ("key",), "same", "float32"),
    stretches.STRETCHES: Kind(stretches.COLUMNS, ("video", "made_ns", "first_pts"), "derived", "int16"),
    stretch_summaries.SUMMARIES: Kind(stretch_summaries.COLUMNS, ("video", "made_ns"), "derived"),
}
"""What the names of a model's tables begin with → their kind; the model's fingerprint follows."""

OF_BEFORE = ("stretches_",)
"""What the names of tables begin with that only earlier versions read; they made them from others."""


def kind_of(name: str) -> Kind | None:
    """Return the kind of a table; None for one that this version does not know."""
    known = (kind for prefix, kind in KINDS_OF_MODELS.items() if name.startswith(prefix))
    return KINDS.get(name) or next(known, None)


def known_tables(tables: Tables) -> dict[str, Kind]:
    """Return name → kind, for all tables of a store but those of ``OF_BEFORE``; their columns are not looked at.

    Raises:
        NewerStoreError: A newer version wrote the store: it has a table that is not known here.
    """
    kinds = {name: kind_of(name) for name in sorted(tables.names()) if not name.startswith(OF_BEFORE)}
    unknown = next((name for name, kind in kinds.items() if kind is None), None)
    if unknown is not None:
        raise _newer(tables, f"the table {unknown[:40]}")
    return {name: kind for name, kind in kinds.items() if kind is not None}


def check_columns(tables: Tables, name: str, kind: Kind) -> None:
    """Raise ``NewerStoreError`` if a table has a column that is not known here."""
    with tables.reading(name) as table:
        unknown = [] if table is None else sorted({*table.schema.names} - {*kind.column_names()})
    if unknown:
        raise _newer(tables, f"the column {unknown[0][:40]} of {name[:40]}")


def _newer(tables: Tables, what: str) -> NewerStoreError:
    return NewerStoreError(f"A newer version wrote {tables.location}: {what} is not known.", "Update this program.")
