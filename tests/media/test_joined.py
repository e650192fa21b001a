"""Clips, frames and copies to play of joined recordings: the clock of the file starts again, and theirs goes on."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import av
import pytest

from clip_core.errors import ExportError
from clip_core.media.clips import ClipMode, cut_clips
from clip_core.media.export_media import save_frames
from clip_core.media.proxies import make_proxy
from clip_core.types import Moment
from clip_core.video import open_video
from tests.support.joined_maker import JOINED, Recording, write_joined
from tests.support.sound_maker import FilmSpec, SoundSpec, find_clicks, sound_length_s, write_film
from tests.support.video_maker import read_number

CLICKS = ((0.5, 1.25, 2.75), (0.4, 1.5, 2.9), (0.3, 2.2))
OTHER_STREAMS = {"mpegts_start_pid": "768", "mpegts_pmt_start_pid": "4608"}
ALL_CLICKS = [3.0 * k + click_s for k, clicks in enumerate(CLICKS) for click_s in clicks]
FILMS = {
    "aac.ts": FilmSpec(options={"g": "15", "bf": "2"}, sound=SoundSpec("aac", 48_000)),
    "mp2.ts": FilmSpec("mpeg2video", options={"g": "15"}, sound=SoundSpec("mp2", 48_000, "mono")),
    "mp2.mpg": FilmSpec("mpeg2video", options={"g": "15"}, sound=SoundSpec("mp2", 48_000)),
    "ac3.vob": FilmSpec("mpeg2video", options={"g": "15", "bf": "2"}, sound=SoundSpec("ac3", 48_000)),
    "mp3.mkv": FilmSpec(options={"g": "15"}, sound=SoundSpec("libmp3lame", 48_000)),
}


def joined_film(folder: Path, name: str) -> Path:
    """Films of 90 frames, 3 s each, one behind the other; their clocks start at 20 s, 0 and 0.

    There are three, but two in Matroska, of which FFmpeg reads no third.
    """
    content = b""
    for number, clicks_s in enumerate(CLICKS[: 2 if name.endswith("mkv") else 3]):
        late_s = 20.0 if number == 0 else 0.0
        spec, sound = FILMS[name], FILMS[name].sound
        assert sound is not None
        heard = replace(sound, begins_s=late_s, ends_s=late_s + 3, clicks_s=[late_s + click_s for click_s in clicks_s])
        film = write_film(folder / name, replace(spec, sound=heard, first_number=90 * number, begins_s=late_s))
        content += film.read_bytes()
    film.write_bytes(content)
    return film


def moment(start_s: float, end_s: float) -> Moment:
    return Moment("a dog", start_s, end_s, start_s, 1.0, 1.0)


def shown_in(path: Path) -> tuple[list[int], list[float]]:
    """By FFmpeg alone: the numbers that a file's pictures carry, and when they are shown."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [read_number(frame.to_ndarray(format="rgb24")) for frame in frames], [float(frame.time) for frame in frames]


@pytest.mark.parametrize("name", [name for name in FILMS if name != "mp3.mkv"])
@pytest.mark.parametrize("kind", ["exact", "fast"])
def test_clips_have_the_frames_and_the_sound_of_their_moment(kind: ClipMode, name: str, tmp_path: Path) -> None:
    film = joined_film(tmp_path, name)
    moments = [moment(0.2, 1.4), moment(2.6, 3.0), moment(3.1, 4.9), moment(5.6, 6.0), moment(6.0, 8.4)]
    last = list(cut_clips(film, moments, tmp_path / "out", kind=kind))[-1]
    assert (last.warnings, len(last.clips)) == ((), len(moments))
    for asked, clip in zip(moments, last.clips, strict=True):
        first = round(clip.start_s * 30)
        assert (first == round(asked.start_s * 30)) if kind == "exact" else (0 <= asked.start_s * 30 - first <= 15)
        assert clip.start_s + clip.frames / 30 >= asked.end_s - 0.001
        numbers, times_s = shown_in(clip.path)
        assert numbers == list(range(first, first + clip.frames))
        assert times_s == pytest.approx([k / 30 for k in range(clip.frames)], abs=0.0021)
        heard = [click_s - clip.start_s for click_s in ALL_CLICKS if clip.start_s <= click_s < clip.end_s]
        assert find_clicks(clip.path) == pytest.approx(heard, abs=0.03)
        assert sound_length_s(clip.path) == pytest.approx(clip.frames / 30, abs=0.1)


@pytest.mark.parametrize("name", FILMS)
def test_an_exact_clip_over_joins(name: str, tmp_path: Path) -> None:
    end_s = 5.0 if name.endswith("mkv") else 7.0
    (clip,) = list(cut_clips(joined_film(tmp_path, name), [moment(2.0, end_s)], tmp_path / "out"))[-1].clips
    numbers, times_s = shown_in(clip.path)
    assert numbers == list(range(60, round(30 * end_s)))
    assert times_s == pytest.approx([k / 30 for k in range(len(numbers))], abs=0.0021)
    assert find_clicks(clip.path) == pytest.approx([s - 2 for s in ALL_CLICKS if 2 <= s < end_s], abs=0.03)
    assert sound_length_s(clip.path) == pytest.approx(end_s - 2, abs=0.1)


def test_a_fast_clip_over_a_join_is_refused_and_the_others_are_cut(tmp_path: Path) -> None:
    film, moments = joined_film(tmp_path, "aac.ts"), [moment(2.0, 3.5), moment(3.5, 4.0)]
    last = list(cut_clips(film, moments, tmp_path / "out", kind="fast"))[-1]
    assert [clip.path.name[:3] for clip in last.clips] == ["002"]
    (said,) = last.warnings
    assert re.search(r"at 0:02\.000 is not cut: Two recordings are joined at 0:03\.000.* Cut it exactly instead", said)
    with pytest.raises(ExportError, match="Two recordings are joined at 0:03"):
        list(cut_clips(film, moments[:1], tmp_path / "none", kind="fast"))


def test_matroska_is_cut_fast_only_before_a_join(tmp_path: Path) -> None:
    """No seek finds what lies behind it."""
    film, moments = joined_film(tmp_path, "mp3.mkv"), [moment(2.6, 3.0), moment(3.5, 4.0)]
    last = list(cut_clips(film, moments, tmp_path / "out", kind="fast"))[-1]
    (clip,), (said,) = last.clips, last.warnings
    assert shown_in(clip.path)[0] == list(range(round(30 * clip.start_s), 90))
    assert "at 0:03.500 is not cut: Two recordings are joined at 0:03.000, before the moment" in said


@pytest.mark.parametrize("name", FILMS)
def test_the_copy_to_play(name: str, tmp_path: Path) -> None:
    film, copy = joined_film(tmp_path, name), tmp_path / "proxies" / "copy.mp4"
    for _ in make_proxy(film, copy):
        pass
    frames = 180 if name.endswith("mkv") else 270
    numbers, times_s = shown_in(copy)
    assert numbers == list(range(frames))
    assert times_s == pytest.approx([k / 30 for k in range(frames)], abs=0.0021)
    assert find_clicks(copy) == pytest.approx([s for s in ALL_CLICKS if s < frames / 30], abs=0.03)


@pytest.mark.parametrize("kind", ["ts", "mpg"])
def test_frames_of_moments_after_a_join(kind: str, tmp_path: Path) -> None:
    joined = write_joined(tmp_path, JOINED[kind], [Recording(100), Recording(100)])
    moments = [
        Moment("a dog", start_s, start_s + 0.5, peak_s, 1.0, 1.0) for start_s, peak_s in ((2.0, 2.2), (6.0, 6.4))
    ]
    last = list(save_frames(joined.path, moments, tmp_path / "out"))[-1]
    pictures = sorted(path for path in last.files if path.suffix in (".jpg", ".png"))
    shown = []
    for picture in pictures:
        with av.open(str(picture)) as container:
            shown.append(read_number(next(container.decode(video=0)).to_ndarray(format="rgb24")))
    assert shown == [55, 160]


def test_a_stored_table_is_enough(tmp_path: Path) -> None:
    """Opened with its confirmed table, the file's packets are not read, and the clips are the same."""
    film = joined_film(tmp_path, "aac.ts")
    with open_video(film) as video:
        for _ in video.frames([]):
            pass
        table = video.table
    (clip,) = list(cut_clips(film, [moment(3.2, 6.5)], tmp_path / "out", table=table))[-1].clips
    assert shown_in(clip.path)[0] == list(range(96, 195))
    assert find_clicks(clip.path) == pytest.approx([s - 3.2 for s in ALL_CLICKS if 3.2 <= s < 6.5], abs=0.03)


def test_a_recording_in_streams_of_its_own_ends_the_video(tmp_path: Path) -> None:
    """FFmpeg adds streams when they appear, and PyAV does not know them."""
    sound = SoundSpec("aac", 48_000, ends_s=10.0, clicks_s=(0.5, 9.75))
    film = write_film(tmp_path / "aac.ts", replace(FILMS["aac.ts"], frames=300, sound=sound))
    other = tmp_path / "other.ts"
    with av.open(str(film)) as given, av.open(str(other), "w", options=OTHER_STREAMS) as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in given.streams}
        for packet in given.demux():
            if packet.size:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    (tmp_path / "two.ts").write_bytes(film.read_bytes() + other.read_bytes())
    with open_video(tmp_path / "two.ts") as video:
        assert [read_number(frame.rgb) for frame in video.frames()] == list(range(300))
        assert video.unreadable_after_s == video.table.end_s == pytest.approx(10.0)
    for kind in ("exact", "fast"):
        (clip,) = list(cut_clips(tmp_path / "two.ts", [moment(9.0, 10.0)], tmp_path / kind, kind=kind))[-1].clips
        assert shown_in(clip.path)[0] == list(range(round(30 * clip.start_s), 300))
        assert find_clicks(clip.path) == pytest.approx([9.75 - clip.start_s], abs=0.03)
