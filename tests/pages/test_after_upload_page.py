"""After an upload: empty prompts with examples, a model for footage; and paths that are opened without a copy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from clip_core.encoders.catalogue import CATALOGUE
from tests.pages.test_video_settings_page import CONFIGURED, choose, open_video, restarted, text_of
from tests.support.hub_server import HubServer, use_hub
from tests.support.model_maker import make_clip
from tests.support.world import Page, World

B32 = CATALOGUE[0]
SUGGESTED = "The sample model knows emoji, not photographs. For footage: CLIP ViT-B/32"


def upload(page: Page, content: bytes, name: str = "mine.mp4") -> Page:
    number = page.sidebar.uploads
    page.at.file_uploader(key="upload" if number == 0 else f"upload_{number}").upload(name, content, "video/mp4")
    return page.run()


def examples(page: Page) -> list[str]:
    return [button.label for button in page.at.button if (button.key or "").startswith("example_")]


def suggested(page: Page) -> list[str]:
    return [text.replace("\\", "") for text in page.starting("The sample model knows emoji, not")]


@pytest.fixture
def short(stock: Path) -> bytes:
    return (stock / "short.mp4").read_bytes()


def test_an_upload_begins_without_prompts_and_offers_three(world: World, short: bytes, page: Page) -> None:
    world.write(threshold=None)
    page.indexed()
    assert examples(page) == []
    upload(page, short)
    page.until(lambda: bool(page.starting("0:02.000")) and not page.at.get("progress"))
    assert page.control("selectbox", "video").value == "mine.mp4"
    assert text_of(page) == ""
    assert examples(page) == ["a dog", "a person running", "a red car"]
    assert page.sidebar.focus_asked == 1
    assert page.sidebar.boxes == 1  # the box is another one now, which is closed
    page.press("example_1")
    assert text_of(page) == "a person running"
    assert examples(page) == ["a dog", "a red car"]
    page.press("example_0")
    assert text_of(page) == "a person running\na dog"
    page.prompts("a person running", "a kite")
    assert examples(page) == []


def test_empty_prompts_of_an_upload_take_nothing_from_other_videos(world: World, short: bytes, page: Page) -> None:
    world.write(threshold=None)
    page.indexed()
    upload(page, short).indexed()
    assert text_of(open_video(page, "wide.mp4")) == CONFIGURED
    page.prompts("a kite")
    assert text_of(open_video(page, "mine.mp4")) == ""
    again = restarted()
    assert text_of(again) == "a kite"
    assert text_of(open_video(again, "mine.mp4")) == ""


def test_a_video_that_was_never_opened_does_not_begin_with_the_empty_list_of_an_upload(
    world: World, stock: Path, short: bytes, page: Page
) -> None:
    world.take(stock / "portrait.mp4")
    world.write(threshold=None)
    page.indexed()
    upload(page, short).indexed()
    assert text_of(open_video(page, "portrait.mp4")) == CONFIGURED


def test_a_video_that_is_uploaded_again_has_its_prompts_back(world: World, short: bytes, page: Page) -> None:
    page.indexed()
    upload(page, short).indexed()
    page.prompts("a kite")
    open_video(page, "wide.mp4")
    upload(page, short).indexed()
    assert text_of(page) == "a kite"


def test_an_upload_that_fails_leaves_the_box_open_and_says_why(ready: Page) -> None:
    upload(ready, b"noise" * 100)
    assert ready.sidebar.boxes == 0
    assert ready.at.error[0].value.startswith("**mine\\.mp4")
    assert text_of(ready) == CONFIGURED


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as made:
        made.add(B32.id, make_clip(tmp_path / "published")).commit = B32.revision
        use_hub(made.url, tmp_path / "hub", monkeypatch)
        yield made


def test_a_model_for_footage_is_offered_and_fetched_with_one_press(
    world: World, hub: HubServer, short: bytes, page: Page
) -> None:
    world.write(model="sample", threshold=None)
    page.indexed()
    assert suggested(page) == [f"{SUGGESTED}, 156 MB"]
    assert page.at.button(key="for_footage").label == "Download"
    assert hub.requests == []
    page.press("for_footage")
    page.until(lambda: bool(page.starting("Model CLIP ViT\\-B\\/32")) and not page.at.get("progress"))
    assert page.control("selectbox", "model").value == B32.id
    assert suggested(page) == []
    choose(page, "selectbox", "model", "sample").indexed()
    assert suggested(page) == [SUGGESTED]  # it is here: there is nothing to download
    assert page.at.button(key="for_footage").label == "Use it"
    assert page.press("for_footage").control("selectbox", "model").value == B32.id


def test_the_sample_video_needs_no_other_model(world: World, stock: Path, hub: HubServer, page: Page) -> None:
    world.take(stock / "short.mp4", "sample.mp4")
    world.write(model="sample", video_path="sample.mp4")
    assert suggested(page.indexed()) == []
    choose(page, "selectbox", "model", "rnd").indexed()
    assert suggested(open_video(page, "wide.mp4")) == []
    assert suggested(choose(page, "selectbox", "model", "sample")) == [f"{SUGGESTED}, 156 MB"]


def type_path(page: Page, text: str) -> Page:
    page.at.text_input(key=f"path_{page.sidebar.boxes}").set_value(text)
    return page.run()


@pytest.fixture
def trip(world: World, stock: Path) -> Path:
    folder = world.folder / "trip"
    folder.mkdir()
    for name in ("one.mp4", "two.mp4"):
        shutil.copy(stock / "short.mp4", folder / name)
    world.write(threshold=None)
    return folder


def test_a_video_is_opened_by_its_path_and_not_copied(world: World, trip: Path, page: Page) -> None:
    type_path(page.indexed(), str(trip / "two.mp4")).indexed()
    assert page.control("selectbox", "video").value == "two.mp4"
    assert page.starting("0:02.000")
    assert text_of(page) == CONFIGURED
    assert not (world.folder / "uploads").exists()
    assert page.sidebar.boxes == 1
    assert "two.mp4" in restarted().control("selectbox", "video").options  # what was indexed stays in the list


def test_of_a_folder_all_videos_are_listed(trip: Path, page: Page) -> None:
    type_path(page.indexed(), "trip")
    assert page.starting("2 videos are in the list now, from trip.")
    assert page.control("selectbox", "video").options == ["wide.mp4", "one.mp4", "two.mp4"]
    assert page.control("selectbox", "video").value == "wide.mp4"


def test_what_lies_elsewhere_is_refused_with_what_to_add(trip: Path, stock: Path, page: Page) -> None:
    (trip / "link.mp4").symlink_to(stock / "short.mp4")
    page.indexed()
    for typed in (str(stock / "short.mp4"), str(trip / "link.mp4"), f"{trip}/../../x.mp4"):
        type_path(page, typed)
        said = page.at.error[0].value.replace("\\", "")
        assert "does not lie in a video folder" in said
        assert "to video_dirs in config.yaml" in said
        assert page.control("selectbox", "video").value == "wide.mp4"
    type_path(page, "trip/one.mp4")
    assert not page.at.error


@pytest.fixture
def managers(monkeypatch: pytest.MonkeyPatch) -> list[MemoryUploadedFileManager]:
    """Streamlit's keepers of uploads, as soon as they have kept one."""
    found, add = [], MemoryUploadedFileManager.add_file

    def add_file(self: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec) -> None:
        found.append(self)
        add(self, session_id, file)

    monkeypatch.setattr(MemoryUploadedFileManager, "add_file", add_file)
    return found


@pytest.mark.parametrize("content", ["a video", "no video"])
def test_an_upload_does_not_stay_in_memory(
    content: str, short: bytes, page: Page, managers: list[MemoryUploadedFileManager]
) -> None:
    page.indexed()
    upload(page, short if content == "a video" else b"no video")
    assert len(managers) > 0
    assert [files for manager in managers for files in manager.file_storage.values() if files] == []
    assert (page.sidebar.upload_error is None) == (content == "a video")


def test_a_settings_file_does_not_stay_in_memory(page: Page, managers: list[MemoryUploadedFileManager]) -> None:
    page.indexed()
    page.at.file_uploader(key="settings_file_0").upload("mine.yaml", b"prompts: [a kite]\n", "application/yaml")
    page.run()
    assert text_of(page) == "a kite"
    assert len(managers) > 0
    assert [files for manager in managers for files in manager.file_storage.values() if files] == []


def test_the_page_sweeps_what_killed_uploads_left_when_it_starts(world: World, page: Page) -> None:
    uploads = world.folder / "uploads"
    uploads.mkdir()
    old, new = uploads / ".upload-0a1b2c3d.part", uploads / ".upload-4e5f6a7b.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    page.run()
    assert list(uploads.iterdir()) == [new]
