"""Index several videos: first a few keyframes of each, then each in full, then once more what changed meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from clip_core.addresses import is_address
from clip_core.analysis.stored_videos import forget_outdated_copy
from clip_core.cli import terminal
from clip_core.cli.options import Options, about
from clip_core.encoders.base import Encoder
from clip_core.errors import (
    ClipVideoError,
    StoreError,
    StoreUnreachableError,
    VideoChangedError,
    VideoError,
    shown_name,
)
from clip_core.indexing.activity import ActivityReporter
from clip_core.indexing.index_source import index_source
from clip_core.library.identify import is_there, known_video, stamp_if_there
from clip_core.media.file_facts import file_facts
from clip_core.text import clock, counted, shorten
from clip_core.types import Progress

MOST_OF_PATH = 80


class IndexPasses:
    """Videos to index with one model, one after another; one that fails stops none of the others.

    Args:
        paths: The videos as they were named, each once.
        options: Names the store, which lists what failed.
        encoder: The model.
        samples_per_second: None means every frame.
    """

    def __init__(
        self, paths: Sequence[str], options: Options, encoder: Encoder, samples_per_second: float | None
    ) -> None:
        self._paths, self._options, self._encoder, self._rate = paths, options, encoder, samples_per_second
        self._store = options.store
        self._is_several = len(paths) > 1
        self._missing = {path for path in paths if not is_address(path) and not is_there(path)}
        self._failed: dict[str, _Failure] = {}
        self._facts_told: set[str] = set()
        self._begun: dict[str, Sequence[str]] = {}
        self._time = _TimeLeft()
        self._reporter = ActivityReporter(self._store, encoder.id, len(paths))
        self._done = 0
        self._samples: dict[str, int] = {}

    def run(self) -> int:
        """Index the videos, list what failed, and return how many did."""
        with self._reporter:
            if self._is_several:
                self._index_several()
            else:
                self._index(self._paths[0])
        return len(self._failed)

    def _index_several(self) -> None:
        try:
            self._look_at_each()
            for done, path in enumerate(self._paths):
                if path not in self._failed:
                    self._index(path, f"; video {done + 1} of {len(self._paths)}")
            self._try_changed_again()
        finally:  # also when Ctrl-C stops it
            self._list_failed()

    def _look_at_each(self) -> None:
        """Embed a few keyframes of each video, so that all can be searched before any is indexed in full.

        Not of those in buckets: each would be fetched whole for it, and once more later.
        """
        paths = [path for path in self._paths if not is_address(path)]
        total = len(paths)
        with terminal.ProgressBar("First look") as bar:
            for done, path in enumerate(paths):
                with self._noting_failure(path, bar.note):
                    for progress in self._progress(path, bar, coarse_only=True):
                        if progress.frames_per_second:
                            self._begun[path] = progress.warnings
                        text = f"{done} of {total} videos; {progress.note or shown_name(path)}"
                        bar.update((done + progress.share) / total, text, done=False)

    def _index(self, path: str, place: str = "") -> None:
        """Index one video in full; ``place`` says which of the videos it is."""
        warnings: Sequence[str] = ()
        with self._noting_failure(path):
            with self._time.of(path), terminal.ProgressBar(path) as bar:
                for progress in self._progress(path, bar):
                    warnings = progress.warnings
                    left_s = self._time.left_s(progress.share) if place else None
                    bar.show(progress, place + terminal.time_left(left_s))
            warnings = (*self._begun.get(path, ()), *warnings)
            self._tell_indexed(path, warnings, idle=bar.idle and path not in self._begun)
            self._store.forget_failure(path)
            self._done += 1

    def _progress(self, named: str, bar: terminal.ProgressBar, *, coarse_only: bool = False) -> Iterator[Progress]:
        path = self._path_of(named)
        with about(path):
            forget_outdated_copy(path, self._store, self._options.config)
            progresses = index_source(
                path,
                self._encoder,
                self._store,
                samples_per_second=self._rate,
                on_known=lambda: self._known(path, named, bar),
                coarse_only=coarse_only,
            )
            with closing(progresses):  # type: ignore[type-var]
                for progress in progresses:
                    self._report(path, progress)
                    yield progress

    def _report(self, path: str, progress: Progress) -> None:
        """Let other processes know how far the videos are."""
        self._samples[path] = int(progress.done)
        self._reporter.report(
            lambda: {
                "current": shown_name(path),
                "done": self._done,
                "failed": len(self._failed),
                "samples": sum(self._samples.values()),
                "per_second": progress.frames_per_second,
                "left_s": self._time.left_s(progress.share),
            }
        )

    def _path_of(self, named: str) -> str:
        return named if is_address(named) else self._options.video_path(named)

    def _known(self, path: str, named: str, bar: terminal.ProgressBar) -> None:
        """Say once what the page shows beside the facts of the file, before anything is embedded."""
        record = known_video(path, self._store)
        if record is None or path in self._facts_told:
            return
        self._facts_told.add(path)
        self._time.lengths_s[named] = record.table.end_s
        facts = () if is_address(path) else file_facts(Path(path), record)
        if facts:
            frames = counted(len(record.table), "frame")
            bar.note(f"{shown_name(path)}: {frames}, {clock(record.table.end_s)}; {', '.join(facts)}")

    def _tell_indexed(self, named: str, warnings: Sequence[str], *, idle: bool) -> None:
        path = self._path_of(named)
        record = known_video(path, self._store)
        if record is None:
            raise VideoError(f"{shown_name(path)} changed while it was read.", "Run the same command again.")
        for warning in warnings:
            terminal.note(f"{shown_name(path)}: {warning}")
        count = len(self._store.stored_pts(record.video_id, self._encoder.fingerprint))
        samples = counted(count, "sample")
        done = " (nothing to do)" if idle else ""
        terminal.event("indexed", video=path, id=record.video_id, samples=count, length_s=record.table.end_s)
        terminal.line(f"{record.name}: {samples} of {clock(record.table.end_s)}, {record.video_id}{done}")

    @contextmanager
    def _noting_failure(self, path: str, tell: Callable[[str], None] = terminal.note) -> Iterator[None]:
        """Tell an error within the block, and list it in the store unless the file never was there.

        Of several videos, the reason follows in the list at the end.
        """
        try:
            yield
        except StoreUnreachableError:
            raise  # the other videos would fail as well, each after its own wait
        except ClipVideoError as error:
            tell(f"{shown_name(path)} failed." if self._is_several else error.line)
            terminal.event("failed", video=path, reason=error.line)
            self._failed[path] = _Failure(path, error)
            if path in self._missing:
                self._store.forget_failure(path)
            elif not isinstance(error, StoreError):
                self._store.remember_failure(path, error.line)

    def _try_changed_again(self) -> None:
        """Index once more what failed and has changed since, such as a file that was still being copied."""
        for path, failure in list(self._failed.items()):
            if failure.is_worth_another_try():
                terminal.note(f"{shown_name(path)} has changed since: it is tried once more.")
                del self._failed[path]
                self._index(path)

    def _list_failed(self) -> None:
        reasons = {path: failure.error.line for path, failure in self._failed.items()}
        list_failed(reasons, len(self._paths), may_try_again=bool(reasons.keys() - self._missing))


def list_failed(reasons: Mapping[str, str], total: int, *, may_try_again: bool) -> None:
    """Write which videos failed and why: path → reason, of ``total`` videos."""
    if reasons:
        step = " Take only these again with --retry-failed:" if may_try_again else ""
        terminal.note(f"{len(reasons)} of {counted(total, 'video')} failed.{step}")
    for path, reason in reasons.items():
        terminal.note(f"  {shorten(path, MOST_OF_PATH, tail=MOST_OF_PATH - 2)}: {reason}")


class _Failure:
    """Why a video could not be indexed, and the state of its file after that."""

    def __init__(self, path: str, error: ClipVideoError) -> None:
        self.error, self._path, self._stamp = error, Path(path), stamp_if_there(Path(path))
        self._is_object = is_address(path)

    def is_worth_another_try(self) -> bool:
        changed = isinstance(self.error, VideoChangedError) or stamp_if_there(self._path) != self._stamp
        return changed and (self._is_object or is_there(self._path))


class _TimeLeft:
    """Estimates how long the videos still take from the lengths of its videos.

    Attributes:
        lengths_s: Path → length of the video in seconds, as far as they are known.
    """

    def __init__(self) -> None:
        self.lengths_s: dict[str, float] = {}
        self._path = ""
        self._began: float | None = None
        self._done_s = 0.0

    @contextmanager
    def of(self, path: str) -> Iterator[None]:
        """Count the video at ``path`` as done after the block, however it ends."""
        self._path = path
        self._began = time.monotonic() if self._began is None else self._began
        try:
            yield
        finally:
            self._done_s += self.lengths_s.pop(path, 0.0)

    def left_s(self, share: float) -> float | None:
        """Return the seconds that all still take; of the current video a share is done. None if unknown."""
        now_s = share * self.lengths_s.get(self._path, 0.0)
        worked_s = self._done_s + now_s
        if self._began is None or not worked_s:
            return None
        return (sum(self.lengths_s.values()) - now_s) * (time.monotonic() - self._began) / worked_s
