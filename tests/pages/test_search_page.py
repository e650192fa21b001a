"""The page Search without a browser: what the cards are told, and what a browser's reports do."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from clip_core import EmbeddingStore, index_video, load_config, load_encoder
from clip_core.retrieval.filters import SearchFilter
from clip_core.retrieval.results import Elsewhere, Hit, SearchResult
from clip_core.retrieval.search import search
from clip_core.store.searches import COLUMNS, MOST_SAVED, SEARCHES
from clip_core.store.subtitle_rows import SubtitleSource
from clip_core.store.tables import digest
from clip_core.subtitles import Cue
from clip_core.video.drawing import picture_file
from pages.regions.search import exports, filters, results, saved
from pages.regions.search.state import SearchState
from pages.shared import cache, navigation
from pages.shared.access import READ_ONLY_VARIABLE
from tests.pages.test_library_page import go
from tests.support.app import _forget_caches
from tests.support.world import Page, World

COUNT = count()
HOSTILE = "<img src=x onerror=alert(1)> *b* $x$ كلب.mp4"


class Searcher(Page):
    """A visitor of the page Search, whose browser says what a test lets it say."""

    def __init__(self) -> None:
        super().__init__()
        self.run()
        go(self, "search")

    def proto(self, part: str) -> Any:
        found = [e.proto for e in self.at.get("bidi_component") if e.proto.component_name == f"clip_video_{part}"]
        return found[0] if found else None

    def part(self, name: str) -> dict[str, Any]:
        """What was sent to a part of the page."""
        return dict(json.loads(self.proto(name).json))

    @property
    def cards(self) -> list[dict[str, Any]]:
        return [] if self.proto("hits") is None else list(self.part("hits")["hits"])

    @property
    def state(self) -> SearchState:
        state: SearchState = self.at.session_state["SearchState"]
        return state

    def says(self, part: str, what: str, /, **report: Any) -> Searcher:
        """The browser reports something, each time anew."""
        states = self.at._tree.get_widget_states()
        states.widgets.append(
            WidgetState(id=self.proto(part).id, json_value=json.dumps({what: {**report, "count": next(COUNT)}}))
        )
        self.at._run(states)
        self.sound()
        return self

    def ask(self, text: str) -> Searcher:
        return self.says("query", "asked", text=text)


def store_of(world: World) -> EmbeddingStore:
    return EmbeddingStore(load_config(world.config).embeddings)


def index(world: World, *names: str) -> None:
    config = load_config(world.config)
    encoder, store = load_encoder("rnd", config), EmbeddingStore(config.embeddings)
    for name in names:
        for _ in index_video(world.folder / name, encoder, store, samples_per_second=5):
            pass


@pytest.fixture
def library(world: World, stock: Path) -> World:
    """Three indexed videos: wide.mp4, an upright one, and one with a hostile name."""
    world.take(stock / "portrait.mp4")
    world.take(stock / "short.mp4", HOSTILE)
    index(world, "wide.mp4", "portrait.mp4", HOSTILE)
    return world


def expected(world: World, query: str, **options: Any) -> SearchResult:
    config = load_config(world.config)
    return search(query, EmbeddingStore(config.embeddings), load_encoder("rnd", config), **options)


def test_nothing_is_stored(world: World) -> None:
    world.write(video_path=None)
    page = Searcher()
    assert page.starting("**Nothing is stored yet**")
    assert page.proto("query") is None
    assert not navigation.search_is_first()


def test_what_to_type_and_where_it_stands(library: World) -> None:
    page = Searcher()
    assert page.starting("Type what a frame should show")
    assert page.starting("3 stored videos")
    assert (page.part("query")["text"], page.cards) == ("", [])
    assert navigation.search_is_first()
    page.press("search_example_1")
    assert page.part("query")["text"] == "a red car\n- a person"
    assert len(page.cards) > 0


def test_the_cards_are_the_answer(library: World) -> None:
    page = Searcher().ask("a dog")
    answer = expected(library, "a dog", limit=results.LIMIT)
    assert len(answer.hits) >= 3
    assert [card["name"] for card in page.cards] == [hit.name for hit in answer.hits]
    assert [card["at"] for card in page.cards] == [hit.peak_s for hit in answer.hits]
    assert HOSTILE in {card["name"] for card in page.cards}  # as text: the browser sets it as text
    first, hit = page.cards[0], answer.hits[0]
    assert first["picture"] == f"player/thumbnail/{hit.video_id}/{hit.peak_pts}"
    assert first["beats"] == int(100 * (hit.beats or 0))
    assert page.part("hits")["sure"] == (answer.verdict == "there")
    assert page.part("hits")["reason"] == answer.reason
    for card in page.cards:
        (own,) = [tick for tick in page.part("hits")["strips"][card["video"]] if tick[2] == card["key"]]
        assert 0 <= own[0] < own[1] <= 1
    assert page.state.recent == ["a dog"]


def test_the_curves_follow_the_cards(library: World) -> None:
    page = Searcher().ask("a dog")
    assert {card["curve"] for card in page.cards} == {None}
    while any(card["curve"] is None for card in page.cards):
        page.says("hits", "lacking")
    for card in page.cards:
        points, span = np.array(card["curve"]["points"]), card["curve"]["span"]
        assert (points[0, 0], points[-1, 0], points[:, 1].min(), points[:, 1].max()) == (0, 1, 0, 1)
        assert 0 <= span[0] < span[1] <= 1
        assert card["picture"] in card["curve"]["frames"] or len(card["curve"]["frames"]) == 12


def test_a_click_opens_the_moment_with_the_query_as_prompts(library: World) -> None:
    page = Searcher().ask("pizza\n- a cat")
    card = page.cards[-1]
    page.says("hits", "opens", key=card["key"], other=None)
    page.indexed()
    assert page.sidebar.prompts == "pizza\n- a cat"
    hit = expected(library, "pizza\n- a cat", limit=results.LIMIT).hits[-1]
    viewer = page.at.session_state["ViewerState"]
    times_s = _record(library, card["name"]).table.times_s
    assert (hit.video_id, hit.peak_s, viewer.video_id) == (card["video"], card["at"], card["video"])
    assert times_s[viewer.frame] == pytest.approx(hit.start_s, abs=1 / 30)


def test_judging_is_kept_shown_and_undone(library: World) -> None:
    page, store = Searcher().ask("a dog"), store_of(library)
    one, other = page.cards[:2]

    def verdicts() -> list[tuple[str, str]]:
        return sorted((a.prompt, a.verdict) for v in store.videos() for a in store.annotations(v.video_id))

    page.says("hits", "judged", what="accept", keys=[one["key"]])
    page.says("hits", "judged", what="reject", keys=[other["key"]])
    assert verdicts() == [("a dog", "accepted"), ("a dog", "rejected")]
    assert [card["verdict"] for card in page.cards[:2]] == ["accepted", "rejected"]
    page.says("hits", "judged", what="reject", keys=[one["key"], other["key"]])
    assert [card["verdict"] for card in page.cards[:2]] == ["rejected", "rejected"]
    page.says("hits", "judged", what="undo", keys=[])
    assert [card["verdict"] for card in page.cards[:2]] == ["accepted", "rejected"]
    page.says("hits", "judged", what="accept", keys=[one["key"]])  # once more withdraws it
    assert verdicts() == [("a dog", "rejected")]
    page.state.search_hide = True
    page.run()
    assert other["key"] not in {card["key"] for card in page.cards}
    page.state.search_hide = False
    page.ask("pizza")
    assert {card["verdict"] for card in page.cards} == {""}


NONSENSE: list[tuple[str, dict[str, Any]]] = [
    ("opens", {"key": "nothing"}),
    ("opens", {"key": 5, "other": "x"}),
    ("judged", {"what": "delete", "keys": ["x"]}),
    ("judged", {"what": "accept", "keys": {"a": 1}}),
    ("judged", {"what": ["accept"], "keys": [["x"], None]}),
    ("selected", {"keys": [1, None, "x"]}),
    ("more", {"key": None}),
]


def test_nonsense_from_a_browser_does_nothing(library: World) -> None:
    page = Searcher().ask("a dog")
    before = page.cards
    for name, report in NONSENSE:
        page.says("hits", name, **report)
        assert (page.cards, page.state.selected, page.state.opens, len(page.at.error)) == (before, [], None, 0), report
    assert [a for v in store_of(library).videos() for a in store_of(library).annotations(v.video_id)] == []


def test_all_of_one_video_and_the_same_in_other_files(library: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (video, *_) = store_of(library).videos()

    def hit(start_s: float, *also: Elsewhere) -> Hit:
        pts = int(video.table.pts[int(start_s * 10)])
        return Hit(video.video_id, video.name, start_s, start_s + 0.5, start_s, pts, 1 - start_s, 0.2, 0.97, also)

    elsewhere = Elsewhere("f" * 64, "copy.mp4", 3.0, 4.0)

    def found(*_: Any, most_per_video: int = 3, **__: Any) -> SearchResult:
        times_s = [0.0, 0.5, 1.0] if most_per_video == 3 else [0.0, 0.5, 1.0, 1.5]
        hits = [hit(time_s, *([elsewhere] if time_s == 0 else [])) for time_s in times_s]
        return SearchResult(hits, "there", "It stands out.", more={video.video_id: 1}, videos=3, frames=70)

    monkeypatch.setattr(results, "search", found)
    page = Searcher().ask("a dog")
    assert [card["more"] for card in page.cards] == [0, 0, 1]
    assert page.cards[0]["also"] == [{"name": "copy.mp4", "time": "0:03.0 – 0:04.0"}]
    page.says("hits", "more", key=page.cards[2]["key"])
    assert [card["at"] for card in page.cards] == [0.0, 0.5, 1.0, 1.5]
    assert {card["more"] for card in page.cards} == {0}
    page.says("hits", "opens", key=page.cards[0]["key"], other=0)
    assert page.holding("No video with") or page.at.title.len == 0  # it is not stored: Investigate says so
    assert page.sidebar.link_problem is not None


def test_filters_restrict_the_search(library: World) -> None:
    page = Searcher().ask("a dog")
    page.control("text_input", "search_name").set_value("PORTRAIT")
    page.run()
    assert {card["name"] for card in page.cards} == {"portrait.mp4"}
    page.control("text_input", "search_name").set_value("nothing like this")
    page.run()
    assert page.starting("No video passes the filters.")
    page.press("clear_filters")
    assert len({card["name"] for card in page.cards}) == 3
    page.control("segmented_control", "search_orientation").set_value("Portrait")
    page.run()
    assert {card["name"] for card in page.cards} == {"portrait.mp4"}


def test_filters_come_back_as_they_were_saved(library: World) -> None:
    page = Searcher()
    where = SearchFilter("/a", "b", 0.0, 86400.0, None, None, 30.0, 600.0, "square", hide_rejected=True)
    kept = json.loads(json.dumps(filters.Chosen(where, ("f" * 64,)).as_mapping()))
    assert kept == {
        "folder": "/a", "name": "b", "added_from_s": 0.0, "added_to_s": 86400.0, "shortest_s": 30.0,
        "longest_s": 600.0, "orientation": "square", "hide_rejected": True, "videos": ["f" * 64],
    }  # fmt: skip
    assert filters.Chosen().as_mapping() == {}
    assert page.state.search_folder is None


def test_videos_that_were_not_searched_can_be_queued(library: World, stock: Path) -> None:
    library.take(stock / "one.mp4")
    config = load_config(library.config)
    for _ in index_video(library.folder / "one.mp4", load_encoder("other", config), store_of(library)):
        pass
    page = Searcher().ask("a dog")
    assert page.starting("1 video is not indexed with this model, so not searched.")
    assert "one.mp4" not in {card["name"] for card in page.cards}
    page.press("index_unsearched")
    page.until(lambda: not page.at.get("progress"))
    page.ask("a dog")
    assert not page.holding("not indexed with this model")
    assert page.holding("of 4 videos")


def test_a_saved_search_tells_what_is_new(library: World, stock: Path) -> None:
    page = Searcher().ask("a dog")
    page.press("save_search")
    (kept,) = store_of(library).searches()
    assert (kept.text, kept.seen[_record(library, "wide.mp4").video_id[:12]], len(kept.seen)) == ("a dog", 50, 3)
    assert page.at.button(key="save_search").disabled
    library.take(stock / "one.mp4", "new.mp4")
    index(library, "new.mp4")
    page = Searcher()
    found = [hit for hit in expected(library, "a dog", limit=results.LIMIT).hits if hit.name == "new.mp4"]
    assert page.at.button(key="saved_search_0").label == f"a dog :gray[· {len(found)} new]"
    page.press("saved_search_0")
    assert {card["name"]: card["new"] for card in page.cards}["new.mp4"]
    assert sum(card["new"] for card in page.cards) == sum(card["name"] == "new.mp4" for card in page.cards)
    assert page.at.toggle(key="only_new").label == f"Only new · {len(found)} hit{'s' * (len(found) > 1)}"
    page.at.toggle(key="only_new").set_value(True)
    page.run()
    assert {card["name"] for card in page.cards} == {"new.mp4"}
    assert len(store_of(library).searches()[0].seen) == 4  # somebody has looked now
    for _ in index_video(library.video, load_encoder("rnd", load_config(library.config)), store_of(library)):
        pass  # every frame of wide.mp4
    page = Searcher()
    page.press("saved_search_0")
    assert {card["name"] for card in page.cards if card["new"]} == {"wide.mp4"}
    page.press("drop_search_0")
    assert store_of(library).searches() == ()


def test_more_searches_than_may_be_saved_are_listed_opened_and_removed(library: World) -> None:
    many = MOST_SAVED + 3
    store, texts = store_of(library), [f"search {number:03}" for number in range(many)]
    rows = {"text": texts, "filter": ["{}"] * many, "seen": [""] * many, "at_ns": [1] * many}
    with store._tables.writing(SEARCHES, COLUMNS) as table:  # as a merge brings them
        table.add({"key": [digest(text) for text in texts], **rows})
    page = Searcher()

    def listed() -> list[str]:
        return [b.label for b in page.at.button if (b.key or "").startswith("saved_search_")]

    assert [label.partition(" :")[0] for label in listed()] == texts[: saved.MOST_LISTED]
    page.at.toggle(key="lists_all").set_value(True)
    page.run()
    assert [label.partition(" :")[0] for label in listed()] == texts
    page.press(f"saved_search_{many - 1}")
    assert not page.holding("searches are saved")
    assert len(store.searches()[-1].seen) == 3  # that somebody has looked is stored
    page.press(f"drop_search_{many - 1}")
    assert [search.text for search in store.searches()] == texts[:-1]
    page.ask("a dog")
    page.press("save_search")
    assert page.holding("202 searches are saved")


def test_a_picture_is_looked_for(library: World) -> None:
    page = Searcher()
    frame = cache.frame_rgb(str(library.folder / "wide.mp4"), _record(library, "wide.mp4"), 4.0)
    uri = "data:image/png;base64," + base64.b64encode(picture_file(frame, png=True)).decode()
    page.says("query", "picture", uri=uri, name="a <b>picture</b>.png")
    assert page.part("query")["example"]["name"] == "a <b>picture</b>.png"
    assert page.part("query")["example"]["uri"].startswith("data:image/jpeg;base64,")
    assert page.cards[0]["name"] == "wide.mp4"
    assert (page.cards[0]["beats"], page.part("hits")["judges"]) == (None, True)
    page.says("hits", "judged", what="reject", keys=[page.cards[0]["key"]])
    (judged,) = store_of(library).annotations(_record(library, "wide.mp4").video_id)
    assert (judged.prompt, judged.verdict, judged.anchor_s) == ("a <b>picture</b>.png", "rejected", page.cards[0]["at"])
    assert page.cards[0]["verdict"] == "rejected"
    first = page.cards[0]["key"]
    page.state.search_hide = True
    page.run()
    assert first not in {card["key"] for card in page.cards}
    page.state.search_hide = False
    for broken in ("data:image/png;base64,AAAA", "data:text/html;base64,AAAA", "data:image/png;base64,§", "x", 7):
        page.says("query", "picture", uri=broken, name="broken.png")
        assert ("broken.png cannot be read" in page.part("query")["error"]) == isinstance(broken, str)
        page.state.picture_error = None
    page.says("query", "dropped")
    assert (page.part("query")["example"], page.cards) == (None, [])


def _record(world: World, name: str) -> Any:
    return next(video for video in store_of(world).videos() if video.name == name)


def test_from_a_frame_a_moment_or_a_prompt_on_investigate(library: World) -> None:
    page = Page().indexed()
    page.slide("frame", 60)
    page.at.button(key="everywhere_frame").click()
    page.run()
    example = page.at.session_state["SearchState"].example
    assert (example.name, example.like.start_s, example.like.end_s) == ("frame at 0:02.000 of wide.mp4", 2.0, 2.0)
    assert example.uri.startswith("data:image/jpeg")
    assert [e.proto.component_name for e in page.at.get("bidi_component")] == ["clip_video_query", "clip_video_hits"]
    go(page, "investigate")
    page.prompts("pizza", "- a dog")
    page.press("everywhere_text")
    assert page.at.session_state["SearchState"].text == "pizza\n- a dog"


def test_a_bad_query_says_what_to_do(library: World) -> None:
    page = Searcher().ask("- a person")
    assert "There is nothing to look for" in page.at.error[0].value
    page.ask("x" * 5000)
    assert "5\\,000 letters" in page.at.error[0].value
    assert not page.ask("a dog").at.error
    assert page.cards


def test_the_files_hold_the_selected_hits(library: World, monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, Any] = {}
    monkeypatch.setattr(exports.st, "download_button", lambda *given, key, **_: written.update({key: given[1]}))
    page = Searcher().ask("a dog")
    keys = [card["key"] for card in page.cards]
    page.says("hits", "selected", keys=[keys[0], keys[2]])
    assert page.part("hits")["selected"] == [keys[0], keys[2]]
    hits = expected(library, "a dog", limit=results.LIMIT).hits
    picked = (hits[0], hits[2])
    rows = list(csv.DictReader(io.StringIO(written["export_hits_csv"]().decode())))
    assert [row["video"] for row in rows] == [hit.name for hit in picked]
    assert [float(row["peak_s"]) for row in rows] == pytest.approx([hit.peak_s for hit in picked])
    said = json.loads(written["export_hits_json"]())
    assert (said["query"], [hit["cosine"] for hit in said["hits"]]) == ("a dog", [hit.cosine for hit in picked])
    page.says("hits", "selected", keys=[keys[0]])
    assert written["export_hits_vtt"]().startswith(b"WEBVTT")  # all are in one video


def test_a_read_only_server_searches_and_changes_nothing(library: World, monkeypatch: pytest.MonkeyPatch) -> None:
    Searcher().ask("a dog")
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    _forget_caches()
    page = Searcher().ask("a dog")
    assert page.cards
    assert page.part("hits")["judges"] is False
    assert page.at.button(key="save_search").disabled
    page.says("hits", "judged", what="accept", keys=[page.cards[0]["key"]])
    assert [a for v in store_of(library).videos() for a in store_of(library).annotations(v.video_id)] == []


def test_words_in_subtitles_are_a_list_of_their_own(library: World) -> None:
    page = Searcher().ask("the dog")
    assert page.proto("spoken") is None  # no video has subtitles
    store, cue = store_of(library), Cue(1.0, 2.0, "<b>THE</b> dóg runs")
    ids = {video.name: video.video_id for video in store.summaries()}
    for name in ("wide.mp4", HOSTILE):
        store.keep_subtitles(ids[name], SubtitleSource("stamp", "a.srt"), [Cue(0.0, 0.5, "a cat"), cue])
    shown = page.ask("the dog").part("spoken")
    assert (shown["title"], shown["words"]) == ("2 lines of subtitles", "the dog")
    line = {"time": "0:01.0", "text": "<b>THE</b> dóg runs"}
    assert sorted(shown["lines"], key=str) == sorted([line | {"name": name} for name in ("wide.mp4", HOSTILE)], key=str)
    assert len(page.cards) == len(expected(library, "the dog").hits)
    page.at.session_state["SearchState"].search_name = "wide"
    page.ask("the dog\n- cat")
    assert [each["name"] for each in page.part("spoken")["lines"]] == ["wide.mp4"]
    page.says("spoken", "opens", place=7)
    assert page.proto("spoken") is not None  # there is no such line
    page.says("spoken", "opens", place=0)
    page.indexed()
    viewer = page.at.session_state["ViewerState"]
    assert (viewer.video_id, page.sidebar.prompts) == (ids["wide.mp4"], "the dog\n- cat")
    assert _record(library, "wide.mp4").table.times_s[viewer.frame] == pytest.approx(1.0, abs=1 / 30)


def test_the_selected_hits_become_a_zip_of_clips(library: World, tmp_path: Path) -> None:
    page = Searcher().ask("a dog")
    one = next(card for card in page.cards if card["name"] == "wide.mp4")
    other = next(card for card in page.cards if card["name"] == HOSTILE)
    page.says("hits", "selected", keys=[one["key"], other["key"]])
    page.press("zip_hits")
    queue = cache.export_queue()
    page.until(lambda: not any(view.active for view in queue.views()))
    (task,) = queue.views()
    assert (task.state, task.error) == ("done", None)
    with zipfile.ZipFile(task.progress.files[0]) as archive:  # type: ignore[union-attr]
        clips = sorted(name for name in archive.namelist() if name.endswith(".mp4"))
        rows = list(csv.DictReader(io.StringIO(archive.read("hits.csv").decode())))
    assert [name[:12] for name in clips] == sorted([one["video"][:12], other["video"][:12]])
    assert {row["video_id"] for row in rows} == {one["video"], other["video"]}
    (link,) = page.run().at.get("link_button")
    assert link.proto.url == f"player/clips/{task.key}?of=hits"
    page.says("hits", "selected", keys=[other["key"]])
    assert page.at.get("link_button") == []  # that ZIP is of other hits
    page.says("hits", "selected", keys=[one["key"], other["key"]]).press("reel_hits")
    page.until(lambda: not any(view.active for view in queue.views()))
    film = next(view for view in queue.views() if view.key != task.key)
    assert (film.state, film.progress.files[0].name) == ("done", "reel.mp4")  # type: ignore[union-attr]
    assert [clip.path.name for clip in film.progress.clips] == ["wide.mp4", HOSTILE]  # type: ignore[union-attr]
    links = [link.proto.url for link in page.run().at.get("link_button")]
    assert links == [f"player/clips/{key}?of=hits" for key in (task.key, film.key)]
    page.says("hits", "selected", keys=[other["key"]])
    (tmp_path / "elsewhere").mkdir()
    library.write(video_dirs=str(tmp_path / "elsewhere"))
    _forget_caches()
    assert not {"zip_hits", "reel_hits"} & {button.key for button in page.run().at.button}  # they may not be read here
