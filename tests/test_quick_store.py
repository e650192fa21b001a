"""QuickStore says what EmbeddingStore says, whoever commits, and asks only when somebody has."""

import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_core.errors import NotIndexedError
from clip_core.store.store import EmbeddingStore
from clip_core.values import FrameEmbeddings, TimeTable, VideoRecord
from pages.parts.quick_store import SETTLED_NS, QuickStore

VIDEO, MODEL = "a" * 64, "b" * 64


def record(name: str = "v.mp4") -> VideoRecord:
    table = TimeTable(np.arange(10), Fraction(1, 30), 0, 10 / 30, True, np.array([0]))
    return VideoRecord(VIDEO, "/v.mp4", name, 9, "mov", "h264", 4, 2, 30.0, 10, 0.3, table, None, 1.0)


def batch(*pts: int) -> FrameEmbeddings:
    vectors = np.eye(4, dtype=np.float32)[np.array(pts) % 4]
    return FrameEmbeddings(np.array(pts), np.array(pts) / 30, vectors)


def settle() -> None:
    time.sleep(SETTLED_NS / 1e9 + 0.05)


@pytest.fixture
def other(tmp_path: Path) -> EmbeddingStore:
    """The same place as another process would see it."""
    return EmbeddingStore(tmp_path / "store")


@pytest.fixture
def quick(tmp_path: Path, other: EmbeddingStore) -> QuickStore:
    other.remember_video(record())
    other.begin(VIDEO, MODEL, "model", 2.0)
    other.append(VIDEO, MODEL, batch(1, 2))
    settle()
    return QuickStore(tmp_path / "store")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the store's methods were really called."""
    calls: list[str] = []
    for name in ("video", "videos", "known_id", "run", "read"):
        inner = getattr(EmbeddingStore, name)

        def call(self: EmbeddingStore, *args: Any, _name: str = name, _inner: Any = inner) -> Any:
            calls.append(_name)
            return _inner(self, *args)

        monkeypatch.setattr(EmbeddingStore, name, call)
    return calls


def test_the_second_answer_costs_nothing(quick: QuickStore, asked: list[str]) -> None:
    for _ in range(3):
        assert quick.video(VIDEO).name == "v.mp4"
        assert [r.video_id for r in quick.videos()] == [VIDEO]
        assert quick.run(VIDEO, MODEL).finished is False
        assert quick.known_id("/v.mp4", 9, 9) is None
    assert asked == ["video", "videos", "run", "known_id"]


def test_a_commit_of_somebody_else_is_seen_at_once(quick: QuickStore, other: EmbeddingStore) -> None:
    assert quick.run(VIDEO, MODEL).finished is False
    other.finish(VIDEO, MODEL, 2.0)
    assert quick.run(VIDEO, MODEL).finished is True
    other.remember_video(record("new.mp4"))
    assert quick.video(VIDEO).name == "new.mp4"
    other.remember_id("/v.mp4", 9, 9, VIDEO)
    assert quick.known_id("/v.mp4", 9, 9) == VIDEO
    settle()
    assert quick.known_id("/v.mp4", 9, 9) == VIDEO


def test_reading_on_hands_over_each_frame_once(quick: QuickStore, other: EmbeddingStore, asked: list[str]) -> None:
    first, revision = quick.read(VIDEO, MODEL)
    assert first.pts.tolist() == [1, 2]
    for _ in range(3):
        nothing, revision = quick.read(VIDEO, MODEL, revision)
        assert len(nothing) == 0
    assert asked == ["read"]
    other.append(VIDEO, MODEL, batch(2, 3))
    for pts in ([3], [], []):
        more, revision = quick.read(VIDEO, MODEL, revision)
        assert more.pts.tolist() == pts
        settle()


def test_many_quick_commits_are_all_seen(quick: QuickStore, other: EmbeddingStore) -> None:
    _, revision = quick.read(VIDEO, MODEL)
    seen: list[int] = []
    for pts in range(3, 10):
        other.append(VIDEO, MODEL, batch(pts))
        found, revision = quick.read(VIDEO, MODEL, revision)
        seen += found.pts.tolist()
    assert seen == list(range(3, 10))


def test_forgotten_and_begun_anew(quick: QuickStore, other: EmbeddingStore) -> None:
    _, revision = quick.read(VIDEO, MODEL)
    other.forget(VIDEO)
    with pytest.raises(NotIndexedError):
        quick.read(VIDEO, MODEL, revision)
    assert quick.video(VIDEO) is None
    other.begin(VIDEO, MODEL, "model", 2.0)
    other.append(VIDEO, MODEL, batch(5))
    settle()
    found, again = quick.read(VIDEO, MODEL, revision)
    assert (again.restarted, found.pts.tolist()) == (True, [5])
    _, again = quick.read(VIDEO, MODEL, again)
    _, again = quick.read(VIDEO, MODEL, again)
    assert again.restarted is False


def test_there_is_no_store_yet(tmp_path: Path) -> None:
    quick = QuickStore(tmp_path / "none")
    assert quick.videos() == []
    assert not (tmp_path / "none").exists()
    EmbeddingStore(tmp_path / "none").remember_video(record())
    assert len(quick.videos()) == 1
