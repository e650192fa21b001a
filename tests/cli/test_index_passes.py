"""``index`` of folders, lists and what failed: all are looked at first, none stops the others, failures are listed."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from clip_core import EmbeddingStore
from clip_core.cli import index_passes, terminal
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.types import VideoRecord
from tests.cli.test_commands import here, run
from tests.support.fakes import FakeEncoder
from tests.support.video_maker import VideoSpec, planted

__all__ = ["here"]
SPARSE = {"g": "10", "bf": "0", "sc_threshold": "0"}
"""Keyframes: every tenth frame and no other."""


@pytest.fixture
def footage(here: Path) -> Path:
    """A folder with three videos of 40 frames in subfolders, each with 5 keyframes, and a broken one."""
    folder = here / "footage"
    for place, seed in (("a", 1), ("b/deep", 2), ("c", 3)):
        (folder / place).mkdir(parents=True)
        planted(folder / place, f"v{seed}", 40 + seed, VideoSpec(options=SPARSE))
    (folder / "b" / "broken.mp4").write_bytes(b"nothing" * 100)
    (folder / "notes.txt").write_text("no video")
    return folder


def stored(here: Path, encoder: Any) -> dict[str, int]:
    store = EmbeddingStore(here / "store")
    records: list[VideoRecord] = store.videos()
    return {record.name: len(store.stored_pts(record.video_id, encoder.fingerprint)) for record in records}


def test_each_event_is_a_line_of_json(
    footage: Path, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "_is_json", False)  # it is put back after the test
    monkeypatch.setattr(terminal, "PLAIN_LINE_S", 0.0)
    code, out, err = run(capsys, "index", "footage", "--log", "json")
    events = [json.loads(line) for line in err]
    assert (code, len(out)) == (3, 3)
    assert [event["video"] for event in events if event["event"] == "failed"] == ["footage/b/broken.mp4"]
    indexed = {event["video"]: event for event in events if event["event"] == "indexed"}
    assert list(indexed) == ["footage/a/v1.mp4", "footage/b/deep/v2.mp4", "footage/c/v3.mp4"]
    (kept,) = (video for video in EmbeddingStore(here / "store").usage() if video.record.name == "v2.mp4")
    found = indexed["footage/b/deep/v2.mp4"]
    assert (found["id"], found["samples"]) == (kept.record.video_id, kept.models[0].frames)
    assert found["length_s"] == kept.record.end_s
    shares = [event["share"] for event in events if event["event"] == "progress" and event["of"] == "footage/a/v1.mp4"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert any("1 of 4 videos failed" in event.get("text", "") for event in events)


def test_a_folder_is_indexed_with_its_subfolders_and_what_failed_is_taken_again(
    footage: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "index", "footage")
    assert code == 3
    assert [line.split(":")[0] for line in out] == ["v1.mp4", "v2.mp4", "v3.mp4"]
    assert err[-2] == "1 of 4 videos failed. Take only these again with --retry-failed:"
    assert err[-1].startswith("  footage/b/broken.mp4: broken.mp4 is not a video that can be read.")

    (failed,) = EmbeddingStore(here / "store").failures()
    assert "broken.mp4 failed." in err
    assert sum("can be read" in line for line in err) == 1  # the reason stands in the list alone
    assert (failed.path, f"  footage/b/broken.mp4: {failed.reason}") == (str(footage / "b" / "broken.mp4"), err[-1])
    code, out, err = run(capsys, "index", "--retry-failed")
    assert (code, out, len(err)) == (2, [], 1)
    assert run(capsys, "index", "--retry-failed", "footage/a")[:2] == (0, ["Nothing failed last time."])

    shutil.copy(footage / "a" / "v1.mp4", footage / "b" / "broken.mp4")
    code, out, err = run(capsys, "index", "--retry-failed", "footage/b")
    assert (code, [line.split(":")[0] for line in out]) == (0, ["broken.mp4"])
    assert run(capsys, "index", "--retry-failed")[:2] == (0, ["Nothing failed last time."])


def test_a_failed_file_that_is_gone_is_told_once(footage: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "index", "footage/b/broken.mp4", "typo.mp4")[0] == 2
    assert [Path(failed.path).name for failed in EmbeddingStore(here / "store").failures()] == ["broken.mp4"]
    (footage / "b" / "broken.mp4").unlink()
    code, _, err = run(capsys, "index", "--retry-failed")
    assert (code, err) == (2, ["There is no file broken.mp4. Check the path."])
    assert EmbeddingStore(here / "store").failures() == []


class Stopped(FakeEncoder):
    """Ctrl-C is pressed when it has seen the 15 keyframes of the three videos."""

    def embed_images(self, images: Any) -> Any:
        if self.pictures + len(images) > 15:
            signal.raise_signal(signal.SIGINT)
        return super().embed_images(images)


def test_all_videos_have_their_keyframes_before_one_is_indexed_in_full(
    footage: Path, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, inherited = Stopped(), signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr("clip_core.encoders.registry.load_encoder", lambda name, config: encoder)
    try:
        code, out, err = run(capsys, "index", "footage", "--samples-per-second", "every frame")
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert (code, out) == (130, [])
    assert err[-1] == "Stopped. What is indexed is kept; run the same command to go on."
    assert err[-3].startswith("1 of 4 videos failed.")  # what has failed by then is listed, too
    assert stored(here, encoder) == {"v1.mp4": 5, "v2.mp4": 5, "v3.mp4": 5}
    encoder = FakeEncoder()
    assert run(capsys, "index", "footage", "--samples-per-second", "every frame")[0] == 3
    assert stored(here, encoder) == {"v1.mp4": 41, "v2.mp4": 42, "v3.mp4": 43}
    assert encoder.pictures == 41 + 42 + 43 - 15  # none is embedded twice


def test_a_pattern_chooses_among_the_files_of_folders(
    footage: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "index", "footage", "clip.mp4", "--pattern", "V[12].*")
    assert (code, [line.split(":")[0] for line in out]) == (0, ["v1.mp4", "v2.mp4", "clip.mp4"])
    code, _, err = run(capsys, "index", "footage", "--pattern", "*.mov")
    said = "There is no video that fits *.mov in footage. Its subfolders were searched, too."
    assert (code, err) == (2, [said])
    (here / "empty").mkdir()
    code, out, err = run(capsys, "index", "empty", "clip.mp4")
    assert (code, len(out), err[0]) == (0, 1, "There is no video in empty.")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_list_of_paths_in_any_encoding(
    encoding: str, footage: Path, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "café.mp4" if encoding != "latin-1" else os.fsdecode("café.mp4".encode("latin-1"))
    try:
        shutil.copy(here / "clip.mp4", here / name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    text = "# what was filmed in May\r\n\r\ncafé.mp4\r\nfootage/a\r\n./footage/a/v1.mp4\r\n"
    (here / "list.txt").write_bytes(text.encode(encoding))
    code, out, _ = run(capsys, "index", "--from-file", "list.txt")
    assert (code, [line.split(":")[0] for line in out]) == (0, [name.replace("\udce9", "?"), "v1.mp4"])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode(encoding))))
    assert run(capsys, "index", "--from-file", "-")[1] == [f"{line} (nothing to do)" for line in out]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"# nothing\n\n", "list.txt lists no paths. Write the path of one video or folder a line."),
        (b"a\0b.mp4", "list.txt is not a text file. Write the path of one video or folder a line."),
        (None, "list.txt cannot be read: No such file or directory. Check --from-file."),
    ],
)
def test_what_is_no_list_is_told(
    content: bytes | None, says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (here / "list.txt").write_bytes(content)
    assert run(capsys, "index", "--from-file", "list.txt") == (2, [], [says])


def test_a_file_that_is_still_being_copied_is_tried_again_at_the_end(
    footage: Path, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, copy = (footage / "c" / "v3.mp4").read_bytes(), footage / "b" / "broken.mp4"
    copy.write_bytes(whole[: len(whole) // 2])
    embed = OnnxEncoder.embed_images

    def embed_images(self: OnnxEncoder, given: Any) -> Any:
        copy.write_bytes(whole)
        return embed(self, given)

    (footage / "b" / "deep" / "v2.mp4").rename(footage / "a" / "v0.mp4")
    tried = list[str]()

    real = index_passes.index_source

    def watched(path: str, *rest: Any, **options: Any) -> Any:
        tried.append(f"{Path(path).name}{' coarse' if options['coarse_only'] else ''}")
        if tried[-1] == "v3.mp4":
            monkeypatch.setattr(OnnxEncoder, "embed_images", embed_images)
        return real(path, *rest, **options)

    monkeypatch.setattr(index_passes, "index_source", watched)
    code, out, err = run(capsys, "index", "footage", "--samples-per-second", "every frame")
    assert tried == [
        *("v0.mp4 coarse", "v1.mp4 coarse", "broken.mp4 coarse", "v3.mp4 coarse"),
        *("v0.mp4", "v1.mp4", "v3.mp4", "broken.mp4"),
    ]
    assert code == 0
    assert out[-1].split(",")[0] == "broken.mp4: 43 samples of 0:01.433"
    assert "broken.mp4 has changed since: it is tried once more." in err
    assert EmbeddingStore(here / "store").failures() == []


def test_a_store_that_does_not_answer_ends_it_in_one_line(
    footage: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ALLOW_HTTP"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:9")
    code, out, err = run(capsys, "--store", "s3://bucket/embeddings", "index", "footage")
    assert (code, out, len(err)) == (2, [], 1)
    assert "127.0.0.1:9 does not answer. Check AWS_ENDPOINT and the network" in err[0]
