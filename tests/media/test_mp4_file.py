"""The clock of a file that is written, and the errors that are its owner's."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from clip_core.errors import ExportError
from clip_core.media.clips import CLIP, even_size
from clip_core.media.mp4_file import Mp4File, ticks_per_second
from clip_core.types import Frame
from tests.support.video_maker import number_picture, read_number


@pytest.mark.parametrize(
    ("time_base", "longest_s", "expected"),
    [
        (Fraction(1001, 30000), 0.03, 30000),
        (Fraction(1, 90000), 0.03, 90000),
        (Fraction(1, 30), 0.03, 9990),
        (Fraction(1, 1), 1.0, 10000),
        (Fraction(1, 1000), 5.0, 10000),
        (Fraction(1, 1_000_000_000), 0.03, 1_000_000),
        (Fraction(1, 1_000_000), 86_400.0, 24_855),
    ],
)
def test_clocks(time_base: Fraction, longest_s: float, expected: int) -> None:
    assert ticks_per_second(time_base, longest_s) == expected


def test_what_is_written_is_kept_only_when_that_is_said(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    for keeps in (False, True):
        with Mp4File(target, CLIP, (160, 96), Fraction(1, 1000)) as out:
            for number, pts in enumerate((70, 100, 170)):
                out.add(Frame(number, pts, (pts - 70) / 1000, number_picture(number)))
            out.finish(0.5)
            assert [path.name for path in tmp_path.iterdir()] == [".a.mp4.part"]
            if keeps:
                out.keep()
        assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"] * keeps
    with av.open(str(target)) as container:
        frames = list(container.decode(video=0))
        assert [float(frame.time) for frame in frames] == pytest.approx([0.0, 0.03, 0.1])
        assert [read_number(frame.to_ndarray(format="rgb24")) for frame in frames] == [0, 1, 2]
        assert container.duration == 500_000


def test_its_errors_are_those_of_its_encoding(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"It cannot be written: No such file or directory\. Choose a folder"):
        Mp4File(tmp_path / "nowhere" / "a.mp4", CLIP, (160, 96), Fraction(1, 30))


@pytest.mark.parametrize(("size", "even"), [((161, 97), (160, 96)), ((4000, 3000), (4000, 3000)), ((1, 3), (2, 2))])
def test_even_sizes(size: tuple[int, int], even: tuple[int, int]) -> None:
    assert even_size(*size) == even
