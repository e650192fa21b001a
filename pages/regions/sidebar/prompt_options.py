"""Sidebar, beside the prompts: weights and thresholds of single prompts, and the templates around all of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from clip_core.prompts import Prompt
from clip_core.settings import TEMPLATES, Templates
from pages.shared.theme import unseen
from pages.shared.widgets import bound

TEMPLATE_NAMES: dict[Templates, str] = {"none": "as typed", "simple": "7 templates", "openai": "80 templates"}
ROW_PX, HEAD_PX, MOST_ROWS = 35, 38, 8
LARGEST = 1e6


def choose_per_prompt(prompts: Sequence[Prompt], *, wordings: bool = True) -> tuple[tuple[Prompt, ...], Templates]:
    """Draw the box; weights and thresholds are kept while their prompt stays in the list.

    Args:
        prompts: The prompts in the list. Pictures have no templates: pass ``wordings=False`` for them.

    Returns:
        The prompts with their weights, and the templates. Thresholds stay in the session: they change with the unit.
    """
    state, names = st.session_state, [prompt.line for prompt in prompts]
    signed = {prompt.line for prompt in prompts if prompt.negative}
    weights = {name: w for name, w in state.get("own_weights", {}).items() if name in names}
    own = state.get("own_thresholds", {}).items()
    thresholds = {name: t for name, t in own if name in names and name not in signed}
    state.own_weights, state.own_thresholds = weights, thresholds
    changed = len(weights) + len(thresholds)
    help_text = "Wording, weights, and thresholds of single prompts"
    label = f"{changed}" if changed else unseen("Per prompt")
    with st.popover(label, icon=":material/tune:", help=help_text, key="own_box"):
        templates = _choose_templates() if wordings else "none"
        if names:
            _edit(names, weights, thresholds, signed)
    return tuple(replace(prompt, weight=weights.get(prompt.line, 1.0)) for prompt in prompts), templates


def _choose_templates() -> Templates:
    chosen = st.segmented_control(
        "Wording",
        TEMPLATES,
        required=True,
        default=st.session_state.setdefault("templates", "none"),
        format_func=lambda name: TEMPLATE_NAMES[name],
        help="Templates put a short prompt into sentences such as “a photo of a …” and take the mean of their vectors. "
        "Prompts of more than five words stay as typed. View → Template spread shows how far the wordings disagree.",
        **bound(st.session_state, "templates"),
    )
    return chosen or "none"


def _edit(names: list[str], weights: dict[str, float], thresholds: dict[str, float], signed: Collection[str]) -> None:
    state = st.session_state
    table = pd.DataFrame(
        {
            "prompt": names,
            "weight": [weights.get(name, 1.0) for name in names],
            "threshold": pd.array([thresholds.get(name) for name in names], dtype="Float64"),
        }
    )
    # A changed list or value gets a new table: under the old key the browser would apply its old edits to new rows.
    now = (tuple(names), tuple(weights.items()), tuple(thresholds.items()))
    number, seen = state.get("own_table", (0, None))
    state.own_table = (number + (now != seen), now)
    key = f"own_table_{state.own_table[0]}"
    with st.container(key="own_rows"):
        st.data_editor(
            table,
            key=key,
            hide_index=True,
            height=HEAD_PX + ROW_PX * min(len(names), MOST_ROWS),
            column_config={
                "prompt": st.column_config.TextColumn("Prompt", disabled=True, width=104),
                "weight": st.column_config.NumberColumn(
                    "Weight",
                    width=58,
                    min_value=0.01,
                    max_value=100.0,
                    format="%.2f",
                    help="Prior odds: how much a prompt counts against the others in softmax, margin and in who leads.",
                ),
                "threshold": st.column_config.NumberColumn(
                    "Threshold",
                    width=78,
                    format="%.3f",
                    min_value=-LARGEST,
                    max_value=LARGEST,
                    help="In the unit in force. Empty: as the Signal says.",
                ),
            },
            on_change=_take,
            args=(key, names, signed),
        )


def _take(key: str, names: list[str], signed: Collection[str]) -> None:
    """Store the browser's edits as weights and thresholds of their prompts; ``signed``: the negatives."""
    state = st.session_state
    for row, change in state[key]["edited_rows"].items():
        name = names[int(row)]
        if change.get("weight"):
            state.own_weights = {
                n: w for n, w in (state.own_weights | {name: float(change["weight"])}).items() if w != 1.0
            }
        if "threshold" in change and name not in signed:
            kept = {n: t for n, t in state.own_thresholds.items() if n != name}
            given = change["threshold"]
            usable = given is not None and math.isfinite(given) and abs(given) <= LARGEST
            state.own_thresholds = kept | {name: float(given)} if usable else kept
            state.thresholds_before = None
