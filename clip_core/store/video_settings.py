"""The last settings of each video. Rows are appended and the newest counts; old ones are deleted now and then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from clip_core.errors import SettingsError, StoreError
from clip_core.settings import Settings, settings_from
from clip_core.store.errors import asked_again
from clip_core.store.tables import StorePart, Table, columns_of, of_video, stamp

SETTINGS = "settings"
COLUMNS = columns_of("video string, version int64, fingerprint string, recipe string, at_ns int64")
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


class SettingsRows(StorePart):
    """The store's settings of videos."""

    def settings(self, video_id: str) -> StoredSettings | None:
        """Return the stored settings of a video, or None if there are none.

        Raises:
            SettingsError: The stored settings are invalid.
        """
        row = self._tables.answered(SETTINGS, video_id, lambda table: _newest(table, video_id))
        if row is None:
            return None
        source = "What is kept of this video's settings"
        if row["version"] != VERSION:
            raise SettingsError(f"{source} is of another version ({row['version']}).", "Is this program up to date?")
        try:
            values = json.loads((row["recipe"] or "")[:MOST_LETTERS])
        except (ValueError, RecursionError) as error:
            raise SettingsError(f"{source} cannot be read.", "The next change replaces it.") from error
        return StoredSettings(settings_from(values, source), str(row["fingerprint"]))

    @asked_again
    def keep_settings(self, video_id: str, kept: StoredSettings) -> None:
        """Store the settings of a video in place of the previous ones.

        Raises:
            StoreError: They are larger than 1 MB.
        """
        text = json.dumps(kept.settings.as_mapping(), allow_nan=False)
        if len(text) > MOST_LETTERS:
            raise StoreError("Settings of more than 1 MB are not kept.", "Shorten the prompts, or save them as a file.")
        own = of_video(video_id)
        with self._tables.writing(SETTINGS, COLUMNS) as table:
            past = table.rows(("at_ns",), own)["at_ns"].to_pylist()
            at_ns = stamp(max(past, default=0))
            row = {
                "video": video_id,
                "version": VERSION,
                "fingerprint": kept.fingerprint,
                "recipe": text,
                "at_ns": at_ns,
            }
            table.add_rows(row)
            if len(past) >= _MOST_ROWS:
                table.delete(f"{own} AND at_ns < {at_ns}")

    def drop_settings(self, video_id: str) -> None:
        """Delete the stored settings of a video."""
        self._tables.delete([SETTINGS], of_video(video_id))


def _newest(table: Table | None, video_id: str) -> dict[str, Any] | None:
    if table is None:
        return None
    rows: list[dict[str, Any]] = table.rows(tuple(COLUMNS), of_video(video_id)).to_pylist()
    return max(rows, key=lambda row: row["at_ns"], default=None)
