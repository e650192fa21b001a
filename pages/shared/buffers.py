"""Byte blocks by the digest of their content, for the player to fetch."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

MOST_BUFFER_BYTES = 256_000_000


class BufferCache:
    """Byte blocks keyed by the digest of their content; the least recently used are dropped. Thread-safe.

    Args:
        most_bytes: The size limit in bytes; the newest block is kept even if it alone is larger.
    """

    def __init__(self, most_bytes: int = MOST_BUFFER_BYTES) -> None:
        self._most_bytes = most_bytes
        self._blocks: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def put(self, block: bytes) -> str:
        """Store a block; return its SHA-256 digest, 64 hex digits."""
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
        """Return the block with that digest, or None if it is not (or no longer) stored."""
        with self._lock:
            if digest in self._blocks:
                self._blocks.move_to_end(digest)
            return self._blocks.get(digest)
