"""Draw thumbnails of frames while indexing, or on demand."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from clip_core.errors import NotIndexedError, StoreError
from clip_core.store.store import EmbeddingStore
from clip_core.types import Frame, Image, Ints, Moment, Scores, VideoRecord
from clip_core.video.drawing import thumbnail_jpeg

_log = logging.getLogger(__name__)


class DrawnThumbnails:
    """Draws thumbnails of frames in the decoder's thread as they are decoded.

    Args:
        known: The pts of frames that need none.
    """

    def __init__(self, known: Iterable[int] = ()) -> None:
        self._known = set(known)
        self._drawn: dict[int, bytes] = {}

    def beside(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the frames unchanged, drawing missing thumbnails on the way."""
        for frame in frames:
            if frame.pts not in self._known:
                self._drawn[frame.pts] = thumbnail_jpeg(frame.rgb)
            yield frame

    def take(self, pts: Ints) -> dict[int, bytes]:
        """Return pts → JPEG of those of some frames, int64 (n,), that were drawn; they are not drawn again."""
        taken = {p: self._drawn.pop(p) for p in pts.tolist() if p in self._drawn}
        self._known |= taken.keys()
        return taken


class Thumbnails(DrawnThumbnails):
    """Draws thumbnails of a video's frames as they are decoded, and stores them in batches.

    Frames that already have a thumbnail in the store, under any model, are skipped.
    """

    def __init__(self, video_id: str, store: EmbeddingStore) -> None:
        super().__init__(store.thumbnail_pts(video_id).tolist())
        self._id, self._store = video_id, store

    def commit(self, pts: Ints) -> None:
        """Store the thumbnails of frames that were just committed, int64 (n,). A failure is only logged."""
        drawn = self.take(pts)
        try:
            self._store.append_thumbnails(self._id, drawn)
        except StoreError as error:  # the vectors are stored, and thumbnails can be drawn later
            _log.warning("The thumbnails of %d frames are not kept: %s", len(drawn), error.line)


def thumbnails_of(
    video_id: str, pts: Sequence[int], store: EmbeddingStore, picture: Callable[[int], Image], *, patience_s: float
) -> dict[int, bytes]:
    """Return pts → thumbnail (JPEG) of some frames, drawing and storing missing ones.

    Args:
        store: Holds thumbnails; a read-only one gets none.
        picture: Returns the frame with a given pts, uint8 RGB; called only for missing thumbnails.
        patience_s: Stop drawing after about this long and leave out the rest. At least one is drawn.

    Raises:
        VideoError: A frame cannot be decoded; thumbnails drawn before it are stored.
        StoreError: Thumbnails cannot be stored.
        NotIndexedError: The video was forgotten.
    """
    if store.video(video_id) is None:
        raise NotIndexedError("This video was forgotten.", "Index it again.")
    found = store.thumbnails(video_id, pts)
    drawn: dict[int, bytes] = {}
    began = time.monotonic()
    try:
        for missing in sorted({*map(int, pts)} - found.keys()):
            drawn[missing] = thumbnail_jpeg(picture(missing))
            if time.monotonic() - began >= patience_s:
                break
    finally:
        if not store.read_only:
            store.append_thumbnails(video_id, drawn)
    return found | drawn


def peak_pts(moments: Sequence[Moment], scores: Scores, record: VideoRecord) -> dict[float, int]:
    """Return the time of each peak → pts of its frame."""
    if not len(scores) or not len(record.table):
        return {}
    found = {}
    for moment in moments:
        sample = int(np.argmin(np.abs(scores.times_s - moment.peak_s)))
        found[moment.peak_s] = int(record.table.pts[min(int(scores.frames[sample]), len(record.table) - 1)])
    return found
