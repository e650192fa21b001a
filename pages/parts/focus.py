"""Puts the cursor into a control, once each time that this is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import streamlit as st

from pages.parts.controls import key_of

# The control may come to the page after this: it is waited for, but not for long, and never taken from somebody who
# types elsewhere by then.
_SCRIPT = """
const DONE = Symbol.for("clip-video-investigator.focused");
const PATIENCE_MS = 5000;

export default function ({ data, parentElement }) {
  const began = performance.now();
  const look = () => {
    if (document[DONE] === data.asked || performance.now() - began > PATIENCE_MS) return;
    const field = document.querySelector(`.st-key-${CSS.escape(data.key)} :is(textarea, input)`);
    const active = document.activeElement;
    const busy = active !== field && active?.matches("textarea, input:not([type=file])");
    if (busy) document[DONE] = data.asked;
    else if (field === null || field.offsetParent === null) setTimeout(look, 50);
    else {
      document[DONE] = data.asked;
      field.focus();
    }
  };
  look();
}
"""


def ask_for_focus(name: str) -> None:
    """Put the cursor into the control ``name``, see ``controls.held``, when it is drawn next."""
    asked: dict[str, int] = st.session_state.setdefault("focus_asked", {})
    asked[name] = asked.get(name, 0) + 1


def focus_when_asked(name: str) -> None:
    """Draw what does it; nothing is seen of it. Call after the control was drawn."""
    asked = st.session_state.get("focus_asked", {}).get(name)
    if asked is not None:
        _component()(key=f"focus_{name}", data={"key": key_of(name), "asked": f"{name} {asked}"})


@cache
def _component() -> Callable[..., object]:
    return st.components.v2.component("clip_video_focus", html="<span hidden></span>", js=_SCRIPT)
