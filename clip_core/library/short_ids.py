"""Find videos by the first digits of their ids, as links and lists name them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from clip_core.addresses import is_address
from clip_core.errors import VideoNotFoundError, shown_name
from clip_core.library.identify import file_stamp
from clip_core.library.videos import VideoChoice, lies_at
from clip_core.store.store import EmbeddingStore
from clip_core.text import printable, short_id, shorten

FEWEST_DIGITS = 6
_MOST_SHOWN = 30
_DIGITS = re.compile(rf"[0-9a-f]{{{FEWEST_DIGITS},64}}")


def stored_id(digits: str, store: EmbeddingStore) -> str:
    """Return the id of the one stored video whose id begins with ``digits``, at least 6 hex digits.

    Raises:
        VideoNotFoundError: They are no digits of an id, or no video has them, or several have.
    """
    wanted = digits.strip().lower()
    if _DIGITS.fullmatch(wanted) is None:
        raise VideoNotFoundError(
            f"{shorten(printable(digits), _MOST_SHOWN)!r} is not an id of a video.",
            f"Give its first {len(short_id('0' * 64))} hex digits.",
        )
    found = store.ids_with(wanted)
    if not found:
        raise VideoNotFoundError(
            f"No stored video has an id that begins with {short_id(wanted)}.",
            "It was forgotten, or is stored elsewhere: index it again.",
        )
    if len(found) > 1:
        raise VideoNotFoundError(
            f"{len(found)} stored videos have ids that begin with {wanted}.", "Give more digits of the id."
        )
    return found[0]


def listed_video(digits: str, listed: Iterable[VideoChoice], store: EmbeddingStore) -> VideoChoice:
    """Return the video of the list whose id begins with ``digits``; its file may have been renamed or moved.

    Raises:
        VideoNotFoundError: As ``stored_id``; or its file is not in the list, or was changed.
    """
    record = store.video(stored_id(digits, store))
    if record is None:
        raise VideoNotFoundError("This video was forgotten just now.", "Index it again.")
    listed = list(listed)
    in_bucket = next((choice for choice in listed if is_address(record.path) and lies_at(record, choice.path)), None)
    if in_bucket is not None:
        return in_bucket
    choices = sorted(listed, key=lambda choice: str(choice.path.absolute()) != record.path)  # its recorded path first
    for choice in choices:
        with suppress(VideoNotFoundError, OSError):
            is_recorded = str(choice.path.absolute()) == record.path
            if not is_recorded and choice.path.stat().st_size != record.size_bytes:
                continue
            if store.known_id(choice.path, *file_stamp(Path(choice.path))) == record.video_id:
                return choice
    raise VideoNotFoundError(
        f"The file of {shown_name(record.name)} ({short_id(record.video_id)}) is not in the list.",
        "It was moved, changed or deleted, or its drive is not there: put it back, or open its path.",
    )
