"""What the driver and its workers say to each other: plain values, so that any way to run workers can carry them.

The driver alone reads and writes the store. A worker gets a job, reads the video, asks the model, and reports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from clip_core.errors import ChangeKind
from clip_core.types import FrameEmbeddings, Ints, TimeTable, VideoRecord


def no_pts() -> Ints:
    """Return an empty list of pts, int64 (0,)."""
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class VideoSource:
    """A video to index, where it lies.

    Attributes:
        location: An absolute path, the pattern of a sequence of pictures, or an address such as "s3://bucket/a.mp4".
        stamp: Two values that reveal a change: of a file its ``file_stamp``; of an object its size and ETag. None: the
            worker takes it.
    """

    location: str
    stamp: tuple[int, int | str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LookJob:
    """Open a video, find out which one it is, and embed its coarse keyframes.

    Attributes:
        number: Identifies the job; a job that is tried again keeps it.
        source: The video.
        known: What the store holds of the file in this state; None: the worker hashes it.
        stored: int64 (n,), the pts that are stored already and need not be embedded.
    """

    number: int
    source: VideoSource
    known: VideoRecord | None
    stored: Ints


@dataclass(frozen=True, slots=True, eq=False)
class ChunkJob:
    """Embed some samples of a video.

    Attributes:
        number: As in ``LookJob``.
        source, video_id: The video; the worker refuses if its bytes are another video now.
        table: The times that the plan was made from.
        wanted: int64 (n,), the pts to embed, rising.
        first_pts, last_pts: The chunk begins at this keyframe and ends before ``last_pts``, the keyframe that begins
            the next chunk; None: it goes to the end. All frames in between are decoded, which confirms their times;
            if ``table`` is confirmed, only the wanted ones are.
        has_parts: Whether a seek leads to the right frames; if not, all are decoded from the first on.
    """

    number: int
    source: VideoSource
    video_id: str
    table: TimeTable
    wanted: Ints
    first_pts: int
    last_pts: int | None
    has_parts: bool = True


Job: TypeAlias = LookJob | ChunkJob


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What a worker found out about a video, before it embeds anything of it.

    Attributes:
        number: That of the job.
        source: The source with the stamp of what was read.
        record: What is known of the video; its times are those that its packets claim.
        has_parts: Whether it may be decoded in chunks, see ``Video.has_parts``.
    """

    number: int
    source: VideoSource
    record: VideoRecord
    has_parts: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some embedded frames of a job, as the model gave them in one call, so that little is lost when a worker dies.

    Attributes:
        number, video_id: Those of the job.
        embeddings: The frames.
        thumbnails: pts → JPEG of them; the driver leaves out those that are stored.
    """

    number: int
    video_id: str
    embeddings: FrameEmbeddings
    thumbnails: dict[int, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """A job is done.

    Attributes:
        number: That of the job.
        seen: int64 (n,), the pts of all frames that were decoded within the chunk, rising; empty for a ``LookJob``.
        end_s: Where the last of them ends, in seconds from the video's first frame.
        unreadable_after_s: Where decoding stopped for good in a damaged file, else None.
        left_out: How many frames repeat earlier times and were left out.
        seen_keys: int64 (k,), those of ``seen`` that are keyframes.
    """

    number: int
    seen: Ints
    end_s: float
    unreadable_after_s: float | None = None
    left_out: int = 0
    seen_keys: Ints = field(default_factory=no_pts)


@dataclass(frozen=True, slots=True)
class Failed:
    """A job failed for a reason that can be told.

    Attributes:
        number: That of the job.
        reason: What happened and the next step, in one line.
        is_final: Whether another worker would meet the same, such as a file that is not there.
        change: What happened to the file if it is not what it was when the job was planned, else None.
    """

    number: int
    reason: str
    is_final: bool = False
    change: ChangeKind | None = None


@dataclass(frozen=True, slots=True)
class Died:
    """A worker ended without a word, or does not answer any more; another one takes its place under the same name.

    Attributes:
        worker: Its name.
        reason: What is known about it, such as "killed by signal 9".
    """

    worker: str
    reason: str


WorkerReport: TypeAlias = Looked | Rows | Finished | Failed | Died
