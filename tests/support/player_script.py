"""A page of nothing but screens, for tests: it draws the player's own part and says what Python knows of it.

The address chooses: ``?name=`` the stored video, ``?moments=`` a JSON list of [start_s, end_s], ``?width=`` in
pixels, ``?two=`` the video of a second player, which may be the same.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import streamlit as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from clip_core.types import Moment, Scores
from pages.player.components import report_of
from pages.player.routes import player_routes
from pages.regions.viewer import parts, playhead
from pages.regions.viewer.proxy import Playable, ProxyState
from pages.shared import cache
from pages.shared.session import region_state

app = st.App(__file__, routes=player_routes())
EMPTY = Scores(np.empty(0, np.int64), np.empty(0), (), np.empty((0, 0), np.float32), 0.0, 0.0)


def moments_of(text: str) -> list[Moment]:
    return [Moment("a", start, end, start, 0.5, 0.5) for start, end in json.loads(text or "[]")]


def main() -> None:
    query = st.query_params
    state = st.session_state
    state.setdefault("name", query.get("name", ""))
    state.setdefault("given_moments", query.get("moments", "[]"))
    settings = cache.config()
    records = {record.name: record for record in cache.store(settings.embeddings).videos()}
    with st.container(horizontal=True):
        name = st.text_input("Name", key="name")
        moments = st.text_input("Moments", key="given_moments")
        wanted = st.text_input("To", key="to")
        st.button("Seek", key="seek", on_click=lambda: playhead.seek(int(state.to)))
        shown = st.checkbox("Shown", True, key="is_shown")
        st.button("Again", key="again")
    record = records[name]
    found = moments_of(moments)
    head = playhead.settle_playhead(record, EMPTY)
    state.runs = state.get("runs", 0) + 1
    st.html(
        f"<p>{os.getpid()} Python: <b data-python>{head.frame}</b> of <b data-python-video>{name}</b> "
        f"run <b data-runs>{state.runs}</b> wanted <b data-wanted>{wanted}</b> "
        f"refused <b data-refused>{' '.join(sorted(region_state(ProxyState).refused))}</b></p>"
    )
    with st.container(width=int(query.get("width", 640))):
        if shown:
            parts.draw_screen(record, Playable("file"), found, head)
    if query.get("two"):
        other = records[query["two"]]
        there = playhead.settle_playhead(other, EMPTY, "other")
        with st.container(width=int(query.get("width", 640))):
            parts.draw_screen(other, Playable("file"), found, there, "other")
        st.button("Seek other", key="seek_other", on_click=lambda: playhead.seek(int(state.to), "other"))
        st.html(
            f"<p>other <b data-python-other>{there.frame}</b> "
            f"<b data-other>{report_of('screen', 'at', 'other')}</b></p>"
        )


if __name__ == "__main__":
    main()
