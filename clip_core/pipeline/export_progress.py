"""How far an export of clips, frames or a ZIP has come."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from clip_core.errors import ExportError
from clip_core.files import lacking_room
from clip_core.media.clip import Clip

Kind: TypeAlias = Literal["clips", "frames", "zip", "done"]

REPORT_EVERY_S = 0.25
SPARE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """How far it is. ``done`` never falls within a stage; at the stage's last one it equals ``total``.

    Attributes:
        stage: "clips" (``done`` and ``total`` are seconds of video), "frames" (pictures), "zip" (bytes), or "done".
        done, total: In the unit of the stage.
        seconds_left: Of the stage; an estimate, None until measured.
        files: What is whole and in its place so far.
        clips: Of these the clips, as they really are.
        warnings: What the user should know, such as where the sound is damaged.
    """

    stage: Kind
    done: float
    total: float
    seconds_left: float | None = None
    files: tuple[Path, ...] = ()
    clips: tuple[Clip, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """How much of the stage is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 1.0


@dataclass
class Account:
    """Keeps what there is to tell of one stage, and says when it is time to tell it.

    Args:
        stage: Which.
        total: In its unit.
    """

    stage: Kind
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

    def report(self) -> ExportProgress:
        """Tell how far it is."""
        self._told = time.monotonic()
        share = self.done / self.total if self.total > 0 else 0.0
        left_s = None if share <= 0 else max(0.0, (self._told - self._began) * (1 / share - 1))
        warnings = tuple(dict.fromkeys(self.warnings))
        done = min(self.done, self.total)
        return ExportProgress(self.stage, done, self.total, left_s, tuple(self.files), tuple(self.clips), warnings)


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
