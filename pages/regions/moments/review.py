"""Annotate moments: accept, reject, move an edge, label, add; with the mouse or with keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from clip_core.analysis.annotations import Reviewed, annotation_of
from clip_core.scoring.detection import CANDIDATE, MomentDetection
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, short_prompt
from clip_core.types import Annotation, ReviewVerdict, VideoRecord
from pages.player.draw import Edges, draw_judge_keys
from pages.regions.moments.in_out import clear_in_out, in_out, press
from pages.regions.moments.moment_list import MomentList
from pages.regions.moments.table import name_of, place_in_browser, show_next
from pages.regions.moments.undo import Bench
from pages.regions.viewer.playhead import Playhead, until_s
from pages.shared.markdown import escape_markdown
from pages.shared.theme import unseen

LONGEST_LABEL = 200
ROUNDING_S = 1e-6


def draw_judging(
    detection: MomentDetection, listed: MomentList, head: Playhead, record: VideoRecord, store: EmbeddingStore
) -> None:
    """Draw the box for annotating the selected moment, the ticked ones, or the one under the playhead."""
    bench, state = Bench.of(detection, record, store), st.session_state
    bench.settle()
    subjects = subjects_of(listed, head.until_s)
    with st.popover(unseen("Judge"), icon=":material/edit:", help="Judge and edit moments", key="judge_box"):
        st.markdown(f"**{_subject(subjects, listed)}**")
        _draw_verdicts(subjects, listed, bench)
        if len(subjects) == 1:
            _draw_edges(subjects[0], detection, bench)
        _draw_adding(detection, bench)
        st.button(
            "Undo",
            icon=":material/undo:",
            key="undo_edit",
            disabled=not state.undo,
            help="Takes the last judgement back (Ctrl+Z).",
            on_click=bench.undo,
            width="stretch",
        )


def draw_accept(
    detection: MomentDetection, listed: MomentList, head: Playhead, record: VideoRecord, store: EmbeddingStore
) -> None:
    """Draw a button that accepts the selected or ticked candidates, or the one under the playhead, if any."""
    waiting = [reviewed for reviewed in listed.reviewed if reviewed.is_candidate]
    subjects = _picked(listed) or _under(waiting, head.until_s)
    if not subjects or not all(subject.is_candidate for subject in subjects):
        return
    st.button(
        "Accept",
        icon=":material/check:",
        key="accept_candidate",
        help="Not sure: the selected or ticked candidates, or the one under the playhead, become moments (A).",
        on_click=judge,
        args=(subjects, "accepted", listed, Bench.of(detection, record, store)),
    )


def _picked(listed: MomentList) -> list[Reviewed]:
    """Return the selected moment, or else the ticked ones."""
    return listed.chosen if listed.selected is None else [listed.reviewed[listed.selected]]


def subjects_of(listed: MomentList, until_s: float) -> list[Reviewed]:
    """Return what to annotate: the selected moment, or else the ticked ones, or else the one under the playhead.

    ``until_s``: when the frame under the playhead ends, in seconds.
    """
    return _picked(listed) or _under(listed.reviewed, until_s)


def _under(reviewed: Sequence[Reviewed], until_s: float) -> list[Reviewed]:
    """Return the moment whose frame is on the screen, in a list of at most one; of several, the latest to start.

    If one moment ends and another starts while a frame is shown, the frame belongs to the second: Next goes to it.
    """
    shown = [r for r in reviewed if r.moment.start_s < until_s <= r.moment.end_s + ROUNDING_S]
    return sorted(shown, key=lambda r: -r.moment.start_s)[:1]


def _subject(subjects: list[Reviewed], listed: MomentList) -> str:
    if not subjects:
        return "No moment is selected, and none is under the playhead."
    if len(subjects) > 1:
        return f"{len(subjects)} ticked moments"
    moment = subjects[0].moment
    where = "Selected" if listed.selected is not None else "Ticked" if listed.chosen else "Under the playhead"
    return f"{where}: {clock(moment.start_s)} … {clock(moment.end_s)} · {escape_markdown(short_prompt(moment.prompt))}"


def _draw_verdicts(subjects: list[Reviewed], listed: MomentList, bench: Bench) -> None:
    buttons = (("Accept", "check", "accepted", "A"), ("Reject", "close", "rejected", "X"))
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        for label, icon, verdict, key in buttons:
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"judge_{verdict}",
                disabled=not subjects,
                help=f"{label} ({key}); then the next moment of the list is shown.",
                on_click=judge,
                args=(subjects, verdict, listed, bench),
            )
        touched = [r.annotation for r in subjects if r.annotation is not None]
        help_text = "Take back what was said of them: they are as computed again."
        st.button(
            "As computed",
            key="judge_none",
            disabled=not touched,
            help=help_text,
            on_click=bench.withdraw,
            args=(touched,),
        )


def _draw_edges(subject: Reviewed, detection: MomentDetection, bench: Bench) -> None:
    moment, end_s = subject.moment, detection.scores.end_s
    place = f"{moment.prompt} {moment.start_s} {moment.end_s} {moment.label}"  # a new form for each moment
    number, seen = st.session_state.get("edges_form", (0, ""))
    st.session_state.edges_form = (number + (seen != place), place)
    form = f"edges_{st.session_state.edges_form[0]}"
    with st.container(horizontal=True, gap="xsmall", wrap=False, key="edges"):
        common: dict[str, Any] = {
            "min_value": 0.0,
            "max_value": end_s,
            "step": _frame_s(detection, bench.record),
            "format": "%.3f",
        }
        start_s = st.number_input("Start (s)", value=min(moment.start_s, end_s), key=f"{form}_start", **common)
        stop_s = st.number_input("End (s)", value=min(moment.end_s, end_s), key=f"{form}_end", **common)
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
        on_click=save_edges,
        args=(subject, start_s, stop_s, label, bench),
    )


def _frame_s(detection: MomentDetection, record: VideoRecord) -> float:
    """Return the step of an edge in seconds: about a frame, at least 1 ms."""
    frames = max(1, len(record.table))
    return max(0.001, round(detection.scores.end_s / frames, 3))


def _draw_adding(detection: MomentDetection, bench: Bench) -> None:
    prompts = detection.scores.prompts
    if not prompts:
        return
    st.markdown("###### Add a moment")
    prompt = st.selectbox("Of", prompts, key="add_of", format_func=short_prompt, label_visibility="collapsed")
    start_s, end_s = in_out(detection.scores.end_s)
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        for label, which, key in (("From here", "in", "I"), ("To here", "out", "O")):
            st.button(
                label,
                key=f"press_mark_{which}",
                on_click=press,
                args=(which,),
                help=f"The playhead's time (key {key}).",
            )
        ready = start_s is not None and end_s is not None and start_s < end_s
        moment = (str(prompt), start_s, end_s)
        st.button(
            "Add", icon=":material/add:", key="add_moment", disabled=not ready, on_click=_add, args=(moment, bench)
        )
    marks = [clock(time) if time is not None else "…" for time in (start_s, end_s)]
    st.caption(
        f"From {marks[0]} to {marks[1]}"
        + ("" if ready or None in (start_s, end_s) else ": it must begin before it ends")
    )


def judge(subjects: list[Reviewed], verdict: ReviewVerdict, listed: MomentList, bench: Bench) -> None:
    """Give a verdict. If it was on the selected moment or the one under the playhead, show the next in the list."""
    annotations = [replace(annotation_of(r, bench.settings), verdict=verdict) for r in subjects]
    bench.keep([annotation for annotation, r in zip(annotations, subjects, strict=True) if annotation != r.annotation])
    if len(subjects) == 1 and (listed.selected is not None or not listed.chosen):
        show_next(name_of(subjects[0], bench.record.video_id))


def save_edges(subject: Reviewed, start_s: float, end_s: float, label: str, bench: Bench) -> None:
    """Store the edges and the label that a person gave a moment."""
    before = annotation_of(subject, bench.settings)
    bench.keep([replace(before, start_s=start_s, end_s=end_s, label=label.strip())])


def _add(moment: tuple[str, float, float], bench: Bench) -> None:
    prompt, start_s, end_s = moment
    bench.keep([Annotation(prompt, (start_s + end_s) / 2, start_s, end_s, "added", settings=bench.settings)])
    clear_in_out()


VERDICT_OF: dict[str, ReviewVerdict] = {"accept": "accepted", "reject": "rejected"}


def draw_keys(
    detection: MomentDetection,
    listed: MomentList,
    head: Playhead,
    record: VideoRecord,
    store: EmbeddingStore,
    *,
    plays: bool,
) -> None:
    """Listen for the keys (A accepts, X rejects, Ctrl+Z undoes), and draw the error if an annotation was not stored.

    ``plays``: whether the player is on the page, which knows the current frame better than ``head``.
    """
    draw_judge_keys(partial(_take_key, listed, head, Bench.of(detection, record, store)), plays=plays)
    if "judging_error" in st.session_state:
        st.error(st.session_state.pop("judging_error"), icon=":material/error:")


def _take_key(listed: MomentList, head: Playhead, bench: Bench, what: str, frame: int | None) -> None:
    """Annotate what the browser showed as selected at the key press; the server may learn of both at once."""
    if what == "undo":
        bench.undo()
        return
    until = head.until_s if frame is None else until_s(min(frame, len(bench.record.table)), bench.record.table)
    seen = replace(listed, selected=place_in_browser())
    judge(subjects_of(seen, until), VERDICT_OF[what], seen, bench)


def draggable(
    detection: MomentDetection, listed: MomentList, record: VideoRecord, store: EmbeddingStore
) -> Edges | None:
    """Return the edges of the selected moment, for the chart; None if none is selected."""
    if listed.selected is None:
        return None
    subject, end_s = listed.reviewed[listed.selected], detection.scores.end_s
    moment, bench = subject.moment, Bench.of(detection, record, store)
    name = f"{record.video_id} {annotation_of(subject, {}).anchor_s} {moment.prompt}"
    return Edges(name, moment.start_s, moment.end_s, end_s, partial(_move, subject, end_s, bench))


def _move(subject: Reviewed, last_s: float, bench: Bench, start_s: float, end_s: float) -> None:
    start_s, end_s = max(0.0, start_s), min(last_s, end_s)
    if start_s < end_s:
        save_edges(subject, start_s, end_s, annotation_of(subject, {}).label, bench)
