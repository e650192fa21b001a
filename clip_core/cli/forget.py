"""``forget``: delete all that is stored of one video, after asking."""

from __future__ import annotations

import sys

import click

from clip_core.analysis import stored_videos
from clip_core.cli import terminal
from clip_core.cli.options import PROGRAM, VIDEO, Options, command
from clip_core.config import Config
from clip_core.errors import ClipVideoError, shown_name
from clip_core.store.store import EmbeddingStore, StoredVideo
from clip_core.text import size_text

FEWEST_OF_ID = 6


@command("forget holiday.mp4", "forget 0a1b2c3d4e5f --yes", shared=[VIDEO])
@click.option("--file", is_flag=True, help="delete the file too, if it was uploaded on the page")
@click.option("--yes", is_flag=True, help="do not ask")
def run(options: Options, video: str, file: bool, yes: bool) -> None:
    """Delete what is stored of one video.

    That is embeddings under all models, thumbnails, settings, judgements and its copy to play. What will be lost is
    said, and asked about, first. The video file itself stays, unless --file asks for one that was uploaded on the
    page to go too. VIDEO is its name or path, or an id as `list` shows it.
    """
    config, store = options.config, options.store
    stored = _stored_video(video, store)
    lost = _what_is_lost(stored, store)
    if file:
        lost += f", and {_uploaded(stored, config)}"
    if not yes and not _agreed(lost):
        terminal.line("Nothing was deleted.")
        return
    store.forget(stored.record.video_id)
    stored_videos.forget_copy(stored.record.video_id, config)
    if file:
        stored_videos.delete_upload(stored.record.video_id, config)
    terminal.line(f"Forgotten: {lost}.{'' if file else ' The video file itself stays.'}")
    options.tell_notices()


def _stored_video(named: str, store: EmbeddingStore) -> StoredVideo:
    """Return the one stored video of that name, path, or beginning of an id."""
    found = []
    for video in store.usage():
        by_id = len(named) >= FEWEST_OF_ID and video.record.video_id.startswith(named.lower())
        if by_id or named in (video.record.name, video.record.path):
            found.append(video)
    if not found:
        what = f"Nothing is stored of {shown_name(named)}."
        raise ClipVideoError(what, f"Give a name or an id as `{PROGRAM} list` shows it.")
    if len(found) > 1:
        ids = ", ".join(video.record.video_id[:12] for video in found[:4])
        raise ClipVideoError(f"{len(found)} videos are called {shown_name(named)}.", f"Give an id: {ids}.")
    return found[0]


def _what_is_lost(video: StoredVideo, store: EmbeddingStore) -> str:
    frames = sum(model.frames for model in video.models)
    judged = len(store.annotations(video.record.video_id))
    by_hand = f" and {terminal.count(judged, 'moment')} judged by hand" if judged else ""
    return f"{frames:,} frame{'' if frames == 1 else 's'}{by_hand} of {video.record.name}"


def _uploaded(video: StoredVideo, config: Config) -> str:
    """Return the uploaded file in words; refuse a video that was not uploaded, or whose file is gone."""
    file = stored_videos.uploaded_file(video.record.video_id, config)
    if file is None:
        what = f"{shown_name(video.record.name)} is no upload: its file is not deleted from here."
        raise ClipVideoError(what, "Leave out --file, or delete the file yourself.")
    return f"the uploaded file ({size_text(file.stat().st_size)})"


def _agreed(lost: str) -> bool:
    """Return whether somebody at the terminal says yes; refuse if nobody can be asked."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise ClipVideoError(f"{lost} would be deleted, and there is nobody to ask.", "If you mean it, add --yes.")
    terminal.note(f"This deletes {lost}. There is no undo. Type yes to go on:")
    return sys.stdin.readline().strip().lower() == "yes"
