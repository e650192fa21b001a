"""A full disk and other foreign errors: what the user is told, and that nothing committed is lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from clip_core.errors import StoreError, StoreFullError
from clip_core.store.store import EmbeddingStore
from clip_core.store.tables import is_conflict, translate
from clip_core.types import FrameEmbeddings

ROOT = Path(__file__).resolve().parents[2]
VIDEO, MODEL = "ab" * 32, "f0" * 32
DIM = 64
FULL = "is full. Free some space or set embeddings: in config.yaml to another folder, then go on where it stopped."

CHILD = f"""
import resource, sys
import numpy as np
from clip_core.errors import StoreError
from clip_core.store.store import EmbeddingStore
from clip_core.types import FrameEmbeddings

store = EmbeddingStore(sys.argv[1])
pts = np.arange(8, 2008)
vectors = np.random.default_rng(1).normal(size=(2000, {DIM})).astype(np.float32)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
try:
    store.append({VIDEO!r}, {MODEL!r}, FrameEmbeddings(pts, pts / 30, vectors))
except StoreError as error:
    print(type(error).__name__, error)
store.append({VIDEO!r}, {MODEL!r}, FrameEmbeddings(pts[:4], pts[:4] / 30, vectors[:4]))
"""


def noise(start: int, n: int) -> FrameEmbeddings:
    pts = np.arange(start, start + n)
    vectors = np.random.default_rng(start).normal(size=(n, DIM)).astype(np.float32)
    return FrameEmbeddings(pts, pts / 30, vectors)


def test_a_limit_on_file_size_is_told_as_a_full_disk_and_earlier_rows_stay(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "embeddings")
    store.begin(VIDEO, MODEL, "sample", None)
    store.append(VIDEO, MODEL, noise(0, 8))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, store.location], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("StoreFullError The disk that holds ")
    assert done.stdout.endswith(f"embeddings {FULL}\n")
    assert store.stored_pts(VIDEO, MODEL).tolist() == list(range(12))
    assert len(store.read(VIDEO, MODEL)[0]) == 12


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here; the limit on file size is tested anyway")
    if done.returncode != 0:
        pytest.skip(f"mounting is not permitted here; the limit on file size is tested anyway: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_keeps_what_was_committed_and_takes_more_when_there_is_room(small_disk: Path) -> None:
    store = EmbeddingStore(small_disk / "embeddings")
    store.begin(VIDEO, MODEL, "sample", None)
    store.append(VIDEO, MODEL, noise(0, 8))
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 700_000)
    committed = 8

    def fill() -> None:
        nonlocal committed
        while committed < 10_000:
            store.append(VIDEO, MODEL, noise(committed, 400))
            committed += 400

    with pytest.raises(StoreFullError) as caught:
        fill()
    assert committed < 10_000
    assert str(caught.value).endswith(FULL)
    assert store.stored_pts(VIDEO, MODEL).tolist() == list(range(committed))
    ballast.unlink()
    store.append(VIDEO, MODEL, noise(committed, 400))
    assert store.read(VIDEO, MODEL)[0].pts.tolist() == list(range(committed + 400))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_each_way_to_be_full(code: int) -> None:
    told = translate(OSError(code, os.strerror(code)), "/data/embeddings")
    assert isinstance(told, StoreFullError)
    assert str(told) == f"The disk that holds /data/embeddings {FULL}"


def test_rusts_classes_and_source_places_are_not_shown() -> None:
    foreign = RuntimeError("lance error: LanceError(IO): Strange disk, /root/.cargo/registry/lance/src/w.rs:258:9")
    assert translate(foreign, "/e").what == "The embeddings in /e cannot be read or written: Strange disk."


def test_a_long_foreign_text_and_a_hostile_place_are_cut() -> None:
    told = translate(RuntimeError("Traceback\n" * 500), "/" + "deep/" * 100 + "\x1b[2Jhere")
    assert type(told) is StoreError
    assert len(told.what) < 250
    assert "?[2Jhere cannot" in told.what
    assert told.what.isprintable()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Commit conflict for version 7: …", True),
        ("Retryable commit conflict", True),
        ("Too many concurrent writers", True),
        ("No space left on device", False),
    ],
)
def test_what_counts_as_a_lost_race(text: str, expected: bool) -> None:
    assert is_conflict(RuntimeError(text)) is expected


def test_a_table_that_is_damaged_is_told_with_the_place(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "embeddings")
    store.begin(VIDEO, MODEL, "sample", None)
    for manifest in (tmp_path / "embeddings" / "runs.lance" / "_versions").iterdir():
        manifest.write_bytes(b"no manifest")
    with pytest.raises(StoreError, match=r"embeddings cannot be read or written: \S"):
        EmbeddingStore(store.location).run(VIDEO, MODEL)


def test_a_refusal_of_the_system_is_told_without_its_number_and_path() -> None:
    rust = 'lance error: LanceError(IO): Permission denied (os error 13) at path "/x/embeddings/settings.lance/_v"'
    assert translate(RuntimeError(rust), "/x/embeddings").what == (
        "The embeddings in /x/embeddings cannot be read or written: Permission denied."
    )
