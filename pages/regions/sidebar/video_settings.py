"""The settings of each video: stored when they change, and restored when the video is opened again."""

from __future__ import annotations

import streamlit as st

from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.errors import SettingsError, StoreError, VideoNotFoundError
from clip_core.library.videos import VideoChoice, lies_at
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore
from clip_core.store.video_settings import StoredSettings
from pages.regions.sidebar.prompts import Prompts, ask_for_focus, fill_list, prompts_of
from pages.regions.sidebar.settings_io import put_settings, start_over, was_link_given
from pages.regions.sidebar.source import take_uploaded
from pages.regions.sidebar.state import UNKNOWN, sidebar_state
from pages.regions.sidebar.threshold import start_of_model
from pages.shared.cache import stamp
from pages.shared.markdown import error_markdown


def bring_back(video: VideoChoice, store: EmbeddingStore, config: Config) -> None:
    """Restore the settings of a newly chosen video. Call before any control is drawn.

    They are those with which this session left the video, else the stored ones. A video without any keeps the current
    settings; an upload without any starts over, without prompts. Settings from a link take precedence.
    """
    state = sidebar_state()
    file = (str(video.path), _stamp(video))
    last_file, last_id = state.settings_of
    if last_file == file and last_id is not None:
        _keep_back()
        return
    video_id = _id_of(video, file[1], store)
    state.settings_of = (file, video_id)
    if last_file not in (None, file):
        fill_list(config.prompts)  # an empty list does not carry over to another video
    if video_id is None:
        return
    if video_id == state.settings_id:
        _keep_back()
        return
    state.settings_id, state.keep_error = video_id, None
    state.stored_settings = _stored(video_id, store)
    is_upload = take_uploaded() == str(video.path)
    if was_link_given():
        state.stored_settings = UNKNOWN
    elif back := state.settings_left.get(video_id) or state.stored_settings:
        put_settings(back.settings, made_with=back.fingerprint)
    elif is_upload:
        start_over(config, lines=())
        ask_for_focus()


def _keep_back() -> None:
    """If a link gave settings to the video that is open already, store them only once they change."""
    if was_link_given():
        sidebar_state().stored_settings = UNKNOWN


def keep(
    video_id: str,
    settings: Settings,
    typed: Prompts,
    config: Config,
    encoder: ShownEncoder,
    video_scores: VideoScores,
    store: EmbeddingStore,
) -> None:
    """Store the settings of a video if they changed; the settings of a first visit are not stored.

    Nor are those of pictures, or while some of the prompts in the list, ``typed``, are not scored.
    """
    state = sidebar_state()
    if state.settings_id != video_id or typed.pictures is not None or typed.lines != settings.prompts:
        return
    now = StoredSettings(settings, encoder.fingerprint)
    state.settings_left[video_id] = now
    if store.read_only:  # they last as long as the session
        return
    to_store = None if _is_start(settings, config, encoder, video_scores) else now
    stored, state.stored_settings = state.stored_settings, to_store
    if stored in (to_store, UNKNOWN):
        return
    try:
        if to_store is None:
            store.drop_settings(video_id)
        else:
            store.keep_settings(video_id, to_store)
        state.keep_error = None
    except StoreError as error:
        state.keep_error = f"The settings of this video could not be saved. {error_markdown(error)}"


def draw_trouble() -> None:
    """Say why settings could not be restored or stored."""
    if error := sidebar_state().keep_error:
        st.caption(f":material/warning: {error}")


def forget(video_id: str) -> None:
    """Drop what this session holds of a video's settings."""
    state = sidebar_state()
    state.settings_left.pop(video_id, None)
    if state.settings_id == video_id:
        state.settings_id, state.settings_of = None, (None, None)


def _stamp(video: VideoChoice) -> tuple[int, int] | None:
    try:
        return stamp(video.path)
    except VideoNotFoundError:
        return None


def _id_of(video: VideoChoice, file_stamp: tuple[int, int] | None, store: EmbeddingStore) -> str | None:
    """Return the id of the video, or None; if its file is gone, the id of the record with that path."""
    if file_stamp is not None:
        return store.known_id(video.path, *file_stamp)
    return next((record.video_id for record in store.summaries() if lies_at(record, video.path)), None)


def _stored(video_id: str, store: EmbeddingStore) -> StoredSettings | None:
    try:
        return store.settings(video_id)
    except (SettingsError, StoreError) as error:
        sidebar_state().keep_error = f"The settings of this video could not be restored. {error_markdown(error)}"
        return None


def _is_start(settings: Settings, config: Config, encoder: ShownEncoder, video_scores: VideoScores) -> bool:
    """Return whether these are the settings of a first visit."""
    unit, threshold = start_of_model(config, encoder, has_bank=video_scores.has_bank)
    lines = tuple(prompt.line for prompt in prompts_of(config.prompts))
    start = Settings(prompts=lines, smoothing_s=float(config.smoothing_s), unit=unit, threshold=threshold)
    return settings == start
