"""Sidebar, Source: choose a video from the list, by upload, or by a path."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.config import Config
from clip_core.errors import ClipVideoError, VideoNotFoundError
from clip_core.library.add_video import add_upload, open_path
from clip_core.library.short_ids import listed_video
from clip_core.library.videos import EXTENSIONS, VideoChoice, list_videos, uploads_folder
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, counted, size_text
from clip_core.types import VideoRecord
from pages.regions.sidebar.state import sidebar_state
from pages.shared.access import READ_ONLY
from pages.shared.cache import facts_of
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.theme import unseen
from pages.shared.uploads import free
from pages.shared.widgets import bound

MOST_OPENED = 1000
SAMPLE_VIDEO = "sample.mp4"


def draw_heading(config: Config) -> None:
    """Draw the heading, and the notices on how the config was read."""
    st.markdown("##### Source")
    for notice in config.notices:
        st.caption(f":material/info: {escape_markdown(notice)}")


def choose_video(config: Config, store: EmbeddingStore) -> VideoChoice | None:
    """Draw the list of videos and the box that adds one; return the chosen one."""
    state = sidebar_state()
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False)
    busy = st.empty()
    with row:
        slot = st.container()
        _draw_box(config, store, busy)
    choices = {choice.name: choice for choice in list_videos(config, store, state.opened_paths)}
    _take_linked(choices, store)
    chosen = state.video_choice = _settle_chosen(config, choices)
    names = list(choices)
    state.video = None if chosen is None else chosen.name
    slot.selectbox(
        "Video",
        names,
        index=None if chosen is None else names.index(chosen.name),
        placeholder="Choose a video",
        help="Files in the folders that `video_dirs` of config.yaml names, and what was uploaded or opened before.",
        **bound(state, "video", _video_chosen, {name: choice.path for name, choice in choices.items()}),
    )
    return chosen


def _settle_chosen(config: Config, choices: dict[str, VideoChoice]) -> VideoChoice | None:
    """Return the video whose path the session keeps; if its file has vanished, add it to ``choices``."""
    state, last = sidebar_state(), sidebar_state().video_choice
    if state.video_path == "":
        choose_path(next((choice.path for choice in choices.values() if config.video_path is not None), None))
    chosen = next((choice for choice in choices.values() if str(choice.path) == state.video_path), None)
    if chosen is None and last is not None and str(last.path) == state.video_path:
        choices[last.name] = chosen = last
    choose_path(None if chosen is None else chosen.path)
    if chosen is not None:
        state.video_missing = state.link_problem = None
    return chosen


def _take_linked(choices: dict[str, VideoChoice], store: EmbeddingStore) -> None:
    """Choose the video that a link names by its id, or else by its name in the list; none if it is not there."""
    state = sidebar_state()
    digits, name = state.id_wanted, state.video_wanted
    state.id_wanted = state.video_wanted = None
    if digits is None and name is None:
        return
    state.video_missing = state.link_problem = linked = None
    if digits is None:
        linked = choices.get(name or "")
        state.video_missing = None if linked is not None else name
    else:
        try:
            linked = listed_video(digits, choices.values(), store)
        except VideoNotFoundError as error:
            state.link_problem = error
    choose_path(None if linked is None else linked.path)


def _video_chosen(paths: dict[str, Path]) -> None:
    """Take the choice that was made in the list; ``paths``: name → path of the videos that it showed."""
    choose_path(paths.get(sidebar_state().video or ""))


def choose_path(path: Path | None) -> None:
    """Choose a video, or none. Call before the list is drawn."""
    sidebar_state().video_path = None if path is None else str(path)


def choose_linked(digits: str | None, name: str | None) -> None:
    """Choose the video that a link names by the digits of its id, or else by its name, once the list is known."""
    sidebar_state().id_wanted, sidebar_state().video_wanted = digits, name


def missing_video() -> str | None:
    """Return the name of the video that a link asked for, if it is not in the list and no other was chosen since."""
    return sidebar_state().video_missing


def link_problem() -> ClipVideoError | None:
    """Return why the video that a link names by its id was not opened, if no other was chosen since."""
    return sidebar_state().link_problem


def drop_path(path: Path | None) -> None:
    """If this file, which was deleted, is the chosen video, choose none."""
    if sidebar_state().video_path == str(path):
        choose_path(None)


def take_uploaded() -> str | None:
    """Return the path of the last upload, once."""
    state = sidebar_state()
    uploaded, state.uploaded = state.uploaded, None
    return uploaded


def sample_video(config: Config) -> Path | None:
    """Return the path of the sample video, or None if it is in no folder of ``video_dirs``."""
    return next((d / SAMPLE_VIDEO for d in config.video_dirs if (d / SAMPLE_VIDEO).is_file()), None)


READING_HELP = (
    "How the pictures of this file are read, for you and for the model alike: as players show them. *square pixels*: "
    "they are stored squeezed. *tone-mapped*: HDR is shown as SDR. *BT.709 by size*: the file names no colours, and "
    "players take those of HD. *palette*: the file lists its colours. *on white*: what lies behind transparent places. "
    "*clock goes on at joins*: recordings were joined in this file, and the times go on from one to the next."
)

FACTS_HELP = (
    "*sound stream*: which of several sounds clips and the player have. *header promises*: the file ends earlier than "
    "its header says, because it was cut off or badly written. All frames that it holds are used."
)


def describe(record: VideoRecord | None, path: Path) -> None:
    """Draw one line of facts about the file at ``path``; a ≈ marks them if they are known only from the header."""
    if record is None:
        return
    about = "" if record.table.confirmed else "≈ "
    frames = len(record.table)
    rate = (frames - 1) / float(record.table.times_s[-1]) if frames > 1 else record.header_fps
    parts = [clock(record.table.end_s), f"{record.width} × {record.height}"]
    parts += [f"{rate:.4g} fps"] if rate else []
    facts = facts_of(path, record)
    parts += [counted(frames, "frame"), *filter(None, [record.reading]), *facts]
    helps = [READING_HELP if record.reading else "", FACTS_HELP if facts else ""]
    st.caption(f"{about}{' · '.join(parts)}", help="\n\n".join(filter(None, helps)) or None)


def _draw_box(config: Config, store: EmbeddingStore, busy: DeltaGenerator) -> None:
    """Draw the box that adds a video; it closes when one was added. ``busy`` shows how an upload is copied."""
    key = f"upload_box_{sidebar_state().boxes}"  # a new key makes a new box, which is closed
    help_text = "Upload a video, or open a path on this machine"
    with (
        st.container(key="upload_box", width="content"),
        st.popover(unseen("Add a video"), icon=":material/upload:", help=help_text, key=key),
    ):
        if store.read_only:
            st.caption(f"{READ_ONLY} No video can be uploaded.")
        else:
            _upload(config, store, busy)
        _draw_path(config)


def _upload(config: Config, store: EmbeddingStore, busy: DeltaGenerator) -> None:
    state = sidebar_state()
    file = st.file_uploader(
        "Upload a video",
        type=[*(extension[1:] for extension in EXTENSIONS), "png"],  # it may be animated; not listed in folders
        key="upload" if state.uploads == 0 else f"upload_{state.uploads}",
        help="Up to 2 GB. Kept in data/uploads under its content hash, once. While it is uploaded, the server holds "
        "the whole file in memory. If the file is on that machine already, open its path instead.",
    )
    if file is None:
        if state.upload_error is not None:
            st.error(error_markdown(state.upload_error), icon=":material/error:")
        return
    name, whole = escape_markdown(file.name), file.size

    def show(copied: int) -> None:
        text = f"Keeping {name} · {size_text(copied)} of {size_text(whole)}"
        busy.progress(min(1.0, copied / whole) if whole else 1.0, text=text)

    show(0)
    try:
        path = add_upload(file, whole, file.name, uploads_folder(config), store, show)
        _add(path)
        state.upload_error, state.uploaded = None, str(path)
    except ClipVideoError as error:
        state.upload_error = error
    state.uploads += 1  # a new key gives an empty uploader
    free(file)
    st.rerun()


def _add(path: Path) -> None:
    """Choose a video and close the box that adds one."""
    choose_path(path)
    sidebar_state().boxes += 1


def _draw_path(config: Config) -> None:
    state = sidebar_state()
    key = f"path_{state.boxes}"
    st.text_input(
        "Open a path",
        key=key,
        placeholder="A video, or a folder of videos",
        help="On the machine that runs this page, within the folders that `video_dirs` of config.yaml names. Nothing "
        "is copied. For a folder, all its videos are listed.",
        on_change=_open,
        args=(key, config),
    )
    if state.path_error is not None:
        st.error(state.path_error, icon=":material/error:")
    if state.path_note is not None:
        st.caption(state.path_note)
        state.path_note = None


def _open(key: str, config: Config) -> None:
    """Open the path that was typed: choose a video, or list the videos of a folder."""
    state = sidebar_state()
    state.path_error = None
    typed = str(st.session_state[key]).strip()
    if not typed:
        return
    try:
        opened = open_path(typed, config)
    except ClipVideoError as error:
        state.path_error = error_markdown(error)
        return
    state.opened_paths = list(dict.fromkeys([*opened.videos, *state.opened_paths]))[:MOST_OPENED]
    if opened.is_folder:
        listed = counted(len(opened.videos), "video is", "videos are")
        state.path_note = f"{listed} in the list now, from {escape_markdown(opened.path.name)}."
    else:
        _add(opened.videos[0])
