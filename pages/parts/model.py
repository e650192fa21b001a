"""Sidebar, Source: which model, what it sees of a frame, and how densely frames are sampled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from clip_core.config import Config
from clip_core.config_keys import EVERY_FRAME, Crop
from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.registry import SERVER, ModelChoice, available_models
from clip_core.errors import NotDownloadedError
from pages.parts import cached, download
from pages.parts.text import literal

RATES: tuple[float | str, ...] = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, EVERY_FRAME)
AS_MADE = "As made"
FRAMINGS: dict[str, Crop | None] = {AS_MADE: None, "Middle": "center", "Squashed": "squash", "With bars": "pad"}
SEES: dict[Crop, str] = {
    "center": "the middle square of each frame",
    "squash": "the whole frame, squashed",
    "pad": "the whole frame, with bars",
}


@dataclass(frozen=True)
class ModelWish:
    """The chosen model, and the settings with what the page changed of them."""

    choice: ModelChoice
    settings: Config

    @property
    def name(self) -> str:
        """What ``load_encoder`` takes."""
        return self.choice.name


def model_choices(settings: Config) -> dict[str, ModelChoice]:
    """Name → model: those at hand, the catalogue, and what config.yaml names. A visitor can name no other."""
    choices = {choice.name: choice for choice in available_models(settings)}
    if settings.uses_server:
        choices[SERVER] = ModelChoice(SERVER, None, f"Roboflow server · {settings.clip_version}")
    if settings.model not in choices:
        choices = {settings.model: ModelChoice(settings.model, None)} | choices
    return choices


def choose_model(settings: Config) -> tuple[ModelWish, float | None]:
    """Draw the list of models, what the model sees, and the rate; return the model and samples per second."""
    state = st.session_state
    rates = list(RATES)
    configured = EVERY_FRAME if settings.samples_per_second is None else settings.samples_per_second
    if configured not in rates:
        rates = [*sorted([configured, *rates[:-1]], key=float), EVERY_FRAME]
    state.setdefault("sps", configured)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        wish = select_model(settings, "model", settings.model)
        rate = st.selectbox(
            "Samples / s",
            rates,
            key="sps",
            persist_state="session",
            format_func=lambda r: r if isinstance(r, str) else f"{r:g}",
            help="Raising it embeds only the frames that are missing.",
            width=94,
        )
    return wish, None if isinstance(rate, str) else float(rate)


def select_model(settings: Config, key: str, first: str) -> ModelWish:
    """Draw the list of models and, in a popover beside it, what the model sees of a frame.

    Args:
        settings: Whose models are listed.
        key: Of the list; that of the other control is the same with "_framing".
        first: The name of the model to begin with.
    """
    state, choices = st.session_state, model_choices(settings)
    if state.get(key) not in choices:
        state[key] = first
    name = st.selectbox(
        "Model" if key == "model" else key.replace("_", " ").capitalize(),
        list(choices),
        key=key,
        persist_state="session",
        format_func=lambda name: _title(choices[name]),
        help="Scores of two models are not comparable. Changing the model re-indexes the video.",
    )
    choice = choices[str(name)]
    with st.popover("", icon=":material/crop:", help="What the model sees of a frame", key=f"{key}_box"):
        crop = _choose_framing(settings, f"{key}_framing")
        if choice.hub is not None:
            st.caption(f"{literal(choice.hub.good_at)} Licence: {literal(choice.hub.licence)}.")
    return ModelWish(choice, replace(settings, crop=crop))


def _title(choice: ModelChoice) -> str:
    return choice.title if choice.is_local else f"{choice.title} · to download"


def _choose_framing(settings: Config, key: str) -> Crop | None:
    state = st.session_state
    state.setdefault(key, next(label for label, crop in FRAMINGS.items() if crop == settings.crop))
    label = st.segmented_control(
        "What the model sees of a frame",
        list(FRAMINGS),
        required=True,
        key=key,
        persist_state="session",
        help="A model looks at a square. CLIP was made to look at the middle of a picture: 44 % of a 16:9 frame "
        "are never seen then. Squashed or with bars it sees all of it, a little less well. Each way is a model of "
        "its own: the video is indexed anew.",
    )
    return FRAMINGS[label or AS_MADE]


def load(wish: ModelWish) -> ShownEncoder | None:
    """The model; None if it must be downloaded first: then that is offered in its place.

    Raises:
        EncoderError: It cannot be loaded.
    """
    try:
        return cached.encoder(wish.name, wish.settings)
    except NotDownloadedError:
        download.draw_offer(wish.choice, wish.settings)
        return None


def describe_model(encoder: ShownEncoder) -> str:
    """What runs where, and what it sees, for the line under the chart."""
    kind = f" ({encoder.precision})" if encoder.precision else ""
    return f"Model {literal(encoder.name)}{kind} on {literal(encoder.provider)}, sees {SEES[encoder.framing]}"
