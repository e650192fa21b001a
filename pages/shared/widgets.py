"""Controls whose value the server may also set: a late message from the browser cannot undo what the server set.

With each message the browser sends the values of all its controls, including those that the server has just set and
the browser has not drawn yet. So the server never writes under the key of a control. The value is kept under a name of
its own, and when the server has changed it, the control is drawn under a new key. Whatever still arrives under the old
key is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.shared.markdown import escape_markdown
from pages.shared.theme import unseen


def held(name: str, then: Callable[..., None] | None = None, *args: object) -> dict[str, Any]:
    """Return ``key``, ``on_change`` and ``args`` for the control that shows ``st.session_state[name]``.

    Draw the control with that value as its default. Setting ``st.session_state[name]`` before it is drawn changes what
    it shows. A change made in the browser is in the session state before the next run begins.

    Args:
        name: The session key that holds the value. Any page may draw the control.
        then: Called with ``args`` after a change made in the browser was taken.
        *args: The arguments of ``then``.
    """
    state = st.session_state
    number, shown = _drawn(name)
    if number < 0 or shown != state[name]:
        number += 1
    state[f"{name}_drawn"] = (number, state[name])
    return {"key": _key(name, number), "on_change": _take, "args": (name, number, then, args)}


def draw_remove(name: str, key: str, remove: Callable[[], None]) -> None:
    """Draw the icon button that removes ``name`` from a list."""
    st.button(
        unseen(f"Remove {escape_markdown(name)}"), icon=":material/close:", key=key, help="Remove", on_click=remove
    )


def key_of(name: str) -> str:
    """Return the key under which the control was last drawn."""
    return _key(name, _drawn(name)[0])


def _key(name: str, number: int) -> str:
    return f"{name}-{number}"


def _drawn(name: str) -> tuple[int, Any]:
    """Return the number in the control's key, and the value that it shows."""
    drawn: tuple[int, Any] = st.session_state.get(f"{name}_drawn", (-1, None))
    return drawn


def _take(name: str, number: int, then: Callable[..., None] | None, args: tuple[object, ...]) -> None:
    """Take a change from the browser, unless the server has set the value since the browser drew the control."""
    state = st.session_state
    drawn, shown = _drawn(name)
    given = state.get(_key(name, number), shown)
    if number != drawn or state.get(name) != shown or given == shown:
        return
    state[name] = given
    state[f"{name}_drawn"] = (number, given)
    if then is not None:
        then(*args)
