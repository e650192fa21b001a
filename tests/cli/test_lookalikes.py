"""``duplicates`` and ``unusual`` as a user calls them, on the sample video and a copy of a part of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clip_core.__main__ import main
from clip_core.encoders.registry import load_encoder
from clip_core.store.store import EmbeddingStore
from tests.retrieval.test_build_stretches import VIDEOS, add_video, unit


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The folder of a store with two videos that share two of their pictures."""
    import numpy as np

    monkeypatch.chdir(tmp_path)
    encoder, store = load_encoder("sample"), EmbeddingStore(tmp_path / "store")
    pictures = unit(np.random.default_rng(0).normal(size=(8, encoder.dim)))
    monkeypatch.setattr("tests.retrieval.test_build_stretches.DIM", encoder.dim)
    for video_id, numbers in zip(VIDEOS, ([0, 1, 2, 3], [4, 1, 2, 5]), strict=False):
        add_video(store, encoder, video_id, pictures[numbers])  # type: ignore[arg-type]
    return str(tmp_path / "store")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main([*words, "--model", "sample"])
    return code, capsys.readouterr().out


def test_what_occurs_twice_and_what_is_like_nothing_else(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "duplicates", "--store", place)
    assert code == 0
    assert text.splitlines()[1].split()[1:3] == ["0:04.750", "0:14.750"]
    code, text = run(capsys, "duplicates", "--store", place, "--json")
    (found,) = json.loads(text)
    assert {found["first"]["video_id"], found["second"]["video_id"]} == {VIDEOS[0], VIDEOS[1]}
    assert (found["first"]["start_s"], found["first"]["end_s"]) == (4.75, 14.75)
    code, text = run(capsys, "unusual", "--store", place, "--json", "--limit", "3")
    spans = {(one["place"]["start_s"], one["place"]["end_s"]) for one in json.loads(text)}
    assert spans <= {(0.0, 4.75), (14.75, 20.0)}
    assert len(json.loads(text)) == 3


def test_an_empty_store_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "Nothing is indexed with the model sample. Index videos: python -m clip_core index VIDEO\n"
    for command in ("duplicates", "unusual"):
        assert run(capsys, command, "--store", str(tmp_path / "none")) == (0, said)
    assert not (tmp_path / "none").exists()
