"""Containers opened safely with FFmpeg, and the stream of the video in one."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from clip_core.errors import VideoError, shown_name
from clip_core.video.container_bytes import is_webm, lacks_moov

# Names as FFmpeg gives them. Play lists (concat, hls, dash) are left out: they name other files.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,gif"
_PICTURE_BRANDS = ("avif", "avis", "mif1", "msf1", "heic", "heix", "heim", "heis")
_PICTURE_CODECS = ("mjpeg", "png", "bmp", "tiff", "webp", "jpegls", "gif", "ppm")
_NOT_A_VIDEO = "Choose a video file, such as MP4, MKV, WebM, AVI or TS."


def open_container(path: Path) -> InputContainer:
    """Open a regular file as a container of a known kind; FFmpeg stays silent.

    Args:
        path: The file. It is made absolute, so that no part of it can be read as a protocol.

    Raises:
        VideoError: It is not such a container, or it is cut off before its index.
    """
    av.logging.set_level(None)  # any level makes decoder threads wait for the GIL: a deadlock when they are joined
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        # Tags need not be UTF-8, and nobody reads them here.
        container = av.open(str(path.absolute()), container_options=options, metadata_errors="replace")
    except (av.error.FFmpegError, UnicodeError) as error:
        raise _refusal(path, error) from error
    if container.metadata.get("major_brand", "").strip() in _PICTURE_BRANDS:
        container.close()
        what = f"{shown_name(path)} is a picture in AVIF or HEIF, of which FFmpeg shows a part only."
        raise VideoError(what, "Convert it to PNG or JPEG, or to MP4 if it moves.")
    return container


def _refusal(path: Path, error: Exception) -> VideoError:
    name = shown_name(path)
    if isinstance(error, PermissionError):
        return VideoError(f"{name} may not be read.", "Change its permissions.")
    if lacks_moov(path):
        return VideoError(
            f"{name} is cut off: its index (moov) is missing, so no frame can be found in it.",
            "Copy or download it again; a recording that broke off needs a repair tool.",
        )
    return VideoError(f"{name} is not a video that can be read.", _NOT_A_VIDEO)


def container_name(container: InputContainer, path: Path) -> str:
    """Return the first of FFmpeg's names for the container; "webm" for a Matroska file that says so."""
    name = container.format.name.split(",")[0]
    return "webm" if name == "matroska" and is_webm(path) else name


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the stream that holds the video: the default one, else the largest of those with more than one picture.

    Cover pictures and thumbnails do not count, whether they are flagged as such or not. MP4 flags the first stream as
    the default by habit, so there the flag counts for another stream only.

    Raises:
        VideoError: There is none, or nobody knows its codec.
    """
    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    streams = [stream for stream in container.streams.video if not stream.disposition & covers]
    name = shown_name(path)
    if not streams:
        sounds = ", ".join(sorted({stream.codec_context.name.upper() for stream in container.streams.audio}))
        holds = f" It holds sound only ({sounds})." if sounds else ""
        raise VideoError(f"{name} has no video stream.{holds}", _NOT_A_VIDEO)
    known = [stream for stream in streams if stream.codec_context is not None]
    if not known:
        raise VideoError(f"{name} has a video stream of an unknown codec.", "Convert it to H.264.")
    return known[0] if len(known) == 1 else _main_stream(path, known, by_habit=container.format.name.startswith("mov"))


def _main_stream(path: Path, streams: list[VideoStream], *, by_habit: bool) -> VideoStream:
    lasting = [stream for stream in streams if not _is_still(path, stream)] or streams
    for stream in lasting[by_habit:] if lasting[0] is streams[0] else lasting:
        if stream.disposition & av.stream.Disposition.default:
            return stream
    return max(lasting, key=lambda stream: stream.codec_context.width * stream.codec_context.height)


def _is_still(path: Path, stream: VideoStream) -> bool:
    """Return whether a stream holds a single picture. A second container shows it, as AVI counts empty frames, too."""
    if stream.frames == 1 or stream.codec_context.name not in _PICTURE_CODECS:
        return stream.frames == 1
    with open_container(path) as container:
        packets = container.demux(container.streams[stream.index])
        return len(list(islice((packet for packet in packets if packet.size), 2))) < 2
