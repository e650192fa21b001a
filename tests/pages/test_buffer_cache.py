"""Blocks by the digest of their content, within a bound, from any thread."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

from pages.shared.buffer_cache import Shelf


def test_a_block_lies_under_the_digest_of_its_content() -> None:
    shelf = Shelf()
    digest = shelf.put(b"curve")
    assert digest == hashlib.sha256(b"curve").hexdigest()
    assert shelf.get(digest) == b"curve"
    assert shelf.put(b"curve") == digest
    assert shelf.get("0" * 64) is None
    assert shelf.get("") is None


def test_the_longest_unused_goes_first() -> None:
    shelf = Shelf(most_bytes=30)
    one, two, three = (shelf.put(bytes([k]) * 10) for k in range(3))
    assert shelf.get(one) is not None  # used: now the second is the oldest
    four = shelf.put(b"x" * 10)
    assert [shelf.get(digest) is not None for digest in (one, two, three, four)] == [True, False, True, True]
    shelf.put(bytes([2]) * 10)  # put again: used
    shelf.put(b"y" * 20)
    assert [shelf.get(digest) is not None for digest in (one, three, four)] == [False, True, False]


def test_the_newest_stays_even_if_it_alone_is_larger() -> None:
    shelf = Shelf(most_bytes=5)
    small = shelf.put(b"abc")
    large = shelf.put(b"0123456789")
    assert shelf.get(small) is None
    assert shelf.get(large) == b"0123456789"
    assert shelf.put(b"") != large
    assert shelf.get(large) is None  # what is too large gives way to the next


def test_many_threads() -> None:
    shelf = Shelf(most_bytes=10_000)

    def use(number: int) -> bool:
        block = bytes([number % 50]) * 1000
        return shelf.get(shelf.put(block)) in (block, None)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(use, range(2000)))
    assert sum(shelf.get(hashlib.sha256(bytes([k]) * 1000).hexdigest()) is not None for k in range(50)) == 10
