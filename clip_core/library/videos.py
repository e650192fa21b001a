"""List the videos that can be chosen, and find the current file of a stored video."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from clip_core.config import Config
from clip_core.errors import VideoError, VideoNotFoundError, shown_name
from clip_core.library.identify import file_stamp, is_there
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VideoSummary
from clip_core.types import VideoRecord
from clip_core.video.sequence import ImageSequence, find_sequences, parse_sequence, with_rate

EXTENSIONS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".vob", ".wmv", ".asf",
    ".flv", ".3gp", ".3g2", ".ogv", ".ogg", ".gif", ".webp", ".apng",
)  # fmt: skip
"""Extensions of files that are listed and may be uploaded, most common first; the content decides what a file is."""
MOST_LISTED = 1000


@dataclass(frozen=True, order=True)
class VideoChoice:
    """A video that can be chosen: its display name, unique in its list, and its path."""

    name: str
    path: Path


def uploads_folder(config: Config) -> Path:
    """Return the folder of uploads: ``uploads`` in the first video folder."""
    return (config.video_dirs[0] if config.video_dirs else Path("data")) / "uploads"


def configured_video(config: Config) -> Path | None:
    """Return the video that the config names, with the frame rate of a sequence of images, or None."""
    return None if config.video_path is None else with_rate(config.video_path, config.sequence_fps)


def list_videos(config: Config, store: EmbeddingStore, opened: Iterable[Path] = ()) -> list[VideoChoice]:
    """Return the configured video, then those in the video folders and the uploads, by name.

    Numbered images in a folder are one video, named by their pattern. Subfolders are not searched, but videos that
    were opened or indexed there before are listed.

    Uploads have the name of the user's file. Further videos of the same name get a number.

    Args:
        config: Names the video folders.
        store: Knows the names of uploads, and which videos were indexed.
        opened: Videos that were opened by path.

    Raises:
        StoreError: The names of uploads cannot be read.
        VideoError: A video folder exists but cannot be listed.
    """
    records, first = store.summaries(), configured_video(config)
    uploaded = {record.video_id: record.name for record in records}
    paths = list(_files(config))
    paths += _besides(paths, [*opened, *_elsewhere(records, config)], config)
    found = sorted(VideoChoice(uploaded.get(path.stem, path.name), path) for path in paths)
    if first is not None:
        found = [VideoChoice(first.name, first), *(choice for choice in found if not _same(choice.path, first))]
    return list(_numbered(found[:MOST_LISTED]))


def is_allowed(path: Path, config: Config) -> bool:
    """Return whether the page may open ``path``: the configured video, or a file below a video folder (links resolved).

    All pictures of a sequence must lie there, as each may be a link to elsewhere.
    """
    first = configured_video(config)
    if first is not None and _same(path, first):
        return True
    sequence = parse_sequence(path)
    paths = [path] if sequence is None else [sequence.folder, *sequence.strays()]
    return all(is_below(each.resolve(), config) for each in paths)


def is_below(real: Path, config: Config) -> bool:
    """Return whether a resolved path lies below a video folder, or is one."""
    return any(real.is_relative_to(folder.resolve()) for folder in (*config.video_dirs, uploads_folder(config)))


def _besides(listed: Sequence[Path], others: Iterable[Path], config: Config) -> list[Path]:
    """Return those of ``others`` that exist, may be opened, and are not listed yet."""
    known, more = defaultdict[str, list[Path]](list), []
    for path in listed:
        known[path.name].append(path)
    for path in dict.fromkeys(others):
        is_listed = any(_same(path, other) for other in known[path.name])
        if not is_listed and is_there(path) and is_allowed(path, config):
            known[path.name].append(path)
            more.append(path)
    return more


def _elsewhere(records: Sequence[VideoSummary], config: Config) -> Iterator[Path]:
    """Yield the recorded paths of videos outside the folders that are listed anyway."""
    listed = {folder.absolute() for folder in (*config.video_dirs, uploads_folder(config))}
    yield from (path for path in (Path(record.path) for record in records) if path.parent not in listed)


def _files(config: Config) -> Iterator[Path]:
    for folder in dict.fromkeys([*config.video_dirs, uploads_folder(config)]):
        try:
            found = list(videos_in(folder, config))
        except OSError as error:
            what = f"The video folder {shown_name(folder)} cannot be listed ({error.strerror})."
            raise VideoError(what, "Check its permissions, or take it out of video_dirs in config.yaml.") from error
        yield from found


def videos_in(folder: Path, config: Config) -> Iterator[Path]:
    """Yield the videos of a folder without its subfolders: sequences of numbered images, then files by name.

    Raises:
        OSError: The folder cannot be listed.
    """
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:  # filter names first: a folder of images may be huge
        names = sorted(e.name for e in entries if "." + e.name.rpartition(".")[2].lower() in EXTENSIONS)
    sequences = _sequences(folder, folder.stat().st_mtime_ns)
    yield from (with_rate(sequence.path, config.sequence_fps) for sequence in sequences)
    for path in (folder / name for name in names):
        of_sequence = any(sequence.number_of(path.name) is not None for sequence in sequences)
        if not path.name.startswith(".") and not of_sequence and path.is_file() and is_allowed(path, config):
            yield path


@lru_cache(maxsize=16)
def _sequences(folder: Path, modified_ns: int) -> list[ImageSequence]:  # noqa: ARG001 - part of the key
    return find_sequences(folder)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _numbered(choices: list[VideoChoice]) -> Iterator[VideoChoice]:
    taken: set[str] = set()
    for choice in choices:
        name, number = choice.name, 2
        while name in taken:
            name, number = f"{choice.name} ({number})", number + 1
        taken.add(name)
        yield VideoChoice(name, choice.path)


_ID = re.compile("[0-9a-f]{64}")
_OPEN_FILES = Path("/proc/self/fd")
_MOVED = ("The file of this video was moved or deleted.", "Put it back.")
_CHANGED = ("The file of this video was changed since.", "Open it again.")
_OUTSIDE = ("The file of this video lies outside video_dirs.", "Add its folder in config.yaml.")


@dataclass(frozen=True)
class FoundFile:
    """A video's file: its path, its ``file_stamp``, and FFmpeg's name of its container."""

    path: Path
    stamp: tuple[int, int]
    container: str


def is_video_id(text: str) -> bool:
    """Return whether a text is a SHA-256 in lower-case hex digits, and so may be looked up."""
    return _ID.fullmatch(text) is not None


def lasting_path(file: BinaryIO) -> Path | None:
    """Return a path to an open file that stays valid if the file is moved, or None if the system has no /proc."""
    path = _OPEN_FILES / str(file.fileno())
    return path if path.exists() else None


def find_file(video_id: str, config: Config, store: EmbeddingStore) -> FoundFile:
    """Return the file whose bytes have this id, at its recorded path or else among the listed videos.

    Raises:
        VideoNotFoundError: No such video is stored, it is a sequence of images, its file was moved or changed, or
            it lies outside the video folders of the config. The message names no path.
        StoreError: The store cannot be read.
    """
    record = store.video(video_id) if is_video_id(video_id) else None
    if record is None:
        raise VideoNotFoundError("There is no such video.", "Open it on the page Investigate first.")
    if parse_sequence(record.path) is not None:
        raise VideoNotFoundError("Numbered images have no single file to play.", "Choose View → Frames.")
    try:
        return _checked(Path(record.path), record, config, store)
    except VideoNotFoundError:
        found = _kept_elsewhere(record, config, store)
        if found is None:
            raise
        return found


def _checked(path: Path, record: VideoRecord, config: Config, store: EmbeddingStore) -> FoundFile:
    """Return the file at ``path`` if it is still the one that was indexed and may be read."""
    try:
        found = file_stamp(path)
    except VideoNotFoundError as error:
        raise VideoNotFoundError(*_MOVED) from error
    if store.known_id(path, *found) != record.video_id:
        raise VideoNotFoundError(*_CHANGED)
    if not is_allowed(path, config):
        raise VideoNotFoundError(*_OUTSIDE)
    return FoundFile(path, found, record.container)


def _kept_elsewhere(record: VideoRecord, config: Config, store: EmbeddingStore) -> FoundFile | None:
    """Return a listed file with the same bytes, renamed or copied, or None. The record holds only one path."""
    try:
        choices = list_videos(config, store)
    except VideoError:  # a folder cannot be listed; the message would name its path
        return None
    for path in (choice.path for choice in choices):
        with suppress(VideoNotFoundError, OSError):
            if path.stat().st_size == record.size_bytes:
                return _checked(path, record, config, store)
    return None


def open_file(found: FoundFile, config: Config) -> BinaryIO:
    """Open a file that was found, and check the open file, as another may have taken its path meanwhile.

    Raises:
        VideoNotFoundError: The file was moved, changed or replaced, or lies outside the video folders of the config.
        VideoError: The file may not be read. No message names a path.
    """
    try:
        file = found.path.open("rb")
    except PermissionError as error:
        raise VideoError("The file of this video may not be read.", "Check its permissions.") from error
    except OSError as error:
        raise VideoNotFoundError(*_MOVED) from error
    try:
        _check(file, found, config)
    except BaseException:
        file.close()
        raise
    return file


def _check(file: BinaryIO, found: FoundFile, config: Config) -> None:
    status, lasting = os.fstat(file.fileno()), lasting_path(file)
    if (status.st_size, status.st_mtime_ns) != found.stamp:
        raise VideoNotFoundError(*_CHANGED)
    if not is_allowed(found.path if lasting is None else lasting.readlink(), config):
        raise VideoNotFoundError(*_OUTSIDE)
