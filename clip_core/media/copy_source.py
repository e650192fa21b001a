"""What is copied, whole or in clips: a video, its sound, and whether it is still the same file."""

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

# Some codecs need what lies shortly before to decode rightly; and a seek may land after its target.
_EARLIER_S = (1.0, 5.0)


@dataclass
class Original:
    """An open video that clips or frames are taken from.

    Attributes:
        path: As it was given.
        video: Open.
        stamp: The file's ``file_stamp`` when it was opened, or before.
        warnings: What the user should know of what was taken.
    """

    path: Path
    video: Video
    stamp: tuple[int, int]
    warnings: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Refuse to go on with a file that has changed.

        Raises:
            VideoError: It has, or it is gone.
        """
        check_unchanged(self.path, self.stamp)

    def warn(self, *warnings: str) -> None:
        """Keep what the user should know, each thing once."""
        self.warnings.extend(warning for warning in warnings if warning not in self.warnings)


@contextmanager
def open_original(
    path: str | Path, table: TimeTable | None, stamp: tuple[int, int] | None = None
) -> Iterator[Original]:
    """Open a video to take clips or frames from it.

    Args:
        path: The file, or the pattern of a sequence of images.
        table: When each frame is presented, if it was confirmed.
        stamp: The file's ``file_stamp`` when it was identified: another file that lies there now is refused.

    Raises:
        VideoNotFoundError: It is not there, or, in the block, not any more.
        VideoError: It cannot be read, or has changed.
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
    """Open the file a second time for its sound; return it, if there is any, and what is to be said of it.

    Args:
        video: Open.
        stack: Closes what is opened.
        start_s: Where it begins, in seconds from the first frame: its own zero.
    """
    if video.info.decoder != "PyAV":
        return None, ()
    from clip_core.media.sound import Sound
    from clip_core.video.probing import open_container

    zero_s = float(video.table.start_pts * video.table.time_base) + start_s
    container = stack.enter_context(open_container(video.info.path))
    stream = first_sound(container)
    if stream is None:
        return None, ()
    if stream.codec_context is None:
        return None, ("The sound has an unknown codec and is left out of the copy.",)
    if start_s > _EARLIER_S[0] and not _gone_to(container, stream, zero_s):
        container = stack.enter_context(open_container(video.info.path))  # a seek may have led anywhere
        stream = container.streams.audio[0]
    return Sound(container, stream, zero_s), ()


def _gone_to(container: InputContainer, stream: AudioStream, time_s: float) -> bool:
    """Go to somewhat before a time on the file's own clock; return whether that was possible."""
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
    """Refuse a file that is no longer the one that had this ``file_stamp``, if one is given.

    Raises:
        VideoError: It has changed, or is gone.
    """
    if stamp is not None and file_stamp(Path(path)) != stamp:
        raise VideoError(f"{shown_name(path)} has changed since it was opened.", "Open it again.")
