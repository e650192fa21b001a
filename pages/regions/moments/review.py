"""Annotate moments: accept, reject, move an edge, label, add, with the mouse or with keys; and undo it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.analysis.annotations import Reviewed, annotation_of, keep_annotation, withdraw_annotation
from clip_core.errors import ClipVideoError
from clip_core.scoring.detection import CANDIDATE
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, short_prompt
from clip_core.types import Annotation, ReviewVerdict
from pages.regions.moments import moment_list
from pages.regions.moments.in_out import clear_in_out, in_out, press
from pages.regions.moments.moment_list import MomentList
from pages.regions.moments.state import MomentId, MomentsState
from pages.regions.moments.table import moment_id, selected_in_browser, show_moment, show_next
from pages.regions.viewer.parts import Edges, draw_judge_keys
from pages.regions.viewer.playhead import until_s
from pages.regions.viewer.viewer import Scene
from pages.shared.access import READ_ONLY
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import region_state
from pages.shared.theme import unseen

MOST_UNDONE = 50
LONGEST_LABEL = 200
ROUNDING_S = 1e-6
VERDICT_OF: dict[str, ReviewVerdict] = {"accept": "accepted", "reject": "rejected"}


@dataclass(frozen=True)
class Review:
    """The lists beside the video, and the controls that annotate moments; ``store`` keeps the annotations."""

    scene: Scene
    listed: MomentList
    store: EmbeddingStore

    def draw(self) -> DeltaGenerator:
        """Draw the chosen list, the verdicts, and what annotates moments; return the place for the downloads."""
        scene = self.scene
        with st.container(gap="xsmall", height="stretch"):
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="list_row"):
                kind = moment_list.choose_list(len(self.listed.kept))
                self._draw_box()
                downloads_place = st.container(width="content")
            path = str(scene.video.path)
            moment_list.draw_list(kind, scene.detection, self.listed, scene.prompts, scene.signal, scene.record, path)
            with st.container(horizontal=True, vertical_alignment="top", gap="xsmall", wrap=False, key="verdict_row"):
                moment_list.draw_verdicts(scene.detection, scene.prompts)
                self._draw_accept()
            self._draw_keys()
        return downloads_place

    def _draw_box(self) -> None:
        """Draw the box for annotating the selected moment, the ticked ones, or the one under the playhead."""
        state = region_state(MomentsState)
        if state.undo_of != self.scene.record.video_id:
            state.undo_of, state.undo = self.scene.record.video_id, []
        subjects = self._subjects(self.scene.head.until_s)
        with st.popover(unseen("Judge"), icon=":material/edit:", help="Judge and edit moments", key="judge_box"):
            if self.store.read_only:
                st.caption(f"{READ_ONLY} Moments cannot be judged or edited.")
                return
            st.markdown(f"**{self._title(subjects)}**")
            self._draw_verdicts(subjects)
            if len(subjects) == 1:
                self._draw_edges(subjects[0])
            self._draw_adding()
            st.button(
                "Undo",
                icon=":material/undo:",
                key="undo_edit",
                disabled=not state.undo,
                help="Undoes the last judgement (Ctrl+Z).",
                on_click=self._undo,
                width="stretch",
            )

    def _draw_accept(self) -> None:
        """Draw a button that accepts the selected or ticked candidates, or the one under the playhead, if any."""
        waiting = [reviewed for reviewed in self.listed.reviewed if reviewed.is_candidate]
        subjects = self._picked() or _under(waiting, self.scene.head.until_s)
        if self.store.read_only or not subjects or not all(subject.is_candidate for subject in subjects):
            return
        st.button(
            "Accept",
            icon=":material/check:",
            key="accept_candidate",
            help="Not sure: the selected or ticked candidates, or the one under the playhead, become moments (A).",
            on_click=self._judge,
            args=(subjects, "accepted"),
        )

    def _draw_keys(self) -> None:
        """Listen for the keys (A accepts, X rejects, Ctrl+Z undoes); draw the error if an annotation was not stored."""
        draw_judge_keys(self._take_key, plays=self.scene.plays)
        state = region_state(MomentsState)
        if state.error is not None:
            st.error(state.error, icon=":material/error:")
            state.error = None

    def edges(self) -> Edges | None:
        """Return the edges of the selected moment, for the chart; None if none is selected."""
        if self.listed.selected is None or self.store.read_only:
            return None
        subject, end_s = self.listed.reviewed[self.listed.selected], self.scene.detection.scores.end_s
        moment = subject.moment
        name = f"{self.scene.record.video_id} {annotation_of(subject, {}).anchor_s} {moment.prompt}"
        return Edges(name, moment.start_s, moment.end_s, end_s, partial(self._move, subject))

    def _picked(self) -> list[Reviewed]:
        """Return the selected moment, or else the ticked ones."""
        listed = self.listed
        return listed.chosen if listed.selected is None else [listed.reviewed[listed.selected]]

    def _subjects(self, until_s: float) -> list[Reviewed]:
        """Return what to annotate: the selected moment, or else the ticked ones, or else the one under the playhead.

        ``until_s``: when the frame under the playhead ends, in seconds.
        """
        return self._picked() or _under(self.listed.reviewed, until_s)

    def _title(self, subjects: list[Reviewed]) -> str:
        if not subjects:
            return "No moment is selected, and none is under the playhead."
        if len(subjects) > 1:
            return f"{len(subjects)} ticked moments"
        listed, moment = self.listed, subjects[0].moment
        where = "Selected" if listed.selected is not None else "Ticked" if listed.chosen else "Under the playhead"
        prompt = escape_markdown(short_prompt(moment.prompt))
        return f"{where}: {clock(moment.start_s)} … {clock(moment.end_s)} · {prompt}"

    def _draw_verdicts(self, subjects: list[Reviewed]) -> None:
        buttons = (("Accept", "check", "accepted", "A"), ("Reject", "close", "rejected", "X"))
        with st.container(horizontal=True, gap="xsmall", wrap=False):
            for label, icon, verdict, key in buttons:
                st.button(
                    label,
                    icon=f":material/{icon}:",
                    key=f"judge_{verdict}",
                    disabled=not subjects,
                    help=f"{label} ({key}); then the next moment of the list is shown.",
                    on_click=self._judge,
                    args=(subjects, verdict),
                )
            touched = [r.annotation for r in subjects if r.annotation is not None]
            st.button(
                "As computed",
                key="judge_none",
                disabled=not touched,
                help="Withdraws their annotations: they are as computed again.",
                on_click=self._change,
                args=(withdraw_annotation, touched),
            )

    def _draw_edges(self, subject: Reviewed) -> None:
        moment, end_s = subject.moment, self.scene.detection.scores.end_s
        state, place = region_state(MomentsState), f"{moment.prompt} {moment.start_s} {moment.end_s} {moment.label}"
        number, seen = state.edges_form
        state.edges_form = (number + (seen != place), place)  # a new form for each moment
        form = f"edges_{state.edges_form[0]}"
        frame_s = max(0.001, round(end_s / max(1, len(self.scene.record.table)), 3))
        limits: dict[str, Any] = {"min_value": 0.0, "max_value": end_s, "step": frame_s, "format": "%.3f"}
        with st.container(horizontal=True, gap="xsmall", wrap=False, key="edges"):
            start_s = st.number_input("Start (s)", value=min(moment.start_s, end_s), key=f"{form}_start", **limits)
            stop_s = st.number_input("End (s)", value=min(moment.end_s, end_s), key=f"{form}_end", **limits)
        shown = "" if subject.is_candidate and moment.label == CANDIDATE else moment.label
        label = st.text_input("Label", shown, max_chars=LONGEST_LABEL, key=f"{form}_label")
        wrong = start_s >= stop_s
        if wrong:
            st.caption("It must begin before it ends.")
        st.button(
            "Save",
            icon=":material/save:",
            key="save_edges",
            disabled=wrong,
            on_click=self._save_edges,
            args=(subject, start_s, stop_s, label),
        )

    def _draw_adding(self) -> None:
        prompts, last_s = self.scene.detection.scores.prompts, self.scene.detection.scores.end_s
        if not prompts:
            return
        st.markdown("###### Add a moment")
        prompt = st.selectbox("Of", prompts, key="add_of", format_func=short_prompt, label_visibility="collapsed")
        start_s, end_s = in_out(last_s)
        ready = start_s is not None and end_s is not None and start_s < end_s
        with st.container(horizontal=True, gap="xsmall", wrap=False):
            for label, end, key in (("From here", "in", "I"), ("To here", "out", "O")):
                help_text = f"The playhead's time (key {key})."
                st.button(label, key=f"press_mark_{end}", on_click=press, args=(end,), help=help_text)
            st.button(
                "Add",
                icon=":material/add:",
                key="add_moment",
                disabled=not ready,
                on_click=self._add,
                args=(str(prompt), start_s, end_s),
            )
        from_text, to_text = (clock(time_s) if time_s is not None else "…" for time_s in (start_s, end_s))
        wrong = not ready and start_s is not None and end_s is not None
        st.caption(f"From {from_text} to {to_text}{': it must begin before it ends' if wrong else ''}")

    def _judge(self, subjects: list[Reviewed], verdict: ReviewVerdict) -> None:
        """Give a verdict. If it was on the selected moment or the one under the playhead, show the next in the list."""
        annotations = [replace(self._annotation(r), verdict=verdict) for r in subjects]
        changed = [new for new, r in zip(annotations, subjects, strict=True) if new != r.annotation]
        self._change(keep_annotation, changed)
        if len(subjects) == 1 and (self.listed.selected is not None or not self.listed.chosen):
            show_next(moment_id(subjects[0], self.scene.record.video_id))

    def _save_edges(self, subject: Reviewed, start_s: float, end_s: float, label: str) -> None:
        """Store the edges and the label that a person gave a moment."""
        before = self._annotation(subject)
        self._change(keep_annotation, [replace(before, start_s=start_s, end_s=end_s, label=label.strip())])

    def _move(self, subject: Reviewed, start_s: float, end_s: float) -> None:
        """Store edges that were dragged, unless nothing is left between them."""
        start_s, end_s = max(0.0, start_s), min(self.scene.detection.scores.end_s, end_s)
        if start_s < end_s:
            self._save_edges(subject, start_s, end_s, self._annotation(subject).label)

    def _add(self, prompt: str, start_s: float, end_s: float) -> None:
        settings = self.scene.detection.settings.as_mapping()
        added = Annotation(prompt, (start_s + end_s) / 2, start_s, end_s, "added", settings=settings)
        self._change(keep_annotation, [added])
        clear_in_out()

    def _take_key(self, what: str, frame: int | None) -> None:
        """Annotate what the browser showed as selected at the key press; the server may learn of both at once."""
        if what == "undo":
            self._undo()
            return
        table = self.scene.record.table
        screen_until_s = self.scene.head.until_s if frame is None else until_s(min(frame, len(table)), table)
        shown = replace(self, listed=replace(self.listed, selected=selected_in_browser()))
        shown._judge(shown._subjects(screen_until_s), VERDICT_OF[what])

    def _annotation(self, subject: Reviewed) -> Annotation:
        return annotation_of(subject, self.scene.detection.settings.as_mapping())

    def _change(
        self, change: Callable[[str, Annotation, EmbeddingStore], Annotation | None], annotations: list[Annotation]
    ) -> None:
        """Keep or withdraw annotations, and remember what they replaced, as one step to undo."""
        state, step = region_state(MomentsState), list[tuple[Annotation, Annotation | None]]()
        try:
            for annotation in annotations:
                step.append((annotation, change(self.scene.record.video_id, annotation, self.store)))
        except ClipVideoError as error:
            state.error = error_markdown(error)
        if step:
            state.undo = [*state.undo, step][-MOST_UNDONE:]

    def _undo(self) -> None:
        """Undo the last step, and show its moment. If the store fails, the step stays for another try."""
        state, video_id = region_state(MomentsState), self.scene.record.video_id
        if not state.undo:
            return
        *rest, step = state.undo
        try:
            for annotation, before in reversed(step):
                if before is None:
                    withdraw_annotation(video_id, annotation, self.store)
                else:
                    keep_annotation(video_id, before, self.store)
        except ClipVideoError as error:
            state.error = error_markdown(error)
            return
        state.undo = rest
        if len(step) == 1:
            annotation, _ = step[0]
            show_moment(MomentId(video_id, annotation.prompt, annotation.anchor_s))


def _under(reviewed: Sequence[Reviewed], until_s: float) -> list[Reviewed]:
    """Return the moment whose frame is on the screen, in a list of at most one; of several, the latest to start.

    If one moment ends and another starts while a frame is shown, the frame belongs to the second: Next goes to it.
    """
    shown = [r for r in reviewed if r.moment.start_s < until_s <= r.moment.end_s + ROUNDING_S]
    return sorted(shown, key=lambda r: -r.moment.start_s)[:1]
