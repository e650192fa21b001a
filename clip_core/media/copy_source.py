"""Open the video and the sound that proxies and clips are made from, and check that the file has not changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.errors import VideoError, VideoNotFoundError, shown_name
from clip_core.library.identify import file_stamp, is_there
from clip_core.media.playable import first_sound
from clip_core.types import TimeTable
from clip_core.video import Video, open_video

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from clip_core.media.sound import Sound

# Some codecs need earlier packets to decode correctly, and a seek may land after its target.
_EARLIER_S = (1.0, 5.0)


@dataclass
class Original:
    """An open video that clips or frames are taken from.

    Attributes:
        path: The path that was passed in.
        video: The open video.
        stamp: The file's ``file_stamp`` when it was opened or identified.
        warnings: What the user should know about the clips or frames.
    """

    path: Path
    video: Video
    stamp: tuple[int, int]
    warnings: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Check that the file has not changed.

        Raises:
            VideoError: It has changed, or is gone.
        """
        check_unchanged(self.path, self.stamp)

    def warn(self, *warnings: str) -> None:
        """Add warnings for the user, each only once."""
        self.warnings.extend(warning for warning in warnings if warning not in self.warnings)


@contextmanager
def open_original(
    path: str | Path, table: TimeTable | None, stamp: tuple[int, int] | None = None
) -> Iterator[Original]:
    """Open a video to take clips or frames from it.

    Args:
        path: The file, or the pattern of a sequence of images.
        table: Presentation times of the frames, if confirmed.
        stamp: The file's ``file_stamp`` when it was identified; a file with another stamp is refused.

    Raises:
        VideoNotFoundError: The file does not exist, or was removed during the block.
        VideoError: The file cannot be read, or has changed.
    """
    file = Path(path)
    check_unchanged(file, stamp)
    with open_video(path, table=table) as video:
        try:
            yield Original(file, video, stamp or file_stamp(file))
        except (VideoError, FileNotFoundError) as error:
            if not is_there(path):
                name = shown_name(path)
                raise VideoNotFoundError(f"{name} was moved or deleted meanwhile.", "Put it back.") from error
            raise


def open_sound(video: Video, stack: ExitStack, start_s: float = 0.0) -> tuple[Sound | None, tuple[str, ...]]:
    """Open the file a second time for its sound; return the sound, or None if there is none, and warnings.

    Args:
        video: An open video.
        stack: Closes what is opened.
        start_s: Time zero of the sound, in seconds from the first frame.
    """
    if video.info.decoder != "PyAV":
        return None, ()
    from clip_core.media.sound import Sound
    from clip_core.video.decoding import open_container

    zero_s = float(video.table.start_pts * video.table.time_base) + start_s
    container = stack.enter_context(open_container(video.info.path))
    stream = first_sound(container)
    if stream is None:
        return None, ()
    if stream.codec_context is None:
        return None, ("The sound has an unknown codec and is left out of the copy.",)
    if start_s > _EARLIER_S[0] and not _gone_to(container, stream, zero_s):
        container = stack.enter_context(open_container(video.info.path))  # after a failed seek the position is unknown
        stream = container.streams.audio[0]
    return Sound(container, stream, zero_s), ()


def _gone_to(container: InputContainer, stream: AudioStream, time_s: float) -> bool:
    """Seek to shortly before a time on the file's own clock; return whether that succeeded."""
    import av

    for earlier_s in _EARLIER_S:
        with suppress(av.error.FFmpegError):
            there = round((time_s - earlier_s) / float(stream.time_base or 1))
            container.seek(there, stream=stream)
            packet = next(container.demux(stream), None)
            if packet is not None and packet.pts is not None and packet.pts * packet.time_base <= time_s:
                container.seek(there, stream=stream)
                return True
    return False


def check_unchanged(path: str | Path, stamp: tuple[int, int] | None) -> None:
    """Check that a file still has this ``file_stamp``; None passes.

    Raises:
        VideoError: It has changed, or is gone.
    """
    if stamp is not None and file_stamp(Path(path)) != stamp:
        raise VideoError(f"{shown_name(path)} has changed since it was opened.", "Open it again.")
