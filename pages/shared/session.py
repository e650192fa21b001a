"""The session's state: small dataclasses, each under its own key and owned by the folder whose values it holds.

Most regions have one. The viewer has two, and modules in pages/shared keep their own.
Another region reads or changes such a value through a function of its owner. The values of plain widgets stay under the
keys of the widgets, which are constants of the modules that draw them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

State = TypeVar("State")
Value = TypeVar("Value")


def region_state(kind: type[State], player: str = "") -> State:
    """Return this session's state of a region; at first use, it has its defaults.

    Args:
        kind: The region's dataclass. Each field has a default.
        player: The player it belongs to, where each player has a state of its own.
    """
    key = f"{kind.__name__}{player}"
    if key not in st.session_state:
        st.session_state[key] = kind()
    state: State = st.session_state[key]
    return state


@dataclass
class Remembered(Generic[Value]):
    """The last result of a computation, as a field of a region's state: it is computed again when its inputs change."""

    last: tuple[object, Value] | None = None

    def of(self, inputs: object, compute: Callable[[], Value]) -> Value:
        """Return what ``compute`` returned for these inputs, which are compared with those of the last call."""
        if self.last is None or self.last[0] != inputs:
            self.last = (inputs, compute())
        return self.last[1]
