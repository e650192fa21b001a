"""The settings menu: link, save, load, start over, compare with a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from clip_core.analysis.export_bundle import ExportBundle
from clip_core.config import Config
from clip_core.errors import SettingsError
from clip_core.files import named_after
from clip_core.settings import Settings, link, read_settings, settings_of_query, settings_yaml
from clip_core.text import parse_time, short_id
from pages.regions.download.compare_file import draw_comparison
from pages.regions.moments.moment_list import MomentList
from pages.regions.sidebar.prompt_pictures import show_texts
from pages.regions.sidebar.prompts import put_prompts, put_texts
from pages.regions.sidebar.rules import put_rules
from pages.regions.sidebar.signal import put_smoothing
from pages.regions.sidebar.source import choose_linked
from pages.regions.sidebar.state import KindState, sidebar_state
from pages.regions.sidebar.threshold import put_thresholds
from pages.regions.viewer.playhead import start_at
from pages.shared.markdown import error_markdown
from pages.shared.theme import unseen
from pages.shared.uploads import free

WIDTH_PX = 400
"""Fixed, because a long link would widen the menu to its maximum."""


def take_link() -> None:
    """In the first run of a session, restore the view that the page's address names."""
    state, query = sidebar_state(), st.query_params
    if state.link_read:
        return
    state.link_read = True
    open_view({name: query.get_all(name) for name in query})


def open_view(query: Mapping[str, Sequence[str]]) -> None:
    """Restore the view that the parameters of a link name, such as those of ``moment_query``.

    Call before any control of the sidebar is drawn: on another page before ``st.switch_page``, or in a callback. A
    parameter that is missing leaves its part of the view as it is; an invalid one changes nothing and is told.
    """
    state = sidebar_state()
    try:
        settings = settings_of_query(query)
    except SettingsError as error:
        state.link_error = error_markdown(error)
        return
    if settings is not None:
        put_settings(settings, with_texts="prompt" in query)
        state.link_given = True
    last = {name: texts[-1] for name, texts in query.items() if texts}
    if "id" in last or "video" in last:
        choose_linked(last.get("id"), last.get("video"))
    frame, time_s = last.get("frame", ""), parse_time(last.get("time", ""))
    if frame.isdecimal() and len(frame) < 10:
        start_at(int(frame))
    elif time_s is not None:
        start_at(float(time_s))


def draw_link_error() -> None:
    """Say once what was wrong with the link."""
    state = sidebar_state()
    if state.link_error is not None:
        st.warning(state.link_error, icon=":material/link_off:")
        state.link_error = None


def was_link_given() -> bool:
    """Return whether a link gave the settings in force; only once, for the first video."""
    state = sidebar_state()
    was_given, state.link_given = state.link_given, False
    return was_given


def put_settings(settings: Settings, *, with_texts: bool = True, made_with: str | None = "") -> None:
    """Put settings in place, prompts only ``with_texts``. Call before any control of the sidebar is drawn.

    ``made_with`` is the fingerprint of the model that the thresholds belong to; under another model they start anew.
    "" takes them whatever the model is, None under no model.
    """
    show_texts()
    put_prompts(settings, with_texts=with_texts)
    put_thresholds(settings, made_with)
    put_smoothing(settings)
    put_rules(settings)


def take_file() -> None:
    """Take a settings file that was uploaded in the last run, before anything is drawn."""
    state = sidebar_state()
    content, state.loaded_settings = state.loaded_settings, None
    if content is None:
        return
    try:
        put_settings(read_settings(content))
        state.settings_error = None
    except SettingsError as error:
        state.settings_error = error_markdown(error)


def start_over(config: Config, lines: Sequence[str] | None = None) -> None:
    """Reset all settings to those of config.yaml; ``lines`` replace its prompts."""
    state = sidebar_state()
    put_settings(Settings(smoothing_s=config.smoothing_s), with_texts=False, made_with=None)
    put_texts(config.prompts if lines is None else lines)
    state.other_kind = KindState()
    state.settings_error, state.asks_start_over = None, False


def draw_settings_menu(bundle: ExportBundle, listed: MomentList, config: Config, frame: int) -> None:
    """Draw the menu; the link leads to ``frame``, and a file is compared with the moments in ``listed``."""
    menu = st.popover(
        unseen("Settings"),
        icon=":material/settings:",
        help="Settings: this view as a link, save and load settings, compare with a file",
        key="settings_box",
    )
    with menu, st.container(width=WIDTH_PX):
        st.markdown("**Settings**")
        _draw_link(bundle, frame)
        _draw_saving(bundle)
        _draw_loading()
        _draw_start_over(config)
        draw_comparison(listed.kept, bundle)


def _draw_link(bundle: ExportBundle, frame: int) -> None:
    """Draw the link that restores this view; for pictures, it leaves all settings as they are."""
    settings = None if bundle.pictures is not None else bundle.detection.settings
    view = {"id": short_id(bundle.record.video_id), "video": bundle.record.name, "frame": str(frame)}
    st.caption("This view as a link")
    st.code(link(str(st.context.url or ""), settings, view), language=None, wrap_lines=False)
    if settings is None:  # their thresholds would be applied to texts
        st.caption("This link holds only the video and the frame, not the pictures or their settings.")


def _draw_saving(bundle: ExportBundle) -> None:
    """Draw the button that saves a settings file. It is off for pictures: loading the file would clear the texts."""
    pictures = bundle.pictures is not None
    st.download_button(
        "Save settings (YAML)",
        partial(settings_yaml, bundle.detection.settings),
        named_after(bundle.record.name, "settings.yaml"),
        "application/yaml",
        key="settings_file",
        on_click="ignore",
        icon=":material/save:",
        disabled=pictures,
        help="A settings file holds texts. Go back to Texts to save it."
        if pictures
        else "Everything that determines the moments: for the command line (--settings), or to load here.",
    )


def _draw_loading() -> None:
    state = sidebar_state()
    key = f"settings_file_{state.settings_number}"
    file = st.file_uploader("Load settings (YAML)", type=["yaml", "yml"], max_upload_size=1, key=key)
    if state.settings_error is not None:
        st.error(state.settings_error, icon=":material/error:")
    if file is not None:
        state.loaded_settings = file.getvalue()
        state.settings_number += 1
        free(file)
        st.rerun()


def _draw_start_over(config: Config) -> None:
    """Draw a button that asks first, because the stored settings of this video are dropped, too."""
    if not sidebar_state().asks_start_over:
        help_text = "All settings as config.yaml has them. You are asked first."
        st.button("Start over…", icon=":material/restart_alt:", help=help_text, on_click=_ask, args=(True,),
                  key="start_over")  # fmt: skip
        return
    st.markdown("Set prompts, thresholds, and all other settings of this video back to those of config.yaml?")
    with st.container(horizontal=True, gap="xsmall"):
        st.button("Start over", type="primary", on_click=start_over, args=(config,), key="start_over_yes")
        st.button("Keep", on_click=_ask, args=(False,), key="start_over_no")


def _ask(asks: bool) -> None:
    sidebar_state().asks_start_over = asks
