"""Sidebar, status slot: make sure that the chosen video is indexed, and show the progress."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from clip_core.addresses import is_address
from clip_core.analysis.stored_videos import forget_outdated_copy
from clip_core.encoders.base import ShownEncoder
from clip_core.errors import NotIndexedError, ProxyError, VideoChangedError, VideoNotFoundError
from clip_core.library.buckets import shown_address
from clip_core.library.identify import known_video, reindex_error
from clip_core.library.subtitles import subtitles_are_current
from clip_core.library.videos import VideoChoice, lies_at
from clip_core.store.runs import RunRecord
from clip_core.store.store import EmbeddingStore
from clip_core.task_queue import TaskView
from clip_core.tasks import IndexKey, index_key
from clip_core.text import clock, counted
from clip_core.types import VideoRecord
from clip_core.video.sampling import is_denser
from pages.shared.access import READ_ONLY
from pages.shared.cache import config, index_queue, stamp
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import region_state
from pages.shared.task_row import TaskRow, draw_task_row, left_text, session_id


@dataclass
class IndexingState:
    """What this session has asked for and seen.

    Attributes:
        asked: Key, rate and file stamp of the last request: one is submitted once.
        asked_to_read: The same, if the last request was for the subtitles of a video that is indexed.
        seen_stored: Path and stamp of the last file that was seen stored.
        drawn_with_page: Whether the progress has just been drawn with the page, and not by its own fragment.
        drawn: How many samples there were when the progress was drawn last.
        copy_error: Why an outdated copy to play could not be deleted.
    """

    asked: tuple[IndexKey, float | None, tuple[int, int]] | None = None
    asked_to_read: tuple[IndexKey, float | None, tuple[int, int]] | None = None
    seen_stored: tuple[Path, tuple[int, int]] | None = None
    drawn_with_page: bool = False
    drawn: float | None = None
    copy_error: ProxyError | None = None


@dataclass(frozen=True)
class IndexRequest:
    """A video to index, the encoder, the store, and the rate in samples per second (None: every frame)."""

    video: VideoChoice
    encoder: ShownEncoder
    store: EmbeddingStore
    rate: float | None

    @property
    def key(self) -> IndexKey:
        """The key of this request in the queue."""
        return index_key(self.video.path, self.encoder)

    def submit(self) -> None:
        """Start indexing, or join the task if the same key is queued or running. Also a callback."""
        index_queue().start(self.video.path, self.encoder, self.store, self.rate, session_id())


@dataclass(frozen=True)
class Indexed:
    """The state of the chosen video under the chosen model at this rerun.

    ``gone`` is the error if the file no longer exists; what was indexed of it is still shown.
    ``forgotten`` says that this session has seen the file stored, and that it no longer is.
    ``outdated`` says why the stored data cannot be used; ``record`` is None then.
    """

    record: VideoRecord | None
    run: RunRecord | None
    job: TaskView[IndexKey] | None
    gone: VideoNotFoundError | None = None
    forgotten: bool = False
    outdated: NotIndexedError | None = None


def see_to_it(request: IndexRequest) -> Indexed:
    """Start indexing what is missing, once per video, model, rate and file stamp; return the current state.

    Raises:
        VideoError: The file does not exist, and nothing usable of it is stored for this model.
        StoreError: The store cannot be read.
    """
    state = region_state(IndexingState)
    # The job is read before the records: one that has ended has written them.
    job = index_queue().view(request.key, session_id())
    try:
        found = stamp(request.video.path)
        asking = (request.key, request.rate, found)
        record = known_video(request.video.path, request.store, found)
    except VideoNotFoundError as error:
        return _without_file(request, job, error)
    outdated = None if record is None else reindex_error(record, request.store)
    if outdated is not None:
        return Indexed(None, None, job, outdated=outdated)
    run = None if record is None else request.store.run(record.video_id, request.encoder.fingerprint)
    asked = state.asked
    # A cancelled or failed job is not restarted for a new request: the page shows its state and offers Resume.
    stopped = job is not None and job.state in ("cancelled", "failed") and (asked is None or asked[0] != request.key)
    # Nor for a new state of the file: one that is being recorded has another at each rerun.
    stopped = stopped or (job is not None and isinstance(job.error, VideoChangedError))
    lacking = _lacking(record, run, request.rate)
    reads = not lacking and _lacks_subtitles(request, record)
    if (lacking and asked != asking and not stopped) or (reads and state.asked_to_read != asking):
        request.submit()
        job = index_queue().view(request.key, session_id())
    state.asked, state.asked_to_read = asking, asking if reads else None
    if record is not None:
        state.seen_stored = (request.video.path, found)
    forgotten = record is None and state.seen_stored == (request.video.path, found)
    return Indexed(record, run, job, forgotten=forgotten)


def forget() -> None:
    """Forget the last request: what was removed from the store may be indexed again."""
    region_state(IndexingState).asked = None


def _without_file(request: IndexRequest, job: TaskView[IndexKey] | None, error: VideoNotFoundError) -> Indexed:
    """Return what is stored of a file that no longer exists; raise ``error`` if nothing of it is usable."""
    lay, seen = str(request.video.path.absolute()), region_state(IndexingState).seen_stored
    last_id = None if seen is None or seen[0] != request.video.path else request.store.known_id(lay, *seen[1])
    there = [
        known.video_id for known in request.store.summaries() if lies_at(known, request.video.path)
    ]  # several, if it was replaced
    found = last_id if last_id in there else next(iter(there), None)
    record = None if found is None else request.store.video(found)
    run = None if record is None else request.store.run(record.video_id, request.encoder.fingerprint)
    if record is None or run is None or reindex_error(record, request.store) is not None:
        raise error
    if is_address(record.path):
        step = "Index it again by its address."
        error = VideoNotFoundError(f"This video lies in a bucket: {shown_address(record.path)}.", step)
    return Indexed(record, run, job, error)


def _lacking(record: VideoRecord | None, run: RunRecord | None, rate: float | None) -> bool:
    if record is None or run is None or not run.finished or not record.table.confirmed:
        return True
    return is_denser(rate, run.samples_per_second)


def _lacks_subtitles(request: IndexRequest, record: VideoRecord | None) -> bool:
    """Return whether a file beside the video says what is said in it and was not read yet; indexing reads it."""
    if record is None or request.store.read_only:
        return False
    return not subtitles_are_current(request.video.path, record.video_id, request.store)


def density_text(run: RunRecord | None) -> str:
    """Return how densely a video was indexed, such as "5/s"."""
    if run is None:
        return "not begun"
    return "every frame" if run.samples_per_second is None else f"{run.samples_per_second:g}/s"


def draw_status(request: IndexRequest, indexed: Indexed, samples: int) -> None:
    """Draw the slot: progress with cancel, a warning, Resume, or the idle line."""
    job, record = indexed.job, indexed.record
    unreadable = None if record is None else record.unreadable_after_s
    failed = job is not None and job.state == "failed"
    warnings = () if job is None or job.progress is None else job.progress.warnings
    is_gone = indexed.gone is not None and (record is None or not is_address(record.path))
    tall = unreadable is not None or failed or warnings or is_gone
    with st.container(height="content" if tall else 38, border=False, vertical_alignment="center", key="status"):
        if job is not None and job.active:
            region_state(IndexingState).drawn_with_page = True
            help_text = "Cancel. What is indexed is kept."
            draw_task_row(TaskRow(index_queue(), job.key, session_id(), _text, "cancel", help_text, on_look=_show_more))
            return
        if record is not None and is_address(record.path):
            st.caption(
                f":material/cloud: {counted(samples, 'sample')} indexed · {density_text(indexed.run)} · in a bucket"
            )
            return
        if indexed.gone is not None:
            text = f"{escape_markdown(indexed.gone.what)} What is indexed of it is kept."
            st.warning(text, icon=":material/warning:")
            return
        texts = [escape_markdown(warning) for warning in warnings]
        if unreadable is not None:
            texts = [f"Unreadable after {clock(unreadable)}. The first {samples:,} samples are kept."]
        for text in texts:
            st.warning(text, icon=":material/warning:")
        lacking = _lacking(record, indexed.run, request.rate)
        if job is not None and job.error is not None and failed and record is not None and lacking:
            st.error(error_markdown(job.error), icon=":material/error:")
        if lacking and request.store.read_only:
            st.caption(f"{counted(samples, 'sample')} indexed · {READ_ONLY}")
        elif lacking:
            _draw_resume(request, indexed, samples)
        elif unreadable is None:
            st.caption(f":material/check: {counted(samples, 'sample')} indexed · {density_text(indexed.run)}")


def _draw_resume(request: IndexRequest, indexed: Indexed, samples: int) -> None:
    """Draw how far indexing is, and the button that goes on."""
    job, label, help_text = indexed.job, "Resume", "Go on where it stopped. What is indexed is not done again."
    of = f" of {job.progress.total:,}" if job is not None and job.progress is not None else ""
    text = f"{samples:,}{of} samples{' · cancelled' if job is not None and job.state == 'cancelled' else ''}"
    if indexed.forgotten:
        text = "0 samples · forgotten"
    if indexed.outdated is not None:
        text, label, help_text = "Indexed by an earlier version", "Index again", "From the start."
    if job is not None and job.state == "failed":
        label = "Try again"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        st.caption(text)
        act = partial(_index_again, request) if indexed.outdated is not None else request.submit
        st.button(label, key="resume", on_click=act, help=help_text)
    if (error := region_state(IndexingState).copy_error) is not None:
        st.caption(f":material/warning: {error_markdown(error)}")


def _index_again(request: IndexRequest) -> None:
    """Start indexing from the start; a copy to play shows the pictures as they were read before, so it goes."""
    state = region_state(IndexingState)
    state.copy_error = None
    try:
        forget_outdated_copy(request.video.path, request.store, config())
    except ProxyError as error:
        state.copy_error = error
    request.submit()


def _show_more(job: TaskView[IndexKey]) -> None:
    """Rerun the page when there are new samples to draw."""
    state = region_state(IndexingState)
    with_page, state.drawn_with_page = state.drawn_with_page, False
    done = -1 if job.progress is None else job.progress.done
    if not with_page and done != state.drawn:
        st.rerun(scope="app")
    state.drawn = done


def _text(job: TaskView[IndexKey]) -> str:
    progress = job.progress
    if job.state == "waiting":
        if index_queue().paused:
            return "Waiting: the queue is paused, *Library* resumes it"
        return f"Waiting: number {job.place} in line"
    if progress is None:
        return "Opening the video"
    if progress.stage == "identifying":
        return escape_markdown(progress.note)
    if progress.stage == "waiting" and progress.note:
        return f"{progress.done:,} / {progress.total:,} · {escape_markdown(progress.note)}{left_text(progress)}"
    if progress.stage == "waiting":
        return f"{progress.done:,} / {progress.total:,} · another process is indexing this"
    text = f"{progress.done:,} / {progress.total:,}"
    if rate := progress.frames_per_second:
        text += f" · {rate:.{0 if rate >= 10 else 1}f}/s"
    return text + left_text(progress)
