"""Judging moments by hand: accept, reject, move an edge, label, add; every step can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from clip_core.edit import Edit, Verdict
from clip_core.scoring.findings import CANDIDATE, Findings
from clip_core.scoring.reviewed import Reviewed, edit_of
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, short_prompt
from clip_core.values import VideoRecord
from pages.parts.bench import Bench
from pages.parts.in_out import clear_in_out, in_out, press
from pages.parts.look import unseen
from pages.parts.moments import Listed
from pages.parts.playhead import Playhead
from pages.parts.selecting import name_of, show_next
from pages.parts.text import literal

LONGEST_LABEL = 200
ROUNDING_S = 1e-6


def draw_judging(
    findings: Findings, listed: Listed, head: Playhead, record: VideoRecord, store: EmbeddingStore
) -> None:
    """Draw the box in which the selected moment, the ticked ones, or the one under the playhead are judged."""
    bench, state = Bench.of(findings, record, store), st.session_state
    bench.settle()
    subjects = subjects_of(listed, head.until_s)
    with st.popover(unseen("Judge"), icon=":material/edit:", help="Judge and edit moments", key="judge_box"):
        st.markdown(f"**{_subject(subjects, listed)}**")
        _draw_verdicts(subjects, listed, bench)
        if len(subjects) == 1:
            _draw_edges(subjects[0], findings, bench)
        _draw_adding(findings, bench)
        st.button(
            "Undo",
            icon=":material/undo:",
            key="undo_edit",
            disabled=not state.undo,
            help="Takes the last judgement back (Ctrl+Z).",
            on_click=bench.undo,
            width="stretch",
        )


def draw_accept(findings: Findings, listed: Listed, head: Playhead, record: VideoRecord, store: EmbeddingStore) -> None:
    """Draw a button that accepts the selected or ticked candidates, or the one under the playhead; if there is one."""
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
        args=(subjects, "accepted", listed, Bench.of(findings, record, store)),
    )


def _picked(listed: Listed) -> list[Reviewed]:
    """The selected moment, or else the ticked ones."""
    return listed.chosen if listed.selected is None else [listed.reviewed[listed.selected]]


def subjects_of(listed: Listed, until_s: float) -> list[Reviewed]:
    """What is judged: the selected moment, or else the ticked ones, or else the one under the playhead.

    Args:
        listed: The moments.
        until_s: When the frame after the one under the playhead comes.
    """
    return _picked(listed) or _under(listed.reviewed, until_s)


def _under(reviewed: Sequence[Reviewed], until_s: float) -> list[Reviewed]:
    """The moment whose frame is on the screen, if there is one; of several, the one that began last.

    Where a moment ends and another begins while a frame is shown, this is the frame of the other: there "next" goes.
    """
    shown = [r for r in reviewed if r.moment.start_s < until_s <= r.moment.end_s + ROUNDING_S]
    return sorted(shown, key=lambda r: -r.moment.start_s)[:1]


def _subject(subjects: list[Reviewed], listed: Listed) -> str:
    if not subjects:
        return "No moment is selected, and none is under the playhead."
    if len(subjects) > 1:
        return f"{len(subjects)} ticked moments"
    moment = subjects[0].moment
    where = "Selected" if listed.selected is not None else "Ticked" if listed.chosen else "Under the playhead"
    return f"{where}: {clock(moment.start_s)} … {clock(moment.end_s)} · {literal(short_prompt(moment.prompt))}"


def _draw_verdicts(subjects: list[Reviewed], listed: Listed, bench: Bench) -> None:
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
        touched = [r.edit for r in subjects if r.edit is not None]
        help_text = "Take back what was said of them: they are as computed again."
        st.button(
            "As computed",
            key="judge_none",
            disabled=not touched,
            help=help_text,
            on_click=bench.withdraw,
            args=(touched,),
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
        on_click=save_edges,
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
    prompt = st.selectbox("Of", prompts, key="add_of", format_func=short_prompt, label_visibility="collapsed")
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


def judge(subjects: list[Reviewed], verdict: Verdict, listed: Listed, bench: Bench) -> None:
    """Give a verdict; after that of one moment, unless it is the ticked one, the next of the list is shown."""
    edits = [replace(edit_of(r, bench.settings), verdict=verdict) for r in subjects]
    bench.keep([edit for edit, r in zip(edits, subjects, strict=True) if edit != r.edit])
    if len(subjects) == 1 and (listed.selected is not None or not listed.chosen):
        show_next(name_of(subjects[0], bench.record.video_id))


def save_edges(subject: Reviewed, start_s: float, end_s: float, label: str, bench: Bench) -> None:
    """Keep the edges and the label that a person gave a moment."""
    before = edit_of(subject, bench.settings)
    bench.keep([replace(before, start_s=start_s, end_s=end_s, label=label.strip())])


def _add(moment: tuple[str, float, float], bench: Bench) -> None:
    prompt, start_s, end_s = moment
    bench.keep([Edit(prompt, (start_s + end_s) / 2, start_s, end_s, "added", settings=bench.settings)])
    clear_in_out()
