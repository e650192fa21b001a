"""The watcher queues new videos of watched folders, once, when they have stopped changing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clip_core import EmbeddingStore
from clip_core.config import Config
from clip_core.encoders.base import Encoder
from clip_core.errors import UnknownModelError
from clip_core.folder_watcher import FolderWatcher
from clip_core.library.watched_folders import SETTLED_S, WatchedFolder
from clip_core.tasks import IndexQueue, index_key
from tests.support.fakes import FakeEncoder
from tests.support.video_maker import VideoSpec, planted


class Watch:
    """A watcher with a clock and a model that the test sets; ``folder`` lies in its video folder."""

    def __init__(self, folder: Path) -> None:
        self.now, self.encoder, self.loads = 0.0, FakeEncoder(), 0
        self.error: UnknownModelError | None = None
        self.folder = folder / "data" / "incoming"
        self.folder.mkdir(parents=True)
        self.config = Config(video_dirs=(folder / "data",))
        self.store = EmbeddingStore(folder / "store")
        self.queue = IndexQueue()
        self.watcher = self.anew()

    def anew(self) -> FolderWatcher:
        """The watcher of a process that has just started."""
        made = FolderWatcher(lambda: self.config, lambda _: self.store, self.queue, self.load, lambda: self.now)
        made.stop()  # the test looks; no thread does
        return made

    def load(self, folder: WatchedFolder, config: Config) -> Encoder:
        assert (folder.model, config) == ("fake", self.config)
        self.loads += 1
        if self.error is not None:
            raise self.error
        return self.encoder

    def look(self, after_s: float = 0.0) -> list[str]:
        """Look once; the names of the videos that were queued since the last look, when they have ended."""
        before = {view.key for view in self.queue.views()}
        self.now += after_s
        self.watcher.look()
        new = [view.key for view in self.queue.views() if view.key not in before]
        assert all(self.queue.wait(key, 20.0) for key in new)
        return sorted(Path(path).name for path, _ in new)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(tmp_path)
    made.watcher.add(WatchedFolder(str(made.folder), "fake", None, 2.0))
    yield made
    made.queue.cancel_all()


@pytest.fixture
def film(tmp_path: Path) -> Callable[[str, int], Path]:
    (tmp_path / "made").mkdir()
    return lambda name, frames: planted(tmp_path / "made", name, frames, VideoSpec()).path


def test_new_files_are_queued_once_when_they_have_settled(watch: Watch, film: Callable[[str, int], Path]) -> None:
    assert watch.look() == []
    (view,) = watch.watcher.views()
    assert (view.videos, view.changing, view.error) == (0, 0, None)
    whole = film("a", 20)
    part = watch.folder / "a.mp4"
    part.write_bytes(whole.read_bytes()[:100])
    assert watch.look() == []
    shutil.copy(whole, part)  # it is still being copied
    assert watch.look(SETTLED_S) == []
    assert watch.watcher.views()[0].changing == 1
    assert watch.look(SETTLED_S) == ["a.mp4"]
    assert watch.look(SETTLED_S) == []
    assert [record.name for record in watch.store.videos()] == ["a.mp4"]


def test_a_broken_file_is_told_with_its_reason_and_stops_no_other(
    watch: Watch, film: Callable[[str, int], Path]
) -> None:
    (watch.folder / "broken.mp4").write_bytes(b"no video at all")
    shutil.copy(film("a", 20), watch.folder)
    watch.look()
    assert watch.look(SETTLED_S) == ["a.mp4", "broken.mp4"]
    broken = watch.queue.view(index_key(watch.folder / "broken.mp4", watch.encoder))
    assert broken is not None
    assert broken.state == "failed"
    assert "broken.mp4" in str(broken.error)
    assert watch.look(SETTLED_S) == []  # not again before it changes
    (watch.folder / "broken.mp4").write_bytes(film("b", 25).read_bytes())
    watch.look()
    watch.look(SETTLED_S)
    assert watch.queue.wait(index_key(watch.folder / "broken.mp4", watch.encoder), 20.0)
    assert len(watch.store.videos()) == 2


def test_after_a_restart_nothing_is_indexed_twice_and_what_was_forgotten_stays_so(
    watch: Watch, film: Callable[[str, int], Path]
) -> None:
    for n in range(3):
        shutil.copy(film(f"film{n}", 20 + n), watch.folder)
    watch.look()
    assert watch.look(SETTLED_S) == ["film0.mp4", "film1.mp4", "film2.mp4"]
    (forgotten,) = (record for record in watch.store.videos() if record.name == "film1.mp4")
    watch.watcher.leave_out({forgotten.path, "/elsewhere/x.mp4"})
    watch.store.forget(forgotten.video_id)
    pictures = watch.encoder.pictures
    watch.queue, watch.store = IndexQueue(), EmbeddingStore(watch.store.location)
    watch.watcher = watch.anew()
    watch.look()
    assert watch.look(SETTLED_S) == []
    assert watch.encoder.pictures == pictures
    assert watch.watcher.views()[0].folder.left_out == (forgotten.path,)
    watch.watcher.remove(str(watch.folder))
    assert watch.watcher.views() == []


def test_a_model_that_cannot_be_loaded_and_a_folder_that_is_gone_are_told_and_tried_again(
    watch: Watch, film: Callable[[str, int], Path]
) -> None:
    watch.error = UnknownModelError("There is no model fake.", "Choose another.")
    shutil.copy(film("a", 20), watch.folder)
    watch.look()
    assert watch.look(SETTLED_S) == []
    assert watch.watcher.views()[0].error is watch.error
    watch.error = None
    assert watch.look(1.0) == ["a.mp4"]
    aside = watch.folder.rename(watch.folder.with_name("aside"))
    assert watch.look() == []
    assert "There is no file incoming" in str(watch.watcher.views()[0].error)
    aside.rename(watch.folder)
    assert watch.look() == []
    assert watch.watcher.views()[0].error is None
    watch.config = Config(video_dirs=(watch.folder.parents[1] / "store", *watch.config.video_dirs[1:]))
    assert watch.watcher.views() == []  # another first video folder has a list of its own
