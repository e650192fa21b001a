"""Which streams may hold interlaced frames: OpenCV cannot turn those into pictures, and does not say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from clip_core.errors import VideoError
from clip_core.video.captures import open_capture

_PACKETS = 8
_MOST_BYTES = 1 << 20
_START = b"\0\0\1"
_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)


class _Bits:
    """A run of bits, read from the highest of each byte on; after the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        shifted = self._value >> self._left if self._left >= 0 else 0
        return shifted & ((1 << count) - 1)

    def exp_golomb(self) -> int:
        zeros = 0
        while zeros < 32 and not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def may_be_interlaced(path: Path) -> bool:
    """Return whether the stream's own headers allow interlaced frames: H.264, MPEG-2, MPEG-4, ProRes and DV.

    OpenCV hands out the packets as they are stored, so that no container need be understood here. Headers are
    believed, not frames: a stream that allows interlaced frames and has none counts, too.

    Args:
        path: A video that OpenCV can open.
    """
    try:
        codec, packets = _packets(path)
    except VideoError:
        return False
    judge = _JUDGES.get(codec)
    return judge is not None and any(judge(packet) for packet in packets)


def _packets(path: Path) -> tuple[str, list[bytes]]:
    """Return the codec's code in small letters, the stream's headers and its first packets."""
    import cv2

    capture = open_capture(path, packets=True)
    try:
        code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        headers = int(capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX))
        found = []
        for k in range(_PACKETS):
            if not capture.grab():
                break
            for flag in (headers, 0) if k == 0 else (0,):
                done, data = capture.retrieve(flag=flag)
                if done and data is not None:
                    found.append(data.tobytes()[:_MOST_BYTES])
        return code.to_bytes(4, "little").decode("ascii", "replace").lower(), found
    finally:
        capture.release()


def _units(data: bytes) -> Iterator[bytes]:
    """Yield what lies between start codes."""
    yield from data.split(_START)[1:]


def _h264(packet: bytes) -> bool:
    return any(_sps_allows_fields(unit) for unit in _units(packet) if len(unit) > 4 and unit[0] & 31 == 7)


def _sps_allows_fields(unit: bytes) -> bool:
    """Read a sequence parameter set up to its frame_mbs_only_flag (ITU-T H.264, 7.3.2.1.1)."""
    bits = _Bits(unit[1:].replace(b"\0\0\3", b"\0\0"))
    profile = bits.take(8)
    bits.take(16)
    bits.exp_golomb()
    if profile in _WITH_CHROMA:
        _skip_chroma(bits)
    bits.exp_golomb()
    order = bits.exp_golomb()
    if order == 0:
        bits.exp_golomb()
    elif order == 1:
        bits.take(1)
        bits.exp_golomb()
        bits.exp_golomb()
        for _ in range(min(bits.exp_golomb(), 255)):
            bits.exp_golomb()
    bits.exp_golomb()
    bits.take(1)
    bits.exp_golomb()
    bits.exp_golomb()
    return bits.take(1) == 0


def _skip_chroma(bits: _Bits) -> None:
    chroma = bits.exp_golomb()
    if chroma == 3:
        bits.take(1)
    bits.exp_golomb()
    bits.exp_golomb()
    bits.take(1)
    if not bits.take(1):
        return
    for k in range(12 if chroma == 3 else 8):
        if bits.take(1):
            _skip_scaling_list(bits, 16 if k < 6 else 64)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.exp_golomb()
            following = (last + ((code + 1) // 2 if code % 2 else -(code // 2))) % 256
        last = following or last


def _mpeg2(packet: bytes) -> bool:
    """Whether a sequence extension's progressive_sequence is 0 (ITU-T H.262, 6.2.2.3)."""
    return any(len(u) > 2 and u[0] == 0xB5 and u[1] >> 4 == 1 and not u[2] & 8 for u in _units(packet))


def _mpeg4(packet: bytes) -> bool:
    return any(_layer_is_interlaced(unit[1:]) for unit in _units(packet) if unit and 0x20 <= unit[0] <= 0x2F)


def _layer_is_interlaced(layer: bytes) -> bool:
    """Read a rectangular video object layer up to its interlaced flag (ISO/IEC 14496-2, 6.2.3)."""
    bits = _Bits(layer)
    bits.take(9)
    if bits.take(1):
        bits.take(7)
    if bits.take(4) == 15:
        bits.take(16)
    if bits.take(1):
        bits.take(3)
        if bits.take(1):
            bits.take(79)
    bits.take(3)
    resolution = bits.take(16)
    bits.take(1)
    if bits.take(1):
        bits.take(max(1, (resolution - 1).bit_length()))
    bits.take(1 + 13 + 1 + 13 + 1)
    return bits.take(1) == 1


def _prores(packet: bytes) -> bool:
    return packet[4:8] == b"icpf" and len(packet) > 20 and packet[20] >> 2 & 3 != 0


def _always(packet: bytes) -> bool:
    return bool(packet)


_JUDGES: dict[str, Callable[[bytes], bool]] = {"h264": _h264, "avc1": _h264, "mpg2": _mpeg2, "fmp4": _mpeg4}
_JUDGES |= dict.fromkeys(("apch", "apcn", "apcs", "apco", "ap4h", "ap4x"), _prores)
_JUDGES |= {"dvsd": _always}
