"""Find out whether a file is one of the stored videos, where nothing may be indexed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from clip_core.encoders.base import Encoder
from clip_core.library.identify import file_stamp, identify
from clip_core.store.store import EmbeddingStore
from clip_core.types import Progress
from clip_core.video import open_video


def recognise_video(
    path: str | os.PathLike[str],
    encoder: Encoder,  # noqa: ARG001 - called in place of index_video
    store: EmbeddingStore,
    *,
    samples_per_second: float | None = None,  # noqa: ARG001
) -> Iterator[Progress]:
    """In place of ``index_video`` where nothing may be indexed: find out whether a file is one of the stored videos.

    Only a file as large as a stored video is read.

    Yields:
        Progress: Notes while the file is read, then "done".

    Raises:
        VideoError: The file is missing, or is not a video although it is as large as a stored one.
        StoreError: The store cannot be read.
    """
    file = Path(path)
    size, _ = file_stamp(file)
    if any(record.size_bytes == size for record in store.summaries()):
        with open_video(file) as video:
            for note in identify(file, store, video.watched):
                yield Progress(0, 1, stage="identifying", note=note)
    yield Progress(1, 1, seconds_left=0.0, stage="done")
