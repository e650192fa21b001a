"""Batches are committed often, and before an error is told."""

from collections.abc import Iterator

import numpy as np
import pytest

from clip_core.errors import EncoderError, StoreFullError
from clip_core.indexing.embed_frames import MOST_PER_CALL, Pace, embed_frames
from clip_core.types import Frame, FrameEmbeddings
from clip_core.video.decode_ahead import DecodeAhead
from tests.support.fakes import FakeEncoder


def frames(count: int) -> Iterator[Frame]:
    for n in range(count):
        yield Frame(n, n * 10, n / 2, np.full((4, 4, 3), n % 256, np.uint8))


def run(count: int, encoder: FakeEncoder) -> tuple[list[int], list[FrameEmbeddings]]:
    committed: list[FrameEmbeddings] = []
    with DecodeAhead(frames(count), 64) as ahead:
        sizes = list(embed_frames(ahead, encoder, Pace(), committed.append))
    return sizes, committed


def test_every_frame_is_committed_once_in_batches_of_at_most_64() -> None:
    encoder = FakeEncoder()
    sizes, committed = run(150, encoder)
    assert sizes == [64, 64, 22]
    assert np.concatenate([batch.pts for batch in committed]).tolist() == [n * 10 for n in range(150)]
    assert np.concatenate([batch.times_s for batch in committed]).tolist() == [n / 2 for n in range(150)]
    expected = FakeEncoder().embed_images([frame.rgb for frame in frames(150)])
    np.testing.assert_array_equal(np.concatenate([batch.vectors for batch in committed]), expected)


def test_a_slow_encoder_is_committed_by_the_clock() -> None:
    sizes, _ = run(12, FakeEncoder(delay_s=0.2))
    assert max(sizes) <= 11
    assert sum(sizes) == 12


def test_calls_grow_until_one_takes_a_second() -> None:
    pace = Pace()
    pace.learn(2, 0.001)
    assert pace.pictures == 4
    for _ in range(10):
        pace.learn(pace.pictures, 0.001)
    assert pace.pictures == MOST_PER_CALL
    pace.learn(32, 4.0)
    assert pace.pictures == 8
    pace.learn(1, 9.0)
    assert pace.pictures == 1


def test_what_was_embedded_before_an_error_is_committed() -> None:
    class Failing(FakeEncoder):
        def embed_images(self, images):  # type: ignore[no-untyped-def]
            if self.pictures >= 20:
                raise EncoderError("It broke.")
            return super().embed_images(images)

    committed: list[FrameEmbeddings] = []
    encoder = Failing()
    with DecodeAhead(frames(100), 64) as ahead, pytest.raises(EncoderError):
        list(embed_frames(ahead, encoder, Pace(), committed.append))
    assert sum(map(len, committed)) == encoder.pictures >= 20


def test_a_full_disk_is_told_once_and_not_tried_again() -> None:
    tries: list[int] = []

    def commit(batch: FrameEmbeddings) -> None:
        tries.append(len(batch))
        raise StoreFullError("The disk is full.")

    with DecodeAhead(frames(100), 64) as ahead, pytest.raises(StoreFullError):
        list(embed_frames(ahead, FakeEncoder(), Pace(), commit))
    assert tries == [64]
