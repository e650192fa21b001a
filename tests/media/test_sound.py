"""The sound of a file as one unbroken run on the clock of its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from clip_core.media.sound import RATE, Sound
from tests.support.sound_maker import FilmSpec, SoundSpec, spoil_sound, write_film


@contextmanager
def opened(path: Path, zero_s: float = 0.0) -> Iterator[Sound]:
    with av.open(str(path)) as container:
        yield Sound(container, container.streams.audio[0], zero_s)


def heard(sound: Sound, time_s: float) -> np.ndarray:
    """Everything up to a time as float32 (channels, n); checks that the frames follow each other."""
    frames = list(sound.until(time_s))
    assert all(a.pts + a.samples == b.pts for a, b in pairwise(frames))
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1) if frames else np.empty((0, 0))


def loudest_s(samples: np.ndarray) -> float:
    return float(np.abs(samples).max(axis=0).argmax()) / RATE


def test_it_comes_as_far_as_it_is_asked_for(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mkv", FilmSpec(sound=SoundSpec("pcm_s16le", 48_000, clicks_s=(1.25,))))
    with opened(path) as sound:
        parts = [heard(sound, time_s) for time_s in (0.5, 0.5, 1.2345, 2.0)]
        assert [part.shape[1] for part in parts] == [24_000, 0, 35_256, 36_744]
        assert sum(part.shape[1] for part in parts) == 2 * RATE
        whole = np.concatenate([part for part in parts if part.size], axis=1)
        assert loudest_s(whole) == pytest.approx(1.25, abs=0.002)
        assert heard(sound, 60.0).shape == (2, RATE)  # it ends at 3 s
        assert heard(sound, 61.0).size == 0
        assert sound.warnings == []


@pytest.mark.parametrize(
    ("begins_s", "zero_s", "click_s"), [(0.0, 0.0, 1.25), (1.1, 0.0, 1.25), (0.0, 0.8, 0.45), (1.0, -0.5, 1.75)]
)
def test_its_clock_begins_with_the_pictures(begins_s: float, zero_s: float, click_s: float, tmp_path: Path) -> None:
    settings = SoundSpec("pcm_s16le", 44_100, "mono", begins_s, clicks_s=(1.25,))
    with opened(write_film(tmp_path / "film.mkv", FilmSpec(sound=settings)), zero_s) as sound:
        samples = heard(sound, 10.0)
    assert samples.shape == (1, pytest.approx((3.0 - zero_s) * RATE, abs=RATE // 50))
    assert loudest_s(samples) == pytest.approx(click_s, abs=0.01)


def test_a_long_silence_comes_in_small_parts(tmp_path: Path) -> None:
    settings = SoundSpec("pcm_s16le", 8_000, "mono", ends_s=0.1, clicks_s=())
    with opened(write_film(tmp_path / "film.mkv", FilmSpec(sound=settings)), -3600.0) as sound:
        frames = [frame.samples for _, frame in zip(range(100), sound.until(7200.0), strict=False)]
    assert frames == [RATE] * 100


@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 2)])
def test_no_more_than_two_channels(layout: str, channels: int, tmp_path: Path) -> None:
    settings = SoundSpec("flac", 48_000, layout)
    with opened(write_film(tmp_path / "film.mkv", FilmSpec(sound=settings))) as sound:
        assert (sound.channels, heard(sound, 1.0).shape) == (channels, (channels, RATE))


def test_what_is_damaged_is_silent(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", FilmSpec(sound=SoundSpec(rate=48_000, clicks_s=(0.5, 1.25, 2.0))))
    spoil_sound(path, 1.0, 1.6)
    with opened(path) as sound:
        samples = np.abs(heard(sound, 3.0)).max(axis=0)
        (warning,) = sound.warnings
        assert float(warning.removesuffix(".").rpartition(":")[2]) == pytest.approx(1.0, abs=0.03)
    assert samples.shape == (3 * RATE,)
    assert samples[round(1.1 * RATE) : round(1.55 * RATE)].max() == 0.0
    assert [samples[round(time_s * RATE) :][:500].max() > 0.3 for time_s in (0.5, 1.25, 2.0)] == [True, False, True]


def test_damage_everywhere_never_raises(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", FilmSpec())
    spoil_sound(path, 0.0, 9.0)
    with opened(path) as sound:
        assert heard(sound, 3.0).size == 0
        assert sound.warnings == ["Some of the sound cannot be decoded and is silent in the copy, first at 0:00.000."]
