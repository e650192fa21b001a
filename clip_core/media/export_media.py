"""Export clips and pictures of moments, with progress."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from clip_core.errors import ClipVideoError, ExportError, MomentExportError, VideoDecodeError, shown_name
from clip_core.files import lock_folder, numbered_name, sweep, unique_part, whole_file
from clip_core.media.clips import ClipMode, cut_clips
from clip_core.media.exports_folder import ProgressMeter, guarded, make_folder, need_spare, refuse_source, write_whole
from clip_core.media.original import open_original, piece_of, slack_of
from clip_core.text import clock, short_prompt
from clip_core.types import Clip, Image, Moment, Progress, TimeTable
from clip_core.video.drawing import picture_file

_PIECE_BYTES = 1 << 20
# Already compressed: deflating them again takes time and saves nothing.
_MEDIA = frozenset([".mp4", ".mkv", ".jpg", ".png"])
# No separator, drive, leading or trailing dot, or anything else that leads out of the folder where it is unpacked.
_SAFE = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._ -]{0,198}[A-Za-z0-9_-])?")


def pack_zip(
    target: Path, files: Sequence[Path], texts: Mapping[str, bytes] | None = None
) -> Generator[Progress, None, None]:
    """Pack files into a ZIP. Closing the iterator cancels and leaves no ZIP.

    Args:
        target: Path of the ZIP; an existing file is replaced at the end, in one step.
        files: Each is packed under its own name, without its folder. Media are stored uncompressed.
        texts: Further files by name, such as moments.csv; compressed.

    Yields:
        Progress in bytes: at once, four times a second, and twice at the end: before and after the ZIP is in place.

    Raises:
        ExportError: A name is unsafe or occurs twice, a file is gone, or the ZIP cannot be written.
    """
    texts = texts or {}
    _check_names([*(file.name for file in files), *texts])
    with guarded():
        meter = ProgressMeter("zip", sum(file.stat().st_size for file in files) + sum(map(len, texts.values())))
    need_spare(target.parent, int(meter.total))
    with guarded(), whole_file(target) as part:
        yield meter.report()
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name, content in texts.items():
                archive.writestr(_entry(name), content)
                meter.done += len(content)
            for file in files:
                yield from _add(archive, file, meter)
        meter.done = meter.total
        yield meter.report()  # the last chance to cancel
    meter.files.append(target)
    yield meter.report()


def _add(archive: zipfile.ZipFile, file: Path, meter: ProgressMeter) -> Iterator[Progress]:
    with file.open("rb") as source, archive.open(_entry(file.name), "w", force_zip64=True) as entry:
        while piece := source.read(_PIECE_BYTES):
            entry.write(piece)
            meter.done += len(piece)
            if meter.due():
                yield meter.report()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.localtime()[:6])
    entry.compress_type = zipfile.ZIP_STORED if Path(name).suffix in _MEDIA else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if _SAFE.fullmatch(name) is None:
            raise ExportError(f"{shown_name(name)} is not a safe file name for a ZIP.", "Rename it.")
    if len({name.lower() for name in names}) < len(names):
        raise ExportError("Two files in a ZIP cannot have the same name.", "Rename one of them.")


PictureKind: TypeAlias = Literal["jpeg", "png"]

_EXTENSIONS: dict[PictureKind, str] = {"jpeg": "jpg", "png": "png"}
_NAMELESS = "frame"
# Of clips and pictures that are being written, named by numbered_name: in a folder of the user's, it is no user's own.
_PARTS = re.compile(r"\.\d{3,}_[a-z0-9-]{1,42}_\d+m\d\d\.\d{3}s\.(mp4|mkv|jpg|png)\.part")


def save_frames(
    path: str | Path,
    wanted: Sequence[Moment | float],
    folder: Path,
    *,
    kind: PictureKind = "jpeg",
    table: TimeTable | None = None,
    stamp: tuple[int, int] | None = None,
) -> Generator[Progress, None, None]:
    """Write single frames in full size. Closing the iterator cancels; finished pictures stay.

    Args:
        path: The video file, or the pattern of a sequence of images.
        wanted: Moments, for the frame at the peak, or times in seconds, for the frame on screen then.
        folder: Output folder; created if it does not exist.
        kind: "jpeg" (quality 95) or "png" (lossless).
        table, stamp: See ``cut_clips``.

    Yields:
        Progress in pictures: at once, up to four times a second, and once at the end. ``files`` are in the order of
        writing, which is by time.

    Raises:
        ExportError: A file cannot be written, or a time lies outside the video. If some pictures can be made, the
            others are named among the warnings.
        VideoError: Not one frame can be decoded, or the video changed meanwhile or is gone.
    """
    named = [_named(each) for each in wanted]
    with open_original(path, table, stamp) as original:
        for _, time_s in named:
            piece_of(original.video.table, time_s, time_s)
        make_folder(folder)
        meter = ProgressMeter("frames", len(named), warnings=original.warnings)
        yield meter.report()
        for place in sorted(range(len(named)), key=lambda k: named[k][1]):  # in time order few need a seek
            prompt, time_s = named[place]
            need_spare(folder)
            target = folder / numbered_name(place + 1, prompt, time_s, _EXTENSIONS[kind])
            refuse_source(target, original.path)
            with meter.naming(f"“{short_prompt(prompt)}” at {clock(time_s)} has no picture", original.check):
                frame = original.video.frame_at(time_s=time_s + slack_of(time_s))
                original.check()
                write_whole(target, _encoded(frame.rgb, kind))
                meter.files.append(target)
            meter.done += 1
            if meter.due():
                yield meter.report()
        yield meter.report()
        meter.check()


def _encoded(rgb: Image, kind: PictureKind) -> bytes:
    try:
        return picture_file(rgb, png=kind == "png")
    except ValueError as error:
        raise MomentExportError(str(error), "Choose PNG.") from error


def _named(wanted: Moment | float) -> tuple[str, float]:
    return (wanted.prompt, wanted.peak_s) if isinstance(wanted, Moment) else (_NAMELESS, float(wanted))


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Which files to make of a video's moments.

    Attributes:
        moments: The moments.
        clip_mode: How clips are made, "exact" or "fast"; None makes no clips.
        pictures: Format of the pictures of the peaks, "jpeg" or "png"; None makes no pictures.
        zip_name: Name of a ZIP for all files, such as "clips.zip"; None writes separate files.
        texts: Further files by name, such as moments.csv.
    """

    moments: tuple[Moment, ...]
    clip_mode: ClipMode | None = "exact"
    pictures: PictureKind | None = None
    zip_name: str | None = None
    texts: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """32 hex digits that identify the request."""
        parts = (self.moments, self.clip_mode, self.pictures, self.zip_name, sorted(self.texts.items()))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def export_media(
    path: str | Path,
    request: ExportRequest,
    folder: Path,
    *,
    table: TimeTable | None = None,
    stamp: tuple[int, int] | None = None,
) -> Generator[Progress, None, None]:
    """Make the requested files. Closing the iterator cancels and leaves no partial file, and no ZIP.

    Args:
        path: The video file, or the pattern of a sequence of images.
        request: Which files to make.
        folder: Output folder; created if it does not exist.
        table, stamp: See ``cut_clips``.

    Yields:
        Progress of each stage, and at the end one with the stage "done": its ``files`` are the written files, its
        ``clips`` say where each clip really begins and ends (in a ZIP their paths are names), and its ``failed``
        counts the clips and pictures that could not be made.

    Raises:
        ExportError, VideoError: See ``cut_clips``, ``save_frames`` and ``pack_zip``. If no clip can be made but
            pictures can, or the other way round, nothing is raised.
    """
    with workplace(folder, request.zip_name is not None) as place:
        files: list[Path] = []
        clips: tuple[Clip, ...] = ()
        warnings: tuple[str, ...] = ()
        errors: list[ClipVideoError] = []
        failed = 0
        for stage in _stages(path, request, place, table, stamp):
            progress = Progress(0, 1)
            with closing(stage) as run:
                try:
                    for progress in run:
                        yield replace(progress, files=(*files, *progress.files))
                except (MomentExportError, VideoDecodeError) as error:
                    errors.append(error)
            files += progress.files
            clips, warnings = clips + progress.clips, (*warnings, *progress.warnings)
            failed += progress.failed
        if errors and not files:
            raise errors[0]
        make_folder(folder)
        if request.zip_name is not None:
            yield from pack_zip(folder / request.zip_name, files, request.texts)
            clips = tuple(replace(clip, path=Path(clip.path.name)) for clip in clips)
            files = [folder / request.zip_name]
        else:
            for name, content in request.texts.items():
                write_whole(folder / Path(name).name, content)
                files.append(folder / Path(name).name)
    done = Progress(1, 1, seconds_left=0.0, stage="done", warnings=warnings, files=tuple(files), clips=clips)
    yield replace(done, failed=failed)


def _stages(
    path: str | Path, request: ExportRequest, place: Path, table: TimeTable | None, stamp: tuple[int, int] | None
) -> Iterator[Generator[Progress, None, None]]:
    if request.clip_mode is not None:
        yield cut_clips(path, request.moments, place, kind=request.clip_mode, table=table, stamp=stamp)
    if request.pictures is not None:
        yield save_frames(path, request.moments, place, kind=request.pictures, table=table, stamp=stamp)


@contextmanager
def workplace(folder: Path, hidden: bool) -> Iterator[Path]:
    """Yield the folder itself, or a hidden folder in it that is deleted at the end."""
    sweep(folder, _PARTS)
    if not hidden:
        yield folder
        return
    place = unique_part(folder)
    make_folder(place)
    handle = lock_folder(place)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        if handle is not None:
            os.close(handle)
