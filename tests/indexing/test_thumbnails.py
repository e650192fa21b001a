from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from clip_core.errors import VideoError
from clip_core.indexing.index_video import index_video
from clip_core.indexing.thumbnails import thumbnails_of
from clip_core.store.store import EmbeddingStore
from clip_core.video import open_video
from tests.support.fakes import FakeEncoder
from tests.support.video_maker import VideoSpec, number_picture, read_number, write_video

FRAMES = 40


@pytest.fixture(scope="module")
def video_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "numbers.mp4"
    write_video(path, [number_picture(n) for n in range(FRAMES)], VideoSpec())
    return path


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


def numbers(jpegs: dict[int, bytes]) -> dict[int, int]:
    """Pts → the number in the picture."""
    pictures = {
        pts: cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1] for pts, jpeg in jpegs.items()
    }
    return {pts: read_number(picture) for pts, picture in pictures.items()}


def index(path: Path, store: EmbeddingStore, encoder: FakeEncoder, rate: float | None) -> str:
    assert [*index_video(path, encoder, store, samples_per_second=rate)][-1].stage == "done"
    return store.videos()[0].video_id


def test_indexing_keeps_a_picture_of_each_sample_once_whatever_the_model(
    video_path: Path, store: EmbeddingStore
) -> None:
    video_id = index(video_path, store, FakeEncoder(), None)
    pts = store.video(video_id).table.pts
    assert numbers(store.thumbnails(video_id, pts.tolist())) == dict(zip(pts.tolist(), range(FRAMES), strict=True))
    before = store.usage()[0]
    index(video_path, store, FakeEncoder(name="other"), None)
    after = store.usage()[0]
    assert len(after.models) == 2
    assert (
        after.size_bytes - before.size_bytes == after.models[0].size_bytes == after.models[1].size_bytes
    )  # and no more pictures


def test_what_was_indexed_before_gets_its_pictures_when_they_are_asked_for(
    video_path: Path, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clip_core.indexing.thumbnails.Thumbnails.beside", lambda _, frames: frames)
    video_id = index(video_path, store, FakeEncoder(), 5.0)
    assert store.thumbnail_pts(video_id).tolist() == []
    pts = store.video(video_id).table.pts.tolist()
    with open_video(video_path) as video:

        def picture(wanted: int) -> np.ndarray:
            return video.frame_at(index=pts.index(wanted)).rgb

        assert len(thumbnails_of(video_id, pts, store, picture, patience_s=0)) == 1
        found = thumbnails_of(video_id, [pts[7], pts[3], pts[7]], store, picture, patience_s=60)
        assert numbers(found) == {pts[3]: 3, pts[7]: 7}
    assert store.thumbnail_pts(video_id).tolist() == [pts[0], pts[3], pts[7]]

    def gone(wanted: int) -> np.ndarray:
        if wanted == pts[9]:
            raise VideoError("It is gone.")
        return np.zeros((9, 16, 3), np.uint8)

    assert numbers(thumbnails_of(video_id, [pts[7]], store, gone, patience_s=60)) == {pts[7]: 7}
    with pytest.raises(VideoError, match="gone"):
        thumbnails_of(video_id, [pts[8], pts[9]], store, gone, patience_s=60)
    assert pts[8] in store.thumbnail_pts(video_id)  # what was drawn before is kept
