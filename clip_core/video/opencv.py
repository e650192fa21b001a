"""Videos read with OpenCV, where PyAV is missing: forwards, or from well before the target, never by a seek alone."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from copy import copy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clip_core.errors import VideoDecodeError, VideoError, shown_name
from clip_core.values import Image, TimeTable
from clip_core.video.base import MAX_DURATION_S, MAX_PIXELS, VideoInfo
from clip_core.video.captures import open_capture
from clip_core.video.forward import ForwardVideo, Shot
from clip_core.video.framing import is_cut_short
from clip_core.video.interlaced import may_be_interlaced
from clip_core.video.magic import container_of
from clip_core.video.promised import PromisedEnd

if TYPE_CHECKING:
    import cv2

# Only these have an index that names keyframes by time. Elsewhere a seek can end on pictures without their references.
_INDEXED = ("mov", "matroska", "webm")
_CODECS = {"avc1": "h264", "hev1": "hevc", "hvc1": "hevc", "vp80": "vp8", "vp90": "vp9", "av01": "av1", "fmp4": "mpeg4"}
_CODECS |= {"mjpg": "mjpeg", "flv1": "flv", "mpg2": "mpeg2video"}
_NANOSECONDS = 1_000_000_000
_MS = 1_000_000
_ROUNDING = 1000
_KEY = ord("I")
# OpenCV fails once for each frame that does not decode, and always at the end. After more than a few in a row what
# still comes is what the decoder had held back, made up from frames that are missing.
_FEW_FAILURES, _END_FAILURES = 30, 5000


class CaptureSource:
    """The frames of a container by OpenCV.

    OpenCV tells the time of each frame, but not the stream's time base: one unit of ``pts`` is a nanosecond from
    the first frame, which is finer than any container's clock. A frame without a time follows the one before
    at the header's rate.

    Args:
        path: The file, which has passed the probe.
        container: What it begins as.
        fps: The header's rate, for frames without a time.
        known: The table of this very file in nanoseconds, if it was confirmed: times that differ by rounding
            are taken for the same.
        promised: A fresh watch on whether the frames reach the end that the header promises.
    """

    time_base = Fraction(1, _NANOSECONDS)
    walk_frames = 120

    def __init__(
        self,
        path: Path,
        container: str,
        fps: float,
        known: TimeTable | None = None,
        promised: PromisedEnd | None = None,
    ) -> None:
        self._path, self._container = path, container
        self._known = np.empty(0, np.int64) if known is None else known.pts
        self._step = round(_NANOSECONDS / fps)
        self.margin_s: float | None = 2.0 if container in _INDEXED else None
        self.left_out = 0
        self._broken = self._missed = False
        self._promised = promised

    def claimed(self, start_pts: int) -> TimeTable | None:  # noqa: ARG002
        """OpenCV tells the time of a frame only once it is decoded."""
        return None

    def shots(self, from_pts: int | None = None) -> Generator[Shot, None, None]:
        """Yield all frames; or, in a container with an index, those from the first keyframe after a seek to there."""
        import cv2

        capture = open_capture(self._path)
        try:
            if not capture.grab():
                return
            start_ms = float(capture.get(cv2.CAP_PROP_POS_MSEC))
            if from_pts is not None and from_pts > 0 and self.margin_s is not None:
                capture.set(cv2.CAP_PROP_POS_MSEC, start_ms + from_pts / _MS)
                grabbed = _to_keyframe(capture)
                yield from self._rising(capture, start_ms, grabbed)
            else:
                watch = copy(self._promised)  # another iteration may begin before this one ends
                self.left_out, self._broken = yield from self._rising(capture, start_ms, True, watch)
                self._missed = watch is not None and watch.is_missed()
        finally:
            capture.release()

    def _rising(
        self, capture: cv2.VideoCapture, start_ms: float, grabbed: bool, watch: PromisedEnd | None = None
    ) -> Generator[Shot, None, tuple[int, bool]]:
        """Yield the frame at hand and those after it; return how many did not rise, and whether damage ended it."""
        import cv2

        last, left_out, failures = -1, 0, 0
        while grabbed and failures <= _FEW_FAILURES:
            now_ms = float(capture.get(cv2.CAP_PROP_POS_MSEC))
            untold = now_ms == 0.0 and last >= 0
            pts = self._snapped(last + self._step if untold else round((now_ms - start_ms) * _MS))
            if pts > last:
                last = pts
                if watch is not None and hasattr(cv2, "CAP_PROP_PTS"):  # OpenCV 4.10 lacks it
                    watch.see(pts / _NANOSECONDS, float(capture.get(cv2.CAP_PROP_PTS)))
                yield Shot(pts, 0, pts == 0, lambda: _picture(capture))
            else:
                left_out += 1
            grabbed, failures = _grab_next(capture)
        return left_out, grabbed

    def _snapped(self, pts: int) -> int:
        place = int(self._known.searchsorted(pts - _ROUNDING))
        near = int(self._known[place]) if place < len(self._known) else pts
        return near if near <= pts + _ROUNDING else pts

    def ends_early(self) -> bool:
        """Return whether the file, or what can be decoded of it, ends before its container says that it does."""
        return self._broken or self._missed or is_cut_short(self._path, self._container)


def _grab_next(capture: cv2.VideoCapture) -> tuple[bool, int]:
    """Go on to the next frame; return whether there is one, and how many did not decode before it."""
    for failures in range(_END_FAILURES):
        if capture.grab():
            return True, failures
    return False, _END_FAILURES


def _to_keyframe(capture: cv2.VideoCapture) -> bool:
    """Read on until a frame that stands for itself is at hand; return whether there is one."""
    import cv2

    while capture.grab():
        if int(capture.get(cv2.CAP_PROP_FRAME_TYPE)) == _KEY:
            return True
    return False


def _picture(capture: cv2.VideoCapture) -> Image | None:
    import cv2

    try:
        done, bgr = capture.retrieve()
    except cv2.error:
        return None
    if not done or bgr is None or bgr.ndim != 3 or bgr.shape[0] * bgr.shape[1] > MAX_PIXELS:
        return None
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def open_with_opencv(path: Path, *, video_id: str | None = None, table: TimeTable | None = None) -> ForwardVideo:
    """Open a video file with OpenCV and decode its first frame.

    What OpenCV does not tell, and PyAV does: which frames are broken, and where keyframes are (only the first
    counts as one). The table of times takes a pass over the whole file.

    Args:
        path: A regular file that is not empty.
        video_id: The SHA-256 of its bytes, if known.
        table: A confirmed table of this very file, in any units.

    Raises:
        VideoError: It is no video, or one beyond 64 megapixels a frame or 24 hours.
        VideoDecodeError: It is a video of which not one frame can be decoded, or an interlaced one.
    """
    capture = open_capture(path)
    container = container_of(path) or ""
    try:
        header = _header(capture, path, container)
    finally:
        capture.release()
    if may_be_interlaced(path):
        raise VideoDecodeError(f"{header.name} is interlaced, which OpenCV cannot turn into pictures.", "Install PyAV.")
    known = _in_nanoseconds(table)
    source = CaptureSource(path, container, header.header_fps or 25.0, known, PromisedEnd(path, header))
    with closing(source.shots()) as shots:
        decodable = ((shot.pts, picture) for shot in shots if (picture := shot.picture()) is not None)
        first = next(decodable, None)
    if first is None:
        raise VideoDecodeError(
            f"Not one frame of {header.name} can be decoded.", "Install PyAV, which knows more codecs."
        )
    start_pts, picture = first
    info = replace(header, width=picture.shape[1], height=picture.shape[0])
    if video_id is not None:
        vars(info)["video_id"] = video_id
    return ForwardVideo(info, source, start_pts, known)


def _in_nanoseconds(table: TimeTable | None) -> TimeTable | None:
    """Say a confirmed table in the units of a ``CaptureSource``; one that has them already stays."""
    if table is None or not table.confirmed or table.time_base == CaptureSource.time_base:
        return table
    pts = np.unique(np.rint(table.times_s * _NANOSECONDS).astype(np.int64))
    return TimeTable(pts, CaptureSource.time_base, 0, table.end_s, confirmed=True, key_pts=pts[:1])


def _header(capture: cv2.VideoCapture, path: Path, container: str) -> VideoInfo:
    """Return what the container claims, within the limits."""
    import cv2

    name = shown_name(path)
    width, height = (int(capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    fps, count = (float(capture.get(p)) for p in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT))
    duration_s = count / fps if fps > 0 and count > 0 else None
    if width * height > MAX_PIXELS:
        raise VideoError(
            f"{name} has frames of {width} × {height} pixels, over the limit of 64 megapixels.", "Scale it down."
        )
    if duration_s is not None and duration_s > MAX_DURATION_S:
        raise VideoError(f"{name} is {duration_s / 3600:.1f} hours long, over the limit of 24.", "Cut it in parts.")
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    codec = code.to_bytes(4, "little").decode("ascii", "replace").strip().lower()
    return VideoInfo(
        path=path,
        name=name,
        size_bytes=path.stat().st_size,
        container=container,
        codec=_CODECS.get(codec, codec),
        width=width,
        height=height,
        header_fps=fps if fps > 0 else None,
        header_frame_count=int(count) if count > 0 else None,
        header_duration_s=duration_s,
        decoder="OpenCV",
    )
