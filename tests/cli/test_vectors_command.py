"""``vectors export`` and ``vectors import`` as a user calls them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_commands import here, run

__all__ = ["here"]


def test_vectors_go_out_and_into_another_store(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "index", "clip.mp4")[0] == 0
    code, out, _ = run(capsys, "vectors", "export", "clip.mp4", "--npz", "out/a.npz", "--parquet", "out/a.parquet")
    assert (code, out) == (0, [f"clip.mp4: 6 vectors of tiny in a.{kind}" for kind in ("npz", "parquet")])
    scores = run(capsys, "score", "clip.mp4")[1]
    for kind in ("npz", "parquet"):
        store = ("--store", f"store-{kind}")
        code, out, _ = run(capsys, "vectors", "import", f"out/a.{kind}", "--video", "clip.mp4", *store)
        assert (code, out) == (0, [f"clip.mp4: 6 vectors of tiny from a.{kind}"])
        assert run(capsys, "score", "clip.mp4", *store)[1] == scores
    code, _, err = run(capsys, "vectors", "import", "out/a.npz", "--video", "clip.mp4")
    assert (code, err[-1]) == (0, "a.npz: 6 frames stored before, and kept as they were.")


def test_what_cannot_be_done_is_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, fault in (
        (("vectors",), "Missing command."),
        (("vectors", "export", "clip.mp4"), "There is no file to write to."),
        (("vectors", "export", "clip.mp4", "--npz", "clip.mp4"), "clip.mp4 is the video itself."),
        (("vectors", "export", "clip.mp4", "--npz", "a.npz"), "clip.mp4 was never indexed with the model tiny."),
        (("vectors", "import", "none.npz", "--video", "clip.mp4"), "none.npz cannot be read: No such file"),
        (("vectors", "import", "clip.mp4", "--video", "clip.mp4"), "clip.mp4 is neither .npz nor Parquet."),
        (("vectors", "import", "clip.mp4"), "Missing option '--video'."),
    ):
        code, _, err = run(capsys, *words)
        assert code == 2, words
        assert err[-1].startswith(fault)
    np.savez(here / "wide.npz", vectors=np.ones((1, 7), np.float32), times_s=np.zeros(1))
    code, _, err = run(capsys, "vectors", "import", "wide.npz", "--video", "clip.mp4")
    assert (code, err[-1].startswith("The vectors have 7 numbers, and those of tiny have")) == (2, True)
