"""Download a model in a thread: fetch each missing file over plain HTTP, resume, verify, and put it into the cache.

huggingface_hub supplies the URL, the token and headers, and the HTTP client. The bytes are fetched here, because
its own ``hf_hub_download`` (2.4) deletes a partial file when it is interrupted, reads in steps of 10 MB, so that
it neither shows progress nor stops within a second, and does not verify hashes. The chunked xet protocol leaves
nothing on the disk to resume from either.

Messages about failures pass on the status, but not the texts of the hub or the network: these contain URLs, which
may be signed, and pages of proxies.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx2
from filelock import FileLock, Timeout
from huggingface_hub import constants, get_session, get_token, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # in its __all__, which is computed
from pydantic import Field
from pydantic.dataclasses import dataclass

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
from clip_core.validation import STRICT

MOST_ATTEMPTS = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 8.0
WAYS_OUT = "Use a model's folder, the Roboflow server or the sample model instead."
# Worth a retry: timeouts, too many requests, and server errors.
PASSING = frozenset({408, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, config=STRICT)
class PlannedFile:
    """One file of a plan: its path in the repository, and its size and hash (SHA-256 or git's SHA-1) as announced."""

    name: str
    size_bytes: Annotated[int, Field(ge=0)]
    digest: Annotated[str, Field(pattern=r"^([0-9a-f]{64}|[0-9a-f]{40})$")]
    cached: bool = False


class _StoppedError(Exception):
    """``stop`` was called."""


class _TryAgainError(DownloadError):
    """A failure that a retry may overcome."""


class Transfer(threading.Thread):
    """Downloads files. Start it, poll its attributes, and stop it at the end or earlier.

    Attributes:
        done_bytes: How many bytes of all files have arrived.
        file: The name of the current file.
        error: Why it failed, or None; set before the thread ends.
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
        """Stop the thread, waiting for it for at most a second; data that arrived stay.

        A thread that waits for bytes wakes up when its connection is shut down. One that waits for the first answer
        ends when that request times out, and changes nothing then.
        """
        self._stopping.set()
        with self._reading:
            if self._response is not None:
                _shut(self._response)
        self.join(timeout=1.0)

    def run(self) -> None:
        """Download the files, then link them into the snapshot."""
        try:
            for file in self._files:
                if not file.cached:
                    self._fetch(file)
            files = [(file.name, file.digest) for file in self._files]
            put_in_place(self._model_id, self._commit, self._revision, files)
        except _StoppedError:
            pass
        except Exception as error:  # noqa: BLE001 - no caller in a thread; the starting thread raises it
            if self._stopping.is_set():
                return
            if not isinstance(error, EncoderError | OSError | httpx2.HTTPError):
                _log.error("the download failed unexpectedly: %s", type(error).__name__)  # the text may be secret
            self.error = hub_error(error, self._model_id)
            self.error.__cause__ = error

    def _check_stop(self) -> None:
        if self._stopping.is_set():
            raise _StoppedError

    def _fetch(self, file: PlannedFile) -> None:
        """Complete one file, verify it, and rename it to its hash."""
        blob, before = self._folder / "blobs" / file.digest, self.done_bytes
        part = blob.with_name(f"{file.digest}.incomplete")
        blob.parent.mkdir(parents=True, exist_ok=True)
        self.file = file.name
        with _locked(cache_root() / ".locks" / self._folder.name / f"{file.digest}.lock", self._stopping):
            if not is_whole(blob, file.size_bytes):  # another process may have fetched it just now
                self._complete(file, part, before)
                if not content_matches(part, file.digest):
                    part.unlink()
                    raise DownloadError(
                        f"{file.name} of {self._model_id} arrived with another content than the hub says; "
                        "it was deleted.",
                        "Try again. Something on the network may change files.",
                    )
                self._check_stop()
                part.replace(blob)
        self.done_bytes = before + file.size_bytes

    def _complete(self, file: PlannedFile, part: Path, before: int) -> None:
        """Fetch until the file has its size. The attempts are counted anew whenever the file reaches a new maximum."""
        attempts, most = 0, 0
        while True:
            have = _size(part)
            if have > file.size_bytes:
                part.unlink()
                have = 0
            self.done_bytes = before + have
            if have == file.size_bytes:
                part.touch()
                return
            try:
                self._stream(file, part, have, before)
            except (_TryAgainError, httpx2.TransportError):
                self._check_stop()
                grown = _size(part)
                attempts, most = (0, grown) if grown > max(have, most) else (attempts + 1, most)
                if attempts >= MOST_ATTEMPTS:
                    raise
                self._stopping.wait(min(FIRST_WAIT_S * 2**attempts, LONGEST_WAIT_S))
                self._check_stop()

    def _stream(self, file: PlannedFile, part: Path, have: int, before: int) -> None:
        """Send one request and append the answer to the partial file."""
        headers = build_hf_headers() | {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        url = hf_hub_url(self._model_id, file.name, revision=self._commit)
        timeout = float(constants.HF_HUB_DOWNLOAD_TIMEOUT)
        with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
            have = self._accepted(response, file, have, part)
            with self._reading:
                self._check_stop()  # after this, stop finds the response
                self._response = response
            try:
                self.done_bytes = before + have
                with part.open("ab" if have else "wb") as out:
                    for chunk in response.iter_bytes():
                        self._check_stop()
                        have += len(chunk)
                        if have > file.size_bytes:
                            raise DownloadError(
                                f"The hub sends more of {file.name} than the {file.size_bytes} bytes it announced.",
                                "Try again. If this happens again, use another model.",
                            )
                        out.write(chunk)
                        self.done_bytes = before + have
                if have < file.size_bytes:  # without Content-Length, a lost connection looks like the end
                    raise _too_short(file, have)
            finally:
                with self._reading:  # after this the connection may be reused for another request
                    self._response = None

    def _accepted(self, response: httpx2.Response, file: PlannedFile, have: int, part: Path) -> int:
        """Check an answer before its body is read; return the offset of its first byte in the file."""
        if response.status_code == 416:  # the partial file is not a prefix of the file
            part.unlink(missing_ok=True)
            raise _too_short(file, have)
        if response.status_code not in (200, 206):
            error = status_error(response, self._model_id, file.name)
            raise _TryAgainError(error.what, error.next_step) if response.status_code in PASSING else error
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise web_page_error(f"{file.name} of {self._model_id}")
        begins = _RANGE.match(response.headers.get("Content-Range", "")) if response.status_code == 206 else None
        if response.status_code == 206 and (begins is None or int(begins[1]) != have):
            part.unlink(missing_ok=True)
            error = web_page_error(f"the rest of {file.name}")
            raise _TryAgainError(error.what, error.next_step)
        start = have if response.status_code == 206 else 0
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and "Content-Encoding" not in response.headers and int(length) != file.size_bytes - start:
            raise DownloadError(
                f"The hub sends {int(length) + start} bytes of {file.name}, but announced {file.size_bytes}.",
                "Try again. If this happens again, something on the network changes files.",
            )
        return start


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _too_short(file: PlannedFile, have: int) -> _TryAgainError:
    return _TryAgainError(
        f"The hub sent only {have} of the {file.size_bytes} bytes of {file.name}.",
        "Start again: the download resumes where it stopped.",
    )


@contextmanager
def _locked(path: Path, stopping: threading.Event) -> Iterator[None]:
    """Hold a lock that huggingface_hub respects too; stop waiting for it when the transfer is stopped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    while not lock.is_locked:
        if stopping.is_set():
            raise _StoppedError
        try:
            lock.acquire(timeout=0.25)
        except Timeout:
            continue
        except NotImplementedError:  # a file system without locks: at worst, two processes download the same
            break
    try:
        yield
    finally:
        lock.release()


def _shut(response: httpx2.Response) -> None:
    """Shut down the connection of an answer, to wake up the thread that reads it."""
    stream = response.extensions.get("network_stream")
    sock = stream.get_extra_info("socket") if stream is not None else None
    if isinstance(sock, socket.socket):
        try:
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not SSLSocket's, which would end TLS first
        except OSError:
            _log.debug("the connection was closed already")


def hub_error(error: BaseException, model_id: str) -> EncoderError:
    """Translate an error raised while ``model_id`` was looked up or downloaded."""
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
    """Translate an error raised while the hub's answer about ``model_id`` was requested and parsed."""
    not_as_expected = isinstance(error, ValueError | TypeError | KeyError | AttributeError)
    if not_as_expected and not isinstance(error, HFValidationError):
        return web_page_error(model_id)  # not JSON, or not the hub's format
    return hub_error(error, model_id)


def status_error(response: httpx2.Response, model_id: str, file: str = "") -> DownloadError:
    """Translate an answer that is not a success; its body is ignored."""
    status, code = response.status_code, response.headers.get("X-Error-Code", "")
    what = f"{file} of {model_id}" if file else model_id
    if code == "GatedRepo":
        return DownloadError(
            f"{model_id} is gated: only users who accepted its terms can download it.",
            f"Accept them on its page on the hub, and {_token_hint()}",
        )
    if response.headers.get("X-Error-Message", "").startswith("Invalid credentials"):
        return DownloadError("The hub does not accept the token.", "Correct or unset HF_TOKEN.")
    if code == "RevisionNotFound":
        return DownloadError(f"{model_id} has no such revision.", "Check the part after the @.")
    if code == "EntryNotFound":
        return DownloadError(f"The hub has no {what}.", "Try again. If this happens again, use another model.")
    if code == "RepoNotFound" or status in (401, 404):
        return DownloadError(
            f"There is no model {model_id} on the hub, or it is private.",
            f"Check the name; for a private one {_token_hint()}",
        )
    if status == 403:
        return DownloadError(f"The hub refuses {what} (403).", f"If it is private or gated, {_token_hint()}")
    if status == 429:
        return DownloadError("The hub accepts no more requests from here for now (429).", "Try again in some minutes.")
    return DownloadError(f"The hub answered {status} for {what}.", f"Try again later. {WAYS_OUT}")


def web_page_error(what: str) -> DownloadError:
    """Return the error for an answer that is not from the hub: from a proxy, or because HF_ENDPOINT is wrong."""
    return DownloadError(
        f"Instead of {what}, {hub_host()} sent something else, such as a proxy's web page.",
        "Log in to the network, or correct the proxy and HF_ENDPOINT.",
    )


def disk_error(error: OSError, model_id: str) -> DownloadError:
    """Translate an error of the cache's disk."""
    if is_full(error):
        return DownloadError(
            f"The disk is full: {model_id} does not fit in huggingface_hub's cache.",
            "Free some space and start again: the download resumes where it stopped. HF_HOME moves the cache.",
        )
    return DownloadError(
        f"huggingface_hub's cache cannot be written ({error.strerror or type(error).__name__}).",
        "Check its permissions, or move it with HF_HOME.",
    )


def _token_hint() -> str:
    return "check that HF_TOKEN may read it." if get_token() else "set HF_TOKEN to a token that may read it."
