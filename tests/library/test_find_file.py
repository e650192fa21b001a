"""From an id to a file, and never to one that it was not indexed as, or that lies elsewhere."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest

from clip_core import EmbeddingStore, index_video
from clip_core.config import Config
from clip_core.errors import VideoError, VideoNotFoundError
from clip_core.library import videos as module
from clip_core.library.add_video import add_upload
from clip_core.library.identify import file_stamp, identify
from clip_core.library.videos import find_file, is_video_id, open_file
from clip_core.video.watched import WatchedFile
from tests.support import video_maker
from tests.support.fakes import FakeEncoder

EXCHANGED = b"no longer the video"


class Place:
    """A folder of videos with one indexed in it, and a folder that nobody may see."""

    def __init__(self, folder: Path) -> None:
        self.config = Config(video_dirs=(folder / "videos",))
        self.store = EmbeddingStore(folder / "store")
        self.secrets = folder / "secrets"
        for made in (folder / "videos", self.secrets):
            made.mkdir()
        self.file = video_maker.planted(folder / "videos", "v", 12, video_maker.VideoSpec()).path
        self.id = self.index(self.file)

    def index(self, path: Path) -> str:
        list(index_video(path, FakeEncoder(), self.store, samples_per_second=5.0))
        video_id = self.store.known_id(path, *file_stamp(path))
        assert video_id is not None
        return video_id

    def find(self, video_id: str = "") -> module.FoundFile:
        return find_file(video_id or self.id, self.config, self.store)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def says(text: str, place: Place) -> pytest.RaisesExc[VideoNotFoundError]:
    """A message with that text and without a path."""
    quiet = lambda error: str(place.file.parent.parent) not in str(error) and "v.mp4" not in str(error)  # noqa: E731
    return pytest.raises(VideoNotFoundError, match=re.escape(text), check=quiet)


def test_it_is_found_with_its_stamp_and_container(place: Place) -> None:
    found = place.find()
    assert (found.path, found.stamp, found.container) == (place.file, file_stamp(place.file), "mov")
    with open_file(found, place.config) as file:
        assert file.read() == place.file.read_bytes()


def test_the_id_is_that_of_the_bytes(place: Place) -> None:
    assert place.id == hashlib.sha256(place.file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "text",
    ["", "0" * 64, "0" * 63, "g" * 64, "../" * 21 + "x", "a' OR 'a'='a", "０" * 64, "a" * 64 + "\n", "\0" * 64],
)
def test_what_is_no_known_id_is_not_found(place: Place, text: str) -> None:
    with says("There is no such video.", place):
        find_file(text, place.config, place.store)


def test_upper_case_is_no_id(place: Place) -> None:
    assert is_video_id(place.id)
    assert not is_video_id(place.id.upper())
    with says("There is no such video.", place):
        place.find(place.id.upper())


def change(place: Place, how: str) -> None:
    """Put something else where the video lies."""
    path, status = place.file, place.file.stat()
    outside = Path(shutil.copy2(path, place.secrets / "secret.mp4"))
    if how == "touched":
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    elif how == "longer":
        path.write_bytes(path.read_bytes() + b"x")
    elif how == "rewritten":
        path.write_bytes(bytes(status.st_size))
    path.unlink() if how in ("moved", "link", "folder", "loop") else None
    if how == "link":
        path.symlink_to(outside)
    elif how == "folder":
        path.mkdir()
    elif how == "loop":
        path.symlink_to(path)


CHANGES = {
    "moved": "moved or deleted",
    "loop": "moved or deleted",
    "touched": "was changed since",
    "longer": "was changed since",
    "rewritten": "was changed since",
    "folder": "was changed since",
    "link": "lies outside video_dirs",
}


@pytest.mark.parametrize(("how", "text"), CHANGES.items(), ids=CHANGES)
def test_before_it_is_looked_up(place: Place, how: str, text: str) -> None:
    change(place, how)
    with says("was changed since" if how == "link" else text, place):
        place.find()


@pytest.mark.parametrize(("how", "text"), CHANGES.items(), ids=CHANGES)
def test_between_its_look_up_and_its_opening(place: Place, how: str, text: str) -> None:
    found = place.find()
    change(place, how)
    with says("moved or deleted" if how == "folder" else text, place):
        open_file(found, place.config)


def seen_at(place: Place, path: Path) -> None:
    """The page has opened it there: its id is known, its record is not written anew before a pass has ended."""
    list(identify(path, place.store, WatchedFile(path)))


def test_a_renamed_file_is_found_before_it_is_indexed_again(place: Place) -> None:
    other = place.file.rename(place.file.with_name("renamed.mp4"))
    with says("moved or deleted", place):  # nobody has looked at it there yet
        place.find()
    seen_at(place, other)
    assert (place.find().path, place.find().stamp) == (other, file_stamp(other))


def test_a_file_that_was_moved_back_is_found(place: Place) -> None:
    other = place.file.rename(place.file.with_name("renamed.mp4"))
    assert place.index(other) == place.id
    assert place.find().path == other
    other.rename(place.file)
    assert place.find().path == place.file


def test_the_other_one_of_two_equal_files_serves(place: Place) -> None:
    twin = Path(shutil.copy(place.file, place.file.with_name("twin.mp4")))
    assert place.index(twin) == place.id
    assert place.find().path == twin
    twin.unlink()
    assert place.find().path == place.file
    place.file.write_bytes(bytes(place.file.stat().st_size))
    with says("moved or deleted", place):
        place.find()


def test_an_upload_that_is_found_elsewhere_keeps_its_name(place: Place) -> None:
    folder = place.file.parent / "uploads"
    with place.file.open("rb") as stream:
        upload = add_upload(stream, place.file.stat().st_size, "my holiday.mp4", folder, place.store)
    assert place.find().path == upload
    upload.unlink()
    assert place.find().path == place.file
    record = place.store.video(place.id)
    assert record is not None
    assert record.name == "my holiday.mp4"


def test_a_folder_that_cannot_be_listed_names_no_path(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.file.unlink()

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with says("moved or deleted", place):
        place.find()


def test_a_link_to_outside_that_was_indexed_is_refused(place: Place) -> None:
    outside = shutil.copy2(place.file, place.secrets / "secret.mp4")
    place.file.unlink()
    place.file.symlink_to(outside)
    assert place.index(place.file) == place.id
    with says("lies outside video_dirs", place):
        place.find()


def test_what_is_read_is_the_open_file(place: Place) -> None:
    with open_file(place.find(), place.config) as file:
        before = place.file.read_bytes()
        place.file.unlink()
        place.file.write_bytes(EXCHANGED)
        assert file.read() == before


def test_settings_that_forbid_it_now(place: Place, tmp_path: Path) -> None:
    found = place.find()
    strict = Config(video_dirs=(tmp_path / "elsewhere",))
    with says("lies outside video_dirs", place):
        find_file(place.id, strict, place.store)
    with says("lies outside video_dirs", place):
        open_file(found, strict)
    named = Config(video_dirs=(), video_path=place.file)
    with open_file(find_file(place.id, named, place.store), named) as file:
        assert file.read(8)[4:] == b"ftyp"


def test_a_file_that_may_not_be_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    found = place.find()

    def refuse(*args: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied", str(place.file))  # who runs the tests may be root

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(VideoError, match=r"may not be read\. Check its permissions\.$") as told:
        open_file(found, place.config)
    assert not isinstance(told.value, VideoNotFoundError)


def test_a_system_that_does_not_tell_where_open_files_lie(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_OPEN_FILES", tmp_path / "nothing")
    with open_file(place.find(), place.config) as file:
        assert file.read(8)[4:] == b"ftyp"


def test_numbered_images_are_no_file(place: Place) -> None:
    video_maker.write_images(place.file.parent / "shot", "f_%03d.png", range(6))
    video_id = place.index(place.file.parent / "shot" / "f_%03d.png")
    with says("Numbered images have no single file to play. Choose View → Frames.", place):
        place.find(video_id)
