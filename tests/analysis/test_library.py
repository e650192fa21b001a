"""What is stored, and forgetting it."""

from pathlib import Path

import pytest

from clip_core import EmbeddingStore, index_video
from clip_core.analysis.stored_videos import copy_bytes, forget_copy
from clip_core.config import Config
from clip_core.errors import ProxyError
from clip_core.media.proxies import proxy_path
from clip_core.types import Annotation
from tests.support import video_maker
from tests.support.fakes import FakeEncoder


def test_listed_with_its_models_and_sizes_then_forgotten(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "store")
    assert store.usage() == []
    video = video_maker.planted(tmp_path, "v", 60, video_maker.VideoSpec(options={"sc_threshold": "0"}))
    for name in ("one", "two"):
        list(index_video(video.path, FakeEncoder(name=name), store, samples_per_second=5.0))
    (stored,) = store.usage()
    assert stored.record.name == "v.mp4"
    assert sorted((m.model_id, m.frames, m.samples_per_second, m.finished) for m in stored.models) == [
        ("one", 10, 5.0, True),
        ("two", 10, 5.0, True),
    ]
    assert stored.size_bytes > 0
    video_id = stored.record.video_id
    assert len(store.annotations(video_id)) == 0
    store.put_annotation(video_id, Annotation("a dog", 1.0, 0.5, 1.5, "rejected"))
    assert len(store.annotations(video_id)) == 1
    store.forget(video_id)
    assert store.usage() == []
    assert len(store.annotations(video_id)) == 0
    assert video.path.exists()


def test_copies_to_play_are_counted_and_forgotten(tmp_path: Path) -> None:
    config, video_id = Config(video_dirs=(tmp_path,)), "0a" * 32
    assert copy_bytes(video_id, config) == 0
    forget_copy(video_id, config)
    path = proxy_path(config, video_id)
    path.parent.mkdir()
    path.write_bytes(b"x" * 1234)
    assert copy_bytes(video_id, config) == 1234
    forget_copy(video_id, config)
    assert not path.exists()
    path.mkdir()
    with pytest.raises(ProxyError, match=r"The copy to play cannot be deleted: "):
        forget_copy(video_id, config)
