"""``download`` and ``doctor`` as a user calls them, against a hub and a server on loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from PIL import Image

from clip_core.__main__ import main
from clip_core.cli import index_passes
from clip_core.encoders.catalogue import CATALOGUE
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.library import identify
from clip_core.types import Progress
from tests.cli.test_terminal import put_screen
from tests.support.fakes import FakeClock
from tests.support.hostile_models import many_rows
from tests.support.hub_server import HubServer, use_hub
from tests.support.inference_server import FakeInferenceServer
from tests.support.model_maker import make_clip
from tests.support.video_maker import VideoSpec, planted

B32 = CATALOGUE[0]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a video, a model and a configuration, to stand in."""
    planted(tmp_path, "clip", 20, VideoSpec(options={"g": "10"}))
    make_clip(tmp_path / "models" / "tiny")
    (tmp_path / "config.yaml").write_text(
        "video_path: clip.mp4\nvideo_dirs: .\nmodel: tiny\nmodel_dirs: models\nembeddings: store\nCLIP: [a dog]\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def hub(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as made:
        made.add(B32.id, make_clip(here / "published")).commit = B32.revision
        use_hub(made.url, here / "hub", monkeypatch)
        yield made


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str], list[str]]:
    capsys.readouterr()
    code = main(words)
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def test_a_model_is_listed_fetched_and_used(here: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "download")
    assert (code, len(out)) == (0, len(CATALOGUE) + 2)
    assert re.fullmatch(rf"CLIP ViT-B/32 +{B32.id} +int8 156 MB, .* +no", out[1])
    assert hub.requests == []

    code, out, err = run(capsys, "index", "clip.mp4", "--model", B32.id)
    assert (code, out) == (2, [])
    assert err == [
        f"The model {B32.id} of the Hugging Face hub is not on this machine. Run: python -m clip_core download {B32.id}"
    ]
    assert hub.requests == []

    code, out, err = run(capsys, "download", B32.id)
    assert code == 0
    assert re.fullmatch(
        rf"{B32.id}, fp32, commit d15189d: \d+ kB in 6 files, of which \d+ kB are still to be downloaded\.", out[0]
    )
    assert out[1] == f"Done. Use it: python -m clip_core index VIDEO --model {B32.id}, or choose it on the page."
    assert re.fullmatch(rf"{B32.id.split('/')[1]}: \d+ k?B of \d+ kB.*", err[-1])

    code, out, err = run(capsys, "index", "clip.mp4", "--model", B32.id)
    assert (code, err[-1].split(":")[0]) == (0, "clip.mp4")
    assert run(capsys, "download")[1][1].endswith("yes")
    assert run(capsys, "download", B32.id)[1][0].endswith("already downloaded in full.")


def test_a_precision_that_is_not_there(here: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "download", B32.id, "--precision", "fp16")
    assert (code, err) == (
        2,
        [f"The model {B32.id} has no fp16 files, only fp32. Use another model, or another precision."],
    )


@pytest.mark.parametrize("name", ["nonsense", "a/b/c", "../x", "a/b@..", ""])
def test_what_cannot_be_a_model_of_the_hub(
    here: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, out, err = run(capsys, "download", name)
    assert (code, out, len(err)) == (2, [], 1)
    assert "cannot be a model of the hub. Names look like Xenova/clip-vit-base-patch32." in err[0]
    assert hub.requests == []


def test_a_download_that_is_stopped_goes_on(
    here: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import clip_core.encoders.hub as module

    real = module.download

    def stopped(plan: module.DownloadPlan) -> Iterator[Progress]:
        for progress in real(plan):
            yield progress
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "download", stopped)
    code, _, err = run(capsys, "download", B32.id)
    assert (code, err[-1]) == (130, "Stopped. What has arrived is kept; run the same command to go on.")
    monkeypatch.setattr(module, "download", real)
    assert run(capsys, "download", B32.id)[0] == 0


def test_the_doctor_of_a_sound_set_up(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "doctor")
    assert (code, err) == (0, [])
    assert out[0] == "ok    config  config.yaml can be read."
    assert out[1] == "ok    videos  clip.mp4 opens: 160 × 96, h264, read by PyAV."
    assert out[-2].startswith("ok    model   A picture becomes a unit vector of 16 numbers in ")
    assert out[-1] == "Everything works."


def test_the_doctor_names_what_must_be_put_right(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "doctor", "--model", "nobody")
    assert code == 2
    assert "fail  model   There is no model 'nobody'. There is: sample, tiny." in out
    assert out[-1] == "1 of these must be put right first."
    (here / "config.yaml").write_text("modle: x\n")
    code, out, _ = run(capsys, "doctor")
    assert (code, out) == (2, ["fail  config  config.yaml has an unknown key 'modle'. Did you mean 'model'?"])


def test_the_doctor_of_a_server(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeInferenceServer() as server:
        server.key = "rf-SECRET"
        with (here / "config.yaml").open("a") as file:
            file.write(f"inference_url: {server.url}\nroboflow_api_key: rf-SECRET\n")
        code, out, err = run(capsys, "doctor", "--model", "roboflow")
        assert (code, err) == (0, [])
        asked = f"note  model   Roboflow server · ViT-B-16 runs at 127.0.0.1:{server.port}, which is asked now."
        assert asked in out
        assert (len(server.texts), len(server.pictures), server.wrongs) == (2, 2, [])  # unlike ones, to compare
        server.key = "another"
        code, out, _ = run(capsys, "doctor", "--model", "roboflow")
        assert code == 2
        assert any(line.startswith("fail  model   The inference server at") and "key" in line for line in out)
    code, out, _ = run(capsys, "doctor", "--model", "roboflow")
    assert code == 2
    assert any("inference server start" in line for line in out)
    assert "SECRET" not in "\n".join(out)


def test_words_that_the_model_does_not_know_are_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "index", "clip.mp4")[0] == 0
    code, out, err = run(capsys, "score", "clip.mp4", "--prompt", "the kitchen", "--prompt", "a dog", "--prompt", "狗")
    assert (code, out[0]) == (0, "frame,time_s,the kitchen,a dog,狗")
    assert " ".join(err) == (
        "“the kitchen”: the model does not know “kitchen”. It reads only “the”. "
        "“狗”: the model does not know “狗”. It reads nothing else, so the scores say nothing about this prompt."
    )


def test_a_prompt_that_is_cut_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "index", "clip.mp4")[0] == 0
    code, out, err = run(capsys, "score", "clip.mp4", "--prompt", "dog " * 75 + "red house", "--prompt", "a dog")
    assert (code, out[0].count("dog")) == (0, 76)
    assert err == ["“dog dog dog dog…ed house” is longer than the model reads. Not read: “red house”"]


def test_the_first_use_of_a_model_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_clip(here / "models" / "new", seed=77)
    told = "Trying the model new for the first time…"
    assert told in run(capsys, "index", "clip.mp4", "--model", "new")[2]
    assert told not in run(capsys, "score", "clip.mp4", "--model", "new", "--prompt", "a dog")[2]


def test_a_model_that_does_not_pass_its_trial_is_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_clip(here / "models" / "new")
    onnx.save_model(many_rows(3), here / "models" / "new" / "onnx" / "vision_model.onnx")
    code, out, err = run(capsys, "index", "clip.mp4", "--model", "new")
    assert (code, out, err[0]) == (2, [], "Trying the model new for the first time…")
    assert err[1].startswith("vision_model.onnx gave vectors of shape (48, 16) for 16 inputs.")
    assert len(err) == 2


def test_a_sequence_goes_the_whole_way(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "shots").mkdir()
    for number in range(1, 13):
        Image.new("RGB", (64, 48), (20 * number, 0, 255 - 20 * number)).save(here / "shots" / f"f_{number:03d}.png")
    with (here / "config.yaml").open("a") as file:
        file.write("sequence_fps: 4\nsamples_per_second: every frame\n")
    code, out, _ = run(capsys, "index", "shots/f_%03d.png")
    assert code == 0
    assert out[0].startswith("f_%03d.png@4: 12 samples of 0:03.000, ")
    code, out, _ = run(capsys, "score", "shots/f_%03d.png", "--prompt", "a dog")
    assert [line.rsplit(",", 1)[0] for line in out[:4]] == ["frame,time_s", "0,0.000000", "1,0.250000", "2,0.500000"]
    assert len(out) == 13


def test_a_header_that_promises_more_is_told_before_anything_is_embedded(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray((here / "clip.mp4").read_bytes())
    sizes = content.index(b"stsz") + 16
    content[sizes + 4 * 12 : sizes + 4 * 20] = bytes(4 * 8)
    (here / "clip.mp4").write_bytes(content)
    said = "clip.mp4: 12 frames, 0:00.400; header promises 20 frames"
    heard: list[str] = []

    def watched(self: object, images: object) -> Any:
        heard.append(capsys.readouterr().err)
        return embed(self, images)

    embed = OnnxEncoder.embed_images
    monkeypatch.setattr(OnnxEncoder, "embed_images", watched)
    code, out, _ = run(capsys, "index", "clip.mp4")
    assert (code, len(out)) == (0, 1)
    assert said in heard[0]
    assert said in run(capsys, "index", "clip.mp4")[2]  # also when there is nothing to do


def test_facts_have_a_line_of_their_own_beside_a_bar(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_passes, "file_facts", lambda *_: ("sound stream 2 of 3",))
    monkeypatch.setattr(identify, "SILENT_S", -1.0)  # so that reading the file is shown
    screen = put_screen(monkeypatch)
    assert main(["index", "clip.mp4"]) == 0
    (line,) = [line for line in screen.getvalue().split("\n") if "sound stream" in line]
    before, _, shown = line.rpartition("\r")
    assert "Reading the file" in before
    assert shown == "clip.mp4: 20 frames, 0:00.667; sound stream 2 of 3"


def test_a_wait_that_a_server_asks_for_is_shown_and_ends_with_ctrl_c(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(slept_s: float) -> None:
        raise KeyboardInterrupt

    def over(slept_s: float) -> None:
        server.fault = "429" if slept_s < 33 else ""

    score = ("score", "clip.mp4", "--prompt", "a plum tree", "--model", "roboflow", "--out", "scores.csv")
    with FakeInferenceServer() as server:
        with (here / "config.yaml").open("a") as file:
            file.write(f"inference_url: {server.url}\nroboflow_api_key: rf-SECRET\n")
        assert run(capsys, "index", "clip.mp4", "--model", "roboflow")[0] == 0
        server.fault, server.headers_sent, clock = "429", {"Retry-After": "33"}, FakeClock(stop)
        monkeypatch.setattr("clip_core.encoders.waits.time", clock)
        code, _, err = run(capsys, *score)
        says = (
            rf"The inference server at 127\.0\.0\.1:{server.port} says: “Too many requests\.” It was asked too often "
        )
        shown = says + r"\(429\)\. Waiting until [-\d: ]+ \(33 s\); Ctrl-C ends it\."
        assert (code, clock.sleeps) == (130, [0.25])
        assert re.fullmatch(shown, err[0])
        assert err[1:] == ["Stopped."]
        clock = FakeClock(over)
        monkeypatch.setattr("clip_core.encoders.waits.time", clock)
        code, out, err = run(capsys, *score)
        assert (code, len(out), sum(clock.sleeps)) == (0, 1, 33)
        assert [bool(re.fullmatch(shown, line)) for line in err] == [True]
        server.fault, server.headers_sent = "429", {"Retry-After": "3600"}
        code, _, err = run(capsys, "doctor", "--model", "roboflow")
        assert code == 2
    assert "SECRET" not in "\n".join(err)
