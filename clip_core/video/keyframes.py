"""Decoding single keyframes: one packet each, and nothing of what lies between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from av.packet import Packet
from av.video.stream import VideoStream

from clip_core.video.decoding import Decoded, Decoder

# A seek may land after its target; further back than this it is not worth the reading.
_STEPS_BACK_S = (0, 1, 3, 7)


def decode_keyframes(decoder: Decoder, pts: Sequence[int]) -> Iterator[Decoded]:
    """Yield the keyframes at these times; one that cannot be decoded exactly is left out.

    Args:
        decoder: A decoder that nobody else uses.
        pts: Presentation times of keyframes in the stream's time base, rising.
    """
    for wanted in () if decoder.lacks_pts else pts:
        packet = _key_packet(decoder, int(wanted))
        if packet is None:
            continue
        for raw in decoder.decode_alone(packet):
            if raw.pts in (wanted, None) and raw.key_frame and not raw.is_corrupt:
                yield Decoded(int(wanted), raw.duration or 0, True, raw)
                break


def _key_packet(decoder: Decoder, pts: int) -> Packet[VideoStream] | None:
    time_base = decoder.stream.time_base
    for back_s in _STEPS_BACK_S:
        decoder.seek(pts - round(back_s / time_base) if time_base else pts)
        for packet in decoder.packets():
            if packet.pts == pts and packet.is_keyframe:
                return packet
            if packet.dts is not None and packet.dts > pts:
                break
    return None
