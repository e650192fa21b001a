"""Index a video wherever it lies: a file here, or an object in a bucket, which is fetched whole first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from clip_core.addresses import is_address
from clip_core.encoders.base import Encoder
from clip_core.indexing.index_video import already_done, index_video
from clip_core.library.buckets import find_object
from clip_core.library.fetched import fetching_noted, naming_source, own_scratch, remember_fetched
from clip_core.library.identify import known_video
from clip_core.store.store import EmbeddingStore
from clip_core.types import Progress


def index_source(
    location: str | os.PathLike[str],
    encoder: Encoder,
    store: EmbeddingStore,
    *,
    samples_per_second: float | None = 2.0,
    on_known: Callable[[], None] | None = None,
    coarse_only: bool = False,
) -> Iterator[Progress]:
    """Index a file as ``index_video`` does; or an object, through a copy that is deleted afterwards.

    An object that is indexed in its present state is not fetched. The copy counts as the video's file only meanwhile:
    the path that the store keeps is the address.

    Args:
        location: A path as for ``index_video``, or an address such as "s3://bucket/a.mp4".
        encoder, store, samples_per_second, on_known, coarse_only: As for ``index_video``.

    Yields:
        As ``index_video``; while a video is fetched, notes in the stage "identifying".

    Raises:
        VideoError: As ``index_video``; or the object cannot be fetched.
        EncoderError, StoreError: As ``index_video``.
    """
    rest = {"samples_per_second": samples_per_second, "on_known": on_known, "coarse_only": coarse_only}
    if not is_address(location):
        yield from index_video(location, encoder, store, **rest)  # type: ignore[arg-type]
        return
    address = os.fspath(location)
    found = find_object(address)
    record = known_video(address, store, found.stamp)
    finished = already_done(
        record, (encoder.id, encoder.fingerprint), store, samples_per_second, coarse_only=coarse_only
    )
    if finished is not None:
        if on_known is not None:
            on_known()
        yield finished
        return
    store.check_writable()  # before anything is fetched
    with own_scratch() as scratch:
        copy = yield from fetching_noted(found, scratch)
        with scratch.holding(copy.path), naming_source(copy):
            remember_fetched(copy, store)
            yield from index_video(copy.path, encoder, store, **rest)  # type: ignore[arg-type]
