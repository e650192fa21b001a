"""The addresses of objects in buckets, such as "s3://bucket/a.mp4". They are no paths: ``Path`` would join slashes."""

from __future__ import annotations

import os
import re

SCHEMES = ("s3", "gs", "az")
"""What may stand before "://" of an object."""
_ADDRESS = re.compile(rf"({'|'.join(SCHEMES)})://")
_LIKE_AN_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def is_address(path: str | os.PathLike[str]) -> bool:
    """Return whether this names an object or a folder of a bucket, not a file here."""
    return _ADDRESS.match(os.fspath(path)) is not None


def has_unknown_scheme(text: str) -> bool:
    """Return whether this looks like an address, but not like one in a bucket."""
    return _LIKE_AN_ADDRESS.match(text) is not None and not is_address(text)


def parts_of(address: str) -> tuple[str, str, str]:
    """Return scheme, bucket and key of an address; the key may be empty."""
    scheme, _, rest = address.partition("://")
    bucket, _, key = rest.partition("/")
    return scheme, bucket, key
