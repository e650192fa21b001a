"""Sidebar, Source: the model, what it sees of a frame, and the sampling rate; questions before a download or upload."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from clip_core.config import EVERY_FRAME, SERVER, Config, Crop
from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.catalogue import CATALOGUE, precision_order
from clip_core.encoders.cuda import why_on_cpu
from clip_core.encoders.hub_cache import cache_root, hub_host
from clip_core.encoders.model_files import providers_here
from clip_core.encoders.registry import SAMPLE, ModelChoice, available_models, hub_model
from clip_core.errors import DownloadSizeError, NotDownloadedError
from clip_core.library.videos import VideoChoice
from clip_core.task_queue import TaskView
from clip_core.tasks import DownloadKey
from clip_core.text import size_text
from pages.regions.sidebar.source import SAMPLE_VIDEO
from pages.regions.sidebar.state import sidebar_state
from pages.shared import cache
from pages.shared.access import READ_ONLY, is_read_only
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.task_row import TaskRow, draw_task_row, left_text
from pages.shared.widgets import bound

RATES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
FOR_FOOTAGE = CATALOGUE[0]
"""The model that the page suggests for real footage: the quickest of the catalogue."""
FRAMINGS: dict[str, Crop | None] = {"As made": None, "Middle": "center", "Squashed": "squash", "With bars": "pad"}
SEES: dict[Crop, str] = {
    "center": "the middle square of each frame",
    "squash": "the whole frame, squashed",
    "pad": "the whole frame, with bars",
}
SLACK = 1.25
"""A download may be this much larger than the catalogue says."""
ANYBODY = "somebody"
"""The one viewer of all downloads: stopping a download loses nothing, so nobody is asked first."""


@dataclass(frozen=True)
class ChosenModel:
    """The chosen model, and the config with the changes made on the page."""

    choice: ModelChoice
    config: Config


def chosen_model(config: Config) -> tuple[str, str]:
    """Return the name of the chosen model and its framing, also before their lists are drawn."""
    state = sidebar_state()
    return state.model or config.model, state.framing or _first_framing(config)


def choose_model(config: Config) -> tuple[ChosenModel, float | None]:
    """Draw the lists of models, framings and rates; return the model and samples per second (None: every frame)."""
    state = sidebar_state()
    configured = config.samples_per_second
    rates: list[float | str] = [*sorted({*RATES, *([] if configured is None else [configured])}), EVERY_FRAME]
    if state.sps not in rates:
        state.sps = EVERY_FRAME if configured is None else configured
    choice = select_model(config, "Model", state, "model", config.model)
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        crop = select_framing(config, state, "framing")
        rate = st.selectbox(
            "Samples / s",
            rates,
            index=rates.index(state.sps),
            format_func=lambda rate: rate if isinstance(rate, str) else f"{rate:g}",
            help="Raising it embeds only the frames that are missing.",
            **bound(state, "sps"),
        )
    return ChosenModel(choice, replace(config, crop=crop)), None if isinstance(rate, str) else float(rate)


def select_model(config: Config, label: str, state: object, name: str, first: str) -> ModelChoice:
    """Draw the list of models: local ones, the catalogue, and what config.yaml names. Visitors can choose no other.

    The field ``name`` of ``state`` keeps the chosen one; the list starts with ``first``.
    """
    choices = {choice.name: choice for choice in available_models(config)}
    if config.uses_server:
        choices[SERVER] = ModelChoice(SERVER, None, f"Roboflow server · {config.clip_version}")
    if config.model not in choices:
        choices = {config.model: ModelChoice(config.model, None)} | choices
    if getattr(state, name) not in choices:
        setattr(state, name, first)
    names = list(choices)
    chosen = st.selectbox(
        label,
        names,
        index=names.index(getattr(state, name)),
        format_func=lambda name: _title(choices[name], config),
        help="Scores of two models are not comparable. Changing the model re-indexes the video. "
        "A model that is to be downloaded is fetched only after you have been asked.",
        **bound(state, name),
    )
    return choices[str(chosen)]


def select_framing(config: Config, state: object, name: str) -> Crop | None:
    """Draw the list of framings, kept in ``state``, too; return what the model sees. None: as it was made."""
    if getattr(state, name) is None:
        setattr(state, name, _first_framing(config))
    framings = list(FRAMINGS)
    framing = st.selectbox(
        "Model sees",
        framings,
        index=framings.index(getattr(state, name)),
        help="**As made**: as the model's makers prepared pictures for it. A model looks at a square. CLIP was made to "
        "look at the middle of a picture, so it never sees 44 % of a 16:9 frame. Squashed or with bars, it sees the "
        "whole frame, a little less well. Each way counts as a model of its own, so the video is indexed anew.",
        **bound(state, name),
    )
    return FRAMINGS[str(framing)]


def _first_framing(config: Config) -> str:
    return next(framing for framing, crop in FRAMINGS.items() if crop == config.crop)


def _title(choice: ModelChoice, config: Config) -> str:
    size = None if choice.is_local else _about_mb(choice, config)
    return choice.title if size is None else f"{choice.title} · {size[1]} MB to download"


def suggest_for_footage(chosen: ChosenModel, video: VideoChoice) -> None:
    """If the sample model is used on another video than the sample, say what it knows and offer a better model."""
    if chosen.choice.name != SAMPLE or video.path.name == SAMPLE_VIDEO:
        return
    choice = next(choice for choice in available_models(chosen.config) if choice.name == FOR_FOOTAGE.id)
    size = None if choice.is_local else _about_mb(choice, chosen.config)
    what = choice.title if size is None else f"{choice.title}, {size[1]} MB"
    st.caption(f"The sample model knows emoji, not photographs. For footage: {escape_markdown(what)}")
    if is_read_only() and not choice.is_local:
        return
    label, icon = ("Use it", None) if choice.is_local else ("Download", ":material/download:")
    args = (choice, chosen.config)
    st.button(label, icon=icon, key="for_footage", on_click=_choose_for_footage, args=args)


def _choose_for_footage(choice: ModelChoice, config: Config) -> None:
    sidebar_state().model = choice.name
    if not choice.is_local:
        _download(_download_key(choice, config), _agreed_bytes(choice, config, None))


def load(chosen: ChosenModel) -> ShownEncoder | None:
    """Return the model, or None if it must be downloaded first; then draw the offer.

    Raises:
        EncoderError: It cannot be loaded.
    """
    name, config = chosen.choice.name, chosen.config
    try:
        if cache.is_tried_first(name, config):
            with st.spinner(f"Trying the model {escape_markdown(chosen.choice.title)} for the first time…"):
                return cache.encoder(name, config)
        return cache.encoder(name, config)
    except NotDownloadedError as error:
        _draw_offer(chosen.choice, config, error)
        return None


def describe_model(encoder: ShownEncoder) -> str:
    """Return, as Markdown for the line under the chart, which model runs where and what it sees."""
    kind = f" · {encoder.precision}" if encoder.precision else ""
    name, provider = escape_markdown(encoder.name), escape_markdown(encoder.provider)
    if (why := why_on_cpu(encoder.provider)) is not None:
        provider = f"{provider} (not on the GPU: {escape_markdown(why.fault)})"
    return f"Model {name}{kind} on {provider}, sees {SEES[encoder.framing]}"


def _draw_offer(choice: ModelChoice, config: Config, why: NotDownloadedError) -> None:
    """Say what would be downloaded and why, and wait for consent; then show the progress."""
    queue, key = cache.download_queue(), _download_key(choice, config)
    view = queue.view(key)
    if view is not None and view.state == "done":  # but the cache has been emptied since
        view = None
    with st.container(border=True, width=620, gap="xsmall", key="offer"):
        st.markdown(f"##### Download {escape_markdown(choice.title)}?")
        st.markdown(escape_markdown(why.what))
        _draw_facts(choice, config)
        if is_read_only():
            st.caption(f"{READ_ONLY} No model can be downloaded; choose another in the sidebar.")
            return
        if view is not None and view.active:
            stop = "Stop. What has arrived is kept, and the next try continues from there."
            draw_task_row(TaskRow(queue, key, ANYBODY, _progress, "cancel_download", stop, label="Stop", every_s=0.5))
            return
        if view is not None and isinstance(view.error, DownloadSizeError):
            st.info(view.error.what, icon=":material/info:")
        elif view is not None and view.error is not None:
            draw, icon = (st.error, "error") if view.state == "failed" else (st.info, "info")
            draw(error_markdown(view.error), icon=f":material/{icon}:")
        args = (key, _agreed_bytes(choice, config, view))
        st.button(_label(choice, config, view), type="primary", key="download", on_click=_download, args=args)
        st.caption("Nothing is fetched before you press. A stopped download continues where it was.")


def _download_key(choice: ModelChoice, config: Config) -> DownloadKey:
    """Return model id, revision and precision."""
    return *(hub_model(choice.name) or (choice.name, "main")), config.precision


def _about_mb(choice: ModelChoice, config: Config) -> tuple[str, int] | None:
    """Return the precision of a catalogue model that fits this machine and its approximate size in MB, or None."""
    if choice.hub is None:
        return None
    order = precision_order(choice.hub.id, config.precision, providers_here())
    return next(((name, choice.hub.sizes_mb[name]) for name in order if name in choice.hub.sizes_mb), None)


def _draw_facts(choice: ModelChoice, config: Config) -> None:
    model_id, revision, _ = _download_key(choice, config)
    size = _about_mb(choice, config)
    if choice.hub is not None:
        st.caption(escape_markdown(choice.hub.good_at))
        st.caption(f"Licence: {escape_markdown(choice.hub.licence)}.")
    much = (
        "Its size is not known until you ask the hub. It comes" if size is None else f"About {size[1]} MB ({size[0]}),"
    )
    pinned = f"commit {revision[:7]}" if len(revision) == 40 else f"revision {escape_markdown(revision)}"
    where = f"from {escape_markdown(hub_host())}: {escape_markdown(model_id)}, {pinned}"
    st.caption(f"{much} {where}. Kept in {escape_markdown(str(cache_root()))}.")


def _label(choice: ModelChoice, config: Config, view: TaskView[DownloadKey] | None) -> str:
    if view is not None and view.progress is not None and isinstance(view.error, DownloadSizeError):
        return f"Download {size_text(view.progress.total - view.progress.done)}"
    if view is not None:
        return "Go on" if view.state == "cancelled" else "Try again"
    size = _about_mb(choice, config)
    return f"Ask {hub_host()} how much it is" if size is None else f"Download {size[1]} MB"


def _agreed_bytes(choice: ModelChoice, config: Config, view: TaskView[DownloadKey] | None) -> int:
    """Return the bytes that a press agrees to: the hub's figure, else the catalogue's plus 25 %, else 0."""
    if view is not None and view.progress is not None:
        return int(view.progress.total)
    size = _about_mb(choice, config)
    return 0 if size is None else int(size[1] * 1e6 * SLACK)


def _download(key: DownloadKey, most_bytes: int) -> None:
    cache.download_queue().start(*key, most_bytes)


def _progress(view: TaskView[DownloadKey]) -> str:
    progress = view.progress
    if progress is None:
        return "Asking the hub for the files"
    speed = f" · {size_text(progress.bytes_per_second)}/s" if progress.bytes_per_second else ""
    return f"{size_text(progress.done)} of {size_text(progress.total)}{speed}{left_text(progress)}"


def may_send(*encoders: ShownEncoder) -> bool:
    """Return whether the visitor lets these encoders send frames and prompts; if not, draw the question."""
    hosts = {encoder.sends_to for encoder in encoders if encoder.sends_to is not None}
    asked = sorted(hosts - sidebar_state().sends_to)
    if not asked:
        return True
    with st.container(border=True, width=620, gap="xsmall", key="consent"):
        names = escape_markdown(", ".join(asked))
        st.markdown(f"##### Frames will leave this machine: to {names}")
        st.markdown(
            "This model runs on a server. The sampled frames of the video, as small pictures, and your prompts are "
            f"sent to **{names}**, which config.yaml names. Nothing has been sent yet."
        )
        st.button(f"Send frames to {names}", type="primary", key="agree", on_click=_agree, args=(asked,))
        st.caption("Asked once a session. To keep frames here, choose another model in the sidebar.")
    return False


def _agree(hosts: list[str]) -> None:
    sidebar_state().sends_to |= set(hosts)
