"""Everything that is asked for of a video's moments in one go: clips, frames, other files, and all of it in a ZIP."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from clip_core.media.writing import write_whole
from clip_core.pipeline.clip_plan import make_folder
from clip_core.pipeline.cut_clips import Cut, cut_clips
from clip_core.pipeline.pack_zip import pack_zip
from clip_core.pipeline.save_frames import PictureKind, save_frames
from clip_core.values import Clip, Moment, Progress, TimeTable


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made of a video's moments.

    Attributes:
        moments: Which.
        cut: How clips are cut, "exact" or "fast"; None makes none.
        pictures: "jpeg" or "png" files of their peaks; None makes none.
        zip_name: Of the one file that all goes into, such as "clips.zip"; None leaves them single.
        texts: Other files to go with them, by name, such as moments.csv.
    """

    moments: tuple[Moment, ...]
    cut: Cut | None = "exact"
    pictures: PictureKind | None = None
    zip_name: str | None = None
    texts: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """32 hex digits that tell it from others."""
        parts = (self.moments, self.cut, self.pictures, self.zip_name, sorted(self.texts.items()))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def export_media(
    path: str | Path,
    wish: Wish,
    folder: Path,
    *,
    table: TimeTable | None = None,
    stamp: tuple[int, int] | None = None,
) -> Generator[Progress, None, None]:
    """Make what is wished for. Closing the iterator cancels: nothing half-written stays, and nothing of a ZIP.

    Args:
        path: The video file, or the pattern of a sequence of images.
        wish: What.
        folder: Where to write; made if it is not there.
        table, stamp: See ``cut_clips``.

    Yields:
        Progress of each stage, and at the end one with the stage "done": its ``files`` are what there is now, its
        ``clips`` say where each really begins and ends (in a ZIP their paths are names).

    Raises:
        ExportError, VideoError: See ``cut_clips``, ``save_frames`` and ``pack_zip``.
    """
    with _workplace(folder, wish.zip_name is not None) as place:
        files: list[Path] = []
        clips: tuple[Clip, ...] = ()
        warnings: tuple[str, ...] = ()
        for stage in _stages(path, wish, place, table, stamp):
            with closing(stage) as run:
                for progress in run:
                    yield replace(progress, files=(*files, *progress.files))
            files += progress.files
            clips, warnings = clips + progress.clips, (*warnings, *progress.warnings)
        make_folder(folder)
        if wish.zip_name is not None:
            with closing(pack_zip(folder / wish.zip_name, files, wish.texts)) as run:
                for progress in run:
                    yield progress
            clips = tuple(replace(clip, path=Path(clip.path.name)) for clip in clips)
            files = [folder / wish.zip_name]
        else:
            for name, content in wish.texts.items():
                write_whole(folder / Path(name).name, content)
                files.append(folder / Path(name).name)
    yield Progress(1, 1, seconds_left=0.0, stage="done", warnings=warnings, files=tuple(files), clips=clips)


def _stages(
    path: str | Path, wish: Wish, place: Path, table: TimeTable | None, stamp: tuple[int, int] | None
) -> Iterator[Generator[Progress, None, None]]:
    if wish.cut is not None:
        yield cut_clips(path, wish.moments, place, kind=wish.cut, table=table, stamp=stamp)
    if wish.pictures is not None:
        yield save_frames(path, wish.moments, place, kind=wish.pictures, table=table, stamp=stamp)


@contextmanager
def _workplace(folder: Path, hidden: bool) -> Iterator[Path]:
    """Lend the folder itself, or a hidden one in it that is gone at the end."""
    if not hidden:
        yield folder
        return
    place = folder / f".{uuid.uuid4().hex}.part"
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
