"""Sequences of images, read with OpenCV: each decodes on its own, so reading may start at any of them."""

from __future__ import annotations

import io
import os
from array import array
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clip_core.errors import VideoDecodeError, VideoError
from clip_core.types import Image, TimeTable
from clip_core.video.base import MAX_DURATION_S, MAX_PIXELS, SeenFrames, VideoInfo
from clip_core.video.forward import ForwardVideo, PendingFrame, first_picture
from clip_core.video.pictures import EXIF_ORIENTATIONS, ORIENTATION_TAG, Orientation, on_white
from clip_core.video.sequence import ImageSequence
from clip_core.video.watched import WatchedPictures

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImageFile

MAX_IMAGE_BYTES = 1024**3
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
_TAIL_BYTES = 65536
# Reading the head of one picture takes about a tenth of a millisecond.
_MOST_HEADS = 256
_EXTRA_SAMPLES, _BITS = 338, 258
_BLENDED_ALPHA, _STRAIGHT_ALPHA = 1, 2
_PNG_END = b"IEND\xaeB\x60\x82"


@dataclass(frozen=True)
class ImageHead:
    """What the first bytes of an image say.

    Attributes:
        format: Pillow's name for it.
        width, height: In pixels.
        has_alpha: Whether it may be transparent.
        is_blended: Whether its colours come out of OpenCV as they lie on black: it lays TIFF of 8 bits there while it
            decodes, and some TIFF are stored so.
        orientation: How it must still be turned when OpenCV has decoded it with its transparency.
    """

    format: str
    width: int
    height: int
    has_alpha: bool
    is_blended: bool = False
    orientation: Orientation = field(default_factory=Orientation)


def read_head(data: bytes | Path) -> ImageHead | None:
    """Read the head of an image without decoding it.

    Args:
        data: The file, or its bytes.

    Returns:
        None if it is no PNG, JPEG, BMP, TIFF or WebP, or one of over 64 megapixels.
    """
    from PIL import Image as PillowImage

    opened = io.BytesIO(data) if isinstance(data, bytes) else data
    try:
        with PillowImage.open(opened, formats=_FORMATS) as image:
            alpha = "A" in image.getbands() or "transparency" in image.info
            extra, bits = _tiff_tag(image, _EXTRA_SAMPLES), _tiff_tag(image, _BITS)
            blended = extra == _BLENDED_ALPHA or (extra, bits) == (_STRAIGHT_ALPHA, 8)
            orientation = Orientation()
            if alpha and image.format != "TIFF":  # all other pictures are turned by OpenCV
                orientation = EXIF_ORIENTATIONS.get(image.getexif().get(ORIENTATION_TAG, 1), orientation)
            head = ImageHead(image.format or "", image.width, image.height, alpha, blended, orientation)
    except Exception:  # noqa: BLE001 - a hostile image may fail in any way; Pillow promises no class
        return None
    return head if head.width * head.height <= MAX_PIXELS else None


def _tiff_tag(image: PillowImageFile, tag: int) -> int | None:
    """Return the first value of a tag; None if there is none, or it is no TIFF."""
    values = getattr(image, "tag_v2", {}).get(tag)
    first = values[0] if isinstance(values, tuple) and values else values
    return first if isinstance(first, int) else None


def read_image(path: Path, is_same: Callable[[os.stat_result], bool] = lambda _: True) -> Image | None:
    """Decode one image file, see ``decode_image``; None also if it cannot be read, or its status is not accepted."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
            if not is_same(os.fstat(file.fileno())):
                return None
    except OSError:
        return None
    return decode_image(data)


def decode_image(data: bytes) -> Image | None:
    """Decode the content of an image file.

    Transparent places show white, 16 bits become 8, grey becomes RGB, and a photograph is turned as its
    camera says.

    Returns:
        uint8 (height, width, 3), red first; None if it is damaged, too large or no image.
    """
    import cv2

    head = read_head(data) if 0 < len(data) <= MAX_IMAGE_BYTES else None
    if head is None:
        return None
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # a broken image would tell the terminal
    flags = cv2.IMREAD_UNCHANGED if head.has_alpha else cv2.IMREAD_COLOR
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if bgr is None or bgr.dtype not in (np.uint8, np.uint16) or bgr.shape[0] * bgr.shape[1] > MAX_PIXELS:
            return None
        if head.has_alpha and bgr.ndim == 2:
            clear = decode_rgba(data, head.format)
            return None if clear is None else head.orientation.upright(on_white(clear))
        return head.orientation.upright(_rgb(bgr, is_blended=head.is_blended))
    except cv2.error:
        return None


def decode_rgba(data: bytes, kind: str) -> Image | None:
    """Decode with Pillow, which sees the transparency of grey pictures; it turns a TIFF upright by itself.

    Args:
        data: The content of a file whose head was checked.
        kind: Pillow's name of its format.

    Returns:
        uint8 (height, width, 4), red first and straight alpha last; None if it is damaged.
    """
    from PIL import Image as PillowImage

    try:
        with PillowImage.open(io.BytesIO(data), formats=[kind]) as image:
            if image.mode != "I;16":
                return np.asarray(image.convert("RGBA"), dtype=np.uint8)
            grey = np.asarray(image)  # Pillow makes no colours of it
            alpha = np.where(grey == image.info.get("transparency", -1), 0, 255)
            return np.dstack([*[grey >> 8] * 3, alpha]).astype(np.uint8)
    except Exception:  # noqa: BLE001 - a hostile image may fail in any way; Pillow promises no class
        return None


def _rgb(picture: np.ndarray, *, is_blended: bool) -> Image:
    """Turn grey, BGR or BGRA of 8 or 16 bits into RGB on white; blended colours already lie on black."""
    import cv2

    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.shape[2] == 4:
        picture = cv2.add(picture[:, :, :3], ~picture[:, :, 3:].repeat(3, axis=2)) if is_blended else on_white(picture)
    if picture.shape[2] == 1:
        picture = np.repeat(picture, 3, axis=2)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


class ImageSource:
    """The pictures of a sequence; one unit of ``pts`` is one number, so that holes keep the times true.

    A pass looks at the head of each file, and at the end of a PNG, and decodes only what is wanted: a picture that
    is broken in its middle is found out when it is asked for. One that has changed counts as damaged.
    """

    starts_anywhere = True

    def __init__(self, sequence: ImageSequence, watched: WatchedPictures) -> None:
        self._folder, self._watched = sequence.folder, watched
        self._names = [name for _, name in watched.files]
        numbers = np.array([number for number, _ in watched.files], dtype=np.int64)
        self._pts = numbers - numbers[0]
        self.time_base: Fraction = 1 / sequence.rate

    def claimed(self, start_pts: int) -> TimeTable:
        """Return the times of all files from ``start_pts`` on."""
        pts = array("q", self._pts[self._pts >= start_pts].tolist())
        return SeenFrames(pts, pts, 1).table(self.time_base, start_pts, None, confirmed=False)

    def frames(self, from_pts: int | None = None) -> Generator[PendingFrame, None, None]:
        """Yield the pictures in order, from exactly the first at or after ``from_pts``."""
        first = 0 if from_pts is None else int(np.searchsorted(self._pts, from_pts))
        for k in range(first, len(self._names)):
            path = self._folder / self._names[k]
            whole = _looks_whole(path) and self._watched.is_as_it_was(path.name)
            picture = partial(read_image, path, partial(self._watched.is_as_it_was, path.name))
            yield PendingFrame(int(self._pts[k]), 1, True, picture, damaged=not whole)

    def ends_early(self) -> bool:
        """Folders do not say how many pictures they should hold."""
        return False


def _looks_whole(path: Path) -> bool:
    """Whether the head of an image file, and the end of a PNG, are as they should be; no pixel is decoded."""
    head = read_head(path)
    if head is None or head.format != "PNG":
        return head is not None
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return _PNG_END in file.read()
    except OSError:  # it vanished since
        return False


def open_sequence(sequence: ImageSequence, table: TimeTable | None = None) -> ForwardVideo:
    """Open numbered images as a video and decode the first that can be decoded.

    Pictures that cannot be decoded are left out, like damaged frames of a video. Pictures of another size
    than the first are given as they are.

    Args:
        sequence: What its name says.
        table: When each is presented, if a pass over these very files confirmed it.

    Raises:
        VideoNotFoundError: No file fits the pattern.
        VideoError: It would last over 24 hours.
        VideoDecodeError: Not one of the pictures can be decoded.
    """
    watched = WatchedPictures(sequence)
    source = ImageSource(sequence, watched)
    numbers = [number for number, _ in watched.files]
    duration_s = float((numbers[-1] - numbers[0] + 1) / sequence.rate)
    if duration_s > MAX_DURATION_S:
        raise VideoError(
            f"{sequence.name} would be {duration_s / 3600:.1f} hours long, from number {numbers[0]} to {numbers[-1]}.",
            "The limit is 24 hours: number the pictures one after another, or cut them in parts.",
        )
    first = first_picture(source)
    if first is None:
        raise VideoDecodeError(
            f"Not one picture of {sequence.name} can be decoded.",
            "Check that they are PNG, JPEG, BMP, TIFF or WebP files.",
        )
    start_pts, picture = first
    shown = [sequence.folder / name for number, name in watched.files if number >= numbers[0] + start_pts]
    info = VideoInfo(
        path=sequence.path,
        name=sequence.name,
        size_bytes=watched.stamp[0],
        container="images",
        codec=Path(sequence.suffix).suffix[1:].lower() or sequence.suffix[1:].lower(),
        width=picture.shape[1],
        height=picture.shape[0],
        header_fps=float(sequence.rate),
        header_frame_count=len(numbers),
        header_duration_s=duration_s,
        decoder="OpenCV",
        reading=_reading(shown),
    )
    return ForwardVideo(info, source, start_pts, table, watched)


def _reading(paths: Sequence[Path]) -> str:
    """Return what is done to pictures like these, see ``VideoInfo``: of many, some spread evenly are looked at."""
    places = np.unique(np.linspace(0, len(paths) - 1, _MOST_HEADS).astype(int))
    clear = [head for place in places if (head := read_head(paths[place])) is not None and head.has_alpha]
    is_turned = any(head.orientation != Orientation() for head in clear)
    return ", ".join(["upright"] * is_turned + ["on white"] * bool(clear))
