"""Reach a store that lies in an object store: its address, how long requests wait, and whether two writers are safe."""

from __future__ import annotations

import os
import re
import uuid
from datetime import timedelta
from functools import cache
from typing import Any

from clip_core.errors import StoreError
from clip_core.store.errors import ENDPOINTS, guarded, shown_place

SCHEMES = ("s3", "gs", "az")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
# LanceDB reads an address as a URL: it would drop what follows ? and #, decode %20, and resolve "..".
_ODD = re.compile(r"[?#%\\\x00-\x1f\x7f]|(^|/)\.{1,2}(/|$)|^/|//")
# Of anything else LanceDB may panic. A name and a key before "@" would not be used.
_ENDPOINT = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/[\w./~-]*)?", re.ASCII)
_CONNECT_S, _REQUEST_S, _RETRY_S = 5, 60, 20
_FIRST_TRIES, _RETRIES = 3, 7
"""A request that fails is repeated, with waits that double, for up to 20 s; the first one, which meets wrong settings,
for less than one. Who can wait longer, such as indexing, waits above this."""
OPTIONS = {
    "connect_timeout": f"{_CONNECT_S}s",
    "timeout": f"{_REQUEST_S}s",
    "client_max_retries": str(_RETRIES),
    "client_retry_timeout": str(_RETRY_S),
}
"""What LanceDB is given; keys, endpoint and region it reads from the environment, as obstore does."""


def check_address(location: str) -> None:
    """Refuse an address that cannot be a store, or that LanceDB would read as another one.

    Raises:
        StoreError: It is of an unknown kind, names no bucket, or its folder has odd characters. It is not repeated in
            the message: a name before "@" may be a key.
    """
    scheme, _, rest = location.partition("://")
    bucket, _, folder = rest.partition("/")
    if scheme not in SCHEMES:
        raise StoreError("There is no such kind of store.", "Give a folder or an s3:// address.")
    if _BUCKET.fullmatch(bucket) is None:
        what = "The address of the embeddings names no bucket, or one with odd characters."
        raise StoreError(what, f"Write it as {scheme}://bucket/folder; keys belong into the environment.")
    if _ODD.search(folder) is not None:
        what = r"In the address of the embeddings, the folder has ? # % \ or a part that is empty or only dots."
        raise StoreError(what, "Choose another folder in the bucket.")


def check_reachable(location: str) -> None:
    """Ask for one list of objects: with wrong settings, LanceDB would try for minutes.

    Raises:
        StoreError: The address is wrong, nobody answers, the keys are refused, or there is no such bucket.
    """
    import obstore

    check_address(location)
    with guarded(location):
        obstore.list_with_delimiter(_opened(location))


def holds_objects(location: str, folder: str) -> bool:
    """Return whether there is an object below a folder of the store."""
    import obstore

    with guarded(location):
        return any(obstore.list(_opened(location), f"{folder}/", chunk_size=1))


@cache
def check_exclusive(location: str) -> None:
    """Write one new object twice: a storage service that lets both succeed would lose rows of two writers, unseen.

    LanceDB commits a version of a table by writing an object that must not exist yet (If-None-Match). The check is
    made once for each location and process; its object is removed.

    Raises:
        StoreError: The service ignores the condition, or cannot be reached.
    """
    import obstore
    from obstore.exceptions import AlreadyExistsError

    check_reachable(location)
    store, name = _opened(location), f"probe-{uuid.uuid4().hex}"
    with guarded(location):
        obstore.put(store, name, b"first", mode="create")
        try:
            obstore.put(store, name, b"second", mode="create")
        except AlreadyExistsError:
            is_exclusive = True
        else:
            is_exclusive = False
        finally:
            obstore.delete(store, name)
    if not is_exclusive:
        what = f"{shown_place(location)}: this service ignores If-None-Match, so of two writers one loses rows unseen."
        raise StoreError(what, "Use a bucket that never had versions, another service, or a folder.")


def _opened(location: str) -> Any:  # noqa: ANN401 - obstore is not imported here
    from obstore.store import from_url

    if any(_ENDPOINT.fullmatch(os.environ[name]) is None for name in ENDPOINTS if os.environ.get(name)):
        raise StoreError("AWS_ENDPOINT is not an address.", "Write it as https://host:port or http://host:port.")
    return from_url(
        location,
        client_options={
            "connect_timeout": timedelta(seconds=_CONNECT_S),
            "timeout": timedelta(seconds=_REQUEST_S),
            # Given options replace those of the environment.
            "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true", "yes", "on", "y"),
        },
        retry_config={"max_retries": _FIRST_TRIES, "retry_timeout": timedelta(seconds=_RETRY_S)},
    )
