"""Which videos a command works on: files, folders, lists of paths, what failed last time, or what is stored."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from clip_core.addresses import SCHEMES, has_unknown_scheme, is_address
from clip_core.cli import terminal
from clip_core.cli.files import read_file
from clip_core.cli.options import PROGRAM, Options
from clip_core.errors import ClipVideoError, VideoNotFoundError, shown_name
from clip_core.library.buckets import find_objects
from clip_core.library.folders import find_videos, folder_keys
from clip_core.library.identify import is_there, known_or_renamed
from clip_core.library.short_ids import FEWEST_DIGITS
from clip_core.library.videos import own_folders
from clip_core.store.failures import FailedFile
from clip_core.store.videos import VideoSummary, summary_of
from clip_core.text import decode_text, short_id

MOST_BYTES = 100_000_000
"""The largest size of a list of paths."""
STDIN = "-"


def named_videos(named: Sequence[str], options: Options, pattern: str | None = None) -> list[str]:
    """Return the paths of the videos that are named, each once: files as they are, folders with their subfolders.

    Addresses name an object, all videos below a prefix, or those that fit its stars (``find_objects``). Of folders, the
    subfolders that are left out are told.

    Args:
        named: Files, patterns of numbered pictures, folders, and addresses in buckets.
        options: Names the folders of this program, which are left out, and the rate of numbered pictures.
        pattern: Of folders and prefixes, only videos whose name fits it, such as "*.mov"; capitals do not count.

    Raises:
        VideoNotFoundError: Nothing else is named than folders without videos.
        ClipVideoError: A folder or a bucket cannot be listed, or an address is of an unknown kind.
    """
    found, empty = dict[str, str](), list[str]()
    for name in named:
        videos = [name]
        if has_unknown_scheme(name):
            known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
            raise ClipVideoError(
                f"{shown_name(name)} is an address, not a file.", f"Known are files, folders, {known}."
            )
        if is_address(name):
            found |= {each.address: each.address for each in find_objects(name, pattern)}
            continue
        if os.path.isdir(name):  # noqa: PTH112 - Path's raises on long names
            videos = [path for path in _in_folder(name, options) if _fits(path, pattern)]
            empty += [] if videos else [name]
        for video in videos:
            found.setdefault(os.path.abspath(video), video)  # noqa: PTH100 - links stay
    fitting = "" if pattern is None else f" that fits {shown_name(pattern)}"
    for folder in empty:
        what = f"There is no video{fitting} in {shown_name(os.path.abspath(folder))}."  # noqa: PTH100
        if not found:
            raise VideoNotFoundError(what, "Its subfolders were searched, too.")
        terminal.note(what)
    return list(found.values())


def _in_folder(folder: str, options: Options) -> list[str]:
    own = own_folders(options.config) - folder_keys([Path(folder)])
    try:
        found = find_videos(Path(folder), options.config.sequence_fps, own)
    except OSError as error:
        what = f"The folder {shown_name(folder)} cannot be listed ({error.strerror})."
        raise ClipVideoError(what, "Check its permissions.") from error
    for note in found.notes:
        terminal.note(f"{shown_name(os.path.abspath(folder))}: {note}")  # noqa: PTH100
    return [str(path) for path in found.videos]


def _fits(path: str, pattern: str | None) -> bool:
    return pattern is None or fnmatchcase(os.path.basename(path).lower(), pattern.lower())  # noqa: PTH119 - fast


def listed_paths(source: str) -> list[str]:
    """Return the paths in a text file, one a line; blank lines and those that begin with # are left out.

    Args:
        source: The file, or "-" for standard input.

    Raises:
        ClipVideoError: The file cannot be read, is too large, or lists nothing.
    """
    option = "--from-file"
    content = sys.stdin.buffer.read() if source == STDIN and sys.stdin else read_file(source, MOST_BYTES, option)
    if len(content) > MOST_BYTES:
        raise ClipVideoError(f"{shown_name(source)} is larger than 100 MB: that is not a list.", f"Check {option}.")
    lines = (line.strip() for line in _text(content).splitlines())
    paths = [line for line in lines if line and not line.startswith("#")]
    if not paths or any("\0" in path for path in paths):
        fault = "lists no paths" if not paths else "is not a text file"
        raise ClipVideoError(f"{shown_name(source)} {fault}.", "Write the path of one video or folder a line.")
    return paths


def _text(content: bytes) -> str:
    """Return a list as text; bytes that are not Unicode stay what they are in file names here."""
    try:
        return decode_text(content)
    except UnicodeDecodeError:
        return os.fsdecode(content)


def failed_below(named: Iterable[str], failures: Sequence[FailedFile]) -> Iterator[str]:
    """Yield the files that failed last time: all, or those that are named or lie below a folder that is named."""
    addresses = [name.partition("*")[0].rstrip("/") for name in named if is_address(name)]
    places = [Path(os.path.abspath(name)) for name in named if not is_address(name)]  # noqa: PTH100 - links stay
    for failed in failures:
        below = any(failed.path.startswith(address) for address in addresses)
        if not (addresses or places) or below or any(Path(failed.path).is_relative_to(place) for place in places):
            yield failed.path


def stored_video(named: str, options: Options) -> VideoSummary:
    """Return the one stored video of that name, path, or beginning of an id; its file may have been renamed since.

    Raises:
        ClipVideoError: Nothing is stored of it, or several videos have the name.
        VideoError: It is a file, but not a video.
    """
    matches, stored = list[VideoSummary](), options.store.summaries()
    for record in stored:
        by_id = len(named) >= FEWEST_DIGITS and record.video_id.startswith(named.lower())
        if by_id or named in (record.name, record.path):
            matches.append(record)
    if not matches and is_there(named):
        found = known_or_renamed(Path(options.video_path(named)), options.store)
        is_stored = found is not None and any(found.video_id == record.video_id for record in stored)
        matches = [summary_of(found)] if found is not None and is_stored else []
    if not matches:
        what = f"Nothing is stored of {shown_name(named)}."
        raise ClipVideoError(what, f"Give a name or an id as `{PROGRAM} list` shows it.")
    if len(matches) > 1:
        ids = ", ".join(short_id(record.video_id) for record in matches[:4])
        raise ClipVideoError(f"{len(matches)} videos are called {shown_name(named)}.", f"Give an id: {ids}.")
    return matches[0]
