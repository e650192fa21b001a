"""The background tasks of this process, one queue per kind of work: indexing, proxies, exports, downloads."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeAlias

from clip_core.addresses import is_address
from clip_core.encoders.base import Encoder
from clip_core.encoders.hub import DownloadPlan, download, plan_download
from clip_core.encoders.hub_cache import MAIN
from clip_core.encoders.model_files import AUTO
from clip_core.errors import ClipVideoError, DownloadSizeError, VideoError, shown_name
from clip_core.indexing.index_source import index_source
from clip_core.library.identify import file_stamp
from clip_core.media.export_media import ExportRequest, export_media
from clip_core.media.exports_folder import CLIPS_ZIP, clean_exports
from clip_core.media.proxies import make_proxy
from clip_core.store.store import EmbeddingStore
from clip_core.task_queue import TaskQueue
from clip_core.text import size_text
from clip_core.types import Progress, VideoRecord

Work: TypeAlias = Callable[..., Generator[Progress, None, None]]
IndexKey: TypeAlias = tuple[str, str]
DownloadKey: TypeAlias = tuple[str, str, str]

MOST_ENDED = 10_000
"""So many videos that were indexed, or could not be, are remembered with their state."""
_log = logging.getLogger(__name__)


class IndexQueue(TaskQueue[IndexKey]):
    """Runs ``index_source``, or ``index`` in tests, one video at a time, in the order of the requests.

    Of those of a batch, all get their coarse pass before any goes on, so that all are searchable early.
    """

    def __init__(self, index: Callable[..., Iterator[Progress]] | None = None) -> None:
        super().__init__(
            "Indexing",
            "What was indexed is kept; the server's log says more.",
            "What was indexed is kept; press Resume to go on.",
            at_once=1,
            newest_first=False,
            most_ended=MOST_ENDED,
            resumable=True,
        )
        self._index = index or index_source

    def start(
        self,
        path: str | os.PathLike[str],
        encoder: Encoder,
        store: EmbeddingStore,
        rate: float | None,
        viewer: str,
        *,
        batch: bool = False,
    ) -> IndexKey:
        """Index a video, or join the task that does; a higher rate (samples/s; None: every frame) extends that.

        ``batch`` says that it is one of several, and gets its coarse pass first; if the file fails, the store lists it.
        """
        key = index_key(path, encoder)

        def steps(*, coarse_only: bool = False) -> Generator[Progress, None, None]:
            index = partial(self._index, coarse_only=True) if coarse_only else self._index
            try:
                yield from index(key[0], encoder, store, samples_per_second=rate)
                if batch and not coarse_only:
                    store.forget_failure(key[0])
            except VideoError as error:
                if batch:  # the others go on; the store lists it with its reason
                    store.remember_failure(key[0], str(error))
                raise
            except ClipVideoError:
                raise
            except Exception as error:
                _log.exception("indexing failed unexpectedly")
                raise self._unexpected(error, f"Indexing {shown_name(key[0])}") from error

        first = partial(steps, coarse_only=True) if batch else None
        self.submit(key, steps, viewer, demand=math.inf if rate is None else rate, first=first)
        return key

    def cancel_file(self, path: str | os.PathLike[str]) -> None:
        """Cancel the indexing of a file under all models."""
        real = index_place(path)
        for key in [key for key in self._tasks.copy() if key[0] == real]:
            self.cancel(key)


def index_key(path: str | os.PathLike[str], encoder: Encoder) -> IndexKey:
    """Return the key of an indexing task: the ``index_place`` and the model's fingerprint."""
    return index_place(path), encoder.fingerprint


def index_place(path: str | os.PathLike[str]) -> str:
    """Return a file's real path, or the address of an object as it is."""
    return os.fspath(path) if is_address(path) else os.path.realpath(path)


class ProxyQueue(TaskQueue[str]):
    """Runs ``make_proxy``, or ``make`` in tests, one video at a time; the key is the video's id."""

    def __init__(self, make: Work | None = None) -> None:
        super().__init__("The copy to play", "Nothing of it is kept; try again.", at_once=1)
        self._make = make or make_proxy

    def start(
        self,
        path: Path,
        record: VideoRecord,
        destination: Path,
        viewer: str = "somebody",
        stamp: tuple[int, int] | None = None,
    ) -> None:
        """Make a proxy of a video, or join the task that does; ``stamp`` is the file's when it was identified.

        Raises:
            VideoNotFoundError: There is no such file.
        """
        now = file_stamp(path)
        stamp = stamp or now
        self.submit(record.video_id, lambda: self._make(path, destination, table=record.table, stamp=stamp), viewer)


class ExportQueue(TaskQueue[str]):
    """Runs ``export_media``, or ``make`` in tests, and makers of ZIPs and films, one request at a time.

    The ``files`` of the last report are the results, kept for a day.

    Args:
        folder: Holds one folder per result; old ones are deleted now and before each export.
    """

    def __init__(self, folder: Path, make: Work | None = None) -> None:
        super().__init__("The export", "Nothing of it is kept; try again.", at_once=1)
        self._folder, self._make = folder, make or export_media
        clean_exports(folder)

    def start(
        self,
        path: Path,
        record: VideoRecord,
        request: ExportRequest,
        viewer: str = "somebody",
        stamp: tuple[int, int] | None = None,
    ) -> str:
        """Make clips, frames or a ZIP of a video, or join the task that does.

        Args:
            stamp: The file's ``file_stamp`` when it was identified; None: it was just now.

        Raises:
            VideoNotFoundError: There is no such file.
        """
        now, key = file_stamp(path), export_key(record.video_id, request)
        stamp = stamp or now
        self._submit(key, lambda folder: self._make(path, request, folder, table=record.table, stamp=stamp), viewer)
        return key

    def start_file(
        self,
        key: str,
        make: Callable[[Path], Generator[Progress, None, None]],
        viewer: str = "somebody",
        file_name: str = CLIPS_ZIP,
    ) -> None:
        """Make a file of several videos, or join the task that does.

        Args:
            key: 32 hex digits that say what is in it.
            make: Writes the file at a path.
            file_name: One of ``RESULTS``.
        """
        self._submit(key, lambda folder: make(folder / file_name), viewer)

    def _submit(self, key: str, make: Callable[[Path], Generator[Progress, None, None]], viewer: str) -> None:
        result = self._folder / key

        def steps() -> Generator[Progress, None, None]:
            clean_exports(self._folder)
            shutil.rmtree(result, ignore_errors=True)
            done = False
            try:
                with closing(make(result)) as reports:
                    for progress in reports:
                        done = progress.stage == "done"
                        yield progress
            finally:
                if not done:
                    shutil.rmtree(result, ignore_errors=True)

        self.submit(key, steps, viewer)


def export_key(video_id: str, request: ExportRequest) -> str:
    """Return the key of an export, 32 hex digits over video and request: also the name of the result's folder."""
    return hashlib.sha256(f"{video_id} {request.digest}".encode()).hexdigest()[:32]


class DownloadQueue(TaskQueue[DownloadKey]):
    """Runs downloads of models, all at the same time. The first report comes when the hub has named the sizes."""

    def __init__(self, plan: Callable[..., DownloadPlan] = plan_download, fetch: Work = download) -> None:
        after_cancel = "What has arrived is kept; start it again to go on."
        super().__init__("The download", "What has arrived is kept; try again.", after_cancel)
        self._plan, self._fetch = plan, fetch

    def start(
        self, model_id: str, revision: str = MAIN, precision: str = AUTO, most_bytes: int | None = None
    ) -> DownloadKey:
        """Download a model, or join the task that does.

        If more than the agreed ``most_bytes`` (None: any) are missing, nothing is downloaded: ``DownloadSizeError``.
        """
        key = (model_id, revision, precision)

        def steps() -> Generator[Progress, None, None]:
            plan = self._plan(*key)
            missing, total = plan.missing_bytes, plan.total_bytes
            yield Progress(total - missing, total, stage="download")
            if most_bytes is not None and missing > most_bytes:
                what = f"The hub says: {size_text(missing)} ({plan.precision}) in {len(plan.files)} files."
                raise DownloadSizeError(what, "Agree to that size to fetch them.")
            yield from self._fetch(plan)

        self.submit(key, steps)
        return key

    def cancel(self, key: DownloadKey, *, at_once: bool = False) -> None:
        """Stop a download within about a second; what has arrived stays."""
        task = self.view(key)
        # The hub may take long to answer, and until then there is no download to stop.
        super().cancel(key, at_once=at_once or (task is not None and task.progress is None))
