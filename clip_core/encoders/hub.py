"""Plan and run downloads of models from the Hugging Face hub.

Nothing is downloaded unasked: a plan is made and shown first.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import RepoSibling
from pydantic import ValidationError

from clip_core.encoders.catalogue import precision_order
from clip_core.encoders.hub_cache import (
    COMMIT,
    MAIN,
    NEEDED,
    OPTIONAL,
    cache_root,
    is_model_id,
    is_revision,
    is_whole,
    repository_folder,
)
from clip_core.encoders.model_files import (
    AUTO,
    MOST_MODEL_BYTES,
    MOST_SMALL_BYTES,
    Precision,
    choose_towers,
    no_towers,
    providers_here,
)
from clip_core.encoders.transfer import PlannedFile, Transfer, answer_error, disk_error, web_page_error
from clip_core.errors import DownloadError
from clip_core.files import lacking_room, nearest_folder
from clip_core.text import size_text
from clip_core.types import Progress

API_TIMEOUT_S = 20.0
SPARE_BYTES = 64 * 2**20
EVERY_S = 0.25
RATE_OVER_S = 8.0


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What a download would fetch: all files of a commit that are needed, including those already cached."""

    model_id: str
    revision: str
    commit: str
    precision: Precision
    files: tuple[PlannedFile, ...]

    @property
    def total_bytes(self) -> int:
        """The size of all files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def missing_bytes(self) -> int:
        """The size of all files not yet cached; partly downloaded ones count in full."""
        return sum(file.size_bytes for file in self.files if not file.cached)


def plan_download(model_id: str, revision: str = MAIN, precision: str = AUTO) -> DownloadPlan:
    """Ask the hub for a model's files, in one request, and choose those that this machine needs.

    Args:
        model_id, revision: The repository, and a commit, branch or tag.
        precision: "auto" (what runs best here) or one precision.

    Raises:
        EncoderError: The hub cannot be reached or refuses, or the model does not exist or is not supported.
    """
    if not is_model_id(model_id) or not is_revision(revision):
        raise DownloadError("This cannot be a model on the hub.", "Names look like Xenova/clip-vit-base-patch32.")
    order = precision_order(model_id, precision, providers_here())
    try:
        info = HfApi().model_info(model_id, revision=revision, files_metadata=True, timeout=API_TIMEOUT_S)
        there = {entry.rfilename: entry for entry in info.siblings or ()}
        commit = info.sha or ""
    except Exception as error:  # noqa: BLE001 - the libraries' errors have no common base class
        raise answer_error(error, model_id) from _cause(error)
    if COMMIT.fullmatch(commit) is None:
        raise web_page_error(model_id)
    # Only known names are looked up: other files of the repository are never touched.
    towers = choose_towers(there, order)
    if towers is None:
        raise DownloadError(no_towers(model_id, there, order).what, "Use another model, or another precision.")
    for name in NEEDED:
        if name not in there:
            raise DownloadError(f"The model {model_id} lacks the file {name}.", "Use another model.")
    names = [*NEEDED, *(name for name in OPTIONAL if name in there), *towers.external, towers.vision, towers.text]
    plan = DownloadPlan(
        model_id, revision, commit, towers.precision, tuple(_planned(model_id, there, name) for name in names)
    )
    if plan.total_bytes > MOST_MODEL_BYTES:
        raise DownloadError(f"{model_id} has {size_text(plan.total_bytes)}, which is too much.", "Use another model.")
    return plan


def _planned(model_id: str, there: Mapping[str, RepoSibling], name: str) -> PlannedFile:
    entry: Any = there[name]  # the hub's answer, whose types huggingface_hub does not check
    try:
        file = PlannedFile(name, entry.size, entry.blob_id if entry.lfs is None else entry.lfs.sha256)
    except ValidationError:
        raise web_page_error(f"the size and hash of {name}") from None
    size = file.size_bytes
    if name in (*NEEDED, *OPTIONAL) and size > MOST_SMALL_BYTES:
        raise DownloadError(f"{name} of {model_id} has {size_text(size)}, which is too much.", "Use another model.")
    return replace(file, cached=is_whole(repository_folder(model_id) / "blobs" / file.digest, size))


def download(plan: DownloadPlan) -> Generator[Progress, None, None]:
    """Download the missing files of a plan. Errors are raised by the first ``next()`` or later.

    Closing the iterator stops the download. Data that arrived are kept, and the next download resumes there.

    Yields:
        Progress, at least three times a second. In the last one, done equals total and ``find_cached`` finds the model.

    Raises:
        DownloadError: The network, the hub or the disk failed, or a file's content does not match its hash.
    """
    _need_room(plan)
    transfer = Transfer(plan.model_id, plan.commit, plan.revision, plan.files)
    meter = _Meter(plan.total_bytes)
    transfer.start()
    try:
        while transfer.is_alive():
            yield meter.read(transfer.done_bytes, transfer.file)
            transfer.join(EVERY_S)
    finally:
        transfer.stop()
    if transfer.error is not None:
        raise transfer.error from _cause(transfer.error.__cause__)
    yield replace(meter.read(plan.total_bytes, transfer.file), stage="done")


def _need_room(plan: DownloadPlan) -> None:
    try:
        lacking = lacking_room(nearest_folder(cache_root()), plan.missing_bytes, SPARE_BYTES)
    except OSError as error:
        raise disk_error(error, plan.model_id) from error
    if plan.missing_bytes and lacking:
        what = f"{plan.model_id} needs {size_text(plan.missing_bytes)}, but in huggingface_hub's cache {lacking}."
        raise DownloadError(what, "Free some space, or move the cache with HF_HOME.")


def _cause(error: BaseException | None) -> BaseException | None:
    """Return the error if it may be shown in a traceback: not those of HTTP libraries, which contain addresses."""
    return error if isinstance(error, OSError) and not isinstance(error, HfHubHTTPError) else None


class _Meter:
    """Computes download rates over the last seconds."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._seen: deque[tuple[float, int]] = deque()

    def read(self, done: int, file: str) -> Progress:
        now = time.monotonic()
        self._seen.append((now, done))
        while now - self._seen[0][0] > RATE_OVER_S:
            self._seen.popleft()
        since, before = self._seen[0]
        rate = max(done - before, 0) / (now - since) if now > since else 0.0
        left = self._total - done
        left_s = 0.0 if left <= 0 else left / rate if rate > 0 else None
        return Progress(done, self._total, seconds_left=left_s, stage="download", note=file, bytes_per_second=rate)
