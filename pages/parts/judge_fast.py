"""Judging without the box: by keys, and by dragging the edges of the selected moment on the chart."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from clip_core.edit import Verdict
from clip_core.scoring.findings import Findings
from clip_core.scoring.reviewed import Reviewed, edit_of
from clip_core.store.store import EmbeddingStore
from clip_core.values import VideoRecord
from pages.parts.bench import Bench
from pages.parts.judging import judge, save_edges, subjects_of
from pages.parts.moments import Listed
from pages.parts.player.draw import Edges, draw_judge_keys
from pages.parts.playhead import Playhead, until_s
from pages.parts.selecting import place_in_browser

VERDICT_OF: dict[str, Verdict] = {"accept": "accepted", "reject": "rejected"}


def draw_keys(
    findings: Findings, listed: Listed, head: Playhead, record: VideoRecord, store: EmbeddingStore, *, plays: bool
) -> None:
    """Listen for the keys: A accepts, X rejects, Ctrl+Z takes the last judgement back; and say what could not be kept.

    Args:
        findings, listed, head, record, store: As for the box.
        plays: Whether the player is on the page, which knows better than ``head`` which frame is on the screen.
    """
    draw_judge_keys(partial(_take_key, listed, head, Bench.of(findings, record, store)), plays=plays)
    if "judging_error" in st.session_state:
        st.error(st.session_state.pop("judging_error"), icon=":material/error:")


def _take_key(listed: Listed, head: Playhead, bench: Bench, what: str, frame: int | None) -> None:
    """Judge what the browser showed as selected when the key was pressed, which the server may have heard just now."""
    if what == "undo":
        bench.undo()
        return
    until = head.until_s if frame is None else until_s(min(frame, len(bench.record.table)), bench.record.table)
    seen = replace(listed, selected=place_in_browser())
    judge(subjects_of(seen, until), VERDICT_OF[what], seen, bench)


def draggable(findings: Findings, listed: Listed, record: VideoRecord, store: EmbeddingStore) -> Edges | None:
    """The edges of the selected moment, for the chart; None if none is selected."""
    if listed.selected is None:
        return None
    subject, end_s = listed.reviewed[listed.selected], findings.scores.end_s
    moment, bench = subject.moment, Bench.of(findings, record, store)
    name = f"{record.video_id} {edit_of(subject, {}).anchor_s} {moment.prompt}"
    return Edges(name, moment.start_s, moment.end_s, end_s, partial(_move, subject, end_s, bench))


def _move(subject: Reviewed, last_s: float, bench: Bench, start_s: float, end_s: float) -> None:
    start_s, end_s = max(0.0, start_s), min(last_s, end_s)
    if start_s < end_s:
        save_edges(subject, start_s, end_s, edit_of(subject, {}).label, bench)
