"""Cut what a video lacks into chunks, and join what their workers have seen to one table of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from clip_core.distributed.jobs import Finished
from clip_core.types import Ints, TimeTable

CHUNK_SAMPLES = 2000
LEAST_CHUNK_SAMPLES = 200


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A piece of a video that one worker decodes and embeds; see ``ChunkJob``."""

    wanted: Ints
    first_pts: int
    last_pts: int | None


def plan_chunks(
    table: TimeTable, wanted: Ints, stored: Ints, *, has_parts: bool, samples: int = CHUNK_SAMPLES
) -> list[Chunk]:
    """Cut a video into chunks that begin at keyframes.

    Until the times are confirmed, the chunks together cover the whole video, also where nothing is missing.

    Args:
        table: The times of its frames.
        wanted, stored: int64, the pts of the samples, and of those frames that need not be embedded.
        has_parts: Whether a seek leads to the right frames; else there is one chunk.
        samples: About how many samples a chunk has.
    """
    missing = np.setdiff1d(wanted, stored)
    if table.confirmed and len(missing) == 0:
        return []
    edges = _edges(table, missing if table.confirmed else wanted, samples) if has_parts else []
    chunks = []
    for first, last in pairwise([int(table.pts[0]), *edges, None]):
        if first is None:
            continue
        own = missing[(missing >= first) & (missing < last)] if last is not None else missing[missing >= first]
        if len(own) or not table.confirmed:
            chunks.append(Chunk(own, first, last))
    return chunks


def _edges(table: TimeTable, counted: Ints, samples: int) -> list[int]:
    """Return the keyframes at which chunks begin, without the first frame: equal shares of the samples."""
    parts = -(-len(counted) // samples)
    starts = [counted[part * len(counted) // parts] for part in range(1, parts)]
    places = np.searchsorted(table.key_pts, np.array(starts, np.int64), side="right") - 1
    edges = np.unique(table.key_pts[places[places >= 0]])
    return [int(edge) for edge in edges if edge > table.pts[0]]


def chunk_samples(samples: int, videos: int, workers: int) -> int:
    """Return how many samples a chunk of a video has: fewer if few videos are left for the workers."""
    share = samples // max(1, 2 * workers // max(1, videos))
    return int(np.clip(share, LEAST_CHUNK_SAMPLES, CHUNK_SAMPLES)) if videos < 2 * workers else CHUNK_SAMPLES


def confirmed_table(claim: TimeTable, seen: Sequence[Finished]) -> TimeTable:
    """Return the table that all chunks of a video, in any order, have seen together; as a whole pass makes it."""
    if claim.confirmed:
        return claim
    pts = np.unique(np.concatenate([part.seen for part in seen]))
    return replace(
        claim,
        pts=pts,
        start_pts=int(pts[0]),
        end_s=max(part.end_s for part in seen if len(part.seen)),
        confirmed=True,
        key_pts=np.unique(np.concatenate([part.seen_keys for part in seen])),
    )
