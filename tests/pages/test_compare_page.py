"""The page Compare encoders: the same model, another crop, another model, and models that do not fit."""

from __future__ import annotations

import re

import onnx
import pytest
from streamlit.delta_generator import DeltaGenerator

from pages.shared.markdown import escape_markdown
from tests.pages.test_library_page import go
from tests.pages.test_models import choose, unknown_words
from tests.support.fakes import FakeClock
from tests.support.inference_server import FakeInferenceServer
from tests.support.model_maker import make_clip, small_text, tokenizer_json, write_json
from tests.support.world import Page, World


@pytest.fixture
def comparing(page: Page) -> Page:
    return go(page.run(), "compare")


def metric(page: Page, label: str) -> str:
    return next(m.value for m in page.at.metric if m.label == label)


def test_it_waits_for_the_button(comparing: Page) -> None:
    assert comparing.starting("Press Compare.")
    assert list(comparing.at.metric) == []


def test_a_model_beside_itself_is_the_same(comparing: Page) -> None:
    comparing.press("compare")
    assert comparing.holding("The same for all purposes.")
    assert metric(comparing, "Frames: lowest cosine") == "1.0000"
    assert metric(comparing, "Largest change of a score") == "0.0000"
    frames = comparing.at.dataframe[1].value
    assert (len(frames), frames["time"][0]) == (16, "0:00.300")
    rows = comparing.at.dataframe[0].value
    assert list(rows["prompt"]) == ["a dog", "pizza", "a red car"]
    assert list(rows["text cosine"]) == pytest.approx([1, 1, 1])


def test_a_result_is_still_there_after_a_visit_to_another_page(comparing: Page) -> None:
    comparing.press("compare")
    assert comparing.holding("The same for all purposes.")
    investigating = go(comparing, "investigate").indexed()
    assert investigating.at.file_uploader(key="compare_file")  # the other comparison, without a file
    go(investigating, "compare")
    assert comparing.holding("The same for all purposes.")


def test_another_crop_shows_at_once_and_a_stale_result_goes(comparing: Page) -> None:
    comparing.press("compare")
    choose(comparing, "second_framing", "Squashed")
    assert comparing.starting("Press Compare.")
    comparing.press("compare")
    assert float(metric(comparing, "Frames: lowest cosine")) < 0.999
    assert metric(comparing, "Prompts: lowest cosine") == "1.0000"
    assert float(metric(comparing, "Largest change of a score")) > 0


def test_another_model_is_not_the_same_encoder(comparing: Page) -> None:
    choose(comparing, "second_encoder", "other").press("compare")
    assert comparing.holding("Not the same encoder.")


def test_the_same_pictures_with_other_texts_are_not_the_same(world: World, comparing: Page) -> None:
    folder = make_clip(world.folder / "more" / "mixed", dim=16)
    onnx.save_model(small_text(9, 16), folder / "onnx" / "text_model.onnx")
    world.write(model_dirs=[*world.settings["model_dirs"], "more"])
    choose(comparing.run(), "second_encoder", "mixed").press("compare")
    assert metric(comparing, "Frames: lowest cosine") == "1.0000"
    assert comparing.holding("Not the same encoder.")
    comparing.prompts("").press("compare")
    assert comparing.holding("The same for pictures.")


def test_words_that_one_of_two_models_does_not_know_are_named_with_the_model(world: World, comparing: Page) -> None:
    comparing.prompts("a kitchen")
    one_model = "“a kitchen”: the model does not know “kitchen”. It reads only “a”."
    assert unknown_words(comparing) == (":material/warning: Not known: kitchen", [escape_markdown(one_model)])
    tokenizer = tokenizer_json()
    tokenizer["model"]["vocab"]["kitchen"] = tokenizer["model"]["vocab"].pop("dog")
    write_json(make_clip(world.folder / "more" / "cook") / "tokenizer.json", tokenizer)
    world.write(model_dirs=[*world.settings["model_dirs"], "more"])
    choose(comparing.run(), "second_encoder", "cook").prompts("a kitchen", "a dog")
    text, notes = unknown_words(comparing)
    assert text == ":material/warning: Not known: kitchen, dog"
    assert notes == [
        f"First encoder: {escape_markdown(one_model)}",
        f"Second encoder: {escape_markdown(one_model.replace('kitchen', 'dog'))}",
    ]


def test_two_models_that_are_not_here_are_offered_one_after_the_other(world: World) -> None:
    world.write(model="who/ever")
    page = go(Page().run(), "compare")
    assert len(page.holding("is not on this machine")) == 1
    assert [button.key for button in page.at.button if button.key == "download"] == ["download"]


def test_it_says_which_model_runs_where(comparing: Page) -> None:
    comparing.press("compare")
    assert comparing.starting("First: Model rnd · fp32 on CPU, sees the middle square of each frame")
    assert comparing.starting("Second: Model rnd · fp32 on CPU")


def test_vectors_of_other_lengths_are_a_message(world: World, comparing: Page) -> None:
    make_clip(world.folder / "more" / "wide", dim=24)
    world.write(model_dirs=[*world.settings["model_dirs"], "more"])
    choose(comparing.run(), "second_encoder", "wide").press("compare")
    assert "nothing to compare" in comparing.at.error[0].value


def test_fewer_frames_and_no_prompts(comparing: Page) -> None:
    comparing.at.selectbox(key="compare_frames").set_value(4)
    comparing.prompts("").press("compare")
    assert len(comparing.at.dataframe[0].value) == 4
    assert comparing.holding("There are no prompts.")


def test_no_video(world: World, comparing: Page) -> None:
    world.video.unlink()
    world.write(video_path=None)
    assert Page().run().starting("##### No video chosen")


def test_a_wait_that_a_server_asks_for_is_shown_at_the_bar(
    world: World, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    real = DeltaGenerator.progress

    def note(self: DeltaGenerator, value: float, text: str = "", **more: object) -> DeltaGenerator:
        texts.append(text)
        return real(self, value, text, **more)  # type: ignore[arg-type]

    def over(slept_s: float) -> None:
        server.fault = "429" if slept_s < 33 else ""

    monkeypatch.setattr(DeltaGenerator, "progress", note)
    monkeypatch.setattr("clip_core.encoders.waits.time", FakeClock(over))
    with FakeInferenceServer() as server:
        world.write(model="roboflow", inference_url=server.url)
        server.fault, server.after, server.headers_sent = "429", 4, {"Retry-After": "33"}
        go(page.run(), "compare").press("compare")
        assert page.holding("The same for all purposes.")
    waits = [text for text in texts if "asks to wait" in text]
    assert len(waits) == 33 * 4
    assert re.fullmatch(r"The server asks to wait until [-\d: ]+ · 0:33 left", waits[0])
