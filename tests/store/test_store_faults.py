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
from clip_core.store import tables
from clip_core.store.errors import guarded, is_conflict, translate
from clip_core.store.store import EmbeddingStore
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
        ("Permission denied (os error 13) at path /home/concurrent/conflict/embeddings", False),
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


MADE_IN = "/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/lance-13.0.0/src/io/commit/x.rs:1363:34"
CHECK = "Check that folder, or set embeddings: in config.yaml to another one."
RESTORE = "Restore that folder, or set embeddings: in config.yaml to another one."
GONE = "Try again. If it stays gone, restore that folder."
UPDATE = "Update this program, or set embeddings: in config.yaml to another folder."
SERVICE = "Check the address, its credentials and the network."
KINDS = [
    (
        "lance error: Retryable commit conflict for version 6: This Rewrite transaction was preempted by concurrent "
        f"transaction Delete at version 6. Please retry., {MADE_IN}",
        "other processes kept changing them",
        "Try again when they are done; what was stored is kept.",
    ),
    (
        "lance error: Not supported: This dataset cannot be read by this version of Lance. Please upgrade Lance to "
        f"read this dataset. Flags: 1048576, {MADE_IN}",
        "a newer version wrote them",
        UPDATE,
    ),
    ("Invalid input, Unknown Lance storage version: 9.9", "a newer version wrote them", UPDATE),
    (
        "lance error: LanceError(IO): Generic LocalFileSystem error: Unable to walk dir: IO error for operation on "
        f"/x/runs.lance/_versions: Permission denied (os error 13), {MADE_IN}",
        "Permission denied",
        CHECK,
    ),
    (
        'Invalid input, Failed to connect to namespace: IO { source: Generic { store: "LocalFileSystem", source: '
        'UnableToWalkDir { source: Error { depth: 0, inner: Io { path: Some("/x"), err: Os { code: 13, kind: '
        'PermissionDenied, message: "Permission denied" } } } } } }',
        "Permission denied",
        CHECK,
    ),
    (f"lance error: LanceError(IO): Read-only file system (os error 30), {MADE_IN}", "Read-only file system", CHECK),
    (f"lance error: LanceError(IO): file size is too small, {MADE_IN}", "a file of them is damaged", RESTORE),
    ("lance error: LanceError(IO): Generic memory error: Invalid range 0..0 for", "a file of them is damaged", RESTORE),
    ("lance error: LanceError(IO): failed to decode Protobuf message: Field", "a file of them is damaged", RESTORE),
    ("lance error: LanceError(Arrow): Parser error: Arrow file does not", "a file of them is damaged", RESTORE),
    ("lance error: Encountered corrupt file x/runs.lance/_versions/9.manifest", "a file of them is damaged", RESTORE),
    ("Invalid input, Schema error: No field named video.", "a file of them is damaged", RESTORE),
    ("rust future panicked: unknown error", "a file of them is damaged", RESTORE),
    (f"lance error: Not found: x/runs.lance/data/0.lance, {MADE_IN}", "a file of them is gone", GONE),
    (
        'Invalid input, Failed to connect to namespace: IO { source: Generic { store: "S3", source: ListRequest { '
        "source: RetryError(RetryErrorImpl { method: GET, uri: Some(http://x), inner: Os { code: 111 } }) } } }",
        "the storage service does not answer, or refuses",
        SERVICE,
    ),
    (
        "Invalid input, No object store provider found for scheme: 'foo'\nValid schemes: gs, memory",
        "there is no such kind of store",
        "Give a folder or an s3:// address.",
    ),
]


@pytest.mark.parametrize(("raw", "reason", "next_step"), KINDS, ids=[f"{raw[-24:]}" for raw, _, _ in KINDS])
def test_each_kind_of_error_has_words_of_our_own(raw: str, reason: str, next_step: str) -> None:
    told = translate(RuntimeError(raw), "/x")
    assert told.what == f"The embeddings in /x cannot be read or written: {reason}."
    assert told.next_step == next_step


def test_the_names_of_folders_are_no_reason() -> None:
    place = "/data/is a directory/corrupt/not found"
    for text in (f"lance error: LanceError(IO): Strange disk at {place[1:]}/runs.lance", f"Strange disk at {place}/x"):
        assert "read or written: Strange disk at" in translate(RuntimeError(text), place).what


def test_a_panic_in_rust_is_told_too() -> None:
    panic = type("RustPanic", (Exception,), {"__module__": "pyo3_async_runtimes"})
    with pytest.raises(StoreError, match="a file of them is damaged"), guarded("/x"):
        raise panic("rust future panicked: unknown error")
    with pytest.raises(KeyError), guarded("/x"):  # a fault of ours is no fault of the store
        raise KeyError("video")


def test_races_that_are_lost_every_time_end_in_words_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    class Raw:
        def add(self, rows: object) -> None:
            tries.append(rows)
            raise RuntimeError(KINDS[0][0])

        def checkout_latest(self) -> None:
            pass

    monkeypatch.setattr(tables.time, "sleep", lambda seconds: None)
    with pytest.raises(StoreError, match=r"other processes kept changing them\. Try again when they are done"):
        tables.Table(Raw(), "/x", tables.columns_of("video string")).add_rows({"video": "a"})
    assert 5 <= len(tries) <= 20


def damaged_store(place: Path) -> EmbeddingStore:
    store = EmbeddingStore(place)
    store.begin(VIDEO, MODEL, "sample", None)
    store.append(VIDEO, MODEL, noise(0, 8))
    store.append(VIDEO, MODEL, noise(8, 8))
    return EmbeddingStore(place)


@pytest.mark.parametrize("files", ["_versions/*.manifest", "data/*.lance"])
@pytest.mark.parametrize("damage", ["cut", "empty", "zeros", "text", "gone", "a folder"])
def test_a_damaged_table_is_told_in_words_of_our_own(files: str, damage: str, tmp_path: Path) -> None:
    store = damaged_store(tmp_path / "embeddings")
    for file in (tmp_path / "embeddings" / f"frames_{MODEL}.lance").glob(files):
        content = file.read_bytes()
        file.unlink()
        if damage == "a folder":
            file.mkdir()
        elif damage != "gone":
            made = {"cut": content[:-4], "empty": b"", "zeros": bytes(len(content)), "text": b"no table"}
            file.write_bytes(made[damage])
    with pytest.raises(StoreError) as caught:
        store.read(VIDEO, MODEL)
    told = str(caught.value)
    assert told.endswith((f"a file of them is damaged. {RESTORE}", f"a file of them is gone. {GONE}"))
    assert store.run(VIDEO, MODEL) is not None  # the other tables are as good as before


def test_a_table_of_a_newer_version_is_named_as_one(tmp_path: Path) -> None:
    store = damaged_store(tmp_path / "embeddings")
    for file in (tmp_path / "embeddings" / "runs.lance" / "_versions").glob("*.manifest"):
        content = file.read_bytes()
        start = int.from_bytes(content[-16:-8], "little")
        end = start + 4 + int.from_bytes(content[start : start + 4], "little")
        # Field 9 of the manifest, a varint: the features that a reader must know. Bit 20 is none of today's.
        message = content[start + 4 : end] + bytes([9 << 3, 0x80, 0x80, 0x40])
        file.write_bytes(content[:start] + len(message).to_bytes(4, "little") + message + content[end:])
    with pytest.raises(StoreError, match="a newer version wrote them"):
        store.run(VIDEO, MODEL)


CUTS = f"""
import sys
from pathlib import Path
from clip_core.errors import StoreError
from clip_core.store.store import EmbeddingStore

newest = min(Path(sys.argv[1], "runs.lance", "_versions").glob("*.manifest"))
content = newest.read_bytes()
for size in range(len(content)):
    newest.write_bytes(content[:size])
    try:
        EmbeddingStore(sys.argv[1]).run({VIDEO!r}, {MODEL!r})
    except StoreError as error:
        assert "a file of them is damaged" in str(error), (size, error)
    else:
        raise SystemExit(f"{{size}} bytes were taken for a whole version")
"""


def test_a_version_cut_at_any_byte_is_told_without_a_panic(tmp_path: Path) -> None:
    """LanceDB panics over about one cut in a hundred, and Rust writes a panic to standard error by itself."""
    store = damaged_store(tmp_path / "embeddings")
    command = [sys.executable, "-c", CUTS, store.location]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
