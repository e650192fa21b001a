"""The trial of a model in a child process: what hostile folders are told, and which folders are not tried again."""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from huggingface_hub import constants

from clip_core.encoders import onnx as onnx_module
from clip_core.encoders import registry, trial
from clip_core.encoders.registry import is_first_use, load_encoder
from clip_core.errors import EncoderError
from tests.support import hostile_models as hostile
from tests.support.model_maker import make_clip, move_weights_out, small_vision, tokenizer_json, write_json

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
CONFIG, TOWER = "config.json", "onnx/vision_model.onnx"
A_MEMORY_LIMIT = r"^The model toy was stopped: it needs over 1\.\d+ GB of memory; its files have \d+ kB\. Use a"


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where these tests remember what passed: nothing yet."""
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
    trial._refusal.cache_clear()
    return tmp_path / "assets" / "clip_video_investigator" / "tried_models"


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the folders that were tried, in order."""
    names: list[str] = []
    run = trial._run
    monkeypatch.setattr(trial, "_run", lambda source, limits: names.append(source.folder.name) or run(source, limits))
    return names


def with_tower(folder: Path, made: onnx.ModelProto, tower: str = "vision") -> Path:
    make_clip(folder)
    onnx.save_model(made, folder / "onnx" / f"{tower}_model.onnx")
    return folder


def with_tokenizer(folder: Path, **changes: Any) -> Path:
    write_json(make_clip(folder) / "tokenizer.json", tokenizer_json() | changes)
    return folder


def refused(folder: Path, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assert that a folder is refused with a message, and is never loaded in this process."""
    monkeypatch.setattr(onnx_module.OnnxEncoder, "__init__", lambda *_, **__: pytest.fail("loaded in this process"))
    with pytest.raises(EncoderError, match=message) as caught:
        load_encoder(str(folder))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@LINUX
@pytest.mark.parametrize(
    ("tower", "made"),
    [
        ("vision", hostile.huge_values),
        ("vision", hostile.huge_constant),
        ("vision", hostile.huge_for_many_pictures),
        ("vision", hostile.many_rows),
        ("text", hostile.huge_for_long_texts),
    ],
)
def test_a_model_that_takes_gigabytes_is_stopped(
    tmp_path: Path, tower: str, made: Callable[[], onnx.ModelProto], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(with_tower(tmp_path / "toy", made(), tower), A_MEMORY_LIMIT, monkeypatch)


@pytest.mark.parametrize(
    ("tower", "made", "message"),
    [
        (
            "vision",
            hostile.huge_weights,
            r"^vision_model\.onnx cannot be loaded: .* declares a size of 10000000000 bytes",
        ),
        (
            "vision",
            lambda: hostile.many_rows(3),
            r"^vision_model\.onnx gave vectors of shape \(48, 16\) for 16 inputs\.",
        ),
        ("vision", hostile.long_vectors, r"^toy: pictures become 100000000 numbers, but texts 16\."),
        ("vision", lambda: small_vision(factor=float("nan")), r"^toy gave a NaN or infinite vector for a picture\."),
        ("text", lambda: hostile.huge_for_long_texts("Tile"), r"^text_model\.onnx failed: .* would require more than"),
    ],
)
def test_what_the_child_finds_is_told(
    tmp_path: Path, tower: str, made: Callable[[], onnx.ModelProto], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(with_tower(tmp_path / "toy", made(), tower), message, monkeypatch)


def test_a_model_that_never_ends_is_stopped_once(
    tmp_path: Path, trials: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "BASE_S", 2.0)
    folder = with_tower(tmp_path / "toy", hostile.endless_loop())
    for _ in range(2):  # the second time from memory: a page that is drawn again must not wait again
        message = r"^The model toy was stopped: it did not finish its first trial within [28] s\. Use"
        refused(folder, message, monkeypatch)
    assert trials == ["toy"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"padding": hostile.padding(10**9)}, r"pads each text to 1,000,000,000 tokens; at most 8,192"),
        ({"padding": hostile.padding(multiple=10**9)}, r"pads each text to 1,000,000,000 tokens; at most 8,192"),
        ({"post_processor": hostile.template([2] * 9000)}, r"puts 9,000 tokens around each text, but .* only 77"),
        (
            {"post_processor": hostile.template([2], 77)},
            r"puts 77 tokens around each text, but the model reads only 77",
        ),
        ({"normalizer": hostile.replace("o", "x" * 10**6)}, r"can make a text 1,000,000 times longer; at most 256"),
        ({"normalizer": {"type": "Prepend", "prepend": "x " * 10**6}}, r"can make a text 2,000,001 times longer"),
        ({"model": {"type": "BPE", "vocab": {}, "merges": []}, "added_tokens": []}, "has an empty vocabulary"),
        ({"model": {"type": "WordLevel", "vocab": {}, "unk_token": "[UNK]"}}, r"fails on the text 'a': .*Missing"),
    ],
    ids=[
        "padding",
        "multiple",
        "token of many",
        "template",
        "replace",
        "prepend",
        "no words",
        "no word for the unknown",
    ],
)
def test_a_tokenizer_that_makes_texts_too_long_or_knows_no_word(
    tmp_path: Path, changes: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes.setdefault("post_processor", None)
    refused(with_tokenizer(tmp_path / "toy", **changes), rf"^tokenizer\.json of toy {message}", monkeypatch)


@LINUX
def test_a_tokenizer_that_takes_memory_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rust ends its process where memory lacks, so nothing could be caught here."""
    monkeypatch.setattr(trial, "BASE_BYTES", 150_000_000)
    folder = with_tokenizer(tmp_path / "toy", added_tokens=[hostile.added_token(18, "x" * 8_000_000)])
    monkeypatch.setattr(trial, "SIZE_FACTOR", 0)
    refused(folder, r"^The model toy was stopped: it needs over 2\d\d MB of memory", monkeypatch)


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        ({"CHILD_SIGNAL": "SIGSEGV"}, r"^The model toy crashed in its first trial \(SIGSEGV\)\. Use another"),
        ({"CHILD_SIGNAL": "SIGABRT"}, r"crashed in its first trial \(SIGABRT\)"),
        ({"CHILD_SIGNAL": "SIGKILL"}, r"needs over 1\.\d+ GB of memory"),  # by the system, which lacks memory
        ({"CHILD_SIGNAL": "SIGXCPU"}, r"did not finish its first trial within 30 s"),
        ({"CHILD_CODE": "3"}, r"crashed in its first trial \(exit code 3\)"),
        ({"CHILD_SAYS": ""}, r"crashed in its first trial \(exit code 0\)"),
        ({"CHILD_SAYS": "[1]"}, r"crashed in its first trial \(exit code 0\)"),
        ({"CHILD_SAYS": '{"what": 1, "next_step": ""}'}, r"crashed in its first trial \(exit code 0\)"),
        ({"CHILD_SAYS": '{"what": "", "next_step": ""}' + " " * 100_000 + "x"}, r"^$"),  # only the start is read
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="no such signals")
def test_each_way_to_end_is_told(
    tmp_path: Path, ending: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "CHILD", "tests.support.ending_child")
    for name, value in ending.items():
        monkeypatch.setenv(name, value)
    folder = make_clip(tmp_path / "toy")
    if message == "^$":
        assert load_encoder(str(folder)).dim == 16
    else:
        refused(folder, message, monkeypatch)


def test_a_process_that_cannot_be_started_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    refused(make_clip(tmp_path / "toy"), r"^No process can be started to try a model: .*No such file", monkeypatch)


def test_ctrl_c_ends_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children = []

    class Interrupted(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            children.append(self)
            if timeout is not None:
                raise KeyboardInterrupt
            return super().wait()

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    folder = with_tower(tmp_path / "toy", hostile.endless_loop())
    with pytest.raises(KeyboardInterrupt):
        load_encoder(str(folder))
    assert children[0].returncode == -9


def test_a_model_is_tried_once_and_again_when_any_file_differs(tmp_path: Path, trials: list[str]) -> None:
    folder = move_weights_out(make_clip(tmp_path / "toy"))
    assert is_first_use(str(folder))
    load_encoder(str(folder))
    assert not is_first_use(str(folder))
    load_encoder(str(folder))
    assert trials == ["toy"]
    for name in (CONFIG, "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(before + b" ")
        assert is_first_use(str(folder)), name
        (folder / name).write_bytes(before)
        assert not is_first_use(str(folder)), name
    for name in (TOWER, "onnx/text_model.onnx", "onnx/vision_model.onnx_data"):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(before + b"\x0a\x00")  # a graph without content, or unused bytes
        assert is_first_use(str(folder)), name
        (folder / name).write_bytes(before)
        assert not is_first_use(str(folder)), name


def test_a_file_replaced_with_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    folder = make_clip(tmp_path / "toy")
    load_encoder(str(folder))
    times = (folder / TOWER).stat()
    other = make_clip(tmp_path / "other", seed=7) / TOWER
    (folder / TOWER).write_bytes(other.read_bytes())
    os.utime(folder / TOWER, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (folder / TOWER).stat().st_size == times.st_size
    assert is_first_use(str(folder))


def test_the_same_model_elsewhere_need_not_be_tried(tmp_path: Path, trials: list[str]) -> None:
    load_encoder(str(make_clip(tmp_path / "one")))
    load_encoder(str(make_clip(tmp_path / "two")))
    assert trials == ["one"]


def test_other_libraries_are_a_reason_to_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_clip(tmp_path / "toy")
    load_encoder(str(folder))
    monkeypatch.setattr(trial.onnxruntime, "__version__", "99.0")
    assert is_first_use(str(folder))


def test_files_that_change_during_the_trial_do_not_pass(
    tmp_path: Path, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run = make_clip(tmp_path / "toy"), trial._run

    def change(source: trial.ModelSource, limits: trial.Limits) -> object:
        found = run(source, limits)
        write_json(folder / "tokenizer.json", tokenizer_json() | {"padding": hostile.padding(10**9)})
        return found

    monkeypatch.setattr(trial, "_run", change)
    refused(folder, r"^The files of toy changed while it was tried\. Try again\.", monkeypatch)
    assert not record.exists()


def test_what_did_not_pass_is_not_remembered(tmp_path: Path, record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(with_tower(tmp_path / "toy", hostile.many_rows(3)), "gave vectors of shape", monkeypatch)
    assert not record.exists()


def test_a_record_that_cannot_be_written_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert [load_encoder(str(make_clip(tmp_path / "toy"))).dim for _ in range(2)] == [16, 16]
    assert "The trial of toy cannot be remembered: " in caplog.text
    assert trials == ["toy"]  # in this process


def test_a_place_for_records_that_cannot_be_looked_at_means_another_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / ("long" * 100)))
    folder = make_clip(tmp_path / "toy")
    assert is_first_use(str(folder))
    with caplog.at_level(logging.WARNING):
        assert load_encoder(str(folder)).dim == load_encoder(str(folder)).dim
    assert "cannot be remembered" in caplog.text


def test_the_sample_model_is_trusted(trials: list[str]) -> None:
    assert not is_first_use("sample")
    load_encoder("sample")
    assert not is_first_use("roboflow")
    assert trials == []


def test_a_folder_in_the_current_one_cannot_bring_its_own_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "numpy", "clip_core"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)")
    make_clip(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    assert load_encoder("toy").dim == 16


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", TOWER])
@pytest.mark.parametrize("target", ["fifo", "/dev/zero", "folder", "nowhere"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_what_is_no_regular_file_is_never_opened(
    tmp_path: Path, name: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_clip(tmp_path / "toy")
    (folder / name).unlink()
    if target == "fifo":
        os.mkfifo(folder / name)
    elif target == "folder":
        (folder / name).mkdir()
    else:
        (folder / name).symlink_to(target)
    if name == "tokenizer_config.json":  # a model may lack it
        assert load_encoder(str(folder)).dim == 16
    else:
        refused(folder, rf"^The model toy lacks the file {name}\.", monkeypatch)


def test_a_link_to_another_file_is_read_as_a_model_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("root:x:0:0")
    for name, message in (
        (CONFIG, "config.json of toy is not JSON: "),
        ("tokenizer.json", "tokenizer.json of toy cannot be read: "),
        (TOWER, "vision_model.onnx is not a readable ONNX file."),
    ):
        folder = make_clip(tmp_path / "toy")
        (folder / name).unlink()
        (folder / name).symlink_to(tmp_path / "secret")
        with monkeypatch.context() as patch:
            refused(folder, f"^{message}", patch)
        (folder / name).unlink()


@pytest.mark.parametrize("size", [2**29, 2**36])
def test_files_that_announce_more_than_a_model_has_are_not_read(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = move_weights_out(make_clip(tmp_path / "toy"))
    name, message = ("tokenizer.json", r"tokenizer\.json of toy has 537 MB")
    if size > 2**30:
        name, message = ("onnx/vision_model.onnx_data", r"The files of toy have 68\.7 GB")
    os.truncate(folder / name, size)  # a hole, which takes no room
    refused(folder, f"^{message}", monkeypatch)


def test_the_limits_follow_the_size_and_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "cores", lambda: 4)
    assert trial.Limits.of(0) == trial.Limits(1_128_000_000, 30.0)
    assert trial.Limits.of(600_000_000) == trial.Limits(4_728_000_000, 180.0)
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1_000_000, "SC_PAGE_SIZE": 4096}.get, raising=False)
    assert trial.Limits.of(600_000_000).memory_bytes == 3_072_000_000  # of a machine with 4 GB


def test_temporary_files_that_cannot_be_made_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    refused(make_clip(tmp_path / "toy"), r"^No process can be started to try a model: .*No such file", monkeypatch)


def test_the_child_says_one_line(tmp_path: Path) -> None:
    folder = make_clip(tmp_path / "toy")
    source = registry.ModelSource(folder, "fp32", folder)
    code, answer, _ = trial._run(source, trial.Limits.of(10_000))
    assert (code, json.loads(answer)) == (0, {"what": "", "next_step": "", "memory": False})
