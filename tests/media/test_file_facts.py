"""What is said beside the facts of a file: the sound that is taken, and a header that promises more than there is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from clip_core.library.identify import record_of
from clip_core.media.clips import ClipMode, cut_clips
from clip_core.media.file_facts import file_facts
from clip_core.media.playable import why_not_playable_here
from clip_core.media.proxies import make_proxy
from clip_core.types import Moment
from clip_core.video import open_video
from tests.support.sound_maker import FilmSpec, SoundSpec, pitch_hz, write_film, write_tones
from tests.support.video_maker import KINDS, VideoSpec, planted

TONES_HZ = (400.0, 1000.0, 2500.0)


def facts_of(path: Path) -> tuple[str, ...]:
    with open_video(path) as video:
        return file_facts(path, record_of(video, "0" * 64, None))


@pytest.mark.parametrize(
    ("suffix", "default", "taken"),
    [(".mp4", 0, 0), (".mp4", 1, 1), (".webm", 1, 1), (".mkv", 2, 2), (".mkv", None, 0), (".ts", 1, 0)],
)
def test_one_sound_is_taken_everywhere_and_named(suffix: str, default: int | None, taken: int, tmp_path: Path) -> None:
    is_webm = suffix == ".webm"
    codecs = ("libvpx", "libopus") if is_webm else ("libx264", "aac")
    path = write_tones(tmp_path / f"tones{suffix}", *codecs, TONES_HZ, -1 if default is None else default)
    choice = f"sound stream {taken + 1} of 3"
    assert facts_of(path) == (choice,)
    modes: tuple[ClipMode, ...] = ("exact", "fast")
    for mode in modes:
        *_, last = cut_clips(path, [Moment("a", 0.5, 2.5, 1.0, 1.0, 1.0)], tmp_path / mode, kind=mode)
        assert pitch_hz(last.files[0]) == pytest.approx(TONES_HZ[taken], abs=10)
        assert f"The clips have {choice}." in last.warnings
    for _ in make_proxy(path, tmp_path / "proxies" / "copy.mp4"):
        pass
    assert pitch_hz(tmp_path / "proxies" / "copy.mp4") == pytest.approx(TONES_HZ[taken], abs=10)
    if suffix in (".mp4", ".webm"):  # browsers may play the first one, so another is heard in a copy only
        kind = "WebM" if is_webm else "MP4"
        assert why_not_playable_here(path) == (f"several sound streams in {kind}" if taken else None)


def replaced(path: Path, *changes: tuple[bytes, int, bytes]) -> Path:
    """Overwrite bytes at a distance from the end of the first place of each name."""
    content = bytearray(path.read_bytes())
    for name, distance, new in changes:
        at = content.index(name) + len(name) + distance
        content[at : at + len(new)] = new
    path.write_bytes(content)
    return path


def mp4_without_bytes(folder: Path) -> Path:
    path = planted(folder, "v", 60, VideoSpec(options={"g": "10", "bf": "0"})).path
    content = bytearray(path.read_bytes())
    at = content.index(b"stsz") + 16
    content[at + 4 * 40 : at + 4 * 60] = bytes(4 * 20)
    path.write_bytes(content)
    return path


def mp4_too_long(folder: Path) -> Path:
    path = planted(
        folder, "v", 60, VideoSpec(options={"g": "10", "bf": "0"}, first_pts=30)
    ).path  # shown from 1 s to 3 s
    return replaced(path, (b"mvhd", 16, struct.pack(">I", 9000)), (b"tkhd", 20, struct.pack(">I", 9000)))


def avi_through_a_pipe(folder: Path) -> Path:
    """As FFmpeg writes it where it cannot go back to the header."""
    path = write_film(folder / "v.avi", FilmSpec("mpeg4", sound=None))
    return replaced(
        path,
        (b"RIFF", 0, b"\xff" * 4),
        (b"avih", 4 + 16, struct.pack("<I", 2**30)),
        (b"strh", 4 + 32, struct.pack("<I", 2**30)),
    )


def avi_without_end(folder: Path) -> Path:
    return replaced(write_film(folder / "v.avi", FilmSpec("mpeg4", sound=None)), (b"strh", 4 + 32, b"\xff" * 4))


def avi_of_too_many(folder: Path) -> Path:
    path = write_film(folder / "v.avi", FilmSpec("mpeg4", sound=SoundSpec("libmp3lame")))
    return replaced(path, (b"avih", 4 + 16, struct.pack("<I", 150)), (b"strh", 4 + 32, struct.pack("<I", 150)))


def mkv_too_long(folder: Path) -> Path:
    path = write_film(folder / "v.mkv", FilmSpec())
    return replaced(path, (b"\x44\x89\x88", 0, struct.pack(">d", 9000.0)))


def flv_too_long(folder: Path) -> Path:
    path = write_film(folder / "v.flv", FilmSpec())
    return replaced(path, (b"duration", 1, struct.pack(">d", 9.0)))


def flv_with_long_sound(folder: Path) -> Path:
    return write_film(folder / "v.flv", FilmSpec(sound=SoundSpec(ends_s=8.0)))


def mkv_with_long_sound(folder: Path) -> Path:
    return write_film(folder / "v.mkv", FilmSpec(sound=SoundSpec(ends_s=8.0)))


def wmv_with_long_sound(folder: Path) -> Path:
    return write_film(folder / "v.wmv", FilmSpec("wmv2", sound=SoundSpec("libmp3lame", ends_s=8.0)))


@pytest.mark.parametrize(
    ("make", "facts"),
    [
        (mp4_without_bytes, ("header promises 60 frames",)),
        (mp4_too_long, ("header promises 0:08.000",)),
        (avi_of_too_many, ("header promises 150 frames",)),
        (avi_through_a_pipe, ()),
        (avi_without_end, ()),
        (mkv_too_long, ("header promises 0:09.000",)),
        (flv_too_long, ("header promises 0:09.000",)),
        (flv_with_long_sound, ()),
        (mkv_with_long_sound, ()),
        (wmv_with_long_sound, ()),
    ],
)
def test_a_header_that_promises_more_is_named_before_anything_is_decoded(
    make: Callable[[Path], Path], facts: tuple[str, ...], tmp_path: Path
) -> None:
    path = make(tmp_path)
    with open_video(path) as video:
        record = record_of(video, "0" * 64, None)
        assert not record.table.confirmed
    assert file_facts(path, record) == facts


@pytest.mark.parametrize("make", [wmv_with_long_sound, avi_through_a_pipe, avi_without_end])
def test_what_the_header_does_not_mean_is_no_damage(make: Callable[[Path], Path], tmp_path: Path) -> None:
    with open_video(make(tmp_path)) as video:
        assert sum(1 for _ in video.frames([])) == 0
        assert (video.table.confirmed, video.unreadable_after_s) == (True, None)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_have_no_more_facts(kind: str, tmp_path: Path) -> None:
    assert facts_of(KINDS[kind](tmp_path).path) == ()
