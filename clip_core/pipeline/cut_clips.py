"""The moments of a video as clips: cut exactly, or copied fast from the keyframe before."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal, TypeAlias

from clip_core.pipeline.clip_plan import clip_names, make_folder, piece_of, refuse_source
from clip_core.pipeline.copy_source import open_original
from clip_core.pipeline.exact_clip import exact_clip
from clip_core.pipeline.export_progress import Account, need_spare
from clip_core.pipeline.fast_clip import fast_clip, fast_extension
from clip_core.values import Clip, Moment, Progress, TimeTable

Cut: TypeAlias = Literal["exact", "fast"]


def cut_clips(
    path: str | Path,
    moments: Sequence[Moment],
    folder: Path,
    *,
    kind: Cut = "exact",
    table: TimeTable | None = None,
    stamp: tuple[int, int] | None = None,
) -> Generator[Progress, None, None]:
    """Write a clip of each moment. Closing the iterator cancels: whole clips stay, nothing half-written does.

    An exact clip has the very frames with ``start_s <= time_s < end_s`` (at least one: that on the screen) at their
    own times, the first at 0, in H.264 at the video's full size, and the sound of that time in AAC. A fast one has
    the packets of the file as they are, so it begins at the keyframe at or before the start.

    Args:
        path: The video file, or the pattern of a sequence of images.
        moments: Which; a clip that is there by the same name is replaced.
        folder: Where to write; made if it is not there.
        kind: "exact" or "fast".
        table: When each frame is presented, if it was confirmed: saves a pass over some files.
        stamp: The file's ``file_stamp`` when it was identified: another file that lies there now is refused.

    Yields:
        Progress in seconds of video: at once, four times a second, after each clip, and once at the end.

    Raises:
        ExportError: A clip cannot be written, cannot be cut so, or a moment is none of this video.
        VideoError: The video cannot be read, changed meanwhile, or is gone.
    """
    with open_original(path, table, stamp) as original:
        pieces = [piece_of(original.video.table, moment.start_s, moment.end_s) for moment in moments]
        names = clip_names(moments, "mp4" if kind == "exact" else fast_extension(original.video))
        make_folder(folder)
        account = Account("clips", sum(piece.duration_s for piece in pieces))
        yield account.report()
        for moment, piece, name in zip(moments, pieces, names, strict=True):
            begun, target = account.done, folder / name
            refuse_source(target, original.path)
            need_spare(folder)
            cut = exact_clip if kind == "exact" else fast_clip
            with closing(cut(original, moment.start_s, moment.end_s, target)) as steps:
                account.clips.append((yield from _told(steps, account, folder)))
            account.files.append(target)
            account.warnings[:] = original.warnings
            account.done = begun + piece.duration_s
            yield account.report()
        account.done = account.total
        yield account.report()


def _told(steps: Generator[float, None, Clip], account: Account, folder: Path) -> Generator[Progress, None, Clip]:
    """Go through the steps of one clip, telling of them now and then; return it."""
    begun = account.done
    while True:
        try:
            account.done = begun + next(steps)
        except StopIteration as end:
            clip: Clip = end.value
            return clip
        if account.due():
            need_spare(folder)
            yield account.report()
