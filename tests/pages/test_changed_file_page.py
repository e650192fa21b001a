"""A file that is changed while the page shows or indexes it: it says so, and shows no picture of another file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from clip_core import EmbeddingStore
from clip_core.errors import VideoChangedError
from clip_core.types import VideoRecord
from pages.shared import cache
from tests.support.app import Gate
from tests.support.world import Page, World


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(4096))


def test_a_file_that_is_being_recorded_is_told_once_and_not_begun_again_and_again(
    world: World, gate: Gate, page: Page
) -> None:
    page.until(lambda: any(task.progress for task in cache.index_queue()._tasks.values()))
    append(world.video)
    gate.open()
    page.until(lambda: bool(page.at.error))
    said = page.at.error[0].value.replace("\\", "")
    assert said.startswith("**wide.mp4 grew while it was indexed.")
    assert "If it is still being recorded or copied, index it again when that is done." in said
    for _ in range(3):
        append(world.video)
        page.run()
        assert page.at.error[0].value.replace("\\", "") == said
        assert not page.at.get("progress")
    page.press("resume").indexed()
    assert page.samples == 50
    assert not page.at.error


def known(world: World) -> tuple[EmbeddingStore, VideoRecord]:
    store = cache.store(cache.config().embeddings)
    return store, store.videos()[0]


def test_the_viewer_and_the_thumbnails_take_nothing_from_another_file(world: World, stock: Path, ready: Page) -> None:
    store, record = known(world)
    path, table = str(world.video), record.table
    own, _ = cache.picture(path, record.video_id, 3.0, table)
    kept = shutil.copy2(world.video, world.folder / "kept")
    shutil.copy(stock / "short.mp4", world.video)
    store.forget_frames(record.video_id)
    for act in (
        lambda: cache.picture(path, record.video_id, 1.0, table),
        lambda: cache.frame_rgb(path, record, 1.0),
        lambda: cache.thumbnails(path, record, [int(table.pts[5])], store.location, patience_s=1.0),
        lambda: cache.identified_stamp(path, record.video_id),
    ):
        with pytest.raises(VideoChangedError, match=r"wide\.mp4 was changed since it was indexed\. Open it again\."):
            act()
    assert len(store.thumbnail_pts(record.video_id)) == 0
    Path(kept).replace(world.video)
    cache.picture.clear()
    assert cache.picture(path, record.video_id, 3.0, table)[0] == own


def test_no_clips_and_no_copy_are_made_of_another_file(world: World, stock: Path, ready: Page) -> None:
    _, record = known(world)
    shutil.copy(stock / "short.mp4", world.video)
    ready.press("clips_make")
    queue = cache.export_queue()
    assert list(queue._tasks) == []
    assert record.name == "wide.mp4"


def test_a_file_that_was_replaced_put_back_and_deleted_leaves_its_own_curves(
    world: World, stock: Path, ready: Page
) -> None:
    """The video that was there meanwhile was added later, under the same path."""
    aside, video = world.folder / "aside.bin", world.video
    video.rename(aside)
    shutil.copy(stock / "short.mp4", video)
    ready.until(lambda: bool(ready.starting("0:02.000")))
    ready.indexed()
    video.unlink()
    aside.rename(video)
    ready.until(lambda: bool(ready.starting("0:10.000")))
    video.unlink()
    ready.run()
    assert ready.starting(r"There is no file wide\.mp4\. What is indexed of it is kept.")
    assert ready.starting("0:10.000")
    assert ready.samples == 50
