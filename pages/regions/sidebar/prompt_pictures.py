"""Sidebar, Prompts: pictures instead of texts. Their scores never share an axis or a threshold with scores of texts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial

import streamlit as st

from clip_core.analysis.analyse import Picture
from clip_core.errors import ClipVideoError
from clip_core.library.videos import VideoChoice
from clip_core.text import clock, printable, short_prompt
from clip_core.types import VideoRecord
from clip_core.video.drawing import shrunk, thumbnail_jpeg
from clip_core.video.images import decode_image
from pages.regions.viewer.playhead import Playhead
from pages.shared import cache
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.widgets import bound, draw_remove

KINDS = ["Texts", "Pictures"]
MOST_PICTURES = 12
LONGEST_NAME = 40
MOST_MB = 20
MOST_PX = 2048
"""The longer side of a picture: catalogue models see at most a fifth of it, and each visitor's stay in memory."""
FORMATS = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"]
_OF_A_KIND = (
    *("unit", "threshold_mode", "threshold", "range", "range_moved", "limits", "limits_of", "hysteresis"),
    *(
        "filter_on",
        "score_filter",
        "thresholds_before",
        "own_thresholds",
        "own_weights",
        "unflagged",
        "combinations",
        "shown",
        "shown_known",
        "prompt_numbers",
    ),
)
"""State that belongs to texts or to pictures alone, and is put aside while the other kind is shown."""


def choose_kind() -> str:
    """Draw the switch between texts and pictures."""
    kind = st.segmented_control(
        "Prompts by",
        KINDS,
        required=True,
        default=st.session_state.setdefault("prompt_kind", KINDS[0]),
        label_visibility="collapsed",
        help="Pictures: how alike each frame and a picture are. Picture–picture scores are much higher than "
        "picture–text scores, so each kind has its own axis and thresholds.",
        **bound(st.session_state, "prompt_kind", _switch),
    )
    return kind or KINDS[0]


def show_texts() -> None:
    """Switch back to texts, because settings are for texts. Call before anything is drawn."""
    state = st.session_state
    if state.get("prompt_kind") == KINDS[1]:
        state.prompt_kind = KINDS[0]
        _switch()


def _switch() -> None:
    state = st.session_state
    aside = {key: state.pop(key) for key in _OF_A_KIND if key in state}
    back, state.put_aside = state.get("put_aside", {}), aside
    for key, value in back.items():
        state[key] = value


def choose_pictures() -> dict[str, Picture]:
    """Draw the list of pictures; return name → picture."""
    state = st.session_state
    pictures: dict[str, Picture] = state.setdefault("pictures", {})
    uris = _uris(pictures)
    with st.container(height=112, border=True, key="pictures", gap="xxsmall"):
        if not pictures:
            st.caption("No picture yet: take the frame on the screen, or upload one.")
        for place, (name, picture) in enumerate(pictures.items()):
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
                st.image(uris[picture.picture_id], width=44)
                st.text(short_prompt(name), width="stretch")
                draw_remove(short_prompt(name), f"drop_picture_{place}", partial(_drop, name))
    full = len(pictures) >= MOST_PICTURES
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        st.button("This frame", icon=":material/add_a_photo:", key="take_frame", disabled=full, on_click=_ask_for_frame)
        with st.popover("Upload", icon=":material/upload:", key="picture_box"):
            _upload(full=full)
    if error := state.pop("picture_error", None):
        st.error(error, icon=":material/error:")
    if note := state.pop("picture_note", None):
        st.caption(note)
    return dict(pictures)


def _upload(*, full: bool) -> None:
    state = st.session_state
    number = state.setdefault("picture_number", 0)
    file = st.file_uploader(
        "A picture", type=FORMATS, max_upload_size=MOST_MB, key=f"picture_file_{number}", disabled=full
    )
    if file is None:
        return
    rgb = decode_image(file.getvalue())
    if rgb is None:
        state.picture_error = (
            f"**{escape_markdown(short_prompt(file.name))} is no picture that can be read.** Save it as PNG or JPEG."
        )
    else:
        small = shrunk(rgb, MOST_PX)
        _add(file.name, Picture(small))
        if small.shape != rgb.shape:
            size = f"{small.shape[1]:,} × {small.shape[0]:,}"
            state.picture_note = (
                f"{escape_markdown(short_prompt(file.name))} is larger than is needed: it was shrunk to {size} pixels."
            )
    state.picture_number = number + 1
    st.rerun()


def _add(name: str, picture: Picture) -> None:
    pictures: dict[str, Picture] = st.session_state.pictures
    plain = " ".join(printable(name, " ").split())[:LONGEST_NAME] or "picture"
    same = [n for n, known in pictures.items() if known.picture_id == picture.picture_id]
    unique = next(n for n in (plain, *(f"{plain} ({k})" for k in range(2, 100))) if n not in pictures)
    if not same:
        st.session_state.pictures = pictures | {unique: picture}


def _drop(name: str) -> None:
    st.session_state.pictures = {n: picture for n, picture in st.session_state.pictures.items() if n != name}


def _ask_for_frame() -> None:
    st.session_state.frame_asked = True


def take_frame(video: VideoChoice, record: VideoRecord, head: Playhead) -> None:
    """If the visitor asked for it, add the frame under the playhead to the pictures, and rerun."""
    state = st.session_state
    if not state.pop("frame_asked", False):
        return
    try:
        rgb = cache.frame_rgb(str(video.path), record, head.time_s)
        _add(f"frame {head.frame} at {clock(head.time_s)}", Picture(rgb))
    except ClipVideoError as error:
        state.picture_error = error_markdown(error)
    st.rerun()


def _uris(pictures: Mapping[str, Picture]) -> dict[str, str]:
    """Return picture id → its thumbnail as a data URI, each made once."""
    known: dict[str, str] = st.session_state.get("picture_uris", {})
    wanted = {picture.picture_id: picture for picture in pictures.values()}
    uris = {name: known[name] if name in known else _uri(picture) for name, picture in wanted.items()}
    st.session_state.picture_uris = uris
    return uris


def _uri(picture: Picture) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(thumbnail_jpeg(picture.rgb)).decode()
