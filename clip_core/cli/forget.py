"""``forget``: delete all that is stored of one video, after asking."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.shared import tell_notices
from clip_core.errors import ClipVideoError, shown_name
from clip_core.text import size_text

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.store.store import EmbeddingStore, StoredVideo

FEWEST_OF_ID = 6


def forget(given: Namespace, config: Config, store: EmbeddingStore) -> int:
    """Run the command; return its exit code."""
    from clip_core.pipeline.library import delete_upload, forget_copy, forget_video

    video = _meant(given.video, store)
    lost = _what_is_lost(video, store)
    if given.file:
        lost += f", and {_uploaded(video, config)}"
    if not given.yes and not _agreed(lost):
        terminal.line("Nothing was deleted.")
        return 0
    forget_video(video.record.video_id, store)
    forget_copy(video.record.video_id, config)
    if given.file:
        delete_upload(video.record.video_id, config)
    terminal.line(f"Forgotten: {lost}.{'' if given.file else ' The video file itself stays.'}")
    tell_notices(config)
    return 0


def _meant(named: str, store: EmbeddingStore) -> StoredVideo:
    """The one stored video of that name, path, or beginning of an id.

    Raises:
        ClipVideoError: There is none, or there are several.
    """
    from clip_core.pipeline.library import list_stored

    found = [video for video in list_stored(store) if _is_called(video, named)]
    if not found:
        what = f"Nothing is stored of {shown_name(named)}."
        raise ClipVideoError(what, "Give a name or an id as `python -m clip_core list` shows it.")
    if len(found) > 1:
        ids = ", ".join(video.record.video_id[:12] for video in found[:4])
        raise ClipVideoError(f"{len(found)} videos are called {shown_name(named)}.", f"Give an id: {ids}.")
    return found[0]


def _is_called(video: StoredVideo, named: str) -> bool:
    record = video.record
    by_id = len(named) >= FEWEST_OF_ID and record.video_id.startswith(named.lower())
    return by_id or named in (record.name, record.path)


def _what_is_lost(video: StoredVideo, store: EmbeddingStore) -> str:
    from clip_core.pipeline.library import count_judged

    frames = sum(model.frames for model in video.models)
    judged = count_judged(video.record.video_id, store)
    by_hand = f" and {judged} {'moment' if judged == 1 else 'moments'} judged by hand" if judged else ""
    counted = f"{frames:,} {'frame' if frames == 1 else 'frames'}"
    return f"{counted}{by_hand} of {video.record.name}"


def _uploaded(video: StoredVideo, config: Config) -> str:
    """The uploaded file in words.

    Raises:
        ClipVideoError: The video was not uploaded, or its file is gone.
    """
    from clip_core.pipeline.library import uploaded_file

    file = uploaded_file(video.record.video_id, config)
    if file is None:
        what = f"{shown_name(video.record.name)} is no upload: its file is not deleted from here."
        raise ClipVideoError(what, "Leave out --file, or delete the file yourself.")
    return f"the uploaded file ({size_text(file.stat().st_size)})"


def _agreed(lost: str) -> bool:
    """Whether somebody at the terminal says yes.

    Raises:
        ClipVideoError: Nobody can be asked.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise ClipVideoError(f"{lost} would be deleted, and there is nobody to ask.", "If you mean it, add --yes.")
    terminal.note(f"This deletes {lost}. There is no undo. Type yes to go on:")
    return sys.stdin.readline().strip().lower() == "yes"
