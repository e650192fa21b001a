"""Find out whether a browser can play a video file as it is."""

from __future__ import annotations

import os
import re
from pathlib import Path

from av.container import InputContainer
from av.video.format import VideoFormat

from clip_core.errors import VideoError, VideoNotFoundError, shown_name
from clip_core.media.sound import first_sound
from clip_core.video.apng import is_apng
from clip_core.video.container_bytes import is_webp
from clip_core.video.containers import container_name, open_container, video_stream
from clip_core.video.sequence import parse_sequence

# What Chromium, Firefox and Safari play (some of it not in older versions of Safari), by FFmpeg's names.
_PICTURES = {"mov": ("h264", "vp9", "av1"), "webm": ("vp8", "vp9", "av1"), "matroska": ("vp8", "vp9", "av1")}
_SOUNDS = {
    "mov": ("aac", "mp3", "opus", "flac"),
    "webm": ("opus", "vorbis"),
    "matroska": ("opus", "vorbis"),
}
_FORMATS = ("yuv420p", "yuvj420p", "yuva420p")
_CONTAINERS = {
    "mov": "MP4",
    "matroska": "MKV",
    "webm": "WebM",
    "avi": "AVI",
    "mpegts": "MPEG-TS",
    "mpeg": "MPEG-PS",
    "flv": "FLV",
    "ogg": "Ogg",
    "asf": "WMV",
    "gif": "GIF",
}
_CODECS = {
    "h264": "H.264",
    "hevc": "HEVC",
    "mpeg4": "MPEG-4 part 2",
    "mpeg2video": "MPEG-2",
    "mpeg1video": "MPEG-1",
    "vvc": "VVC",
    "prores": "ProRes",
    "mjpeg": "Motion JPEG",
    "theora": "Theora",
    "aac": "AAC",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
    "dts": "DTS",
    "opus": "Opus",
    "vorbis": "Vorbis",
}
_CHROMA = re.compile(r"4[0-4][0-4]")


def why_not_playable_here(path: str | os.PathLike[str]) -> str | None:
    """Return what browsers cannot play in a file or sequence of images, judged by the header, or None.

    Browsers show animated images but cannot pause or seek them. Matroska with H.264 counts as not playable: Chromium
    plays it, Firefox does not.

    Args:
        path: The file, or a pattern such as ``frame_%05d.png@24``.

    Returns:
        The object of "Browsers do not play", such as "HEVC in MP4", "10-bit H.264 in MP4", "AC-3 sound in MP4" or
        "numbered images".

    Raises:
        VideoError: The path is not a video, or does not exist.
    """
    if parse_sequence(path) is not None:
        return "numbered images"
    file = Path(path)
    try:
        animated = "WebP" if is_webp(file) else "APNG" if is_apng(file) else ""
    except FileNotFoundError as error:
        raise VideoNotFoundError(f"There is no file {shown_name(file)}.", "Check the path.") from error
    except (OSError, ValueError) as error:
        raise VideoError(f"{shown_name(file)} cannot be read.", "Check that it is a file that may be read.") from error
    if animated:
        return f"{animated} images as a video"
    with open_container(file) as container:
        return _unplayable_part(container, file)


def _unplayable_part(container: InputContainer, path: Path) -> str | None:
    kind, stream = container_name(container, path), video_stream(container, path)
    if kind == "gif":
        return "GIF images as a video"
    codec = stream.codec_context.codec.canonical_name
    where = _container_name(container, kind)
    if stream.index != container.streams.video[0].index:
        return f"several video streams in {where}"
    if codec not in _PICTURES.get(kind, ()):
        return f"{_codec_name(codec)} in {where}"
    unusual = _unusual(stream.codec_context.pix_fmt)
    if unusual is not None:
        return f"{unusual.format(_codec_name(codec))} in {where}"
    sound = first_sound(container)
    if sound is None:
        return None
    if sound.index != container.streams.audio[0].index:  # in WebM Chromium plays the first, whatever is the default
        return f"several sound streams in {where}"
    codec = sound.codec_context.codec.canonical_name if sound.codec_context is not None else "unknown"
    return None if codec in _SOUNDS[kind] else f"{_codec_name(codec)} sound in {where}"


def _container_name(container: InputContainer, kind: str) -> str:
    if kind == "mov" and container.metadata.get("major_brand", "").strip() == "qt":
        return "MOV"
    return _CONTAINERS.get(kind, kind.upper())


def _codec_name(codec: str) -> str:
    if codec.startswith("pcm_"):
        return "PCM"
    return _CODECS.get(codec, codec.upper())


def _unusual(pix_fmt: str | None) -> str | None:
    """Return what is unusual in a pixel format, with {} for the codec, or None for 8 bits at 4:2:0."""
    if pix_fmt in _FORMATS:
        return None
    bits = VideoFormat(pix_fmt).components[0].bits if pix_fmt else 8
    chroma = _CHROMA.search(pix_fmt or "")
    words = [f"{bits}-bit"] if bits != 8 else []
    words += [":".join(chroma[0])] if chroma is not None and chroma[0] != "420" else []
    return " ".join([*words, "{}"]) if words else f"{{}} ({pix_fmt or 'of an unknown pixel format'})"
