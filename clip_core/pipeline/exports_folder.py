"""Where results wait to be fetched from the page: one folder each, none for long."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

from clip_core.config import Config
from clip_core.pipeline.list_videos import uploads_folder

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
