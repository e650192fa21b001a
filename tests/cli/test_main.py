from __future__ import annotations

import csv
import io
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from clip_core import EmbeddingStore, load_config, load_encoder, score_prompts
from clip_core.__main__ import main
from clip_core.encoders.catalogue import CATALOGUE
from clip_core.encoders.onnx import OnnxEncoder
from tests.support.fakes import FakeEncoder
from tests.support.model_maker import make_clip
from tests.support.video_maker import VideoSpec, planted

ROOT = Path(__file__).parents[2]
HEAVY = "numpy av cv2 lancedb pyarrow onnxruntime tokenizers PIL scipy"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a configuration, two videos, and a store in which clip.mp4 is indexed."""
    folder = tmp_path_factory.mktemp("made")
    make_clip(folder / "models" / "tiny")
    planted(folder, "clip", 60, VideoSpec(options={"g": "15"}))
    planted(folder, "other", 20, VideoSpec(".mkv"))
    (folder / "config.yaml").write_text(
        "model: tiny\nmodel_dirs: models\nembeddings: store\nsamples_per_second: 5\nCLIP: [a dog, pizza]\n"
    )
    assert main(["index", str(folder / "clip.mp4"), "--config", str(folder / "config.yaml")]) == 0
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder (the videos with their times, so that they are known) to stand in."""
    folder = tmp_path / "here"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CLIP_VIDEO_CONFIG", raising=False)
    return folder


def failure(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run what must fail; return the one line that it says."""
    capsys.readouterr()
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert len(err) <= 201
    return err.strip()


# Help and mistakes


def test_help_answers_at_once_because_nothing_heavy_is_loaded() -> None:
    code = f"import sys; from clip_core.__main__ import main; assert main(['--help']) == 0; sys.exit(len(set({HEAVY.split()}) & set(sys.modules)))"  # noqa: E501
    shown = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT)
    assert shown.returncode == 0
    assert shown.stderr == ""
    assert re.search(r"^Usage: python -m clip_core ", shown.stdout)
    assert re.search(r"^  index +embed the frames of videos$", shown.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("index", r"--samples-per-second N\s+a number, or \"every frame\""),
        ("score", r"--prompt P +a text; may be repeated"),
        ("moments", r"--confidence PERCENT +a prompt without a threshold is there if it beats more"),
        ("moments", r"--candidates +write the likeliest places of prompts that are not sure"),
        ("report", r"--candidates +write the likeliest places of prompts that are not sure"),
        ("evaluate", r"--truth FILE +CSV, JSON Lines or JSON"),
        ("evaluate", r"--confidence PERCENT +a prompt without a threshold is there"),
        ("clips", r"--moments FILE +CSV \(start_s, end_s, prompt, peak_s\), OTIO"),
        ("duplicates", r"show the same pictures in the same order"),
        ("unusual", r"least like anything in the other videos"),
        ("list", r"Show what is stored"),
    ],
)
def test_each_command_has_help_with_an_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, words: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert re.search(words, shown)
    assert re.search(rf"^  python -m clip_core {command} ", shown, re.MULTILINE)
    assert "--config FILE" in shown
    assert "--store FOLDER_OR_S3" in shown
    assert max(len(line) for line in shown.splitlines()) <= 100


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], r"^Missing command\. See python -m clip_core --help\.$"),
        (["frob"], r"^There is no command 'frob'\. There are: index, score, .*list, "),
        (["index"], r"^Missing argument 'VIDEO\.\.\.'\. See python -m clip_core index --help\.$"),
        (["list", "--frob\nnicate\x1b[2J"], r"^No such option.*--frob.*nicate.*\[2J.*\. See"),
        (["list", "--stor", "x"], r"^No such option.*--stor.*--store.*\? See python -m clip_core list --help\.$"),
        (["clips", "x.mp4", "--frames", "gif"], r"'--frames': 'gif' is not one of 'jpeg', 'png'\. See python"),
        (["score", "x.mp4", "y.mp4"], r"unexpected extra argument.*y\.mp4"),
        (["index", "x.mp4", "--samples-per-second", "0"], r"'0' is neither a number from 0.001 to 1000 nor \"every fr"),
        (["index", "x.mp4", "--samples-per-second", "nan"], r"'nan' is neither a number"),
        (["list", "--store", ""], r"'--store': it is empty"),
        (["score", "x.mp4", "--out", "--prompt", "a dog"], r"'--out': there is no value before --prompt\. See"),
        (["score", "x.mp4", "--prompt"], r"'--prompt' requires an argument"),
        (["x" * 500], r"xxx….* See python -m clip_core --help\.$"),
    ],
)
def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    line = failure(capsys, *words)
    assert re.search(said, line)
    assert line.isprintable()


# index


def test_index_tells_the_facts_of_each_video(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(here / "store")
    assert main(["index", "clip.mp4", "other.mkv", "--samples-per-second", "every frame"]) == 0
    out, err = capsys.readouterr()
    clip, other = out.splitlines()
    assert re.fullmatch(r"clip\.mp4: 60 samples of 0:02\.000, [0-9a-f]{64}", clip)
    assert re.fullmatch(r"other\.mkv: 20 samples of 0:00\.6\d\d, [0-9a-f]{64}", other)
    assert re.search(r"^clip\.mp4: 60 of 60 samples, [\d.]+/s$", err, re.MULTILINE)


def test_a_second_run_embeds_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["index", "clip.mp4"]) == 0  # the copy is known by its bytes, and from now on by its path
    calls: list[int] = []
    monkeypatch.setattr(OnnxEncoder, "embed_images", lambda self, images: calls.append(len(images)))
    capsys.readouterr()
    assert main(["index", "clip.mp4"]) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(r"clip\.mp4: \d+ samples of 0:02\.000, [0-9a-f]{64} \(nothing to do\)\n", out)
    assert err == ""
    assert calls == []


def test_the_rate_of_the_configuration_is_the_default(here: Path) -> None:
    def rate() -> float | None:
        (stored,) = EmbeddingStore("store").usage()
        return stored.models[0].samples_per_second

    assert rate() == 5.0
    assert main(["index", "clip.mp4", "--samples-per-second", "every frame"]) == 0
    assert rate() is None


def test_the_others_go_on_when_one_fails(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "gone.mp4", "other.mkv", "config.yaml"]) == 3
    out, err = capsys.readouterr()
    assert re.match(r"other\.mkv: \d+ samples", out)
    said = err.splitlines()
    assert said[:2] == ["gone.mp4 failed.", "config.yaml failed."]
    assert said[-3:-1] == [
        "2 of 3 videos failed. Take only these again with --retry-failed:",
        "  gone.mp4: There is no file gone.mp4. Check the path.",
    ]
    assert said[-1].startswith("  config.yaml: config.yaml is not a video that can be read.")


def test_a_file_that_breaks_off_is_kept_and_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"movflags": "faststart"}
    whole = planted(here, "whole", 200, VideoSpec(options={"g": "10", "bf": "0"}, container_options=options)).path
    data = whole.read_bytes()
    Path("half.mp4").write_bytes(data[: data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2])
    for _ in range(2):  # the second time the store knows it
        assert main(["index", "half.mp4"]) == 0
        out, err = capsys.readouterr()
        length = re.match(r"half\.mp4: \d+ samples of (0:0\d\.\d{3}), ", out)
        assert length is not None
        assert "0:01.000" < length[1] < "0:06.000"
        assert re.search(rf"^half\.mp4: Unreadable after {length[1]}\. The first \d+ samples", err, re.MULTILINE)


class Interrupted(FakeEncoder):
    """Ctrl-C is pressed while it is at its third batch."""

    def embed_images(self, images):
        if self.pictures >= 100:
            signal.raise_signal(signal.SIGINT)
        return super().embed_images(images)


@pytest.fixture
def on_ctrl_c() -> Iterator[Callable[[Any], Any]]:
    """Sets what SIGINT does, whatever was inherited: a shell starts a job in the background with SIGINT ignored."""
    inherited = signal.getsignal(signal.SIGINT)
    yield partial(signal.signal, signal.SIGINT)
    signal.signal(signal.SIGINT, inherited)


def test_ctrl_c_keeps_what_is_indexed(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    on_ctrl_c: Callable[[Any], Any],
) -> None:
    on_ctrl_c(signal.default_int_handler)
    planted(here, "long", 200, VideoSpec())
    encoders = iter([Interrupted(), encoder := FakeEncoder()])
    monkeypatch.setattr("clip_core.encoders.registry.load_encoder", lambda name, config: next(encoders))
    words = ["index", "long.mp4", "clip.mp4", "--samples-per-second", "every frame"]
    assert main(words) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Stopped. What is indexed is kept; run the same command to go on.\n"
    assert main(words) == 0
    assert 0 < encoder.pictures - 60 <= 200 - 64  # clip.mp4 has 60; at least one batch of 64 was kept


def test_a_job_in_the_background_does_not_heed_ctrl_c(
    here: Path, monkeypatch: pytest.MonkeyPatch, on_ctrl_c: Callable[[Any], Any]
) -> None:
    on_ctrl_c(signal.SIG_IGN)
    encoder = Interrupted()
    monkeypatch.setattr("clip_core.encoders.registry.load_encoder", lambda name, config: encoder)
    planted(here, "long", 200, VideoSpec())
    assert main(["index", "long.mp4", "--samples-per-second", "every frame"]) == 0
    assert encoder.pictures == 200


# score


def test_the_csv_holds_the_scores(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompts = ["a dog", "=HYPERLINK(1)", "a dog", '日本, "x"', "<b>$x$</b>"]
    words = [word for prompt in prompts for word in ("--prompt", prompt)]
    assert main(["score", "clip.mp4", *words]) == 0
    out, err = capsys.readouterr()
    assert [line.partition("”")[0] for line in err.splitlines()] == ["“=HYPERLINK(1)", '“日本, "x"', "“<b>$x$</b>"]
    header, *rows = csv.reader(io.StringIO(out))
    assert header == ["frame", "time_s", "a dog", "'=HYPERLINK(1)", '日本, "x"', "<b>$x$</b>"]
    config = load_config("config.yaml")
    store = EmbeddingStore(config.embeddings)
    (stored,) = store.usage()
    scores = score_prompts(stored.record.video_id, prompts, load_encoder("tiny", config), store)
    assert len(rows) == len(scores) >= 10
    values = np.array([[float(cell) for cell in row] for row in rows])
    np.testing.assert_array_equal(values[:, 0], scores.frames)
    np.testing.assert_allclose(values[:, 1], scores.times_s, atol=1e-6)
    np.testing.assert_allclose(values[:, 2:], scores.values, atol=1e-6)


def test_out_is_replaced_in_one_step(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("real.csv").write_text("old")
    Path("scores.csv").symlink_to("real.csv")
    assert main(["score", "clip.mp4"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("frame,time_s,a dog,pizza\n0,0.000000,")
    assert main(["score", "clip.mp4", "--out", "scores.csv"]) == 0
    assert capsys.readouterr().out == "clip.mp4: 17 samples × 2 prompts in scores.csv\n"
    assert Path("real.csv").read_text("utf-8") == shown
    assert Path("scores.csv").is_symlink()
    assert not list(here.glob(".*.part"))


def test_the_folder_of_the_output_is_made_once_there_is_something_to_write(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failure(capsys, "score", "gone.mp4", "--out", "new/folder/scores.csv")
    failure(capsys, "score", "other.mkv", "--out", "new/folder/scores.csv")
    assert not Path("new").exists()
    assert main(["score", "clip.mp4", "--out", "new/folder/scores.csv"]) == 0
    assert Path("new/folder/scores.csv").read_text("utf-8").startswith("frame,time_s,a dog,pizza\n")


def test_what_goes_into_a_pipe_is_not_mixed_with_a_message(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("pipe")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(Path("pipe").read_text)
        assert main(["score", "clip.mp4", "--out", "pipe"]) == 0
        assert read.result(30).startswith("frame,time_s,a dog,pizza\n")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("models", r"^models is a folder\. Give --out the name of a file in it\.$"),
        ("config.yaml/x.csv", r"^config\.yaml is a file, not a folder\. Choose another place for --out\.$"),
        ("config.yaml/new/x.csv", r"^config\.yaml is a file, not a folder\. Choose another place for --out\.$"),
        ("/proc/no/x.csv", r"^no cannot be written: No such file or directory\. Choose another place for --out\.$"),
        ("./clip.mp4", r"^clip\.mp4 is the video itself\."),
        ("y" * 300, r"y… ?y*.*cannot be written: File name too long\."),
    ],
)
def test_an_output_that_cannot_be_meant(here: Path, capsys: pytest.CaptureFixture[str], out: str, said: str) -> None:
    before = Path("clip.mp4").read_bytes()
    assert re.search(said, failure(capsys, "score", "clip.mp4", "--out", out))
    assert Path("clip.mp4").read_bytes() == before


def test_a_full_disk_leaves_the_old_output(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *_: object, **__: object) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    Path("scores.csv").write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", full)
    said = failure(capsys, "score", "clip.mp4", "--out", "scores.csv")
    assert said == "scores.csv cannot be written: No space left on device. Choose another place for --out."
    assert Path("scores.csv").read_bytes() == b"old"
    assert not list(here.glob(".*.part"))


def test_a_video_that_was_never_indexed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = failure(capsys, "score", "other.mkv")
    assert said == ("other.mkv was never indexed with the model tiny. Run: python -m clip_core index other.mkv")
    said = failure(capsys, "--store", "my store", "score", "clip.mp4", "--model", "models/tiny")
    assert re.search(r"Run: python -m clip_core index clip\.mp4 --store 'my store' --model models/tiny$", said)
    deep = Path("d" * 90, "e" * 90)
    deep.mkdir(parents=True)
    shutil.copy("other.mkv", deep)
    said = failure(capsys, "score", str(deep / "other.mkv"))
    assert said.endswith("Run: python -m clip_core index VIDEO, with the same options.")


def test_a_renamed_video_is_known_by_its_bytes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("clip.mp4").rename("elsewhere.mp4")
    assert main(["score", "elsewhere.mp4"]) == 0
    assert capsys.readouterr().out.count("\n") >= 11


def test_a_renamed_video_and_a_copy_are_named_as_they_were_given(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("clip.mp4").rename("elsewhere.mp4")
    shutil.copy("elsewhere.mp4", "copy.mp4")
    Path("truth.csv").write_text("prompt,start,end\na dog,0,1\n")
    commands = {
        "score": ["--prompt", "a dog", "--out", "scores.csv"],
        "moments": ["--prompt", "a dog", "--out", "found"],
        "report": ["--prompt", "a dog", "--out", "report.html"],
        "evaluate": ["--truth", "truth.csv", "--json", "result.json"],
        "index": [],
    }
    for name in ("elsewhere.mp4", "copy.mp4", "elsewhere.mp4"):
        capsys.readouterr()
        for command, words in commands.items():
            assert main([command, name, *words]) == 0
        out, err = capsys.readouterr()
        named = re.findall(
            r"[\w ]*\.mp4", out + err + Path("report.html").read_text() + Path("result.json").read_text()
        )
        assert set(named) == {name, f"Moments of {name}"}
    assert main(["index", "copy.mp4"]) == 0
    assert main(["forget", "elsewhere.mp4", "--yes"]) == 0
    assert re.search(r"^Forgotten: \d+ frames of elsewhere\.mp4\.", capsys.readouterr().out, re.MULTILINE)


def test_an_unfinished_video_is_scored_with_a_warning(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = EmbeddingStore("store")
    (stored,) = store.usage()
    store.begin(stored.record.video_id, stored.models[0].fingerprint, "tiny", 30.0)
    assert main(["score", "clip.mp4"]) == 0
    out, err = capsys.readouterr()
    samples = out.count("\n") - 1
    assert err == (
        f"clip.mp4 is not indexed to the end: so far there are {samples} samples. "
        "Run: python -m clip_core index clip.mp4\n"
    )
    assert main(["list"]) == 0
    assert re.search(rf"tiny +{samples}  30 \(unfinished\)", capsys.readouterr().out)


def test_prompts_that_cannot_be_scored(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert failure(capsys, "score", "clip.mp4", "--prompt", "a", "--prompt", "  ") == (
        "clip.mp4: Prompt 2 is empty. Give each prompt at least one character."
    )
    Path("config.yaml").write_text("model: tiny\nmodel_dirs: models\nembeddings: store\n")
    assert re.match(r"clip\.mp4: There are no prompts, .* Give one: --prompt P$", failure(capsys, "score", "clip.mp4"))


# list


def test_the_list_is_a_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "other.mkv", "--samples-per-second", "every frame"]) == 0
    capsys.readouterr()
    assert main(["list"]) == 0
    header, other, clip, total = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"VIDEO +LENGTH +MODEL +FRAMES +PER SECOND +ON DISK +ID", header)
    assert re.fullmatch(r"other\.mkv +0:00\.6\d\d +tiny +20 +every frame +\d+ k?B +[0-9a-f]{12}", other)
    assert re.fullmatch(r"clip\.mp4 +0:02\.000 +tiny +\d+ +5 +\d+ k?B +[0-9a-f]{12}", clip)
    assert header.rindex("ID") == re.search(r"[0-9a-f]{12}$", clip).start()  # type: ignore[union-attr]
    assert re.fullmatch(rf"2 videos, \d+ kB; the whole store [\d.]+ [kM]B, in {re.escape(str(here / 'store'))}", total)


def test_the_list_of_nothing_says_what_to_do(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", "empty", "list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"Nothing is stored in {here / 'empty'}."
    assert second == "Index a video: python -m clip_core index VIDEO"
    assert not Path("empty").exists()


# What all commands share


def test_options_stand_before_or_after_the_command(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("else.yaml").write_text("embeddings: one\n")
    for words in (["--config", "else.yaml", "list"], ["list", "--config", "else.yaml"]):
        assert main(words) == 0
        assert capsys.readouterr().out.startswith(f"Nothing is stored in {here / 'one'}.")
    assert main(["--store", "one", "list", "--store", "two"]) == 0
    assert capsys.readouterr().out.startswith(f"Nothing is stored in {here / 'two'}.")


def test_without_a_configuration_the_defaults_are_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.yaml").unlink()
    assert main(["list"]) == 0
    assert capsys.readouterr().err == "There is no config.yaml here: the defaults are used.\n"


def write_sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_bad_files_are_refused_by_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.mp4").touch()
    Path("folder.mp4").mkdir()
    Path("text.mp4").write_text("hello world\n" * 500)
    write_sound(Path("song.mp4"))
    Path("cut.mp4").write_bytes(Path("clip.mp4").read_bytes()[:-2000])
    expected = {
        "gone.mp4": r"^There is no file gone\.mp4\. Check the path\.$",
        "empty.mp4": r"^empty\.mp4 is empty \(0 bytes\)\.",
        "folder.mp4": r"^folder\.mp4 is a folder\.",
        "text.mp4": r"^text\.mp4 is not a video that can be read\.",
        "song.mp4": r"^song\.mp4 has no video stream\. It holds sound only \(AAC\)\.",
        "cut.mp4": r"^cut\.mp4 is cut off: its index \(moov\) is missing",
        "http://localhost:1/x.mp4": r"^x\.mp4 is an address, not a file\.",
        "no\nsuch\x1b[2J.mp4": r"^There is no file no\?such\?\[2J\.mp4\.",
        "z" * 400 + ".mp4": r"^There is no file z+…z+\.mp4\.",
    }
    for name, said in expected.items():
        assert re.search(said, failure(capsys, "score", name))
        to_index = said if name != "folder.mp4" else r"^There is no video in folder\.mp4\."
        assert re.search(to_index, failure(capsys, "index", name))


def test_bad_settings_models_and_stores(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("typo.yaml").write_text("modle: sample\n")
    Path("kind.yaml").write_text("threshold: high\n")
    shutil.copytree("models/tiny", "broken")
    Path("broken/onnx/vision_model.onnx").write_bytes(b"nothing")
    expected = {
        ("--config", "gone.yaml"): r"^There is no configuration file gone\.yaml\.",
        ("--config", "typo.yaml"): r"^typo\.yaml has an unknown key 'modle'\. Did you mean 'model'\?$",
        ("--config", "kind.yaml"): r"^kind\.yaml: 'threshold' in the configuration is a text \(high\)\.",
        ("--model", "broken"): r"vision_model\.onnx",
        ("--store", "config.yaml/x"): r"^clip\.mp4: The embeddings in .*config\.yaml/x cannot be read or written",
    }
    for words, said in expected.items():
        assert re.search(said, failure(capsys, "index", "clip.mp4", *words))
        assert re.search(said, failure(capsys, "score", "clip.mp4", *words))


@pytest.mark.parametrize("command", ["index", "score"])
def test_a_model_that_is_not_there_lists_all_that_are_known(
    here: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, "clip.mp4", "--model", "frob"]) == 2
    out, err = capsys.readouterr()
    *known, said = err.splitlines()
    assert (out, said) == ("", "There is no model 'frob'. There is: sample, tiny.")
    assert known == ["Known models:", "  sample", "  tiny", *(f"  {entry.id}" for entry in CATALOGUE)]


def test_a_video_is_forgotten_when_that_is_confirmed(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EmbeddingStore("store")
    (stored,) = store.usage()
    frames = stored.models[0].frames
    refused = failure(capsys, "forget", "clip.mp4")
    assert (
        refused
        == f"{frames} frames of clip.mp4 would be deleted, and there is nobody to ask. If you mean it, add --yes."
    )
    assert failure(capsys, "forget", "nothing.mp4") == (
        "Nothing is stored of nothing.mp4. Give a name or an id as `python -m clip_core list` shows it."
    )
    for answer, left in (("no\n", 1), ("\n", 1), ("YES\n", 0)):
        terminal = io.StringIO(answer)
        terminal.isatty = lambda: True  # type: ignore[method-assign]
        monkeypatch.setattr("sys.stdin", terminal)
        assert main(["forget", stored.record.video_id[:12]]) == 0
        out, err = capsys.readouterr()
        assert err == f"This deletes {frames} frames of clip.mp4. There is no undo. Type yes to go on:\n"
        assert out == ("Nothing was deleted.\n" if left else FORGOTTEN.format(frames))
        assert len(store.usage()) == left
    assert Path("clip.mp4").is_file()
    assert main(["index", "clip.mp4"]) == 0
    capsys.readouterr()
    assert main(["forget", "clip.mp4", "--yes"]) == 0
    assert capsys.readouterr() == (FORGOTTEN.format(frames), "")
    assert store.usage() == []


FORGOTTEN = "Forgotten: {} frames of clip.mp4. The video file itself stays.\n"
NAMES = ["a  b.mp4", "q'\"uo.mp4", "ünï文🐶.mp4", "new\nline.mp4", "-x.mp4", "$x$ :dog:.mp4"]


def test_any_name_works(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in NAMES:
        shutil.copy("other.mkv", name)
    assert main(["index", "--", *NAMES]) == 0
    told = capsys.readouterr().out.splitlines()
    for name, line in zip(NAMES, told, strict=True):
        assert re.match(re.escape(name.replace("\n", "?")) + r": \d+ samples", line)
    assert main(["score", "new\nline.mp4"]) == 0
    assert main(["score", "--", "-x.mp4"]) == 0


def test_a_narrow_encoding_and_a_name_that_is_no_text(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = os.fsdecode(b"\xff.mp4")
    try:
        for name in ("ü文.mp4", raw):
            shutil.copy("clip.mp4", name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    out, err = narrow = [io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert main(["index", "ü文.mp4", raw, "gone…"]) == 3
    assert main(["score", "ü文.mp4", "--prompt", "…", "--prompt", "\udcff"]) == 0
    told, said = [stream.buffer.getvalue().splitlines() for stream in narrow]
    assert re.match(rb"\\xfc\\u6587\.mp4: \d+ samples", told[0])
    assert re.match(rb"\?\.mp4: \d+ samples", told[1])
    assert told[2] == b"frame,time_s,\\u2026,?"
    assert said[0] == rb"gone\u2026 failed."
    assert said[1:3] == [b"1 of 3 videos failed.", rb"  gone\u2026: There is no file gone\u2026. Check the path."]
    assert [line.partition(b":")[0] for line in said[3:]] == [rb"\u201c\u2026\u201d", rb"\u201c?\u201d"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_reader_that_leaves_and_a_full_disk() -> None:
    command = [sys.executable, "-m", "clip_core", "--help"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    read, write = os.pipe()
    os.close(read)
    left = subprocess.run(command, check=False, stdout=write, stderr=subprocess.PIPE, env=environment)
    os.close(write)
    assert (left.returncode, left.stderr) == (141, b"")
    with Path("/dev/full").open("wb") as full:
        said = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, env=environment)
    assert said.returncode == 2
    assert said.stderr == b"The output cannot be written: No space left on device. Free some space.\n"
