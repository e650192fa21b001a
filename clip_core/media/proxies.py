"""Make proxies: copies of videos that a browser plays."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from clip_core.config import Config
from clip_core.errors import ProxyError, VideoError, shown_name
from clip_core.files import is_full, lacking_room, reason_of
from clip_core.library.videos import is_video_id, uploads_folder
from clip_core.media.exports_folder import SPARE_BYTES, ProgressMeter
from clip_core.media.mp4_file import Encoding, Mp4File
from clip_core.media.original import check_unchanged, open_original
from clip_core.media.sound import Sound, open_sound
from clip_core.text import size_text
from clip_core.types import Progress, TimeTable
from clip_core.video import Video, open_video

PROXIES = "proxies"
MOST_LINES, MOST_COLUMNS = 480, 1920
LOOK_AGAIN_S = 0.5
PROXY_PART = re.compile(r"\.[0-9a-f]{64}\.mp4\.part")
"""The names of proxies that are being made."""

_TRY_AGAIN = "Nothing was kept. You can still look at single frames."
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


def proxy_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of a proxy: even, at most 480 lines and 1920 columns, never larger than the video.

    Args:
        width, height: Size of the upright picture in pixels. A side of one pixel becomes two.
    """
    scale = min(1.0, MOST_LINES / height, MOST_COLUMNS / width)
    return max(2, int(width * scale + 1e-6) // 2 * 2), max(2, int(height * scale + 1e-6) // 2 * 2)


def write_error(error: Exception) -> ProxyError:
    """Return an error that says why a proxy cannot be written, and what to do."""
    if is_full(error):
        return ProxyError("The disk is full: the copy to play cannot be written.", "Free some space and try again.")
    if not isinstance(error, OSError):  # FFmpeg refuses the stream: no other folder would help
        return ProxyError(f"The copy to play cannot be encoded: {reason_of(error)}.", _TRY_AGAIN)
    return ProxyError(
        f"The copy to play cannot be written: {reason_of(error)}.",
        "Check that the folder proxies, below the first of video_dirs in config.yaml, may be written.",
    )


PROXY = Encoding(crf=24, sound_bits=96_000, size=proxy_size, error=write_error)


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
            yield Progress(0, 0, stage="waiting", note="another process is making it")
            time.sleep(LOOK_AGAIN_S)
        if destination.is_file():
            frames = 0 if table is None else len(table)
            yield Progress(frames, frames, seconds_left=0.0, stage="done")
            return
        for left in destination.parent.glob(".*.part"):  # of a killed process: we hold the lock
            left.unlink(missing_ok=True)
        with open_original(path, table, stamp) as original, ExitStack() as stack:
            video = original.video
            sound, warnings = open_sound(video, stack)
            meter = ProgressMeter("proxy", len(video.table), warnings=warnings)
            out = stack.enter_context(_begin(video, destination, sound))
            yield from _copy(video, out, meter)
            original.check()
            _check(out, (video.table, table), video.info.name)
            meter.done = meter.total = len(video.table)
            last = meter.report()
            yield last  # the last chance to cancel: finishing and checking took a while
            out.keep()
            yield replace(last, stage="done")


def _begin(video: Video, destination: Path, sound: Sound | None) -> Mp4File:
    """Create the file, unless the disk is probably too full; the real size depends on the pictures."""
    size, table = (video.info.width, video.info.height), video.table
    width, height = proxy_size(*size)
    about = int(len(table) * width * height * _BYTES_PER_PIXEL + table.end_s * _SOUND_BYTES_PER_S)
    if lacking := lacking_room(destination.parent, about, SPARE_BYTES):
        what = f"There is no room for a copy to play: it may take {size_text(about)}, but {lacking}."
        raise ProxyError(what, "Free some space and try again.")
    longest_s = float(np.diff(table.times_s).max(initial=0.0))
    return Mp4File(destination, PROXY, size, table.time_base, longest_step_s=longest_s, sound=sound)


def _copy(video: Video, out: Mp4File, meter: ProgressMeter) -> Generator[Progress, None, None]:
    began = time.monotonic()
    yield meter.report()
    with closing(out.write(video.frames())) as steps:
        for _ in steps:
            meter.done, meter.total = out.frames, max(out.frames, meter.total)
            if meter.due():
                rate = meter.done / (time.monotonic() - began)
                yield replace(meter.report(), frames_per_second=rate)
    out.finish(video.table.end_s)


def _check(out: Mp4File, tables: Iterable[TimeTable | None], name: str) -> None:
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
