"""A file that is replaced, deleted, cut or written to while it is indexed: no wrong row stays, and it is said."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video
from clip_core.errors import VideoChangedError
from clip_core.types import FrameEmbeddings
from clip_core.video.identity import hash_file
from tests.support import video_maker
from tests.support.fakes import FakeEncoder

COUNT = 300
SPEC = video_maker.VideoSpec(options={"g": "30", "sc_threshold": "0"})


class Meddling(FakeEncoder):
    """Calls what stands for the number of a call to ``embed_images``, after the frames of that call were decoded."""

    def __init__(self, acts: Mapping[int, Callable[[], object]]) -> None:
        super().__init__()
        self._acts, self._calls = acts, 0

    def embed_images(self, images):  # type: ignore[no-untyped-def]
        self._calls += 1
        self._acts.get(self._calls, lambda: None)()
        return super().embed_images(images)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with videos of the same length, times and keyframes, dark and bright, and their sizes."""
    folder = tmp_path_factory.mktemp("made")
    dark = [np.full((48, 64, 3), (n % 90, n // 4, 10), np.uint8) for n in range(COUNT)]
    video_maker.write_video(folder / "dark.mp4", dark, SPEC)
    video_maker.write_video(folder / "bright.mp4", [255 - picture for picture in dark], SPEC)
    return folder


@pytest.fixture(scope="module")
def clean(made: Path) -> FrameEmbeddings:
    """The rows of the dark video if nobody touches it."""
    return clean_rows(made / "dark.mp4", made / "of_dark")


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made / "dark.mp4", tmp_path / "v.mp4"))


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


def rows(store: EmbeddingStore, video_id: str) -> FrameEmbeddings:
    return store.read(video_id, FakeEncoder().fingerprint)[0]


def clean_rows(path: Path, folder: Path, rate: float | None = None) -> FrameEmbeddings:
    """Return the rows of a file that nobody touches."""
    store = EmbeddingStore(folder / "clean")
    list(index_video(path, FakeEncoder(), store, samples_per_second=rate))
    return rows(store, hash_file(path))


def assert_rows_are_among(found: FrameEmbeddings, clean: FrameEmbeddings) -> None:
    places = np.searchsorted(clean.pts, found.pts)
    assert (clean.pts[places] == found.pts).all()
    assert np.abs(clean.vectors[places] - found.vectors).max(initial=0.0) < 1e-6


def stored_of(store: EmbeddingStore, video_id: str) -> int:
    return len(store.stored_pts(video_id, FakeEncoder().fingerprint))


def replace(path: Path, made: Path) -> None:
    shutil.copy(made / "bright.mp4", path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def overwrite(path: Path, made: Path) -> None:
    """As ``cp bright.mp4 v.mp4`` does: the inode stays."""
    path.write_bytes((made / "bright.mp4").read_bytes())


def same_size_and_time(path: Path, made: Path) -> None:
    """Other bytes, but size and modification time are as before."""
    status, other = path.stat(), (made / "bright.mp4").read_bytes()
    path.write_bytes(other[: status.st_size].ljust(status.st_size, b"\0"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def into_a_folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


def append(path: Path, _: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(4096))


CHANGES: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "deleted": (lambda path, _: path.unlink(), r"v\.mp4 was moved or deleted while .* Put it back"),
    "a folder": (into_a_folder, r"v\.mp4 was replaced by a folder while .* Put it back"),
    "replaced": (replace, r"v\.mp4 was replaced by another file while .* for the new file"),
    "cut": (lambda path, _: os.truncate(path, path.stat().st_size // 2), r"v\.mp4 was cut short while .* whole file"),
    "cut to nothing": (lambda path, _: os.truncate(path, 0), r"v\.mp4 was cut short while"),
    "longer": (append, r"v\.mp4 grew while .* Nothing of it is kept\. If it is still being recorded or copied"),
    "overwritten": (overwrite, r"v\.mp4 was changed while"),
    "same size and time": (same_size_and_time, r"v\.mp4 was changed while .* Index it again"),
}


@pytest.mark.parametrize("call", [1, 3, 8])
@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_told_and_leaves_no_wrong_row(
    change: str, call: int, path: Path, made: Path, clean: FrameEmbeddings, store: EmbeddingStore, tmp_path: Path
) -> None:
    act, message = CHANGES[change]
    video_id = hash_file(path)
    with pytest.raises(VideoChangedError, match=message) as caught:
        list(index_video(path, Meddling({call: lambda: act(path, made)}), store, samples_per_second=None))
    assert len(str(caught.value)) <= 200
    kept = stored_of(store, video_id)
    assert kept < COUNT
    assert f"Kept: {kept} samples" in str(caught.value) if kept else "Nothing of it is kept" in str(caught.value)
    if kept:
        run = store.run(video_id, FakeEncoder().fingerprint)
        assert run is not None
        assert not run.finished
        assert_rows_are_among(rows(store, video_id), clean)
    else:
        assert store.videos() == []

    if path.is_dir():
        path.rmdir()
    shutil.copy(made / "dark.mp4", tmp_path / "back")
    (tmp_path / "back").replace(path)
    again = FakeEncoder()
    *_, last = index_video(path, again, store, samples_per_second=None)
    assert (last.stage, again.pictures) == ("done", COUNT - kept)
    full = rows(store, video_id)
    assert full.pts.tolist() == clean.pts.tolist()
    assert_rows_are_among(full, clean)


@pytest.mark.parametrize("change", ["replaced", "overwritten"])
def test_the_new_file_is_indexed_at_the_next_request(
    change: str, path: Path, made: Path, store: EmbeddingStore, tmp_path: Path
) -> None:
    with pytest.raises(VideoChangedError):
        list(index_video(path, Meddling({4: lambda: CHANGES[change][0](path, made)}), store, samples_per_second=None))
    list(index_video(path, FakeEncoder(), store, samples_per_second=None))
    new = rows(store, hash_file(made / "bright.mp4"))
    assert_rows_are_among(new, clean_rows(made / "bright.mp4", tmp_path))
    assert len(new) == COUNT


def swapped_and_back(path: Path, made: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    aside = path.with_suffix(".aside")

    def swap() -> None:
        path.rename(aside)
        shutil.copy(made / "bright.mp4", path)

    return swap, lambda: aside.replace(path) and None


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 3), (3, 5), (5, 9), (7, 8)])
def test_a_file_that_is_swapped_and_comes_back_meanwhile(
    first: int, second: int, path: Path, made: Path, clean: FrameEmbeddings, store: EmbeddingStore
) -> None:
    swap, back = swapped_and_back(path, made)
    video_id = hash_file(path)
    try:
        list(index_video(path, Meddling({first: swap, second: back}), store, samples_per_second=None))
    except VideoChangedError:
        if path.with_suffix(".aside").exists():
            back()
        list(index_video(path, FakeEncoder(), store, samples_per_second=None))
    full = rows(store, video_id)
    assert full.pts.tolist() == clean.pts.tolist()
    assert_rows_are_among(full, clean)


@pytest.mark.parametrize(("first", "second"), [(1, 2), (3, 5), (5, 9)])
def test_a_file_that_is_overwritten_and_restored_meanwhile(
    first: int, second: int, path: Path, made: Path, clean: FrameEmbeddings, store: EmbeddingStore
) -> None:
    own = path.read_bytes()
    video_id = hash_file(path)
    acts = {first: lambda: overwrite(path, made), second: lambda: path.write_bytes(own)}
    try:
        list(index_video(path, Meddling(acts), store, samples_per_second=None))
    except VideoChangedError:
        path.write_bytes(own)
        list(index_video(path, FakeEncoder(), store, samples_per_second=None))
    full = rows(store, video_id)
    assert full.pts.tolist() == clean.pts.tolist()
    assert_rows_are_among(full, clean)


def test_a_link_that_leads_elsewhere_for_a_while(
    path: Path, made: Path, clean: FrameEmbeddings, store: EmbeddingStore, tmp_path: Path
) -> None:
    link = tmp_path / "link.mp4"
    link.symlink_to(path)

    def lead_to(target: Path) -> None:
        (tmp_path / "next").symlink_to(target)
        (tmp_path / "next").replace(link)

    video_id = hash_file(path)
    acts = {3: lambda: lead_to(made / "bright.mp4"), 6: lambda: lead_to(path)}
    try:
        list(index_video(link, Meddling(acts), store, samples_per_second=None))
    except VideoChangedError:
        lead_to(path)
        list(index_video(link, FakeEncoder(), store, samples_per_second=None))
    full = rows(store, video_id)
    assert full.pts.tolist() == clean.pts.tolist()
    assert_rows_are_among(full, clean)


def test_the_dense_pass_does_not_open_another_file(
    path: Path, made: Path, clean: FrameEmbeddings, store: EmbeddingStore
) -> None:
    """Ten keyframes are the coarse pass: after its last report the file is swapped, before the dense pass opens it."""
    swap, back = swapped_and_back(path, made)
    video_id = hash_file(path)
    running = index_video(path, FakeEncoder(), store, samples_per_second=None)
    assert next(report for report in running if report.done >= 10).stage == "coarse"
    swap()
    with pytest.raises(VideoChangedError, match=r"replaced by another file while it was indexed\. Kept: 10 samples"):
        list(running)
    back()
    assert_rows_are_among(rows(store, video_id), clean)
    *_, last = index_video(path, FakeEncoder(), store, samples_per_second=None)
    assert (last.done, last.total) == (COUNT, COUNT)


def touch(path: Path) -> None:
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 10**9))


def copied_anew(path: Path) -> None:
    shutil.copy(path, path.with_suffix(".same"))
    path.with_suffix(".same").replace(path)


@pytest.mark.parametrize(
    "act", [touch, copied_anew, lambda path: path.chmod(0o600), lambda path: os.link(path, path.with_suffix(".link"))]
)
def test_the_same_bytes_with_another_time_lose_nothing(
    act: Callable[[Path], object], path: Path, clean: FrameEmbeddings, store: EmbeddingStore
) -> None:
    video_id = hash_file(path)
    encoder = Meddling({3: lambda: act(path), 9: lambda: touch(path)})
    reports = list(index_video(path, encoder, store, samples_per_second=None))
    done = [report.done for report in reports]
    assert done == sorted(done)
    assert (reports[-1].stage, reports[-1].done, reports[-1].total) == ("done", COUNT, COUNT)
    assert_rows_are_among(rows(store, video_id), clean)
    assert len(rows(store, video_id)) == COUNT
    status = path.stat()
    assert store.known_id(path, status.st_size, status.st_mtime_ns) == video_id
    assert encoder.pictures < COUNT + 2 * 64


def test_a_file_that_is_touched_without_end_is_given_up(path: Path, store: EmbeddingStore) -> None:
    encoder = Meddling(dict.fromkeys(range(1, 1000), lambda: touch(path)))
    with pytest.raises(VideoChangedError, match=r"v\.mp4 was changed while it was indexed\. Nothing of it is kept"):
        list(index_video(path, encoder, store, samples_per_second=None))
    assert store.videos() == []


def test_a_file_that_grows_keeps_what_was_known_of_it_before(path: Path, store: EmbeddingStore) -> None:
    video_id = hash_file(path)
    list(index_video(path, FakeEncoder(), store, samples_per_second=2.0))
    before = stored_of(store, video_id)
    with pytest.raises(VideoChangedError, match=rf"v\.mp4 grew .* Kept: {before} samples of it as it was"):
        list(index_video(path, Meddling({1: lambda: append(path, path)}), store, samples_per_second=None))
    assert stored_of(store, video_id) == before


def test_a_file_that_grows_while_it_is_hashed_stores_nothing(
    path: Path, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clip_core.library.identify.SILENT_S", -1.0)
    running = index_video(path, FakeEncoder(), store, samples_per_second=None)
    assert next(iter(running)).stage == "identifying"
    append(path, path)
    with pytest.raises(VideoChangedError, match=r"v\.mp4 grew while it was indexed\. Nothing of it is kept"):
        list(running)
    assert store.videos() == []
    status = path.stat()
    assert store.known_id(path, status.st_size, status.st_mtime_ns) is None


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mkv", ".webm", ".ts"])
def test_every_kind_of_file_is_watched(suffix: str, store: EmbeddingStore, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    for folder, numbers in (("one", range(120)), ("other", range(500, 620))):
        pictures = [video_maker.number_picture(number) for number in numbers]
        if suffix in (".gif", ".webp"):
            video_maker.write_animation(tmp_path / folder / f"v{suffix}", pictures, [40] * 120)
        else:
            codec = "libvpx" if suffix == ".webm" else "libx264"
            spec = video_maker.VideoSpec(codec=codec, suffix=suffix, options={"g": "30"})
            video_maker.write_video(tmp_path / folder / f"v{suffix}", pictures, spec)
    path = tmp_path / "one" / f"v{suffix}"
    video_id, clean = hash_file(path), clean_rows(path, tmp_path)
    kept = shutil.copy(path, tmp_path / "kept")
    swap = {3: lambda: shutil.copy(tmp_path / "other" / f"v{suffix}", path)}
    with pytest.raises(VideoChangedError, match="while it was indexed"):
        list(index_video(path, Meddling(swap), store, samples_per_second=None))
    Path(kept).replace(path)
    list(index_video(path, FakeEncoder(), store, samples_per_second=None))
    assert_rows_are_among(rows(store, video_id), clean)
    assert len(rows(store, video_id)) == len(clean)


@pytest.mark.parametrize("act", ["touched", "replaced", "overwritten"])
def test_a_file_that_changes_before_anything_is_embedded_is_opened_again(
    act: str, path: Path, made: Path, store: EmbeddingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bright file has other frames, so that nothing of what was known of the dark one may be used."""
    monkeypatch.setattr("clip_core.library.identify.SILENT_S", -1.0)
    shutil.copytree(made, tmp_path / "made")
    video_maker.write_video(tmp_path / "made" / "bright.mp4", [np.full((32, 32, 3), 250, np.uint8)] * 40, SPEC)
    running = index_video(path, FakeEncoder(), store, samples_per_second=None)
    assert next(iter(running)).stage == "identifying"
    touch(path) if act == "touched" else CHANGES[act][0](path, tmp_path / "made")
    *_, last = running
    (record,) = store.videos()
    count, size = (COUNT, (64, 48)) if act == "touched" else (40, (32, 32))
    assert (record.video_id, last.stage, last.done, len(record.table)) == (hash_file(path), "done", count, count)
    assert (record.width, record.height) == size
    assert stored_of(store, record.video_id) == count
