"""Decode a file's sound on the clock of its pictures: samples without gaps from the first frame on."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from clip_core.text import clock
from clip_core.video import Video
from clip_core.video.containers import open_container
from clip_core.video.continued_clock import ContinuedClock

RATE = 48_000
"""Samples per second of the output, whatever the input."""

# Containers round times, so smaller steps are not gaps; larger ones are corrected, so that errors do not add up.
_SLACK = RATE // 100
_MOST_AT_ONCE = RATE
_MOST_FAILURES_IN_A_ROW = 100
# Some codecs need earlier packets to decode correctly, and a seek may land after its target.
_EARLIER_S = (1.0, 5.0)
_READING_ERRORS = (av.error.FFmpegError, IndexError)  # PyAV does not know streams that begin in the middle
_ERRORS = (av.error.FFmpegError, ValueError)  # PyAV's own filters raise ValueError


def first_sound(container: InputContainer) -> AudioStream | None:
    """Return the default audio stream, else the first, as players do, or None if there is none.

    Those of an unknown codec count only if there are no others.
    """
    every = container.streams.audio
    sounds = [sound for sound in every if sound.codec_context is not None] or every
    flagged = (sound for sound in sounds if sound.disposition & av.stream.Disposition.default)
    return next(flagged, sounds[0] if sounds else None)


def sound_choice(container: InputContainer) -> str:
    """Return which of several sound streams is taken, such as "sound stream 2 of 3"; "" if there is no choice."""
    sounds, taken = container.streams.audio, first_sound(container)
    return "" if taken is None or len(sounds) < 2 else f"sound stream {sounds.index(taken) + 1} of {len(sounds)}"


def open_sound(video: Video, stack: ExitStack, start_s: float = 0.0) -> tuple[Sound | None, list[str]]:
    """Open the file a second time for its sound; return the sound, or None if there is none, and the warnings.

    ``Sound`` adds to the warnings while it decodes.

    Args:
        video: An open video.
        stack: Closes what is opened.
        start_s: Time zero of the sound, in seconds from the first frame.
    """
    if video.info.decoder != "PyAV":
        return None, []
    zero_s = float(video.table.start_pts * video.table.time_base) + start_s
    container = stack.enter_context(open_container(video.info.path))
    stream = first_sound(container)
    if stream is None:
        return None, []
    if stream.codec_context is None:
        return None, ["The sound has an unknown codec and is left out of the copy."]
    joined = video.clock
    if start_s > _EARLIER_S[0] and not _gone_to(container, stream, zero_s, joined):
        container = stack.enter_context(open_container(video.info.path))  # after a failed seek the position is unknown
        stream = first_sound(container) or stream
    video.watched.check_path()
    sound = Sound(container, stream, zero_s, joined)
    return sound, sound.warnings


def _gone_to(container: InputContainer, stream: AudioStream, time_s: float, joined: ContinuedClock | None) -> bool:
    """Seek to shortly before a time on the file's own clock; return whether that succeeded."""
    for earlier_s in _EARLIER_S:
        with suppress(*_READING_ERRORS):
            if not _seek(container, stream, time_s - earlier_s, joined):
                return False
            packet = next(_packets(container, stream, joined), None)
            if packet is not None and packet.pts is not None and packet.pts * packet.time_base <= time_s:
                return _seek(container, stream, time_s - earlier_s, joined)
    return False


def _seek(container: InputContainer, stream: AudioStream, time_s: float, joined: ContinuedClock | None) -> bool:
    if joined is not None:
        return joined.seek(container, round(time_s / joined.time_base))
    container.seek(round(time_s / float(stream.time_base or 1)), stream=stream)
    return True


def _packets(
    container: InputContainer, stream: AudioStream, joined: ContinuedClock | None, from_s: float = -math.inf
) -> Iterator[Packet[AudioStream]]:
    """Yield packets from here on; those of joined recordings on one clock, and only from ``from_s`` on."""
    packets = container.demux(stream)
    if joined is None:
        return packets
    continued = joined.continued(packets)
    return (packet for packet in continued if packet.pts is None or packet.pts * packet.time_base >= from_s)


class Sound:
    """Decodes a file's sound in blocks, on demand.

    Sound before the first frame is dropped. Missing sound and sound that cannot be decoded become silence: damage
    never raises.

    Args:
        container: Open, for the sound only; nobody else reads from it. The caller closes it.
        stream: The audio stream in the container.
        zero_s: When the first frame is shown, in seconds on the file's own clock.
        joined: The video's ``clock``.

    Attributes:
        channels: 1 or 2; more are mixed down.
        warnings: What the user should know about the sound: nothing, or where the first damage found so far lies.
    """

    def __init__(
        self, container: InputContainer, stream: AudioStream, zero_s: float, joined: ContinuedClock | None = None
    ) -> None:
        self.channels = 1 if stream.codec_context.channels == 1 else 2
        self.warnings: list[str] = []
        self._container, self._stream, self._zero_s, self._joined = container, stream, zero_s, joined
        self._resampler, self._resamples = self._new_resampler(), ("", "", 0)
        self._written, self._rest = 0, np.empty((self.channels, 0), np.float32)
        self._blocks = self._run()
        for other in container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all

    @property
    def layout(self) -> str:
        """FFmpeg's name for the channel layout."""
        return "mono" if self.channels == 1 else "stereo"

    def until(self, time_s: float) -> Iterator[AudioFrame]:
        """Yield the next samples, up to ``time_s`` seconds from the first frame."""
        while (missing := round(time_s * RATE) - self._written) > 0:
            block = self._rest if self._rest.shape[1] else next(self._blocks, None)
            if block is None:
                return
            now, self._rest = block[:, :missing], block[:, missing:]
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(now), format="fltp", layout=self.layout)
            frame.sample_rate, frame.pts, frame.time_base = RATE, self._written, Fraction(1, RATE)
            self._written += now.shape[1]
            yield frame

    def _run(self) -> Generator[NDArray[np.float32], None, None]:
        """Yield contiguous blocks, float32 (channels, n)."""
        due = 0
        for start, samples in self._decoded():
            gap = start - due
            while gap > _SLACK:
                silent = min(gap, _MOST_AT_ONCE)
                yield np.zeros((self.channels, silent), np.float32)
                due, gap = due + silent, gap - silent
            block = samples[:, -gap:] if gap < -_SLACK else samples
            if block.shape[1]:
                yield block
                due += block.shape[1]

    def _decoded(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield samples, float32 (channels, n), each block with the index of its first sample from time zero."""
        place = 0
        for frame in self._frames():
            if frame.time is not None:
                place = round((frame.time - self._zero_s) * RATE)
            try:
                resampled = self._resample(frame)
            except _ERRORS:
                self._note(place)
                continue
            for samples in resampled:
                yield place, samples
                place += samples.shape[1]

    def _frames(self) -> Iterator[AudioFrame]:
        failures, last_s = 0, self._zero_s
        while failures < _MOST_FAILURES_IN_A_ROW:
            try:
                from_s = self._zero_s - _EARLIER_S[0]
                for packet in _packets(self._container, self._stream, self._joined, from_s):
                    for frame in self._decode(packet, last_s):
                        last_s = last_s if frame.time is None else frame.time
                        yield frame
                    failures = 0
            except av.error.FFmpegError:
                failures += 1
                self._note(round((last_s - self._zero_s) * RATE))
            except IndexError:  # PyAV does not know streams that begin in the middle
                failures += 1
            else:
                return

    def _decode(self, packet: av.Packet[AudioStream], last_s: float) -> list[AudioFrame]:
        try:
            return self._stream.codec_context.decode(packet if packet.size else None)
        except _ERRORS:
            time_s = last_s if packet.pts is None else float(packet.pts * packet.time_base)
            self._note(round((time_s - self._zero_s) * RATE))
            return []

    def _resample(self, frame: AudioFrame) -> list[NDArray[np.float32]]:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._resamples:  # the format may change within a stream
            self._resampler, self._resamples = self._new_resampler(), kind
        return [np.asarray(out.to_ndarray(), np.float32) for out in self._resampler.resample(frame)]

    def _new_resampler(self) -> AudioResampler:
        return AudioResampler(format="fltp", layout=self.layout, rate=RATE)

    def _note(self, place: int) -> None:
        if not self.warnings and place >= 0:  # sound before the first frame is dropped anyway
            when = clock(place / RATE)
            self.warnings.append(f"Some of the sound cannot be decoded and is silent in the copy, first at {when}.")
