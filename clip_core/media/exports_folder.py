"""What exports share: progress, free space, the errors of writing, and the folder of the page's exports."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from clip_core.config import Config
from clip_core.errors import ClipVideoError, ExportError, MomentExportError, VideoDecodeError, shown_name
from clip_core.files import LEFT_AFTER_S, is_full, is_held, lacking_room, reason_of, sweep, whole_file
from clip_core.library.videos import uploads_folder
from clip_core.types import Clip, Progress, Stage

REPORT_EVERY_S = 0.25
SPARE_BYTES = 64 * 1024 * 1024
EXPORTS = "exports"
CLIPS_ZIP, REEL = "clips.zip", "reel.mp4"
RESULTS = {CLIPS_ZIP: "application/zip", REEL: "video/mp4"}
"""The single files that the page makes of exports, and their MIME types."""
MOST_AGE_S = 24 * 3600.0
MOST_BYTES = 4_000_000_000
TEMPORARY_EXPORTS = "clip-video-exports-"
TEMPORARY_FOLDER = re.compile(rf"{TEMPORARY_EXPORTS}[a-z0-9_]{{8}}")
"""The names of a read-only server's folders of exports, in the system's folder for temporary files."""
_OURS = re.compile(r"[0-9a-f]{32}")
_PARTS = re.compile(rf"\.({'|'.join(map(re.escape, RESULTS))}|[0-9a-f]{{32}})\.part")


@dataclass
class ProgressMeter:
    """Counts the progress of one stage and says when a report is due.

    Args:
        stage: The stage.
        total: How much there is to do, in the unit of the stage.
    """

    stage: Stage
    total: float
    done: float = 0.0
    files: list[Path] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failures: list[ClipVideoError] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _reported: float = field(default_factory=time.monotonic)

    def due(self) -> bool:
        """Return whether a report is due: four times a second."""
        return time.monotonic() - self._reported >= REPORT_EVERY_S

    def report(self) -> Progress:
        """Return the progress so far."""
        self._reported = time.monotonic()
        share = self.done / self.total if self.total > 0 else 0.0
        left_s = None if share <= 0 else max(0.0, (self._reported - self._began) * (1 / share - 1))
        return Progress(
            min(self.done, self.total),
            self.total,
            seconds_left=left_s,
            stage=self.stage,
            warnings=tuple(dict.fromkeys(self.warnings)),
            files=tuple(self.files),
            clips=tuple(self.clips),
            failed=len(self.failures),
        )

    @contextmanager
    def naming(self, what: str, check: Callable[[], None]) -> Iterator[None]:
        """Name a clip or picture that fails in the block among the warnings, so that the others are made.

        Args:
            what: The beginning of a sentence, such as "“a dog” at 0:01.000 is not cut".
            check: Is called after a failure, and raises if the others would fail too.
        """
        try:
            yield
        except (MomentExportError, VideoDecodeError) as error:
            check()
            self.failures.append(error)
            self.warnings.append(f"{what}: {error.line}")

    def check(self) -> None:
        """Raise the first error if nothing could be made.

        Raises:
            ExportError, VideoError: Why the first clip or picture could not be made.
        """
        if self.failures and not self.files:
            raise self.failures[0]


def need_spare(folder: Path, more_bytes: int = 0) -> None:
    """Check that 64 MB and ``more_bytes`` are free on the disk of a folder.

    Raises:
        ExportError: There is too little space, or the folder cannot be read.
    """
    try:
        lacking = lacking_room(folder, more_bytes, SPARE_BYTES)
    except OSError as error:
        raise ExportError(f"The folder cannot be written: {error.strerror}.", "Choose another folder.") from error
    if lacking:
        raise ExportError(f"There is no room: {lacking}.", "Free some space and try again.")


def make_folder(folder: Path) -> None:
    """Create an output folder if it does not exist.

    Raises:
        ExportError: The folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"{shown_name(folder)} cannot be made or is not a folder: {error.strerror}.", "Choose another folder."
        ) from error


def refuse_source(target: Path, source: Path) -> None:
    """Refuse to overwrite the video itself.

    Raises:
        ExportError: Both paths are the same file.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise ExportError(f"{shown_name(target)} is the video itself.", "Choose another folder.")


def write_whole(target: Path, content: bytes) -> None:
    """Write a file under a temporary name, then move it to ``target``, replacing what is there.

    Raises:
        ExportError: The file cannot be written; nothing of it is left.
    """
    with guarded(), whole_file(target) as part:
        part.write_bytes(content)


@contextmanager
def guarded(kinds: type[Exception] | tuple[type[Exception], ...] = OSError) -> Iterator[None]:
    """Raise errors of these kinds in the block as ``ExportError``."""
    try:
        yield
    except kinds as error:
        raise export_error(error) from error


def export_error(
    error: Exception,
    refused: str = "The clip's format cannot hold this stream",
    next_step: str = "Cut it exactly instead.",
) -> ExportError:
    """Return an error that says why clips, frames or a ZIP cannot be written, and what to do.

    Args:
        error: What was raised.
        refused, next_step: What to say if FFmpeg refuses the stream, so that no other folder would help. PyAV's
            errors of the operating system are OSErrors; EINVAL, which muxers raise, and its own are not.
    """
    if is_full(error):
        return ExportError("The disk is full: the unfinished file was deleted.", "Free some space and try again.")
    if not isinstance(error, OSError):
        return MomentExportError(f"{refused}: {getattr(error, 'strerror', None) or reason_of(error)}.", next_step)
    return ExportError(f"It cannot be written: {reason_of(error)}.", "Choose a folder that may be written.")


def exports_folder(config: Config) -> Path:
    """Return the folder of exports: ``exports``, beside the uploads."""
    return uploads_folder(config).with_name(EXPORTS)


def result_path(folder: Path, key: str) -> Path | None:
    """Return the path of an export's result, whether or not it exists; None if ``key`` is not 32 hex digits."""
    if not _OURS.fullmatch(key):
        return None
    return next((path for name in RESULTS if (path := folder / key / name).is_file()), folder / key / CLIPS_ZIP)


def clean_exports(folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
    """Delete exports that are older than a day, and the oldest ones beyond a total size.

    Only folders named by 32 hex digits are considered; links and everything else stay. An export that is being
    written stays too. One that is older than a day and that no process holds was left by a killed process.

    Args:
        folder: The folder of exports; it need not exist.
        most_bytes: The total size that may stay, 4 GB by default.
    """
    now, total = time.time(), 0
    for modified, each in sorted(_exports(folder), reverse=True):  # the newest first
        total += _size(each)
        parts = list(each.glob(".*.part"))
        is_old = now - modified > MOST_AGE_S and not any(map(is_held, parts))
        if is_old or (total > most_bytes and not parts):
            shutil.rmtree(each, ignore_errors=True)


def sweep_exports(folder: Path) -> None:
    """Delete what killed processes left half-written in the exports, and exports of which nothing else is left.

    Args:
        folder: The folder of exports; it need not exist.
    """
    for modified, each in _exports(folder):
        sweep(each, _PARTS)
        if time.time() - modified > LEFT_AFTER_S:
            with suppress(OSError):  # it is not empty
                each.rmdir()


def _exports(folder: Path) -> list[tuple[float, Path]]:
    """Return when each export was modified, and its folder; there are none if ``folder`` does not exist."""
    try:
        own = [each for each in folder.iterdir() if _OURS.fullmatch(each.name) and not each.is_symlink()]
        return [(each.stat().st_mtime, each) for each in own if each.is_dir()]
    except OSError:
        return []


def _size(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    except OSError:  # it is being deleted
        return 0
