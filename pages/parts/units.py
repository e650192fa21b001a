"""Sidebar, Signal: the unit of the curves, and the threshold in it, which moves along when the unit changes."""

from __future__ import annotations

import streamlit as st

from clip_core.charts.labels import short
from clip_core.charts.unit_text import value_decimals, value_text
from clip_core.recipe import UNITS, Recipe
from clip_core.scoring.equivalents import Equivalents, equivalents, equivalents_text
from clip_core.scoring.findings import Evidence, carried_over, thresholds_of
from clip_core.values import Unit
from pages.parts.controls import held
from pages.parts.text import literal

UNIT_NAMES: dict[Unit, str] = {
    "corrected": "corrected",
    "z": "z (robust)",
    "cosine": "cosine",
    "percentile": "percentile",
    "margin": "margin",
    "softmax": "softmax",
}
UNIT_HELP = (
    "**z**: how far a score stands above this prompt's own median in this video, in robust deviations: says *when*.\n\n"
    "**cosine**: the raw similarity, the only one that is kept; its useful range differs from model to model.\n\n"
    "**percentile**: the rank of a sample within the video.\n\n"
    '**margin**: lead over the best negative prompt (a line such as "- a person").\n\n'
    "**softmax**: which of the shown prompts and negatives wins; never whether anything is there."
)
STEPS: dict[Unit, float] = {
    "corrected": 0.005, "cosine": 0.005, "z": 0.05, "percentile": 0.1, "margin": 0.005, "softmax": 0.01
}  # fmt: skip
GRIDS: dict[Unit, float] = {
    "corrected": 0.05, "cosine": 0.05, "z": 0.5, "percentile": 100.0, "margin": 0.05, "softmax": 1.0
}  # fmt: skip
ALONE: dict[Unit, tuple[float, float]] = {
    "corrected": (-0.1, 0.1), "cosine": (-0.15, 0.15), "z": (-2.0, 6.0), "percentile": (0.0, 100.0),
    "margin": (-0.1, 0.1), "softmax": (0.0, 1.0),
}  # fmt: skip
"""Ends of the slider while there is no sample, around what a threshold could be."""
MODES = ["Adapt", "One for all"]


def choose_unit(evidence: Evidence) -> Unit:
    """Draw the switch; thresholds move along with it."""
    state, possible = st.session_state, evidence.scale.units
    if state.unit not in possible:  # the last negative prompt is gone
        st.toast("Margin needs a negative prompt, such as “- a person”. Here is z instead.", icon=":material/info:")
        _change_unit("z", evidence)
    state.unit_seen = state.unit
    units = [unit for unit in UNITS if unit in possible]
    unit = st.selectbox(
        "Unit",
        units,
        index=units.index(state.unit),
        format_func=lambda unit: UNIT_NAMES[unit],
        help=UNIT_HELP,
        **held("unit", _unit_chosen, evidence),
    )
    return unit or "z"


def _unit_chosen(evidence: Evidence) -> None:
    state = st.session_state
    wanted, state.unit = state.unit, state.unit_seen
    _change_unit(wanted, evidence)


def _change_unit(wanted: Unit, evidence: Evidence) -> None:
    """Take thresholds along into another unit; limits and range begin anew, hysteresis and filter are off.

    They are carried over from where they were last set by hand, not from unit to unit: so they come back unchanged.
    """
    state = st.session_state
    if not state.get("cuts_from"):
        state.cuts_from = (state.unit, state.threshold, state.get("own_thresholds", {}))
    unit, common, own = state.cuts_from
    if unit not in evidence.scale.units:  # a margin without negatives is no longer a cut of anything
        state.cuts_from, common, own = None, sum(ALONE[wanted]) / 2, {}
        unit, state.threshold_mode = wanted, MODES[0]
    carried = carried_over(common, unit, wanted, evidence)
    state.threshold = state.threshold if carried is None else carried
    cuts = {prompt: carried_over(old, unit, wanted, evidence, prompt) for prompt, old in own.items()}
    state.own_thresholds = {prompt: cut for prompt, cut in cuts.items() if cut is not None}
    state.unit, state.limits, state.range_moved = wanted, None, False
    state.hysteresis, state.filter_on = 0.0, False


def _threshold_moved() -> None:
    st.session_state.cuts_from = None


def choose_threshold(unit: Unit, low: float, high: float) -> float | None:
    """Draw the threshold; None lets each prompt have its own, from the data."""
    mode = st.segmented_control(
        "Thresholds",
        MODES,
        required=True,
        default=st.session_state.threshold_mode,
        label_visibility="collapsed",
        help="A moment is a stretch where the smoothed score stays at or above the threshold. **Adapt**: each prompt "
        "gets one of its own, halfway up its events, if it has any and beats the null bank, where that is asked. **One "
        "for all**: the slider. In cosine a good value depends on the model: for CLIP ViT-B/32 about 0.25–0.30, never "
        "0.8; z is about the same for all.",
        **held("threshold_mode"),
    )
    if mode == MODES[0]:
        return None
    return st.slider(
        "Threshold",
        low,
        high,
        st.session_state.threshold,
        step=STEPS[unit],
        format=f"%.{value_decimals(unit)}f",
        label_visibility="collapsed",  # the switch above it says what it is
        **held("threshold", _threshold_moved),
    )


def threshold_words(recipe: Recipe, evidence: Evidence) -> str:
    """The cut in other words, as Markdown."""
    cuts = thresholds_of(recipe, evidence)
    if not cuts:
        asked = [prompt for prompt in evidence.raw.prompts if prompt not in recipe.unflagged]
        return "The data speaks for no prompt yet." if asked else "No prompt is flagged."
    if recipe.threshold is None:
        low, high = (value_text(cut, recipe.unit) for cut in (min(cuts.values()), max(cuts.values())))
        span = low if low == high else f"{low} … {high}"
        return f"Each prompt its own: {recipe.unit} {span}. {_first(cuts, recipe, evidence)}"
    same = [equivalents(evidence.scale, prompt, recipe.unit, cut) for prompt, cut in cuts.items()]
    return equivalents_text(same[0]) if len(same) == 1 else _spans(recipe.unit, same)


def _spans(unit: Unit, same: list[Equivalents]) -> str:
    """One cut means something else for each prompt: from where to where, in the other units."""
    words = []
    for other in ("z", "cosine"):
        numbers = [number for s in same if (number := getattr(s, other)) is not None]
        if other != unit and numbers:
            words.append(f"{other} {value_text(min(numbers), other)} … {value_text(max(numbers), other)}")
    if unit != "percentile":  # which is itself a share, the same for all
        shares = [100 * s.share for s in same]
        words.append(f"top {min(shares):.1f} … {max(shares):.1f} %")
    return "≙ " + " ≙ ".join(words)


def _first(cuts: dict[str, float], recipe: Recipe, evidence: Evidence) -> str:
    prompt, cut = next(iter(cuts.items()))
    return f"{literal(short(prompt))}: {equivalents_text(equivalents(evidence.scale, prompt, recipe.unit, cut))}"
