"""Where exports are written, the room that they need, and their progress."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from clip_core.config import Config
from clip_core.errors import ExportError
from clip_core.files import lacking_room
from clip_core.library.videos import uploads_folder
from clip_core.types import Clip, Progress, Stage

REPORT_EVERY_S = 0.25
SPARE_BYTES = 64 * 1024 * 1024


@dataclass
class Account:
    """Keeps what there is to tell of one stage, and says when it is time to tell it.

    Args:
        stage: Which.
        total: In its unit.
    """

    stage: Stage
    total: float
    done: float = 0.0
    files: list[Path] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)

    def due(self) -> bool:
        """Whether a report is due: four times a second."""
        return time.monotonic() - self._told >= REPORT_EVERY_S

    def report(self) -> Progress:
        """Tell how far it is."""
        self._told = time.monotonic()
        share = self.done / self.total if self.total > 0 else 0.0
        left_s = None if share <= 0 else max(0.0, (self._told - self._began) * (1 / share - 1))
        return Progress(
            min(self.done, self.total),
            self.total,
            seconds_left=left_s,
            stage=self.stage,
            warnings=tuple(dict.fromkeys(self.warnings)),
            files=tuple(self.files),
            clips=tuple(self.clips),
        )


def need_spare(folder: Path, more_bytes: int = 0) -> None:
    """Refuse to fill a disk to its brim: 64 MB, and ``more_bytes``, must be free.

    Raises:
        ExportError: They are not, or the folder cannot be looked at.
    """
    try:
        lacking = lacking_room(folder, more_bytes, SPARE_BYTES)
    except OSError as error:
        raise ExportError(f"The folder cannot be written: {error.strerror}.", "Choose another folder.") from error
    if lacking:
        raise ExportError(f"There is no room: {lacking}.", "Free some space and try again.")


EXPORTS = "exports"
CLIPS_ZIP = "clips.zip"
"""What the page makes of clips: one file."""
MOST_AGE_S = 24 * 3600.0
MOST_BYTES = 4_000_000_000

_OURS = re.compile(r"[0-9a-f]{32}")


def exports_folder(config: Config) -> Path:
    """Where results are kept: ``exports`` beside the uploads."""
    return uploads_folder(config).with_name(EXPORTS)


def result_path(config: Config, key: str) -> Path | None:
    """Where the ZIP of an export lies, whether or not it is there; None if ``key`` is none: 32 hex digits."""
    return exports_folder(config) / key / CLIPS_ZIP if _OURS.fullmatch(key) else None


def clean_exports(folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
    """Remove results that are older than a day, and the oldest as long as all take more than 4 GB.

    Only folders that are named as ours are looked at; links, and whatever else lies there, stay. One that is being
    written stays too, unless it is older than a day: then its process was killed.

    Args:
        folder: It may not be there.
        most_bytes: How much may stay.
    """
    now = time.time()
    try:
        found = [each for each in folder.iterdir() if _OURS.fullmatch(each.name) and _is_folder(each)]
        known = sorted((each.stat().st_mtime, each) for each in found)
    except OSError:
        return
    total = 0
    for modified, each in reversed(known):  # the newest first
        total += _size(each)
        if now - modified > MOST_AGE_S or (total > most_bytes and not any(each.glob(".*.part"))):
            shutil.rmtree(each, ignore_errors=True)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _size(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    except OSError:  # it is just being removed
        return 0
