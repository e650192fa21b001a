"""Verdicts on the page: there, throughout, not sure; candidates, confidence, and what a threshold set by hand means."""

from __future__ import annotations

import csv
import hashlib
import io
from base64 import b64decode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video, load_config, load_encoder, score_prompts
from clip_core.analysis.export_bundle import moments_file
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.errors import EncoderError
from clip_core.settings import read_settings, settings_yaml
from clip_core.types import Floats, Image
from pages.regions.viewer.frames import stops
from tests.pages.test_findings_page import (  # noqa: F401
    by_hand,
    choose,
    opened,
    rows,
    seen,
    store_of,
    tick,
    visitor_without_edits,
    with_frame,
)
from tests.support.app import _forget_caches, new_world
from tests.support.video_maker import read_number
from tests.support.world import APP, Page, World, seconds

PROMPTS = ("a dog", "a rocket", "pizza", "an elephant", "a red car")
SURE = {"a dog", "a rocket", "pizza"}
OLD_SETTINGS = """
prompts: [a dog, a rocket]
weights: {}
templates: none
unit: z
threshold: 2.5
thresholds: {a rocket: 3.0}
hysteresis: 0.0
bank_share: 95.0
smoothing: mean
smoothing_s: 0.8
across_cuts: false
min_gap_s: 0.0
min_duration_s: 0.0
pad_s: 0.0
score_range: null
time_range: null
unflagged: []
combinations: []
"""
WALKS: list[tuple[list[int], list[int], int, bool, tuple[int | None, int | None]]] = [
    ([10, 30], [20, 40], 0, False, (None, 10)),
    ([10, 30], [20, 40], 10, False, (None, 30)),
    ([10, 30], [20, 40], 25, False, (10, 30)),
    ([10, 30], [20, 40], 30, False, (10, 20)),  # after the last moment comes the first candidate, wherever it is
    ([10, 30], [20, 40], 35, False, (30, 20)),
    ([10, 30], [20, 40], 20, True, (30, 40)),  # from a candidate on to the next one, and back to the last moment
    ([10, 30], [20, 40], 20, False, (30, 40)),  # as after a click on its row
    ([10, 30], [20, 40], 40, True, (20, None)),
    ([10, 30], [20, 40], 50, False, (30, 20)),
    ([10, 30], [10, 20], 10, False, (None, 30)),  # where both begin, it depends on which the walk led to
    ([10, 30], [10, 20], 30, False, (10, 10)),
    ([10, 30], [10, 20], 10, True, (30, 20)),
    ([10, 30], [0, 20], 0, False, (None, 10)),  # as on a page that was just opened
    ([10, 30], [0, 20], 30, False, (10, 0)),
    ([10, 30], [0, 20], 0, True, (30, 20)),
    ([10], [], 10, False, (None, None)),
    ([], [20, 40], 0, False, (None, 20)),
    ([], [20, 40], 20, True, (None, 40)),
    ([], [20, 40], 40, True, (20, None)),
    ([], [], 5, False, (None, None)),
]
"""Frames of moments, of candidates, on the screen; whether the walk led to a candidate there; previous and next."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[World]:
    """A world with the sample's video and model, indexed."""
    _forget_caches()
    world = sample_world(tmp_path_factory.mktemp("verdicts"), stock)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIP_VIDEO_CONFIG", str(world.config))
        Page().indexed()
        yield world
    _forget_caches()


def sample_world(folder: Path, stock: Path) -> World:
    world = new_world(folder, stock)
    world.take(APP.parent / "data" / "sample.mp4")
    world.write(video_path="sample.mp4", model="sample", CLIP=list(PROMPTS), threshold=None)
    return world


@pytest.fixture
def page(sample: World) -> Page:
    """A new visitor; nothing is judged."""
    return visitor_without_edits(sample)


def of(found: list[dict[str, Any]], prompt: str) -> list[dict[str, Any]]:
    return [row for row in found if row["prompt"] == prompt]


def spans(moments: Sequence[Any]) -> list[tuple[str, float, float]]:
    return [(moment.prompt, moment.start_s, moment.end_s) for moment in moments]


def given_rows(seen: dict[str, Any]) -> list[dict[str, str]]:  # noqa: F811
    """What the CSV file of the moments holds."""
    return list(csv.DictReader(io.StringIO(moments_file("csv", seen["bundle"]).decode("utf-8-sig"))))


# Verdicts


def test_every_prompt_has_a_chip_with_its_reason_and_those_that_are_not_sure_come_first(page: Page) -> None:
    assert page.verdicts == {prompt: "there" if prompt in SURE else "not sure" for prompt in PROMPTS}
    assert list(page.verdicts)[:2] == ["an elephant", "a red car"]
    assert "an elephant: not sure. Beats only 78 % of 299 neutral texts" in page.chips["an elephant"][1]
    assert "a dog: there. Beats 98 % of 299 neutral texts: about 1 in 100 absent" in page.chips["a dog"][1]
    page.flag_pills.unselect("an elephant").run()
    assert "an elephant" not in page.verdicts
    page.flag_pills.set_value([]).run()
    assert page.verdicts == {}
    assert page.starting("No prompt is flagged.")


def test_candidates_are_rows_behind_the_moments(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.run()
    found = rows(page)
    marks = [row["judged"] for row in found]
    assert marks == sorted(marks) == ["" if row["prompt"] in SURE else "?" for row in found]
    assert {row["label"] for row in found if row["judged"] == "?"} == {"candidate"}
    colours = {row["judged"]: b64decode(row["colour"].partition(",")[2]).decode() for row in found}
    assert (">?</text>" in colours["?"], "<rect" in colours[""]) == (True, True)
    for prompt in PROMPTS:
        assert 1 <= len(of(found, prompt)) <= (100 if prompt in SURE else 3)
    assert len(seen["listed"].kept) == marks.count("")
    view = seen["view"]
    assert spans(view.moments) == spans(seen["detection"].moments)
    assert {moment.prompt for moment in view.candidates} == set(PROMPTS) - SURE


def test_the_confidence_changes_verdicts_and_is_kept_in_the_link_and_the_settings(
    page: Page,
    seen: dict[str, Any],  # noqa: F811
) -> None:
    choose(page, "confidence", 0.98)
    assert page.verdicts["pizza"] == "not sure"
    assert {row["judged"] for row in of(rows(page), "pizza")} == {"?"}
    assert seen["signal"].settings.confidence == 0.98
    assert read_settings(settings_yaml(seen["bundle"].detection.settings).encode()).confidence == 0.98
    (address,) = [code.value for code in page.at.code if "video=" in code.value]
    query = {name: texts[-1] for name, texts in parse_qs(urlsplit(address).query).items() if name != "prompt"}
    assert (query["confidence"], query["unit"]) == ("0.98", "corrected")
    other = opened(query).indexed()
    assert other.verdicts["pizza"] == "not sure"
    assert other.control("segmented_control", "confidence").value == 0.98
    choose(page, "confidence", 0.9)
    assert page.verdicts["pizza"] == "there"
    page.sidebar.loaded_settings = b"confidence: 0.85"
    assert page.run().control("segmented_control", "confidence").options[0] == "85 % sure"
    assert seen["signal"].settings.confidence == 0.85


def test_smoothing_on_segments_changes_the_drawing_alone_and_the_page_says_so(
    page: Page,
    seen: dict[str, Any],  # noqa: F811
) -> None:
    page.slide("smoothing", 0.0)
    assert page.starting("On segments, whatever the smoothing.")
    before, curve = spans(seen["detection"].moments), seen["detection"].smoothed
    page.slide("smoothing", 4.0)
    assert spans(seen["detection"].moments) == before
    roughness = [float(np.abs(np.diff(values, axis=0)).mean()) for values in (curve, seen["detection"].smoothed)]
    assert roughness[1] < 0.5 * roughness[0]
    by_hand(page, "z", 3.0)
    cut = spans(seen["detection"].moments)
    assert not page.holding("On segments")
    page.slide("smoothing", 4.0)
    assert spans(seen["detection"].moments) != cut


# Judging candidates


def test_an_accepted_candidate_is_a_moment_until_it_is_undone(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.slide("frame", 100)
    count, place = len(seen["listed"].kept), [row["judged"] for row in rows(page)].index("?")
    assert "accept_candidate" not in [button.key for button in page.at.button]
    tick(page, place)
    wanted = seen["listed"].chosen[0].moment
    page.press("accept_candidate")
    assert len(seen["listed"].kept) == count + 1
    assert page.at.segmented_control(key="list").options[0] == f"Moments · {count + 1}"
    row = rows(page)[place]
    assert (row["judged"], row["label"]) == ("✓", "")
    tick(page)
    given = of(given_rows(seen), wanted.prompt)
    assert [(float(row["start_s"]), row["label"]) for row in given] == [(pytest.approx(wanted.start_s, abs=1e-3), "")]
    choose(page, "confidence", 0.9)  # other settings keep it
    assert len(of(given_rows(seen), wanted.prompt)) == 1
    page.press("undo_edit")
    choose(page, "confidence", 0.95)
    assert len(seen["listed"].kept) == count
    assert rows(page)[place]["judged"] == "?"


def test_a_rejected_candidate_stays_in_the_list_and_leaves_the_walk(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.run()
    waiting, place = seen["listed"].to_walk[1], [row["judged"] for row in rows(page)].index("?")
    tick(page, place)
    page.press("judge_rejected")
    tick(page)
    assert rows(page)[place]["judged"] == "✗"
    assert spans(seen["listed"].to_walk[1]) == spans(waiting)[1:]
    assert spans(seen["view"].candidates) == spans(waiting)[1:]
    assert page.holding(", without 1 rejected. Tick rows")


def test_a_candidate_with_other_edges_is_a_candidate_still(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.run()
    place = [row["judged"] for row in rows(page)].index("?")
    tick(page, place)
    assert page.at.text_input[0].value == ""  # its label is no name that somebody gave
    end = page.at.number_input[1]
    end.set_value(round(end.value - 0.5, 3))
    page.run().press("save_edges")
    assert (rows(page)[place]["judged"], rows(page)[place]["label"]) == ("?", "candidate")
    page.press("accept_candidate")
    assert (rows(page)[place]["judged"], rows(page)[place]["label"]) == ("✓", "")


# The walk


@pytest.mark.parametrize(("moments", "candidates", "frame", "walked", "there"), WALKS)
def test_where_previous_and_next_go(
    moments: list[int], candidates: list[int], frame: int, walked: bool, there: tuple[int | None, int | None]
) -> None:
    found = stops(moments, candidates, frame, walked=walked)
    assert tuple(None if stop is None else stop.frame for stop in found) == there


def test_next_goes_through_the_moments_and_then_through_the_candidates(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.press("reset")
    times_s = seen["bundle"].record.table.times_s
    sure, waiting = (
        sorted({int(np.searchsorted(times_s, m.start_s, "right")) - 1 for m in moments})
        for moments in seen["listed"].to_walk
    )
    visited = []
    while not page.at.button(key="next_m").disabled:
        visited.append(page.press("next_m").frame)
        offered = "accept_candidate" in [button.key for button in page.at.button]
        assert offered == (len(visited) > len(sure) or visited[-1] in waiting)
        assert page.holding("Under the playhead: ")
        assert len(visited) < 50
    assert visited == sure + waiting
    assert waiting[0] == 0
    page.press("accept_candidate")  # the one where it stands
    assert [row["judged"] for row in rows(page)].count("✓") == 1


# Files


def test_files_leave_candidates_out_unless_they_are_asked_for(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.run()
    kept, waiting = (len(moments) for moments in seen["listed"].to_walk)
    assert page.starting(f"{kept} moments. Tick rows")
    assert {row["prompt"] for row in given_rows(seen)} == SURE
    choose(page, "give_candidates", True)
    assert page.starting(f"{kept} moments and {waiting} candidates. Tick rows")
    given = given_rows(seen)
    assert len(given) == kept + waiting
    assert {row["prompt"] for row in given if row["label"] == "candidate"} == set(PROMPTS) - SURE
    assert {row["prompt"] for row in given if row["label"] == ""} == SURE
    choose(page, "give_candidates", False)
    assert len(given_rows(seen)) == kept
    tick(page, len(rows(page)) - 1)  # who selects a candidate means it
    assert [row["label"] for row in given_rows(seen)] == ["candidate"]


def test_without_candidates_there_is_no_toggle(page: Page) -> None:
    page.prompts("a dog", "a rocket")
    assert "give_candidates" not in [toggle.key for toggle in page.at.toggle]
    assert set(page.verdicts.values()) == {"there"}


# Thresholds set by hand


def test_a_threshold_set_by_hand_means_what_it_says(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    by_hand(page, "cosine", 0.0)
    page.sidebar.threshold = -1.0
    page.sidebar.limits = (-1.0, 1.0)
    page.run()
    assert seen["signal"].settings.bank_share == 0
    end_s = seen["detection"].scores.end_s
    assert spans(sorted(seen["detection"].moments, key=lambda m: m.prompt)) == [
        (prompt, 0.0, end_s) for prompt in sorted(PROMPTS)
    ]
    assert set(page.verdicts.values()) == {"there"}
    assert all("Its threshold was set by hand" in title for _, title in page.chips.values())
    assert not page.holding("null bank (Rules)")
    choose(page, "bank_share", 95)
    assert page.holding(" · and beats 95 % of the null bank (Rules)")
    assert {moment.prompt for moment in seen["detection"].moments} == SURE


def test_a_threshold_of_its_own_beside_detection_is_told(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.sidebar.own_thresholds = {"an elephant": -1.0}
    page.run()
    assert page.holding("On segments, whatever the smoothing. 1 of 5 prompts have thresholds of their own.")
    assert page.verdicts["an elephant"] == "there"
    page.sidebar.own_thresholds = dict.fromkeys(PROMPTS, -1.0)
    page.run()
    assert page.starting("5 of 5 prompts have thresholds of their own.")
    assert not seen["detection"].detects


# What was written before


def test_an_old_link_opens_as_it_was_meant(sample: World, seen: dict[str, Any]) -> None:  # noqa: F811
    page = opened({"prompt": "a dog", "threshold": "2.5"}).indexed()
    settings = seen["signal"].settings
    assert (settings.unit, settings.threshold, settings.bank_share, settings.positives) == ("z", 2.5, 95, ("a dog",))
    assert page.control("select_slider", "bank_share").value == 95
    assert page.control("slider", "threshold").value == 2.5
    assert page.holding(" · and beats 95 % of the null bank (Rules)")


def test_old_settings_keep_their_unit_and_thresholds(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.sidebar.loaded_settings = OLD_SETTINGS.encode()
    page.run()
    settings = seen["signal"].settings
    assert (settings.unit, settings.threshold, settings.bank_share) == ("z", 2.5, 95)
    assert settings.thresholds == {"a rocket": 3.0}
    assert (settings.smoothing_s, settings.positives) == (0.8, ("a dog", "a rocket"))
    assert {moment.prompt for moment in seen["detection"].moments} == {"a dog", "a rocket"}


# Without neutral texts


def test_pictures_are_judged_by_their_curves_alone(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    page.slide("frame", 90)
    with_frame(page)
    assert seen["signal"].settings.unit == "z"
    assert page.holding("Neutral texts are not used")
    assert "corrected" not in page.control("selectbox", "unit").options
    assert page.control("segmented_control", "confidence").disabled
    ((name, kind),) = page.verdicts.items()
    assert (name, kind) == ("frame 90 at 0:03.000", "there")
    assert "No neutral texts were asked." in page.chips[name][1]
    assert any(seconds(row["start"]) <= 3 < seconds(row["end"]) for row in rows(page))


def test_without_the_neutral_texts_of_a_server_that_is_down_there_are_moments_still(
    tmp_path: Path,
    stock: Path,
    monkeypatch: pytest.MonkeyPatch,
    seen: dict[str, Any],  # noqa: F811
) -> None:
    _forget_caches()
    world = sample_world(tmp_path, stock)
    monkeypatch.setenv("CLIP_VIDEO_CONFIG", str(world.config))
    config = load_config(world.config)
    encoder, store = load_encoder("sample", config), EmbeddingStore(str(world.folder / "embeddings"))
    list(index_video(world.video, encoder, store, samples_per_second=5))
    score_prompts(store.videos()[0].video_id, PROMPTS, encoder, store)  # so their vectors are there

    def down(*_: object) -> None:
        raise EncoderError("The server is down.", "Start it.")

    with monkeypatch.context() as patch:
        patch.setattr(OnnxEncoder, "embed_texts", down)
        page = Page().indexed()
        assert page.holding("The server is down")
        assert page.at.error[0].value.endswith("The null bank is not used.")
        assert page.holding("Neutral texts are not used")
        assert seen["signal"].settings.unit == "z"
        assert set(page.verdicts) == set(PROMPTS)
        assert all(of(rows(page), prompt) for prompt in PROMPTS)
        assert {row["judged"] for row in rows(page)} == {"", "?"}
    page.press("rescore")
    assert not page.at.error
    assert page.verdicts == {prompt: "there" if prompt in SURE else "not sure" for prompt in PROMPTS}
    _forget_caches()


# A film whose truth is planted


class PlantedEncoder:
    """Vectors of a film: a scene that is there all the time, and three shots; texts that mean them, or nothing."""

    meanings = ("a still", "a first shot", "a second shot", "a third shot")

    def embed_images(self, images: Sequence[Image]) -> Floats:
        return np.array([self._picture(read_number(image)) for image in images], np.float32).reshape(-1, 16)

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        return np.array([self._text(text) for text in texts], np.float32).reshape(-1, 16)

    def _picture(self, number: int) -> Floats:
        vector = np.random.default_rng(number).normal(0, 0.02, 16)
        vector[0] += 0.8
        vector[1 + number // 100] += 0.6
        return self._unit(vector)

    def _text(self, text: str) -> Floats:
        vector = np.random.default_rng(list(hashlib.sha256(text.encode()).digest())).normal(0, 1, 16)
        vector[:4] *= 0.3
        if text in self.meanings:
            vector = 0.1 * vector + np.eye(16)[self.meanings.index(text)]
        return self._unit(vector)

    def _unit(self, vector: np.ndarray) -> Floats:
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


@pytest.fixture
def film(world: World, monkeypatch: pytest.MonkeyPatch) -> Page:
    """The page with a film of ten seconds in three shots."""
    planted = PlantedEncoder()
    monkeypatch.setattr(OnnxEncoder, "embed_images", lambda _, images: planted.embed_images(images))
    monkeypatch.setattr(OnnxEncoder, "embed_texts", lambda _, texts: planted.embed_texts(texts))
    world.write(threshold=None, CLIP=["a still", "a second shot", "nothing of it"])
    return Page().indexed()


def test_what_is_there_throughout_is_one_moment(film: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    film.run()
    assert film.verdicts == {"nothing of it": "not sure", "a still": "throughout", "a second shot": "there"}
    assert "It stays high in most of the video." in film.chips["a still"][1]
    assert ">▬</b> <bdi>a still" in film.html
    assert spans([m for m in seen["detection"].moments if m.prompt == "a still"]) == [("a still", 0.0, 10.0)]
    ((_, start_s, end_s),) = spans([m for m in seen["detection"].moments if m.prompt == "a second shot"])
    assert (start_s, end_s) == (pytest.approx(100 / 30, abs=0.2), pytest.approx(200 / 30, abs=0.2))
    waiting = seen["detection"].candidates
    assert {moment.prompt for moment in waiting} == {"nothing of it"}
    assert 1 <= len(waiting) <= 3


def test_a_candidate_within_a_moment_can_be_accepted_where_the_walk_goes(
    film: Page,
    seen: dict[str, Any],  # noqa: F811
) -> None:
    film.press("reset")
    visited = [film.frame]
    while not film.at.button(key="next_m").disabled:
        visited.append(film.press("next_m").frame)
        assert len(visited) < 8
    assert visited[:2] == [0, 99]
    assert len(visited) > 2
    assert not film.at.button(key="prev_m").disabled
    film.press("accept_candidate")
    (accepted,) = [r.moment for r in seen["listed"].reviewed if r.annotation is not None]
    assert accepted.prompt == "nothing of it"
