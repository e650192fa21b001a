"""Sidebar, Prompts: pictures instead of texts. Their scores never share an axis or a threshold with scores of texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from clip_core.analysis.analyse import Picture
from clip_core.errors import ClipVideoError
from clip_core.library.videos import VideoChoice
from clip_core.text import clock, printable, short_prompt
from clip_core.types import VideoRecord
from clip_core.video.drawing import jpeg_uri, shrunk, thumbnail_jpeg
from clip_core.video.images import decode_image
from pages.regions.sidebar.state import KINDS, PICTURES, TEXTS, sidebar_state
from pages.regions.viewer.playhead import Playhead
from pages.shared import cache
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.uploads import free
from pages.shared.widgets import bound, draw_remove

MOST_PICTURES = 12
LONGEST_NAME = 40
MOST_MB = 20
MOST_PX = 2048
"""The longer side of a picture: catalogue models see at most a fifth of it, and each visitor's stay in memory."""
FORMATS = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"]


def choose_kind() -> str:
    """Draw the switch between texts and pictures."""
    state = sidebar_state()
    kind = st.segmented_control(
        "Prompts by",
        KINDS,
        required=True,
        default=state.prompt_kind,
        label_visibility="collapsed",
        help="Pictures: how similar each frame is to a picture. Picture–picture scores are much higher than "
        "picture–text scores, so each kind has its own axis and thresholds.",
        **bound(state, "prompt_kind", state.swap_kind),
    )
    return kind or TEXTS


def show_texts() -> None:
    """Switch back to texts, because settings are for texts. Call before anything is drawn."""
    state = sidebar_state()
    if state.prompt_kind == PICTURES:
        state.prompt_kind = TEXTS
        state.swap_kind()


def show_picture(name: str, picture: Picture) -> None:
    """Switch to pictures, with this one in the list. Call before anything is drawn."""
    state = sidebar_state()
    if state.prompt_kind != PICTURES:
        state.prompt_kind = PICTURES
        state.swap_kind()
    if len(state.pictures) >= MOST_PICTURES:
        state.pictures = dict(list(state.pictures.items())[1 - MOST_PICTURES :])
    _add(name, picture)


def choose_pictures() -> dict[str, Picture]:
    """Draw the list of pictures; return name → picture."""
    state = sidebar_state()
    pictures = state.pictures
    thumbnails = _thumbnails(pictures)
    with st.container(height=112, border=True, key="pictures", gap="xxsmall"):
        if not pictures:
            st.caption("No picture yet: take the frame on the screen, or upload one.")
        for place, (name, picture) in enumerate(pictures.items()):
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
                st.image(thumbnails[picture.picture_id], width=44)
                st.text(short_prompt(name), width="stretch")
                draw_remove(short_prompt(name), f"drop_picture_{place}", partial(_drop, name))
    full = len(pictures) >= MOST_PICTURES
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        st.button("This frame", icon=":material/add_a_photo:", key="take_frame", disabled=full, on_click=_ask_for_frame)
        with st.popover("Upload", icon=":material/upload:", key="picture_box"):
            _upload(full=full)
    if state.picture_error is not None:
        st.error(state.picture_error, icon=":material/error:")
    if state.picture_note is not None:
        st.caption(state.picture_note)
    state.picture_error = state.picture_note = None
    return dict(pictures)


def _upload(*, full: bool) -> None:
    state = sidebar_state()
    key = f"picture_file_{state.picture_number}"
    file = st.file_uploader("A picture", type=FORMATS, max_upload_size=MOST_MB, key=key, disabled=full)
    if file is None:
        return
    rgb, name = decode_image(file.getvalue()), escape_markdown(short_prompt(file.name))
    if rgb is None:
        state.picture_error = f"**{name} cannot be read as a picture.** Save it as PNG or JPEG."
    else:
        small = shrunk(rgb, MOST_PX)
        _add(file.name, Picture(small))
        if small.shape != rgb.shape:
            size = f"{small.shape[1]:,} × {small.shape[0]:,}"
            state.picture_note = f"{name} is larger than needed: it was shrunk to {size} pixels."
    state.picture_number += 1
    free(file)
    st.rerun()


def _add(name: str, picture: Picture) -> None:
    """Add a picture under a name of its own, unless it is there."""
    state = sidebar_state()
    if picture.picture_id in {known.picture_id for known in state.pictures.values()}:
        return
    plain = " ".join(printable(name, " ").split())[:LONGEST_NAME] or "picture"
    unique = next(n for n in (plain, *(f"{plain} ({k})" for k in range(2, 100))) if n not in state.pictures)
    state.pictures = state.pictures | {unique: picture}


def _drop(name: str) -> None:
    state = sidebar_state()
    state.pictures = {other: picture for other, picture in state.pictures.items() if other != name}


def _ask_for_frame() -> None:
    sidebar_state().frame_asked = True


def take_frame(video: VideoChoice, record: VideoRecord, head: Playhead) -> None:
    """If the visitor asked for it, add the frame under the playhead to the pictures, and rerun."""
    state = sidebar_state()
    if not state.frame_asked:
        return
    state.frame_asked = False
    try:
        rgb = cache.frame_rgb(str(video.path), record, head.time_s)
        _add(f"frame {head.frame} at {clock(head.time_s)}", Picture(rgb))
    except ClipVideoError as error:
        state.picture_error = error_markdown(error)
    st.rerun()


def _thumbnails(pictures: Mapping[str, Picture]) -> dict[str, str]:
    """Return picture id → its thumbnail as a data URI, each made once."""
    state = sidebar_state()
    known, listed = state.picture_uris, {picture.picture_id: picture for picture in pictures.values()}
    state.picture_uris = {
        key: known.get(key) or jpeg_uri(thumbnail_jpeg(picture.rgb)) for key, picture in listed.items()
    }
    return state.picture_uris
