"""After kill -9, the next start of the page or of a command sweeps what was left in the folders of this program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from clip_core.cli.main import main
from clip_core.config import load_config
from clip_core.library.videos import uploads_folder
from clip_core.media.exports_folder import exports_folder
from clip_core.media.leftovers import sweep_leftovers
from clip_core.media.proxies import proxies_folder
from tests.support.video_maker import VideoSpec, planted

ROOT = Path(__file__).parents[2]
ID, KEY = "0a" * 32, "1b" * 16

WRITERS = """
import io, sys, threading
from pathlib import Path
from clip_core.config import load_config
from clip_core.library.add_video import add_upload
from clip_core.library.videos import uploads_folder
from clip_core.media import exports_folder
from clip_core.media.export_media import ExportRequest, export_media
from clip_core.media.proxies import make_proxy, proxy_path
from clip_core.store.store import EmbeddingStore
from clip_core.types import Moment
from clip_core.video.hdr import lut_file

exports_folder.REPORT_EVERY_S = 0.0
video, config = Path(sys.argv[1]), load_config(sys.argv[2])

def wait(*_):
    print("there", flush=True)
    threading.Event().wait()

def upload():
    add_upload(io.BytesIO(video.read_bytes()), video.stat().st_size, "a.mp4", uploads_folder(config), STORE, wait)

def export(**more):
    moments = (Moment("a dog", 0.0, 9.0, 1.0, 0.5, 0.5),)
    folder = exports_folder.exports_folder(config) / KEY if more else Path(sys.argv[3])
    for progress in export_media(video, ExportRequest(moments, **more), folder):
        if progress.done > 0.2:
            wait()

def proxy():
    for progress in make_proxy(video, proxy_path(config, ID)):
        if progress.done > 20:
            wait()

def hdr():
    lut_file(16)
    wait()

ID, KEY, STORE = "0a" * 32, "1b" * 16, EmbeddingStore(config.embeddings)
WORK = {"upload": upload, "zip": lambda: export(zip_name="clips.zip"), "clips": export, "proxy": proxy, "hdr": hdr}
WORK[sys.argv[4]]()
"""


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "films").mkdir()
    planted(tmp_path / "films", "film", 300, VideoSpec())
    file = tmp_path / "config.yaml"
    file.write_text("video_dirs: [films]\nembeddings: embeddings\nCLIP: [a dog]\n")
    return file


def started(config_file: Path, what: str) -> subprocess.Popen[str]:
    """A process in the middle of writing."""
    folder = config_file.parent
    command = [sys.executable, "-c", WRITERS, str(folder / "films" / "film.mp4"), str(config_file)]
    command += [str(folder / "mine"), what]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    return process


def killed(process: subprocess.Popen[str]) -> None:
    with process:
        process.send_signal(signal.SIGKILL)


def grown_old(folder: Path) -> None:
    at = time.time() - 2 * 3600
    for path in (*folder.rglob("*"), *folder.rglob(".*")):
        os.utime(path, (at, at), follow_symlinks=False)


def parts(folder: Path) -> list[Path]:
    return [*folder.rglob(".*.part"), *folder.rglob("clip-video-hdr-*")]


@pytest.mark.parametrize("what", ["upload", "zip", "proxy", "hdr"])
def test_a_command_sweeps_what_killed_processes_left(what: str, config_file: Path) -> None:
    folder = config_file.parent
    with started(config_file, what) as process:
        assert parts(folder) != []
        grown_old(folder)
        assert main(["list", "--config", str(config_file)]) == 0
        assert parts(folder) != []  # its writer lives
        process.send_signal(signal.SIGKILL)
    before = len(parts(folder))
    grown_old(folder)
    assert main(["list", "--config", str(config_file)]) == 0
    assert (before > 0, parts(folder)) == (True, [])
    assert not (exports_folder(load_config(config_file)) / KEY).exists()
    assert (folder / "films" / "film.mp4").is_file()


def test_the_next_clips_into_a_folder_of_the_users_sweep_only_what_is_ours(config_file: Path) -> None:
    folder = config_file.parent
    killed(started(config_file, "clips"))
    (left,) = parts(folder)
    assert left.name == ".001_a-dog_0m00.000s.mp4.part"
    other = folder / "mine" / ".012_two-cats_1m02.500s.mkv.part"
    left.rename(folder / "mine" / ".007_a-cat_0m00.000s.mp4.part")
    other.write_bytes(b"half")
    own = [".notes.part", ".001_a dog_0m00.000s.mp4.part", "001_a-dog_0m00.000s.mp4.part", ".001_a-dog_0m00.mp4.part"]
    own += [f".{'ab' * 16}.part", ".film.mp4.part", ".upload-abcdefgh.part"]
    for name in own:
        (folder / "mine" / name).write_bytes(b"the user's")
    grown_old(folder)
    moments = folder / "moments.csv"
    moments.write_text("prompt,start_s,end_s\na dog,0,1\n")
    video = str(folder / "films" / "film.mp4")
    words = ["clips", video, "--moments", str(moments), "--out", str(folder / "mine"), "--config", str(config_file)]
    assert main(words) == 0
    clip = "001_a-dog_0m00.000s.mp4"
    assert sorted(path.name for path in (folder / "mine").iterdir()) == sorted([*own, clip])


def test_what_is_not_ours_stays(config_file: Path) -> None:
    config = load_config(config_file)
    keep = [
        uploads_folder(config) / ".upload-short.part",
        uploads_folder(config) / f"{ID}.mp4",
        uploads_folder(config) / f".{ID}.mp4.part",  # a name of another folder
        proxies_folder(config) / f"{ID}.mp4",
        proxies_folder(config) / ".holiday.mp4.part",
        exports_folder(config) / "my holiday" / ".clips.zip.part",
        exports_folder(config) / KEY / "clips.zip",
        config_file.parent / "films" / f".{ID}.mp4.part",
        config_file.parent / "films" / ".upload-abcdefgh.part",
        config_file.parent / "temporary" / "clip-video-hdr-mine",
    ]
    for path in keep:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    (uploads_folder(config) / ".upload-abcdefgh.part").symlink_to(keep[1])
    grown_old(config_file.parent)
    sweep_leftovers(config)
    assert [path.name for path in keep if not path.is_file()] == []
    assert (uploads_folder(config) / ".upload-abcdefgh.part").is_symlink()
