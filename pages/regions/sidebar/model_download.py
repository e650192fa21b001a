"""Download a model after the visitor has agreed, and ask before frames are sent to a server."""

from __future__ import annotations

import streamlit as st

from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.catalogue import precision_order
from clip_core.encoders.hub_cache import cache_root, hub_host
from clip_core.encoders.model_files import providers_here
from clip_core.encoders.registry import ModelChoice, hub_model
from clip_core.errors import DownloadSizeError, NotDownloadedError
from clip_core.tasks import DownloadKey, TaskView
from clip_core.text import size_text
from pages.shared.cache import download_queue
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.task_row import TaskRow, draw_task_row, left_text

SLACK = 1.25
ANYBODY = "somebody"
"""The one viewer of all downloads: stopping a download loses nothing, so nobody is asked first."""


def draw_offer(choice: ModelChoice, config: Config, why: NotDownloadedError) -> None:
    """Say what would be downloaded and why, and wait for consent; then show the progress."""
    model_id, revision = hub_model(choice.name) or (choice.name, "main")
    key: DownloadKey = (model_id, revision, config.precision)
    view = download_queue().view(key)
    if view is not None and view.state == "done":  # but the cache has been emptied since
        view = None
    with st.container(border=True, width=620, gap="xsmall", key="offer"):
        st.markdown(f"##### Download {escape_markdown(choice.title)}?")
        st.markdown(escape_markdown(why.what))
        _facts(choice, config, model_id, revision)
        if view is not None and view.active:
            stop = "Stop. What has arrived is kept, and the next try goes on from there."
            row = TaskRow(download_queue(), key, ANYBODY, _text, "cancel_download", stop, label="Stop", every_s=0.5)
            draw_task_row(row)
            return
        if view is not None and isinstance(view.error, DownloadSizeError):
            st.info(view.error.what, icon=":material/info:")
        elif view is not None and view.error is not None:
            level = st.error if view.state == "failed" else st.info
            level(error_markdown(view.error), icon=":material/error:" if view.state == "failed" else ":material/info:")
        agreed = _agreed_bytes(choice, config, view)
        label = _label(choice, config, view)
        st.button(label, type="primary", key="download", on_click=_start, args=(*key, agreed))
        st.caption("Nothing is fetched before you press. A download that is stopped goes on where it was.")


def begin(choice: ModelChoice, config: Config) -> None:
    """Start to download a catalogue model of about the size that the page named. Also a callback."""
    model_id, revision = hub_model(choice.name) or (choice.name, "main")
    _start(model_id, revision, config.precision, _agreed_bytes(choice, config, None))


def about_mb(choice: ModelChoice, config: Config) -> tuple[str, int] | None:
    """Return the precision of a catalogue model that fits this machine and its approximate size in MB, or None."""
    if choice.hub is None:
        return None
    order = precision_order(choice.hub.id, config.precision, providers_here())
    return next(((name, choice.hub.sizes_mb[name]) for name in order if name in choice.hub.sizes_mb), None)


def _facts(choice: ModelChoice, config: Config, model_id: str, revision: str) -> None:
    size = about_mb(choice, config)
    if choice.hub is not None:
        st.caption(escape_markdown(choice.hub.good_at))
        st.caption(f"Licence: {escape_markdown(choice.hub.licence)}.")
    much = "How much that is, the hub says when it is asked" if size is None else f"About {size[1]} MB ({size[0]})"
    pinned = f"commit {revision[:7]}" if len(revision) == 40 else f"revision {escape_markdown(revision)}"
    where = f"from {escape_markdown(hub_host())}: {escape_markdown(model_id)}, {pinned}"
    st.caption(f"{much}, {where}. Kept in {escape_markdown(str(cache_root()))}.")


def _label(choice: ModelChoice, config: Config, view: TaskView[DownloadKey] | None) -> str:
    if view is not None and view.progress is not None and isinstance(view.error, DownloadSizeError):
        return f"Download {size_text(view.progress.total - view.progress.done)}"
    if view is not None:
        return "Go on" if view.state == "cancelled" else "Try again"
    size = about_mb(choice, config)
    return f"Ask {hub_host()} how much it is" if size is None else f"Download {size[1]} MB"


def _agreed_bytes(choice: ModelChoice, config: Config, view: TaskView[DownloadKey] | None) -> int:
    """Return the bytes that a press agrees to: the hub's figure, else the catalogue's plus 25 %, else 0."""
    if view is not None and view.progress is not None:
        return int(view.progress.total)
    size = about_mb(choice, config)
    return 0 if size is None else int(size[1] * 1e6 * SLACK)


def _start(model_id: str, revision: str, precision: str, most_bytes: int) -> None:
    download_queue().start(model_id, revision, precision, most_bytes)


def _text(view: TaskView[DownloadKey]) -> str:
    progress = view.progress
    if progress is None:
        return "Asking what there is"
    text = f"{size_text(progress.done)} of {size_text(progress.total)}"
    if progress.bytes_per_second:
        text += f" · {size_text(progress.bytes_per_second)}/s"
    return text + left_text(progress)


def may_send(*encoders: ShownEncoder) -> bool:
    """Return whether the visitor lets these encoders send frames and prompts; if not, draw the question."""
    agreed: frozenset[str] = st.session_state.get("sends_to", frozenset())
    asked = sorted({encoder.sends_to for encoder in encoders if encoder.sends_to is not None} - agreed)
    if not asked:
        return True
    with st.container(border=True, width=620, gap="xsmall", key="consent"):
        host = ", ".join(asked)
        st.markdown(f"##### Frames will leave this machine: to {escape_markdown(host)}")
        st.markdown(
            "This model runs on a server. The sampled frames of the video, as small pictures, and your prompts are "
            f"sent to **{escape_markdown(host)}**, which config.yaml names. Nothing has been sent yet."
        )
        st.button(
            f"Send frames to {escape_markdown(host)}", type="primary", key="agree", on_click=_agree, args=(asked,)
        )
        st.caption("Asked once a session. To keep frames here, choose another model in the sidebar.")
    return False


def _agree(hosts: list[str]) -> None:
    st.session_state.sends_to = st.session_state.get("sends_to", frozenset()) | set(hosts)
