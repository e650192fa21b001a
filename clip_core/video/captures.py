"""Opening files with OpenCV, so that no file can make its FFmpeg read another file or an address."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.errors import VideoError, shown_name
from clip_core.video.framing import lacks_moov
from clip_core.video.magic import container_of

if TYPE_CHECKING:
    import cv2

# FFmpeg's names, as for PyAV; read by OpenCV's FFmpeg each time that it opens a file.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf"
_OPTIONS = f"format_whitelist;{_FORMATS}|protocol_whitelist;file"
_CONTAINERS = ("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "ogg", "asf")


def open_capture(path: Path, *, packets: bool = False) -> cv2.VideoCapture:
    """Open a file that ``container_of`` knows as a container of moving pictures, and no other.

    Args:
        path: A regular file. It is made absolute, so that no part of it can be read as a protocol; nothing but
            FFmpeg gets it, so that no ``%`` in its name is read as a pattern.
        packets: Whether ``retrieve`` gives packets as they are stored, instead of pictures.

    Raises:
        VideoError: It is no such container, or OpenCV cannot read it.
    """
    name = shown_name(path)
    try:
        address = str(path.absolute())
        address.encode()  # OpenCV crashes the process on a name that is no text
        known = container_of(path) in _CONTAINERS
    except UnicodeError as error:
        raise VideoError(f"The name of {name} is not valid Unicode.", "Rename the file.") from error
    except OSError as error:
        raise VideoError(f"{name} may not be read.", "Change its permissions.") from error
    if known:
        os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = _OPTIONS
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        import cv2

        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1] if packets else [])
        if capture.isOpened():
            return capture
        capture.release()
    if lacks_moov(path):
        raise VideoError(
            f"{name} is cut off: its index (moov) is missing, so no frame can be found in it.",
            "Copy or download it again; a recording that broke off needs a repair tool.",
        )
    raise VideoError(f"{name} is not a video that can be read.", "Choose a video file, such as MP4, MKV, WebM or AVI.")
