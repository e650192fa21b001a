"""List the videos that can be chosen, and find the current file of a stored video."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from clip_core.addresses import is_address
from clip_core.config import Config
from clip_core.errors import VideoError, VideoNotFoundError, shown_name
from clip_core.library.folders import EXTENSIONS, FolderKey, FolderVideos, find_videos, folder_keys, joined
from clip_core.library.identify import file_stamp, is_there
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VideoSummary
from clip_core.text import unicode_text
from clip_core.types import VideoRecord
from clip_core.video.sequence import parse_sequence, with_rate

FETCHED = "fetched"
OWN_FOLDERS = ("proxies", "exports", FETCHED)
"""Names of the folders beside the uploads that hold what this program makes of videos."""


@dataclass(frozen=True, order=True)
class VideoChoice:
    """A video that can be chosen: its display name, unique in its list, and its path."""

    name: str
    path: Path


def uploads_folder(config: Config) -> Path:
    """Return the folder of uploads: ``uploads`` in the first video folder."""
    return (config.video_dirs[0] if config.video_dirs else Path("data")) / "uploads"


def fetched_folder(config: Config) -> Path:
    """Return the folder of videos that were fetched from buckets: ``fetched``, beside the uploads."""
    return uploads_folder(config).with_name(FETCHED)


def fetched_path(record: VideoRecord | VideoSummary, config: Config) -> Path:
    """Return where the copy of a video in a bucket lies once it was fetched for the page or a command."""
    return fetched_folder(config) / copy_name(record.video_id, record.path)


def copy_name(video_id: str, address: str) -> str:
    """Return the name of a copy: the video's id with the extension of the object, if that is a known one."""
    name = address.lower()
    return video_id + next((ending for ending in EXTENSIONS if name.endswith(ending)), "")


def lies_at(record: VideoRecord | VideoSummary, path: Path) -> bool:
    """Return whether ``path`` is what the list of videos gives for a record: its path, or where its copy would lie."""
    return record.path == str(path.absolute()) or (is_address(record.path) and path.stem == record.video_id)


def configured_video(config: Config) -> Path | None:
    """Return the video that the config names, with the frame rate of a sequence of images, or None."""
    return None if config.video_path is None else with_rate(config.video_path, config.sequence_fps)


def list_videos(config: Config, store: EmbeddingStore, opened: Iterable[Path] = ()) -> list[VideoChoice]:
    """Return the configured video, then those in the video folders, their subfolders and the uploads, by name.

    Numbered images in a folder are one video, named by their pattern. Videos elsewhere that were opened or indexed
    before, and may be opened, are listed too, and those that were indexed in a bucket, whether or not they were
    fetched: their path is that of the copy. Uploads have the name of the user's file. Videos of one name are told
    apart by their subfolder, else by a number.

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
    paths = list(videos_in_folders(config).videos)
    paths += _besides(paths, chain(opened, (Path(record.path) for record in records)), config)
    paths += [fetched_path(record, config) for record in records if is_address(record.path)]
    found = sorted(
        (VideoChoice(uploaded.get(path.stem) or unicode_text(path.name), path) for path in paths),
        key=lambda choice: (choice.name, str(choice.path)),
    )
    if first is not None:
        found = [VideoChoice(unicode_text(first.name), first), *(c for c in found if not _is_first(c.path, first))]
    return list(_numbered(_told_apart(found, config)))


def videos_in_folders(config: Config) -> FolderVideos:
    """Return what the video folders, their subfolders and the uploads hold, each folder read once.

    Raises:
        VideoError: A video folder exists but cannot be listed.
    """
    roots, found = dict.fromkeys([*config.video_dirs, uploads_folder(config)]), list[FolderVideos]()
    own = own_folders(config) - folder_keys(roots)
    for folder in roots:
        try:
            if folder.is_dir():
                found.append(videos_in(folder, config, own))
        except OSError as error:
            what = f"The video folder {shown_name(folder)} cannot be listed ({error.strerror})."
            raise VideoError(what, "Check its permissions, or take it out of video_dirs in config.yaml.") from error
    return joined(found)


def own_folders(config: Config) -> frozenset[FolderKey]:
    """Return the folders that hold what this program makes: copies to play, exports and embeddings."""
    uploads = uploads_folder(config)
    store = [] if "://" in str(config.embeddings) else [Path(config.embeddings)]
    return folder_keys([*(uploads.with_name(name) for name in OWN_FOLDERS), *store])


def videos_in(folder: Path, config: Config, seen: Iterable[FolderKey] = ()) -> FolderVideos:
    """Return the videos of a folder and its subfolders that the page may open; see ``find_videos``.

    Raises:
        OSError: The folder itself cannot be listed.
    """
    found = find_videos(folder, config.sequence_fps, seen)
    outside = {path for path in found.links if not is_allowed(path, config)}
    return replace(found, videos=tuple(path for path in found.videos if path not in outside)) if outside else found


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
    folders = (*config.video_dirs, uploads_folder(config), fetched_folder(config))
    return any(real.is_relative_to(folder.resolve()) for folder in folders)


def _besides(listed: Sequence[Path], others: Iterable[Path], config: Config) -> list[Path]:
    """Return those of ``others`` that exist, may be opened, and are not listed yet."""
    paths, known, more = {str(path) for path in listed}, defaultdict[str, list[Path]](list), list[Path]()
    for path in listed:
        known[path.name].append(path)
    for path in dict.fromkeys(others):
        is_listed = str(path) in paths or any(_same(path, other) for other in known[path.name])
        if not is_listed and is_there(path) and is_allowed(path, config):
            known[path.name].append(path)
            more.append(path)
    return more


def _is_first(path: Path, first: Path) -> bool:
    """Return whether a path leads to the configured video; only one of the same name can."""
    return path.name == first.name and _same(path, first)


def _told_apart(choices: list[VideoChoice], config: Config) -> Iterator[VideoChoice]:
    """Put the subfolder before names that occur several times."""
    count, uploads = Counter(choice.name for choice in choices), os.fspath(uploads_folder(config))
    roots = [os.path.join(folder, "") for folder in config.video_dirs]  # noqa: PTH118 - a Path drops the last slash

    def subfolder(place: str) -> str:
        root = next((root for root in roots if place.startswith(root)), None)
        return "" if root is None or place == uploads else unicode_text(place[len(root) :])

    for choice in choices:
        folder = subfolder(os.path.dirname(choice.path)) if count[choice.name] > 1 else ""  # noqa: PTH120 - fast
        yield VideoChoice(f"{folder}/{choice.name}", choice.path) if folder else choice


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _numbered(choices: Iterable[VideoChoice]) -> Iterator[VideoChoice]:
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
        path = fetched_path(record, config) if is_address(record.path) else Path(record.path)
        return _checked(path, record, config, store)
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
