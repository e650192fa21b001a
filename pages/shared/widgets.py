"""Controls whose value the server may also set: a late message from the browser cannot undo what the server set.

With each message the browser sends the values of all its controls, including those that the server has just set and
the browser has not drawn yet. So the server never writes under the key of a control drawn with ``bound``. The value is
kept in a field of the region's state, and when the server has changed it, the control is drawn under a new key.
Whatever still arrives under the old key is ignored. Other controls keep one key, under which only the module that draws
them may write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.shared.markdown import escape_markdown
from pages.shared.session import region_state
from pages.shared.theme import unseen


@dataclass
class WidgetState:
    """For each control that ``bound`` drew: the number in its key, and the value that it shows."""

    drawn: dict[str, tuple[int, Any]] = field(default_factory=dict)


def bound(state: object, name: str, then: Callable[..., None] | None = None, *args: object) -> dict[str, Any]:
    """Return ``key``, ``on_change`` and ``args`` for the control that shows the field ``name`` of ``state``.

    Draw the control with that value as its default. Setting the field before it is drawn changes what it shows. A
    change made in the browser is in the field before the next run begins.

    Args:
        state: The state of the control's region.
        name: The field. No two controls have the same.
        then: Called with ``args`` after a change made in the browser was taken.
        *args: The arguments of ``then``.
    """
    drawn, value = region_state(WidgetState).drawn, getattr(state, name)
    number, shown = drawn.get(name, (-1, None))
    if number < 0 or shown != value:
        number += 1
    drawn[name] = (number, value)
    return {"key": _key(name, number), "on_change": _take, "args": (state, name, number, then, args)}


def draw_remove(name: str, key: str, remove: Callable[[], None]) -> None:
    """Draw the icon button that removes ``name`` from a list."""
    st.button(
        unseen(f"Remove {escape_markdown(name)}"), icon=":material/close:", key=key, help="Remove", on_click=remove
    )


def key_of(name: str) -> str:
    """Return the key under which the control was last drawn."""
    return _key(name, region_state(WidgetState).drawn.get(name, (-1, None))[0])


def _key(name: str, number: int) -> str:
    return f"{name}-{number}"


def _take(state: object, name: str, number: int, then: Callable[..., None] | None, args: tuple[object, ...]) -> None:
    """Take a change from the browser, unless the server has set the value since the browser drew the control."""
    drawn = region_state(WidgetState).drawn
    now, shown = drawn.get(name, (-1, None))
    given = st.session_state.get(_key(name, number), shown)
    if number != now or getattr(state, name, None) != shown or given == shown:
        return
    setattr(state, name, given)
    drawn[name] = (number, given)
    if then is not None:
        then(*args)
