"""Judged moments as pictures with texts: the very frames, and a line for each that names its file."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from clip_core.errors import ExportError, VideoNotFoundError
from clip_core.library.identify import record_of
from clip_core.media.training_pairs import JudgedVideo, export_pairs
from clip_core.types import Annotation
from clip_core.video import open_video
from tests.support.odd_names import ODD_NAMES
from tests.support.video_maker import VideoSpec, planted, read_number

ROOT = Path(__file__).parents[2]
DOG = Annotation("a dog", 0.5, 0.0, 1.0, "accepted")
CAT = Annotation("a cat", 0.2, 0.1, 0.3, "rejected")
MOVED = Annotation("pizza", 0.5, 0.4, 0.6)


def judged(folder: Path, name: str, *annotations: Annotation, video_id: str = "a" * 64) -> JudgedVideo:
    """A video of 40 frames at 30 frames a second, each of which shows its number."""
    path = planted(folder, name, 40, VideoSpec()).path
    with open_video(path) as video:
        return JudgedVideo(path, record_of(video, video_id, None), annotations)


def read(target: Path) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The lines of the metadata, and the number on each picture."""
    with zipfile.ZipFile(target) as packed:
        rows = [json.loads(line) for line in packed.read("metadata.jsonl").splitlines()]
        names = [name for name in packed.namelist() if name.endswith(".jpg")]
        pictures = {name: cv2.imdecode(np.frombuffer(packed.read(name), np.uint8), 1) for name in names}
    return rows, {name: read_number(picture) for name, picture in pictures.items()}


def test_each_judged_moment_is_a_picture_with_its_text(tmp_path: Path) -> None:
    first = judged(tmp_path, "a", DOG, MOVED, CAT)
    second = judged(tmp_path, "b", Annotation("a dog", 1.0, 0.9, 1.1, "added", "left"), video_id="b" * 64)
    *_, last = export_pairs([first, second], tmp_path / "out" / "pairs.zip")
    assert (last.stage, last.files, last.warnings, last.failed) == ("done", (tmp_path / "out" / "pairs.zip",), (), 0)
    rows, numbers = read(tmp_path / "out" / "pairs.zip")
    assert [(row["text"], row["accepted"], row["video"], row["note"]) for row in rows] == [
        ("a dog", True, "a.mp4", ""), ("a cat", False, "a.mp4", ""), ("a dog", True, "b.mp4", "left"),
    ]  # fmt: skip
    assert [numbers[row["file_name"]] for row in rows] == [15, 6, 30]
    assert [row["file_name"][:13] for row in rows] == ["a" * 12 + "_", "a" * 12 + "_", "b" * 12 + "_"]
    assert sorted(numbers) == sorted(row["file_name"] for row in rows)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["pairs.zip"]
    with zipfile.ZipFile(tmp_path / "out" / "pairs.zip") as packed:
        table = pd.read_json(io.BytesIO(packed.read("metadata.jsonl")), lines=True)
    assert table["accepted"].tolist() == [True, False, True]


def test_the_way_to_read_them_in_the_docs_works(tmp_path: Path) -> None:
    list(export_pairs([judged(tmp_path, "a", DOG, CAT)], tmp_path / "training.zip"))
    (code,) = re.findall(r"```py\n(.*?)```", (ROOT / "docs" / "files.md").read_text(), re.DOTALL)
    code += "\n((image, text),) = accepted\nimage.save('read.png')\nprint(text, [row['image'].size for row in rows])\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    picture = cv2.imread(str(tmp_path / "read.png"))
    assert picture is not None, done.stderr
    size = picture.shape[1::-1]
    assert (done.stdout, read_number(picture)) == (f"a dog [{size}, {size}]\n", 15)


def test_several_pictures_are_spread_over_the_moment(tmp_path: Path) -> None:
    list(export_pairs([judged(tmp_path, "a", DOG)], tmp_path / "pairs.zip", pictures_per_moment=3))
    rows, numbers = read(tmp_path / "pairs.zip")
    assert [row["time_s"] for row in rows] == pytest.approx([1 / 6, 0.5, 5 / 6], abs=1e-6)
    assert [numbers[row["file_name"]] for row in rows] == [5, 15, 25]


def test_a_video_that_is_gone_is_named_and_the_others_are_written(tmp_path: Path) -> None:
    gone, here = judged(tmp_path, "gone", DOG, CAT), judged(tmp_path, "here", DOG, video_id="b" * 64)
    Path(gone.path).unlink()
    *_, last = export_pairs([gone, here], tmp_path / "pairs.zip")
    assert last.failed == 2
    assert last.warnings[0].startswith("gone.mp4 is left out: There is no file")
    assert [row["video"] for row in read(tmp_path / "pairs.zip")[0]] == ["here.mp4"]
    with pytest.raises(VideoNotFoundError):
        list(export_pairs([gone], tmp_path / "none.zip"))
    assert not (tmp_path / "none.zip").exists()


def test_nothing_judged_is_refused(tmp_path: Path) -> None:
    for videos in ([], [judged(tmp_path, "a", MOVED)]):
        with pytest.raises(ExportError, match="No moment was accepted or rejected by hand"):
            list(export_pairs(videos, tmp_path / "out" / "pairs.zip"))
    assert not (tmp_path / "out").exists()


def test_cancelled_it_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with closing(export_pairs([judged(tmp_path, "a", DOG, CAT)], tmp_path / "out" / "pairs.zip")) as run:
        assert next(run).stage == "frames"
    assert list((tmp_path / "out").iterdir()) == []


def test_odd_names_and_the_end_of_the_video(tmp_path: Path) -> None:
    odd = [Annotation(name, 2.0, 1.0, 2.5, "accepted", name) for name in ODD_NAMES]
    *_, last = export_pairs([judged(tmp_path, "a", *odd)], tmp_path / "pairs.zip")
    assert (last.failed, last.warnings) == (0, ())
    rows, numbers = read(tmp_path / "pairs.zip")
    assert sorted(row["text"] for row in rows) == sorted(name.replace("\ud800", "?") for name in ODD_NAMES)
    assert set(numbers.values()) == {39}
