"""Makes small films with sound whose clicks lie at known times, and finds them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tests.support.video_maker import HEIGHT, WIDTH, number_picture

CLICK_S = 0.004


@dataclass(frozen=True)
class SoundSpec:
    """How sound is encoded, and where its clicks lie.

    Attributes:
        codec: FFmpeg's name.
        rate, layout: Samples per second, and channels.
        begins_s, ends_s: On the clock of the film.
        clicks_s: Likewise.
    """

    codec: str = "aac"
    rate: int = 44_100
    layout: str = "stereo"
    begins_s: float = 0.0
    ends_s: float = 3.0
    clicks_s: Sequence[float] = (0.5, 1.25, 2.75)


@dataclass(frozen=True)
class FilmSpec:
    """How a film is made: numbered pictures at ``rate``, the first at ``begins_s``; its sound and timecode, if any.

    ``first_number`` is the number that the first picture carries.
    """

    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    rate: int | Fraction = 30
    frames: int = 90
    begins_s: float = 0.0
    options: dict[str, str] = field(default_factory=lambda: {"g": "30"})
    sound: SoundSpec | None = SoundSpec()
    timecode: str = ""
    first_number: int = 0


def write_film(path: Path, settings: FilmSpec) -> Path:
    """Write a film; the container follows from the path's suffix."""
    container_options = {"muxdelay": "0", "muxpreload": "0"} if path.suffix == ".ts" else {}
    with av.open(str(path), "w", container_options=container_options) as container:
        options = {"threads": "1", **settings.options}
        pictures = container.add_stream(settings.codec, rate=settings.rate, options=options)
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, settings.pix_fmt
        if settings.timecode:
            pictures.metadata["timecode"] = settings.timecode
        sound = settings.sound
        if sound is not None:
            sounds = container.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
            blocks = _blocks(sound)
        first = round(settings.begins_s * settings.rate)
        for number in range(settings.frames):
            frame = av.VideoFrame.from_ndarray(number_picture(settings.first_number + number), format="rgb24")
            frame.pts, frame.time_base = first + number, 1 / Fraction(settings.rate)
            while sound is not None and blocks and blocks[0][0] / sound.rate < (first + number) / settings.rate:
                container.mux(sounds.encode(_sound_frame(sound, *blocks.pop(0))))
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        if sound is not None:
            for block in blocks:
                container.mux(sounds.encode(_sound_frame(sound, *block)))
            container.mux(sounds.encode(None))
    return path


def write_tones(path: Path, codec: str, sound_codec: str, tones_hz: Sequence[float], default: int) -> Path:
    """Write 3 s of numbered pictures with one sound stream a tone; ``default`` numbers the one with the flag."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream(codec, rate=30, options={"threads": "1", "g": "15"})
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sounds = [container.add_stream(sound_codec, rate=48_000, layout="mono") for _ in tones_hz]
        for number, sound in enumerate(sounds):
            sound.disposition = av.stream.Disposition.default if number == default else av.stream.Disposition(0)
        for number in range(90):
            frame = av.VideoFrame.from_ndarray(number_picture(number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        for sound, hz in zip(sounds, tones_hz, strict=True):
            samples = 0.5 * np.sin(2 * np.pi * hz * np.arange(3 * 48_000, dtype=np.float32) / 48_000)
            for first in range(0, len(samples), 960):
                block = samples[None, first : first + 960].astype(np.float32)
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 48_000, first, Fraction(1, 48_000)
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return path


def pitch_hz(path: Path) -> float:
    """Return the loudest frequency of a file's first sound stream."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    samples = np.concatenate([_mono_wave(frame) for frame in frames])
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax() * frames[0].sample_rate / len(samples))


def _mono_wave(frame: av.AudioFrame) -> NDArray[np.float32]:
    return np.asarray(frame.to_ndarray().reshape(-1)[: frame.samples], np.float32)


def find_clicks(path: Path) -> list[float]:
    """Return when the clicks of a file's sound are heard, in seconds from when its first picture is shown."""
    with av.open(str(path)) as container:
        zero_s = next(container.decode(video=0)).time
    with av.open(str(path)) as container:
        parts = [(frame.time, frame.sample_rate, _mono(frame)) for frame in container.decode(audio=0)]
    loud = [
        time_s + k / rate - zero_s
        for time_s, rate, samples in parts
        for k in np.flatnonzero(np.abs(samples) > 0.3).tolist()
    ]
    return [time_s for k, time_s in enumerate(loud) if k == 0 or time_s - loud[k - 1] > 0.1]


def sound_length_s(path: Path) -> float:
    """Return how long the sound is that decodes."""
    with av.open(str(path)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def spoil_sound(path: Path, from_s: float, to_s: float) -> None:
    """Overwrite the packets of sound between two times with noise."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        places = [(p.pos, p.size) for p in container.demux(stream) if p.size and from_s <= p.pts * p.time_base < to_s]
    content = bytearray(path.read_bytes())
    noise = np.random.default_rng(3)
    for pos, size in places:
        content[pos : pos + size] = noise.integers(0, 256, size, dtype=np.uint8).tobytes()
    path.write_bytes(content)


def _blocks(sound: SoundSpec) -> list[tuple[int, NDArray[np.float32]]]:
    """The samples in blocks of 1024, each with the number of its first on the film's clock."""
    first, last = round(sound.begins_s * sound.rate), round(sound.ends_s * sound.rate)
    samples = np.zeros(last - first, np.float32)
    for click_s in [click_s for click_s in sound.clicks_s if click_s >= sound.begins_s]:
        begin = round(click_s * sound.rate) - first
        width = round(CLICK_S * sound.rate)
        samples[begin : begin + width] = 0.9 * np.cos(np.arange(width) * np.pi * 0.25)
    return [(first + k, samples[k : k + 1024]) for k in range(0, len(samples), 1024)]


def _sound_frame(sound: SoundSpec, first: int, samples: NDArray[np.float32]) -> av.AudioFrame:
    channels = av.AudioLayout(sound.layout).nb_channels
    planes = np.ascontiguousarray(np.broadcast_to(samples, (channels, len(samples))))
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=sound.layout)
    frame.sample_rate, frame.pts, frame.time_base = sound.rate, first, Fraction(1, sound.rate)
    return frame


def _mono(frame: av.AudioFrame) -> NDArray[np.float32]:
    samples = frame.to_ndarray().astype(np.float32)
    if frame.format.name.startswith("s16"):
        samples /= 32768
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    return np.abs(samples).max(axis=0)
