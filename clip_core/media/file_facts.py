"""What a container says beside its pictures: the sound that is taken, and a length that its frames do not reach."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from clip_core.media.sound import sound_choice
from clip_core.text import clock
from clip_core.types import TimeTable, VideoRecord
from clip_core.video.container_bytes import track_duration_s
from clip_core.video.containers import open_container, video_stream

# Headers round, and some count the time before the first frame.
_SLACK_S = 1.0
_GUESSED = ("mpegts", "mpeg", "gif")  # they state no length: FFmpeg guesses it from the last packets
_OWN_CLOCK = ("mov", "avi")  # their streams state a length from their own first frame on
_FEW_EMPTY = 1


def file_facts(path: Path, record: VideoRecord) -> tuple[str, ...]:
    """Return facts for the line beside the video's name, such as "sound stream 2 of 3" or "header promises 431 frames".

    They are known from the header and the packets, before anything is decoded.

    Args:
        path: The file.
        record: What is known of it; its table may be provisional.

    Returns:
        Nothing for most videos.

    Raises:
        VideoError: The file is gone or cannot be read.
    """
    if record.container in ("images", "webp", "apng"):
        return ()
    with open_container(path) as container:
        return tuple(filter(None, (sound_choice(container), _promise(container, path, record))))


def _promise(container: InputContainer, path: Path, record: VideoRecord) -> str:
    """Return what the header promises beyond the last frame, or ""."""
    if record.container in _GUESSED:
        return ""
    frames, duration_s = record.header_frame_count or 0, record.header_duration_s or 0.0
    stream, table, has_own_clock = video_stream(container, path), record.table, record.container in _OWN_CLOCK
    start_s = float(table.start_pts * table.time_base)
    if record.container == "mov":  # FFmpeg believes the packets, players the header, which counts a late start, too
        duration_s = max(duration_s, (track_duration_s(path, stream.id) or 0.0) - start_s)
    is_longer = duration_s > table.end_s + _SLACK_S + (0.0 if has_own_clock else start_s)
    if is_longer and not has_own_clock:  # it counts the other streams as well
        is_longer = duration_s > _last_end_s(container, stream, table) + _SLACK_S
    if frames > len(table) and (is_longer or _empty_samples(record, stream) > _FEW_EMPTY):
        return f"header promises {frames:,} frames"
    return f"header promises {clock(duration_s)}" if is_longer else ""


def _last_end_s(container: InputContainer, stream: VideoStream, table: TimeTable) -> float:
    """Return when the last packet of any stream ends, in seconds on the file's own clock; only the end is read."""
    last_s = 0.0
    with suppress(av.error.FFmpegError):  # without a seek the whole file is read
        container.seek(int(table.key_pts[-1] if len(table.key_pts) else table.start_pts), stream=stream)
    try:
        for packet in container.demux():
            if packet.pts is not None:
                last_s = max(last_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    except av.error.FFmpegError:  # what cannot be read does not last
        return last_s
    except IndexError:  # PyAV does not know streams that begin in the middle; they may last longer
        return math.inf
    return last_s


def _empty_samples(record: VideoRecord, stream: VideoStream) -> int:
    """Return how many frames the index of an MP4 names that have no bytes."""
    return sum(entry.size == 0 for entry in stream.index_entries) if record.container == "mov" else 0
