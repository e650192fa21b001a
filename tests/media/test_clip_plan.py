"""Which frames a moment has: checked against looking at each one."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from clip_core.errors import ExportError
from clip_core.export.read_moments import read_moments
from clip_core.files import numbered_name
from clip_core.media.original import piece_of, whole_frames
from clip_core.text import full_clock
from clip_core.types import RoundedTime, TimeTable


def table(milliseconds: list[int], end_s: float) -> TimeTable:
    pts = np.array(milliseconds, np.int64)
    return TimeTable(pts, Fraction(1, 1000), milliseconds[0], end_s, confirmed=True, key_pts=pts[:1])


def test_the_frames_are_those_inside() -> None:
    random = np.random.default_rng(7)
    times = table([0, *np.cumsum(random.integers(10, 120, 99)).tolist()], 6.0)
    starts, lengths = random.uniform(0, times.end_s, 300), random.uniform(0, 1, 300) ** 4
    for start_s, length_s in zip(starts.tolist(), lengths.tolist(), strict=True):
        piece = piece_of(times, start_s, start_s + length_s)
        inside = [k for k, time_s in enumerate(times.times_s) if start_s <= time_s < start_s + length_s]
        on_screen = max(k for k, time_s in enumerate(times.times_s) if time_s <= start_s)
        assert list(range(piece.first, piece.stop)) == (inside or [on_screen])
        assert piece.start_s == times.times_s[piece.first]
        assert piece.duration_s > 0


def test_what_a_file_rounded_is_meant() -> None:
    thirds = TimeTable(np.arange(9), Fraction(1, 3), 0, 3.0, confirmed=True, key_pts=np.array([0]))
    piece = piece_of(thirds, 0.666667, 1.666667)
    assert (piece.first, piece.stop) == (2, 5)
    assert piece_of(thirds, 0.333333, 0.333333).first == 1


FORMS: dict[str, Callable[[float], str]] = {
    "clocks": full_clock,
    "milliseconds": lambda time_s: f"{time_s:.3f}",
    "trimmed milliseconds": lambda time_s: repr(round(time_s, 3)),
    "four decimals": lambda time_s: f"{time_s:.4f}",
    "microseconds": lambda time_s: f"{time_s:.6f}",
    "floats": repr,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rate", ["24000/1001", "30000/1001", "60000/1001", "120000/1001", "120", "960", "variable"])
def test_a_list_of_rounded_times_gives_exactly_its_frames(form: str, rate: str) -> None:
    pts = np.arange(480) * 1000
    if rate == "variable":
        pts = np.cumsum(np.random.default_rng(3).integers(2_000, 90_000, 480))  # at least 2 ms, in microseconds
    base = Fraction(1, 1_000_000) if rate == "variable" else 1 / Fraction(rate) / 1000
    film = TimeTable(pts, base, int(pts[0]), float((pts[-1] - pts[0] + 1000) * base), confirmed=True, key_pts=pts[:1])
    limits_s = [*film.times_s.tolist(), film.end_s]
    planted = [(k, stop) for k in range(480) for stop in (k + 1, k + 2, k + 33) if stop <= 480]
    rows = [f"{FORMS[form](limits_s[first])},{FORMS[form](limits_s[stop])}" for first, stop in planted]
    moments = read_moments("\n".join(["start,end", *rows]).encode(), "list.csv")
    pieces = [piece_of(film, moment.start_s, moment.end_s) for moment in moments]
    assert [(piece.first, piece.stop) for piece in pieces] == planted


def test_a_precise_list_gets_no_frame_that_it_excludes() -> None:
    film = TimeTable(np.arange(48), Fraction(1001, 24_000), 0, 2.002, confirmed=True, key_pts=np.array([0]))  # 0.041708
    for start, end, frames in (
        ("0.042", "0.125", (1, 3)),
        ("0.042000", "0.126000", (2, 4)),
        ("0.041711", "0.125128", (2, 4)),
        ("0.041709", "0.125125", (1, 3)),
        ("0.0425", "0.1256", (2, 4)),
        ("00:00:00.042", "00:00:00.126", (1, 4)),
        ("0.043", "0.126", (2, 4)),
    ):
        (moment,) = read_moments(f"start,end\n{start},{end}\n".encode(), "list.csv")
        piece = piece_of(film, moment.start_s, moment.end_s)
        assert (piece.first, piece.stop) == frames, (start, end)


def test_frames_closer_than_the_rounding_stay_apart() -> None:
    pts = np.array([0, 300, 600, 9000])
    close = TimeTable(pts, Fraction(1, 1_000_000), 0, 0.01, confirmed=True, key_pts=pts[:1])
    times_s = [RoundedTime(at / 1e6, 0.0005) for at in (0, 300, 600, 700, 1050, 1200)]
    assert [piece_of(close, time_s, 1.0).first for time_s in times_s] == [0, 1, 2, 2, 2, 3]


def test_where_it_ends() -> None:
    even = table([0, 100, 200, 300], 0.4)
    assert piece_of(even, 0.05, 0.25).end_s == pytest.approx(0.3)
    assert piece_of(even, 0.0, 9.0).end_s == pytest.approx(0.4)
    still = table([0, 100, 200, 9000], 9.1)
    assert piece_of(still, 0.0, 1.0).end_s == pytest.approx(1.0)
    assert piece_of(still, 0.0, 0.25).end_s == pytest.approx(0.3)
    assert piece_of(still, 5.0, 6.0).end_s == pytest.approx(6.0)
    assert piece_of(table([0], 0.04), 0.0, 0.0).end_s == pytest.approx(0.04)
    whole = whole_frames(even, 1, 2)
    assert (whole.first, whole.stop, whole.start_s, whole.end_s) == (1, 3, 0.1, 0.3)
    assert whole_frames(even, 2, 99).end_s == 0.4


def test_moments_of_another_video() -> None:
    even = table([0, 100, 200, 300], 0.4)
    for start_s, end_s in ((0.5, 0.6), (-2.0, -1.0), (0.2, 0.1), (float("nan"), 1.0)):
        with pytest.raises(ExportError):
            piece_of(even, start_s, end_s)


def test_names() -> None:
    prompts = ("a dog", "a dog", "../..", "")
    names = [numbered_name(number, prompt, 1.5, "mp4") for number, prompt in enumerate(prompts, start=1)]
    assert names[:2] == ["001_a-dog_0m01.500s.mp4", "002_a-dog_0m01.500s.mp4"]
    assert len(set(names)) == 4
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-.") for name in names)
