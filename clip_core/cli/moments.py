"""Write the moments of a video: ``moments`` as data, ``report`` as a page, ``clips`` as clips and pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal, TypeAlias

import click

from clip_core.analysis.export_bundle import (
    MOST_PICTURES,
    ExportBundle,
    make_report,
    moments_file,
    source_in_file,
    timeline_of,
)
from clip_core.cli import terminal
from clip_core.cli.files import check_file, check_folder, read_file, write_file
from clip_core.cli.options import INCOMPLETE, VIDEO, Options, about, command, place, text
from clip_core.cli.scoring import CANDIDATES, find_bundle, moment_count, moment_options, tell_verdicts
from clip_core.errors import ClipVideoError, StoreError, VideoError, shown_name
from clip_core.export.formats import MOMENT_FORMATS
from clip_core.export.read_moments import LIST_SUFFIXES, MOST_BYTES, read_moments
from clip_core.files import named_after
from clip_core.indexing.thumbnails import peak_pts, thumbnails_of
from clip_core.library.identify import file_stamp, known_video, record_of, reindex_error, stamp_of
from clip_core.media.export_media import ExportRequest, export_media
from clip_core.media.exports_folder import CLIPS_ZIP, REEL
from clip_core.media.reel import FileMoment, make_reel
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, counted, size_text
from clip_core.types import Image, Moment, Progress, VideoRecord
from clip_core.video import open_video
from clip_core.video.opening import SharedVideo

ALL = "all"
FORMATS = f"{', '.join(MOMENT_FORMATS)}, with commas between, or {ALL} (default: csv)"
Pictures: TypeAlias = Literal["jpeg", "png"] | None


@command(
    "moments holiday.mp4 --prompts prompts.txt --format csv,otio,vtt --out found",
    'moments holiday.mp4 --prompt "a dog" --confidence 90 --candidates',
    'moments holiday.mp4 --prompt "a dog" --unit z --threshold 2.5',
    shared=[*moment_options(), CANDIDATES],
)
@click.option("--format", "formats", metavar="F", type=text, default="csv", help=FORMATS)
@click.option("--out", metavar="DIR", type=place, help="a folder (default: standard output, one format)")
def run_moments(options: Options, video: str, formats: str, out: str | None) -> None:
    """Find the moments of an indexed video as the page does, and write them for other tools.

    VIDEO is named as for `index`.
    """
    kinds, targets = _kinds(formats), {}
    if out is not None:
        check_folder(out)
        targets = {kind: str(Path(out) / MOMENT_FORMATS[kind].file_name) for kind in kinds}
    elif len(kinds) > 1:
        raise ClipVideoError("Several formats need a folder.", "Give one: --out DIR")
    elif MOMENT_FORMATS[kinds[0]].binary:
        raise ClipVideoError(
            f"{MOMENT_FORMATS[kinds[0]].title} is not text for a terminal.", "Give a folder: --out DIR"
        )
    bundle = find_bundle(options.video_path(video), options)
    for target in targets.values():
        check_file(target, video=bundle.path)
    for kind, target in targets.items():
        write_file(target, moments_file(kind, bundle))
    if out is None:
        terminal.write(moments_file(kinds[0], bundle).decode())
    else:
        names = ", ".join(map(shown_name, targets.values()))
        terminal.line(f"{bundle.record.name}: {moment_count(bundle)} in {out}: {names}")
    tell_verdicts(bundle)
    if bundle.source.note and any(MOMENT_FORMATS[kind].counts_frames for kind in kinds):
        terminal.note(bundle.source.note)
    for left_out in filter(None, (MOMENT_FORMATS[kind].left_out for kind in kinds)):
        if said := left_out(bundle.selection):
            terminal.note(said)
    options.tell_notices()


def _kinds(formats: str) -> list[str]:
    """Return the formats of a list with commas, each once, in its order."""
    names = [name.strip().lower() for name in formats.split(",") if name.strip()]
    for name in names:
        if name not in (*MOMENT_FORMATS, ALL):
            known = ", ".join((*MOMENT_FORMATS, ALL))
            raise ClipVideoError(f"There is no format “{shown_name(name, 20)}”.", f"There are: {known}.")
    if not names:
        raise ClipVideoError("No format is given.", "Such as: --format csv,otio,vtt")
    return list(MOMENT_FORMATS) if ALL in names else list(dict.fromkeys(names))


@command("report holiday.mp4 --prompts prompts.txt --out report.html", shared=[*moment_options(), CANDIDATES])
@click.option("--out", metavar="FILE", type=place, required=True, help="where to write the page")
def run_report(options: Options, video: str, out: str) -> None:
    """Write all that was found as one HTML page that opens offline.

    It holds the video, the model, the settings, the chart, and each moment with the picture of its peak. VIDEO is
    named as for `index`.
    """
    path = options.video_path(video)
    check_file(out, video=path)
    bundle = find_bundle(path, options)
    pictures, note = _pictures(bundle, options.store)
    timeline = timeline_of(bundle.detection, bundle.detection.moments)
    write_file(out, make_report(bundle, timeline, pictures, note))
    terminal.line(f"{bundle.record.name}: {moment_count(bundle)} in {out}")
    options.tell_notices()


def _pictures(bundle: ExportBundle, store: EmbeddingStore) -> tuple[dict[float, bytes], str]:
    """Return time of each peak → JPEG, and why some are missing: those that are stored are taken even then."""
    record, path = bundle.record, Path(bundle.path)
    pts = peak_pts(bundle.moments[:MOST_PICTURES], bundle.detection.scores, record)
    try:
        stamp = stamp_of(path, record.video_id, store)
        with closing(SharedVideo(path, record.video_id, record.table, stamp)) as video:

            def picture(frame_pts: int) -> Image:
                place = int((record.table.pts == frame_pts).argmax())
                return video.frame_at(float(record.table.times_s[place])).rgb

            jpegs = thumbnails_of(record.video_id, list(pts.values()), store, picture, patience_s=math.inf)
        note = ""
    except (VideoError, StoreError) as error:
        terminal.note(error.line)
        jpegs = {}
        with suppress(StoreError):
            jpegs = store.thumbnails(record.video_id, list(pts.values()))
        note = f"{'Some pictures are missing' if jpegs else 'There are no pictures'}: {error.what}"
    return {peak_s: jpegs[p] for peak_s, p in pts.items() if p in jpegs}, note


@command("clips holiday.mp4 --moments moments.csv --out clips --frames jpeg", shared=[VIDEO])
@click.option("--moments", "listed", metavar="FILE", type=place, required=True,
              help="CSV (start_s, end_s, prompt, peak_s), OTIO, WebVTT, SRT, or a list of another tool")  # fmt: skip
@click.option("--out", metavar="FOLDER", type=place, required=True, help="where to write; created if needed")
@click.option("--fast", is_flag=True, help="copy without encoding, from the keyframe before")
@click.option("--frames", type=click.Choice(("jpeg", "png")), help="also write the frame at each moment's peak")
@click.option("--zip", "packed", is_flag=True, help="put all into one ZIP instead of single files")
@click.option("--reel", is_flag=True, help="join the moments into one film, reel.mp4, instead of single files")
def run_clips(
    options: Options, video: str, listed: str, out: str, fast: bool, frames: Pictures, packed: bool, reel: bool
) -> int:
    """Write each moment of a list as a clip (MP4), cut exactly: decoded and encoded again.

    With --fast its packets are copied as they are, so a clip begins at the keyframe before. VIDEO is named as for
    `index`; it need not be indexed. Clips and pictures that cannot be made are named; the exit code is 3 then.
    """
    if reel and (fast or frames or packed):
        raise ClipVideoError("--reel writes one film.", "Leave out --fast, --frames and --zip.")
    path, store = options.video_path(video), options.store
    moments, content = _read(listed, lambda: _first_frame_s(path, store))
    if not moments:
        terminal.line(f"There are no moments in {shown_name(listed)}: nothing to cut.")
        return 0
    if reel:
        return _write_reel(options, path, moments, Path(out) / REEL)
    kept = "Nothing of the ZIP is kept." if packed else "Only finished files are kept."
    with about(path), terminal.when_stopped(kept):
        stamp = file_stamp(Path(path))
        record = known_video(path, store, stamp)
        # The times of an indexed video are known, unless it must be indexed again: its frames need not be looked for.
        is_known = record is not None and record.table.confirmed and reindex_error(record, store) is None
        table = record.table if record is not None and is_known else None
        suffix = Path(listed).suffix.lower()
        name = f"moments{suffix if suffix in LIST_SUFFIXES else '.csv'}"
        request = ExportRequest(
            tuple(moments),
            clip_mode="fast" if fast else "exact",
            pictures=frames,
            zip_name=named_after(path, CLIPS_ZIP) if packed else None,
            texts={name: content} if packed else {},
        )
        last = terminal.run_shown(export_media(path, request, Path(out), table=table, stamp=stamp), path, _work_counted)
    _tell_written(last, len(moments))
    options.tell_notices()
    return INCOMPLETE if last.failed else 0


def _write_reel(options: Options, path: str, moments: Sequence[Moment], target: Path) -> int:
    """Join moments into one film; return the exit code."""
    with about(path), terminal.when_stopped("Nothing of the film is kept."):
        stamp = file_stamp(Path(path))
        record = known_video(path, options.store, stamp)
        if record is None or reindex_error(record, options.store) is not None:
            record = _new_record(path)
        code = write_reel([FileMoment(path, record, moment, stamp) for moment in moments], target, path)
    options.tell_notices()
    return code


def write_reel(pieces: Sequence[FileMoment], target: Path, name: str) -> int:
    """Join moments into one film below a bar with ``name``, say what is in it, and return the exit code."""
    last = terminal.run_shown(make_reel(pieces, target), name, _work_counted)
    for warning in last.warnings:
        terminal.note(warning)
    length = clock(sum(clip.end_s - clip.start_s for clip in last.clips))
    terminal.line(f"{counted(len(last.clips), 'moment')} in {target}, {length} long")
    return INCOMPLETE if last.failed else 0


def _new_record(path: str) -> VideoRecord:
    with open_video(path) as video:
        return record_of(video, "", None)


def _first_frame_s(path: str, store: EmbeddingStore) -> float:
    """Return when the first frame of a video is shown, in seconds from the start of the file."""
    record = known_video(path, store) or _new_record(path)
    return float(source_in_file(record, path).first_frame_s)


def _read(path: str, first_frame_s: Callable[[], float]) -> tuple[list[Moment], bytes]:
    """Return the moments in a file, and the file as it is."""
    content = read_file(path, MOST_BYTES, "--moments")
    if len(content) > MOST_BYTES:
        size = size_text(max(len(content), Path(path).stat().st_size))  # a device says that it has 0 bytes
        what = f"{shown_name(path)} has {size}: that is not a list of moments."
        raise ClipVideoError(what, f"At most {MOST_BYTES // 10**6} MB.")
    return read_moments(content, shown_name(path), first_frame_s), content


def _work_counted(progress: Progress) -> str:
    done, total = progress.done, progress.total
    counts = {
        "clips": f"{done:.1f} of {total:.1f} s cut",
        "frames": f"{done:.0f} of {total:.0f} frames",
        "zip": f"{size_text(done)} of {size_text(total)} packed",
        "done": counted(len(progress.files), "file"),
    }
    return counts[progress.stage] + terminal.time_left(progress.seconds_left)


def _tell_written(last: Progress, listed: int) -> None:
    for warning in last.warnings:
        terminal.note(warning)
    for clip in last.clips:
        times = f"{clock(clip.start_s)} to {clock(clip.end_s)}"
        terminal.line(f"{clip.path.name}: {times}, {counted(clip.frames, 'frame')}")
    packed = next((file for file in last.files if file.suffix == ".zip"), None)
    moments = counted(listed, "moment")
    if packed is not None:
        terminal.line(f"{moments} in {packed}, {size_text(packed.stat().st_size)}")
    else:
        pictures = sum(1 for file in last.files if file.suffix in (".jpg", ".png"))
        also = f" and {pictures} pictures" if pictures else ""
        terminal.line(f"{moments}: {len(last.clips)} clips{also} in {last.files[0].parent}")
