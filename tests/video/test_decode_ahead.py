"""Decoding runs ahead, but not without bound, and its errors rise where frames are taken."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from clip_core.errors import VideoDecodeError
from clip_core.types import Frame
from clip_core.video.decode_ahead import MOST_IN_FLIGHT, DecodeAhead, room_for


def frame(number: int) -> Frame:
    return Frame(number, number, float(number), np.zeros((1, 1, 3), np.uint8))


def drained(ahead: DecodeAhead, most: int) -> list[int]:
    numbers = []
    while not ahead.finished:
        numbers += [f.index for f in ahead.take(most, 0.2)]
    return numbers


def test_all_frames_come_in_order() -> None:
    with DecodeAhead((frame(n) for n in range(100)), room=4) as ahead:
        assert drained(ahead, 7) == list(range(100))


def test_it_decodes_no_further_ahead_than_its_room() -> None:
    made: list[int] = []

    def frames() -> Iterator[Frame]:
        for n in range(1000):
            made.append(n)
            yield frame(n)

    with DecodeAhead(frames(), room=5) as ahead:
        time.sleep(0.2)
        assert len(made) <= 6
        assert [f.index for f in ahead.take(3, 1.0)] == [0, 1, 2]
        time.sleep(0.2)
        assert len(made) <= 9
    assert not [t for t in threading.enumerate() if t.name == "decode-ahead"]


def test_an_error_rises_after_the_frames_before_it() -> None:
    def frames() -> Iterator[Frame]:
        yield frame(0)
        raise VideoDecodeError("It broke.")

    with DecodeAhead(frames(), room=5) as ahead:
        assert [f.index for f in ahead.take(5, 1.0)] == [0]
        assert not ahead.finished
        with pytest.raises(VideoDecodeError, match="It broke"):
            ahead.take(5, 1.0)


def test_a_slow_decoder_hands_over_what_it_has() -> None:
    let_go = threading.Event()

    def frames() -> Iterator[Frame]:
        yield frame(0)
        let_go.wait(10)
        yield frame(1)

    with DecodeAhead(frames(), room=8) as ahead:
        assert [f.index for f in ahead.take(8, 0.3)] == [0]
        assert ahead.take(8, 0.05) == []
        let_go.set()
        assert drained(ahead, 8) == [1]


def test_room_shrinks_with_the_picture() -> None:
    assert room_for(640, 360) == MOST_IN_FLIGHT
    assert room_for(1920, 1080) == 32
    assert room_for(8000, 8000) == 2
