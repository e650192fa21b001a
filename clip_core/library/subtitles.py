"""Find the subtitles of a video, in a file beside it or in the video itself, and keep them in the store."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from clip_core.errors import VideoError, shown_name
from clip_core.files import reason_of
from clip_core.library.folders import EXTENSIONS
from clip_core.store.store import EmbeddingStore
from clip_core.store.subtitle_rows import SubtitleSource
from clip_core.store.tables import digest
from clip_core.subtitles import MOST_BYTES, Cue, ReadCues, from_first_frame, read_cues
from clip_core.types import VideoRecord
from clip_core.video.sequence import parse_sequence
from clip_core.video.subtitle_streams import PREFERRED_LANGUAGE, StreamText, first_frame_in, read_streams

_T = TypeVar("_T")
SUFFIXES = (".srt", ".vtt")
_LISTED = (*EXTENSIONS, *SUFFIXES)
_SETTLED_NS = 2_000_000_000
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?:[-_][a-zA-Z0-9]{2,8})*")
_FLAGS = ("default", "forced", "sdh", "cc", "hi")
"""What may follow the language in a file's name; the last three mark those for people who are hard of hearing."""


@dataclass(frozen=True, slots=True)
class SubtitleFile:
    """A file beside a video that has its name: ``film.srt``, ``film.en.vtt``, ``film.en.forced.srt``.

    Attributes:
        path: The file.
        language: As its name says; "" if it does not.
        flags: Those of ``_FLAGS`` in its name.
    """

    path: Path
    language: str = ""
    flags: tuple[str, ...] = ()


def subtitle_files(video: Path) -> list[SubtitleFile]:
    """Return the subtitle files of a video, the one to read first.

    Not of forced subtitles only; without a language in the name; in English; not for people who are hard of hearing; by
    name. A file that has the name of another video is that one's.
    """
    if parse_sequence(video) is not None:
        return []
    try:
        modified_ns = video.parent.stat().st_mtime_ns
        is_settled = time.time_ns() - modified_ns > _SETTLED_NS  # else a change may leave the same time
        names = (_names if is_settled else _names.__wrapped__)(video.parent, modified_ns)
    except OSError:
        return []
    own = [video.parent / name for name in names if name.startswith(video.stem)]
    others = {path.stem for path in own if path.suffix.lower() not in SUFFIXES} - {video.stem}
    found = (_file_of(path, video.stem) for path in own if path.stem not in others)
    return sorted((file for file in found if file is not None), key=_rank)


@lru_cache(maxsize=64)
def _names(folder: Path, modified_ns: int) -> tuple[str, ...]:  # noqa: ARG001 - part of the key
    """Return the names of the videos and subtitle files in a folder."""
    with os.scandir(folder) as entries:
        return tuple(entry.name for entry in entries if f".{entry.name.rpartition('.')[2].lower()}" in _LISTED)


def _file_of(path: Path, stem: str) -> SubtitleFile | None:
    """Return a file whose name is ``stem``, perhaps a language and flags, and a suffix of subtitles, else None."""
    if path.suffix.lower() not in SUFFIXES:
        return None
    rest = path.stem.removeprefix(stem)
    if not rest:
        return SubtitleFile(path)
    empty, *words = rest.split(".")
    language = words.pop(0) if words and _LANGUAGE.fullmatch(words[0]) and words[0].lower() not in _FLAGS[:4] else ""
    flags = tuple(word.lower() for word in words)
    if empty or not set(flags) <= set(_FLAGS):
        return None
    return SubtitleFile(path, language, flags)


def _rank(file: SubtitleFile) -> tuple[object, ...]:
    is_preferred = file.language.lower().startswith(PREFERRED_LANGUAGE)
    for_hard_of_hearing = not {"sdh", "cc", "hi"}.isdisjoint(file.flags)
    language = (bool(file.language), not is_preferred, for_hard_of_hearing, file.language)
    return "forced" in file.flags, language, len(file.flags), file.path.name


def subtitles_are_current(path: str | os.PathLike[str], video_id: str, store: EmbeddingStore) -> bool:
    """Return whether the stored subtitles of a video are those that ``refresh_subtitles`` would read."""
    source = store.subtitle_source(video_id)
    return source is not None and source.stamp == _stamp(subtitle_files(Path(path)))


def _stamp(files: Sequence[SubtitleFile]) -> str:
    """Return a text that changes when one of the files is added, changed or removed."""
    return digest("|".join(f"{file.path.name}:{_state(file.path)}" for file in files)) if files else ""


def _state(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "gone"
    return f"{status.st_size}:{status.st_mtime_ns}"


def refresh_subtitles(
    path: str | os.PathLike[str], record: VideoRecord, store: EmbeddingStore
) -> Generator[str, None, None]:
    """Read the subtitles of a video again if a file of them has changed, or nobody has looked for any yet.

    A file beside the video comes before a stream in it: somebody put it there. Nothing is an error of the video: what
    cannot be read is told by the ``notes`` of the stored source.

    Yields:
        Notes on the progress of reading a large video.

    Raises:
        StoreError: The subtitles cannot be stored.
    """
    if not subtitles_are_current(path, record.video_id, store):
        store.keep_subtitles(record.video_id, *(yield from _read(Path(path), record)))


def refresh_subtitles_of(videos: Mapping[str, VideoRecord], store: EmbeddingStore) -> None:
    """Read the subtitles of some videos, path → record, as ``refresh_subtitles`` does, and store them in one commit."""
    known = store.subtitle_sources([record.video_id for record in videos.values()]) if videos else {}
    read: dict[str, tuple[SubtitleSource, Sequence[Cue]]] = {}
    for path, record in videos.items():
        source = known.get(record.video_id)
        if source is None or source.stamp != _stamp(subtitle_files(Path(path))):
            read[record.video_id] = _without_notes(_read(Path(path), record))
    if read:
        store.keep_subtitles_of(read)


def _read(video: Path, record: VideoRecord) -> Generator[str, None, tuple[SubtitleSource, Sequence[Cue]]]:
    """Return the subtitles of a video and where they were read; yield notes on the progress."""
    files, notes = subtitle_files(video), list[str]()
    stamp = _stamp(files)
    for file in files:
        read = _read_file(file.path, video, record)
        notes += (f"{shown_name(file.path)}: {note}" for note in read.notes)
        if read.cues:
            return SubtitleSource(stamp, file.path.name, file.language, tuple(notes)), read.cues
    text = yield from _read_video(video, record)
    return SubtitleSource(stamp, text.source, text.language, (*notes, *text.read.notes)), text.read.cues


def _without_notes(steps: Generator[str, None, _T]) -> _T:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def _read_file(path: Path, video: Path, record: VideoRecord) -> ReadCues:
    """Read a file beside a video, with times from the first frame; a link must lead to the same folder."""
    try:
        if not path.is_file() or path.resolve().parent not in (path.parent.resolve(), video.resolve().parent):
            return ReadCues((), ("It is no regular file in the folder of the video, so it is not read.",))
        with path.open("rb") as file:
            read = read_cues(file.read(MOST_BYTES + 1))
    except OSError as error:
        return ReadCues((), (f"It cannot be read ({reason_of(error)}).",))
    if not read.cues:
        return ReadCues((), read.notes or ("It holds no cues.",))
    return from_first_frame(read, _first_frame_s(video, record), record.table.end_s)


def _first_frame_s(video: Path, record: VideoRecord) -> float:
    try:
        return first_frame_in(video, record.table)
    except VideoError:  # an animation that FFmpeg does not read: its clock begins with its first frame
        return 0.0


def _read_video(video: Path, record: VideoRecord) -> Generator[str, None, StreamText]:
    """Read the streams of a video; numbered pictures and animations have none."""
    none = StreamText("", "", ReadCues(()))
    if parse_sequence(video) is not None:
        return none
    try:
        text = yield from read_streams(video, record.table)
    except VideoError:
        return none
    read = from_first_frame(text.read, 0.0, record.table.end_s)
    return replace(text, read=read) if read.cues else replace(none, read=read)
