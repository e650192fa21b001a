"""Arrays that browsers fetch by address: kept by their content, the longest unused go first."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

MOST_BYTES = 256_000_000


class Shelf:
    """Blocks of bytes by the digest of their content. All methods may be called from any thread.

    Args:
        most_bytes: How much is kept; the newest block is kept even if it alone is larger.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._blocks: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def put(self, block: bytes) -> str:
        """Keep a block; return its digest, 64 hex digits."""
        digest = hashlib.sha256(block).hexdigest()
        with self._lock:
            if digest not in self._blocks:
                self._blocks[digest] = block
                self._size += len(block)
            self._blocks.move_to_end(digest)
            while self._size > self._most_bytes and len(self._blocks) > 1:
                _, dropped = self._blocks.popitem(last=False)
                self._size -= len(dropped)
        return digest

    def get(self, digest: str) -> bytes | None:
        """The block of that digest, None if it is not (or no longer) here."""
        with self._lock:
            if digest in self._blocks:
                self._blocks.move_to_end(digest)
            return self._blocks.get(digest)
