"""``report``: write all that was found in a video as one HTML page that opens offline."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.findings import counted, outcome_of
from clip_core.cli.outfile import check_out, write_out
from clip_core.cli.shared import tell_notices, video_path
from clip_core.errors import StoreError, VideoError

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.pipeline.write_outcome import Outcome
    from clip_core.store.store import EmbeddingStore
    from clip_core.values import Image


def report(given: Namespace, config: Config, store: EmbeddingStore) -> int:
    """Run the command; return its exit code."""
    from clip_core.pipeline.make_report import make_report
    from clip_core.pipeline.timeline_of import timeline_of

    check_out(given.out, video_path(given.video, config))
    outcome = outcome_of(given, config, store)
    pictures, note = _pictures(outcome, store)
    write_out(given.out, make_report(outcome, timeline_of(outcome.findings, outcome.findings.moments), pictures, note))
    terminal.line(f"{outcome.record.name}: {counted(outcome)} in {given.out}")
    tell_notices(config)
    return 0


def _pictures(outcome: Outcome, store: EmbeddingStore) -> tuple[dict[float, bytes], str]:
    """Time of each peak → JPEG, and why some are missing: those that are stored are taken also then."""
    from clip_core.pipeline.draw_thumbnails import thumbnails_of
    from clip_core.pipeline.make_report import MOST_PICTURES
    from clip_core.pipeline.peak_pts import peak_pts
    from clip_core.video import open_video

    record = outcome.record
    pts = peak_pts(outcome.moments[:MOST_PICTURES], outcome.findings.scores, record)
    try:
        with open_video(outcome.path) as video:

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
