"""The command ``clips``: files, exit codes, and one line for each thing that may go wrong."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import clip_core.media.export_media
from clip_core import EmbeddingStore, index_video
from clip_core.__main__ import main
from clip_core.library.identify import known_video
from clip_core.video import open_video
from clip_core.video.continued_clock import PacketLog
from clip_core.video.pyav import PyAVVideo
from tests.support.fakes import FakeEncoder
from tests.support.joined_maker import JOINED, Recording, write_joined
from tests.support.sound_maker import FilmSpec, write_film
from tests.support.video_maker import VideoSpec, planted, read_number, write_images

TABLE = """prompt,start_s,end_s,duration_s,peak_s,peak,mean
a dog,0.500000,1.000000,0.5,0.700000,0.3,0.2
"pizza, hot",00:00:01.000,00:00:01.500,0.5,1.2,0.3,0.2
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLIP_VIDEO_CONFIG", raising=False)
    (tmp_path / "config.yaml").write_text("embeddings: store\nvideo_dirs: .\n")
    (tmp_path / "moments.csv").write_text(TABLE)
    planted(tmp_path, "film", 60, VideoSpec(options={"g": "20", "sc_threshold": "0"}))
    return tmp_path


def run(*words: str) -> int:
    return main(["clips", "film.mp4", "--moments", "moments.csv", "--out", "out", *words])


def numbers(path: Path) -> list[int]:
    with open_video(path) as video:
        return [read_number(frame.rgb) for frame in video.frames()]


def test_exact_clips_with_frames(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--frames", "png") == 0
    names = ["001_a-dog_0m00.500s.mp4", "002_pizza-hot_0m01.000s.mp4"]
    assert [numbers(here / "out" / name) for name in names] == [list(range(15, 30)), list(range(30, 45))]
    assert sorted(path.name for path in (here / "out").iterdir()) == [
        names[0],
        "001_a-dog_0m00.700s.png",
        names[1],
        "002_pizza-hot_0m01.200s.png",
    ]
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"{names[0]}: 0:00.500 to 0:01.000, 15 frames",
        f"{names[1]}: 0:01.000 to 0:01.500, 15 frames",
        "2 moments: 2 clips and 2 pictures in out",
    ]
    assert err == "film.mp4: 4 files\n"


def test_a_reel(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "moments.csv").write_text(TABLE + "to the end,1.8,99999,,,,\n")
    assert run("--reel") == 0
    assert [path.name for path in (here / "out").iterdir()] == ["reel.mp4"]
    assert numbers(here / "out" / "reel.mp4") == [*range(15, 45), *range(54, 60)]
    assert capsys.readouterr().out == "3 moments in out/reel.mp4, 0:01.200 long\n"
    assert run("--reel", "--zip") == 2
    assert capsys.readouterr().err == "--reel writes one film. Leave out --fast, --frames and --zip.\n"


def test_fast_ones_say_where_they_begin(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--fast") == 0
    assert numbers(here / "out" / "002_pizza-hot_0m01.000s.mp4")[0] == 20
    assert "002_pizza-hot_0m01.000s.mp4: 0:00.667 to 0:01." in capsys.readouterr().out


def test_times_that_an_earlier_version_left_are_not_used(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It left out the frames from a join on, so the moment would lie outside the video."""
    joined = write_joined(here, JOINED["ts"], [Recording(50), Recording(50)]).path
    store = EmbeddingStore(here / "store")
    with monkeypatch.context() as before:
        before.setattr(PacketLog, "joins", lambda *_: ())
        list(index_video(joined, FakeEncoder(), store, samples_per_second=1.0))
    record = known_video(joined, store)
    assert record is not None
    store.remember_video(replace(record, reading=None))
    (here / "moments.csv").write_text("prompt,start_s,end_s\na dog,3.000000,3.400000\n")
    assert main(["clips", "joined.ts", "--moments", "moments.csv", "--out", "out"]) == 0
    assert numbers(here / "out" / "001_a-dog_0m03.000s.mp4") == list(range(75, 85))


def test_a_zip(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--zip", "--frames", "jpeg") == 0
    assert [path.name for path in (here / "out").iterdir()] == ["film_clips.zip"]
    with zipfile.ZipFile(here / "out" / "film_clips.zip") as archive:
        assert archive.read("moments.csv").decode() == TABLE
        assert len(archive.namelist()) == 5
    assert capsys.readouterr().out.splitlines()[-1].startswith("2 moments in out/film_clips.zip, ")


def test_lists_of_other_tools(here: Path) -> None:
    (here / "moments.csv").write_bytes("0.5\t1.0\ta dog\n\\\t100\t200\n".encode("utf-16"))
    assert run() == 0
    assert numbers(here / "out" / "001_a-dog_0m00.500s.mp4") == list(range(15, 30))
    (here / "moments.csv").write_text("1.5,,to the end\n")
    assert run() == 0
    assert numbers(here / "out" / "001_to-the-end_0m01.500s.mp4") == list(range(45, 60))


def test_numbered_images(here: Path) -> None:
    write_images(here / "shot", "f_%04d.png", range(40))
    assert main(["clips", "shot/f_%04d.png@20", "--moments", "moments.csv", "--out", "out"]) == 0
    assert numbers(here / "out" / "001_a-dog_0m00.500s.mp4") == list(range(10, 20))


def failure(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["clips", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert len(err) <= 201
    return err.strip()


def test_what_may_go_wrong(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "late.csv").write_text("start_s,end_s\n70,71\n")
    (here / "bad.csv").write_text("start_s,end_s\n1,0\n")
    (here / "file").write_text("in the way")
    to = ("--out", "out")
    said = failure(capsys, "film.mp4", "--moments", "nowhere.csv", *to)
    assert said == "nowhere.csv cannot be read: No such file or directory. Check --moments."
    said = failure(capsys, "film.mp4", "--moments", "late.csv", *to)
    assert said.startswith("film.mp4: A moment at 1:10.000 lies outside the video, which lasts 0:02.000.")
    assert failure(capsys, "film.mp4", "--moments", "bad.csv", *to).startswith("bad.csv, row 2, column end_s")
    said = failure(capsys, "film.mp4", "--moments", "moments.csv", "--out", "file")
    assert said.startswith("film.mp4: file cannot be made or is not a folder: File exists.")
    assert "There is no file gone.mp4." in failure(capsys, "gone.mp4", "--moments", "moments.csv", *to)
    assert "--moments" in failure(capsys, "film.mp4", *to)
    assert not (here / "out").exists()


def test_a_list_that_is_too_large_is_not_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (here / "huge.csv").open("wb") as file:
        file.truncate(1 << 40)  # a hole: more than memory holds
    said = failure(capsys, "film.mp4", "--moments", "huge.csv", "--out", "out")
    assert said == "huge.csv has 1.1 TB: that is not a list of moments. At most 20 MB."


def test_no_moments(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "moments.csv").write_text("prompt,start_s,end_s\n")
    assert run() == 0
    assert capsys.readouterr().out == "There are no moments in moments.csv: nothing to cut.\n"


def test_ctrl_c(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(*given: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(clip_core.media.export_media, "pack_zip", stop)
    assert run("--zip") == 130
    assert capsys.readouterr().err.endswith("Stopped. Nothing of the ZIP is kept.\n")
    assert list((here / "out").iterdir()) == []


def test_a_moment_that_cannot_be_cut_is_named_and_the_exit_code_says_so(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = VideoSpec(codec="mpeg2video", options={"g": "50", "bf": "0"}, first_pts=-40)
    video = planted(here, "edit", 150, spec)  # an edit list hides the first keyframe, and an MKV cannot
    listed = tmp_path / "m.csv"
    listed.write_text("prompt,start_s,end_s\na dog,0.1,0.3\na cat,1.5,2.0\n")
    out = tmp_path / "out"
    assert main(["clips", str(video.path), "--moments", str(listed), "--out", str(out), "--fast"]) == 3
    printed = capsys.readouterr()
    assert re.search(r"a dog.* is not cut: There is no keyframe", printed.err)
    assert "2 moments: 1 clips" in printed.out
    assert [path.name[:3] for path in out.iterdir()] == ["002"]


def test_a_picture_that_cannot_be_decoded_is_named_and_the_exit_code_says_so(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture_at = PyAVVideo._picture_at
    monkeypatch.setattr(
        PyAVVideo, "_picture_at", lambda self, pts: None if self.table.number_of(pts) == 21 else picture_at(self, pts)
    )
    assert run("--fast", "--frames", "png") == 3
    printed = capsys.readouterr()
    assert re.search(r"“a dog” at 0:00\.700 has no picture: Frame 21 of film\.mp4 cannot be decoded", printed.err)
    assert "2 moments: 2 clips and 1 pictures in out" in printed.out
    assert [path.name for path in (here / "out").iterdir() if path.suffix == ".png"] == ["002_pizza-hot_0m01.200s.png"]


@pytest.mark.parametrize("indexed", [False, True])
def test_lists_of_players_and_editors_count_from_the_start_of_a_late_video(
    here: Path, capsys: pytest.CaptureFixture[str], indexed: bool
) -> None:
    """The sound begins two seconds before the picture, so frame 15 is shown at 2.6 s in a player, at 0.6 s here."""
    write_film(here / "late.mov", FilmSpec(rate=25, frames=50, begins_s=2.0, options={"bf": "0", "g": "5"}))
    if indexed:
        store = EmbeddingStore(here / "store")
        list(index_video(here / "late.mov", FakeEncoder(), store))
    lists = {
        "table.csv": "start,end,prompt\n0.6,0.8,a dog\n",
        "cuts.csv": "2.6,2.8,a dog\n",
        "labels.txt": "2.6\t2.8\ta dog\n",
        "cues.vtt": "WEBVTT\n\n00:02.600 --> 00:02.800\na dog\n",
        "cues.srt": "1\n00:00:02,600 --> 00:00:02,800\na dog\n",
        "project.llc": "{version: 1, cutSegments: [{start: 2.6, end: 2.8, name: 'a dog'}]}",
    }
    for name, text in lists.items():
        (here / name).write_text(text)
        out = here / f"out of {name}"
        assert main(["clips", "late.mov", "--moments", name, "--out", str(out)]) == 0
        (clip,) = out.iterdir()
        assert clip.name == "001_a-dog_0m00.600s.mp4"
        assert numbers(clip) == list(range(15, 20))
    assert main(["clips", "late.mov", "--moments", "project.llc", "--out", "zipped", "--zip"]) == 0
    with zipfile.ZipFile(next((here / "zipped").iterdir())) as archive:
        assert archive.read("moments.llc").decode() == lists["project.llc"]
