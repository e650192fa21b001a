"""``index`` and the commands that read a file, given addresses in a bucket."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from obstore.store import S3Store

from clip_core import EmbeddingStore
from tests.cli.test_commands import here, run
from tests.support.s3_server import S3Server
from tests.support.video_maker import VideoSpec, planted

__all__ = ["here"]


@pytest.fixture
def films(s3: S3Server, here: Path) -> str:
    """The address of a folder in a bucket with two videos, one that is none, and a text."""
    bucket = s3.bucket()
    for number in (1, 2):
        made = planted(here, f"made{number}", 20 + number, VideoSpec()).path
        S3Store(bucket).put(f"films/{number}/v{number}.mp4", made.read_bytes())
        made.unlink()
    S3Store(bucket).put("films/broken.mp4", b"nothing" * 100)
    S3Store(bucket).put("films/notes.txt", b"no video")
    return f"s3://{bucket}/films"


def test_a_prefix_is_indexed_and_what_failed_is_taken_again(
    s3: S3Server, films: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = run(capsys, "index", f"{films}/**/*.mp4", films)
    assert code == 3
    assert [line.split(":")[0] for line in out] == ["v1.mp4", "v2.mp4"]
    assert err[-1].startswith(f"  {films}/broken.mp4: ")
    assert "is not a video" in err[-1]
    store = EmbeddingStore(here / "store")
    assert {record.path for record in store.summaries()} == {f"{films}/{n}/v{n}.mp4" for n in (1, 2)}
    assert [failed.path for failed in store.failures()] == [f"{films}/broken.mp4"]

    assert run(capsys, "index", "--retry-failed", f"{films}/1/")[:2] == (0, ["Nothing failed last time."])
    S3Store(films.split("/")[2]).put("films/broken.mp4", (here / "clip.mp4").read_bytes())
    code, out, _ = run(capsys, "index", "--retry-failed", f"{films}/**/*.mp4")
    assert (code, [line.split(":")[0] for line in out]) == (0, ["broken.mp4"])

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{films}/1/*\n{films}/2/v2.mp4\n".encode())))
    with s3.counting() as counts:
        code, out, _ = run(capsys, "index", "--from-file", "-", "--pattern", "V*")
    assert (code, [line.endswith("(nothing to do)") for line in out]) == (0, [True, True])
    assert counts["GET"] == 1  # the list


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("ftp://host/a.mp4", "a.mp4 is an address, not a file. Known are files, folders, s3://, gs://, az://."),
        ("{films}/none/", "There is no video at {films}/none/. Nothing lies there. Check the address."),
        ("s3://", "s3:// names no bucket. Addresses begin with s3://, gs://, az:// and a bucket."),
    ],
)
def test_wrong_addresses(films: str, capsys: pytest.CaptureFixture[str], named: str, said: str) -> None:
    code, out, err = run(capsys, "index", named.format(films=films))
    assert (code, out, err) == (2, [], [said.format(films=films)])


def test_commands_that_read_the_file_fetch_it_once(
    s3: S3Server, films: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"{films}/1/v1.mp4"
    (here / "moments.csv").write_text("start_s,end_s,prompt\n0.1,0.4,a dog\n")
    clips = ("clips", address, "--moments", "moments.csv", "--out", "out")
    code, _, err = run(capsys, *clips)
    assert (code, len(err)) == (2, 1)
    assert f"{address} is not indexed, or was changed since. Run: python -m clip_core index {address}" in err[0]
    run(capsys, "index", address)
    code = run(capsys, *clips)[0]
    assert (code, len(list((here / "out").glob("*.mp4")))) == (0, 1)
    (copy,) = (here / "fetched").iterdir()
    with s3.counting() as counts:
        assert run(capsys, "score", address, "--prompt", "a dog", "--out", "scores.csv")[0] == 0
    assert counts["GET"] == 0
    assert EmbeddingStore(here / "store").videos()[0].path == address
    assert run(capsys, "forget", "v1.mp4", "--yes")[0] == 0
    assert not copy.exists()
