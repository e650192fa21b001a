"""Find the videos in a folder and its subfolders; a folder that did not change is not read again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from clip_core.errors import shown_name
from clip_core.text import counted
from clip_core.video.sequence import EXTENSIONS as PICTURE_EXTENSIONS
from clip_core.video.sequence import find_sequences, with_rate

EXTENSIONS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".vob", ".wmv", ".asf",
    ".flv", ".3gp", ".3g2", ".ogv", ".ogg", ".gif", ".webp", ".apng",
)  # fmt: skip
"""Extensions of files that are listed and may be uploaded, most common first; the content decides what a file is."""
FolderKey: TypeAlias = tuple[int, int]
"""Device and inode of a folder: the same by whatever path it is reached."""
_NAMES_SHOWN = 3
_TRUST_AFTER_S = 3.0
"""A folder's time of change has steps of up to two seconds: a later change within the same step would not be seen."""
_TRUST_FOR_S = 60.0
"""Some network drives do not change a folder's time when a file joins it."""
_MOST_KNOWN = 200_000
_VIDEO_ENDINGS = frozenset(extension[1:] for extension in EXTENSIONS)
_PICTURE_ENDINGS = frozenset(PICTURE_EXTENSIONS)


@dataclass(frozen=True)
class FolderVideos:
    """What was found in a folder and its subfolders.

    Attributes:
        videos: Files by their extension and sequences of numbered pictures, folder by folder in the order of names.
        links: Those of them that are links to files.
        linked_folders: Links to folders. They are not followed: they may lead anywhere, or in a circle.
        unreadable: Subfolders that cannot be listed.
    """

    videos: tuple[Path, ...] = ()
    links: frozenset[Path] = frozenset()
    linked_folders: tuple[Path, ...] = ()
    unreadable: tuple[Path, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that say which subfolders were left out."""
        unreadable = counted(len(self.unreadable), "folder cannot be read", "folders cannot be read")
        linked = counted(len(self.linked_folders), "linked folder is not followed", "linked folders are not followed")
        it = "it leads" if len(self.linked_folders) == 1 else "they lead"
        said = []
        if self.unreadable:
            said.append(f"{unreadable}: {_names(self.unreadable)}. Check the permissions.")
        if self.linked_folders:
            said.append(f"{linked}: {_names(self.linked_folders)}. Name what {it} to, too.")
        return tuple(said)


def find_videos(folder: Path, sequence_fps: float, seen: Iterable[FolderKey] = ()) -> FolderVideos:
    """Find the videos in a folder and its subfolders, however many there are.

    Hidden files and folders are left out. Files of other kinds cost no look at the file itself.

    Args:
        folder: Where to begin; it may be a link.
        sequence_fps: The frame rate of sequences of numbered pictures.
        seen: Subfolders to leave out.

    Raises:
        OSError: The folder itself cannot be listed.
    """
    known = set(seen)
    found, unreadable, waiting = list[_Folder](), list[Path](), [os.fspath(folder)]
    while waiting:
        place = waiting.pop()
        try:
            here = _READER.read(place)
        except OSError:
            if not found:
                raise
            unreadable.append(Path(place))
            continue
        if found and here.key in known:
            continue
        if here.key[1]:  # some network drives give no inodes
            known.add(here.key)
        found.append(here)
        waiting += [os.path.join(place, name) for name in reversed(here.folders)]  # noqa: PTH118 - Path takes ten times as long
    videos = [[*(with_rate(path, sequence_fps) for path in here.sequences), *here.files] for here in found]
    return FolderVideos(
        tuple(chain.from_iterable(videos)),
        frozenset(chain.from_iterable(here.links for here in found)),
        tuple(chain.from_iterable(here.linked_folders for here in found)),
        tuple(unreadable),
    )


def joined(found: Collection[FolderVideos]) -> FolderVideos:
    """Return what was found in several folders, each path once."""
    return FolderVideos(
        tuple(dict.fromkeys(chain.from_iterable(each.videos for each in found))),
        frozenset(chain.from_iterable(each.links for each in found)),
        tuple(dict.fromkeys(chain.from_iterable(each.linked_folders for each in found))),
        tuple(dict.fromkeys(chain.from_iterable(each.unreadable for each in found))),
    )


def folder_keys(folders: Iterable[Path]) -> frozenset[FolderKey]:
    """Return the keys of those folders that are there."""
    keys = set[FolderKey]()
    for folder in folders:
        with suppress(OSError):
            status = folder.stat()
            keys.add((status.st_dev, status.st_ino))
    return frozenset(keys)


def _names(paths: Collection[Path]) -> str:
    shown = ", ".join(shown_name(path) for path in list(paths)[:_NAMES_SHOWN])
    return f"{shown} and more" if len(paths) > _NAMES_SHOWN else shown


@dataclass(frozen=True)
class _Folder:
    """One folder as it was read: its sequences without a rate, its videos, and its subfolders' names in order."""

    key: FolderKey
    changed_ns: int
    read_s: float
    sequences: tuple[Path, ...]
    files: tuple[Path, ...]
    links: tuple[Path, ...]
    folders: tuple[str, ...]
    linked_folders: tuple[Path, ...]


class _Reader:
    """Reads folders, and keeps what it read as long as a folder's time of change stays."""

    def __init__(self) -> None:
        self._known: dict[str, _Folder] = {}

    def read(self, place: str) -> _Folder:
        status = os.stat(place)  # noqa: PTH116 - Path takes twice as long
        known = self._known.get(place)
        if known is not None and self._holds(known, status):
            return known
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[place] = read = _read(place, status)
        return read

    @staticmethod
    def _holds(known: _Folder, status: os.stat_result) -> bool:
        is_same = known.changed_ns == status.st_mtime_ns and known.key == (status.st_dev, status.st_ino)
        was_settled = known.read_s - known.changed_ns / 1e9 > _TRUST_AFTER_S
        return is_same and was_settled and 0 <= time.time() - known.read_s < _TRUST_FOR_S


_READER = _Reader()


def _read(place: str, status: os.stat_result) -> _Folder:
    """List a folder once; only links are looked at themselves."""
    read_s, folder = time.time(), Path(place)
    names, links, folders, linked_folders, pictures = list[str](), set[str](), list[str](), list[str](), 0
    with os.scandir(place) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            ending = name.rpartition(".")[2].lower()
            pictures += ending in _PICTURE_ENDINGS
            is_link = entry.is_symlink()
            if _holds(entry.is_dir):
                (linked_folders if is_link else folders).append(name)
            elif ending in _VIDEO_ENDINGS and name != ending and _holds(entry.is_file):
                names.append(name)
                if is_link:
                    links.add(name)
    sequences = find_sequences(folder) if pictures > 1 else []
    names = [name for name in sorted(names) if all(sequence.number_of(name) is None for sequence in sequences)]
    return _Folder(
        key=(status.st_dev, status.st_ino),
        changed_ns=status.st_mtime_ns,
        read_s=read_s,
        sequences=tuple(sequence.path for sequence in sequences),
        files=tuple(folder / name for name in names),
        links=tuple(folder / name for name in names if name in links),
        folders=tuple(sorted(folders)),
        linked_folders=tuple(folder / name for name in sorted(linked_folders)),
    )


def _holds(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except OSError:  # a link to itself
        return False
