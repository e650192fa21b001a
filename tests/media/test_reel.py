"""One film of moments of several videos: the very frames at their times, in one size, each with its own sound."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest

from clip_core.errors import ExportError, VideoNotFoundError
from clip_core.library.identify import record_of
from clip_core.media.reel import FileMoment, make_reel
from clip_core.types import Moment
from clip_core.video import open_video
from tests.support.sound_maker import FilmSpec, find_clicks, sound_length_s, write_film
from tests.support.video_maker import number_picture, read_number

WIDE, TALL = 240, 240


def piece(path: Path, start_s: float, end_s: float) -> FileMoment:
    with open_video(path) as video:
        record = record_of(video, path.stem, None)
    return FileMoment(path, record, Moment("a dog", start_s, end_s, start_s, 1.0, 1.0))


def write_silent(path: Path) -> Path:
    """A film of 75 square pictures at 25 a second, larger than those of ``write_film``."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"threads": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDE, TALL, "yuv420p"
        for number in range(75):
            frame = av.VideoFrame.from_ndarray(number_picture(number, WIDE, TALL), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_pieces_of_unlike_videos_follow_each_other(tmp_path: Path) -> None:
    loud, silent = write_film(tmp_path / "loud.mp4", FilmSpec()), write_silent(tmp_path / "silent.mp4")
    pieces = [piece(loud, 1.0, 1.5), piece(silent, 2.0, 2.4), piece(loud, 0.0, 1.0)]
    *_, last = make_reel(pieces, tmp_path / "out" / "reel.mp4")
    assert (last.stage, last.failed, last.warnings, last.files) == ("done", 0, (), (tmp_path / "out" / "reel.mp4",))
    assert [(clip.path.name, clip.start_s, clip.end_s, clip.frames) for clip in last.clips] == [
        ("loud.mp4", 1.0, 1.5, 15), ("silent.mp4", 2.0, pytest.approx(2.4), 10), ("loud.mp4", 0.0, 1.0, 30),
    ]  # fmt: skip
    with open_video(tmp_path / "out" / "reel.mp4") as reel:
        assert (reel.info.width, reel.info.height) == (WIDE, TALL)
        times_s = [*np.arange(15) / 30, *(0.5 + np.arange(10) / 25), *(0.9 + np.arange(30) / 30)]
        assert reel.table.times_s.tolist() == pytest.approx(times_s, abs=1e-4)
        numbers = [read_number(reel.frame_at(index=k).rgb[TALL // 2 - 20 : TALL // 2 + 20]) for k in range(55)]
        assert numbers == [*range(30, 45), *range(50, 60), *range(30)]
        bars = reel.frame_at(index=0).rgb
        assert bars[:20].max() < 30 < bars[TALL // 2].max()  # the smaller video lies between black bars
    assert find_clicks(tmp_path / "out" / "reel.mp4") == pytest.approx([0.25, 1.4], abs=0.01)
    assert sound_length_s(tmp_path / "out" / "reel.mp4") == pytest.approx(1.9, abs=0.05)


def test_a_piece_that_cannot_be_read_is_named_and_left_out(tmp_path: Path) -> None:
    first, second = write_film(tmp_path / "a.mp4", FilmSpec()), write_silent(tmp_path / "b.mp4")
    pieces = [piece(first, 0.0, 1.0), piece(second, 0.0, 1.0)]
    first.unlink()
    *_, last = make_reel(pieces, tmp_path / "reel.mp4")
    assert last.failed == 1
    assert last.warnings[0].startswith("“a dog” at 0:00.000 of a.mp4 is left out: There is no file")
    with open_video(tmp_path / "reel.mp4") as reel:
        assert len(reel.table) == 25
    second.unlink()
    with pytest.raises(VideoNotFoundError):
        list(make_reel(pieces, tmp_path / "none.mp4"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reel.mp4"]


def test_cancelled_it_leaves_nothing_and_no_source_is_overwritten(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", FilmSpec())
    with closing(make_reel([piece(film, 0.0, 3.0)] * 2, tmp_path / "reel.mp4")) as run:
        assert next(run).stage == "clips"
        next(run)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    with pytest.raises(ExportError, match="is the video itself"):
        list(make_reel([piece(film, 0.0, 1.0)], film))
    with pytest.raises(ExportError, match="no moments to join"):
        list(make_reel([], tmp_path / "reel.mp4"))
