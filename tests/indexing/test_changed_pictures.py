"""Numbered pictures that are replaced, deleted, touched or added while they are indexed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video
from clip_core.errors import VideoChangedError
from clip_core.types import FrameEmbeddings
from clip_core.video import open_video
from clip_core.video.identity import hash_file
from clip_core.video.sequence import ImageSequence
from tests.indexing.test_changed_while_indexed import Meddling, assert_rows_are_among, clean_rows, rows, stored_of
from tests.support.fakes import FakeEncoder
from tests.support.video_maker import write_images

COUNT, NAME = 200, "f_%03d.png@10"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the folders ``shot`` and ``other``: pictures of the same names, sizes and rates."""
    folder = tmp_path_factory.mktemp("made")
    for name, first in (("shot", 0), ("other", 700)):
        (folder / name).mkdir()
        write_images(folder / name, "%d.png", range(first, first + COUNT))
        for number in range(COUNT):
            (folder / name / f"{first + number}.png").rename(folder / name / f"f_{number:03d}.png")
    return folder


@pytest.fixture(scope="module")
def clean(made: Path) -> FrameEmbeddings:
    return clean_rows(made / "shot" / NAME, made)


@pytest.fixture
def shot(made: Path, tmp_path: Path) -> Path:
    for name in ("shot", "other"):
        shutil.copytree(made / name, tmp_path / name)
    return tmp_path / "shot" / NAME


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


def picture(shot: Path, number: int) -> Path:
    return shot.parent / f"f_{number:03d}.png"


def others(shot: Path, number: int) -> Path:
    return shot.parent.parent / "other" / f"f_{number:03d}.png"


def replace_all(shot: Path) -> None:
    for number in range(COUNT):
        overwrite(shot, number)


def overwrite(shot: Path, number: int) -> None:
    shutil.copy(others(shot, number), picture(shot, number))


def another_inode(shot: Path) -> None:
    shutil.copy(others(shot, 150), shot.parent / "new")
    (shot.parent / "new").replace(picture(shot, 150))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "one deleted": (lambda shot: picture(shot, 150).unlink(), r"f_150\.png of f_%03d\.png@10 was moved or deleted"),
    "one replaced": (another_inode, r"f_150\.png of f_%03d\.png@10 was changed"),
    "one overwritten": (lambda shot: overwrite(shot, 150), r"f_150\.png of f_%03d\.png@10 was changed"),
    "one that is read already": (lambda shot: overwrite(shot, 0), r"f_000\.png of f_%03d\.png@10 was changed"),
    "one cut": (lambda shot: os.truncate(picture(shot, 199), 40), r"f_199\.png of f_%03d\.png@10 was changed"),
    "all": (replace_all, r"f_\d\d\d\.png of f_%03d\.png@10 was changed"),
    "one more": (
        lambda shot: shutil.copy(others(shot, 0), picture(shot, COUNT)),
        r"f_%03d\.png@10 grew while .* Nothing of it is kept\. If it is still being recorded or copied",
    ),
    "the folder": (lambda shot: shutil.rmtree(shot.parent), r"f_(%03d|\d{3})\.png.* was moved or deleted"),
}  # fmt: skip


@pytest.mark.parametrize("call", [1, 7])
@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_told_and_leaves_no_wrong_row(
    change: str, call: int, shot: Path, clean: FrameEmbeddings, store: EmbeddingStore, tmp_path: Path
) -> None:
    act, message = CHANGES[change]
    shutil.copytree(shot.parent, tmp_path / "kept")
    video_id = hash_file(shot)
    with pytest.raises(VideoChangedError, match=message):
        list(index_video(shot, Meddling({call: lambda: act(shot)}), store, samples_per_second=None))
    kept = stored_of(store, video_id)
    if kept:
        assert_rows_are_among(rows(store, video_id), clean)
    else:
        assert store.videos() == []
    shutil.rmtree(shot.parent, ignore_errors=True)
    (tmp_path / "kept").rename(shot.parent)
    again = FakeEncoder()
    *_, last = index_video(shot, again, store, samples_per_second=None)
    assert (last.stage, last.done, again.pictures, last.warnings) == ("done", COUNT, COUNT - kept, ())
    assert_rows_are_among(rows(store, video_id), clean)
    assert len(rows(store, video_id)) == COUNT


@pytest.mark.parametrize(("first", "second"), [(1, 2), (3, 5), (6, 7)])
def test_a_folder_that_is_swapped_and_comes_back_meanwhile(
    first: int, second: int, shot: Path, clean: FrameEmbeddings, store: EmbeddingStore, tmp_path: Path
) -> None:
    """The times of the pictures stay as they were: only the files that were read tell it."""
    here, other, aside = shot.parent, tmp_path / "other", tmp_path / "aside"
    video_id = hash_file(shot)
    acts = {
        first: lambda: (here.rename(aside), other.rename(here)),
        second: lambda: (here.rename(other), aside.rename(here)),
    }
    try:
        list(index_video(shot, Meddling(acts), store, samples_per_second=None))
    except VideoChangedError:
        if aside.exists():
            acts[second]()
        list(index_video(shot, FakeEncoder(), store, samples_per_second=None))
    full = rows(store, video_id)
    assert full.pts.tolist() == clean.pts.tolist()
    assert_rows_are_among(full, clean)
    record = store.video(video_id)
    assert record is not None
    assert len(record.table) == COUNT


def test_touched_pictures_lose_nothing(shot: Path, clean: FrameEmbeddings, store: EmbeddingStore) -> None:
    def touch() -> None:
        for number in range(COUNT):
            os.utime(picture(shot, number))

    video_id = hash_file(shot)
    encoder = Meddling({2: touch, 9: touch})
    *_, last = index_video(shot, encoder, store, samples_per_second=None)
    assert (last.stage, last.done, last.total, last.warnings) == ("done", COUNT, COUNT, ())
    assert_rows_are_among(rows(store, video_id), clean)
    assert len(rows(store, video_id)) == COUNT


def test_looking_at_one_picture_does_not_look_at_all(shot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder may hold a hundred thousand of them."""
    with open_video(shot) as video:
        monkeypatch.setattr(ImageSequence, "look", lambda _: pytest.fail("looked at all"))
        found = np.array([frame.index for frame in video.frames()])
        video.watched.check_frames()
    assert found.tolist() == list(range(COUNT))
