"""The way from a file to stored vectors: complete, resumable, once for each frame."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video, open_video
from clip_core.errors import EncoderError, NotIndexedError, StoreError, VideoError, VideoNotFoundError
from clip_core.store import runs
from clip_core.types import Progress
from clip_core.video.decoding import Decoded, Decoder
from clip_core.video.sampling import coarse_pts, sample_pts
from tests.support import video_maker
from tests.support.fakes import FakeEncoder


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> video_maker.PlantedVideo:
    settings = video_maker.VideoSpec(options={"g": "30", "sc_threshold": "0"})
    return video_maker.planted(tmp_path_factory.mktemp("videos"), "numbered", 300, settings)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


class NumberReader(FakeEncoder):
    """Notes the number in each picture, and puts it into the vector."""

    def __init__(self, **settings: float) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self.numbers: list[int] = []

    def embed_images(self, images):  # type: ignore[no-untyped-def]
        self.numbers += [video_maker.read_number(image) for image in images]
        return super().embed_images(images)


def test_every_sample_is_embedded_once_with_its_own_picture(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    encoder = NumberReader()
    reports = list(index_video(numbered.path, encoder, store, samples_per_second=2.0))
    with open_video(numbered.path) as video:
        expected = set(range(0, 300, 15)) | {int(n) for n in video.table.number_of(coarse_pts(video.table))}
        stored = store.stored_pts(video.info.video_id, encoder.fingerprint)
        assert set(video.table.number_of(stored).tolist()) == expected
        embeddings, _ = store.read(video.info.video_id, encoder.fingerprint)
    assert sorted(encoder.numbers) == sorted(expected)
    assert reports[-1].done == reports[-1].total == len(expected)
    assert reports[-1].stage == "done"
    pictures = [video_maker.number_picture(n) for n in sorted(expected)]
    fresh = FakeEncoder().embed_images(pictures)
    assert (np.sum(fresh * embeddings.vectors, axis=1) > 0.99).all()


def test_reports_never_fall_and_begin_with_the_keyframes(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    encoder = NumberReader(delay_s=0.005)
    reports = list(index_video(numbered.path, encoder, store, samples_per_second=None))
    done = [report.done for report in reports]
    assert done == sorted(done)
    assert reports[-1].done == 300
    assert encoder.numbers[:10] == list(range(0, 300, 30))
    assert reports[0].stage == "coarse"
    assert max(np.diff([0, *done])) <= 64


def test_a_coarse_pass_is_the_keyframes_alone_and_the_rest_goes_on_from_them(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    encoder = NumberReader()
    for _ in range(2):  # the second has nothing left to do
        last = list(index_video(numbered.path, encoder, store, samples_per_second=2.0, coarse_only=True))[-1]
        assert (last.done, last.stage, encoder.numbers) == (10, "coarse", list(range(0, 300, 30)))
    (record,) = store.videos()
    run = store.run(record.video_id, encoder.fingerprint)
    assert run is not None
    assert not run.finished
    assert list(index_video(numbered.path, encoder, store, samples_per_second=2.0))[-1].stage == "done"
    assert sorted(encoder.numbers) == list(range(0, 300, 15))


def test_nothing_to_do_is_one_report_without_the_encoder(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    list(index_video(numbered.path, FakeEncoder(), store, samples_per_second=5.0))
    again = FakeEncoder()
    (report,) = index_video(numbered.path, again, store, samples_per_second=5.0)
    assert (report.done, report.total, report.stage, again.pictures) == (50, 50, "done", 0)


def test_a_run_with_nothing_to_do_counts_as_the_first_did(store: EmbeddingStore, tmp_path: Path) -> None:
    video = video_maker.planted(tmp_path, "v", 90, video_maker.VideoSpec(options={"g": "7", "sc_threshold": "0"}))
    *_, first = index_video(video.path, FakeEncoder(), store, samples_per_second=2.0)
    (second,) = index_video(video.path, FakeEncoder(), store, samples_per_second=2.0)
    assert first.total > 6
    assert (second.done, second.total) == (first.done, first.total)


def test_denser_embeds_only_what_is_missing(numbered: video_maker.PlantedVideo, store: EmbeddingStore) -> None:
    list(index_video(numbered.path, FakeEncoder(), store, samples_per_second=5.0))
    second = FakeEncoder()
    *_, last = index_video(numbered.path, second, store, samples_per_second=10.0)
    assert second.pictures == 50
    assert last.done == last.total == 100


@pytest.mark.parametrize("missing_s", [(9.0, 10.0), (0.0, 0.3)])
def test_an_index_of_what_is_missing_decodes_only_there_and_equals_a_clean_one(
    numbered: video_maker.PlantedVideo,
    store: EmbeddingStore,
    tmp_path: Path,
    decoded: list[int],
    missing_s: tuple[float, float],
) -> None:
    """The first run has confirmed the times by a whole pass, so that later ones may begin at a keyframe."""
    encoder = FakeEncoder()
    list(index_video(numbered.path, encoder, store, samples_per_second=10.0))
    assert max(decoded) == 299
    (record,) = store.videos()
    clean, _ = store.read(record.video_id, encoder.fingerprint)
    frames = store._tables.names("frames_")
    between = f"time_s >= {missing_s[0]} AND time_s < {missing_s[1]}"
    store._tables.delete(frames, between)
    decoded.clear()
    *_, last = index_video(numbered.path, encoder, store, samples_per_second=10.0)
    assert last.done == last.total == 100
    assert len(decoded) < 60
    again, _ = store.read(record.video_id, encoder.fingerprint)
    assert np.array_equal(again.pts, clean.pts)
    assert np.array_equal(again.times_s, clean.times_s)
    assert np.array_equal(again.vectors, clean.vectors)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the frames that come out of decoders from here on, at 30 a second."""
    numbers: list[int] = []
    frames = Decoder.frames

    def noted(self: Decoder) -> Iterator[Decoded]:
        for frame in frames(self):
            numbers.append(round(frame.pts * float(self.stream.time_base or 1) * 30))
            yield frame

    monkeypatch.setattr(Decoder, "frames", noted)
    return numbers


def test_a_file_whose_packets_claim_other_frames_is_decoded_from_its_start(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore, tmp_path: Path, decoded: list[int]
) -> None:
    """Some packets hold no frame that can be decoded; there, a seek could lead to another picture than a pass."""
    data = bytearray(numbered.path.read_bytes())
    half = len(data) // 2
    data[half : half + 600] = bytes(600)
    (tmp_path / "hole.mp4").write_bytes(data)
    list(index_video(tmp_path / "hole.mp4", FakeEncoder(), store, samples_per_second=1.0))
    (record,) = store.videos()
    assert 200 < len(record.table) < 300
    decoded.clear()
    *_, last = index_video(tmp_path / "hole.mp4", FakeEncoder(), store, samples_per_second=2.0)
    assert last.done == last.total
    assert len(decoded) >= len(record.table) - 20


def test_the_date_of_recording_is_stored_and_filled_in_when_a_video_of_before_is_opened_again(
    store: EmbeddingStore, tmp_path: Path
) -> None:
    path, stamp = tmp_path / "v.mp4", 1_714_566_896.0
    with av.open(str(path), "w") as container:
        container.metadata["creation_time"] = "2024-05-01T12:34:56Z"
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for n in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(video_maker.number_picture(n), format="rgb24")))
        container.mux(stream.encode(None))
    for rate in (2.0, 2.0, 5.0):  # new; nothing to do; denser
        list(index_video(path, FakeEncoder(), store, samples_per_second=rate))
        (record,) = store.videos()
        assert record.recorded_s == store.summaries()[0].recorded_s == stamp
        store.remember_video(replace(record, recorded_s=None))


def test_another_model_and_another_name_of_the_file(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore, tmp_path: Path
) -> None:
    list(index_video(numbered.path, FakeEncoder(), store, samples_per_second=1.0))
    other = FakeEncoder(name="other")
    list(index_video(numbered.path, other, store, samples_per_second=1.0))
    assert other.pictures == 10
    copy = tmp_path / "a 'copy' ü.mp4"
    copy.write_bytes(numbered.path.read_bytes())
    same = FakeEncoder()
    list(index_video(copy, same, store, samples_per_second=1.0))
    assert same.pictures == 0


def test_a_changed_file_of_the_same_name_is_another_video(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore, tmp_path: Path
) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(numbered.path.read_bytes())
    list(index_video(path, FakeEncoder(), store, samples_per_second=1.0))
    settings = video_maker.VideoSpec(options={"sc_threshold": "0"})
    video_maker.write_video(path, [video_maker.number_picture(n) for n in range(60)], settings)
    second = FakeEncoder()
    *_, last = index_video(path, second, store, samples_per_second=1.0)
    assert (second.pictures, last.total) == (2, 2)


def test_closing_cancels_keeps_what_was_committed_and_leaves_no_thread(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    first = FakeEncoder(delay_s=0.01)
    running = index_video(numbered.path, first, store, samples_per_second=None)
    kept = [next(running) for _ in range(2)][-1].done
    running.close()  # type: ignore[attr-defined]
    assert not [t for t in threading.enumerate() if t.name == "decode-ahead"]
    with open_video(numbered.path) as video:
        assert len(store.stored_pts(video.info.video_id, first.fingerprint)) == kept
    second = FakeEncoder()
    *_, last = index_video(numbered.path, second, store, samples_per_second=None)
    assert (second.pictures, last.done) == (300 - kept, 300)


class Failing(FakeEncoder):
    def embed_images(self, images):  # type: ignore[no-untyped-def]
        if self.pictures >= 100:
            raise EncoderError("The model broke.", "Mend it.")
        return super().embed_images(images)


def test_a_failing_model_keeps_what_was_embedded(numbered: video_maker.PlantedVideo, store: EmbeddingStore) -> None:
    failing = Failing()
    with pytest.raises(EncoderError, match="The model broke"):
        list(index_video(numbered.path, failing, store, samples_per_second=None))
    second = FakeEncoder()
    list(index_video(numbered.path, second, store, samples_per_second=None))
    assert second.pictures == 300 - failing.pictures


def test_errors_rise_at_the_first_step(tmp_path: Path, store: EmbeddingStore) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    for name, error in (
        ("missing.mp4", VideoNotFoundError),
        ("x" * 300 + ".mp4", VideoNotFoundError),
        ("text.mp4", VideoError),
        (".", VideoNotFoundError),
    ):
        running = index_video(tmp_path / name, FakeEncoder(), store)
        with pytest.raises(error):
            next(running)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_an_impossible_rate(numbered: video_maker.PlantedVideo, store: EmbeddingStore, rate: float) -> None:
    with pytest.raises(ValueError, match="samples_per_second"):
        next(index_video(numbered.path, FakeEncoder(), store, samples_per_second=rate))


def test_a_store_that_cannot_be_written(numbered: video_maker.PlantedVideo, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be read or written"):
        list(index_video(numbered.path, FakeEncoder(), EmbeddingStore(tmp_path / "file" / "store")))


def test_a_damaged_video_keeps_what_could_be_read_and_says_where_it_ended(
    store: EmbeddingStore, tmp_path: Path
) -> None:
    settings = video_maker.VideoSpec(
        options={"g": "30", "sc_threshold": "0"}, container_options={"movflags": "faststart"}
    )
    whole = video_maker.planted(tmp_path, "whole", 300, settings)
    data = whole.path.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) // 2])
    encoder = FakeEncoder()
    *_, last = index_video(cut, encoder, store, samples_per_second=10.0)
    (record,) = store.videos()
    assert record.unreadable_after_s is not None
    assert 0 < record.unreadable_after_s < 9.9
    assert record.table.end_s == pytest.approx(record.unreadable_after_s)
    assert last.done == last.total == len(sample_pts(record.table, 10.0))
    assert last.warnings[0].startswith("Unreadable after 0:0")
    again = list(index_video(cut, encoder, store, samples_per_second=10.0))
    assert [report.warnings for report in again] == [last.warnings]


@pytest.mark.parametrize(
    "kind", ["variable", "ts", "edit", "webm", "avi", "avi-h264", "late", "one", "turned90", "gif", "webp", "images"]
)
def test_every_kind_of_file_gets_exactly_its_frames(kind: str, store: EmbeddingStore, tmp_path: Path) -> None:
    video = video_maker.KINDS[kind](tmp_path)
    encoder = FakeEncoder()
    reports = list(index_video(video.path, encoder, store, samples_per_second=None))
    (record,) = store.videos()
    embeddings, _ = store.read(record.video_id, encoder.fingerprint)
    assert record.table.confirmed
    np.testing.assert_allclose(record.table.times_s, video.times_s, atol=1e-9)
    np.testing.assert_allclose(embeddings.times_s, video.times_s, atol=1e-9)
    assert reports[-1].done == reports[-1].total == encoder.pictures == len(video)


def test_a_second_indexer_watches_the_first_and_embeds_nothing(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    first, second = FakeEncoder(delay_s=0.005), FakeEncoder()
    running = index_video(numbered.path, first, store, samples_per_second=None)
    next(running)
    seen: list[Progress] = []
    other_store = EmbeddingStore(store.location)
    watcher = threading.Thread(
        target=lambda: seen.extend(index_video(numbered.path, second, other_store, samples_per_second=None))
    )
    watcher.start()
    *_, last = running
    watcher.join(timeout=60)
    assert "waiting" in {report.stage for report in seen}
    assert seen[-1].done == seen[-1].total == last.done == 300
    assert (first.pictures, second.pictures) == (300, 0)


def test_a_foreign_encoder_that_breaks_in_its_own_way_keeps_what_was_embedded(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    class Foreign(FakeEncoder):
        def embed_images(self, images):  # type: ignore[no-untyped-def]
            if self.pictures >= 50:
                raise RuntimeError("boom")
            return super().embed_images(images)

    foreign = Foreign()
    with pytest.raises(RuntimeError, match="boom"):
        list(index_video(numbered.path, foreign, store, samples_per_second=None))
    assert len(store.stored_pts(store.videos()[0].video_id, foreign.fingerprint)) == foreign.pictures


def test_a_sparser_request_leaves_the_video_as_dense_as_it_was_said_to_be(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    encoder = FakeEncoder()
    list(index_video(numbered.path, encoder, store, samples_per_second=5.0))
    (record,) = store.videos()
    for sparser in (1.0, 2.0, 0.7):  # the last two have samples of their own
        list(index_video(numbered.path, encoder, store, samples_per_second=sparser))
        run = store.run(record.video_id, encoder.fingerprint)
        assert run is not None
        assert (run.samples_per_second, run.finished) == (5.0, True)


def test_a_video_that_is_forgotten_meanwhile_leaves_nothing_behind(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    encoder = FakeEncoder(delay_s=0.01)
    running = index_video(numbered.path, encoder, store, samples_per_second=None)
    next(running)
    video_id = store.videos()[0].video_id
    EmbeddingStore(store.location).forget(video_id)
    with pytest.raises(NotIndexedError, match="forgotten while it was indexed"):
        list(running)
    assert len(store.stored_pts(video_id, encoder.fingerprint)) == 0
    assert (store.videos(), store.run(video_id, encoder.fingerprint), store.usage()) == ([], None, [])


def test_what_is_stored_can_be_searched_while_it_is_indexed_and_no_text_is_embedded(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    encoder = FakeEncoder()
    found = list[int]()
    for _ in index_video(numbered.path, encoder, store, samples_per_second=None):
        (record,) = store.videos()
        stretches = store.stretches_of([record.video_id], encoder.fingerprint).get(record.video_id)
        assert stretches is not None
        found.append(int(stretches.counts.sum()))
        assert 1.5 * found[-1] >= len(store.stored_pts(record.video_id, encoder.fingerprint))
    assert found == sorted(found)
    assert found[-1] == 300
    assert store.stretches_are_current(record.video_id, encoder.fingerprint)
    assert encoder.texts == 0


def test_two_that_begin_at_the_same_instant_do_not_take_each_other_for_forgetting(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = FakeEncoder(delay_s=0.005)
    running = index_video(numbered.path, encoder, store, samples_per_second=None)
    next(running)
    video_id = store.videos()[0].video_id
    with monkeypatch.context() as race:  # the other looked before our row was there, and stamped its own earlier
        race.setattr(runs, "_events", lambda *_: [])
        race.setattr(runs, "stamp", lambda *_: 1)
        EmbeddingStore(store.location).begin(video_id, encoder.fingerprint, encoder.id, None)
    *_, last = running
    assert last.done == last.total == 300


def test_what_another_model_has_of_a_forgotten_video_is_not_taken_away(
    numbered: video_maker.PlantedVideo, store: EmbeddingStore
) -> None:
    slow, other = FakeEncoder(delay_s=0.01), FakeEncoder(name="other")
    running = index_video(numbered.path, slow, store, samples_per_second=None)
    next(running)
    video_id = store.videos()[0].video_id
    store.forget(video_id)
    list(index_video(numbered.path, other, store, samples_per_second=5.0))
    with pytest.raises(NotIndexedError):
        list(running)
    assert len(store.stored_pts(video_id, slow.fingerprint)) == 0
    assert len(store.stored_pts(video_id, other.fingerprint)) == 50
