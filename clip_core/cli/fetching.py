"""Fetch a video from a bucket for a command that reads the file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.errors import NotIndexedError
from clip_core.library.buckets import find_object, shown_address
from clip_core.library.fetched import fetch_copy
from clip_core.library.identify import known_video
from clip_core.library.videos import fetched_path

if TYPE_CHECKING:
    from clip_core.cli.options import Options


def fetch(address: str, options: Options) -> Path:
    """Return the copy of an indexed video that lies in a bucket; fetch it, with progress, if it is not here.

    Raises:
        NotIndexedError: The object is not indexed in its present state.
        VideoError: It cannot be fetched.
    """
    record = known_video(address, options.store, find_object(address).stamp)
    if record is None:
        what = f"{shown_address(address)} is not indexed, or was changed since."
        raise NotIndexedError(what, options.index_step(address, what))
    target = fetched_path(record, options.config)
    steps = fetch_copy(record, options.config, options.store)
    kept = "Nothing of the video is kept."
    with terminal.when_stopped(kept), closing(steps), terminal.ProgressBar(record.name) as bar:
        for progress in steps:
            if progress.stage != "done":
                bar.update(progress.share, progress.note, done=progress.share == 1)
    return target
