"""``clips``: write the moments of a video as clips and pictures."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.shared import STOPPED, about, need_file, tell_notices, video_path
from clip_core.errors import ClipVideoError, shown_name
from clip_core.text import clock, size_text

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.pipeline.export_media import Wish
    from clip_core.pipeline.export_progress import ExportProgress
    from clip_core.store.store import EmbeddingStore
    from clip_core.values import Moment, TimeTable


def clips(given: Namespace, config: Config, store: EmbeddingStore) -> int:
    """Run the command; return its exit code."""
    given.video = video_path(given.video, config)
    with about(given.video):
        need_file(given.video)
    moments, content = _read(given.moments)
    if not moments:
        terminal.line(f"There are no moments in {shown_name(given.moments)}: nothing to cut.")
        return 0
    with about(given.video):
        try:
            last = _run(given, _wish(given, moments, content), _confirmed_table(given.video, store))
        except KeyboardInterrupt:
            kept = "Nothing of the ZIP is kept." if given.zip else "Whole files are kept, and nothing else."
            terminal.note(f"Stopped. {kept}")
            return STOPPED
    _tell(last, len(moments))
    tell_notices(config)
    return 0


def _read(path: str) -> tuple[list[Moment], bytes]:
    """The moments in a file, and the file as it is."""
    from clip_core.export.read_moments import MOST_BYTES, read_moments

    try:
        if (size := Path(path).stat().st_size) > MOST_BYTES:
            what = f"{shown_name(path)} has {size_text(size)}: that is no list of moments."
            raise ClipVideoError(what, f"At most {MOST_BYTES // 10**6} MB.")
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no path"
        raise ClipVideoError(f"{shown_name(path)} cannot be read: {reason}.", "Check --moments.") from error
    return read_moments(content, shown_name(path)), content


def _wish(given: Namespace, moments: list[Moment], content: bytes) -> Wish:
    from clip_core.files import named_after
    from clip_core.pipeline.export_media import Wish
    from clip_core.pipeline.exports_folder import CLIPS_ZIP

    suffix = "otio" if content.lstrip().startswith(b"{") else "csv"
    return Wish(
        tuple(moments),
        cut="fast" if given.fast else "exact",
        pictures=given.frames,
        zip_name=named_after(given.video, CLIPS_ZIP) if given.zip else None,
        texts={f"moments.{suffix}": content} if given.zip else {},
    )


def _confirmed_table(path: str, store: EmbeddingStore) -> TimeTable | None:
    """When each frame is presented, if the video was indexed: then its frames are not looked for first."""
    from clip_core.pipeline.identify import known_video

    record = known_video(path, store)
    return record.table if record is not None and record.table.confirmed else None


def _run(given: Namespace, wish: Wish, table: TimeTable | None) -> ExportProgress:
    from clip_core.pipeline.export_media import export_media

    last: ExportProgress | None = None
    with (
        closing(export_media(given.video, wish, Path(given.out), table=table)) as run,
        terminal.ProgressBar(given.video) as bar,
    ):
        for progress in run:
            last = progress
            bar.tell(progress.share, _counts(progress), progress.stage == "done")
    assert last is not None  # noqa: S101 - it always tells of its end
    return last


def _counts(progress: ExportProgress) -> str:
    done, total = progress.done, progress.total
    parts = {
        "clips": f"{done:.1f} of {total:.1f} s cut",
        "frames": f"{done:.0f} of {total:.0f} frames",
        "zip": f"{size_text(done)} of {size_text(total)} packed",
        "done": f"{len(progress.files)} files",
    }
    left = f", {clock(progress.seconds_left, 0)} left" if progress.seconds_left else ""
    return parts[progress.stage] + left


def _tell(last: ExportProgress, count: int) -> None:
    from clip_core.text import clock

    for warning in last.warnings:
        terminal.note(warning)
    for clip in last.clips:
        name, frames = clip.path.name, "1 frame" if clip.frames == 1 else f"{clip.frames} frames"
        terminal.line(f"{name}: {clock(clip.start_s)} to {clock(clip.end_s)}, {frames}")
    packed = next((file for file in last.files if file.suffix == ".zip"), None)
    moments = "1 moment" if count == 1 else f"{count} moments"
    if packed is not None:
        terminal.line(f"{moments} in {packed}, {size_text(packed.stat().st_size)}")
    else:
        pictures = sum(1 for file in last.files if file.suffix in (".jpg", ".png"))
        also = f" and {pictures} pictures" if pictures else ""
        terminal.line(f"{moments}: {len(last.clips)} clips{also} in {last.files[0].parent}")
