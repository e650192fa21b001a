"""Compare encoders: choose two encoders and a number of frames, and show how their results differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from clip_core.analysis.compare_encoders import Comparison, compare_encoders
from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.waits import on_wait, seconds_left
from clip_core.errors import ClipVideoError, ServerBusyError
from clip_core.library.videos import VideoChoice
from clip_core.text import clock
from pages.regions.sidebar.model import ChosenModel, chosen_model, describe_model, select_framing, select_model
from pages.shared.cache import stamp
from pages.shared.page import draw_error
from pages.shared.session import region_state

SAME, ALIKE = 0.999, 0.95
FRAMES = (4, 8, 16, 32, 64)
FRAMES_KEY = "compare_frames"


@dataclass
class CompareState:
    """The models and framings that are compared, None until their lists are drawn; and the last comparison."""

    first_encoder: str | None = None
    first_framing: str | None = None
    second_encoder: str | None = None
    second_framing: str | None = None
    last: tuple[object, Comparison] | None = None
    """What was compared, and how the two differ."""


def choose(config: Config) -> tuple[ChosenModel, ChosenModel, int]:
    """Draw the heading and the controls; return the first and the second model and the number of frames."""
    st.markdown("##### Compare encoders")
    st.caption(
        "The same frames and prompts through two encoders of one family, such as ViT-B/16 here and on a server. A "
        "cosine of 1 means the same vector. A swapped colour channel, another crop or another version shows at once."
    )
    columns = st.columns([3, 1.4, 3, 1.4, 1], gap="small", vertical_alignment="bottom")
    state, (start, _) = region_state(CompareState), chosen_model(config)
    chosen = []
    for place, which in enumerate(("first", "second")):
        with columns[2 * place]:
            choice = select_model(config, f"{which.capitalize()} encoder", state, f"{which}_encoder", start)
        with columns[2 * place + 1]:
            crop = select_framing(config, state, f"{which}_framing")
        chosen.append(ChosenModel(choice, replace(config, crop=crop)))
    st.session_state.setdefault(FRAMES_KEY, 16)
    frames = columns[4].selectbox(
        "Frames", FRAMES, key=FRAMES_KEY, persist_state="session", help="Spread evenly over the video."
    )
    return chosen[0], chosen[1], int(frames)


def draw_comparison(
    video: VideoChoice, one: ShownEncoder, other: ShownEncoder, prompts: Sequence[str], frames: int
) -> None:
    """Draw the button, compare when it is pressed, and show the last result while it matches the current choice."""
    state = region_state(CompareState)
    encoders = [(encoder.fingerprint, encoder.provider) for encoder in (one, other)]
    compared = (str(video.path), stamp(video.path), encoders, tuple(prompts), frames)
    if st.button("Compare", type="primary", key="compare", icon=":material/compare:"):
        state.last = None
        bar = st.progress(0.0, text=f"Embedding {frames} frames twice")
        share = 0.0

        def show_progress(done: int) -> None:
            nonlocal share
            share = min(1.0, done / frames)
            bar.progress(share, text=f"{done} of {frames} frames")

        def show_wait(busy: ServerBusyError) -> None:
            for left_s in seconds_left(busy.wait_s):
                text = f"The server asks to wait until {busy.until} · {clock(left_s, 0)} left"
                bar.progress(share, text=text)

        try:
            with on_wait(show_wait):
                result = compare_encoders(video.path, one, other, prompts, frames=frames, on_frames=show_progress)
            state.last = (compared, result)
        except ClipVideoError as error:
            draw_error(error)
            return
        finally:
            bar.empty()
    if state.last is None or state.last[0] != compared:
        st.caption("Press Compare. The result is not stored.")
        return
    for ordinal, encoder in (("First", one), ("Second", other)):
        st.caption(f"{ordinal}: {describe_model(encoder)}")
    _draw_result(state.last[1])


def _draw_result(result: Comparison) -> None:
    st.markdown(verdict(result))
    figures = st.columns(4, gap="small")
    figures[0].metric("Frames: lowest cosine", f"{result.image_cosines.min():.4f}")
    figures[1].metric("Frames: mean cosine", f"{result.image_cosines.mean():.4f}")
    if result.prompts:
        figures[2].metric("Prompts: lowest cosine", f"{result.text_cosines.min():.4f}")
        figures[3].metric("Largest change of a score", f"{np.abs(result.changes).max():.4f}")
    left, right = st.columns([3, 2], gap="small")
    with left:
        st.markdown("##### Scores, and the second encoder's minus the first's")
        _draw_prompts(result)
    with right:
        st.markdown("##### Frames")
        st.dataframe(
            {"time": [clock(float(t)) for t in result.times_s], "cosine": result.image_cosines.tolist()},
            hide_index=True,
            row_height=28,
            height="content" if len(result.times_s) <= 16 else 484,
            column_config={"cosine": st.column_config.NumberColumn(format="%.4f")},
        )


def _draw_prompts(result: Comparison) -> None:
    if not result.prompts:
        st.caption("There are no prompts. Type some in the sidebar to see how their scores change.")
        return
    changes = result.changes
    numbers = {
        "first mean": result.scores[0].mean(axis=0),
        "second mean": result.scores[1].mean(axis=0),
        "mean change": changes.mean(axis=0),
        "largest change": changes[np.abs(changes).argmax(axis=0), np.arange(len(result.prompts))],
        "text cosine": result.text_cosines,
    }
    st.dataframe(
        {"prompt": list(result.prompts)} | {name: values.tolist() for name, values in numbers.items()},
        hide_index=True,
        row_height=28,
        column_config={
            name: st.column_config.NumberColumn(format="%.4f" if name == "text cosine" else "%.3f") for name in numbers
        },
    )


def verdict(result: Comparison) -> str:
    """Return a verdict, as Markdown, on what the lowest cosine of the frames and the prompts means."""
    lowest = float(min(result.image_cosines.min(), result.text_cosines.min(initial=1.0)))
    if lowest >= SAME and not result.prompts:
        return ":material/check: **The same for pictures.** Without prompts, texts could not be compared."
    if lowest >= SAME:
        return ":material/check: **The same for all purposes.** Scores and thresholds carry over."
    if lowest >= ALIKE:
        return (
            ":material/info: **Alike, not the same.** Typical of rounded weights (int8) or another way to resize: "
            "compare thresholds before you carry them over."
        )
    return (
        ":material/warning: **Not the same encoder.** Typical of a swapped colour channel, another crop, or another "
        "version. Scores do not carry over."
    )
