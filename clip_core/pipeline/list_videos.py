"""Which videos the page offers, and which paths it accepts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from clip_core.config import Config
from clip_core.errors import VideoError, shown_name
from clip_core.pipeline.identify import is_there
from clip_core.store.store import EmbeddingStore
from clip_core.values import VideoRecord
from clip_core.video.sequence import ImageSequence, find_sequences, parse_sequence, with_rate

EXTENSIONS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".vob", ".wmv", ".asf",
    ".flv", ".3gp", ".3g2", ".ogv", ".ogg", ".gif", ".webp",
)  # fmt: skip
"""Of files that are listed and may be uploaded, the usual ones first; what a file is, its bytes say."""
UPLOADS = "uploads"
MOST_LISTED = 1000


@dataclass(frozen=True, order=True)
class VideoChoice:
    """A video that may be chosen: the name to show, unique in its list, and where it lies."""

    name: str
    path: Path


def uploads_folder(config: Config) -> Path:
    """Where uploads are kept: ``uploads`` below the first of the video folders."""
    return (config.video_dirs[0] if config.video_dirs else Path("data")) / UPLOADS


def configured_video(config: Config) -> Path | None:
    """The video that the settings name, with the rate if it is a sequence of images; None if they name none."""
    return None if config.video_path is None else with_rate(config.video_path, config.sequence_fps)


def list_videos(config: Config, store: EmbeddingStore, opened: Iterable[Path] = ()) -> list[VideoChoice]:
    """Return the configured video, then those in the video folders and the uploads, by name.

    Numbered images in a folder are one video, named by their pattern. Folders within the video folders are not
    searched; what was opened or indexed there before is listed all the same.

    Uploads are shown by the name that the visitor's file had. A second video of one name gets a number.

    Args:
        config: Whose folders are listed.
        store: Knows the names of uploads, and what was indexed.
        opened: Videos that were opened by path.

    Raises:
        StoreError: The names of uploads cannot be read.
        VideoError: A video folder is there and cannot be listed.
    """
    records, first = store.videos(), configured_video(config)
    uploaded = {record.video_id: record.name for record in records}
    paths = list(_files(config))
    paths += _besides(paths, [*opened, *_elsewhere(records, config)], config)
    found = [VideoChoice(uploaded.get(path.stem, path.name), path) for path in paths]
    if first is not None:
        rest = [choice for choice in found if not _same(choice.path, first)]
        found = [VideoChoice(first.name, first), *sorted(rest)]
    else:
        found.sort()
    return list(_numbered(found[:MOST_LISTED]))


def is_allowed(path: Path, config: Config) -> bool:
    """Whether the page may open ``path``: the configured video, or a file really below a video folder.

    Of a sequence every picture must lie there: links may lead elsewhere.
    """
    first = configured_video(config)
    if first is not None and _same(path, first):
        return True
    sequence = parse_sequence(path)
    paths = [path] if sequence is None else [sequence.folder, *sequence.strays()]
    return all(is_below(each.resolve(), config) for each in paths)


def is_below(real: Path, config: Config) -> bool:
    """Whether a path without links lies below a video folder, or is one."""
    return any(real.is_relative_to(folder.resolve()) for folder in (*config.video_dirs, uploads_folder(config)))


def _besides(listed: Sequence[Path], others: Iterable[Path], config: Config) -> list[Path]:
    """Those of ``others`` that are there, may be opened, and are not listed yet."""
    known: dict[str, list[Path]] = {}
    for path in listed:
        known.setdefault(path.name, []).append(path)
    more = []
    for path in dict.fromkeys(others):
        is_listed = any(_same(path, other) for other in known.get(path.name, ()))
        if not is_listed and is_there(path) and is_allowed(path, config):
            known.setdefault(path.name, []).append(path)
            more.append(path)
    return more


def _elsewhere(records: Sequence[VideoRecord], config: Config) -> Iterator[Path]:
    """Where videos lay when they were indexed, outside the folders that are listed anyway."""
    listed = {str(folder.absolute()) for folder in (*config.video_dirs, uploads_folder(config))}
    for record in records:
        path = Path(record.path)
        if str(path.parent) not in listed:
            yield path


def _files(config: Config) -> Iterator[Path]:
    for folder in dict.fromkeys([*config.video_dirs, uploads_folder(config)]):
        try:
            found = list(videos_in(folder, config))
        except OSError as error:
            raise VideoError(
                f"The video folder {shown_name(folder)} cannot be listed ({error.strerror}).",
                "Check its permissions, or take it out of video_dirs in config.yaml.",
            ) from error
        yield from found


def videos_in(folder: Path, config: Config) -> Iterator[Path]:
    """The videos of a folder, not of those within it: numbered images as one, and files by name.

    Raises:
        OSError: It cannot be listed.
    """
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:  # a folder of images is large, and few of its files are videos
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
