"""``clips``: write the moments of a video as clips and pictures."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Literal, TypeAlias

import click

from clip_core.cli import terminal
from clip_core.cli.files import read_file
from clip_core.cli.options import VIDEO, Options, about, command, place
from clip_core.errors import ClipVideoError, shown_name
from clip_core.export.read_moments import MOST_BYTES, read_moments
from clip_core.files import named_after
from clip_core.library.identify import known_video
from clip_core.media.export_media import ExportRequest, export_media
from clip_core.media.exports_folder import CLIPS_ZIP
from clip_core.text import clock, size_text
from clip_core.types import Moment, Progress, TimeTable

Pictures: TypeAlias = Literal["jpeg", "png"] | None


@command("clips holiday.mp4 --moments moments.csv --out clips --frames jpeg", shared=[VIDEO])
@click.option("--moments", "listed", metavar="FILE", type=place, required=True,
              help="CSV (start_s, end_s, prompt, peak_s) or OTIO")  # fmt: skip
@click.option("--out", metavar="FOLDER", type=place, required=True, help="where to write; made if need be")
@click.option("--fast", is_flag=True, help="copy without encoding, from the keyframe before")
@click.option("--frames", type=click.Choice(("jpeg", "png")), help="also write the frame at each moment's peak")
@click.option("--zip", "packed", is_flag=True, help="put all into one ZIP instead of single files")
def run(options: Options, video: str, listed: str, out: str, fast: bool, frames: Pictures, packed: bool) -> None:
    """Write each moment of a list as a clip (MP4), cut exactly: decoded and encoded again.

    With --fast its packets are copied as they are, so a clip begins at the keyframe before. VIDEO is named as for
    `index`; it need not be indexed.
    """
    path, store = options.video_path(video), options.store
    moments, content = _read(listed)
    if not moments:
        terminal.line(f"There are no moments in {shown_name(listed)}: nothing to cut.")
        return
    kept = "Nothing of the ZIP is kept." if packed else "Whole files are kept, and nothing else."
    with about(path), terminal.when_stopped(kept):
        record = known_video(path, store)
        # The times of an indexed video are known: its frames need not be looked for first.
        table = record.table if record is not None and record.table.confirmed else None
        last = _export(path, _request(path, moments, content, fast, frames, packed), Path(out), table)
    _tell(last, len(moments))
    options.tell_notices()


def _read(path: str) -> tuple[list[Moment], bytes]:
    """Return the moments in a file, and the file as it is."""
    content = read_file(path, MOST_BYTES, "--moments")
    if len(content) > MOST_BYTES:
        what = f"{shown_name(path)} has {size_text(Path(path).stat().st_size)}: that is no list of moments."
        raise ClipVideoError(what, f"At most {MOST_BYTES // 10**6} MB.")
    return read_moments(content, shown_name(path)), content


def _request(
    path: str, moments: list[Moment], content: bytes, fast: bool, frames: Pictures, packed: bool
) -> ExportRequest:
    suffix = "otio" if content.lstrip().startswith(b"{") else "csv"
    name, texts = (named_after(path, CLIPS_ZIP), {f"moments.{suffix}": content}) if packed else (None, {})
    return ExportRequest(
        tuple(moments), clip_mode="fast" if fast else "exact", pictures=frames, zip_name=name, texts=texts
    )


def _export(path: str, request: ExportRequest, out: Path, table: TimeTable | None) -> Progress:
    last: Progress | None = None
    with closing(export_media(path, request, out, table=table)) as run, terminal.ProgressBar(path) as bar:
        for progress in run:
            last = progress
            bar.update(progress.share, _counts(progress), progress.stage == "done")
    assert last is not None  # noqa: S101 - its last progress is always "done"
    return last


def _counts(progress: Progress) -> str:
    done, total = progress.done, progress.total
    counts = {
        "clips": f"{done:.1f} of {total:.1f} s cut",
        "frames": f"{done:.0f} of {total:.0f} frames",
        "zip": f"{size_text(done)} of {size_text(total)} packed",
        "done": f"{len(progress.files)} files",
    }
    return counts[progress.stage] + terminal.time_left(progress.seconds_left)


def _tell(last: Progress, listed: int) -> None:
    for warning in last.warnings:
        terminal.note(warning)
    for clip in last.clips:
        times = f"{clock(clip.start_s)} to {clock(clip.end_s)}"
        terminal.line(f"{clip.path.name}: {times}, {terminal.count(clip.frames, 'frame')}")
    packed = next((file for file in last.files if file.suffix == ".zip"), None)
    moments = terminal.count(listed, "moment")
    if packed is not None:
        terminal.line(f"{moments} in {packed}, {size_text(packed.stat().st_size)}")
    else:
        pictures = sum(1 for file in last.files if file.suffix in (".jpg", ".png"))
        also = f" and {pictures} pictures" if pictures else ""
        terminal.line(f"{moments}: {len(last.clips)} clips{also} in {last.files[0].parent}")
