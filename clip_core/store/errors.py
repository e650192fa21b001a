"""Translate what LanceDB, obstore and the system raise about the store to ``StoreError``; nowhere else is it done."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from clip_core.errors import StoreError, StoreFullError, StoreUnreachableError
from clip_core.text import printable, shorten

_T = TypeVar("_T")
_P = ParamSpec("_P")
_MOST = 70
_MOST_PLACE = 60
REPLACED_TRIES = 3
"""How often something is tried that misses a file."""
_FULL_CODES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL = re.compile(r"no space left|file too large|quota exceeded|storage ?full|quotaexceeded", re.IGNORECASE)
# A path may be in the text, so one word is not enough.
_CONFLICT = re.compile(
    r"(commit|write|version) conflict|conflicts? with|preempted by|incompatible transaction|"
    r"concurrent (transaction|writer|commit|modif)|ConditionalRequestConflict",
    re.IGNORECASE,
)
_MISSING = re.compile(r"not found", re.IGNORECASE)
_SYSTEM = re.compile(r"os error (\d+)|Os \{ code: (\d+)")
# Rust puts its own classes before the text, and the error number, the path and its source line after it.
_RUST = re.compile(
    r"^(lance error: )?(\w+\(\w+\): |Generic [\w/]+ error: |Wrapped error: )*| \(os error \d+\).*$|, /\S+\.rs:\d+.*$",
    re.DOTALL,
)
_CHECK = "Check that folder, or set embeddings: in config.yaml to another one."
_RESTORE = "Restore that folder, or set embeddings: in config.yaml to another one."
_DAMAGED = ("a file of them is damaged", _RESTORE)
_GONE = ("a file of them is gone", "Try again. If it stays gone, restore that folder.")


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_KINDS = (
    (_CONFLICT, "other processes kept changing them", "Try again when they are done; what was stored is kept."),
    (_pattern(r"\bis a directory"), *_DAMAGED),
    (
        _pattern(r"unknown lance storage version|by this version of lance"),
        "a newer version wrote them",
        "Update this program, or set embeddings: in config.yaml to another folder.",
    ),
    (
        _pattern(r"no object store provider|connect to lancedb cloud"),
        "there is no such kind of store",
        "Give a folder or an s3:// address.",
    ),
    (
        _pattern(r"retryerror|error sending|error performing|non-2xx|tokenrequest"),
        "the storage service does not answer, or refuses",
        "Check the address, its credentials and the network.",
    ),
)
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
"""The variables that name another service than Amazon's."""
_SILENT = "does not answer"
_SERVICE_GONE = _pattern(
    r"kind: (Connect|Timeout|Request|Body|Interrupted)\b|tcp connect|dns error|timed out|error sending request|"
    r"connection (reset|closed|refused)|status(: | code: )5\d\d|SlowDown"
)
_KINDS_OF_SERVICES = (
    (
        _pattern(r"BadScheme|builder error"),
        "the endpoint is http, which is not encrypted",
        "Use https, or set AWS_ALLOW_HTTP=true.",
    ),
    (_pattern(r"NoSuchBucket"), "there is no such bucket", "Make it, or correct the address."),
    (
        _pattern(r"ExpiredToken|TokenRefreshRequired|InvalidToken|token \S+ expired"),
        "the temporary keys have expired or are not valid",
        "Set new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.",
    ),
    (
        _pattern(r"Missing(AccessKey|SecretAccessKey)|get AWS credentials|169\.254\.|/latest/api/token|tokenrequest"),
        "no keys are given",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    ),
    (
        _pattern(r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint"),
        "the bucket is in another region",
        "Set AWS_REGION to that of the bucket.",
    ),
    (
        _pattern(r"RequestTimeTooSkewed"),
        "the clocks of this machine and of the service differ",
        "Set the clock of this machine.",
    ),
    (
        _pattern(r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|status(: | code: )40[13]|Forbidden"),
        "{service} refuses the keys",
        "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do.",
    ),
    (
        _pattern(r"NotImplemented|status(: | code: )501"),
        "{service} lacks what the embeddings need, such as If-None-Match",
        "Use another service or a folder.",
    ),
    (_SERVICE_GONE, f"{{service}} {_SILENT}", "Check AWS_ENDPOINT and the network; what was stored is kept."),
)
_KINDS_OF_FILES = (
    (_pattern(r"no field named|not found in schema|legacy dataset"), *_DAMAGED),
    (_MISSING, *_GONE),
    (
        _pattern(r"corrupt|invalid|decod|pars|magic|panic|whole buffer|sufficient data|too small|metadata"),
        *_DAMAGED,
    ),
)


def is_conflict(error: BaseException) -> bool:
    """Return whether an error means that another writer won the race, so that a retry may succeed."""
    return _CONFLICT.search(str(error)) is not None


def is_missing(error: BaseException) -> bool:
    """Return whether an error means that the table, its folder or a file of it does not exist (any more)."""
    return isinstance(error, FileNotFoundError) or _MISSING.search(str(error)) is not None


def is_damage(error: BaseException, location: str) -> bool:
    """Return whether an error of LanceDB means that a file of a table is damaged or gone."""
    return _reason(error, location) in (_DAMAGED, _GONE)


def translate(error: BaseException, location: str) -> StoreError:
    """Return our error for an error of LanceDB or the operating system; no raw text of LanceDB is in it.

    Args:
        error: The original error.
        location: The folder or address of the store.
    """
    place = shown_place(location)
    if (isinstance(error, OSError) and error.errno in _FULL_CODES) or _FULL.search(str(error)):
        return StoreFullError(
            f"The disk that holds {place} is full.",
            "Free some space or set embeddings: in config.yaml to another folder, then go on where it stopped.",
        )
    reason, next_step = _reason(error, location)
    kind = StoreUnreachableError if reason.endswith(_SILENT) else StoreError
    return kind(f"The embeddings in {place} cannot be read or written: {reason}.", next_step)


def _reason(error: BaseException, location: str) -> tuple[str, str]:
    """Return why the store cannot be used, and the next step."""
    told = error.strerror if isinstance(error, OSError) else None
    place = re.compile(rf"(?<!\w)/?{re.escape(location.lstrip('/'))}(?!\w)")  # its folders may have any name
    text = told or place.sub("", str(error))
    is_folder = "://" not in location
    for pattern, reason, next_step in _KINDS if is_folder else (_KINDS[0], *_KINDS_OF_SERVICES, *_KINDS[1:]):
        if pattern.search(text):
            return reason.format(service=_service()), next_step
    if told is None and (number := _SYSTEM.search(text)) is not None:
        told = os.strerror(int(number[1] or number[2]))
    if told:
        return told, _CHECK
    for pattern, reason, next_step in _KINDS_OF_FILES:
        if pattern.search(text):
            return reason, next_step
    return " ".join(_RUST.sub("", text).split())[:_MOST] or type(error).__name__, _CHECK


def shown_place(location: str) -> str:
    """Return a store's location for a message: its end says most."""
    return shorten(printable(location), _MOST_PLACE, tail=_MOST_PLACE - 1)


def _service() -> str:
    """Return the storage service's host."""
    for name in ENDPOINTS:
        if os.environ.get(name):
            return urlsplit(os.environ[name]).netloc or name
    return "Amazon S3 (AWS_ENDPOINT is not set)"


def _is_foreign(error: BaseException) -> bool:
    """Return whether LanceDB, Arrow, obstore or the system raised it; a panic in Rust is of no built-in class."""
    made_in = type(error).__module__
    return isinstance(error, OSError | RuntimeError | ValueError) or made_in.startswith(("pyo3", "pyarrow", "obstore"))


@contextmanager
def guarded(location: str) -> Iterator[None]:
    """Raise errors of LanceDB and the operating system as ``StoreError`` or ``StoreFullError``."""
    try:
        yield
    except BaseException as error:
        if not _is_foreign(error):
            raise
        raise translate(error, location) from error


def asked_again(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let a method start over at the latest version if a file that it reads is gone: another process compacts tables.

    Compaction deletes versions by their age, so a reader of an old one loses it at once. The method must open its
    tables itself and must be harmless if it runs twice.
    """

    @wraps(method)
    def tried(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        for _ in range(REPLACED_TRIES - 1):
            try:
                return method(*args, **kwargs)
            except StoreError as error:
                if error.__cause__ is None or not is_missing(error.__cause__):
                    raise
        return method(*args, **kwargs)

    return tried
