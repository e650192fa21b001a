"""The part that sees to a copy: what it says, what it starts, what it never starts twice."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import clip_core.media.exports_folder
import clip_core.task_queue
import clip_core.tasks
from clip_core import EmbeddingStore, index_video, open_video
from clip_core.errors import ProxyError, VideoError
from clip_core.library.identify import known_video
from clip_core.types import Progress
from pages.regions.viewer.proxy import ProxyState
from pages.regions.viewer.viewer import CHIPS_BELOW_PX
from pages.shared import cache
from pages.shared.markdown import escape_markdown
from tests.pages.test_library_page import forget
from tests.pages.test_player_page import Watching
from tests.support.fakes import FakeEncoder
from tests.support.joined_maker import RATE, Recording, write_joined
from tests.support.video_maker import PlantedVideo, VideoSpec, planted
from tests.support.world import PATIENCE_S, Page, World

PAGE = Path(__file__).with_name("proxy_page.py")
MPEG4 = "Browsers do not play MPEG\\-4 part 2 in AVI"


class ProxyPage(Page):
    """The small page as one visitor sees it."""

    def __init__(self) -> None:
        self.at = AppTest.from_file(str(PAGE), default_timeout=PATIENCE_S)

    @property
    def source(self) -> str | None:
        return self.at.session_state["playable"].source

    @property
    def bar(self) -> str:
        """The text at the progress bar, empty if there is none."""
        bars = self.at.get("progress")
        return bars[0].proto.text if bars else ""

    @property
    def keys(self) -> list[str]:
        return [button.key for button in self.at.button]

    def settled(self) -> ProxyPage:
        self.until(lambda: not self.bar)
        return self


class Counter:
    """Lets the making of copies through step by step, and counts how often it began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.error: Exception | None = None
        self._go = threading.Semaphore(0)

    def let(self, reports: int = 1_000_000) -> None:
        """Let so many reports pass."""
        self._go.release(reports)

    def wrap(self, make: Callable[..., Generator[Progress, None, None]]) -> Callable[..., object]:
        def held(path: Path, *rest: object, **named: object) -> Generator[Progress, None, None]:
            self.begun.append(path.name)
            if self.error is not None:
                raise self.error
            for progress in make(path, *rest, **named):
                yield progress
                while not self._go.acquire(timeout=0.01):
                    yield progress

        return held


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    counter = Counter()
    monkeypatch.setattr(clip_core.tasks, "make_proxy", counter.wrap(clip_core.tasks.make_proxy))
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    yield counter
    counter.let()


def add(world: World, name: str, spec: VideoSpec, frames: int = 60) -> str:
    """Put a video into the world, known to its store; return its id."""
    return add_file(world, planted(world.folder, name, frames, spec, size=(192, 108)))


def add_file(world: World, video: PlantedVideo) -> str:
    store = EmbeddingStore(world.folder / "embeddings")
    list(index_video(video.path, FakeEncoder(name="fake"), store, samples_per_second=1.0))
    record = known_video(video.path, store)
    assert record is not None
    return record.video_id


@pytest.fixture
def avi(world: World) -> str:
    video_id = add(world, "old", VideoSpec(".avi", "mpeg4"))
    world.write(video_path="old.avi")
    return video_id


def copies(world: World) -> list[str]:
    return sorted(path.name for path in (world.folder / "proxies").glob("*"))


def test_nothing_at_all_where_the_file_plays(world: World, making: Counter) -> None:
    add(world, "new", VideoSpec())
    world.write(video_path="new.mp4")
    page = ProxyPage().run()
    assert (page.source, page.texts, page.keys, page.bar, making.begun) == ("file", [], [], "", [])


def test_of_joined_recordings_browsers_play_only_the_first(world: World, making: Counter) -> None:
    spec = VideoSpec(".webm", "libvpx", RATE, {"g": "12", "deadline": "realtime"})
    joined = add_file(world, write_joined(world.folder, spec, [Recording(30), Recording(40)]))
    world.write(video_path="joined.webm")
    making.let()
    page = ProxyPage().run().settled()
    assert page.source == "copy"
    assert page.texts == ["Plays a copy in 96 lines: browsers do not play joined recordings."]
    with open_video(world.folder / "proxies" / f"{joined}.mp4") as copy:
        assert len(copy.table) == 70


def test_a_copy_is_made_by_itself_watched_and_then_played(avi: str, world: World, making: Counter) -> None:
    page = ProxyPage()
    page.until(lambda: bool(page.bar))
    assert page.bar == escape_markdown(
        "Browsers do not play MPEG-4 part 2 in AVI: a copy that they play is being made · 0 %"
    )
    assert (page.source, page.keys) == (None, ["proxy_cancel"])
    page.until(lambda: making.let(5) or " left" in page.bar)
    said = re.search(r"is being made · (\d+) \\% · 0\\:\u2060\d\d left$", page.bar)
    assert said is not None
    assert 0 <= int(said[1]) < 100
    making.let()
    page.settled()
    assert page.source == "copy"
    assert page.texts == ["Plays a copy in 108 lines: browsers do not play MPEG\\-4 part 2 in AVI."]
    assert page.keys == []
    assert copies(world) == [".lock", f"{avi}.mp4"]
    with open_video(world.folder / "proxies" / f"{avi}.mp4") as copy:
        assert len(copy.table) == 60
    again = ProxyPage().run()
    assert (again.source, making.begun) == ("copy", ["old.avi"])


def test_a_cancelled_one_begins_again_only_when_asked(avi: str, world: World, making: Counter) -> None:
    page = ProxyPage()
    page.until(lambda: bool(page.bar))
    page.press("proxy_cancel").settled()
    assert (page.source, page.keys) == (None, ["proxy_make"])
    assert page.texts == [f"{MPEG4}. A copy was begun and cancelled."]
    assert copies(world) == [".lock"]
    page.run().run()
    other = ProxyPage().run()  # somebody else comes to it
    assert (other.keys, making.begun) == (["proxy_make"], ["old.avi"])
    making.let()
    page.press("proxy_make").settled()
    assert (page.source, making.begun) == ("copy", ["old.avi", "old.avi"])


def test_a_failed_one_says_why(avi: str, world: World, making: Counter) -> None:
    making.error = ProxyError("There is no <b>room</b>.", "Free some space.")
    page = ProxyPage()
    page.until(lambda: bool(page.at.error))
    assert page.at.error[0].value == "**There is no \\<b\\>room\\<\\/b\\>\\.** Free some space\\."
    assert (page.keys, page.source) == (["proxy_make"], None)
    page.run().run()
    assert making.begun == ["old.avi"]
    making.error = None
    making.let()
    page.press("proxy_make").settled()
    assert (page.source, page.at.error.len) == ("copy", 0)


def test_one_at_a_time(avi: str, world: World, making: Counter) -> None:
    add(world, "older", VideoSpec(".avi", "mpeg4", options={"g": "7"}))
    first = ProxyPage()
    first.until(lambda: bool(first.bar))
    second = ProxyPage()
    second.at.session_state["video"] = "older.avi"
    second.run()
    assert second.bar.endswith(escape_markdown("a copy that they play waits for its turn: number 1 in line"))
    making.let()
    first.settled()
    second.settled()
    assert (first.source, second.source, making.begun) == ("copy", "copy", ["old.avi", "older.avi"])


def test_the_newest_wish_is_next_and_one_that_nobody_looks_at_is_dropped_until_somebody_does(
    avi: str, world: World, making: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {"old.avi": ProxyPage()}
    pages["old.avi"].until(lambda: bool(pages["old.avi"].bar))
    for name, group in (("older", "7"), ("oldest", "9")):
        add(world, name, VideoSpec(".avi", "mpeg4", options={"g": group}))
        page = pages[f"{name}.avi"] = ProxyPage()
        page.at.session_state["video"] = f"{name}.avi"
        page.run()
    assert pages["oldest.avi"].bar.endswith("number 1 in line")
    assert pages["older.avi"].run().bar.endswith("number 2 in line")
    with monkeypatch.context() as patched:
        patched.setattr(clip_core.task_queue, "WATCHING_S", 0.0)  # nobody has looked within that time
        making.let()
        pages["old.avi"].settled()
    assert making.begun == ["old.avi"]
    for name in ("older.avi", "oldest.avi"):
        assert cache.proxy_queue().view(pages[name].at.session_state["record"].video_id) is None
        pages[name].run().settled()
        assert pages[name].source == "copy"


def test_cancelling_asks_when_somebody_else_watches(avi: str, world: World, making: Counter) -> None:
    page, other = ProxyPage(), ProxyPage()
    page.until(lambda: bool(page.bar))
    other.run()
    page.press("proxy_cancel")
    assert page.holding("1 more is watching this. Cancel for all?")
    page.press("proxy_cancel_not")
    assert page.bar
    page.press("proxy_cancel").press("proxy_cancel_all").settled()
    assert (page.source, other.settled().keys) == (None, ["proxy_make"])


def test_what_cannot_be_begun_is_told(avi: str, world: World, making: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise VideoError(f"{path.name} cannot be looked at.", "Try later.")

    with monkeypatch.context() as patched:
        patched.setattr(clip_core.tasks, "file_stamp", refuse)
        page = ProxyPage().run()
        for _ in range(2):
            assert [error.value for error in page.at.error] == ["**old\\.avi cannot be looked at\\.** Try later\\."]
            assert page.keys == ["proxy_make"]
            page.press("proxy_make")
    making.let()
    page.press("proxy_make").settled()
    assert (page.source, page.at.error.len) == ("copy", 0)


def test_a_browser_that_refuses_the_file_and_then_the_copy(world: World, making: Counter) -> None:
    video_id = add(world, "new", VideoSpec())
    world.write(video_path="new.mp4")
    making.let()
    page = ProxyPage()
    page.at.session_state["ProxyState"] = ProxyState(refused={f"player/video/{video_id}"})
    page.until(lambda: page.source == "copy")
    assert page.texts == ["Plays a copy in 108 lines: this browser does not play the file itself."]
    page.at.session_state["ProxyState"].refused = {f"player/{what}/{video_id}" for what in ("video", "copy")}
    for _ in range(2):
        page.run()
        assert page.source is None
        assert page.texts == [
            ":material/info: This browser plays neither the file nor its copy. Its frames are shown one by one."
        ]
        assert (page.keys, making.begun) == ([], ["new.mp4"])


def test_a_file_that_has_moved_away(avi: str, world: World, making: Counter) -> None:
    page = ProxyPage()
    making.let()
    page.until(lambda: page.source == "copy")
    (world.folder / "old.avi").rename(world.folder / "old.bin")
    page.at.session_state["video"] = "old.avi"
    page.run()
    assert page.source == "copy"
    (world.folder / "proxies" / f"{avi}.mp4").unlink()
    page.run()  # the player says that it is gone
    assert (page.source, page.texts, page.keys, making.begun) == ("file", [], [], ["old.avi"])


def test_no_copy_is_begun_where_the_frames_are_looked_at(avi: str, world: World, making: Counter) -> None:
    page = Page("Frames").indexed()
    assert "play" in [button.key for button in page.at.button]
    assert (making.begun, cache.proxy_queue().view(avi)) == ([], None)
    page.at.segmented_control(key="watch").set_value("Player").run()
    page.until(lambda: bool(page.at.get("progress")))
    assert making.begun == ["old.avi"]


def plays(page: Page) -> bool:
    """Whether the player is on the page; what listens for keys is there in Frames too."""
    return "clip_video_screen" in [element.proto.component_name for element in page.at.get("bidi_component")]


def test_what_played_in_the_frames_stands_still_when_the_copy_comes(avi: str, world: World, making: Counter) -> None:
    page = Page("Player")
    page.until(lambda: bool(page.at.button) and "play" in [button.key for button in page.at.button])
    page.press("play")
    assert page.at.session_state["ViewerState"].playing
    making.let()
    page.until(lambda: plays(page))
    assert not page.at.session_state["ViewerState"].playing
    stands = page.at.session_state["ViewerState"].frame
    page.run().run()
    assert page.at.session_state["ViewerState"].frame == stands


def test_the_chart_gives_up_the_height_of_what_is_said_of_the_copy(avi: str, world: World, making: Counter) -> None:
    page = Watching()
    page.until(lambda: bool(page.at.get("progress")) and "play" in [button.key for button in page.at.button])
    height = 430 - 42 - CHIPS_BELOW_PX
    assert page.at.get("component_instance")[0].proto.json_args.count(f'"override_height": {height}') == 1
    making.let()
    page.until(lambda: page.parts == ["screen", "ranking", "timeline"])
    assert page.part("timeline")["figure"]["layout"]["height"] == 430 - 27
    page.at.segmented_control(key="chart_h").set_value("Low").run()
    assert page.part("timeline")["figure"]["layout"]["height"] == 300
    page.at.segmented_control(key="chart_h").set_value("Normal").run()
    page.control("selectbox", "video").set_value("wide.mp4").run()
    page.until(lambda: page.parts == ["screen", "ranking", "timeline"])
    assert page.part("timeline")["figure"]["layout"]["height"] == 430


def test_forgetting_takes_back_what_was_refused_and_asked(avi: str, world: World, making: Counter) -> None:
    making.let()
    page = Page("Player")
    page.until(lambda: plays(page))
    page.at.session_state["ProxyState"].refused = {f"player/copy/{avi}", "player/copy/other"}
    page.run()
    assert page.holding("This browser plays neither the file nor its copy")
    assert "play" in [button.key for button in page.at.button]
    page.at.switch_page("pages/library.py")
    forget(page.run()).press("forget_yes")
    assert page.at.session_state["ProxyState"].refused == {"player/copy/other"}
    assert page.at.session_state["ProxyState"].asked == set()


def test_the_list_counts_it_and_forgetting_deletes_it(ready: Page, world: World) -> None:
    (folder := world.folder / "proxies").mkdir()
    record = known_video(world.video, EmbeddingStore(world.folder / "embeddings"))
    assert record is not None
    (folder / f"{record.video_id}.mp4").write_bytes(b"x" * 2_500_000)
    ready.at.switch_page("pages/library.py")
    ready.run()
    (row,) = ready.at.dataframe[0].value.to_dict("records")
    assert row["Copy to play"] == "2.5 MB"
    assert ready.holding(" · copies to play 2.5 MB")
    forget(ready)
    assert ready.holding("Its copy to play is deleted too: 2.5 MB. The video file itself stays.")
    ready.press("forget_yes")
    assert list(folder.iterdir()) == []
    assert world.video.is_file()


def test_forgetting_stops_the_making(avi: str, world: World, making: Counter) -> None:
    page = ProxyPage()
    page.until(lambda: bool(page.bar))
    library = Page().run()
    library.at.switch_page("pages/library.py")
    forget(library.run()).press("forget_yes")
    assert copies(world) == [".lock"]
