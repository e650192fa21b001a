"""Single frames of a video as picture files: the peaks of its moments, or those at given times."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from clip_core.files import numbered_name
from clip_core.media.writing import write_whole
from clip_core.pipeline.clip_plan import SLACK_S, make_folder, piece_of, refuse_source
from clip_core.pipeline.copy_source import open_original
from clip_core.pipeline.export_progress import Account, need_spare
from clip_core.values import Moment, Progress, TimeTable
from clip_core.video.drawing import picture_file

PictureKind: TypeAlias = Literal["jpeg", "png"]

_EXTENSIONS: dict[PictureKind, str] = {"jpeg": "jpg", "png": "png"}
_NAMELESS = "frame"


def save_frames(
    path: str | Path,
    wanted: Sequence[Moment | float],
    folder: Path,
    *,
    kind: PictureKind = "jpeg",
    table: TimeTable | None = None,
    stamp: tuple[int, int] | None = None,
) -> Generator[Progress, None, None]:
    """Write single frames in full size. Closing the iterator cancels: whole pictures stay.

    Args:
        path: The video file, or the pattern of a sequence of images.
        wanted: Moments, of which the frame at the peak is taken, or times in seconds: the frame on the screen then.
        folder: Where to write; made if it is not there.
        kind: "jpeg" (quality 95) or "png" (nothing is lost).
        table, stamp: See ``cut_clips``.

    Yields:
        Progress in pictures: at once, after each that took its time, and once at the end. Files stand in the order
        in which they were written: that of their times.

    Raises:
        ExportError: One cannot be written, or lies outside the video.
        VideoError: A frame cannot be decoded, or the video changed meanwhile or is gone.
    """
    named = [_named(each) for each in wanted]
    with open_original(path, table, stamp) as original:
        for _, time_s in named:
            piece_of(original.video.table, time_s, time_s)
        make_folder(folder)
        account = Account("frames", len(named))
        yield account.report()
        for place in sorted(range(len(named)), key=lambda k: named[k][1]):  # in a row, few of them need a seek
            prompt, time_s = named[place]
            need_spare(folder)
            target = folder / numbered_name(place + 1, prompt, time_s, _EXTENSIONS[kind])
            refuse_source(target, original.path)
            frame = original.video.frame_at(time_s=time_s + SLACK_S)
            original.check()
            write_whole(target, picture_file(frame.rgb, png=kind == "png"))
            account.files.append(target)
            account.done += 1
            if account.due():
                yield account.report()
        yield account.report()


def _named(wanted: Moment | float) -> tuple[str, float]:
    return (wanted.prompt, wanted.peak_s) if isinstance(wanted, Moment) else (_NAMELESS, float(wanted))
