"""A small page with nothing but the part that sees to copies; tests set what it needs in the session's state."""

import streamlit as st

from clip_core.library.identify import known_video
from clip_core.library.videos import list_videos
from pages.regions.viewer.proxy import draw_proxy_status, see_to_proxy
from pages.shared import cache

settings = cache.config()
store = cache.store(settings.embeddings)
name = st.session_state.get("video", settings.video_path.name)
video = next(choice for choice in list_videos(settings, store) if choice.name == name)
record = st.session_state.get("record") or known_video(video.path, store)
st.session_state.record = record
playable = see_to_proxy(video, record, settings)
draw_proxy_status(playable, record)
st.session_state.playable = playable
