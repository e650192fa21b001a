"""One download in its thread: each missing file over plain HTTP, resumed, checked, and put into the cache.

huggingface_hub says where a file is, who asks (its token and headers) and with which client. The bytes are
fetched here, because its own ``hf_hub_download`` (2.4) deletes what it has of a file when it is interrupted,
reads in steps of 10 MB, which neither shows progress nor lets go within a second, and does not hash; the
chunked xet protocol leaves nothing on the disk to resume from either.

Of what the hub and the network say when they fail, only a status is passed on: their texts hold addresses, which
may be signed, and what a proxy puts into a page.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from filelock import FileLock, Timeout
from huggingface_hub import constants, get_session, get_token, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # in its __all__, which is computed

from clip_core.encoders.hub_cache import (
    cache_root,
    content_matches,
    hub_host,
    is_whole,
    put_in_place,
    repository_folder,
)
from clip_core.errors import DownloadError, EncoderError
from clip_core.files import is_full
from clip_core.text import single_line

MOST_ATTEMPTS = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 8.0
WAYS_OUT = "Use a model's folder, the Roboflow server or the sample model instead."
# Worth another try a moment later: too many requests, and servers that are ill.
PASSING = frozenset({408, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file of a plan.

    Attributes:
        name: Relative to the repository.
        size_bytes: As the hub says.
        digest: What its content must hash to: 64 hex digits SHA-256, or 40 of git's SHA-1.
        cached: Whether it is here already.
    """

    name: str
    size_bytes: int
    digest: str
    cached: bool


class _StoppedError(Exception):
    """Somebody called ``stop``."""


class _TryAgainError(Exception):
    """A failure that may pass."""

    def __init__(self, error: EncoderError) -> None:
        super().__init__(str(error))
        self.error = error


class Transfer(threading.Thread):
    """Fetches files. Start it, look at its attributes, and stop it when done or sooner.

    Attributes:
        done_bytes: What is here of all files.
        file: The name of the one at work.
        error: Why it failed, once the thread has ended.
    """

    def __init__(self, model_id: str, commit: str, revision: str, files: Sequence[PlannedFile]) -> None:
        super().__init__(name="download", daemon=True)
        self.done_bytes = sum(file.size_bytes for file in files if file.cached)
        self.file = files[0].name if files else ""
        self.error: EncoderError | None = None
        self._model_id, self._commit, self._revision, self._files = model_id, commit, revision, files
        self._folder = repository_folder(model_id)
        self._stopping = threading.Event()
        self._reading = threading.Lock()
        self._response: httpx2.Response | None = None

    def stop(self) -> None:
        """End the thread, usually within a moment; what has arrived stays.

        A thread that waits for bytes wakes up when its connection is shut. One that waits for the first answer
        ends with that request's timeout, and changes nothing then.
        """
        self._stopping.set()
        with self._reading:
            if self._response is not None:
                _shut(self._response)
        self.join(timeout=1.0)

    def run(self) -> None:
        """Fetch, then make the snapshot."""
        try:
            for file in self._files:
                if not file.cached:
                    self._fetch(file)
            put_in_place(
                self._model_id, self._commit, self._revision, [(file.name, file.digest) for file in self._files]
            )
        except _StoppedError:
            pass
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it: who started it raises this
            if not self._stopping.is_set():
                if not isinstance(error, EncoderError | OSError | httpx2.HTTPError):
                    _log.error("the download failed unexpectedly: %s", type(error).__name__)  # its text may be secret
                self.error = hub_error(error, self._model_id)
                self.error.__cause__ = error

    def _fetch(self, file: PlannedFile) -> None:
        """Make one file complete, whatever is there of it, and name it by its hash."""
        blob, before = self._folder / "blobs" / file.digest, self.done_bytes
        part = blob.with_name(f"{file.digest}.incomplete")
        blob.parent.mkdir(parents=True, exist_ok=True)
        self.file = file.name
        with _locked(cache_root() / ".locks" / self._folder.name / f"{file.digest}.lock", self._stopping):
            if not is_whole(blob, file.size_bytes):  # another process may just have fetched it
                self._complete(file, part, before)
                if not content_matches(part, file.digest):
                    part.unlink()
                    raise DownloadError(
                        f"{file.name} of {self._model_id} arrived with another content than the hub says; "
                        "it was thrown away.",
                        "Try again; something on the way may change files.",
                    )
                if self._stopping.is_set():
                    raise _StoppedError
                part.replace(blob)
        self.done_bytes = before + file.size_bytes

    def _complete(self, file: PlannedFile, part: Path, before: int) -> None:
        """Fetch until the file has its size, with new attempts while it grows beyond what it ever was."""
        attempts, most = 0, 0
        while True:
            have = part.stat().st_size if part.exists() else 0
            if have > file.size_bytes:
                part.unlink()
                have = 0
            self.done_bytes = before + have
            if have == file.size_bytes:
                part.touch()
                return
            try:
                self._stream(file, part, have, before)
            except (_TryAgainError, httpx2.TransportError) as error:
                if self._stopping.is_set():
                    raise _StoppedError from error
                grown = part.stat().st_size if part.exists() else 0
                attempts, most = (0, grown) if grown > max(have, most) else (attempts + 1, most)
                if attempts >= MOST_ATTEMPTS:
                    raise (error.error if isinstance(error, _TryAgainError) else error) from error
                if self._stopping.wait(min(FIRST_WAIT_S * 2**attempts, LONGEST_WAIT_S)):
                    raise _StoppedError from error

    def _stream(self, file: PlannedFile, part: Path, have: int, before: int) -> None:
        """One request, appended to what is there."""
        headers = build_hf_headers() | {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        url = hf_hub_url(self._model_id, file.name, revision=self._commit)
        timeout = float(constants.HF_HUB_DOWNLOAD_TIMEOUT)
        with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
            have = self._accepted(response, file, have, part)
            with self._reading:
                if self._stopping.is_set():  # after this, stop finds the response
                    raise _StoppedError
                self._response = response
            try:
                self.done_bytes = before + have
                with part.open("ab" if have else "wb") as out:
                    for chunk in response.iter_bytes():
                        if self._stopping.is_set():
                            raise _StoppedError
                        have += len(chunk)
                        if have > file.size_bytes:
                            raise DownloadError(
                                f"The hub sends more of {file.name} than the {file.size_bytes} bytes it announced.",
                                "Try again; if it stays so, use another model.",
                            )
                        out.write(chunk)
                        self.done_bytes = before + have
                if have < file.size_bytes:  # where no length was given, an end may be a break
                    raise _TryAgainError(_too_short(file, have))
            finally:
                with self._reading:  # after this the connection may serve somebody else
                    self._response = None

    def _accepted(self, response: httpx2.Response, file: PlannedFile, have: int, part: Path) -> int:
        """Check an answer before its body is read; from which byte on it is."""
        if response.status_code == 416:  # what is there is no beginning of it
            part.unlink(missing_ok=True)
            raise _TryAgainError(_too_short(file, have))
        if response.status_code not in (200, 206):
            error = status_error(response, self._model_id, file.name)
            raise _TryAgainError(error) if response.status_code in PASSING else error
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise web_page_error(f"{file.name} of {self._model_id}")
        begins = _RANGE.match(response.headers.get("Content-Range", "")) if response.status_code == 206 else None
        if response.status_code == 206 and (begins is None or int(begins[1]) != have):
            part.unlink(missing_ok=True)
            raise _TryAgainError(web_page_error(f"the rest of {file.name}"))
        start = have if response.status_code == 206 else 0
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and "Content-Encoding" not in response.headers and int(length) != file.size_bytes - start:
            raise DownloadError(
                f"The hub sends {int(length) + start} bytes of {file.name}, but announced {file.size_bytes}.",
                "Try again; if it stays so, something on the way changes files.",
            )
        return start


def _too_short(file: PlannedFile, have: int) -> DownloadError:
    return DownloadError(
        f"The hub sent only {have} of the {file.size_bytes} bytes of {file.name}.",
        "Start again: it goes on where it stopped.",
    )


@contextmanager
def _locked(path: Path, stopping: threading.Event) -> Iterator[None]:
    """Hold a lock that huggingface_hub honours too; wait for it until the transfer is stopped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    while not lock.is_locked:
        if stopping.is_set():
            raise _StoppedError
        try:
            lock.acquire(timeout=0.25)
        except Timeout:
            continue
        except NotImplementedError:  # a file system without locks: two would fetch the same, no more
            break
    try:
        yield
    finally:
        lock.release()


def _shut(response: httpx2.Response) -> None:
    """Wake up a thread that reads this answer."""
    stream = response.extensions.get("network_stream")
    sock = stream.get_extra_info("socket") if stream is not None else None
    if isinstance(sock, socket.socket):
        try:
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # the plain one: TLS is not to say goodbye first
        except OSError:
            _log.debug("the connection was closed already")


def hub_error(error: BaseException, model_id: str) -> EncoderError:
    """Translate what was raised while ``model_id`` was asked for or fetched."""
    if isinstance(error, EncoderError):
        return error
    if isinstance(error, OfflineModeIsEnabled):
        return DownloadError(
            f"HF_HUB_OFFLINE is set, so {model_id} is not downloaded.", f"Unset it and start again. {WAYS_OUT}"
        )
    if isinstance(error, HfHubHTTPError):
        return status_error(error.response, model_id)
    if isinstance(error, HFValidationError):
        return DownloadError(f"{single_line(model_id, 60)} cannot be a repository on the hub.", "Check the name.")
    if isinstance(error, httpx2.TimeoutException):
        return DownloadError(f"{hub_host()} does not answer.", f"Try again later. {WAYS_OUT}")
    if isinstance(error, httpx2.HTTPError | httpx2.InvalidURL):
        return DownloadError(
            f"{hub_host()} cannot be reached ({type(error).__name__}).",
            f"Check the network, the proxy and HF_ENDPOINT. {WAYS_OUT}",
        )
    if isinstance(error, OSError):
        return disk_error(error, model_id)
    return DownloadError(f"{model_id} could not be downloaded ({type(error).__name__}).", "Try again.")


def answer_error(error: BaseException, model_id: str) -> EncoderError:
    """Translate what was raised while the hub's answer about ``model_id`` was asked for and read."""
    if isinstance(error, ValueError | TypeError | KeyError | AttributeError) and not isinstance(
        error, HFValidationError
    ):
        return web_page_error(model_id)  # no JSON, or not the hub's
    return hub_error(error, model_id)


def status_error(response: httpx2.Response, model_id: str, file: str = "") -> DownloadError:
    """Translate an answer that is no success; its body is not looked at."""
    status, code = response.status_code, response.headers.get("X-Error-Code", "")
    what = f"{file} of {model_id}" if file else model_id
    if code == "GatedRepo":
        return DownloadError(
            f"{model_id} is gated: its publisher lets only those have it who accepted the terms.",
            f"Accept them on its page on the hub, and {_token_hint()}",
        )
    if response.headers.get("X-Error-Message", "").startswith("Invalid credentials"):
        return DownloadError("The hub does not accept the token.", "Correct or unset HF_TOKEN.")
    if code == "RevisionNotFound":
        return DownloadError(f"{model_id} has no such revision.", "Check what stands behind the @.")
    if code == "EntryNotFound":
        return DownloadError(f"The hub has no {what}.", "Try again; if it stays so, use another model.")
    if code == "RepoNotFound" or status in (401, 404):
        return DownloadError(
            f"There is no model {model_id} on the hub, or it is private.",
            f"Check the name; for a private one {_token_hint()}",
        )
    if status == 403:
        return DownloadError(f"The hub refuses {what} (403).", f"If it is private or gated, {_token_hint()}")
    if status == 429:
        return DownloadError("The hub takes no more requests from here for now (429).", "Try again in some minutes.")
    return DownloadError(f"The hub answered {status} for {what}.", f"Try again later. {WAYS_OUT}")


def web_page_error(what: str) -> DownloadError:
    """Something between here and the hub, or a wrong HF_ENDPOINT, answered with a page of its own."""
    return DownloadError(
        f"Instead of {what}, {hub_host()} sent something else, such as a proxy's web page.",
        "Log in to the network, or correct the proxy and HF_ENDPOINT.",
    )


def disk_error(error: OSError, model_id: str) -> DownloadError:
    """Translate what the cache's disk says."""
    if is_full(error):
        return DownloadError(
            f"The disk is full: {model_id} has no room in huggingface_hub's cache.",
            "Free some space and start again: it goes on where it stopped. HF_HOME moves the cache.",
        )
    return DownloadError(
        f"huggingface_hub's cache cannot be written ({error.strerror or type(error).__name__}).",
        "Check its permissions, or move it with HF_HOME.",
    )


def _token_hint() -> str:
    return "check that HF_TOKEN may read it." if get_token() else "set HF_TOKEN to a token that may read it."
