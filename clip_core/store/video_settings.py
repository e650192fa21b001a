"""The last settings of each video. Rows are appended and the newest counts; old ones are deleted now and then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from clip_core.errors import SettingsError, StoreError
from clip_core.settings import Settings, settings_from
from clip_core.store.tables import Table, Tables, plain_id, stamp

SETTINGS = "settings"
VERSION = 1
MOST_LETTERS = 1_000_000
_MOST_ROWS = 32
"""The number of rows per video at which the older ones are deleted."""


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """The stored settings of one video.

    Attributes:
        settings: All settings, including the prompts.
        fingerprint: The model they were made with; thresholds do not apply to another model.
    """

    settings: Settings
    fingerprint: str


def _schema() -> Any:  # noqa: ANN401 - pyarrow is not imported here
    import pyarrow as pa

    text, whole = pa.string(), pa.int64()
    kinds = {"video": text, "version": whole, "fingerprint": text, "recipe": text, "at_ns": whole}
    return pa.schema(list(kinds.items()))


def keep(tables: Tables, video_id: str, kept: StoredSettings) -> None:
    """Store the settings of a video in place of the previous ones.

    Raises:
        StoreError: They are larger than 1 MB, or the store cannot be written.
    """
    import pyarrow as pa

    text = json.dumps(kept.settings.as_mapping(), allow_nan=False)
    if len(text) > MOST_LETTERS:
        raise StoreError("Settings of more than 1 MB are not kept.", "Shorten the prompts, or save them as a file.")
    row = {"video": plain_id(video_id), "version": VERSION, "fingerprint": kept.fingerprint, "recipe": text}
    with tables.writing(SETTINGS, _schema) as table:
        past = sorted(table.rows(("at_ns",), _of(video_id))["at_ns"].to_pylist())
        row["at_ns"] = stamp(past[-1] if past else 0)
        table.add(pa.Table.from_pylist([row], schema=_schema()))
        if len(past) >= _MOST_ROWS:
            table.delete(f"{_of(video_id)} AND at_ns < {row['at_ns']}")


def kept(tables: Tables, video_id: str) -> StoredSettings | None:
    """Return the stored settings of a video, or None if there are none.

    Raises:
        SettingsError: The stored settings are invalid.
    """
    row = tables.answered(SETTINGS, video_id, lambda table: _newest(table, video_id))
    if row is None:
        return None
    source = "What is kept of this video's settings"
    if row["version"] != VERSION:
        raise SettingsError(f"{source} is of another version ({row['version']}).", "Is this program up to date?")
    try:
        given = json.loads((row["recipe"] or "")[:MOST_LETTERS])
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{source} cannot be read.", "The next change replaces it.") from error
    return StoredSettings(settings_from(given, source), str(row["fingerprint"]))


def drop(tables: Tables, video_id: str) -> None:
    """Delete the stored settings of a video."""
    with tables.reading(SETTINGS) as table:
        if table is not None:
            table.delete(_of(video_id))


def _newest(table: Table | None, video_id: str) -> dict[str, Any] | None:
    if table is None:
        return None
    rows: list[dict[str, Any]] = table.rows(_schema().names, _of(video_id)).to_pylist()
    return max(rows, key=lambda row: row["at_ns"], default=None)


def _of(video_id: str) -> str:
    return f"video = '{plain_id(video_id)}'"
