"""Opening containers with FFmpeg, so that no file can make it read another file or an address."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from clip_core.errors import VideoError, shown_name
from clip_core.video.framing import is_webm, lacks_moov

# Names as FFmpeg gives them. Play lists (concat, hls, dash) are left out: they name other files.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,gif"
_NOT_A_VIDEO = "Choose a video file, such as MP4, MKV, WebM, AVI or TS."


def open_container(path: Path) -> InputContainer:
    """Open a regular file as a container of a known kind; FFmpeg stays silent.

    Args:
        path: The file. It is made absolute, so that no part of it can be read as a protocol.

    Raises:
        VideoError: It is no such container, or it is cut off before its index.
    """
    av.logging.set_level(None)  # any level makes decoder threads wait for the GIL: a deadlock when they are joined
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        # Tags need not be UTF-8, and nobody reads them here.
        return av.open(str(path.absolute()), container_options=options, metadata_errors="replace")
    except (av.error.FFmpegError, UnicodeError) as error:
        raise _refusal(path, error) from error


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
    """Return the first stream of moving pictures; cover pictures of a song do not count.

    Raises:
        VideoError: There is none, or nobody knows its codec.
    """
    covers = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & covers]
    name = shown_name(path)
    if not streams:
        sounds = ", ".join(sorted({stream.codec_context.name.upper() for stream in container.streams.audio}))
        holds = f" It holds sound only ({sounds})." if sounds else ""
        raise VideoError(f"{name} has no video stream.{holds}", _NOT_A_VIDEO)
    if streams[0].codec_context is None:
        raise VideoError(f"{name} has a video stream of an unknown codec.", "Convert it to H.264.")
    return streams[0]
