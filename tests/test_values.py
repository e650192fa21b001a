"""The plain values check themselves; times are rounded once."""

from fractions import Fraction

import numpy as np
import pytest

from clip_core.text import clock
from clip_core.types import Frame, FrameEmbeddings, Moment, Progress, Scores, TimeTable


@pytest.mark.parametrize(
    ("time_s", "text"),
    [(0, "0:00.000"), (12.4, "0:12.400"), (59.9996, "1:00.000"), (3599.9999, "1:00:00.000"), (7325.25, "2:02:05.250")],
)
def test_clock(time_s: float, text: str) -> None:
    assert clock(time_s) == text


def test_times_are_exact_fractions_rounded_once() -> None:
    pts = np.arange(0, 3000, 1001, dtype=np.int64) + 7
    table = TimeTable(pts, Fraction(1, 30000), 7, 1.0, True, pts[:1])
    assert table.times_s.tolist() == [0.0, 1001 / 30000, 2002 / 30000]
    assert table.number_of(pts[[2, 0]]).tolist() == [2, 0]


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match=r"rgb must be \(h, w, 3\)"):
        Frame(0, 0, 0.0, np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match="rgb must be uint8"):
        Frame(0, 0, 0.0, np.zeros((2, 2, 3), np.float32))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pts must rise"):
        TimeTable(np.array([1, 1], np.int64), Fraction(1), 0, 1.0, True, np.array([], np.int64))
    with pytest.raises(ValueError, match=r"vectors must be \(2, dim\)"):
        FrameEmbeddings(np.zeros(2, np.int64), np.zeros(2), np.zeros((1, 4), np.float32))
    with pytest.raises(ValueError, match=r"values must be \(1, 2\)"):
        Scores(np.zeros(1, np.int64), np.zeros(1), ("a", "b"), np.zeros((1, 1), np.float32), 0.0, 1.0)


def test_reprs_show_shapes_not_pixels() -> None:
    assert repr(Frame(3, 30, 0.1, np.zeros((4, 6, 3), np.uint8))) == "Frame(index=3, pts=30, time_s=0.100000, rgb=6x4)"


def test_the_share_of_progress() -> None:
    assert [Progress(done, 4).share for done in (0, 1, 4, 5)] == [0.0, 0.25, 1.0, 1.0]
    assert Progress(0, 0, stage="frames").share == 1.0  # nothing to do
    assert [Progress(0, 0, stage=stage).share for stage in ("identifying", "waiting")] == [0.0, 0.0]


def test_a_moment_has_no_label_unless_one_is_given() -> None:
    assert Moment("a dog", 1.0, 2.0, 1.5, 0.3, 0.2).label == ""
    assert Moment("a dog", 1.0, 2.0, 1.5, 0.3, 0.2, "intro").label == "intro"
