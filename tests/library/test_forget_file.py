"""Forgetting a video may take its uploaded file along, when asked; no other file is ever touched."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from clip_core import EmbeddingStore, load_config
from clip_core.__main__ import main
from clip_core.analysis.stored_videos import delete_upload, uploaded_file
from clip_core.config import Config
from clip_core.errors import VideoError
from clip_core.library.add_video import add_upload
from clip_core.library.videos import uploads_folder
from tests.support.video_maker import VideoSpec, planted

ID = "ab" * 32


def lay(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_only_a_file_under_its_own_id_in_the_uploads_counts(tmp_path: Path) -> None:
    config = Config(video_dirs=(tmp_path / "data",))
    uploads = uploads_folder(config)
    assert uploaded_file(ID, config) is None  # there is no folder
    others = [lay(tmp_path / "data" / f"{ID}.mp4"), lay(uploads / "holiday.mp4"), lay(uploads / ("cd" * 32 + ".mp4"))]
    assert uploaded_file(ID, config) is None
    (uploads / f"{ID}.mkv").symlink_to(others[0])
    assert uploaded_file(ID, config) is None
    delete_upload(ID, config)
    mine = lay(uploads / f"{ID}.webm")
    assert uploaded_file(ID, config) == mine
    assert uploaded_file("*", config) is None
    delete_upload("../" + ID, config)
    delete_upload(ID, config)
    assert not mine.exists()
    assert all(other.is_file() for other in others)


def test_a_file_that_cannot_be_deleted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(video_dirs=(tmp_path,))
    lay(uploads_folder(config) / f"{ID}.mp4")

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(VideoError, match="Permission denied"):
        delete_upload(ID, config)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, EmbeddingStore]:
    """A folder with a config, an uploaded video, and one that was only indexed; returns the upload and the store."""
    (tmp_path / "config.yaml").write_text("embeddings: store\nvideo_dirs: [data]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLIP_VIDEO_CONFIG", raising=False)
    config = load_config()
    store = EmbeddingStore(config.embeddings)
    data = planted(tmp_path, "v", 5, VideoSpec()).path.read_bytes()
    path = add_upload(io.BytesIO(data), len(data), "holiday.mp4", uploads_folder(config), store)
    return path, store


def test_the_command_leaves_the_file_unless_it_is_told_to(
    here: tuple[Path, EmbeddingStore], capsys: pytest.CaptureFixture[str]
) -> None:
    path, store = here
    assert main(["forget", "holiday.mp4", "--yes"]) == 0
    assert capsys.readouterr().out == "Forgotten: 0 frames of holiday.mp4. The video file itself stays.\n"
    assert path.is_file()
    assert store.videos() == []


def test_the_command_deletes_the_file_with_a_flag_and_says_so_first(
    here: tuple[Path, EmbeddingStore], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, store = here
    for answer, stays in (("no\n", True), ("yes\n", False)):
        terminal = io.StringIO(answer)
        terminal.isatty = lambda: True  # type: ignore[method-assign]
        monkeypatch.setattr("sys.stdin", terminal)
        assert main(["forget", "holiday.mp4", "--file"]) == 0
        assert "0 frames of holiday.mp4, and the uploaded file (2 kB). There is no undo." in capsys.readouterr().err
        assert path.is_file() is stays
    assert store.videos() == []


def test_the_command_refuses_the_flag_for_a_file_that_was_not_uploaded(
    here: tuple[Path, EmbeddingStore], capsys: pytest.CaptureFixture[str]
) -> None:
    path, store = here
    path.rename(path.parent.parent / "mine.mp4")
    assert main(["forget", "holiday.mp4", "--file", "--yes"]) == 2
    assert "holiday.mp4 is not an upload" in capsys.readouterr().err
    assert len(store.videos()) == 1  # nothing was forgotten either
