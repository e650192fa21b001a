"""Choosing a model on the page: the catalogue, its download, what a model sees, servers, and cut prompts."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
import streamlit as st

from clip_core.encoders.catalogue import CATALOGUE
from clip_core.encoders.roboflow import RoboflowEncoder
from pages.shared.markdown import escape_markdown
from tests.pages.test_library_page import go
from tests.support.app import Counted
from tests.support.fakes import FakeClock
from tests.support.hostile_models import many_rows
from tests.support.hub_server import HubServer, use_hub
from tests.support.inference_server import FakeInferenceServer
from tests.support.model_maker import make_clip
from tests.support.world import Page, World

B32 = CATALOGUE[0]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub on loopback that has the catalogue's first model, and an empty cache."""
    with HubServer() as made:
        repository = made.add(B32.id, make_clip(tmp_path / "published"))
        repository.commit = B32.revision
        use_hub(made.url, tmp_path / "hub", monkeypatch)
        yield made


@pytest.fixture
def server(world: World) -> Iterator[FakeInferenceServer]:
    """An inference server on loopback, which config.yaml names."""
    with FakeInferenceServer() as made:
        world.write(model="roboflow", inference_url=made.url, roboflow_api_key="rf-SECRET")
        yield made


def choose(page: Page, key: str, value: str) -> Page:
    page.control("selectbox", key).set_value(value)
    return page.run()


def unknown_words(page: Page) -> tuple[str, list[str]]:
    """Return the line that names the words that a model does not know, and the notes in its help."""
    (caption,) = [caption for caption in page.at.caption if "Not known" in caption.value]
    return caption.value.replace("\\", ""), caption.proto.help.split("\n\n")


def test_the_list_has_what_is_here_and_the_catalogue_and_asks_nobody(page: Page, hub: HubServer) -> None:
    page.run()
    options = page.control("selectbox", "model").options
    assert options[:3] == ["sample", "other", "rnd"]
    assert options[3] == "CLIP ViT-B/32 · 156 MB to download"
    assert len(options) == 3 + len(CATALOGUE)
    assert hub.requests == []


def test_a_model_is_offered_then_downloaded_then_used(page: Page, hub: HubServer) -> None:
    choose(page.run(), "model", B32.id)
    assert page.starting("##### Download CLIP ViT\\-B\\/32?")
    assert page.holding("About 156 MB (int8), from 127")
    assert page.holding(f"commit {B32.revision[:7]}")
    assert page.holding("MIT")
    assert hub.requests == []
    assert not page.at.get("slider")
    page.press("download")
    page.until(lambda: page.has_scores and not page.at.get("progress"))
    assert page.samples == 50
    assert page.starting("Model CLIP ViT\\-B\\/32 · fp32 on CPU, sees the middle square of each frame")
    assert "CLIP ViT-B/32" in page.control("selectbox", "model").options


def test_more_than_the_catalogue_said_is_asked_again(
    page: Page, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.regions.sidebar.model.SLACK", 0.0)
    choose(page.run(), "model", B32.id).press("download")
    page.until(lambda: bool(page.at.info))
    assert re.search(r"The hub says: \d+ kB \(fp32\) in 6 files\.", page.at.info[0].value)
    assert [request.method for request in hub.requests if "/resolve/" in request.path] == []
    page.press("download")
    page.until(lambda: page.has_scores and not page.at.get("progress"))
    assert page.samples == 50


def test_a_model_that_config_names_is_asked_about_first(world: World, hub: HubServer, tmp_path: Path) -> None:
    hub.add("who/toy", make_clip(tmp_path / "toy", seed=3))
    world.write(model="who/toy")
    page = Page().run()
    assert page.at.button(key="download").label.startswith("Ask 127.0.0.1:")
    assert hub.requests == []
    page.press("download")
    page.until(lambda: bool(page.at.info))
    page.press("download")
    page.until(lambda: page.has_scores and not page.at.get("progress"))
    assert page.starting("Model who\\/toy · fp32 on CPU")


def test_a_damaged_copy_is_told_and_fetched_again(page: Page, hub: HubServer, tmp_path: Path) -> None:
    choose(page.run(), "model", B32.id).press("download")
    page.until(lambda: page.has_scores and not page.at.get("progress"))
    largest = max((tmp_path / "hub").rglob("blobs/*"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-9] + b"damaged!!")
    st.cache_resource.clear()
    again = choose(Page().run(), "model", B32.id)
    assert again.holding("damaged")
    again.press("download")
    again.until(lambda: again.has_scores and not again.at.get("progress"))
    assert again.samples == 50


def test_a_failed_download_says_why_and_may_be_tried_again(page: Page, hub: HubServer) -> None:
    hub.api_page = True
    choose(page.run(), "model", B32.id).press("download")
    page.until(lambda: bool(page.at.error))
    assert "web page" in page.at.error[0].value
    hub.api_page = False
    page.press("download")
    page.until(lambda: page.has_scores and not page.at.get("progress"))
    assert page.samples == 50


def test_a_download_can_be_stopped_and_goes_on(page: Page, hub: HubServer) -> None:
    hub.stall_after = 4096
    choose(page.run(), "model", B32.id).press("download")
    page.until(lambda: bool(page.at.get("progress")) and "kB" in page.at.progress[0].text)
    other = choose(Page().run(), "model", B32.id)
    assert other.at.get("progress")  # somebody else watches, but what has arrived is kept: nobody is asked first
    page.press("cancel_download")
    page.until(lambda: bool(page.at.info))
    assert "cancelled" in page.at.info[0].value
    assert page.at.button(key="download").label == "Go on"
    hub.stall_after = -1
    page.press("download")
    page.until(lambda: page.has_scores and not page.at.get("progress"))
    assert page.samples == 50


def test_a_visitor_cannot_name_a_model_that_is_not_listed(hub: HubServer, world: World) -> None:
    for name in ("who/ever", str(world.folder), "../models/rnd", "roboflow"):
        page = Page()
        page.sidebar.model = name
        assert page.run().control("selectbox", "model").value == "rnd"
    assert hub.requests == []


def test_what_a_model_sees_is_a_model_of_its_own_and_said(ready: Page, counted: Counted) -> None:
    assert ready.starting("Model rnd · fp32 on CPU, sees the middle square of each frame")
    choose(ready, "framing", "Squashed").until(lambda: not ready.at.get("progress") and ready.samples == 50)
    assert counted.pictures == 50
    assert ready.starting("Model rnd · fp32 on CPU, sees the whole frame, squashed")
    choose(ready, "framing", "As made").indexed()
    assert (counted.pictures, ready.samples) == (50, 50)


def test_the_configured_way_is_where_the_list_starts(world: World, page: Page) -> None:
    world.write(crop="pad")
    page.indexed()
    assert page.control("selectbox", "framing").value == "With bars"
    assert page.starting("Model rnd · fp32 on CPU, sees the whole frame, with bars")


def test_words_that_are_cut_are_named(ready: Page) -> None:
    ready.prompts("a dog", "a photo of the dog " * 15 + "and the **red** house")
    (warning,) = ready.at.warning
    assert warning.value.startswith("“a photo of the")
    end = escape_markdown("is longer than the model reads. Not read: “and the **red** house”")
    assert warning.value.endswith(end)
    assert r"\*\*red\*\*" in end


def test_words_that_the_model_does_not_know_are_named_for_each_prompt(ready: Page) -> None:
    ready.prompts("a dog", "a kitchen", "*stairs*")
    assert unknown_words(ready) == (
        r":material/warning: Not known: kitchen, stairs",
        [
            escape_markdown("“a kitchen”: the model does not know “kitchen”. It reads only “a”."),
            escape_markdown(
                "“*stairs*”: the model does not know “stairs”. "
                "It reads nothing else, so the scores say nothing about this prompt."
            ),
        ],
    )
    ready.prompts(*(f"w{k} dog" for k in range(10)))
    text, notes = unknown_words(ready)
    assert text == ":material/warning: Not known: w0, w1, w2, w3, w4,…"
    assert [note.count("does not know") for note in notes] == [1] * 9
    assert notes[-1] == "2 more prompts have words that the model does not know."
    ready.prompts("a dog")
    assert not ready.holding("Not known")


def test_a_server_on_this_machine_is_used_without_a_question(page: Page, server: FakeInferenceServer) -> None:
    page.indexed()
    assert page.samples == 50
    assert len(server.pictures) == 50
    assert server.wrongs == []
    assert page.starting("Model Roboflow server · ViT\\-B\\-16 on 127\\.0\\.0\\.1")
    assert page.control("selectbox", "model").value == "roboflow"


def test_nothing_is_sent_to_another_machine_before_the_visitor_agrees(
    page: Page, server: FakeInferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = RoboflowEncoder.__init__

    def far(self: RoboflowEncoder, *args: object, **more: object) -> None:
        real(self, *args, **more)  # type: ignore[arg-type]
        self.sends_to = "clip.example.org"

    monkeypatch.setattr(RoboflowEncoder, "__init__", far)
    page.run().run()
    assert page.starting("##### Frames will leave this machine: to clip\\.example\\.org")
    assert server.bodies == []
    go(page, "compare")
    assert page.holding("Frames will leave this machine")
    assert server.bodies == []
    go(page, "investigate")
    page.press("agree").indexed()
    assert (page.samples, len(server.pictures)) == (50, 50)
    assert not page.holding("Frames will leave this machine")


def test_a_server_that_stops_in_the_middle_keeps_what_was_embedded(page: Page, server: FakeInferenceServer) -> None:
    server.fault, server.after = "503", 20
    page.until(lambda: "resume" in [button.key for button in page.at.button])  # the neutral texts may fail before
    assert "try again" in page.at.error[0].value
    assert "SECRET" not in "".join(page.texts)
    before = len(server.pictures)
    server.fault = ""
    page.press("resume").indexed()
    assert page.samples == 50
    assert len(server.pictures) - before < 50


def test_a_prompt_that_the_server_cannot_embed_leaves_the_others_drawn(page: Page, server: FakeInferenceServer) -> None:
    page.indexed()
    server.fault, server.after = "503", 0
    page.prompts("a dog", "pizza", "a red car", "a plum tree")
    assert page.at.error[0].value.endswith("One prompt is not scored.")
    assert page.control("pills", "shown").value == ["a dog", "pizza", "a red car"]
    assert 'data-prompt="pizza"' in page.html
    asked = len(server.bodies)
    page.slide("frame", 100)
    assert len(server.bodies) == asked  # nothing is asked again unasked
    server.fault = ""
    page.press("rescore")
    assert not page.at.error
    assert page.control("pills", "shown").value == ["a dog", "pizza", "a red car", "a plum tree"]


def test_the_first_use_of_a_model_is_told_and_what_does_not_pass_is_a_message(
    page: Page, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_clip(world.folder / "models" / "new")
    onnx.save_model(many_rows(3), folder / "onnx" / "vision_model.onnx")
    world.write(model="new", model_dirs=["models"])
    spinner, told = st.spinner, []
    monkeypatch.setattr(st, "spinner", lambda text, **rest: told.append(text) or spinner(text, **rest))
    page.until(lambda: bool(page.at.error))
    assert "gave vectors of shape" in page.at.error[0].value
    assert "Trying the model new for the first time…" in told
    make_clip(folder, seed=78)
    page.indexed()
    assert page.samples == 50


def test_a_wait_that_the_server_asks_for_is_shown_and_can_be_cancelled(
    page: Page, server: FakeInferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    monkeypatch.setattr("clip_core.encoders.waits.time", FakeClock(lambda slept_s: held.wait(30)))
    server.fault, server.after, server.headers_sent = "429", 20, {"Retry-After": "33"}
    page.until(lambda: bool([bar for bar in page.at.get("progress") if "asks to wait" in bar.proto.text]))
    (bar,) = page.at.get("progress")
    assert re.search(r"^\d+ / 50 · the server asks to wait until .* · 0:33 left$", bar.proto.text.replace("\u2060", ""))
    page.press("cancel")
    held.set()
    page.until(lambda: "resume" in [button.key for button in page.at.button])
    assert page.holding(" · cancelled")
    server.fault = ""
    page.press("resume").indexed()
    assert page.samples == 50


def test_prompts_are_embedded_when_the_time_is_over_for_which_the_server_asks_to_wait(
    page: Page, server: FakeInferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.indexed()
    clock = FakeClock()
    monkeypatch.setattr("pages.regions.chart.curves.time", clock)
    server.fault, server.after, server.headers_sent = "429", 0, {"Retry-After": "33"}
    page.prompts("a dog", "pizza", "a red car", "a plum tree")
    message = page.at.error[0].value.replace("\u2060", "").replace("\\", "")
    assert re.search(
        r"at 127.0.0.1:\d+ says: “Too many requests.” It was asked too often .* wait until .*33 s", message
    )
    assert message.endswith("One prompt is not scored.")
    assert page.holding("Asks again in 0:33")
    assert "SECRET" not in "".join(page.texts)
    server.fault, asked = "", len(server.bodies)
    clock.sleep(32.5)
    page.run()
    assert page.holding("Asks again in 0:00")
    assert len(server.bodies) == asked
    clock.sleep(0.5)
    page.run()
    assert not page.at.error
    assert page.control("pills", "shown").value == ["a dog", "pizza", "a red car", "a plum tree"]


def test_a_server_that_is_not_there_is_a_message(page: Page, server: FakeInferenceServer) -> None:
    server.close()
    page.until(lambda: bool(page.at.error))
    assert "inference server start" in page.at.error[0].value
    assert "SECRET" not in "".join(page.texts)
