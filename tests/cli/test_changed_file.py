"""``index`` of several files, one of which is lost or changed on the way: it is told, and the others go on."""

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
        (lambda path: os.truncate(path, 900), "is cut off: its index (moov) is missing"),
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
    assert code == (0 if act is append else 3)
    assert "clip.mp4 failed." in err
    again = "clip.mp4 has changed since: it is tried once more." in err
    assert again == (here / "clip.mp4").is_file()
    assert "Traceback" not in "".join(err)
    assert out[0].split(",")[0] == "other.mp4: 30 samples of 0:01.000"
    if act is append:  # it has stopped growing
        assert [line.split(",")[0] for line in out[1:]] == ["clip.mp4: 20 samples of 0:00.667"]
        assert "videos failed" not in "".join(err)
    else:
        assert len(out) == 1
        assert err[-2:-1] == ["1 of 2 videos failed. Take only these again with --retry-failed:"]
        assert err[-1].startswith(f"  clip.mp4: clip.mp4 {says}")
