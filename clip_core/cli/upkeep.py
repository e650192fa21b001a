"""``list`` what is stored, ``forget`` one video, and let the ``doctor`` check the set-up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import click

from clip_core.analysis import stored_videos
from clip_core.analysis.check_setup import Check, check_setup
from clip_core.cli import terminal
from clip_core.cli.named_videos import stored_video
from clip_core.cli.options import FAILED, MODEL, PROGRAM, VIDEO, Options, command
from clip_core.config import Config, load_config
from clip_core.errors import ClipVideoError, ConfigError, shown_name
from clip_core.library.identify import reindex_error
from clip_core.store.store import EmbeddingStore, StoredVideo
from clip_core.text import clock, counted, short_id, size_text

HEADER = ("VIDEO", "LENGTH", "MODEL", "FRAMES", "PER SECOND", "ON DISK", "ID")


@command("list --store s3://bucket/embeddings")
def run_list(options: Options) -> None:
    """Show what is stored: each video with its models, frames and size on disk."""
    store = options.store
    videos = store.usage()
    if not videos:
        terminal.line(f"Nothing is stored in {store.location}.")
        terminal.line(f"Index a video: {PROGRAM} index VIDEO")
    else:
        terminal.table(HEADER, [row for video in videos for row in _rows(video)], right=("LENGTH", "FRAMES", "ON DISK"))
        for video in videos:
            if (error := reindex_error(video.record, store)) is not None:
                terminal.note(error.line)
        stored = f"{counted(len(videos), 'video')}, {size_text(sum(video.size_bytes for video in videos))}"
        terminal.line(f"{stored}; the whole store {size_text(store.size_bytes())}, in {store.location}")
    options.tell_notices()


def _rows(video: StoredVideo) -> Iterator[tuple[str, ...]]:
    """Yield one row for each model that a video was begun with."""
    record = video.record
    name, length, digits = record.name, clock(record.end_s), short_id(record.video_id)
    if not video.models:
        yield name, length, "-", "0", "-", size_text(video.size_bytes), digits
    for model, size in stored_videos.sizes_of_models(video):
        rate = "every frame" if model.samples_per_second is None else f"{model.samples_per_second:g}"
        rate += "" if model.finished else " (unfinished)"
        yield name, length, model.model_id, str(model.frames), rate, size_text(size), digits


@command("forget holiday.mp4", "forget 0a1b2c3d4e5f --yes", shared=[VIDEO])
@click.option("--file", is_flag=True, help="delete the file too, if it was uploaded on the page")
@click.option("--yes", is_flag=True, help="do not ask")
def run_forget(options: Options, video: str, file: bool, yes: bool) -> None:
    """Delete what is stored of one video.

    That is embeddings under all models, thumbnails, settings, judgements and its copy to play. It first says what will
    be lost, and asks. The video file itself stays, unless --file asks to delete one that was uploaded on the page too.
    VIDEO is its name or path, or an id as `list` shows it.
    """
    config, store = options.config, options.store
    stored = _stored_video(video, options)
    lost = _what_is_lost(stored, store)
    if file:
        lost += f", and {_uploaded(stored, config)}"
    if not yes and not _agreed(lost):
        terminal.line("Nothing was deleted.")
        return
    store.forget(stored.record.video_id)
    stored_videos.forget_copy(stored.record.video_id, config)
    stored_videos.delete_fetched(config, stored.record.video_id)
    if file:
        stored_videos.delete_upload(stored.record.video_id, config)
    terminal.line(f"Forgotten: {lost}.{'' if file else ' The video file itself stays.'}")
    options.tell_notices()


def _stored_video(named: str, options: Options) -> StoredVideo:
    record = stored_video(named, options)
    stored = next(video for video in options.store.usage() if video.record.video_id == record.video_id)
    return replace(stored, record=record)


def _what_is_lost(video: StoredVideo, store: EmbeddingStore) -> str:
    frames = sum(model.frames for model in video.models)
    judged = len(store.annotations(video.record.video_id))
    by_hand = f" and {counted(judged, 'moment')} judged by hand" if judged else ""
    return f"{counted(frames, 'frame')}{by_hand} of {video.record.name}"


def _uploaded(video: StoredVideo, config: Config) -> str:
    """Return the uploaded file in words; refuse a video that was not uploaded, or whose file is gone."""
    file = stored_videos.uploaded_file(video.record.video_id, config)
    if file is None:
        what = f"{shown_name(video.record.name)} is not an upload, so its file is not deleted from here."
        raise ClipVideoError(what, "Leave out --file, or delete the file yourself.")
    return f"the uploaded file ({size_text(file.stat().st_size)})"


def _agreed(lost: str) -> bool:
    """Return whether somebody at the terminal says yes; refuse if nobody can be asked."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise ClipVideoError(f"{lost} would be deleted, and there is nobody to ask.", "If you mean it, add --yes.")
    terminal.note(f"This deletes {lost}. There is no undo. Type yes to go on:")
    return sys.stdin.readline().strip().lower() == "yes"


@command("doctor --model roboflow", shared=[MODEL])
def run_doctor(options: Options) -> int:
    """Check the set-up, and say what works and what to do.

    Checked are the config, the video folders, the store, and the model or the server with two texts and
    two pictures.
    """
    try:
        config = load_config(options.config_file)
    except ConfigError as error:
        _tell(Check("config", "fail", error.what, error.next_step))
        return FAILED
    for notice in config.notices:
        _tell(Check("config", "note", notice))
    if config.source is not None:
        _tell(Check("config", "ok", f"{config.source} can be read."))
    store = config.embeddings if options.store_folder is None else options.store_folder
    failed = 0
    for check in check_setup(config, store, config.model if options.model is None else options.model):
        _tell(check)
        failed += check.result == "fail"
    terminal.line("Everything works." if not failed else f"{failed} of these must be put right first.")
    return FAILED if failed else 0


def _tell(check: Check) -> None:
    terminal.line(f"{check.result:<5} {check.subject:<7} {check.what} {check.next_step}".rstrip())
