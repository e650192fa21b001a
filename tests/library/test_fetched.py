"""Videos are fetched whole and hashed on the way, into a folder that stays small and is gone afterwards."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from obstore.exceptions import GenericError
from obstore.store import S3Store

from clip_core.errors import VideoChangedError, VideoError, VideoNotFoundError
from clip_core.library import fetched as module
from clip_core.library.buckets import find_object
from clip_core.library.fetched import Scratch, fetched, own_scratch
from tests.support.s3_server import S3Server

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(module, "PART_BYTES", 1000)
    name = s3.bucket()
    store = S3Store(name)
    for number in range(4):
        store.put(f"{number} #?.MP4", content(number))
    return name


def content(number: int) -> bytes:
    return bytes(range(10 * number, 10 * number + 10)) * 250


def address(bucket: str, number: int) -> str:
    return f"s3://{bucket}/{number} #?.MP4"


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_a_copy_is_whole_is_named_by_its_hash_and_is_fetched_once(s3: S3Server, bucket: str, tmp_path: Path) -> None:
    digest = hashlib.sha256(content(1)).hexdigest()
    with own_scratch(tmp_path) as scratch:
        steps = scratch.fetching(address(bucket, 1))
        assert next(steps) == 1000
        assert not any(name.endswith(".mp4") for name in files(tmp_path))
        assert [*steps] == [2000, 2500]
        with s3.counting() as counts, fetched(address(bucket, 1), scratch) as copy:
            assert (copy.video_id, copy.path.name) == (digest, f"{digest}.mp4")
            assert copy.path.read_bytes() == content(1)
            assert copy.source == find_object(address(bucket, 1))
        assert counts["GET"] == 0
    assert not any(tmp_path.iterdir())


def test_what_is_stopped_leaves_nothing(bucket: str, tmp_path: Path) -> None:
    steps = Scratch(tmp_path).fetching(address(bucket, 1))
    next(steps)
    steps.close()
    assert files(tmp_path) == set()


def test_a_change_is_noticed(bucket: str, tmp_path: Path) -> None:
    scratch, seen = Scratch(tmp_path), find_object(address(bucket, 1)).stamp
    steps = scratch.fetching(address(bucket, 1), seen)
    next(steps)
    S3Store(bucket).put("1 #?.MP4", content(2))  # of the same size
    with pytest.raises(VideoChangedError, match="was changed"):
        list(steps)
    with pytest.raises(VideoChangedError, match="was changed"):
        next(scratch.fetching(address(bucket, 1), seen))
    with fetched(address(bucket, 1), scratch) as copy:
        assert copy.path.read_bytes() == content(2)
    S3Store(bucket).delete("1 #?.MP4")
    with pytest.raises(VideoNotFoundError, match="no object"):  # though its copy is here
        next(scratch.fetching(address(bucket, 1), seen))


def test_old_copies_make_room_but_not_those_in_use(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = Scratch(tmp_path)

    def usage(folder: Path) -> Usage:  # a disk of 11,000 bytes: half of it is room for two copies
        return Usage(11_000, 0, 11_000 - sum(path.stat().st_size for path in tmp_path.iterdir()))

    monkeypatch.setattr(shutil, "disk_usage", usage)
    paths = []
    for number in (0, 1, 0, 2):
        with fetched(address(bucket, number), scratch) as copy:
            paths.append(copy.path)
    assert {path.name for path in (paths[0], paths[3])} == files(tmp_path)
    with fetched(address(bucket, 0), scratch), fetched(address(bucket, 2), scratch):
        with pytest.raises(VideoError, match=r"no room for .*3 #.* it has 2 kB, and 500 B may be used") as caught:
            next(scratch.fetching(address(bucket, 3)))
        assert "\n" not in caught.value.line
    with fetched(address(bucket, 3), scratch) as copy:
        assert files(tmp_path) == {copy.path.name, paths[0].name}


def test_a_disk_that_fills_up_meanwhile_is_a_plain_reason(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "PartFile", full)
    with pytest.raises(VideoError, match=r"cannot be kept in .*: the disk is full\. Free"):
        next(Scratch(tmp_path).fetching(address(bucket, 0)))


def test_workers_of_one_machine_have_folders_of_their_own(bucket: str, tmp_path: Path) -> None:
    with own_scratch(tmp_path) as one, own_scratch(tmp_path) as other:
        for scratch in (one, other):
            with fetched(address(bucket, 0), scratch) as copy:
                assert copy.path.parent == scratch.folder
        assert one.folder != other.folder
        assert {path.parent for path in (one.folder, other.folder)} == {tmp_path}


def test_an_empty_object_is_a_plain_reason(bucket: str, tmp_path: Path) -> None:
    S3Store(bucket).put("none.mp4", b"")
    with pytest.raises(VideoError, match=r"none\.mp4 is empty: it has 0 bytes"):
        next(Scratch(tmp_path).fetching(f"s3://{bucket}/none.mp4"))


def test_a_part_that_breaks_off_is_read_again(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = module.open_bucket, list[object]()

    class Shaky:
        def get(self, key: str, options: dict[str, object]) -> object:
            asked.append(options["range"])
            if len(asked) == 2:
                raise GenericError("HTTP error: it broke off")
            return real(address(bucket, 1))[0].get(key, options=options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "open_bucket", lambda where: (Shaky(), real(where)[1]))
    with fetched(address(bucket, 1), Scratch(tmp_path)) as copy:
        assert copy.path.read_bytes() == content(1)
    assert asked == [(0, 1000), (1000, 2000), (1000, 2000), (2000, 2500)]
    asked[:] = [0]
    monkeypatch.setattr(module, "_TRIES", 1)
    with pytest.raises(VideoError, match="does not answer"):
        next(Scratch(tmp_path).fetching(address(bucket, 2)))
    assert files(tmp_path) == {copy.path.name}
