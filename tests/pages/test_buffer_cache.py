"""Blocks by the digest of their content, within a bound, from any thread."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

from pages.shared.buffers import BufferCache


def test_a_block_lies_under_the_digest_of_its_content() -> None:
    buffers = BufferCache()
    digest = buffers.put(b"curve")
    assert digest == hashlib.sha256(b"curve").hexdigest()
    assert buffers.get(digest) == b"curve"
    assert buffers.put(b"curve") == digest
    assert buffers.get("0" * 64) is None
    assert buffers.get("") is None


def test_the_longest_unused_goes_first() -> None:
    buffers = BufferCache(most_bytes=30)
    one, two, three = (buffers.put(bytes([k]) * 10) for k in range(3))
    assert buffers.get(one) is not None  # used: now the second is the oldest
    four = buffers.put(b"x" * 10)
    assert [buffers.get(digest) is not None for digest in (one, two, three, four)] == [True, False, True, True]
    buffers.put(bytes([2]) * 10)  # put again: used
    buffers.put(b"y" * 20)
    assert [buffers.get(digest) is not None for digest in (one, three, four)] == [False, True, False]


def test_the_newest_stays_even_if_it_alone_is_larger() -> None:
    buffers = BufferCache(most_bytes=5)
    small = buffers.put(b"abc")
    large = buffers.put(b"0123456789")
    assert buffers.get(small) is None
    assert buffers.get(large) == b"0123456789"
    assert buffers.put(b"") != large
    assert buffers.get(large) is None  # what is too large gives way to the next


def test_many_threads() -> None:
    buffers = BufferCache(most_bytes=10_000)

    def use(number: int) -> bool:
        block = bytes([number % 50]) * 1000
        return buffers.get(buffers.put(block)) in (block, None)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(use, range(2000)))
    assert sum(buffers.get(hashlib.sha256(bytes([k]) * 1000).hexdigest()) is not None for k in range(50)) == 10
