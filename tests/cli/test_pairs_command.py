"""``pairs`` as a user calls it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from clip_core.library.identify import file_stamp, record_of
from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation
from clip_core.video import open_video
from tests.cli.test_commands import run
from tests.support.video_maker import VideoSpec, planted


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two videos that were judged, and one that was not."""
    (tmp_path / "config.yaml").write_text("video_dirs: .\nembeddings: store\n")
    store = EmbeddingStore(tmp_path / "store")
    for number, name in enumerate(("a", "b", "plain")):
        path = planted(tmp_path, name, 20, VideoSpec()).path
        video_id = str(number) * 64
        with open_video(path) as video:
            store.remember_video(record_of(video, video_id, None))
        store.remember_id(path, *file_stamp(Path(path)), video_id)
        if name != "plain":
            store.put_annotation(video_id, Annotation("a dog", 0.2, 0.1, 0.4, "accepted"))
            store.put_annotation(video_id, Annotation("a dog", 0.5, 0.4, 0.6, "rejected"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_stored_videos_or_those_that_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "pairs", "--out", "new/pairs.zip")
    assert (code, out[-1].split(",")[0], err) == (0, "4 pictures in new/pairs.zip", ["pairs.zip: done"])
    code, out, _ = run(capsys, "pairs", "a.mp4", "a.mp4", "--pictures", "2", "--out", "a.zip")
    assert code == 0
    with zipfile.ZipFile(here / "a.zip") as packed:
        rows = [json.loads(line) for line in packed.read("metadata.jsonl").splitlines()]
    assert [(row["video"], row["accepted"]) for row in rows] == [("a.mp4", True)] * 2 + [("a.mp4", False)] * 2


def test_a_file_that_changed_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted(here, "b", 30, VideoSpec())
    code, out, err = run(capsys, "pairs", "--out", "pairs.zip")
    assert (code, out[-1].split(",")[0]) == (3, "2 pictures in pairs.zip")
    assert err[-1] == "b.mp4 is left out: b.mp4 has changed since it was opened. Open it again."


def test_what_cannot_be_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = "No moment was accepted or rejected by hand. Judge some on the page Investigate."
    assert run(capsys, "pairs", "plain.mp4", "--out", "pairs.zip") == (2, [], [nothing])
    assert run(capsys, "pairs", "a.mp4", "--out", "a.mp4")[2] == [
        "a.mp4 is the video itself. Choose another place for --out."
    ]
    assert run(capsys, "pairs", "--pictures", "0", "--out", "x.zip")[0] == 2
    assert not (here / "pairs.zip").exists()
