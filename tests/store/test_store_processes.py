"""Several processes at one store: the same frames at once, and kill -9 in the middle of appends."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_core.store import tables
from clip_core.store.embeddings import Revision
from clip_core.store.store import EmbeddingStore
from clip_core.types import FrameEmbeddings

ROOT = Path(__file__).resolve().parents[2]
VIDEO, MODEL = "ab" * 32, "f0" * 32
DIM, BATCH = 32, 16

CHILD = f"""
import sys
import numpy as np
from clip_core.store.store import EmbeddingStore
from clip_core.types import FrameEmbeddings

store = EmbeddingStore(sys.argv[1])
start, stop = int(sys.argv[2]), int(sys.argv[3])
import lancedb
print("ready", flush=True)
sys.stdin.readline()
store.begin({VIDEO!r}, {MODEL!r}, "sample", None)
for k in range(start, stop, {BATCH}):
    pts = np.arange(k, k + {BATCH})
    vectors = np.cos(np.outer(pts + 1, np.arange(1, {DIM} + 1)))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    store.append({VIDEO!r}, {MODEL!r}, FrameEmbeddings(pts, pts / 30, vectors))
    print(k + {BATCH}, flush=True)
if len(sys.argv) > 4:
    store.finish({VIDEO!r}, {MODEL!r}, None)
    store.optimize()
print("done", flush=True)
"""


def spawn(store: EmbeddingStore, start: int, stop: int, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, store.location, str(start), str(stop), *more]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def go(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def truth(pts: np.ndarray) -> np.ndarray:
    vectors = np.cos(np.outer(pts + 1, np.arange(1, DIM + 1)))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_four_processes_that_append_the_same_frames_at_once(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "embeddings")
    stop = 12 * BATCH
    children = [spawn(store, 0, stop, "optimize") for _ in range(4)]
    assert [line(child) for child in children] == ["ready"] * 4
    for child in children:
        go(child)
    assert line(children[0]) == str(BATCH)
    revision: Revision | None = None
    parts = []
    while len(parts) == 0 or any(child.poll() is None for child in children):
        found, revision = store.read(VIDEO, MODEL, revision)
        parts.append(found)
        time.sleep(0.02)
    ends = [child.communicate()[0].split()[-1] for child in children]
    assert (ends, [child.returncode for child in children]) == (["done"] * 4, [0] * 4)
    found, revision = store.read(VIDEO, MODEL, revision)
    parts.append(found)
    pts = np.concatenate([part.pts for part in parts])
    vectors = np.concatenate([part.vectors.reshape(-1, DIM) for part in parts])
    assert sorted(pts.tolist()) == list(range(stop))
    np.testing.assert_allclose(vectors, truth(pts), atol=5e-4)
    assert store.stored_pts(VIDEO, MODEL).tolist() == list(range(stop))
    assert store.read(VIDEO, MODEL)[0].pts.tolist() == list(range(stop))
    run = store.run(VIDEO, MODEL)
    assert run is not None
    assert run.finished


def test_kill_9_in_the_middle_of_appends_loses_at_most_the_batch_in_hand(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "embeddings")
    rng = np.random.default_rng(9)
    revision: Revision | None = None
    chain: list[int] = []
    for _ in range(3):
        child = spawn(store, len(chain), 100_000)
        with child:
            assert line(child) == "ready"
            go(child)
            committed = 0
            for _ in range(int(rng.integers(4, 12))):
                committed = int(line(child))
            # Not at a line, but at any point of the appends after it.
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=float(rng.uniform(0.001, 0.008)))
            child.kill()
        stored = store.stored_pts(VIDEO, MODEL)
        assert len(stored) % BATCH == 0
        assert len(stored) >= committed
        assert stored.tolist() == list(range(len(stored)))
        found, revision = store.read(VIDEO, MODEL, revision)
        np.testing.assert_allclose(found.vectors, truth(found.pts), atol=5e-4)
        chain += found.pts.tolist()
        assert chain == stored.tolist()


BUSY = f"""
import sys
import numpy as np
from clip_core.errors import NotIndexedError
from clip_core.store.store import EmbeddingStore
from clip_core.types import FrameEmbeddings

place, role, video, model, dim = sys.argv[1], sys.argv[2], sys.argv[3] * 64, {MODEL!r}, {DIM}
store = EmbeddingStore(place)
import lancedb
print("ready", flush=True)
sys.stdin.readline()
for k in range(0, {6 * BATCH}, {BATCH}):
    if role == "optimize":
        store.optimize()
    elif role == "forget":
        store.forget(video)
    elif role == "stale":  # a handle of a version that is no longer the latest: its first attempt always loses the race
        with store._tables.reading("frames_" + model) as table:
            EmbeddingStore(place)._tables.delete(["frames_" + model], f"pts = {{k}} AND video = '{{'d' * 64}}'")
            table.compact()
    else:
        pts = np.arange(k, k + {BATCH})
        vectors = np.cos(np.outer(pts + 1, np.arange(1, dim + 1)))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        store.begin(video, model, "sample", None)
        store.append(video, model, FrameEmbeddings(pts, pts / 30, vectors))
        try:
            store.finish(video, model, None)
        except NotIndexedError:  # forgotten meanwhile
            assert video == "c" * 64
print("done", flush=True)
"""


def test_what_many_processes_do_at_once_is_retried_without_a_word(tmp_path: Path) -> None:
    """Two index the same video, one another, one a third that is forgotten all the time; two tidy up."""
    store = EmbeddingStore(tmp_path / "embeddings")
    pts = np.arange(6 * BATCH)
    store.append("d" * 64, MODEL, FrameEmbeddings(pts, pts / 30, truth(pts).astype(np.float32)))
    roles = ["index a", "index a", "index b", "index c", "forget c", "optimize a", "stale d"]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", BUSY, store.location, *role.split()],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for role in roles
    ]  # fmt: skip
    assert [line(child) for child in children] == ["ready"] * len(children)
    for child in children:
        go(child)
    ends = [child.communicate(timeout=240) for child in children]
    assert [(out, err) for out, err in ends] == [("done\n", "")] * len(children)
    for video in ("a" * 64, "b" * 64):
        found, _ = store.read(video, MODEL)
        assert found.pts.tolist() == pts.tolist()
        np.testing.assert_allclose(found.vectors, truth(pts), atol=5e-4)
    assert store.stored_pts("d" * 64, MODEL).tolist() == [k for k in range(6 * BATCH) if k % BATCH]


def test_a_reader_starts_over_when_its_version_is_deleted_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compaction deletes versions by age: that of a store which nobody touched for an hour is old at once."""
    monkeypatch.setattr(tables, "KEEP_OLD", timedelta(0))
    store, other = EmbeddingStore(tmp_path / "embeddings"), EmbeddingStore(tmp_path / "embeddings")
    for k in range(0, 4 * BATCH, BATCH):
        pts = np.arange(k, k + BATCH)
        store.begin(VIDEO, MODEL, "sample", None)
        store.append(VIDEO, MODEL, FrameEmbeddings(pts, pts / 30, truth(pts).astype(np.float32)))
    rows, asked = tables.Table.rows, []

    def compacted_meanwhile(self: tables.Table, *args: Any) -> Any:
        if not asked:
            asked.append(args)
            with warnings.catch_warnings(action="ignore"):  # that nothing old is kept
                other.optimize()
        return rows(self, *args)

    for method, expected in [
        (lambda: store.stored_pts(VIDEO, MODEL).tolist(), list(range(4 * BATCH))),
        (lambda: store.run(VIDEO, MODEL) is not None, True),
        (lambda: len(store.read(VIDEO, MODEL)[0]), 4 * BATCH),
    ]:
        store.append(VIDEO, MODEL, FrameEmbeddings(pts, pts / 30, truth(pts).astype(np.float32)))
        store.begin(VIDEO, MODEL, "sample", None)
        asked.clear()
        with monkeypatch.context() as patch:
            patch.setattr(tables.Table, "rows", compacted_meanwhile)
            assert method() == expected
        assert asked
