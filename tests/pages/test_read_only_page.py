"""A read-only server: what is indexed is shown with everything that can be computed, and no byte is written."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from clip_core.encoders.catalogue import CATALOGUE
from clip_core.errors import ReadOnlyError
from pages.shared import cache
from pages.shared.access import READ_ONLY, READ_ONLY_VARIABLE, is_read_only
from tests.pages.test_bad_states_page import linked
from tests.pages.test_judging_page import click, press_key
from tests.pages.test_library_page import go
from tests.pages.test_models import choose
from tests.pages.test_video_settings_page import restarted
from tests.store.test_read_only_store import contents
from tests.support.app import _forget_caches
from tests.support.video_maker import VideoSpec, planted
from tests.support.world import Page, World


@pytest.fixture
def read_only(world: World, stock: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world with one indexed video and two others; the server is read-only from now on."""
    Page().indexed()
    world.take(stock / "short.mp4")
    world.take(world.video, "copied.mp4")
    os.utime(world.folder / "copied.mp4", (1, 1))
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    return world


def test_which_values_mean_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for value in ("", "0", "1", "true", "no"):
        monkeypatch.setenv(READ_ONLY_VARIABLE, value)
        found[value] = is_read_only()
    assert found == {"": False, "0": False, "1": True, "true": True, "no": True}  # in doubt nothing is written
    monkeypatch.delenv(READ_ONLY_VARIABLE)
    assert not is_read_only()


def test_the_page_of_an_indexed_video_works_and_writes_nothing(read_only: World) -> None:
    before = contents(read_only.folder)
    page = restarted()
    assert page.samples == 50
    page.slide("smoothing", 1.3).slide("frame", 40).prompts("a dog", "a dog a dog")
    assert set(page.verdicts) == {"a dog", "a dog a dog"}
    assert not page.at.error
    assert not page.starting(":material/warning:")
    for name in ("evaluate", "compare", "library", "investigate"):
        assert not go(page, name).at.error
    assert page.control("slider", "smoothing").value == 1.3  # as long as the session lasts
    assert [button.key for button in page.at.get("download_button")].count("moments_as_csv") == 1
    assert contents(read_only.folder) == before


def test_what_writes_is_not_offered_and_one_line_says_why(read_only: World) -> None:
    page = restarted()
    assert page.starting(f"{READ_ONLY} No video can be uploaded.")
    assert page.starting(f"{READ_ONLY} Moments cannot be judged or edited.")
    assert "upload" not in [file.key for file in page.at.file_uploader]
    keys = {button.key for button in page.at.button}
    assert keys.isdisjoint({"judge_accepted", "judge_rejected", "save_edges", "add_moment", "undo_edit", "resume"})
    assert "accept_candidate" not in keys
    go(page, "library")
    assert page.starting(f"{READ_ONLY} Nothing can be added, indexed or forgotten.")
    assert {"forget", "library_index"}.isdisjoint({button.key for button in page.at.button})
    assert [file.key for file in page.at.file_uploader] == []


def test_a_key_that_judges_is_answered_with_a_message(read_only: World) -> None:
    before = contents(read_only.folder)
    read_only.write(threshold=None)
    before["config.yaml"] = read_only.config.read_bytes()
    page = restarted()
    click(page, 0)
    press_key(page, "accept")
    (said,) = page.at.error
    assert "nothing was changed" in said.value
    assert "read\\-only" in said.value
    assert contents(read_only.folder) == before


def test_a_video_that_is_not_indexed_is_told_and_stays_so(read_only: World) -> None:
    before = contents(read_only.folder)
    page = restarted()
    choose(page, "video", "short.mp4")
    page.until(lambda: bool(page.starting("##### short\\.mp4 is not indexed")))
    assert page.holding(f"{READ_ONLY} It shows the videos that were indexed before.")
    assert page.holding("while it is being indexed") == []
    assert "resume" not in {button.key for button in page.at.button}
    assert contents(read_only.folder) == before


def test_no_upload_is_proposed_where_a_link_names_no_video(read_only: World) -> None:
    page = linked(video="gone.mp4")
    assert page.holding("Open its path with the button beside the list, or choose another.")
    assert page.holding("Upload it") == page.holding("while it is being indexed") == []


def test_no_upload_is_proposed_where_no_video_is_chosen(read_only: World) -> None:
    read_only.write(video_path=None)
    page = Page().run()
    assert page.starting("##### No video chosen")
    assert page.holding("upload your own") == page.holding("while it is being indexed") == []


def test_another_model_or_a_denser_rate_indexes_nothing(read_only: World) -> None:
    before = contents(read_only.folder)
    page = restarted()
    choose(page, "sps", 10.0)  # type: ignore[arg-type]
    page.until(lambda: bool(page.starting(f"50 samples indexed · {READ_ONLY}")))
    assert page.samples == 50
    choose(page, "model", "other")
    page.until(lambda: bool(page.starting(f"0 samples indexed · {READ_ONLY}")))
    assert contents(read_only.folder) == before


def test_a_copy_of_an_indexed_video_is_recognised(read_only: World) -> None:
    before = contents(read_only.folder)
    page = restarted()
    choose(page, "video", "copied.mp4")
    page.indexed()
    assert page.samples == 50
    assert contents(read_only.folder) == before


def test_a_store_that_was_moved_to_another_folder_is_shown(read_only: World, tmp_path: Path, monkeypatch: Any) -> None:
    moved = World(tmp_path / "elsewhere")
    shutil.copytree(read_only.folder, moved.folder, ignore=shutil.ignore_patterns("elsewhere"), symlinks=True)
    moved.settings = dict(read_only.settings)
    os.utime(moved.video, (2, 2))
    monkeypatch.setenv("CLIP_VIDEO_CONFIG", str(moved.config))
    before = contents(moved.folder)
    assert restarted().samples == 50
    assert contents(moved.folder) == before


def test_no_copy_to_play_is_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(world.folder, "old", 20, VideoSpec(".avi", "mpeg4"))
    world.write(video_path="old.avi")
    Page().indexed()
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    _forget_caches()
    before = contents(world.folder)
    page = Page("Player").indexed()
    assert page.starting(f"{READ_ONLY} No copy to play is made; choose View → Frames.")
    assert "proxy_make" not in {button.key for button in page.at.button}
    assert contents(world.folder) == before


def test_no_model_is_downloaded(read_only: World) -> None:
    page = restarted()
    choose(page, "model", CATALOGUE[0].id)
    assert page.starting(f"{READ_ONLY} No model can be downloaded; choose another in the sidebar.")
    assert "download" not in {button.key for button in page.at.button}


def test_the_queues_refuse_what_a_forgotten_control_would_start(read_only: World, tmp_path: Path) -> None:
    _forget_caches()
    record = cache.store(cache.config().embeddings).videos()[0]
    proxies, downloads = cache.proxy_queue(), cache.download_queue()
    proxies.start(read_only.video, record, tmp_path / "copy.mp4")
    key = downloads.start(CATALOGUE[0].id)
    for queue, name in ((proxies, record.video_id), (downloads, key)):
        assert queue.wait(name, 30.0)  # type: ignore[arg-type, attr-defined]
        assert isinstance(queue.view(name).error, ReadOnlyError)  # type: ignore[arg-type, attr-defined, union-attr]
    assert not (tmp_path / "copy.mp4").exists()


def test_clips_are_made_in_a_temporary_folder(read_only: World) -> None:
    before = contents(read_only.folder)
    page = restarted()
    page.press("clips_make")
    page.until(lambda: not page.at.get("progress"))
    (made,) = cache.exports().rglob("clips.zip")
    assert made.stat().st_size > 1000
    assert not made.is_relative_to(read_only.folder)
    assert contents(read_only.folder) == before


def test_temporary_clips_of_a_killed_server_are_swept_by_the_next(
    read_only: World, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    _forget_caches()
    ours, left = cache.exports(), temporary / "clip-video-exports-0123abc_"
    (left / ("1b" * 16)).mkdir(parents=True)
    (left / ("1b" * 16) / "clips.zip").write_bytes(b"PK")
    kept = read_only.folder / "embeddings" / f".clip-video-{'0' * 32}.part"
    kept.write_bytes(b"half")
    for path in (ours, left, kept):
        os.utime(path, (1, 1))
    cache._config.clear()
    cache.config()
    assert (list(temporary.iterdir()), kept.exists()) == ([ours], True)
