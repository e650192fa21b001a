"""``report``: write all that was found in a video as one HTML page that opens offline."""

from __future__ import annotations

import math
from contextlib import suppress

import click

from clip_core.analysis.export_bundle import MOST_PICTURES, ExportBundle, make_report, timeline_of
from clip_core.cli import terminal
from clip_core.cli.files import check_file, write_file
from clip_core.cli.options import CANDIDATES, Options, command, moment_options, place
from clip_core.cli.scoring import counted, find_bundle
from clip_core.errors import StoreError, VideoError
from clip_core.indexing.thumbnails import peak_pts, thumbnails_of
from clip_core.store.store import EmbeddingStore
from clip_core.types import Image
from clip_core.video import open_video


@command("report holiday.mp4 --prompts prompts.txt --out report.html", shared=[*moment_options(), CANDIDATES])
@click.option("--out", metavar="FILE", type=place, required=True, help="where to write the page")
def run(options: Options, video: str, out: str) -> None:
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
    terminal.line(f"{bundle.record.name}: {counted(bundle)} in {out}")
    options.tell_notices()


def _pictures(bundle: ExportBundle, store: EmbeddingStore) -> tuple[dict[float, bytes], str]:
    """Return time of each peak → JPEG, and why some are missing: those that are stored are taken even then."""
    record = bundle.record
    pts = peak_pts(bundle.moments[:MOST_PICTURES], bundle.detection.scores, record)
    try:
        with open_video(bundle.path) as video:

            def picture(wanted: int) -> Image:
                place = int((record.table.pts == wanted).argmax())
                return video.frame_at(time_s=float(record.table.times_s[place])).rgb

            found = thumbnails_of(record.video_id, list(pts.values()), store, picture, patience_s=math.inf)
        note = ""
    except (VideoError, StoreError) as error:
        terminal.note(error.line)
        found = {}
        with suppress(StoreError):
            found = store.thumbnails(record.video_id, list(pts.values()))
        note = f"{'Some pictures are missing' if found else 'There are no pictures'}: {error.what}"
    return {peak_s: found[p] for peak_s, p in pts.items() if p in found}, note
