"""Find the videos in a bucket of an object store, and translate what goes wrong there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from clip_core.addresses import SCHEMES, parts_of
from clip_core.errors import ClipVideoError, VideoChangedError, VideoError, VideoNotFoundError
from clip_core.library.folders import EXTENSIONS
from clip_core.text import counted, printable, shorten

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PAGE = 1000
_MOST_ADDRESS = 80
_ENDPOINTS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
_HTTP = re.compile(r"https?://([^\s@/\[\]]+@)?(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:\d+)?(/\S*)?", re.IGNORECASE)
_BUCKET = re.compile(r"[A-Za-z0-9._:-]{1,255}")
_RETRY: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
_NEXT_KEYS = {
    "s3": "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may read.",
    "gs": "Check GOOGLE_APPLICATION_CREDENTIALS, and what it may read.",
    "az": "Check AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, and what they may read.",
}
_REFUSED = re.compile(r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|\b40[13]\b")
_NO_KEYS = re.compile(
    r"169\.254\.|/latest/(api|meta-data)/|metadata\.google|must be specified|[Mm]issing ?(Account|Bucket|credential)"
)


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object of a bucket in its present state.

    Attributes:
        address: Such as "s3://bucket/a.mp4"; nothing in it is encoded.
        size_bytes: Its size.
        etag: The store's mark of its content; when it was changed last, if the store gives none.
        has_etag: Whether it gives one.
    """

    address: str
    size_bytes: int
    etag: str
    has_etag: bool = True

    @property
    def stamp(self) -> tuple[int, str]:
        """Two values that reveal a change."""
        return self.size_bytes, self.etag


def shown_address(address: str) -> str:
    """Return an address in a form that is safe in a message."""
    return shorten(printable(address), _MOST_ADDRESS, tail=_MOST_ADDRESS // 2)


def open_bucket(address: str) -> tuple[ObjectStore, str]:
    """Return the bucket of an address and the key in it. Endpoint and keys are those of the AWS_* variables.

    Raises:
        VideoError: The address names no bucket, or the settings cannot be used.
    """
    from obstore import store

    scheme, bucket, key = parts_of(address)
    kinds: dict[str, Any] = {"s3": store.S3Store, "gs": store.GCSStore, "az": store.AzureStore}
    if scheme not in kinds or _BUCKET.fullmatch(bucket) is None:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise VideoError(f"{shown_address(address)} names no bucket.", f"Addresses begin with {known} and a bucket.")
    _check_endpoint()
    with telling(address):
        return kinds[scheme](bucket, retry_config=_RETRY), key


def _check_endpoint() -> None:
    """Refuse an endpoint that is no address: obstore would panic."""
    for name in _ENDPOINTS:
        value = os.environ.get(name)
        if value is not None and _HTTP.fullmatch(value) is None:
            raise VideoError(f"{name} is no http or https address.", "Such as https://minio.example:9000.")


def find_object(address: str) -> BucketObject:
    """Return what the store says of one object.

    Raises:
        VideoNotFoundError: There is no such object.
        VideoError: The store does not answer or refuses.
    """
    bucket, key = open_bucket(address)
    if not key or key.endswith("/"):
        raise VideoNotFoundError(f"{shown_address(address)} is a folder.", "Give the address of an object.")
    with telling(address):
        return _object(address, bucket.head(key))


def find_objects(address: str, pattern: str | None = None) -> list[BucketObject]:
    """Return the videos that an address names: one object, those below a prefix, or those that fit its stars.

    Below a prefix, names decide what a video is. ``*`` stands for any part of a name and ``**`` for any folders;
    other characters stand for themselves. Hidden names are left out. The list is read in pages.

    Args:
        address: Such as "s3://bucket/day 1/" or "s3://bucket/**/*.mp4".
        pattern: Below a prefix, only objects whose name fits it, such as "*.mov"; capitals do not count.

    Raises:
        VideoNotFoundError: There is no such bucket or object, or no video.
        VideoError: The store does not answer or refuses.
    """
    scheme, bucket, key = parts_of(address)
    open_bucket(address)  # raises for an address without a bucket
    if "*" not in key and key.lower().endswith(EXTENSIONS):
        return [find_object(address)]
    fits = _chosen_by(key, pattern)
    found, others = list[BucketObject](), 0
    for each in _listed(f"{scheme}://{bucket}/", _folder_of(key)):
        if fits(parts_of(each.address)[2]):
            found.append(each)
        else:
            others += 1
    folders = {each.address.rpartition("/")[0] for each in found}
    found = [each for each in found if each.size_bytes or each.address not in folders]  # some tools make such objects
    if not found and not others and key and "*" not in key and not key.endswith("/"):
        return [find_object(address)]
    if not found:
        lies = counted(others, "other object lies", "other objects lie") if others else "Nothing lies"
        fitting = "" if pattern is None else f" that fits {shown_address(pattern)}"
        what = f"There is no video{fitting} at {shown_address(address)}. {lies} there."
        raise VideoNotFoundError(what, "Check the address.")
    return found


def _listed(root: str, prefix: str) -> Iterator[BucketObject]:
    """Yield what lies below a prefix, page by page; ``root`` is the address of the bucket with a slash."""
    bucket, _ = open_bucket(root)
    with telling(root + prefix):
        for page in bucket.list(prefix or None, chunk_size=PAGE):
            for meta in page:
                yield _object(root + meta["path"], meta)


def _object(address: str, meta: Any) -> BucketObject:  # noqa: ANN401
    etag = meta["e_tag"]
    return BucketObject(address, int(meta["size"]), etag or meta["last_modified"].isoformat(), etag is not None)


def _folder_of(key: str) -> str:
    """Return the folder to list for a key with stars, or the key itself."""
    before, star, _ = key.partition("*")
    return before.rpartition("/")[0] if star else key.rstrip("/")


def _chosen_by(key: str, pattern: str | None) -> Callable[[str], bool]:
    """Return a test of keys: whether one fits the stars of ``key``, and the pattern, and is no hidden file."""
    ending = key.rpartition("*")[2]
    by_extension = "*" not in key or "." not in ending
    expression = re.compile(_expression(key)) if "*" in key else None
    start = len(_folder_of(key))

    def fits(other: str) -> bool:
        name = other.rpartition("/")[2]
        if any(part.startswith(".") for part in other[start:].split("/")):
            return False
        if expression is not None and expression.fullmatch(other) is None:
            return False
        if by_extension and not name.lower().endswith(EXTENSIONS):
            return False
        return pattern is None or fnmatchcase(name.lower(), pattern.lower())

    return fits


def _expression(key: str) -> str:
    """Return a regular expression for a key with stars."""
    kinds = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return "".join(kinds.get(part) or re.escape(part) for part in re.split(r"(\*\*/|\*\*|\*)", key))


@contextmanager
def telling(address: str) -> Iterator[None]:
    """Raise what goes wrong in the block as an error that names the address.

    Raises:
        VideoNotFoundError: There is no such object or bucket.
        VideoChangedError: The object is not in the state that was asked for.
        VideoError: The store does not answer or refuses, or its settings cannot be used.
    """
    from obstore import exceptions

    try:
        yield
    except ClipVideoError:
        raise
    except FileNotFoundError as error:
        raise VideoNotFoundError(f"There is no object {shown_address(address)}.", "Check the address.") from error
    except exceptions.PreconditionError as error:
        raise changed_error(address) from error
    except (exceptions.BaseError, ValueError, PermissionError, NotImplementedError) as error:
        raise _error(address, str(error)) from error


def changed_error(address: str) -> VideoChangedError:
    """Return an error that says that an object is not what it was."""
    error = VideoChangedError(f"{shown_address(address)} was changed since it was looked at.", "Index it again.")
    error.subject, error.kind = shown_address(address), "replaced"
    return error


def _error(address: str, said: str) -> VideoError:
    scheme, bucket, _ = parts_of(address)
    shown, told = shown_address(f"{scheme}://{bucket}"), said.partition("Debug source")[0]
    if "NoSuchBucket" in told or "ContainerNotFound" in told:
        return VideoNotFoundError(f"There is no bucket {shown}.", "Check its name, and the endpoint.")
    if _NO_KEYS.search(told):
        return VideoError(f"There are no keys for {shown}.", _NEXT_KEYS[scheme])
    if _REFUSED.search(told):
        return VideoError(f"The object store refuses access to {shown}.", _NEXT_KEYS[scheme])
    if (named := re.search(r'Path "([^"]*)"', told)) is not None:
        what = f"{shown_address(named[1])} cannot be read: its name has an empty part, one of dots, or an unseen sign."
        return VideoError(what, "Rename it, or name the folders beside it.")
    if "builder error" in told:
        return VideoError(
            f"{shown} cannot be opened: the endpoint is no https address.",
            "Set AWS_ALLOW_HTTP=true if plain http is meant, or correct AWS_ENDPOINT_URL.",
        )
    if "HTTP error" in told:
        return VideoError(f"The object store of {shown} does not answer.", "Check AWS_ENDPOINT_URL and the network.")
    reason = shorten(printable(" ".join(told.split())), 90)
    return VideoError(f"{shown} cannot be read: {reason}", "Check its settings.")
