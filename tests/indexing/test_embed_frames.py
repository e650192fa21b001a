"""Batches are committed often, and before an error is told."""

from collections.abc import Iterator

import numpy as np
import pytest

from clip_core.errors import EncoderError, StoreFullError, StoreUnreachableError
from clip_core.indexing import embed_frames as module
from clip_core.indexing.embed_frames import MOST_PER_CALL, SERVICE_SILENT, Pace, Wait, embed_frames
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


def test_a_commit_that_the_storage_service_does_not_answer_is_tried_again_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FIRST_STORE_WAIT_S", 0.01)
    tries: list[int] = []
    committed: list[int] = []

    def commit(batch: FrameEmbeddings) -> None:
        tries.append(len(batch))
        if len(tries) in (2, 3):
            raise StoreUnreachableError("It does not answer.")
        committed.extend(batch.pts.tolist())

    with DecodeAhead(frames(100), 64) as ahead:
        steps = list(embed_frames(ahead, FakeEncoder(), Pace(), commit, 60.0, 50))
    assert tries == [50, 50, 50, 50]
    assert committed == [n * 10 for n in range(100)]
    assert [step for step in steps if not isinstance(step, Wait)] == [50, 50]
    assert {step.note for step in steps if isinstance(step, Wait)} == {SERVICE_SILENT}


def test_a_storage_service_that_stays_away_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_STORE_WAIT_S", 0.01)
    monkeypatch.setattr(module, "STORE_PATIENCE_S", 0.1)
    tries: list[int] = []

    def commit(batch: FrameEmbeddings) -> None:
        tries.append(len(batch))
        raise StoreUnreachableError("It does not answer.")

    with DecodeAhead(frames(100), 64) as ahead, pytest.raises(StoreUnreachableError, match="does not answer"):
        list(embed_frames(ahead, FakeEncoder(), Pace(), commit))
    assert 3 <= len(tries) <= 5
