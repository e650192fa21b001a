"""Sidebar, Source: the model, what it sees of a frame, and how densely frames are sampled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.config import EVERY_FRAME, SERVER, Config, Crop
from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.catalogue import CATALOGUE
from clip_core.encoders.registry import SAMPLE, ModelChoice, available_models
from clip_core.errors import NotDownloadedError
from clip_core.library.videos import VideoChoice
from pages.regions.sidebar import model_download
from pages.shared import cache
from pages.shared.markdown import escape_markdown
from pages.shared.widgets import bound

RATES: tuple[float | str, ...] = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, EVERY_FRAME)
FOR_FOOTAGE = CATALOGUE[0]
"""The model that the page suggests for real footage: the quickest of the catalogue."""
SAMPLE_VIDEO = "sample.mp4"
AS_MADE = "As made"
FRAMINGS: dict[str, Crop | None] = {AS_MADE: None, "Middle": "center", "Squashed": "squash", "With bars": "pad"}
SEES: dict[Crop, str] = {
    "center": "the middle square of each frame",
    "squash": "the whole frame, squashed",
    "pad": "the whole frame, with bars",
}


@dataclass(frozen=True)
class ModelWish:
    """The chosen model, and the config with the changes made on the page."""

    choice: ModelChoice
    config: Config

    @property
    def name(self) -> str:
        """The name of the model, for ``load_encoder``."""
        return self.choice.name


def model_choices(config: Config) -> dict[str, ModelChoice]:
    """Return name → model: local models, the catalogue, and what config.yaml names. Visitors can choose no other."""
    choices = {choice.name: choice for choice in available_models(config)}
    if config.uses_server:
        choices[SERVER] = ModelChoice(SERVER, None, f"Roboflow server · {config.clip_version}")
    if config.model not in choices:
        choices = {config.model: ModelChoice(config.model, None)} | choices
    return choices


def choose_model(config: Config) -> tuple[ModelWish, float | None]:
    """Draw the lists of models, framings and rates; return the model and samples per second (None: every frame)."""
    state = st.session_state
    rates = list(RATES)
    configured = EVERY_FRAME if config.samples_per_second is None else config.samples_per_second
    if configured not in rates:
        rates = [*sorted([configured, *rates[:-1]], key=float), EVERY_FRAME]
    state.sps = state.sps if state.get("sps") in rates else configured
    choice = select_model(config, "Model", "model", config.model)
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        crop = select_framing(config, "framing")
        rate = st.selectbox(
            "Samples / s",
            rates,
            index=rates.index(state.sps),
            format_func=lambda r: r if isinstance(r, str) else f"{r:g}",
            help="Raising it embeds only the frames that are missing.",
            **bound(st.session_state, "sps"),
        )
    return ModelWish(choice, replace(config, crop=crop)), None if isinstance(rate, str) else float(rate)


def select_model(config: Config, label: str, key: str, first: str) -> ModelChoice:
    """Draw the list of models; return the chosen one.

    Args:
        config: The config whose models are listed.
        label, key: The label of the list, and the name under which its value is kept.
        first: The name of the model to start with.
    """
    state, choices = st.session_state, model_choices(config)
    state[key] = state[key] if state.get(key) in choices else first
    names = list(choices)
    name = st.selectbox(
        label,
        names,
        index=names.index(state[key]),
        format_func=lambda name: _title(choices[name], config),
        help="Scores of two models are not comparable. Changing the model re-indexes the video. "
        "A model that is to be downloaded is fetched only after you have been asked.",
        **bound(st.session_state, key),
    )
    return choices[str(name)]


def select_framing(config: Config, key: str) -> Crop | None:
    """Draw the list of framings: what a model sees of a frame. None: as the model was made."""
    framings = list(FRAMINGS)
    start = next(label for label, crop in FRAMINGS.items() if crop == config.crop)
    label = st.selectbox(
        "Model sees",
        framings,
        index=framings.index(st.session_state.setdefault(key, start)),
        help="**As made**: as the model's makers prepared pictures for it. A model looks at a square. CLIP was made to "
        "look at the middle of a picture: 44 % of a 16:9 frame are never seen then. Squashed or with bars it sees all "
        "of it, a little less well. Each way counts as a model of its own, so the video is indexed anew.",
        **bound(st.session_state, key),
    )
    return FRAMINGS[str(label)]


def suggest_for_footage(request: ModelWish, video: VideoChoice) -> None:
    """If the sample model is used on another video than the sample, say what it knows and offer a better model."""
    if request.name != SAMPLE or video.path.name == SAMPLE_VIDEO:
        return
    choice = next(choice for choice in available_models(request.config) if choice.name == FOR_FOOTAGE.id)
    size = None if choice.is_local else model_download.about_mb(choice, request.config)
    what = choice.title if size is None else f"{choice.title}, {size[1]} MB"
    st.caption(f"The sample model knows emoji, not photographs. For footage: {escape_markdown(what)}")
    label = "Use it" if choice.is_local else "Download"
    st.button(label, icon=":material/download:" if not choice.is_local else None, key="for_footage",
              on_click=_choose_for_footage, args=(choice, request.config))  # fmt: skip


def _choose_for_footage(choice: ModelChoice, config: Config) -> None:
    st.session_state.model = choice.name
    if not choice.is_local:
        model_download.begin(choice, config)


def _title(choice: ModelChoice, config: Config) -> str:
    size = None if choice.is_local else model_download.about_mb(choice, config)
    return choice.title if size is None else f"{choice.title} · {size[1]} MB to download"


def load(request: ModelWish, said: DeltaGenerator | None = None) -> ShownEncoder | None:
    """Return the model, or None if it must be downloaded first; then draw the offer to download it.

    Args:
        request: The model to load.
        said: Where the page says what it is doing; emptied before the offer is drawn.

    Raises:
        EncoderError: It cannot be loaded.
    """
    try:
        return cache.encoder(request.name, request.config)
    except NotDownloadedError as error:
        if said is not None:
            said.empty()
        model_download.draw_offer(request.choice, request.config, error)
        return None


def describe_model(encoder: ShownEncoder) -> str:
    """Return, as Markdown for the line under the chart, which model runs where and what it sees."""
    kind = f" · {encoder.precision}" if encoder.precision else ""
    name, provider = escape_markdown(encoder.name), escape_markdown(encoder.provider)
    return f"Model {name}{kind} on {provider}, sees {SEES[encoder.framing]}"
