"""How far an export of clips, frames or a ZIP has come."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from clip_core.errors import ExportError
from clip_core.files import lacking_room
from clip_core.values import Clip, Progress, Stage

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
