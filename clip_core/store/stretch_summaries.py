"""What is known of all stretches of a video together: how many frames they hold, and how high neutral texts come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clip_core.store.errors import asked_again
from clip_core.store.tables import StorePart, Table, columns_of, of_video, of_videos, plain_id, stamp
from clip_core.stretches import StretchSummary
from clip_core.types import Floats

SUMMARIES = "summaries_"
"""A table's name is this and the model's fingerprint."""
COLUMNS = columns_of("video string, made_ns int64, frames int64, names float32[], captions float32[]")


class StretchSummaryRows(StorePart):
    """The store's summaries of stretches, one row a video and model."""

    @asked_again
    def write_stretch_summaries(self, fingerprint: str, summaries: Mapping[str, StretchSummary]) -> None:
        """Store the summaries of some videos in place of their previous ones, in one commit."""
        made_ns = stamp()
        rows = {
            "video": list(summaries),
            "made_ns": np.full(len(summaries), made_ns),
            "frames": [summary.frames for summary in summaries.values()],
            "names": [summary.names for summary in summaries.values()],
            "captions": [summary.captions for summary in summaries.values()],
        }
        with self._tables.writing(SUMMARIES + plain_id(fingerprint), COLUMNS) as table:
            table.add(rows)
            table.delete(f"{of_videos(summaries)} AND made_ns < {made_ns}")

    def stretch_summaries(self, fingerprint: str) -> Mapping[str, StretchSummary]:
        """Return video id → summary, for all videos whose stretches are stored."""
        return self._tables.answered(SUMMARIES + plain_id(fingerprint), "all", _newest)

    def drop_stretch_summary(self, video_id: str, fingerprint: str) -> None:
        """Delete the summary of a video under a model."""
        self._tables.delete([SUMMARIES + plain_id(fingerprint)], of_video(video_id))


def _newest(table: Table | None) -> Mapping[str, StretchSummary]:
    if table is None:
        return {}
    rows = table.rows(tuple(COLUMNS))
    order = np.argsort(rows["made_ns"].to_numpy(), kind="stable").tolist()
    videos, frames = rows["video"].to_pylist(), rows["frames"].to_pylist()
    names, captions = _peaks(rows["names"]), _peaks(rows["captions"])
    return {videos[i]: StretchSummary(frames[i], names[i], captions[i]) for i in order}


def _peaks(column: Any) -> list[Floats | None]:  # noqa: ANN401
    """Return each row's float32 (m,), or None where there is no value."""
    return [np.asarray(cell.values, np.float32) if cell.is_valid else None for cell in column]
