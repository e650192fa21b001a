"""Library: adding folders and uploads, the queue, watched folders, relinking, and the list itself."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from clip_core.config import load_config
from clip_core.folder_watcher import FolderWatcher
from clip_core.library.watched_folders import SETTLED_S, WatchedFolder
from clip_core.store.activities import Activity
from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation
from pages.shared import cache
from tests.pages.test_library_page import go, rows, tick
from tests.support.app import Gate, _forget_caches
from tests.support.video_maker import VideoSpec, planted
from tests.support.world import Page, World


@pytest.fixture
def trip(world: World) -> Path:
    """A folder in the video folder with three videos, one of them in a subfolder, a broken one and a note."""
    folder = world.folder / "trip"
    (folder / "deep").mkdir(parents=True)
    for name, frames in (("a", 20), ("b", 30)):
        planted(folder, name, frames, VideoSpec())
    planted(folder / "deep", "c", 40, VideoSpec())
    (folder / "broken.mp4").write_bytes(b"no video at all")
    (folder / "notes.txt").write_text("nothing", encoding="utf-8")
    return folder


def library() -> Page:
    return go(Page().run(), "library")


def add_folder(page: Page, typed: str, *, watch: bool = False) -> Page:
    boxes = page.at.session_state["LibraryState"].boxes if "LibraryState" in page.at.session_state else 0
    page.at.text_input(key=f"library_folder_{boxes}").set_value(typed)
    if watch:
        page.at.checkbox(key=f"library_watch_{boxes}").check()
    return page.press("add_folder")


def idle() -> bool:
    totals = cache.index_queue().totals()
    return totals.ended == totals.total


def wide_is_gone(world: World) -> None:
    """The page Investigate, which is drawn first, indexes nothing."""
    world.write(video_path=None)


def names(page: Page) -> list[str]:
    return [row["Video"] for row in rows(page)]


def test_a_folder_is_indexed_with_its_subfolders_and_a_broken_file_is_named_with_its_reason(
    world: World, trip: Path
) -> None:
    wide_is_gone(world)
    page = add_folder(library(), "trip")
    assert page.holding("4 videos from trip: queued.")
    page.until(idle)
    page.run()
    assert sorted(names(page)) == ["a.mp4", "b.mp4", "c.mp4"]
    assert {row["State"] for row in rows(page)} == {"indexed"}
    assert [box.label for box in page.at.expander] == ["1 video could not be indexed"]
    (reason,) = page.starting(r"**broken\.mp4**: ")
    assert "video" in reason
    _forget_caches()  # the next server knows it, too
    page = library()
    assert page.starting(reason)
    shutil.copy(trip / "a.mp4", trip / "broken.mp4")
    page.press("failed_again").until(idle)
    page.run()
    assert [box.label for box in page.at.expander] == []
    assert len(rows(page)) == 3  # it has the bytes of a.mp4 now


@pytest.mark.parametrize(
    ("typed", "says"),
    [("nowhere", r"There is no file nowhere\."), ("../elsewhere", "does not lie in a video folder"),
     ("empty", r"There is no video in empty\.")],
)  # fmt: skip
def test_a_folder_that_cannot_be_added_is_told_and_nothing_is_queued(world: World, typed: str, says: str) -> None:
    wide_is_gone(world)
    (world.folder / "empty").mkdir()
    page = add_folder(library(), typed)
    assert [
        error.value.replace("\\", "")
        for error in page.at.error
        if says.replace("\\", "") in error.value.replace("\\", "")
    ]
    assert cache.index_queue().views() == []


def test_messages_go_when_another_list_is_chosen(world: World) -> None:
    wide_is_gone(world)
    page = add_folder(library(), "nowhere")
    assert page.at.error
    page.at.segmented_control(key=page.key_of("library_view")).set_value("Queue").run()
    assert list(page.sound().at.error) == []
    page.at.segmented_control(key=page.key_of("library_view")).set_value("Videos").run()
    assert list(page.sound().at.error) == []


def test_the_queue_is_paused_reordered_and_cancelled(world: World, trip: Path, gate: Gate) -> None:
    wide_is_gone(world)
    (trip / "broken.mp4").unlink()
    page = add_folder(library(), "trip")
    page.at.segmented_control(key=page.key_of("library_view")).set_value("Queue")
    page.run()
    queue = cache.index_queue()
    listed = page.at.dataframe[0].value.to_dict("records")
    assert [(row["Place"], row["Video"]) for row in listed] == [("now", "a.mp4"), ("1", "b.mp4"), ("2", "c.mp4")]
    page.press("queue_pause")
    gate.let()
    page.until(lambda: all(view.state == "waiting" for view in queue.views()))
    assert page.at.progress[0].text == "0 of 3 videos · paused"
    keys = {Path(view.key[0]).name: view.key for view in queue.views()}
    page.at.multiselect(key="queue_chosen").set_value([keys["c.mp4"]])
    page.press("queue_front")
    assert [Path(view.key[0]).name for view in queue.views()] == ["c.mp4", "a.mp4", "b.mp4"]
    page.at.multiselect(key="queue_chosen").set_value([keys["a.mp4"]])
    page.press("queue_drop")
    assert queue.view(keys["a.mp4"]).state == "cancelled"  # type: ignore[union-attr]
    page.press("queue_cancel")
    assert page.holding("Stop indexing 2 videos, for everybody? What is indexed is kept.")
    page.press("queue_cancel_no").press("queue_cancel").press("queue_cancel_yes")
    gate.open()
    page.until(idle)
    assert {view.state for view in queue.views()} == {"cancelled"}
    assert page.holding("Nothing is waiting to be indexed.")
    assert queue.paused
    page.at.session_state["LibraryState"].library_view = "Videos"
    add_folder(page.run(), "trip").press("queue_pause").until(idle)
    assert sorted(names(page.run())) == ["a.mp4", "b.mp4", "c.mp4"]


def test_what_waits_is_said_where_it_is_looked_for(world: World, trip: Path, gate: Gate) -> None:
    wide_is_gone(world)
    (trip / "broken.mp4").unlink()
    page = add_folder(library(), "trip")
    said = "3 files are in line and are listed here once indexing has begun. *Queue* names them."
    assert page.holding(said)
    assert not page.starting("Nothing is stored yet")
    page.press("queue_pause")
    world.write(video_path="wide.mp4")
    investigate = Page().run()
    waiting = [bar.text for bar in investigate.at.progress]
    assert waiting == ["Waiting: the queue is paused, *Library* resumes it"]
    cache.index_queue().resume()
    gate.open()
    page.until(idle)
    page.run()
    assert sorted(names(page)) == ["a.mp4", "b.mp4", "c.mp4", "wide.mp4"]
    assert not page.holding("in line")


def test_the_accepted_moments_of_the_ticked_videos_are_exported(world: World, trip: Path) -> None:
    wide_is_gone(world)
    page = add_folder(library(), "trip").until(idle)
    store, at = EmbeddingStore(load_config(world.config).embeddings), names(page.run())
    assert page.at.get("download_button") == []
    by_name = {video.name: video.video_id for video in store.summaries()}
    tick(page, *range(3))
    assert page.starting("No moment of these videos was accepted by hand.")
    for name, verdict in (("a.mp4", "accepted"), ("b.mp4", "added"), ("c.mp4", "rejected")):
        store.put_annotation(by_name[name], Annotation("a dog", 0.1, 0.0, 0.2, verdict))
    tick(page, *range(3))
    assert page.starting("2 accepted moments in 2 videos")
    several = {button.proto.label for button in page.at.get("download_button")}
    assert {"CSV", "OpenTimelineIO", "Label Studio"} <= several
    assert "YouTube" not in several
    tick(page, at.index("a.mp4"))
    assert page.starting("1 accepted moment in 1 video")
    assert "YouTube" in {button.proto.label for button in page.at.get("download_button")}
    tick(page, *range(3)).press("zip_pairs")
    queue = cache.export_queue()
    page.until(lambda: not any(view.active for view in queue.views()))
    (task,) = queue.views()
    assert (task.state, task.progress.failed) == ("done", 0)  # type: ignore[union-attr]
    with zipfile.ZipFile(task.progress.files[0]) as archive:  # type: ignore[union-attr]
        lines = [json.loads(line) for line in archive.read("metadata.jsonl").splitlines()]
        assert {line["file_name"] for line in lines} < set(archive.namelist())
    assert [(line["video"], line["accepted"]) for line in sorted(lines, key=lambda line: str(line["video"]))] == [
        ("a.mp4", True), ("b.mp4", True), ("c.mp4", False),
    ]  # fmt: skip
    (link,) = page.run().at.get("link_button")
    assert link.proto.url == f"player/clips/{task.key}?of=training"
    page.press("reel_accepted").until(lambda: not any(view.active for view in queue.views()))
    film = next(view for view in queue.views() if view.key != task.key)
    assert (film.state, film.progress.failed) == ("done", 0)  # type: ignore[union-attr]
    assert sorted(clip.path.name for clip in film.progress.clips) == ["a.mp4", "b.mp4"]  # type: ignore[union-attr]


def test_uploads_are_kept_and_indexed_and_what_is_no_video_is_named(world: World, trip: Path) -> None:
    wide_is_gone(world)
    page = library()
    files = [(f"my {name}.mp4", (trip / f"{name}.mp4").read_bytes(), "video/mp4") for name in ("a", "b", "broken")]
    page.at.file_uploader(key="library_upload_0").set_value(files)
    page.run().until(idle)
    assert sorted(names(page.run())) == ["my a.mp4", "my b.mp4"]
    assert page.holding("2 uploads queued.")
    assert [error for error in page.at.error if "my broken" in error.value]
    assert len(list((world.folder / "uploads").glob("*.mp4"))) == 2


def test_a_watched_folder_takes_what_joins_it_and_is_watched_by_the_next_server(
    world: World, trip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide_is_gone(world)
    monkeypatch.setattr(FolderWatcher, "start", lambda _: None)  # the test looks; no thread does
    now = [0.0]

    def look(after_s: float) -> None:
        now[0] += after_s
        watcher = cache.watch_folders()
        watcher._clock = lambda: now[0]
        watcher.look()

    page = add_folder(library(), "trip", watch=True)
    assert cache.index_queue().views() == []
    for after_s in (0.0, SETTLED_S):
        look(after_s)
    page.until(idle)
    assert sorted(names(page.run())) == ["a.mp4", "b.mp4", "c.mp4"]
    assert page.holding(r"trip · 4 videos")
    _forget_caches()
    planted(trip, "later", 25, VideoSpec())
    for after_s in (0.0, SETTLED_S):
        look(after_s)
    page = library().until(idle)
    assert sorted(names(page.run())) == ["a.mp4", "b.mp4", "c.mp4", "later.mp4"]
    (folder,) = (view.folder for view in cache.watch_folders().views())
    assert folder == WatchedFolder(str(trip), "rnd", None, 5.0)
    tick(page, 0).press("forget").press("forget_yes")
    assert [Path(path).name for path in cache.watch_folders().views()[0].folder.left_out] == ["later.mp4"]
    page.run().press("unwatch_0")
    assert cache.watch_folders().views() == []


def test_several_are_indexed_with_another_model_and_forgotten_at_once(world: World, trip: Path) -> None:
    wide_is_gone(world)
    (trip / "broken.mp4").unlink()
    page = add_folder(library(), "trip").until(idle)
    page.run().control("selectbox", "library_model").set_value("other").run()
    tick(page, 0, 2).press("library_index").until(idle)
    models = {row["Video"]: row["Models"].count("frames") for row in rows(page.run())}
    assert sorted(models.values()) == [1, 2, 2]
    store = EmbeddingStore(load_config(world.config).embeddings)
    for video in store.videos():
        store.put_annotation(video.video_id, Annotation("a dog", 0.1, 0.1, 0.3, "accepted"))
    chosen = names(page)[:2]
    tick(page, 0, 1).press("forget")
    assert page.holding("2 moments that were judged by hand are deleted for good.")
    assert all(page.holding(f"**{name.replace('.', chr(92) + '.')}**") for name in chosen)
    assert page.holding("The video files themselves stay.")
    page.press("forget_yes")
    assert [video.name for video in store.videos()] == [
        name for name in ("a.mp4", "b.mp4", "c.mp4") if name not in chosen
    ]
    assert len(list(trip.rglob("*.mp4"))) == 3


def test_an_offline_video_keeps_its_pictures_and_is_found_in_another_folder(world: World, trip: Path) -> None:
    wide_is_gone(world)
    page = add_folder(library(), "trip/a.mp4").until(idle)
    (world.folder / "moved").mkdir()
    (trip / "a.mp4").rename(world.folder / "moved" / "a renamed.mp4")
    (row,) = rows(page.run())
    assert row["State"] == "offline"
    assert row["Pictures"].startswith("data:image/jpeg;base64,")
    assert page.holding("1 video is offline.")
    for typed, says in (("nowhere", "There is no file nowhere"), ("..", "does not lie in a video folder")):
        page.at.text_input(key="relink_folder").set_value(typed)
        page.press("relink")
        assert [error for error in page.at.error if says in error.value]
    page.at.text_input(key="relink_folder").set_value("moved")
    page.press("relink").until(lambda: bool(page.holding("1 of 1 offline video was found.")))
    assert rows(page)[0]["State"] == "indexed"
    assert page.holding("offline.") == []
    tick(page, 0).press("library_open")
    assert page.sidebar.video_path == str(world.folder / "moved" / "a renamed.mp4")


def test_the_list_is_searched_sorted_and_turned_page_by_page(
    world: World, trip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide_is_gone(world)
    monkeypatch.setattr("pages.regions.library.videos.PAGE", 2)
    page = add_folder(library(), "trip").until(idle)
    page.run().control("selectbox", "library_sort").set_value("Length").run()
    assert names(page) == ["c.mp4", "b.mp4"]
    assert page.holding("1–2 of 3 videos")
    page.press("library_chevron_right")
    assert names(page) == ["a.mp4"]
    page.press("library_order")
    assert names(page) == ["a.mp4", "b.mp4"]
    page.control("text_input", "library_find").set_value("C MP4").run()
    assert names(page) == ["c.mp4"]
    page.control("selectbox", "library_show").set_value("Offline").run()
    assert page.holding("No video is like that.")
    page.control("selectbox", "library_show").set_value("All").run()
    page.control("text_input", "library_find").set_value("").run()
    page.control("checkbox", "library_all").check().run()
    assert page.holding("3 videos selected")


def test_a_name_that_is_no_unicode_and_links_in_a_circle_do_not_stop_the_page(world: World, trip: Path) -> None:
    wide_is_gone(world)
    (trip / "broken.mp4").unlink()
    (trip / "a.mp4").rename(os.fsdecode(os.fsencode(trip) + b"/a\xe9.mp4"))
    (trip / "circle").symlink_to(trip)
    page = add_folder(library(), "trip")
    assert page.holding("3 videos from trip: queued. 1 linked folder is not followed")
    page.until(idle)
    assert {row["State"] for row in rows(page.run())} == {"indexed"}
    assert len(rows(page)) == 3


def test_what_other_processes_index_is_shown_until_they_end(world: World) -> None:
    wide_is_gone(world)
    store = EmbeddingStore(load_config(world.config).embeddings)
    told = Activity("k1", "render *7*", 41, "clip", "a.mp4", 200, 12, 3, 4_600, 34.25, 300.0)
    store.report_activity(told)
    store.report_activity(Activity("k2", "gone", 42, "clip", videos=5))
    store.end_activity("k2")
    (bar,) = library().at.progress
    assert bar.text == (
        r"render \*7\*, process 41, indexes with clip · 12 of 200 videos · 3 failed · 4,600 samples · 34.2/s · "
        r"5:00 left · a\.mp4"
    )
    store.end_activity("k1")
    assert not library().at.progress
