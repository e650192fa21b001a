"""Before frames leave this machine, the visitor is asked once, and told where they go."""

from __future__ import annotations

import streamlit as st

from clip_core.encoders.base import ShownEncoder
from pages.parts.text import literal


def may_send(*encoders: ShownEncoder) -> bool:
    """Whether all that these encoders send may be sent; if not, the question is drawn."""
    agreed: frozenset[str] = st.session_state.get("sends_to", frozenset())
    asked = sorted({encoder.sends_to for encoder in encoders if encoder.sends_to is not None} - agreed)
    if not asked:
        return True
    with st.container(border=True, width=620, gap="xsmall", key="consent"):
        host = ", ".join(asked)
        st.markdown(f"##### Frames will leave this machine: to {literal(host)}")
        st.markdown(
            "This model runs on a server. The sampled frames of the video, as small pictures, and your prompts are "
            f"sent to **{literal(host)}**, which config.yaml names. Nothing has been sent yet."
        )
        st.button(f"Send frames to {literal(host)}", type="primary", key="agree", on_click=_agree, args=(asked,))
        st.caption("Asked once a session. To keep frames here, choose another model in the sidebar.")
    return False


def _agree(hosts: list[str]) -> None:
    st.session_state.sends_to = st.session_state.get("sends_to", frozenset()) | set(hosts)
