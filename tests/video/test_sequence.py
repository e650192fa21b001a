"""The names of sequences, and which files fit them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from clip_core.errors import VideoError, VideoNotFoundError
from clip_core.video.sequence import ImageSequence, find_sequences, parse_sequence, with_rate


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")


def parsed(path: str | Path) -> ImageSequence:
    sequence = parse_sequence(path)
    assert sequence is not None
    return sequence


@pytest.mark.parametrize(
    ("path", "folder", "prefix", "width", "suffix", "rate"),
    [
        ("shot/frame_%05d.png", "shot", "frame_", 5, ".png", Fraction(25)),
        ("%d.JPG@24", ".", "", 1, ".JPG", Fraction(24)),
        ("/a b/%04d_left.tiff@29.97", "/a b", "", 4, "_left.tiff", Fraction(2997, 100)),
        ("a@b/c-%03d.webp@30000/1001", "a@b", "c-", 3, ".webp", Fraction(30000, 1001)),
        ("50%/x%d.bmp@0.5", "50%", "x", 1, ".bmp", Fraction(1, 2)),
        ("../%06d.jpeg@1000", "..", "", 6, ".jpeg", Fraction(1000)),
    ],
)
def test_pattern_and_rate_in_one_name(
    path: str, folder: str, prefix: str, width: int, suffix: str, rate: Fraction
) -> None:
    for given in (path, Path(path)):
        sequence = parsed(given)
        assert (sequence.folder, sequence.path) == (Path(folder), Path(path))
        assert (sequence.prefix, sequence.width, sequence.suffix, sequence.rate) == (prefix, width, suffix, rate)


@pytest.mark.parametrize("path", ["a.png", "v%03d.mp4", "%d/a.png", "100%.mov", "a.png@24", "", "x%d", "%d.svg"])
def test_every_other_path_is_left_alone(path: str) -> None:
    assert parse_sequence(path) is None


def test_a_file_of_exactly_that_name_wins(tmp_path: Path) -> None:
    touch(tmp_path, "a%d.png", "b%d.png@24")
    assert parse_sequence(tmp_path / "a%d.png") is None
    assert parse_sequence(tmp_path / "a%d.png@24") is not None
    assert parse_sequence(tmp_path / "b%d.png@24") is None
    assert with_rate(tmp_path / "a%d.png", 24) == tmp_path / "a%d.png"


@pytest.mark.parametrize("name", ["%d%d.png", "a%s.png", "%.png", "%5d.png", "%-5d.png", "%%d.png", "%n.png", "%x.png"])
def test_patterns_that_cannot_be_read(name: str) -> None:
    with pytest.raises(VideoError, match=r"is not a pattern for numbered pictures\. Write one %d, or %05d"):
        parse_sequence(f"folder/{name}")


@pytest.mark.parametrize("name", ["%00d.png", "%016d.png", "%099d.png"])
def test_numbers_that_are_too_wide(name: str) -> None:
    with pytest.raises(VideoError, match=r"The limit is 15 digits"):
        parse_sequence(name)


@pytest.mark.parametrize(
    "rate", ["", "0", "-1", "1001", "nan", "inf", "1e3", "30/0", "24fps", "1/1/1", "٢٤", "9" * 500]
)
def test_rates_that_are_none(rate: str) -> None:
    with pytest.raises(VideoError, match=r"is not a frame rate\. Write pictures per second, above 0 and up to 1000"):
        parse_sequence(f"f%03d.png@{rate}")


def test_files_by_number_with_holes(tmp_path: Path) -> None:
    touch(
        tmp_path, "f_010.png", "f_009.png", "f_1000.png", "f_07.png", "f_0007.png", "f_011.jpg", "g_008.png", "f_.png"
    )
    (tmp_path / "f_012.png").mkdir()
    (tmp_path / "f_013.png").symlink_to(tmp_path / "f_009.png")
    (tmp_path / "f_014.png").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "f_015.png")
    sequence = parsed(tmp_path / "f_%03d.png")
    assert sequence.files == ((9, "f_009.png"), (10, "f_010.png"), (13, "f_013.png"), (1000, "f_1000.png"))
    assert list(sequence.strays()) == [tmp_path / "f_013.png"]


def test_numbers_without_leading_zeros(tmp_path: Path) -> None:
    touch(tmp_path, "0.png", "1.png", "01.png", "10.png", "²3.png", "٣.png")
    assert [number for number, _ in parsed(tmp_path / "%d.png").files] == [0, 1, 10]


def test_nothing_fits(tmp_path: Path) -> None:
    touch(tmp_path, "frame_1.png")
    with pytest.raises(VideoNotFoundError, match=r"No file fits frame_%05d\.png@25\. Check the folder, the letters"):
        _ = parsed(tmp_path / "frame_%05d.png").files
    for ask in (lambda s: s.files, lambda s: s.stamp()):
        with pytest.raises(VideoNotFoundError, match=r"The folder of %d\.png@24 cannot be read"):
            ask(parsed(tmp_path / "gone" / "%d.png@24"))


def test_names_for_people() -> None:
    assert parsed("a/f%04d.png@24").name == "f%04d.png@24"
    assert parsed("f%d.png@29.97").name == "f%d.png@29.97"
    assert parsed("f%d.png@30000/1001").name == "f%d.png@30000/1001"
    assert parsed("f\x1b[31m%d.png").name == "f?[31m%d.png@25"


def test_any_change_changes_the_stamp(tmp_path: Path) -> None:
    touch(tmp_path, "f1.png", "f2.png", "f3.png")

    def stamp(name: str = "f%d.png") -> tuple[int, int]:
        return parsed(tmp_path / name).stamp()

    seen = [stamp(), stamp("f%d.png@24")]
    assert stamp() == seen[0]
    assert stamp()[0] == 3
    os.utime(tmp_path / "f2.png", ns=(5, 5))
    seen.append(stamp())
    (tmp_path / "f3.png").rename(tmp_path / "f4.png")
    seen.append(stamp())
    touch(tmp_path, "f5.png")
    seen.append(stamp())
    (tmp_path / "f5.png").unlink()
    assert stamp() == seen[3]
    assert len(set(seen)) == len(seen)
    assert all(0 <= number < 2**63 for _, number in seen)


@pytest.mark.parametrize(
    ("given", "fps", "expected"),
    [
        ("s/f%03d.png", 24.0, "s/f%03d.png@24"),
        ("f%d.jpg", 29.97, "f%d.jpg@29.97"),
        ("f%d.jpg@10", 24.0, "f%d.jpg@10"),
        ("f%d.jpg@30000/1001", 24.0, "f%d.jpg@30000/1001"),
        ("v%d.mp4", 24.0, "v%d.mp4"),
        ("data/sample.mp4", 24.0, "data/sample.mp4"),
    ],
)
def test_a_rate_is_added_to_bare_patterns_alone(given: str, fps: float, expected: str) -> None:
    assert with_rate(Path(given), fps) == Path(expected)


def test_sequences_of_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, *(f"a_{n:03d}.png" for n in (98, 99, 100, 101, 1000, 1001)), *(f"b{n}.jpg" for n in range(8, 12)))
    touch(tmp_path, "single_1.png", "c7.PNG", "c8.PNG", "d01.png", "d02.png", "d3.png", "d4.png", "e.png", "v1.mp4")
    touch(tmp_path, ".h1.png", ".h2.png", "p%1.png", "p%2.png", "DSC_1001.jpg", "DSC_1002.jpg", "1.tif", "2.tif")
    touch(tmp_path / "elsewhere", "1.png")
    for n in (1, 2):
        (tmp_path / f"link{n}.png").symlink_to(tmp_path / "elsewhere" / "1.png")
    found = find_sequences(tmp_path)
    names = ["%d.tif", "DSC_%d.jpg", "a_%03d.png", "b%d.jpg", "c%d.PNG", "d%02d.png", "d%d.png"]
    assert [sequence.path.name for sequence in found] == names
    assert [len(sequence.files) for sequence in found] == [2, 2, 6, 4, 2, 2, 2]
    assert [parsed(sequence.path) for sequence in found] == found
    assert find_sequences(tmp_path / "gone") == []


def test_a_large_folder_is_read_quickly(tmp_path: Path) -> None:
    for n in range(20_000):
        (tmp_path / f"frame_{n:05d}.png").touch()
    began = time.perf_counter()
    found = find_sequences(tmp_path)
    assert [len(sequence.files) for sequence in found] == [20_000]
    assert time.perf_counter() - began < 20  # each name against each other would take minutes


def test_a_picture_that_vanishes_meanwhile_is_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "f1.png", "f2.png", "f3.png")
    entries = ImageSequence._entries

    def entries_but_one_goes(self: ImageSequence) -> Iterator[tuple[int, os.DirEntry[str]]]:
        for number, entry in entries(self):
            if number == 2:
                Path(entry.path).unlink(missing_ok=True)
            yield number, entry

    with monkeypatch.context() as patch:
        patch.setattr(ImageSequence, "_entries", entries_but_one_goes)
        stamp = parsed(tmp_path / "f%d.png").stamp()
    assert stamp == parsed(tmp_path / "f%d.png").stamp()
    assert stamp[0] == 2
