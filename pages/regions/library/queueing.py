"""Queue what was asked for: load the model, ask before frames leave this machine, then add the files to the queue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

from clip_core.addresses import is_address
from clip_core.analysis.stored_videos import forget_outdated_copy
from clip_core.config import EVERY_FRAME, SERVER, Config
from clip_core.encoders.registry import available_models
from clip_core.errors import ClipVideoError
from clip_core.library.identify import is_there
from clip_core.library.videos import is_allowed
from clip_core.library.watched_folders import WatchedFolder
from clip_core.store.store import EmbeddingStore
from clip_core.text import counted
from pages.regions.library.state import IndexAsk, LibraryState
from pages.regions.sidebar.model import RATES, may_send
from pages.shared import cache
from pages.shared.session import region_state
from pages.shared.task_row import session_id
from pages.shared.widgets import bound


def choose_model(config: Config) -> IndexAsk:
    """Draw the lists of the models on this machine and of the rates; return an ask without files."""
    state = region_state(LibraryState)
    names = {choice.name: choice.title for choice in available_models(config) if choice.is_local}
    if config.uses_server:
        names[SERVER] = f"Roboflow server · {config.clip_version}"
    first = config.model if config.model in names else next(iter(names), config.model)
    names.setdefault(first, first)
    rates: list[float | str] = [*sorted({*RATES, *filter(None, [config.samples_per_second])}), EVERY_FRAME]
    state.library_model = state.library_model if state.library_model in names else first
    state.library_rate = state.library_rate if state.library_rate in rates else config.samples_per_second or EVERY_FRAME
    model = st.selectbox(
        "Index with",
        list(names),
        index=list(names).index(state.library_model),
        format_func=names.__getitem__,
        help="The model for videos that you add, or tick and index. More are downloaded on the page Investigate.",
        width=190,
        **bound(state, "library_model"),
    )
    rate = st.selectbox(
        "Samples / s",
        rates,
        index=rates.index(state.library_rate),
        format_func=lambda rate: rate if isinstance(rate, str) else f"{rate:g}",
        help="Raising it embeds only the frames that are missing.",
        width=105,
        **bound(state, "library_rate"),
    )
    return IndexAsk((), str(model), config.crop, None if isinstance(rate, str) else float(rate))


def take_ask(config: Config, store: EmbeddingStore) -> None:
    """Queue what was asked for, if anything; first draw the question whether frames may leave this machine."""
    state = region_state(LibraryState)
    ask = state.ask
    if ask is None:
        return
    try:
        with st.spinner("Loading the model…"):
            encoder = cache.encoder(ask.model, replace(config, crop=ask.crop))
        if not may_send(encoder):
            return
        usable = [path for path in ask.paths if is_address(path) or (is_there(path) and is_allowed(Path(path), config))]
        for path in usable:
            forget_outdated_copy(path, store, config)
            cache.index_queue().start(path, encoder, store, ask.rate, session_id(), batch=True)
        if ask.watch is not None:
            cache.watch_folders().add(WatchedFolder(ask.watch, ask.model, ask.crop, ask.rate))
        if lacking := len(ask.paths) - len(usable):
            state.note += f" {counted(lacking, 'file is', 'files are')} not there, or outside video_dirs, and left out."
    except ClipVideoError as error:
        state.error = error
    state.ask = None
