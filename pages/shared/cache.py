"""Objects that outlive a rerun: config, store, models, task queues, open videos, pictures, buffers for the player."""

from __future__ import annotations

import importlib
import importlib.util
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import streamlit as st

from clip_core.config import DEFAULT_NAME, ENVIRONMENT_VARIABLE, Config, load_config
from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.registry import is_first_use, load_encoder
from clip_core.errors import ClipVideoError, ExportError, NotIndexedError, ReadOnlyError, VideoError, VideoNotFoundError
from clip_core.files import lock_folder
from clip_core.folder_watcher import FolderWatcher
from clip_core.indexing.recognise_video import recognise_video
from clip_core.indexing.thumbnails import thumbnails_of
from clip_core.library.fetched import fetch_copy
from clip_core.library.identify import file_stamp, reindex_error, stamp_of
from clip_core.library.videos import FoundFile, find_file
from clip_core.media.exports_folder import TEMPORARY_EXPORTS, exports_folder
from clip_core.media.fast_clips import fast_extension
from clip_core.media.file_facts import file_facts
from clip_core.media.leftovers import sweep_leftovers
from clip_core.media.playable import why_not_playable_here
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VideoSummary
from clip_core.task_queue import TaskQueue
from clip_core.tasks import DownloadQueue, ExportQueue, IndexQueue, ProxyQueue
from clip_core.types import Image, TimeTable, VideoRecord
from clip_core.video import open_video
from clip_core.video.drawing import jpeg_uri, strip_jpeg, viewer_jpeg
from clip_core.video.opening import SharedVideo
from clip_core.video.sequence import parse_sequence
from pages.shared.access import READ_ONLY, is_read_only
from pages.shared.buffers import BufferCache

APP_FOLDER = Path(__file__).parents[2]
MOST_THUMBNAILS, REMOTE_FRESH_S = 1000, 1.0
"""Thumbnails of a video that stay in memory; seconds between two questions whether a table in a bucket changed."""


@st.cache_resource(max_entries=1, show_spinner=False)
def warm_up() -> None:
    """Import the slow libraries in a background thread while the page is drawn."""
    slow = [name for name in ("lancedb", "av", "cv2", "onnxruntime") if importlib.util.find_spec(name) is not None]
    threading.Thread(target=lambda: [importlib.import_module(name) for name in slow], daemon=True).start()


def config() -> Config:
    """Return the config, read again when its file changes.

    Raises:
        ConfigError: The config cannot be used.
    """
    here = Path(DEFAULT_NAME)
    path = Path(os.environ.get(ENVIRONMENT_VARIABLE) or (here if here.is_file() else APP_FOLDER / DEFAULT_NAME))
    modified = path.stat().st_mtime_ns if path.is_file() else 0
    given = path if modified or os.environ.get(ENVIRONMENT_VARIABLE) else None
    return _config(None if given is None else str(given.resolve()), modified)


@st.cache_resource(max_entries=4, show_spinner=False)
def _config(path: str | None, modified_ns: int) -> Config:  # noqa: ARG001 - part of the key
    loaded = load_config(path)
    sweep_leftovers(loaded, read_only=is_read_only())
    return loaded


def store(location: str) -> EmbeddingStore:
    """Return the store at a folder or address."""
    return _store(location, is_read_only())


@st.cache_resource(max_entries=4, show_spinner=False)
def _store(location: str, read_only: bool) -> EmbeddingStore:
    return EmbeddingStore(location, read_only=read_only, fresh_s=REMOTE_FRESH_S)


def has_several_videos() -> bool:
    """Return whether more than one video is stored, as of a few seconds ago; False if that cannot be read."""
    try:
        return _has_several_videos(config().embeddings)
    except ClipVideoError:  # the page that is opened says it
        return False


@st.cache_data(ttl=5.0, max_entries=4, show_spinner=False)
def _has_several_videos(location: str) -> bool:
    return len(store(location).summaries()) > 1


def encoder(name: str, config: Config) -> ShownEncoder:
    """Return the model with that name.

    Raises:
        EncoderError: It cannot be loaded.
    """
    decides = _decides(config)
    server = (config.inference_url, config.clip_version, hash(config.roboflow_api_key))
    return _encoder(name, decides, server, replace(config, crop=None)).framed(config.crop)


def is_tried_first(name: str, config: Config) -> bool:
    """Return whether the model with that name will be tried before it is loaded; true for up to a minute after.

    Raises:
        EncoderError: It cannot be loaded.
    """
    return _is_tried_first(name, _decides(config), config)


@st.cache_data(ttl=60.0, max_entries=16, show_spinner=False)
def _is_tried_first(name: str, decides: object, _config: Config) -> bool:  # noqa: ARG001 - part of the key
    return is_first_use(name, _config)


def _decides(config: Config) -> tuple[object, ...]:
    """Return what a config says about which files are loaded."""
    return (tuple(map(str, config.model_dirs)), config.precision)


@st.cache_resource(max_entries=4, show_spinner=False)
def _encoder(name: str, decides: object, server: object, _config: Config) -> ShownEncoder:  # noqa: ARG001 - the key
    return load_encoder(name, _config)


@st.cache_resource(max_entries=1, show_spinner=False)
def download_queue() -> DownloadQueue:
    """Return this process's download queue."""
    return DownloadQueue(_refuse, _refuse) if is_read_only() else DownloadQueue()


def stamp(path: Path) -> tuple[int, int]:
    """Return ``file_stamp``, cached for 2 s if it is an image sequence: 100,000 images take most of a second.

    Raises:
        VideoNotFoundError: There is no such file.
    """
    return _sequence_stamp(str(path)) if parse_sequence(path) is not None else file_stamp(path)


@st.cache_data(ttl=2.0, max_entries=16, show_spinner=False)
def _sequence_stamp(path: str) -> tuple[int, int]:
    return file_stamp(Path(path))


@st.cache_resource(max_entries=1, show_spinner=False)
def index_queue() -> IndexQueue:
    """Return this process's indexing queue. On a read-only server it only finds out which video a file is."""
    return IndexQueue(recognise_video if is_read_only() else None)


@st.cache_resource(max_entries=4, show_spinner=False)
def library_queue(name: str) -> TaskQueue[str]:
    """Return this process's queue of that name, such as "The comparison", for what the page Library looks for."""
    return TaskQueue(name, "What was found is kept; try again.", at_once=1)


def watch_folders() -> FolderWatcher:
    """Return this process's watcher of folders, which runs unless the server is read-only."""
    watcher = _folder_watcher()
    if not is_read_only():
        watcher.start()
    return watcher


@st.cache_resource(max_entries=1, show_spinner=False, on_release=FolderWatcher.stop)
def _folder_watcher() -> FolderWatcher:
    return FolderWatcher(
        config,
        lambda now: store(now.embeddings),
        index_queue(),
        lambda folder, now: encoder(folder.model, replace(now, crop=folder.crop)),
    )


@st.cache_data(max_entries=64, show_spinner=False)
def picture_strips(location: str, frames: Mapping[str, int], cells: int) -> dict[str, str]:
    """Return video id → a strip of its stored pictures as a data URI; ``frames`` says how many frames each has now."""
    strips = store(location).picture_strips(list(frames), cells)
    return {video_id: jpeg_uri(strip_jpeg(jpegs, cells)) for video_id, jpegs in strips.items()}


@st.cache_data(max_entries=512, show_spinner=False)
def stored_picture(location: str, video_id: str, pts: int) -> str | None:
    """Return the stored thumbnail of a frame as a data URI, or None if there is none."""
    jpeg = store(location).thumbnails(video_id, [pts]).get(pts)
    return None if jpeg is None else jpeg_uri(jpeg)


def outdated(record: VideoSummary, location: str) -> NotIndexedError | None:
    """Return ``reindex_error``, cached until the file or its record changes."""
    try:
        seen = stamp(Path(record.path))
    except VideoError:
        seen = None
    # A path need not be valid Unicode, which keys of the cache must be.
    return _outdated(record.video_id, ascii((record.path, seen, record.reading, record.time_base)), location, record)


@st.cache_data(max_entries=4096, show_spinner=False)
def _outdated(video_id: str, seen: str, location: str, _record: VideoSummary) -> NotIndexedError | None:  # noqa: ARG001
    return reindex_error(_record, store(location))


@st.cache_resource(max_entries=1, show_spinner=False)
def proxy_queue() -> ProxyQueue:
    """Return this process's proxy queue."""
    return ProxyQueue(_refuse if is_read_only() else None)


@st.cache_resource(max_entries=1, show_spinner=False)
def fetch_queue() -> TaskQueue[str]:
    """Return this process's queue of videos to fetch from buckets; the key is the video's id."""
    return TaskQueue("Fetching the video", "Nothing of it is kept; try again.", "Nothing of it is kept.", at_once=2)


def start_fetching(record: VideoRecord, viewer: str) -> None:
    """Fetch a video that lies in a bucket, or join the task that does."""
    now, kept = config(), store(config().embeddings)
    kept.check_writable()
    fetch_queue().submit(record.video_id, lambda: fetch_copy(record, now, kept), viewer)


def export_queue() -> ExportQueue:
    """Return this process's export queue for ``exports()``."""
    return _export_queue(str(exports()))


def exports() -> Path:
    """Return the folder of exports: beside the uploads; on a read-only server a temporary one."""
    return Path(_temporary_exports().name) if is_read_only() else exports_folder(config())


@st.cache_resource(max_entries=1, show_spinner=False, on_release=TemporaryDirectory.cleanup)
def _temporary_exports() -> TemporaryDirectory[str]:
    made = TemporaryDirectory(prefix=TEMPORARY_EXPORTS)  # deleted when the process ends
    lock_folder(Path(made.name))  # as long as this process lives
    return made


def _refuse(*_: object, **__: object) -> Any:  # noqa: ANN401 - in place of what plans, downloads or writes
    raise ReadOnlyError(f"{READ_ONLY} Nothing is downloaded or made here.", "Ask the person who runs it.")


@st.cache_resource(max_entries=2, show_spinner=False)
def _export_queue(folder: str) -> ExportQueue:
    return ExportQueue(Path(folder))


def why_not_playable(path: Path) -> str | None:
    """Return what browsers cannot play in a video, such as "HEVC in MP4", or None; cached until the file changes.

    Raises:
        VideoError: The file is gone or is not a video.
    """
    return _why_not_playable(str(path), stamp(path))


@st.cache_data(max_entries=256, show_spinner=False)
def _why_not_playable(path: str, stamp: tuple[int, int]) -> str | None:  # noqa: ARG001 - part of the key
    return why_not_playable_here(path)


def identified_stamp(path: str | Path, video_id: str) -> tuple[int, int]:
    """Return the ``stamp`` of a file that is still the video with this id.

    Raises:
        VideoNotFoundError: There is no such file.
        VideoChangedError: The file was changed since it was indexed.
    """
    return stamp_of(Path(path), video_id, store(config().embeddings), stamp(Path(path)))


def _shared(path: str, video_id: str, table: TimeTable) -> SharedVideo:
    return _open(path, video_id, identified_stamp(path, video_id), table, table.confirmed)


def why_not_fast(path: Path, record: VideoRecord) -> str | None:
    """Return why no fast clip can be made of a video, and what to do, or None; cached until the file changes."""
    try:
        return _why_not_fast(str(path), stamp(path), record)
    except VideoError as error:
        return error.line


@st.cache_data(max_entries=256, show_spinner=False)
def _why_not_fast(path: str, stamp: tuple[int, int], _record: VideoRecord) -> str | None:  # noqa: ARG001 - in the key
    try:
        with open_video(path, video_id=_record.video_id, table=_record.table) as video:
            fast_extension(video)
    except ExportError as error:
        return error.line
    return None


def facts_of(path: Path, record: VideoRecord) -> tuple[str, ...]:
    """Return ``file_facts``, cached until the file or its table changes; none if the file is gone or cannot be read."""
    try:
        return _facts(str(path), (stamp(path), len(record.table), record.table.confirmed), record)
    except VideoError:
        return ()


@st.cache_data(max_entries=256, show_spinner=False)
def _facts(path: str, seen: object, _record: VideoRecord) -> tuple[str, ...]:  # noqa: ARG001 - part of the key
    return file_facts(Path(path), _record)


@st.cache_resource(max_entries=8, show_spinner=False, on_release=SharedVideo.close)
def _open(path: str, video_id: str, stamp: tuple[int, int], _table: TimeTable, confirmed: bool) -> SharedVideo:  # noqa: ARG001
    return SharedVideo(path, video_id, _table, stamp)


@st.cache_data(max_entries=256, show_spinner=False)
def picture(path: str, video_id: str, time_s: float, _table: TimeTable) -> tuple[bytes, float]:
    """Return the frame on the screen at a time, as a JPEG for the viewer, and its presentation time in seconds.

    Raises:
        VideoError: The file is gone, was changed, or cannot be decoded there.
    """
    frame = _shared(path, video_id, _table).frame_at(time_s)
    return viewer_jpeg(frame.rgb), frame.time_s


def frame_rgb(path: str, record: VideoRecord, time_s: float) -> Image:
    """Return the frame on the screen at a time: uint8 RGB, shape (height, width, 3), in full size.

    Raises:
        VideoError: The file is gone, was changed, or cannot be decoded there.
    """
    return _shared(path, record.video_id, record.table).frame_at(time_s).rgb


def thumbnails(
    path: str, record: VideoRecord, pts: Sequence[int], location: str, *, patience_s: float
) -> dict[int, bytes]:
    """Return thumbnails of frames, pts → JPEG; draw and store missing ones for about ``patience_s`` seconds.

    Raises:
        VideoError: The file is gone, was changed, or cannot be decoded there.
        StoreError: The store cannot be read or written.
    """
    known = _known_thumbnails(location, record.video_id, record.reading)
    table = record.table

    def picture(wanted: int) -> Image:
        return _shared(path, record.video_id, table).frame_at(float(table.seconds(np.array([wanted]))[0])).rgb

    if missing := [wanted for wanted in pts if wanted not in known]:
        known |= thumbnails_of(record.video_id, missing, store(location), picture, patience_s=patience_s)
    found = {wanted: known[wanted] for wanted in pts if wanted in known}
    for old in [*known][:-MOST_THUMBNAILS]:
        known.pop(old, None)
    return found


@st.cache_resource(max_entries=8, show_spinner=False)
def _known_thumbnails(location: str, video_id: str, reading: str | None) -> dict[int, bytes]:  # noqa: ARG001
    return {}


@st.cache_resource(max_entries=1, show_spinner=False)
def buffer_cache() -> BufferCache:
    """Return this process's cache of the buffers that players fetch by address."""
    return BufferCache()


def video_file(video_id: str) -> FoundFile:
    """Return the file of a stored video for the player; looked up again when it has changed.

    Raises:
        VideoNotFoundError: There is none, or it lies where the config does not allow it; the message names no path.
        ClipVideoError: The config or the store cannot be read.
    """
    now = config()
    decides = (now.embeddings, str(now.video_path), tuple(map(str, now.video_dirs)))
    found = _found(video_id, decides, now)
    try:
        unchanged = stamp(found.path) == found.stamp
    except VideoNotFoundError:
        unchanged = False
    if not unchanged:
        _found.clear(video_id, decides, now)
        found = _found(video_id, decides, now)
    return found


@st.cache_resource(max_entries=64, show_spinner=False)
def _found(video_id: str, decides: object, _config: Config) -> FoundFile:  # noqa: ARG001 - part of the key
    return find_file(video_id, _config, store(_config.embeddings))
