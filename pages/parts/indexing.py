"""Sidebar, status slot: sees to it that the chosen video is indexed, and shows how far it is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial

import streamlit as st

from clip_core.encoders.base import ShownEncoder
from clip_core.errors import VideoNotFoundError
from clip_core.jobs import JobBoard, JobKey, JobView, job_key
from clip_core.pipeline.identify import known_video
from clip_core.pipeline.list_videos import VideoChoice
from clip_core.store.store import EmbeddingStore, RunRecord
from clip_core.text import clock
from clip_core.values import Progress, VideoRecord
from clip_core.video.sampling import is_denser
from pages.parts.cached import board, stamp
from pages.parts.running import draw_running
from pages.parts.text import literal, told

LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class Wish:
    """What is to be indexed, with what, where to, and how densely (None: every frame)."""

    video: VideoChoice
    encoder: ShownEncoder
    store: EmbeddingStore
    rate: float | None

    @property
    def key(self) -> JobKey:
        """Its name on the board of jobs."""
        return job_key(self.video.path, self.encoder)

    def submit(self) -> None:
        """Put it on the board, or join who asked for it before. Also a callback."""
        board().submit(self.video.path, self.encoder, self.store, self.rate, viewer())


@dataclass(frozen=True)
class Indexed:
    """What is known of the chosen video under the chosen model at this rerun.

    ``gone`` is the error when the file lies there no longer; what was indexed of it is shown all the same.
    ``forgotten`` says that this session has seen what was stored of the file, and that it is stored no longer.
    """

    record: VideoRecord | None
    run: RunRecord | None
    job: JobView | None
    gone: VideoNotFoundError | None = None
    forgotten: bool = False


def see_to_it(wish: Wish) -> Indexed:
    """Ask for what is missing to be indexed, once for each wish; return how things stand.

    Raises:
        VideoError: The file is not there, and was never indexed.
        StoreError: The store cannot be read.
    """
    state = st.session_state
    job = board().view(wish.key, viewer())  # before the records: a job that has ended has written them
    try:
        found = stamp(wish.video.path)
        asking = (wish.key, wish.rate, found)
        record = known_video(wish.video.path, wish.store, found)
    except VideoNotFoundError as error:
        return _without_file(wish, job, error)
    run = None if record is None else wish.store.run(record.video_id, wish.encoder.fingerprint)
    asked = state.get("index_wish")
    # Who comes to a job that somebody cancelled, or that failed, sees that and may resume it.
    stopped = job is not None and job.state in ("cancelled", "failed") and (asked is None or asked[0] != wish.key)
    if _lacking(record, run, wish.rate) and asked != asking and not stopped:
        wish.submit()
        job = board().view(wish.key, viewer())
    state.index_wish = asking
    if record is not None:
        state.seen_stored = (wish.video.path, found)
    forgotten = record is None and state.get("seen_stored") == (wish.video.path, found)
    return Indexed(record, run, job, forgotten=forgotten)


def _without_file(wish: Wish, job: JobView | None, error: VideoNotFoundError) -> Indexed:
    """What is stored of a file that lay there once."""
    lay = str(wish.video.path.absolute())
    record = next((record for record in wish.store.videos() if record.path == lay), None)
    run = None if record is None else wish.store.run(record.video_id, wish.encoder.fingerprint)
    if record is None or run is None:
        raise error
    return Indexed(record, run, job, error)


def viewer() -> str:
    """This session's name on the board of jobs."""
    return str(st.session_state.setdefault("viewer", uuid.uuid4().hex))


def _lacking(record: VideoRecord | None, run: RunRecord | None, rate: float | None) -> bool:
    if record is None or run is None or not run.finished or not record.table.confirmed:
        return True
    return is_denser(rate, run.samples_per_second)


def density_text(run: RunRecord | None) -> str:
    """How densely a video was indexed, such as "5/s"."""
    if run is None:
        return "not begun"
    return "every frame" if run.samples_per_second is None else f"{run.samples_per_second:g}/s"


def draw_status(wish: Wish, indexed: Indexed, samples: int) -> None:
    """Draw the slot: progress with cancel, a warning, Resume, or the idle line."""
    job, record = indexed.job, indexed.record
    unreadable = None if record is None else record.unreadable_after_s
    failed = job is not None and job.state == "failed"
    warned = job is not None and job.progress is not None and len(job.progress.warnings) > 0
    tall = unreadable is not None or failed or warned or indexed.gone is not None
    with st.container(height="content" if tall else 38, border=False, vertical_alignment="center", key="status"):
        if job is not None and job.active:
            st.session_state.status_drawn = True
            st.fragment(_live, run_every=LOOK_EVERY_S)(board(), job.key)
            return
        if indexed.gone is not None:
            st.warning(f"{literal(indexed.gone.what)} What is indexed of it is kept.", icon=":material/warning:")
            return
        if unreadable is not None:
            text = f"Unreadable after {clock(unreadable)}. The first {samples:,} samples are kept."
            st.warning(text, icon=":material/warning:")
        for warning in () if unreadable is not None or job is None or job.progress is None else job.progress.warnings:
            st.warning(literal(warning), icon=":material/warning:")
        if job is not None and job.error is not None and failed and record is not None:
            st.error(told(job.error), icon=":material/error:")
        if _lacking(record, indexed.run, wish.rate):
            _resume(wish, job, "0 samples · forgotten" if indexed.forgotten else _samples_text(job, samples))
        elif unreadable is None:
            counted = f"{samples:,} sample{'' if samples == 1 else 's'} indexed"
            st.caption(f":material/check: {counted} · {density_text(indexed.run)}")


def _samples_text(job: JobView | None, samples: int) -> str:
    progress = job.progress if job is not None else None
    of = f" of {progress.total:,}" if progress is not None else ""
    stopped = " · cancelled" if job is not None and job.state == "cancelled" else ""
    return f"{samples:,}{of} samples{stopped}"


def _resume(wish: Wish, job: JobView | None, text: str) -> None:
    failed = job is not None and job.state == "failed"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        st.caption(text)
        st.button(
            "Try again" if failed else "Resume",
            key="resume",
            on_click=wish.submit,
            help="Go on where it stopped. What is indexed is not done again.",
        )


def _live(jobs: JobBoard, key: JobKey) -> None:
    """The moving part: runs every second by itself, and runs the page when there is something new to draw."""
    job = jobs.view(key, viewer())
    page_is_running = st.session_state.pop("status_drawn", False)
    if job is None or not job.active:  # it ended since the page looked, which will not draw this again
        st.rerun(scope="app")
    if not page_is_running and _done(job.progress) != st.session_state.get("drawn"):
        st.rerun(scope="app")
    st.session_state.drawn = _done(job.progress)
    draw_running(
        "cancel",
        key,
        _share(job.progress),
        _text(job),
        "Cancel. What is indexed is kept.",
        others=partial(_others, jobs, key),
        cancel=partial(jobs.cancel, key),
    )


def _others(jobs: JobBoard, key: JobKey) -> int:
    job = jobs.view(key, viewer())
    return 0 if job is None else job.others


def _done(progress: Progress | None) -> int:
    return -1 if progress is None else progress.done


def _share(progress: Progress | None) -> float:
    return 0.0 if progress is None or progress.total == 0 else min(1.0, progress.done / progress.total)


def _text(job: JobView) -> str:
    progress = job.progress
    if job.state == "waiting":
        return f"Waiting: number {job.place} in line"
    if progress is None:
        return "Opening the video"
    if progress.stage == "identifying":
        return literal(progress.note)
    if progress.stage == "waiting":
        return f"{progress.done:,} / {progress.total:,} · another process is indexing this"
    text = f"{progress.done:,} / {progress.total:,}"
    if progress.frames_per_second:
        text += (
            f" · {progress.frames_per_second:.0f}/s"
            if progress.frames_per_second >= 10
            else f" · {progress.frames_per_second:.1f}/s"
        )
    if progress.seconds_left is not None:
        text += f" · {clock(progress.seconds_left, 0)} left"
    return text
