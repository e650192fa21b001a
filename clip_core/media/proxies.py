"""Make proxies: copies of videos that a browser plays."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout

from clip_core.config import Config
from clip_core.errors import ProxyError, VideoError, shown_name
from clip_core.files import is_full, lacking_room, reason_of
from clip_core.library.videos import is_video_id, uploads_folder
from clip_core.media.copy_source import check_unchanged, open_sound
from clip_core.media.mp4_file import Look, Mp4File, proxy_size
from clip_core.text import size_text
from clip_core.types import Progress, TimeTable
from clip_core.video import Video, open_video
from clip_core.video.decode_ahead import DecodeAhead, room_for


def write_error(error: Exception) -> ProxyError:
    """Return an error that says why a proxy cannot be written, and what to do."""
    if is_full(error):
        return ProxyError("The disk is full: the copy to play cannot be written.", "Free some space and try again.")
    return ProxyError(
        f"The copy to play cannot be written: {reason_of(error)}.",
        "Check that the folder proxies, below the first of video_dirs in config.yaml, may be written.",
    )


class ProxyFile(Mp4File):
    """A proxy that is being written; see ``Mp4File``.

    Raises:
        ProxyError: The proxy cannot be written.
    """

    look = Look(crf=24, sound_bits=96_000, size=proxy_size, refusal=write_error)


@contextmanager
def folder_lock(folder: Path) -> Iterator[FileLock]:
    """Create the folder if necessary and yield its lock, already taken if it is free; release it at the end.

    The operating system releases the lock when a process dies, so its holder may delete leftovers of other processes.

    Raises:
        ProxyError: The folder cannot be written.
    """
    lock = FileLock(folder / ".lock", thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        take(lock)
    except OSError as error:
        raise ProxyError(
            f"Copies to play cannot be kept in {shown_name(folder)}: {error.strerror}.",
            "Make that folder writable, or name one that is as the first of video_dirs in config.yaml.",
        ) from error
    try:
        yield lock
    finally:
        lock.release()


def take(lock: FileLock) -> bool:
    """Try to take a lock without waiting; return whether this process holds it."""
    if not lock.is_locked:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
    return True


if TYPE_CHECKING:
    from clip_core.media.sound import Sound

PROXIES = "proxies"
REPORT_EVERY_S = 0.25
LOOK_AGAIN_S = 0.5
SPARE_BYTES = 64 * 1024 * 1024

_TRY_AGAIN = "Nothing of it is kept. The frames can be looked at one by one instead."
_FRAMES_AHEAD = 4
_SAME_TIME_S = 0.001
# Both lie above what was measured on films and screen recordings.
_BYTES_PER_PIXEL, _SOUND_BYTES_PER_S = 0.02, 16_000


def proxies_folder(config: Config) -> Path:
    """Return the folder of proxies: ``proxies``, beside the uploads."""
    return uploads_folder(config).with_name(PROXIES)


def proxy_path(config: Config, video_id: str) -> Path:
    """Return the path of a video's proxy, whether or not it exists.

    Raises:
        ValueError: ``video_id`` is not 64 hex digits.
    """
    if not is_video_id(video_id):
        raise ValueError("A video's id has 64 hex digits.")
    return proxies_folder(config) / f"{video_id}.mp4"


def make_proxy(
    path: str | Path,
    destination: Path,
    *,
    table: TimeTable | None = None,
    stamp: tuple[int, int] | None = None,
) -> Generator[Progress, None, None]:
    """Make a proxy unless it exists already. Closing the iterator cancels and leaves no file.

    Only one is made at a time in each folder, even by several processes.

    Args:
        path: The video file, or the pattern of a sequence of images.
        destination: Path of the proxy; it appears there only when it is complete and checked.
        table: Presentation times of the frames, if confirmed: the proxy must agree with them.
        stamp: The file's ``file_stamp`` when it was identified; a file with another stamp is refused.

    Yields:
        Progress: at once, four times a second (twice while waiting), and at the end before and after it is in place.

    Raises:
        ProxyError: The proxy cannot be written, does not fit on the disk, or has other frames or times than the video.
        VideoError: The video cannot be read, or changed meanwhile.
    """
    check_unchanged(path, stamp)
    with folder_lock(destination.parent) as lock:
        while not take(lock):
            yield Progress(0, 0, stage="waiting", note="another process is making one")
            time.sleep(LOOK_AGAIN_S)
        if destination.is_file():
            frames = 0 if table is None else len(table)
            yield Progress(frames, frames, seconds_left=0.0, stage="done")
            return
        for left in destination.parent.glob(".*.part"):  # of a killed process: we hold the lock
            left.unlink(missing_ok=True)
        with open_video(path, table=table) as video, ExitStack() as stack:
            sound, warnings = open_sound(video, stack)
            yield from _copy(video, sound, warnings, out := _begin(video, destination, sound, stack))
            _check(out, (video.table, table), video.info.name)
            check_unchanged(path, stamp)
            frames = len(video.table)
            last = Progress(frames, frames, seconds_left=0.0, stage="proxy", warnings=_told(sound, warnings))
            yield last  # the last chance to cancel: finishing and checking took a while
            out.keep()
            yield replace(last, stage="done")


def _begin(video: Video, destination: Path, sound: Sound | None, stack: ExitStack) -> ProxyFile:

    info, claimed = video.info, video.table
    _need_room(destination.parent, claimed, proxy_size(info.width, info.height))
    longest_s = float(np.diff(claimed.times_s).max(initial=0.0))
    return stack.enter_context(
        ProxyFile(destination, info.width, info.height, claimed.time_base, longest_step_s=longest_s, sound=sound)
    )


def _copy(
    video: Video, sound: Sound | None, warnings: tuple[str, ...], out: ProxyFile
) -> Generator[Progress, None, None]:
    """Write all frames; decoding and encoding run in parallel."""
    done, total = 0, len(video.table)
    began = told = time.monotonic()
    yield Progress(done, total, stage="proxy", warnings=warnings)
    room = min(_FRAMES_AHEAD, room_for(video.info.width, video.info.height))
    with DecodeAhead(video.frames(), room) as ahead:
        while not ahead.finished:
            for frame in ahead.take(1, REPORT_EVERY_S):
                out.add(frame)
                done += 1
            if time.monotonic() - told >= REPORT_EVERY_S:
                told = time.monotonic()
                rate = done / (told - began)
                left_s = max(0, total - done) / rate if done else None
                yield Progress(done, max(done, total), rate, left_s, "proxy", _told(sound, warnings))
    out.finish(video.table.end_s)


def _told(sound: Sound | None, warnings: tuple[str, ...]) -> tuple[str, ...]:
    return warnings if sound is None else warnings + sound.warnings


def _check(out: ProxyFile, tables: Iterable[TimeTable | None], name: str) -> None:
    """Refuse a proxy whose frames differ from those of the video in number or presentation time."""
    confirmed = [table for table in tables if table is not None and table.confirmed]
    if not confirmed:
        return
    try:
        with open_video(out.temporary) as made:
            found = made.table
    except VideoError as error:
        raise ProxyError(f"The copy of {name} cannot be read: {error.what}", _TRY_AGAIN) from error
    for expected in confirmed:
        if len(found) != len(expected):
            raise ProxyError(f"The copy of {name} has {len(found):,} frames instead of {len(expected):,}.", _TRY_AGAIN)
        off_s = float(np.abs(found.times_s - expected.times_s).max())
        off_s = max(off_s, abs(float(found.start_pts * found.time_base)))
        if off_s >= _SAME_TIME_S:
            raise ProxyError(f"Frames of the copy of {name} are up to {1000 * off_s:.1f} ms off.", _TRY_AGAIN)


def _need_room(folder: Path, table: TimeTable, size: tuple[int, int]) -> None:
    """Refuse to start if the disk is probably too full; the real size depends on the pictures."""
    about = int(len(table) * size[0] * size[1] * _BYTES_PER_PIXEL + table.end_s * _SOUND_BYTES_PER_S)
    if lacking := lacking_room(folder, about, SPARE_BYTES):
        what = f"There is no room for a copy to play: it may take {size_text(about)}, {lacking}."
        raise ProxyError(what, "Free some space and try again.")
