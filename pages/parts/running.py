"""The row of background work that runs: how far it is, and a cross that asks first when somebody else watches it."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import streamlit as st

from pages.parts.look import unseen


def draw_running(
    name: str,
    key: Hashable,
    share: float,
    text: str,
    help_text: str,
    *,
    others: Callable[[], int],
    cancel: Callable[[], None],
) -> None:
    """Draw the row, or the question whether to cancel for all.

    Args:
        name: Of the cross; the buttons of the question are ``NAME_all`` and ``NAME_not``.
        key: What tells the work from other work, so that a question is not carried over to it.
        share: From 0 to 1.
        text: Markdown at the bar.
        help_text: At the cross.
        others: Says how many other sessions watch at this moment.
        cancel: Cancels.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        many = others()
        if st.session_state.get("confirm_cancel") == key and many:
            st.caption(f"{many} more {'is' if many == 1 else 'are'} watching this. Cancel for all?")
            st.button("Cancel", key=f"{name}_all", on_click=_cancel, args=(cancel,))
            st.button("Keep", key=f"{name}_not", on_click=_keep)
            return
        st.progress(share, text=text)
        st.button(
            unseen("Cancel"),
            icon=":material/close:",
            key=name,
            help=help_text,
            on_click=_ask_or_cancel,
            args=(key, others, cancel),
        )


def _ask_or_cancel(key: Hashable, others: Callable[[], int], cancel: Callable[[], None]) -> None:
    if others() > 0:
        st.session_state.confirm_cancel = key
    else:
        _cancel(cancel)


def _cancel(cancel: Callable[[], None]) -> None:
    _keep()
    cancel()


def _keep() -> None:
    st.session_state.confirm_cancel = None
