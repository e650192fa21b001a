"""A video that is swapped, cut or deleted while clips or a copy to play are made: nothing of another file is kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

import clip_core.media.exports_folder
from clip_core.errors import VideoError
from clip_core.library.identify import file_stamp
from clip_core.media.clips import ClipMode, cut_clips
from clip_core.media.proxies import make_proxy
from clip_core.types import Moment, Progress
from tests.support import video_maker


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A video whose pictures show 0 to 299, beside ``other.mp4`` of the same times, with 500 to 799."""
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    spec = video_maker.VideoSpec(options={"g": "10", "sc_threshold": "0"})
    for name, first in (("v.mp4", 0), ("other.mp4", 500)):
        pictures = [video_maker.number_picture(number) for number in range(first, first + 300)]
        video_maker.write_video(tmp_path / name, pictures, spec)
    return tmp_path / "v.mp4"


def swap(path: Path) -> None:
    path.rename(path.with_name("aside"))
    shutil.copy(path.with_name("other.mp4"), path)


def back(path: Path) -> None:
    path.with_name("aside").replace(path)


def overwrite(path: Path) -> None:
    path.write_bytes(path.with_name("other.mp4").read_bytes())


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "swapped": (swap, "has changed since it was opened|was replaced"),
    "overwritten": (overwrite, "has changed since it was opened|was changed|was cut|grew"),
    "cut": (lambda path: os.truncate(path, path.stat().st_size // 2), "has changed since it was opened|was cut short"),
    "deleted": (Path.unlink, r"was moved or deleted"),
}


def after(steps: Iterator[Progress], reports: int, act: Callable[[], object]) -> Generator[Progress, None, None]:
    for number, progress in enumerate(steps):
        if number == reports:
            act()
        yield progress


@pytest.mark.parametrize("reports", [0, 1, 20])
@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_to_play(change: str, reports: int, path: Path, tmp_path: Path) -> None:
    act, says = CHANGES[change]
    target = tmp_path / "proxies" / "copy.mp4"
    making = make_proxy(path, target, stamp=file_stamp(path))
    with pytest.raises(VideoError, match=says):
        list(after(making, reports, lambda: act(path)))
    assert [name.name for name in target.parent.iterdir() if name.suffix != ".lock" and name.name != ".lock"] == []


def test_a_copy_is_refused_if_the_file_opened_was_another_one(path: Path, tmp_path: Path) -> None:
    """It is swapped before the decoder of the pass opens it, and comes back before the last check."""
    making = make_proxy(path, tmp_path / "proxies" / "copy.mp4", stamp=file_stamp(path))
    next(making)
    swap(path)
    with pytest.raises(VideoError, match="was replaced by another file"):
        list(after(making, 3, lambda: back(path)))
    assert not (tmp_path / "proxies" / "copy.mp4").exists()


@pytest.mark.parametrize("kind", ["exact", "fast"])
@pytest.mark.parametrize("change", CHANGES)
def test_clips(change: str, kind: ClipMode, path: Path, tmp_path: Path) -> None:
    act, says = CHANGES[change]
    moments = [Moment("a", start, start + 1.0, start, 1.0, 1.0) for start in (0.0, 4.0, 8.0)]
    making = cut_clips(path, moments, tmp_path / "out", kind=kind)

    def steps() -> Generator[Progress, None, None]:
        changed = False
        for progress in making:
            if len(progress.files) == 1 and not changed:
                act(path)
                changed = True
            yield progress

    with pytest.raises(VideoError, match=says):
        list(steps())
    assert len(list((tmp_path / "out").iterdir())) == 1
