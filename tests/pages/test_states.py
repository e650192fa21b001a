"""The page in all its states, with bad files, bad settings and bad luck: a message, never a traceback."""

from __future__ import annotations

import html
import os
import shutil
from pathlib import Path

import pytest

from tests.support.app import Counted, Gate
from tests.support.sound_maker import write_tones
from tests.support.world import Page, World

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "$x$",
    ":dog:",
    "[x](http://y)",
    "*b*",
    ":red[r]",
    "<b>",
    "🍕",
    "كلب",
    "=1+1",
]


def test_empty_then_the_sample_video(world: World, stock: Path, page: Page) -> None:
    world.take(stock / "short.mp4", "sample.mp4")
    world.settings.pop("video_path")
    world.write()
    page.run()
    assert page.starting("##### No video chosen")
    assert page.control("selectbox", "video").value is None
    page.press("open_sample")
    assert page.control("selectbox", "video").value == "sample.mp4"
    page.indexed()
    assert page.starting("0:02.000 · 192 × 108 · 30 fps · 60 frames")


def test_no_sample_video_no_button_that_does_nothing(world: World, page: Page) -> None:
    world.video.unlink()
    world.settings.pop("video_path")
    world.write()
    page.run()
    assert page.starting("##### No video chosen")
    assert [b.key for b in page.at.button if b.key == "open_sample"] == []


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is empty (0 bytes)"), (b"noise" * 4000, "broken.mp4"), (b"#EXTM3U\nhttp://x/y.ts\n", "broken.mp4")],
)
def test_a_broken_file_is_a_message_and_the_sidebar_stays(world: World, page: Page, content: bytes, says: str) -> None:
    (world.folder / "broken.mp4").write_bytes(content)
    world.write(video_path="broken.mp4")
    page.until(lambda: bool(page.at.error))
    assert says.replace(".", r"\.").replace("(", r"\(").replace(")", r"\)") in page.at.error[0].value
    page.control("selectbox", "video").set_value("wide.mp4").run()
    page.indexed()
    assert page.samples == 50
    assert not page.at.error


def test_a_failed_job_can_be_tried_again(world: World, stock: Path, page: Page) -> None:
    (world.folder / "broken.mp4").write_bytes(b"noise" * 4000)
    world.write(video_path="broken.mp4")
    page.until(lambda: bool(page.at.error))
    os.utime(shutil.copy(stock / "short.mp4", world.folder / "broken.mp4"))
    page.indexed()  # the file has changed: no button is needed
    assert page.samples == 10
    assert not page.at.error


def test_a_video_that_is_not_there(world: World, page: Page) -> None:
    world.write(video_path="nowhere.mp4")
    page.run()
    assert page.at.error[0].value.startswith(r"**There is no file nowhere\.mp4\.**")


def test_no_prompts(world: World) -> None:
    world.write(CLIP=[])
    page = Page().indexed()
    assert page.holding("Type a prompt in the sidebar: one per line.")
    assert page.samples == 50
    page.prompts("a dog").prompts("")
    assert page.frame == 0
    assert page.press("next_f").frame == 1


def test_many_prompts(world: World) -> None:
    world.write(CLIP=[f"prompt {k}" for k in range(16)])
    page = Page().indexed()
    assert len(page.ranked) == 10
    assert set(page.verdicts) == {f"prompt {k}" for k in range(16)}  # none is left without a word
    assert "+ 6 more below" in page.html
    assert len(set(page.control("pills", "shown").options)) == 16
    assert page.cells == 16 * 50


def test_more_prompts_than_are_taken(world: World) -> None:
    world.write(CLIP=[f"p{k}" for k in range(230)])
    page = Page().indexed()
    assert page.starting("The first 200 prompts are taken.")
    assert len(page.control("pills", "shown").value) == 200


def test_a_long_prompt(ready: Page) -> None:
    long = "night market " * 400
    ready.prompts(long, "a dog")
    assert len(ready.control("pills", "shown").value[0]) > 5000
    assert all(len(option.split(") ")[-1]) < 60 for option in ready.control("pills", "shown").options)
    assert max(len(text) for text in ready.html.split(">") if "market" in text) < 700


def test_hostile_prompts_stay_text(ready: Page) -> None:
    ready.prompts(*HOSTILE)
    assert ready.control("pills", "shown").value == HOSTILE
    for prompt in HOSTILE:
        assert f'data-prompt="{html.escape(prompt)}"' in ready.html
    assert "<img src=x" not in ready.html
    for option in ready.control("pills", "shown").options:
        assert ":dog:" not in option


def test_one_frame(world: World, stock: Path) -> None:
    world.take(stock / "one.mp4")
    world.write(video_path="one.mp4")
    page = Page().indexed()
    assert page.samples == 1
    assert page.starting(":material/check: 1 sample indexed")
    assert page.holding("1 frame")
    keys = ("prev_m", "prev_s", "prev_f", "play", "next_f", "next_s")
    assert all(page.at.button(key=key).disabled for key in keys)
    assert page.press("reset").frame == 0
    assert "<b data-frame>0</b>" in page.html
    assert page.click_chart("1970-01-01").frame == 0


def test_portrait(world: World, stock: Path) -> None:
    world.take(stock / "portrait.mp4")
    world.write(video_path="portrait.mp4")
    page = Page().indexed()
    assert page.starting("0:02.000 · 108 × 192")
    assert page.slide("frame", 30).frame == 30


def test_a_damaged_video_says_where_it_ended(world: World, stock: Path) -> None:
    world.take(stock / "damaged.mp4")
    world.write(video_path="damaged.mp4")
    page = Page().indexed()
    (warning,) = page.starting("Unreadable after 0:0")
    assert warning.endswith(f"The first {page.samples} samples are kept.")
    assert 10 < page.samples < 50
    assert page.frame == 0
    assert Page().run().starting("Unreadable after 0:0")


def test_the_file_vanishes_after_indexing(world: World, ready: Page) -> None:
    world.video.unlink()
    ready.slide("frame", 40)
    assert ready.samples == 50
    assert ready.frame == 40
    assert ready.at.error[0].value.startswith(r"**There is no file wide\.mp4\.**")
    assert ready.starting(r"There is no file wide\.mp4\. What is indexed of it is kept.")
    again = Page().run()  # a visitor who comes now sees the curves too
    assert again.samples == 50
    assert again.cells == 150


def test_a_chosen_file_that_vanishes_stays_chosen(world: World, stock: Path, page: Page) -> None:
    extra = world.take(stock / "short.mp4")
    page.run().control("selectbox", "video").set_value("short.mp4").run()
    page.until(lambda: page.starting("0:02.000") != [] and not page.at.get("progress"))
    extra.unlink()
    page.run()
    assert page.control("selectbox", "video").value == "short.mp4"
    assert page.samples == 10
    page.control("selectbox", "video").set_value("wide.mp4").run()
    assert "short.mp4" not in page.run().control("selectbox", "video").options


def test_a_file_replaced_by_another_is_indexed_anew(world: World, stock: Path, ready: Page, counted: Counted) -> None:
    os.utime(shutil.copy(stock / "short.mp4", world.video))
    ready.until(lambda: bool(ready.starting("0:02.000")) and not ready.at.get("progress") and ready.samples == 10)
    assert counted.pictures == 10
    assert "/ 59" in ready.html


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("CLIP: [a\nx: {", "is not YAML"),
        ("smoothing: 3", "Did you mean"),
        ("samples_per_second: fast", "samples"),
        ("CLIP: [yes]", "Put it in quotes"),
        ("- a\n- b", "holds a list"),
    ],
)
def test_a_bad_config_is_a_message(world: World, page: Page, text: str, says: str) -> None:
    world.config.write_text(text)
    page.run()
    assert len(page.at.error) == 1
    assert says in page.at.error[0].value.replace("\\", "")
    world.write()  # mended while the page is open
    assert page.indexed().samples == 50


def test_a_config_that_is_not_there(world: World, page: Page) -> None:
    world.config.unlink()
    assert "There is no configuration file" in page.run().at.error[0].value


def test_a_store_below_a_regular_file(world: World, page: Page) -> None:
    (world.folder / "file").write_text("x")
    world.write(embeddings="file/embeddings")
    page.until(lambda: bool(page.at.error))
    assert "embeddings" in page.at.error[0].value
    world.write(embeddings="embeddings")
    assert page.indexed().samples == 50


@pytest.mark.parametrize("broken", ["config.json", "onnx/vision_model.onnx", "tokenizer.json"])
def test_a_broken_model_folder(world: World, stock: Path, page: Page, broken: str) -> None:
    shutil.copytree(stock / "models", world.folder / "models")
    (world.folder / "models" / "rnd" / broken).write_bytes(b"not this")
    world.write(model_dirs=["models"])
    page.run()
    assert len(page.at.error) == 1
    assert len(page.at.error[0].value) < 400
    page.control("selectbox", "model").set_value("other").run()
    assert page.indexed().samples == 50


def test_an_unknown_model(world: World, page: Page) -> None:
    world.write(model="nothing")
    page.run()
    assert "nothing" in page.at.error[0].value
    assert page.control("selectbox", "model").value == "nothing"


def test_it_grows_is_cancelled_and_resumed(world: World, gate: Gate, page: Page, counted: Counted) -> None:
    world.write(samples_per_second="every frame")
    page.until(lambda: page.has_scores and page.samples >= 10)
    assert page.at.get("progress")
    assert page.starting("Moments appear here") == []
    first, cells = page.samples, page.cells
    assert cells == first * 3
    gate.let()
    page.until(lambda: page.samples > first)
    assert page.cells - cells == (page.samples - first) * 3  # k new frames, p prompts
    page.press("cancel")
    gate.let()
    page.until(lambda: not page.at.get("progress"))
    kept = page.samples
    assert first < kept < 300
    assert page.starting(f"{kept} of 300 samples · cancelled")
    assert page.at.slider(key="frame").max == 299
    gate.open()
    page.press("resume").indexed()
    assert page.samples == 300
    assert counted.pictures == 300
    assert page.starting(":material/check: 300 samples indexed · every frame")


def test_a_second_viewer_joins_and_cancel_asks(world: World, gate: Gate, page: Page, counted: Counted) -> None:
    world.write(samples_per_second="every frame")
    page.until(lambda: page.has_scores and page.samples >= 10)
    other = Page().run()
    assert other.at.get("progress")
    assert other.samples == page.samples
    page.press("cancel")
    assert page.starting("1 more is watching this. Cancel for all?")
    page.press("cancel_not")
    assert page.at.get("progress")
    page.press("cancel").press("cancel_all")
    gate.open()
    page.until(lambda: bool(page.holding("cancelled")))
    assert other.run().holding("cancelled")
    other.press("resume").indexed()
    assert other.samples == counted.pictures == 300
    assert page.run().samples == 300


def test_a_question_is_not_carried_over_to_the_next_job(world: World, gate: Gate, page: Page) -> None:
    world.write(samples_per_second="every frame")
    page.until(lambda: page.has_scores and page.samples >= 10)
    Page().run()
    page.press("cancel")
    assert page.starting("1 more is watching this.")
    gate.open()
    page.indexed()
    page.control("selectbox", "model").set_value("other").run()
    assert page.starting("1 more is watching") == []


def test_a_job_that_fails_says_why(world: World, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    from clip_core.encoders.onnx import OnnxEncoder

    def fails(self: OnnxEncoder, images: object) -> object:
        raise RuntimeError("boom")

    with monkeypatch.context() as patched:
        patched.setattr(OnnxEncoder, "embed_images", fails)
        page.until(lambda: bool(page.at.error))
    assert "unexpected error" in page.at.error[0].value
    page.press("resume").indexed()
    assert page.samples == 50
    assert not page.at.error


def test_the_sound_that_is_taken_is_said_beside_the_facts(world: World, page: Page) -> None:
    write_tones(world.folder / "tones.mp4", "libx264", "aac", (400.0, 1000.0), 1)
    world.write(video_path="tones.mp4")
    page.indexed()
    assert page.starting("0:03.000 · 160 × 96 · 30 fps · 90 frames · sound stream 2 of 2")
