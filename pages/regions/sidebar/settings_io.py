"""The settings menu: link, save, load, start over, compare with a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from clip_core.analysis.export_bundle import ExportBundle
from clip_core.config import Config
from clip_core.errors import SettingsError
from clip_core.files import named_after
from clip_core.prompts import Prompt
from clip_core.settings import Settings, link, read_settings, settings_of_query, settings_yaml
from pages.regions.download.compare_file import draw_comparison
from pages.regions.moments.moment_list import MomentList
from pages.regions.sidebar.prompt_pictures import show_texts
from pages.regions.sidebar.smoothing import put_smoothing
from pages.regions.sidebar.threshold import MODES
from pages.regions.viewer.playhead import start_at
from pages.shared.markdown import error_markdown
from pages.shared.theme import unseen


def take_link() -> None:
    """In the first run of a session, restore the view that the page's address names."""
    state, query = st.session_state, st.query_params
    if "link_read" in state:
        return
    state.link_read = True
    names = {name: query.get_all(name) for name in query}
    try:
        settings = settings_of_query(names)
    except SettingsError as error:
        state.link_error = error_markdown(error)
        return
    if settings is not None:
        put_settings(settings, with_prompts="prompt" in names)
        state.link_given = True
    if "video" in names:
        state.video_wanted = names["video"][-1]
    frame = names.get("frame", [""])[-1]
    if frame.isdecimal() and len(frame) < 10:
        start_at(int(frame))


def draw_link_error() -> None:
    """Say once what was wrong with the link."""
    if error := st.session_state.pop("link_error", None):
        st.warning(error, icon=":material/link_off:")


def view_link(settings: Settings | None, video: str, frame: int) -> str:
    """Return the link that restores this view; if ``settings`` is None, it leaves all settings as they are."""
    return link(str(st.context.url or ""), settings, {"video": video, "frame": str(frame)})


def put_settings(settings: Settings, *, with_prompts: bool = True, made_with: str = "") -> None:
    """Put settings into the session. Call before any control of the sidebar is drawn.

    Args:
        settings: The settings.
        with_prompts: Whether to take their prompts, too.
        made_with: The fingerprint of the model that the thresholds belong to; under another model they start anew.
            "" takes them whatever the model is.
    """
    state = st.session_state
    show_texts()
    if with_prompts:
        state.prompts = "\n".join(settings.prompts)
    state.templates = settings.templates
    state.own_weights = _by_name(settings)
    state.own_thresholds = dict(settings.thresholds)
    state.unit = settings.unit
    state.threshold_mode = MODES[0] if settings.threshold is None else MODES[1]
    state.threshold = settings.threshold
    put_smoothing(settings)
    for name in ("hysteresis", "min_gap_s", "min_duration_s", "pad_s", "across_cuts", "combinations"):
        state[name] = getattr(settings, name)
    state.bank_share, state.confidence = round(settings.bank_share), float(settings.confidence)
    state.filter_on = settings.score_range is not None
    state.score_filter = settings.score_range or (None, None)
    state.range_moved = False
    state.time_range, state.time_range_of = settings.time_range, None
    state.unflagged = set(settings.unflagged)
    state.limits = state.thresholds_before = None
    state.recipe_given = made_with  # so that ``signal._start_model`` does not put the model's own values in their place


def _by_name(settings: Settings) -> dict[str, float]:
    """Return line → weight; the line of a negative has its sign."""
    negatives = set(settings.negatives)
    return {Prompt(text, text in negatives).line: weight for text, weight in settings.weights.items()}


def draw_loading(config: Config) -> None:
    """Draw the upload of a settings file, and the button that starts over."""
    state = st.session_state
    number = state.setdefault("settings_number", 0)
    file = st.file_uploader(
        "Load settings (YAML)", type=["yaml", "yml"], max_upload_size=1, key=f"settings_file_{number}"
    )
    if state.get("settings_error"):
        st.error(state.settings_error, icon=":material/error:")
    if file is not None:
        state.loaded_settings = file.getvalue()
        state.settings_number = number + 1
        st.rerun()
    _draw_start_over(config)


def _draw_start_over(config: Config) -> None:
    """Draw a button that asks first, because the stored settings of this video are dropped, too."""
    state = st.session_state
    if not state.get("asks_start_over"):
        help_text = "All settings as config.yaml has them. You are asked first."
        st.button("Start over…", icon=":material/restart_alt:", help=help_text, on_click=_ask, args=(True,),
                  key="start_over")  # fmt: skip
        return
    st.markdown("Set prompts, thresholds, and all other settings of this video back to those of config.yaml?")
    with st.container(horizontal=True, gap="xsmall"):
        st.button("Start over", type="primary", on_click=start_over, args=(config,), key="start_over_yes")
        st.button("Keep", on_click=_ask, args=(False,), key="start_over_no")


def _ask(asks: bool) -> None:
    st.session_state.asks_start_over = asks


def take_file() -> None:
    """Take a settings file that was uploaded in the last run, before anything is drawn."""
    state = st.session_state
    content = state.pop("loaded_settings", None)
    if content is None:
        return
    try:
        put_settings(read_settings(content))
        state.settings_error = None
    except SettingsError as error:
        state.settings_error = error_markdown(error)


def start_over(config: Config, prompts: Sequence[str] | None = None) -> None:
    """Reset all settings to those of config.yaml; ``prompts`` replace its own."""
    state = st.session_state
    lines = config.prompts if prompts is None else tuple(prompts)
    put_settings(Settings(smoothing_s=config.smoothing_s))
    state.prompts = "\n".join(lines)  # too many are cut off, with a notice, where they are drawn
    state.recipe_given, state.limits_of = None, None
    state.put_aside = {}
    state.settings_error, state.asks_start_over = None, False


MIME_YAML = "application/yaml"
WIDTH_PX = 400
"""Fixed, because a long link would widen the menu to its maximum."""


def draw_settings_menu(bundle: ExportBundle, listed: MomentList, config: Config, frame: int) -> None:
    """Draw the menu.

    Args:
        bundle: Holds the settings in force.
        listed: The moments that a file is compared with.
        config: The config.
        frame: The number of the frame on the screen, for the link.
    """
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
        draw_loading(config)
        draw_comparison(listed.kept, bundle.detection.scores.prompts)


def _draw_link(bundle: ExportBundle, frame: int) -> None:
    pictures, video = bundle.pictures is not None, st.session_state.get("video")
    settings = None if pictures else bundle.detection.settings  # thresholds of pictures would be applied to texts
    st.caption("This view as a link")
    st.code(view_link(settings, str(video or ""), frame), language=None, wrap_lines=False)
    if pictures:
        st.caption("Pictures do not go along, nor their settings: this link holds the video and the frame.")


def _draw_saving(bundle: ExportBundle) -> None:
    """Draw the button that saves a settings file. It is off for pictures: loading the file would clear the texts."""
    pictures = bundle.pictures is not None
    st.download_button(
        "Save settings (YAML)",
        partial(settings_yaml, bundle.detection.settings),
        named_after(bundle.record.name, "settings.yaml"),
        MIME_YAML,
        key="settings_file",
        on_click="ignore",
        icon=":material/save:",
        disabled=pictures,
        help="A settings file holds texts. Go back to Texts to save it."
        if pictures
        else "All that moments are made of: for the command line (--settings), or to load here.",
    )
