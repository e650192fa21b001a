"""What the doctor sees: a sound set-up, and each thing that is wrong with another."""

from __future__ import annotations

import dataclasses
import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_core.analysis import check_setup as module
from clip_core.analysis.check_setup import Check, check_setup
from clip_core.config import Config
from tests.support.fakes import FakeEncoder
from tests.support.model_maker import make_clip
from tests.support.video_maker import VideoSpec, planted


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "videos").mkdir()
    planted(tmp_path / "videos", "clip", 5, VideoSpec())
    make_clip(tmp_path / "models" / "tiny")
    return Config(
        video_path=tmp_path / "videos" / "clip.mp4",
        video_dirs=(tmp_path / "videos",),
        model_dirs=(tmp_path / "models",),
        model="tiny",
        embeddings=str(tmp_path / "store"),
    )


def found(config: Config, **changes: Any) -> list[Check]:
    changed = dataclasses.replace(config, **changes)
    return list(check_setup(changed, changed.embeddings, changed.model))


def failed(checks: list[Check]) -> list[str]:
    return [f"{check.subject}: {check.what} {check.next_step}" for check in checks if check.result == "fail"]


def test_a_sound_set_up(config: Config) -> None:
    checks = found(config)
    assert failed(checks) == []
    said = [check.what for check in checks]
    assert said[0] == "clip.mp4 opens: 160 × 96, h264, read by PyAV."
    assert said[1] == "1 video is listed."
    assert said[2].endswith("store can be read; 0 videos are known in it.")
    assert said[3].startswith("It can be written; ")
    assert said[4].startswith("tiny is loaded (")
    assert said[4].endswith("): fp32 on CPU.")
    assert [word.split(" in ")[0] for word in said[5:]] == [
        "A text becomes a unit vector of 16 numbers",
        "A picture becomes a unit vector of 16 numbers",
    ]


def test_it_leaves_nothing_behind(config: Config, tmp_path: Path) -> None:
    before = sorted(path for path in tmp_path.rglob("*"))
    found(config)
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_each_thing_that_is_wrong_is_said_and_stops_no_other(config: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    checks = found(
        config, video_path=tmp_path / "gone.mp4", video_dirs=(tmp_path / "none",), model="nonsense",
    )  # fmt: skip
    assert failed(checks) == [
        "videos: There is no folder none. Make it, or correct video_dirs in config.yaml.",
        "videos: There is no file gone.mp4. Check the path.",
        failed(checks)[2],
    ]
    assert failed(checks)[2].startswith("model: There is no model 'nonsense'.")
    assert [check.subject for check in checks if check.result == "ok"] == ["store", "store"]


def test_a_video_folder_behind_a_shut_door_is_told(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut, is_dir = tmp_path / "shut", Path.is_dir

    def look(path: Path) -> bool:
        if path == shut:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", look)
    (told,) = failed(found(config, video_path=None, video_dirs=(shut,)))
    assert told == (
        "videos: The video folder shut cannot be listed (Permission denied). "
        "Check its permissions, or take it out of video_dirs in config.yaml."
    )


def test_no_video_at_all_is_a_note(config: Config, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    checks = found(config, video_path=None, video_dirs=(tmp_path / "empty",))
    assert failed(checks) == []
    assert checks[0] == Check(
        "videos", "note", "0 videos are listed.", "Put one into a folder of video_dirs, or upload one on the page."
    )


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.full((1, 16), 0.3, np.float32), "model: The vector of a text has the length 1.200, not 1. Use another."),
        (np.full((1, 16), np.nan, np.float32), "model: The vector of a text has the length nan, not 1. Use another."),
        (np.ones((1, 5), np.float32), "model: A text became (1, 5), not (1, 16). Use another model."),
    ],
    ids=["long", "nan", "short"],
)
def test_vectors_that_are_none(
    config: Config, monkeypatch: pytest.MonkeyPatch, vector: np.ndarray, message: str
) -> None:
    encoder = FakeEncoder()
    monkeypatch.setattr(encoder, "embed_texts", lambda texts: vector)
    monkeypatch.setattr(module, "load_encoder", lambda name, config: encoder)
    assert failed(found(config)) == [message]


@pytest.mark.parametrize(("what", "method"), [("text", "embed_texts"), ("picture", "embed_images")])
def test_a_model_whose_vectors_are_all_alike_fails(
    config: Config, monkeypatch: pytest.MonkeyPatch, what: str, method: str
) -> None:
    encoder = FakeEncoder()
    vector = np.full((1, encoder.dim), encoder.dim**-0.5, np.float32)
    monkeypatch.setattr(encoder, method, lambda given: np.repeat(vector, len(given), axis=0))
    monkeypatch.setattr(module, "load_encoder", lambda name, config: encoder)
    (said,) = failed(found(config))
    assert said.startswith(f"model: Two unlike {what}s get the same vector (their cosine is 1.0000)")


def test_where_frames_go_is_a_note(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = FakeEncoder()
    encoder.sends_to = "clip.example.org"
    monkeypatch.setattr(module, "load_encoder", lambda name, config: encoder)
    notes = [check.what for check in found(config) if check.result == "note"]
    assert notes == ["Frames and prompts of your videos will be sent to clip.example.org."]
