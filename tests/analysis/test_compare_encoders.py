"""Two encoders side by side: the same one, one with its colours swapped, and two that do not fit."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from clip_core.analysis.compare_encoders import compare_encoders
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.errors import EncoderError, PromptError, VideoChangedError
from clip_core.types import Floats, Image
from clip_core.video import open_video
from tests.support.fakes import FakeEncoder
from tests.support.model_maker import make_clip
from tests.support.video_maker import PlantedVideo, VideoSpec, planted, write_video

PROMPTS = ["a dog", "pizza"]


class Swapped(FakeEncoder):
    """Takes blue for red, as the first tool of this kind did."""

    def embed_images(self, images: Sequence[Image]) -> Floats:
        return super().embed_images([image[..., ::-1] for image in images])


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> PlantedVideo:
    return planted(tmp_path_factory.mktemp("video"), "v", 60, VideoSpec(options={"g": "15"}))


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, path = np.random.default_rng(4), tmp_path_factory.mktemp("colours") / "c.mp4"
    write_video(path, [np.full((64, 96, 3), rng.integers(0, 256, 3), np.uint8) for _ in range(40)], VideoSpec())
    return path


def test_an_encoder_beside_itself_changes_nothing(video: PlantedVideo) -> None:
    told: list[int] = []
    found = compare_encoders(video.path, FakeEncoder(), FakeEncoder(), PROMPTS, frames=7, on_frames=told.append)
    np.testing.assert_allclose(found.image_cosines, 1, atol=1e-6)
    np.testing.assert_allclose(found.text_cosines, 1, atol=1e-6)
    assert (found.changes.shape, np.abs(found.changes).max()) == ((7, 2), 0)
    assert told == [4, 7]
    middles = [(k + 0.5) * 2.0 / 7 for k in range(7)]
    assert found.times_s.tolist() == pytest.approx([int(middle * 30 + 1e-6) / 30 for middle in middles])


def test_a_swapped_channel_shows_in_each_frame_and_not_in_the_texts(colours: Path) -> None:
    found = compare_encoders(colours, FakeEncoder(), Swapped(), PROMPTS)
    assert len(found.times_s) == 16
    assert found.image_cosines.max() < 0.999
    assert found.image_cosines.mean() < 0.95
    np.testing.assert_allclose(found.text_cosines, 1, atol=1e-6)
    np.testing.assert_allclose(found.changes, found.scores[1] - found.scores[0], atol=1e-7)
    assert np.abs(found.changes).max() > 0.02


def test_another_crop_shows(video: PlantedVideo, tmp_path: Path) -> None:
    folder = make_clip(tmp_path)
    cut, whole = OnnxEncoder(folder, "cut"), OnnxEncoder(folder, "whole").framed("squash")
    found = compare_encoders(video.path, cut, whole, PROMPTS)
    assert found.image_cosines.min() < 0.999
    assert found.scores[0].tolist() != found.scores[1].tolist()


def test_scores_are_those_of_each_encoder(colours: Path) -> None:
    one, other = FakeEncoder(name="one"), Swapped(name="other")
    found = compare_encoders(colours, one, other, [" a dog ", "pizza"], frames=6)
    assert found.prompts == ("a dog", "pizza")
    assert found.scores.shape == (2, 6, 2)
    with open_video(colours) as opened:
        frames = [opened.frame_at(time_s=time_s) for time_s in found.times_s]
    for which, encoder in enumerate((one, other)):
        texts = encoder.embed_texts(["a dog", "pizza"])
        for k, frame in enumerate(frames):
            right = (encoder.embed_images([frame.rgb]) @ texts.T)[0]
            np.testing.assert_allclose(found.scores[which, k], right, atol=1e-6)
    assert np.ptp(found.scores, axis=(0, 1)).min() > 0.01  # frames and encoders differ, so none can stand for another


def test_fewer_frames_than_asked_for_count_once(tmp_path: Path) -> None:
    short = planted(tmp_path, "short", 3, VideoSpec())
    found = compare_encoders(short.path, FakeEncoder(), FakeEncoder(), [])
    assert (len(found.times_s), found.scores.shape, found.text_cosines.shape) == (3, (2, 3, 0), (0,))


def test_what_cannot_be_compared(video: PlantedVideo) -> None:
    with pytest.raises(EncoderError, match=r"^fake gives vectors of 16 numbers, wide of 24: nothing to compare\."):
        compare_encoders(video.path, FakeEncoder(), FakeEncoder(dim=24, name="wide"), PROMPTS)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        compare_encoders(video.path, FakeEncoder(), FakeEncoder(), PROMPTS, frames=0)
    with pytest.raises(PromptError, match="is empty"):
        compare_encoders(video.path, FakeEncoder(), FakeEncoder(), [" "])


def test_a_video_that_is_replaced_meanwhile(video: PlantedVideo, colours: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(video.path, tmp_path / "v.mp4"))

    def replace(_: int) -> None:
        Path(shutil.copy(colours, tmp_path / "new")).replace(path)

    with pytest.raises(VideoChangedError, match=r"v\.mp4 was replaced by another file while it was read"):
        compare_encoders(path, FakeEncoder(), FakeEncoder(), PROMPTS, frames=7, on_frames=replace)
