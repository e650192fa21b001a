"""Judging moments by hand: accept, reject, move an edge, label, add; every step can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from clip_core.charts.labels import short
from clip_core.edit import Edit, Verdict
from clip_core.errors import ClipVideoError
from clip_core.pipeline.judge_moments import keep_edit, take_edit_back
from clip_core.scoring.findings import CANDIDATE, Findings
from clip_core.scoring.reviewed import Reviewed, edit_of
from clip_core.store.store import EmbeddingStore
from clip_core.values import VideoRecord, clock
from pages.parts.in_out import clear_in_out, in_out, press
from pages.parts.look import unseen
from pages.parts.moments import Listed
from pages.parts.playhead import Playhead
from pages.parts.text import told

MOST_UNDONE = 50
LONGEST_LABEL = 200
ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Bench:
    """What a judgement needs: where it is kept, and with which settings the moments were found."""

    record: VideoRecord
    store: EmbeddingStore
    settings: dict[str, Any]


def draw_judging(
    findings: Findings, listed: Listed, head: Playhead, record: VideoRecord, store: EmbeddingStore
) -> None:
    """Draw the box in which the selected moments, or the one under the playhead, are judged."""
    bench = Bench(record, store, findings.recipe.as_mapping())
    state = st.session_state
    if state.get("undo_of") != record.video_id:
        state.undo_of, state.undo = record.video_id, []
    subjects = listed.chosen or _under(listed.reviewed, head)
    with st.popover(unseen("Judge"), icon=":material/edit:", help="Judge and edit moments", key="judge_box"):
        st.markdown(f"**{_subject(subjects, chosen=bool(listed.chosen))}**")
        _draw_verdicts(subjects, bench)
        if len(subjects) == 1:
            _draw_edges(subjects[0], findings, bench)
        _draw_adding(findings, bench)
        st.button(
            "Undo",
            icon=":material/undo:",
            key="undo_edit",
            disabled=not state.undo,
            on_click=_undo,
            args=(bench,),
            width="stretch",
        )
        if state.get("judging_error"):
            st.error(state.pop("judging_error"), icon=":material/error:")


def draw_accept(findings: Findings, listed: Listed, head: Playhead, record: VideoRecord, store: EmbeddingStore) -> None:
    """Draw a button that accepts the selected candidates, or the one under the playhead; if there is one."""
    waiting = [reviewed for reviewed in listed.reviewed if reviewed.is_candidate]
    subjects = listed.chosen or _under(waiting, head)
    if not subjects or not all(subject.is_candidate for subject in subjects):
        return
    st.button(
        "Accept",
        icon=":material/check:",
        key="accept_candidate",
        help="Not sure: the selected candidates, or the one under the playhead, become moments.",
        on_click=_judge,
        args=(subjects, "accepted", Bench(record, store, findings.recipe.as_mapping())),
    )


def _under(reviewed: Sequence[Reviewed], head: Playhead) -> list[Reviewed]:
    """The moment whose frame is on the screen, if there is one; of several, the one that began last.

    Where a moment ends and another begins while a frame is shown, this is the frame of the other: there "next" goes.
    """
    shown = [r for r in reviewed if r.moment.start_s < head.until_s <= r.moment.end_s + ROUNDING_S]
    return sorted(shown, key=lambda r: -r.moment.start_s)[:1]


def _subject(subjects: list[Reviewed], *, chosen: bool) -> str:
    if not subjects:
        return "No moment is selected, and none is under the playhead."
    if len(subjects) > 1:
        return f"{len(subjects)} selected moments"
    moment = subjects[0].moment
    where = "Selected" if chosen else "Under the playhead"
    return f"{where}: {clock(moment.start_s)} … {clock(moment.end_s)}"


def _draw_verdicts(subjects: list[Reviewed], bench: Bench) -> None:
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        for label, icon, verdict in (("Accept", "check", "accepted"), ("Reject", "close", "rejected")):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"judge_{verdict}",
                disabled=not subjects,
                on_click=_judge,
                args=(subjects, verdict, bench),
            )
        touched = [r.edit for r in subjects if r.edit is not None]
        help_text = "Take back what was said of them: they are as computed again."
        st.button(
            "As computed",
            key="judge_none",
            disabled=not touched,
            help=help_text,
            on_click=_withdraw,
            args=(touched, bench),
        )


def _draw_edges(subject: Reviewed, findings: Findings, bench: Bench) -> None:
    moment, end_s = subject.moment, findings.scores.end_s
    place = f"{moment.prompt} {moment.start_s} {moment.end_s} {moment.label}"  # another moment is another form
    number, seen = st.session_state.get("edges_form", (0, ""))
    st.session_state.edges_form = (number + (seen != place), place)
    form = f"edges_{st.session_state.edges_form[0]}"
    with st.container(horizontal=True, gap="xsmall", wrap=False, key="edges"):
        common = {"min_value": 0.0, "max_value": end_s, "step": _frame_s(findings, bench.record), "format": "%.3f"}
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
        on_click=_save,
        args=(subject, start_s, stop_s, label, bench),
    )


def _frame_s(findings: Findings, record: VideoRecord) -> float:
    """One step of an edge: about a frame."""
    frames = max(1, len(record.table))
    return max(0.001, round(findings.scores.end_s / frames, 3))


def _draw_adding(findings: Findings, bench: Bench) -> None:
    prompts = findings.scores.prompts
    if not prompts:
        return
    st.markdown("###### Add a moment")
    prompt = st.selectbox("Of", prompts, key="add_of", format_func=short, label_visibility="collapsed")
    start_s, end_s = in_out(findings.scores.end_s)
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


def _judge(subjects: list[Reviewed], verdict: Verdict, bench: Bench) -> None:
    _keep([replace(edit_of(r, bench.settings), verdict=verdict) for r in subjects], bench)


def _save(subject: Reviewed, start_s: float, end_s: float, label: str, bench: Bench) -> None:
    before = edit_of(subject, bench.settings)
    _keep([replace(before, start_s=start_s, end_s=end_s, label=label.strip())], bench)


def _add(moment: tuple[str, float, float], bench: Bench) -> None:
    prompt, start_s, end_s = moment
    _keep([Edit(prompt, (start_s + end_s) / 2, start_s, end_s, "added", settings=bench.settings)], bench)
    clear_in_out()


def _keep(edits: list[Edit], bench: Bench) -> None:
    _change([(edit, keep_edit) for edit in edits], bench)


def _withdraw(edits: list[Edit], bench: Bench) -> None:
    _change([(edit, take_edit_back) for edit in edits], bench)


def _change(changes: list[tuple[Edit, Any]], bench: Bench) -> None:
    """Make the changes, and remember what was there before, as one step of undo."""
    state, step = st.session_state, []
    try:
        for edit, act in changes:
            before = act(bench.record.video_id, edit, bench.store)
            step.append((edit, before))
    except ClipVideoError as error:
        state.judging_error = told(error)
    if step:
        state.undo = [*state.undo, step][-MOST_UNDONE:]


def _undo(bench: Bench) -> None:
    """Take the last step back; while the store fails, the step stays for another try."""
    state = st.session_state
    *rest, step = state.undo
    try:
        for edit, before in reversed(step):
            if before is None:
                take_edit_back(bench.record.video_id, edit, bench.store)
            else:
                keep_edit(bench.record.video_id, before, bench.store)
        state.undo = rest
    except ClipVideoError as error:
        state.judging_error = told(error)
