from __future__ import annotations

from array import array
from fractions import Fraction

from clip_core.video.base import SeenFrames

MILLISECONDS = Fraction(1, 1000)


def test_times_are_sorted_and_each_once() -> None:
    table = SeenFrames(array("q", [50, 0, 20, 20]), array("q", [0]), 10).table(MILLISECONDS, 0, None, confirmed=False)
    assert table.pts.tolist() == [0, 20, 50]
    assert table.key_pts.tolist() == [0]
    assert table.end_s == 0.06
    assert not table.confirmed


def test_a_last_frame_of_unknown_length_lasts_as_long_as_the_others() -> None:
    table = SeenFrames(array("q", [100, 110, 120, 150]), array("q"), 0).table(MILLISECONDS, 100, None, confirmed=True)
    assert table.end_s == 0.06


def test_a_single_frame_lasts_as_the_header_says() -> None:
    assert SeenFrames(array("q", [7]), array("q"), 0).table(MILLISECONDS, 7, 50.0, confirmed=True).end_s == 0.02
    assert SeenFrames(array("q", [7]), array("q"), 0).table(MILLISECONDS, 7, None, confirmed=True).end_s == 0.04
