"""``index`` of several files, one of which is lost or changed on the way: one line, exit code 2, the others go on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clip_core.encoders.onnx import OnnxEncoder
from tests.cli.test_commands import here, run
from tests.support.video_maker import VideoSpec, planted

__all__ = ["here"]


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(1000))


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (Path.unlink, "was moved or deleted while it was indexed. Nothing of it is kept. Put it back and"),
        (lambda path: (path.unlink(), path.mkdir()), "was replaced by a folder while it was indexed."),
        (lambda path: os.truncate(path, 900), "was cut short while it was indexed. Nothing of it is kept."),
        (append, "grew while it was indexed. Nothing of it is kept. If it is still being recorded or copied, index"),
    ],
)
def test_the_other_files_go_on(
    act: Callable[[Path], object],
    says: str,
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted(here, "other", 30, VideoSpec())
    embed, calls = OnnxEncoder.embed_images, []

    def embed_images(self: OnnxEncoder, given: Any) -> Any:
        calls.append(len(given))
        if len(calls) == 1:
            act(here / "clip.mp4")
        return embed(self, given)

    monkeypatch.setattr(OnnxEncoder, "embed_images", embed_images)
    code, out, err = run(capsys, "index", "clip.mp4", "other.mp4", "--samples-per-second", "every frame")
    assert code == 2
    told = [line for line in err if line.startswith("clip.mp4 ")]
    assert len(told) == 1
    assert told[0].startswith(f"clip.mp4 {says}")
    assert "Traceback" not in "".join(err)
    assert [line.split(",")[0] for line in out] == ["other.mp4: 30 samples of 0:01.000"]
