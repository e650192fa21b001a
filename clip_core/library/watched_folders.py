"""Watched folders: the list of them, kept beside the uploads, and which of their files have stopped changing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from clip_core.config import Config, Crop
from clip_core.errors import ConfigError, shown_name
from clip_core.files import reason_of, whole_file
from clip_core.library.videos import uploads_folder

SETTLED_S = 5.0
"""A file is taken when its size and modification time have not changed for this long."""


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder whose new videos are indexed.

    Attributes:
        path: Its absolute path.
        model: The model's name for ``load_encoder``.
        crop: What the model sees of a frame; None: as it was made.
        samples_per_second: The rate; None means every frame.
        left_out: Paths of videos in it that were forgotten, and are not to be indexed again.
    """

    path: str
    model: str
    crop: Crop | None
    samples_per_second: float | None
    left_out: tuple[str, ...] = ()


def watched_file(config: Config) -> Path:
    """Return the file that lists the watched folders, which belong to this machine as the uploads do."""
    return uploads_folder(config) / "watched_folders.json"


def read_watched(file: Path) -> tuple[WatchedFolder, ...]:
    """Return the watched folders; none if there is no file.

    Raises:
        ConfigError: The file cannot be read, or does not list folders.
    """
    try:
        listed = json.loads(file.read_text(encoding="utf-8"))
        return tuple(_folder(row) for row in listed["folders"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        what = f"{shown_name(file)} does not list watched folders ({type(error).__name__})."
        raise ConfigError(what, f"Delete {file}; the folders can be added again.") from error


def _folder(row: Mapping[str, object]) -> WatchedFolder:
    path, model, crop, rate, left_out = (row[name] for name in WatchedFolder.__dataclass_fields__)
    is_known = isinstance(path, str) and isinstance(model, str) and (crop is None or crop in get_args(Crop))
    if not is_known or not isinstance(left_out, list):
        raise TypeError("a watched folder has a path, a model and a list of videos that are left out")
    if rate is not None and not (isinstance(rate, int | float) and 0 < float(rate) < float("inf")):
        raise ValueError("a rate is a number above 0")
    return WatchedFolder(path, model, crop, rate, tuple(map(str, left_out)))  # type: ignore[arg-type]


def write_watched(file: Path, folders: Sequence[WatchedFolder]) -> None:
    """Write the list of watched folders in one step.

    Raises:
        ConfigError: The file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as part:  # ASCII: names of files need not be valid Unicode
            part.write_text(json.dumps({"folders": [asdict(folder) for folder in folders]}, indent=1), encoding="ascii")
    except OSError as error:
        what = f"{shown_name(file)} cannot be written: {reason_of(error)}."
        raise ConfigError(what, "Check the permissions and the room in its folder.") from error


class Settling:
    """Tells which files have stopped changing, each once per state of the file."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}
        self._taken: dict[Path, tuple[int, int]] = {}

    def ready(self, stamps: Mapping[Path, tuple[int, int]], now_s: float) -> list[Path]:
        """Return the files to take now.

        Args:
            stamps: The files that are there → their ``file_stamp``. Empty files are never ready.
            now_s: The time, on any clock that never jumps back.
        """
        for known in (self._seen, self._taken):
            for path in known.keys() - stamps.keys():
                del known[path]
        ready = []
        for path, stamp in stamps.items():
            if self._taken.get(path) == stamp or stamp[0] == 0:
                continue
            if path not in self._seen or self._seen[path][0] != stamp:
                self._seen[path] = (stamp, now_s)
            elif now_s - self._seen[path][1] >= SETTLED_S:
                self._taken[path] = stamp
                ready.append(path)
        return ready

    def put_back(self, paths: Sequence[Path]) -> None:
        """Let files that ``ready`` returned be ready again: they could not be taken."""
        for path in paths:
            self._taken.pop(path, None)

    @property
    def changing(self) -> int:
        """How many files are not taken yet because they are still changing, or were first seen a moment ago."""
        return sum(self._taken.get(path) != stamp for path, (stamp, _) in self._seen.items())
