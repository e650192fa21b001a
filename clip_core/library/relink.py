"""Find the files of stored videos again that were moved, by their bytes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from clip_core.addresses import is_address
from clip_core.errors import VideoNotFoundError
from clip_core.library.identify import is_there, stamp_if_there
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VideoSummary
from clip_core.text import counted
from clip_core.types import Progress
from clip_core.video.identity import hashing


def offline_videos(records: Iterable[VideoSummary]) -> list[VideoSummary]:
    """Return the videos whose files are not at their recorded paths now; nobody looks into buckets."""
    return [record for record in records if not is_address(record.path) and not is_there(record.path)]


def relink(candidates: Iterable[Path], store: EmbeddingStore) -> Generator[Progress, None, None]:
    """Look for the files of offline videos, and store the path of each that is found. Nothing else changes.

    Only files as large as an offline video are read. A video that is offline no more meanwhile is left as it is.

    Args:
        candidates: The files to look at.
        store: Holds the videos.

    Yields:
        Progress in bytes; the last report's ``note`` says how many videos were found.

    Raises:
        StoreError: The store cannot be read or written.
    """
    store.check_writable()
    lost = defaultdict[int, set[str]](set)
    for record in offline_videos(store.summaries()):
        lost[record.size_bytes].add(record.video_id)
    count = sum(map(len, lost.values()))
    alike = [(path, stamp) for path in candidates if (stamp := stamp_if_there(path)) is not None and stamp[0] in lost]
    read, total, found = 0, sum(stamp[0] for _, stamp in alike), 0
    yield Progress(0, total, stage="identifying", note=f"{counted(len(alike), 'file')} to read")
    for path, stamp in alike:
        if lost[stamp[0]]:
            video_id = yield from _identify(path, stamp, store, read, total)
            if video_id is not None and video_id in lost[stamp[0]]:
                lost[stamp[0]].discard(video_id)
                found += _give_path(video_id, path, stamp, store)
        read += stamp[0]
    note = f"{found} of {counted(count, 'offline video was', 'offline videos were')} found."
    yield Progress(total, total, stage="done", note=note)


def _identify(
    path: Path, stamp: tuple[int, int], store: EmbeddingStore, read: int, total: int
) -> Generator[Progress, None, str | None]:
    """Return the id of a file, or None if it cannot be read or changes meanwhile; report after each block."""
    known = store.known_id(path, *stamp)
    if known is not None:
        return known
    steps = hashing(path)
    with suppress(VideoNotFoundError):
        while True:
            try:
                done = next(steps)
            except StopIteration as hashed:
                return str(hashed.value) if stamp_if_there(path) == stamp else None
            yield Progress(min(read + done, total), total, stage="identifying", note="")
    return None


def _give_path(video_id: str, path: Path, stamp: tuple[int, int], store: EmbeddingStore) -> bool:
    record = store.video(video_id)
    if record is None or is_there(record.path):  # forgotten, or back at its place, since the search began
        return False
    store.remember_video(replace(record, path=str(path.absolute())))
    store.remember_id(path, *stamp, video_id)
    return True
