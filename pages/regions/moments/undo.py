"""Store annotations; each change is a step that can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from clip_core.analysis.annotations import keep_annotation, withdraw_annotation
from clip_core.errors import ClipVideoError
from clip_core.scoring.detection import MomentDetection
from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation, VideoRecord
from pages.regions.moments.table import show_moment
from pages.shared.markdown import error_markdown

MOST_UNDONE = 50


@dataclass(frozen=True)
class Bench:
    """What storing an annotation needs: video, store, and the settings with which the moments were found."""

    record: VideoRecord
    store: EmbeddingStore
    settings: dict[str, Any]

    @classmethod
    def of(cls, detection: MomentDetection, record: VideoRecord, store: EmbeddingStore) -> Bench:
        """Return the bench for the moments of a video."""
        return cls(record, store, detection.settings.as_mapping())

    def settle(self) -> None:
        """Forget the steps of any other video. Call before a control that undoes a step is drawn."""
        state = st.session_state
        if state.get("undo_of") != self.record.video_id:
            state.undo_of, state.undo = self.record.video_id, []

    def keep(self, annotations: list[Annotation]) -> None:
        """Store annotations, as one step."""
        self._change([(annotation, keep_annotation) for annotation in annotations])

    def withdraw(self, annotations: list[Annotation]) -> None:
        """Withdraw annotations, as one step."""
        self._change([(annotation, withdraw_annotation) for annotation in annotations])

    def _change(self, changes: list[tuple[Annotation, Any]]) -> None:
        """Apply the changes, and remember what they replaced, as one step."""
        state, step = st.session_state, []
        try:
            for annotation, act in changes:
                before = act(self.record.video_id, annotation, self.store)
                step.append((annotation, before))
        except ClipVideoError as error:
            state.judging_error = error_markdown(error)
        if step:
            state.undo = [*state.undo, step][-MOST_UNDONE:]

    def undo(self) -> None:
        """Undo the last step, and show its moment. If the store fails, the step stays for another try."""
        state = st.session_state
        if not state.undo:
            return
        *rest, step = state.undo
        try:
            for annotation, before in reversed(step):
                if before is None:
                    withdraw_annotation(self.record.video_id, annotation, self.store)
                else:
                    keep_annotation(self.record.video_id, before, self.store)
            state.undo = rest
        except ClipVideoError as error:
            state.judging_error = error_markdown(error)
            return
        if len(step) == 1:
            annotation, _ = step[0]
            show_moment((self.record.video_id, annotation.prompt, annotation.anchor_s))
