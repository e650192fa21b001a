"""A query over many videos: the right moments in the right order, once each, and no more certainty than there is.

The pictures and captions are real CLIP's (tests/support/real_films.py); which video shows what is planted.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, Hit, Like, SearchQuery, detect_moments, search
from clip_core.analysis.analyse import Picture
from clip_core.errors import NotIndexedError, PromptError
from clip_core.prompts import Prompt
from clip_core.retrieval.filters import SearchFilter
from clip_core.scoring.null_bank import bank_levels, bank_texts
from clip_core.types import Annotation, Floats, TimeTable
from tests.support.real_films import Pairs, unit
from tests.support.row_library import RowEncoder, picture_of, store_video

SHOT_S, REPEATS = 10, 5


@dataclass(frozen=True)
class Library:
    """Six videos of shots of ten seconds.

    Attributes:
        clear: Rows of captions that beat the null bank on their own picture, the clearest first.
        ids: Name → video id.
        absent: A row that is shown nowhere.
    """

    store: EmbeddingStore
    encoder: RowEncoder
    pairs: Pairs
    clear: list[int]
    absent: int
    ids: dict[str, str]

    def first(self, query: str | SearchQuery, **options: object) -> Hit:
        return search(query, self.store, self.encoder, **options).hits[0]  # type: ignore[arg-type]

    def names(self, query: str | SearchQuery, **options: object) -> list[str]:
        found = search(query, self.store, self.encoder, **options)  # type: ignore[arg-type]
        return [hit.name for hit in found.hits]


def shots(pairs: Pairs, rows: list[int], seed: int) -> Floats:
    """Ten seconds of each picture, hardly moving."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(len(rows) * SHOT_S, pairs.images.shape[1])) * 0.003
    return unit(pairs.images[np.repeat(rows, SHOT_S)] + noise).astype(np.float32)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    pairs = Pairs()
    order = np.random.default_rng(3).permutation(len(pairs.images))
    bank, shown = order[:300], order[300:420]
    cosines = pairs.images[shown] @ pairs.captions[bank].T
    own = np.einsum("nd,nd->n", pairs.images[shown], pairs.captions[shown])
    clear = shown[np.argsort(bank_levels(cosines, 60.0).level - own)].tolist()
    encoder = RowEncoder(pairs.images, pairs.captions, bank.tolist())
    store = EmbeddingStore(tmp_path_factory.mktemp("library"))
    repeated = [row for k in range(REPEATS) for row in (clear[10], clear[40 + k])]
    title_card = unit(1.0 * pairs.captions.mean(axis=0) + pairs.images[order[421]]).astype(np.float32)
    videos = {
        "A.mp4": shots(pairs, clear[:5], 1),
        "B.mp4": shots(pairs, clear[5:10], 2),
        "copy of A.mp4": shots(pairs, [clear[20], clear[1], clear[21]], 3),
        "repeated.mp4": shots(pairs, repeated, 4),
        "titles.mp4": np.tile(title_card, (60, 1)),
        "one.mp4": shots(pairs, clear[30:31], 5)[:1],
    }
    shapes = {"A.mp4": (640, 360), "B.mp4": (360, 640), "repeated.mp4": (500, 500)}
    ids = {}
    for number, (name, vectors) in enumerate(videos.items()):
        width, height = shapes.get(name, (640, 360))
        path = f"/films/{'trips/' if number < 2 else ''}{name}"
        facts = {"width": width, "height": height, "path": path, "added_s": 1000.0 + number}
        ids[name] = store_video(store, encoder, name, vectors, **facts)
    return Library(store, encoder, pairs, clear, int(order[430]), ids)


def caption(row: int) -> str:
    return f"caption {row}"


def test_each_shown_caption_is_found_where_detection_finds_it(library: Library) -> None:
    for number, row in enumerate(library.clear[:10]):
        if number == 1:  # a copy of it comes first
            continue
        name = "A.mp4" if number < 5 else "B.mp4"
        result = search(caption(row), library.store, library.encoder)
        hit = result.hits[0]
        detected = detect_moments(library.ids[name], [caption(row)], library.encoder, library.store)
        moment = (*detected.moments, *detected.candidates)[0]
        assert hit.name == name
        assert (hit.start_s, hit.end_s) == (moment.start_s, moment.end_s)
        shot = (SHOT_S * (number % 5), SHOT_S * (number % 5 + 1))
        assert (hit.start_s, hit.end_s) == pytest.approx(shot, abs=0.5)
        assert hit.start_s <= hit.peak_s < hit.end_s
        assert hit.peak_pts == hit.peak_s
        assert hit.cosine == pytest.approx(float(library.pairs.images[row] @ library.pairs.captions[row]), abs=0.03)


def test_hits_are_sorted_by_the_corrected_score_and_a_clear_one_is_there(library: Library) -> None:
    result = search(caption(library.clear[0]), library.store, library.encoder)
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert (result.unit, result.verdict, result.videos) == ("corrected", "there", 6)
    assert result.frames == sum(
        len(library.store.stored_pts(i, library.encoder.fingerprint)) for i in library.ids.values()
    )
    assert (result.hits[0].beats or 0.0) > 0.95
    assert "neutral texts" in result.reason


def test_what_is_shown_nowhere_is_not_sure_and_the_nearest_are_shown(library: Library) -> None:
    result = search(caption(library.absent), library.store, library.encoder)
    assert result.verdict == "not sure"
    assert result.reason.startswith("Nothing stands out")
    assert len(result.hits) > 0


def test_a_neutral_text_is_compared_with_the_others_only(library: Library) -> None:
    result = search(bank_texts("captions")[7], library.store, library.encoder)
    assert "of 299 neutral texts" in result.reason


def test_title_cards_lead_by_cosine_and_not_by_the_score(library: Library) -> None:
    row = library.clear[0]
    vectors, _ = library.store.read(library.ids["titles.mp4"], library.encoder.fingerprint)
    of_title = float((vectors.vectors @ library.pairs.captions[row]).max())
    hit = library.first(caption(row))
    assert of_title > hit.cosine
    assert hit.name == "A.mp4"
    assert "titles.mp4" not in library.names(caption(row))[:3]


def test_at_most_three_hits_of_one_video_and_the_rest_are_counted(library: Library) -> None:
    query, own = caption(library.clear[10]), library.ids["repeated.mp4"]
    result = search(query, library.store, library.encoder)
    hits = [hit for hit in result.hits if hit.video_id == own]
    assert result.hits[:3] == tuple(hits)
    assert [hit.start_s - 20 * round(hit.start_s / 20) for hit in hits] == pytest.approx([0, 0, 0], abs=0.5)
    assert result.more[own] == REPEATS - 3
    every = search(query, library.store, library.encoder, most_per_video=9)
    assert sum(hit.video_id == own for hit in every.hits) == REPEATS
    assert own not in every.more


def test_the_same_pictures_in_another_file_are_one_hit(library: Library) -> None:
    result = search(caption(library.clear[1]), library.store, library.encoder)
    first, other = result.hits[0], result.hits[0].also_in[0]
    assert {first.name, other.name} == {"A.mp4", "copy of A.mp4"}
    assert len(first.also_in) == 1
    assert (other.start_s, other.end_s) == pytest.approx((SHOT_S, 2 * SHOT_S), abs=0.5)
    assert not any(
        hit.name == other.name and hit.start_s < other.end_s and other.start_s < hit.end_s for hit in result.hits
    )


def test_a_copy_has_no_hit_of_its_own_for_the_rest_of_a_moment_or_where_the_query_is_not(
    library: Library, tmp_path: Path
) -> None:
    store, row = EmbeddingStore(tmp_path), library.clear[1]
    own, towards = library.pairs.images[row], library.pairs.images[library.clear[2]]
    changed = unit(own + 0.45 * (towards - own))  # another stretch of the same moment
    films = {
        name: np.concatenate([shots(library.pairs, library.clear[first : first + 2], first), halves])
        for name, first in (("film.mp4", 50), ("copy.mp4", 60))
        for halves in [np.repeat(np.stack([own, changed]), SHOT_S, axis=0).astype(np.float32)]
    }
    for name, vectors in films.items():
        store_video(store, library.encoder, name, vectors)
    result = search(caption(row), store, library.encoder, most_per_video=9)
    (hit,) = result.hits
    assert (hit.start_s, hit.end_s) == pytest.approx((2 * SHOT_S, 4 * SHOT_S), abs=0.5)
    assert {hit.name, *(other.name for other in hit.also_in)} == set(films)


def test_the_limit_holds_and_hits_beyond_it_are_counted_in_videos_with_hits(library: Library) -> None:
    result = search(caption(library.clear[10]), library.store, library.encoder, limit=1)
    assert len(result.hits) == 1
    assert result.more == {library.ids["repeated.mp4"]: REPEATS - 1}


def test_a_negative_text_lets_others_pass(library: Library, tmp_path: Path) -> None:
    pairs, (wanted, unwanted) = library.pairs, library.clear[:2]
    store = EmbeddingStore(tmp_path)
    both = unit(pairs.images[wanted] + pairs.images[unwanted]).astype(np.float32)
    faint = unit(pairs.images[wanted] + 0.9 * pairs.images[library.clear[50]]).astype(np.float32)
    store_video(store, library.encoder, "both", np.tile(both, (5, 1)))
    store_video(store, library.encoder, "alone", np.tile(faint, (5, 1)))
    plain = search(caption(wanted), store, library.encoder)
    against = search(f"{caption(wanted)}\n- {caption(unwanted)}", store, library.encoder)
    scores = {hit.name: hit.score for hit in plain.hits}
    assert {hit.name for hit in against.hits} == {"both", "alone"}
    assert against.hits[0].name == "alone"
    assert against.hits[0].score == pytest.approx(scores["alone"], abs=1e-3)
    assert against.hits[1].score < scores["both"]


def test_several_texts_are_looked_for_together_by_their_weights(library: Library) -> None:
    a, b = library.clear[0], library.clear[5]
    texts = [SearchQuery((Prompt(caption(a), weight=w), Prompt(caption(b)))) for w in (5.0, 0.2)]
    assert [library.first(query).name for query in texts] == ["A.mp4", "B.mp4"]
    vector = unit(5 * library.pairs.captions[a] + library.pairs.captions[b])
    assert library.first(texts[0]).cosine == pytest.approx(float(library.pairs.images[a] @ vector), abs=0.03)


def test_a_picture_finds_its_likes_by_cosine_and_says_nothing_sure(library: Library) -> None:
    row = library.clear[6]
    query = SearchQuery(pictures=((Picture(picture_of(row)), 1.0),))
    result = search(query, library.store, library.encoder)
    assert (result.hits[0].name, result.unit, result.verdict) == ("B.mp4", "cosine", "not sure")
    assert result.hits[0].score == pytest.approx(1.0, abs=0.02)
    assert (result.hits[0].start_s, result.hits[0].end_s) == pytest.approx((10, 20), abs=0.5)
    assert {hit.beats for hit in result.hits} == {None}
    mixed = replace(query, texts=(Prompt(caption(library.clear[0]), weight=20.0),))
    assert library.first(mixed).name == "A.mp4"


def test_more_like_a_place_leaves_out_its_surroundings_unless_asked(library: Library) -> None:
    own = library.ids["repeated.mp4"]
    query = SearchQuery(like=Like(own, 3.0, 3.0))
    result = search(query, library.store, library.encoder)
    assert [hit.name for hit in result.hits[:3]] == ["repeated.mp4"] * 3
    assert not any(hit.video_id == own and hit.start_s < SHOT_S for hit in result.hits)
    assert result.hits[0].score > 0.97
    with_own = search(query, library.store, library.encoder, include_own=True, most_per_video=9)
    assert any(hit.video_id == own and hit.start_s < 1 for hit in with_own.hits)
    span = search(SearchQuery(like=Like(own, 0.0, 9.0)), library.store, library.encoder)
    assert {round(hit.start_s / 20) for hit in span.hits[:3]} < {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (SearchFilter(folder="/films/trips"), {"A.mp4", "B.mp4"}),
        (SearchFilter(folder="/films/trip"), set()),
        (SearchFilter(name="a.MP4"), {"A.mp4", "copy of A.mp4"}),
        (SearchFilter(orientation="portrait"), {"B.mp4"}),
        (SearchFilter(orientation="square"), {"repeated.mp4"}),
        (SearchFilter(longest_s=1.0), {"one.mp4"}),
        (SearchFilter(shortest_s=60.0), {"repeated.mp4", "titles.mp4"}),
        (SearchFilter(added_from_s=1001.0, added_to_s=1003.0), {"B.mp4", "copy of A.mp4"}),
    ],
)
def test_filters_act_in_the_query(library: Library, where: SearchFilter, names: set[str]) -> None:
    result = search(caption(library.clear[0]), library.store, library.encoder, where=where, limit=1)
    assert result.videos == len(names)
    assert {hit.name for hit in result.hits} <= names
    assert len(result.hits) == min(1, len(names))


def test_the_null_bank_is_that_of_the_videos_searched(library: Library) -> None:
    ids = [library.ids["B.mp4"]]
    result = search(caption(library.clear[5]), library.store, library.encoder, videos=ids)
    assert (result.videos, {hit.video_id for hit in result.hits}) == (1, set(ids))
    detected = detect_moments(ids[0], [caption(library.clear[5])], library.encoder, library.store)
    beats, confidence = result.hits[0].beats, detected.confidence[caption(library.clear[5])]
    assert beats == pytest.approx(confidence, abs=0.02)


def test_rejected_moments_are_hidden_for_their_text_only(library: Library) -> None:
    row, own = library.clear[3], library.ids["A.mp4"]
    hit, hide = library.first(caption(row)), SearchFilter(hide_rejected=True)
    annotation = Annotation(caption(row), hit.peak_s, hit.start_s, hit.end_s, "rejected")
    library.store.put_annotation(own, annotation)
    assert library.first(caption(row)) == hit
    assert library.first(caption(row), where=hide) != hit
    assert library.first(caption(library.clear[4]), where=hide).video_id == own
    library.store.withdraw_annotation(own, annotation)
    assert library.first(caption(row), where=hide) == hit


def test_videos_of_another_model_are_named_and_an_empty_store_answers(library: Library, tmp_path: Path) -> None:
    store, pairs = EmbeddingStore(tmp_path), library.pairs
    other = RowEncoder(pairs.images, pairs.captions, list(range(300)), "other")
    empty = search(caption(1), store, library.encoder)
    assert (list(empty.hits), empty.videos, empty.verdict) == ([], 0, "not sure")
    assert "No video is searched" in empty.reason
    video_id = store_video(store, other, "other.mp4", shots(pairs, [1], 1))
    result = search(caption(1), store, library.encoder)
    assert (list(result.hits), list(result.unsearched)) == ([], [video_id])


def test_a_video_is_found_once_it_is_stored_and_gone_once_it_is_forgotten(library: Library, tmp_path: Path) -> None:
    store, row = EmbeddingStore(tmp_path), library.clear[0]
    store_video(store, library.encoder, "first", shots(library.pairs, [library.clear[9]], 1))
    assert search(caption(row), store, library.encoder).hits[0].name == "first"
    added = store_video(store, library.encoder, "second", shots(library.pairs, [row], 2))
    assert search(caption(row), store, library.encoder).hits[0].name == "second"
    store.forget(added)
    result = search(caption(row), store, library.encoder)
    assert [hit.name for hit in result.hits] == ["first"]
    assert result.videos == 1


def test_a_video_that_must_be_indexed_again_is_named_and_not_searched(library: Library, tmp_path: Path) -> None:
    store, row = EmbeddingStore(tmp_path), library.clear[0]
    frames = shots(library.pairs, [row], 1)
    pts = np.arange(len(frames), dtype=np.int64)
    stale = TimeTable(pts, Fraction(1, 10**9), 0, 10.0, True, np.empty(0, np.int64))
    store_video(store, library.encoder, "stale.mp4", frames, table=stale)
    store_video(store, library.encoder, "sound.mp4", shots(library.pairs, [library.clear[9]], 1))
    result = search(caption(row), store, library.encoder)
    assert [hit.name for hit in result.hits] == ["sound.mp4"]
    assert [warning.split()[0] for warning in result.warnings] == ["stale.mp4"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "nothing to look for"),
        ("- caption 1", "nothing to look for"),
        ("x" * 5000, "5,000 letters"),
        (SearchQuery(), "nothing to look for"),
        (SearchQuery((Prompt("x", negative=True),)), "nothing to look for"),
        (SearchQuery((Prompt("x" * 5000),)), "5,000 letters"),
        (SearchQuery((Prompt("  "),)), "empty"),
        (SearchQuery((Prompt("x", weight=0.0),)), "weight"),
        (SearchQuery(pictures=((Picture(picture_of(1)), float("nan")),)), "weight"),
        (SearchQuery(pictures=((Picture(np.zeros((4, 4), np.uint8)), 1.0),)), "picture"),
        (SearchQuery(like=Like("ab" * 32, 5.0, 1.0)), "no span"),
    ],
)
def test_queries_that_say_nothing_are_refused(library: Library, query: str | SearchQuery, says: str) -> None:
    with pytest.raises(PromptError, match=says):
        search(query, library.store, library.encoder)


def test_a_place_in_an_unknown_video_is_refused(library: Library) -> None:
    with pytest.raises(NotIndexedError, match="abab"):
        search(SearchQuery(like=Like("ab" * 32, 1.0, 1.0)), library.store, library.encoder)
    with pytest.raises(ValueError, match="at least 1"):
        search("x", library.store, library.encoder, limit=0)


def test_results_are_plain_values(library: Library) -> None:
    result = search(caption(library.clear[0]), library.store, library.encoder)
    assert dataclasses.is_dataclass(result)
    assert result.to_dict()["hits"][0]["name"] == "A.mp4"


def test_a_read_only_store_names_what_is_not_prepared_and_changes_nothing(library: Library, tmp_path: Path) -> None:
    writable, row = EmbeddingStore(tmp_path), library.clear[0]
    ready = store_video(writable, library.encoder, "ready", shots(library.pairs, [row], 1))
    assert search(caption(row), writable, library.encoder).videos == 1
    late = store_video(writable, library.encoder, "late", shots(library.pairs, [row], 2))
    store = EmbeddingStore(tmp_path, read_only=True)
    result = search(caption(row), store, library.encoder)
    assert ([hit.video_id for hit in result.hits], list(result.unsearched)) == ([ready], [late])
    assert [warning.split()[0] for warning in result.warnings] == ["1"]
    assert "read-only" in result.warnings[0]


def test_edges_in_a_long_restless_film_are_those_of_detection_on_the_whole_of_it(
    library: Library, tmp_path: Path
) -> None:
    pairs = library.pairs
    film = pairs.film(np.random.default_rng(0).integers(2, 20, size=100).tolist(), 0, moving=True)
    encoder, store = RowEncoder(pairs.images, pairs.captions, film.bank), EmbeddingStore(tmp_path)
    video_id = store_video(store, encoder, "film", film.vectors)
    texts = [caption(row) for row in [*film.truth][:20]]
    detected, equal = detect_moments(video_id, texts, encoder, store), []
    for text in texts:
        hit = search(text, store, encoder, limit=1).hits[0]
        moments = [m for m in (*detected.moments, *detected.candidates) if m.prompt == text]
        equal.append(any((m.start_s, m.end_s) == (hit.start_s, hit.end_s) for m in moments))
    assert np.mean(equal) >= 0.9
