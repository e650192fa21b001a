"""From what a visitor types to videos on this machine, below the video folders alone; nothing is copied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clip_core.config import Config
from clip_core.errors import VideoError, VideoNotFoundError, shown_name
from clip_core.pipeline.identify import is_there
from clip_core.pipeline.list_videos import EXTENSIONS, MOST_LISTED, is_allowed, is_below, videos_in
from clip_core.video.sequence import parse_sequence, with_rate

MOST_SHOWN = 300


@dataclass(frozen=True)
class OpenedPath:
    """What lies at a path: one video, or all videos of a folder, by name."""

    path: Path
    videos: tuple[Path, ...]
    is_folder: bool


def open_path(typed: str, config: Config) -> OpenedPath:
    """Return the videos at a path that somebody typed; one that is not absolute is looked for in the video folders.

    Links and ".." are followed before it is decided where something lies. Of what lies outside the video folders
    nothing is told, not even whether it is there.

    Raises:
        VideoNotFoundError: There is nothing, or a folder without a video.
        VideoError: It lies outside the video folders, or is no path.
    """
    try:
        path = _meant(typed.strip(), config)
        inside = is_below(path.resolve(), config) if parse_sequence(path) is None else is_allowed(path, config)
        if not inside:
            raise _outside(path, config)
        return _opened(path, config)
    except (OSError, ValueError, RuntimeError) as error:
        raise VideoError(f"{shown_name(typed)} cannot be opened.", "Check the path.") from error


def _meant(typed: str, config: Config) -> Path:
    path = Path(typed).expanduser()
    if path.is_absolute():
        return path
    places = [folder / path for folder in config.video_dirs] or [path]
    return next((place for place in places if place.is_dir() or is_there(place)), places[0]).absolute()


def _opened(path: Path, config: Config) -> OpenedPath:
    if path.is_dir():
        found = tuple(list(videos_in(path, config))[:MOST_LISTED])
        if not found:
            raise VideoNotFoundError(f"There is no video in {shown_name(path)}.", "Folders within it are not searched.")
        return OpenedPath(path, found, is_folder=True)
    if not is_there(path):
        raise VideoNotFoundError(f"There is no file {shown_name(path)}.", "Check the path.")
    return OpenedPath(path, (with_rate(path, config.sequence_fps),), is_folder=False)


def _outside(path: Path, config: Config) -> VideoError:
    """It names what is to be added, without a look at what lies there."""
    folder = path.parent if path.suffix.lower() in EXTENSIONS or parse_sequence(path) is not None else path
    source = "config.yaml" if config.source is None else shown_name(config.source)
    return VideoError(
        f"{shown_name(path)} does not lie in a video folder.",
        f"Add {str(folder)[:MOST_SHOWN]} to video_dirs in {source}, beside what is there, and open it again.",
    )
