"""Clips of moments, opened again by our own reader and by FFmpeg: the very frames, their times, and their sound."""

from __future__ import annotations

import errno
import re
import shutil
import struct
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream
from av.video.stream import VideoStream

import clip_core.media.exports_folder
from clip_core.errors import ExportError, VideoDecodeError, VideoError, VideoNotFoundError
from clip_core.export.read_moments import read_moments
from clip_core.library.identify import file_stamp
from clip_core.media import fast_clips
from clip_core.media.clips import ClipMode, cut_clips
from clip_core.media.export_media import save_frames
from clip_core.text import full_clock
from clip_core.types import Clip, Moment, Progress, TimeTable
from clip_core.video import open_video
from clip_core.video.pyav import PyAVVideo
from tests.support.sound_maker import FilmSpec, SoundSpec, find_clicks, sound_length_s, write_film
from tests.support.video_maker import (
    HEIGHT,
    KINDS,
    WIDTH,
    PlantedVideo,
    VideoSpec,
    make_edit_list,
    planted,
    read_number,
)
from tests.video.test_shown_pictures import write


def moment(start_s: float, end_s: float, prompt: str = "a dog") -> Moment:
    return Moment(prompt, start_s, end_s, start_s, 1.0, 1.0)


def cut(
    path: Path, folder: Path, *moments: Moment, kind: ClipMode = "exact", table: TimeTable | None = None
) -> list[Clip]:
    reports = list(cut_clips(path, moments, folder, kind=kind, table=table))
    assert reports[-1].done == reports[-1].total
    assert [clip.path for clip in reports[-1].clips] == list(reports[-1].files)
    assert sorted(reports[-1].files) == sorted(folder.iterdir())
    return list(reports[-1].clips)


def read_with_av(path: Path) -> tuple[list[int], list[float]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [read_number(frame.to_ndarray(format="rgb24")) for frame in frames], [float(frame.time) for frame in frames]


def planted_in(video: PlantedVideo, start_s: float, end_s: float) -> tuple[list[int], list[float]]:
    """The obvious way: look at each frame."""
    inside = [k for k, time_s in enumerate(video.times_s) if start_s - 1e-6 <= time_s < end_s - 1e-6]
    return [video.numbers[k] for k in inside], [video.times_s[k] - video.times_s[inside[0]] for k in inside]


EXACT = ("variable", "ts", "edit", "webm", "avi", "avi-packed", "turned90", "late", "gif", "images")


@pytest.mark.parametrize("kind", EXACT)
def test_an_exact_clip_has_the_very_frames_at_their_times(kind: str, tmp_path: Path) -> None:
    video = KINDS[kind](tmp_path / "in" if (tmp_path / "in").mkdir() is None else tmp_path)
    end_s = video.times_s[-1]
    moments = [moment(0.0, 0.3), moment(0.4 * end_s, 0.6 * end_s), moment(end_s - 0.2, end_s + 1.0)]
    clips = cut(video.path, tmp_path / "out", *moments)
    for asked, clip in zip(moments, clips, strict=True):
        numbers, times_s = planted_in(video, asked.start_s, asked.end_s)
        with open_video(clip.path) as made:
            frames = list(made.frames())
            assert [read_number(frame.rgb) for frame in frames] == numbers
            np.testing.assert_allclose(made.times_s, times_s, atol=0.001)
            assert made.table.end_s == pytest.approx(clip.end_s - clip.start_s, abs=0.001)
            assert (made.info.width, made.info.height) == (video.width, video.height)
            assert made.info.codec == "h264"
        assert clip.frames == len(numbers)
        assert clip.start_s == pytest.approx(video.times_s[video.numbers.index(numbers[0])], abs=0.001)
        if kind != "turned90":  # there, FFmpeg leaves the turning to the player; what we write is upright
            assert read_with_av(clip.path)[0] == numbers
    assert read_with_av(clips[1].path)[1] == pytest.approx(
        planted_in(video, moments[1].start_s, moments[1].end_s)[1], abs=0.001
    )


def test_a_stream_that_a_muxer_refuses_is_named_and_the_next_moment_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = planted(tmp_path, "clip", 60, VideoSpec())
    streams, like = [], fast_clips._like

    def refuse_first(stream: VideoStream | AudioStream, out: OutputContainer) -> Stream:
        streams.append(stream)
        if len(streams) == 1:
            av.error.err_check(-errno.EINVAL)
        return like(stream, out)

    monkeypatch.setattr(fast_clips, "_like", refuse_first)
    *_, last = cut_clips(video.path, [moment(0.0, 0.5), moment(1.0, 1.5)], tmp_path / "out", kind="fast")
    (warning,) = last.warnings
    assert "at 0:00.000 is not cut: The clip's format cannot hold this stream: Invalid argument. Cut it" in warning
    assert len(last.files) == len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
@pytest.mark.parametrize("kind", ["exact", "fast"])
def test_a_clip_of_transparent_pictures_shows_no_hidden_colours(kind: ClipMode, codec: str, tmp_path: Path) -> None:
    """Green is hidden at the left. MP4 holds VP9, but not what says where it is transparent."""
    rgba = np.zeros((48, 64, 4), np.uint8)
    rgba[:, :, 1] = 255
    rgba[:, 32:] = (255, 0, 0, 255)
    frames = [av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="yuva420p") for _ in range(8)]
    write(tmp_path / "clear.webm", frames, codec, "yuva420p", options={"auto-alt-ref": "0", "g": "2"})
    (clip,) = cut(tmp_path / "clear.webm", tmp_path / "out", moment(0.2, 0.5), kind=kind)
    with open_video(clip.path) as video:
        rgb = video.frame_at(index=1).rgb.astype(int)
        assert np.abs(rgb[24, 8] - (255, 255, 255)).max() <= 4
        assert np.abs(rgb[24, 56] - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("kind", ["exact", "fast"])
def test_clips_of_a_list_in_milliseconds_have_the_very_frames(kind: ClipMode, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    video = KINDS["ntsc"](tmp_path / "in")
    places = [(31, 33), (46, 60), (122, 149)]
    rows = [",".join(full_clock(video.times_s[k]) for k in place) for place in places]
    moments = read_moments("\n".join(["start,end", *rows]).encode(), "list.csv")
    assert any(moment.start_s > video.times_s[first] for moment, (first, _) in zip(moments, places, strict=True))
    with open_video(video.path) as original:
        keys = original.table.number_of(original.table.key_pts).tolist()
    for clip, (first, stop) in zip(cut(video.path, tmp_path / "out", *moments, kind=kind), places, strict=True):
        begin = first if kind == "exact" else max(key for key in keys if key <= first)
        with open_video(clip.path) as made:
            numbers = [read_number(frame.rgb) for frame in made.frames()]
        assert numbers[0] == begin
        assert numbers[-1] == stop - 1 if kind == "exact" else numbers[-1] >= stop - 1
    last = list(save_frames(video.path, moments, tmp_path / "pictures", kind="png"))[-1]
    pictures = [cv2.imread(str(path))[:, :, ::-1] for path in sorted(last.files)]
    assert [read_number(picture) for picture in pictures] == [first for first, _ in places]


FAST = ("constant", "variable", "ts", "edit", "webm", "avi", "avi-b", "mpeg", "turned90", "late", "ntsc")


@pytest.mark.parametrize("kind", FAST)
def test_a_fast_clip_begins_at_the_keyframe_before_and_says_so(kind: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    video = KINDS[kind](tmp_path / "in")
    middle = len(video) - 10
    start_s, end_s = video.times_s[middle], video.times_s[middle + 5]
    (clip,) = cut(video.path, tmp_path / "out", moment(start_s, end_s), kind="fast")
    first = min(range(len(video)), key=lambda k: abs(video.times_s[k] - clip.start_s))
    expected = video.numbers[first : first + clip.frames]
    assert first <= middle
    assert first + clip.frames >= middle + 5
    with open_video(video.path) as original, open_video(clip.path) as made:
        assert original.frame_at(index=first).pts in original.table.key_pts
        assert not any(first < k <= middle for k in original.table.number_of(original.table.key_pts).tolist())
        assert [read_number(frame.rgb) for frame in made.frames()] == expected
        np.testing.assert_allclose(
            made.times_s, np.array(video.times_s[first:])[: len(expected)] - clip.start_s, atol=0.002
        )
        assert (made.info.width, made.info.height) == (video.width, video.height)
        assert made.info.codec == original.info.codec
    assert clip.path.suffix == (".mkv" if kind == "mpeg" else ".mp4")
    if kind != "turned90":
        numbers, seen_s = read_with_av(clip.path)
        assert numbers == expected
        assert seen_s[0] == pytest.approx(0.0, abs=0.001)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_fast_clip_keeps_the_pixels_that_the_container_asks_for(suffix: str, tmp_path: Path) -> None:
    """The codec's own header has them too, and other ones."""
    path = planted(tmp_path, "v", 20, VideoSpec(pixel_aspect=Fraction(2))).path
    path.write_bytes(path.read_bytes().replace(b"pasp\0\0\0\2", b"pasp\0\0\0\3"))
    if suffix == ".mkv":
        (clip,) = cut(path, tmp_path / "mkv", moment(0.0, 0.5), kind="fast")
        path = clip.path
    (clip,) = cut(path, tmp_path / "out", moment(0.0, 0.5), kind="fast")
    with open_video(path) as original, open_video(clip.path) as made:
        assert (original.info.width, original.info.reading) == (3 * WIDTH, "square pixels")
        assert (made.info.width, made.info.height) == (3 * WIDTH, HEIGHT)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_fast_clip_stays_transparent(codec: str, tmp_path: Path) -> None:
    rgba = np.zeros((48, 64, 4), np.uint8)  # black, which nobody may see
    with av.open(str(tmp_path / "v.webm"), "w") as container:
        stream = container.add_stream(codec, rate=10, options={"auto-alt-ref": "0", "g": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p"
        for stamp in range(10):
            frame = av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="yuva420p")
            frame.pts, frame.time_base = stamp, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (clip,) = cut(tmp_path / "v.webm", tmp_path / "out", moment(0.5, 0.9), kind="fast")
    with open_video(clip.path) as made:
        assert [frame.rgb.min() >= 251 for frame in made.frames()] == [True] * clip.frames


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("images", r"consists of separate images.* Cut it exactly instead\."),
        ("gif", r"animation\.gif consists of separate images"),
        ("apng", r"animation\.apng consists of separate images"),
        ("avi-packed", r"packed\.avi has no presentation times"),
    ],
)
def test_what_cannot_be_copied_fast(kind: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    video = KINDS[kind](tmp_path / "in")
    with pytest.raises(ExportError, match=words):
        list(cut_clips(video.path, [moment(0.0, 0.2)], tmp_path / "out", kind="fast"))
    assert not list((tmp_path / "out").glob("*"))


def hidden_both_ways(folder: Path) -> PlantedVideo:
    """An MP4 whose edit list hides the frames before 40 and from 70 on, which no shown frame needs."""
    video = planted(folder, "both", 100, VideoSpec(options={"g": "50", "bf": "0"}, first_pts=-40))
    content = bytearray(video.path.read_bytes())
    at = content.index(b"elst") + 12
    content[at : at + 4] = struct.pack(">I", 1000)  # milliseconds of the first edit
    video.path.write_bytes(content)
    return replace(video, numbers=list(range(40, 70)), times_s=[k / 30 for k in range(30)])


@pytest.mark.parametrize("make", [make_edit_list, hidden_both_ways])
def test_a_hidden_keyframe_is_copied_and_hidden_again(make: Callable[[Path], PlantedVideo], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    video = make(tmp_path / "in")
    moments = [moment(0.0, 0.2), moment(0.1, 0.3)]
    *_, last = cut_clips(video.path, moments, tmp_path / "out", kind="fast")
    assert [clip.start_s for clip in last.clips] == [0.0, 0.0]
    for clip, warning in zip(last.clips, last.warnings, strict=True):
        assert re.match(rf"{clip.path.name} begins with 0:0[01]\.\d+ of hidden frames, as the video does\.", warning)
    for clip, wanted in zip(last.clips, moments, strict=True):
        assert clip.end_s == pytest.approx(wanted.end_s, abs=0.15)  # B-frames may need up to three later ones
        numbers, seen_s = read_with_av(clip.path)
        assert numbers == video.numbers[: clip.frames]
        assert seen_s == pytest.approx(video.times_s[: clip.frames], abs=0.001)


def test_frames_that_need_hidden_ones_at_the_end_are_not_copied(tmp_path: Path) -> None:
    video = planted(
        tmp_path, "v", 100, VideoSpec(options={"g": "50", "bf": "2", "x264-params": "b-adapt=0:scenecut=0"})
    )
    content = bytearray(video.path.read_bytes())
    at = content.index(b"elst") + 12
    content[at : at + 4] = struct.pack(">I", 1100)  # 33 frames are shown; the next of them is a P-frame for B-frames
    video.path.write_bytes(content)
    with open_video(video.path) as opened:
        end_s = opened.table.end_s
    moments = [moment(0.1, 0.4), moment(end_s - 0.1, end_s)]
    *_, last = cut_clips(video.path, moments, tmp_path / "out", kind="fast")
    for clip in last.clips:
        numbers, _ = read_with_av(clip.path)
        assert numbers == list(range(clip.frames))
    assert len(last.clips) + len(last.warnings) == 2
    assert all("need others that the file hides" in warning for warning in last.warnings)


def test_a_codec_that_no_container_takes(tmp_path: Path) -> None:
    video = planted(tmp_path, "old", 30, VideoSpec(".flv", "flv1"))
    with pytest.raises(ExportError, match=r"Neither MP4 nor MKV can hold FLV1\. Cut it exactly instead\."):
        list(cut_clips(video.path, [moment(0.0, 0.5)], tmp_path / "out", kind="fast"))
    assert list((tmp_path / "out").iterdir()) == []


def test_hevc_is_copied_as_quicktime_plays_it(tmp_path: Path) -> None:
    options = {"x265-params": "log-level=none", "preset": "ultrafast"}
    video = planted(tmp_path, "v", 20, VideoSpec(".mkv", "libx265", options=options))
    (clip,) = cut(video.path, tmp_path / "out", moment(0.2, 0.5), kind="fast")
    with av.open(str(clip.path)) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"


CLICKS = (0.5, 1.25, 2.75)


@pytest.mark.parametrize("kind", ["exact", "fast"])
@pytest.mark.parametrize(
    ("name", "film"),
    [
        ("aac.mp4", FilmSpec(options={"g": "15"})),
        ("mp2.ts", FilmSpec(sound=SoundSpec("mp2", 48_000), options={"g": "15"})),
        ("mp3.avi", FilmSpec("mpeg4", sound=SoundSpec("libmp3lame"), options={"g": "15"})),
        ("surround.mkv", FilmSpec(begins_s=0.2, sound=SoundSpec("ac3", 48_000, "5.1"), options={"g": "15"})),
    ],
)
def test_the_sound_is_in_step(kind: ClipMode, name: str, film: FilmSpec, tmp_path: Path) -> None:
    path = write_film(tmp_path / name, film)
    (clip,) = cut(path, tmp_path / "out", moment(1.1, 2.7), kind=kind)
    heard = [click_s - film.begins_s - clip.start_s for click_s in CLICKS]
    expected = [click_s for click_s in heard if 0 <= click_s < clip.end_s - clip.start_s]
    assert find_clicks(clip.path) == pytest.approx(expected, abs=0.03)
    assert len(expected) >= 1
    assert sound_length_s(clip.path) == pytest.approx(clip.end_s - clip.start_s, abs=0.08)


def test_far_into_a_file_the_sound_is_sought_not_read(tmp_path: Path) -> None:
    clicks = (1.0, 21.0, 39.5)
    film = FilmSpec("mpeg4", rate=10, frames=400, sound=SoundSpec(ends_s=40.0, clicks_s=clicks))
    path = write_film(tmp_path / "long.mp4", film)
    first, last = cut(path, tmp_path / "out", moment(20.5, 22.0), moment(39.0, 40.0))
    assert find_clicks(first.path) == pytest.approx([0.5], abs=0.03)
    assert find_clicks(last.path) == pytest.approx([0.5], abs=0.03)


def test_sound_that_begins_later_or_ends_before(tmp_path: Path) -> None:
    sound = SoundSpec("flac", begins_s=1.0, ends_s=2.0, clicks_s=(1.25,))
    path = write_film(tmp_path / "part.mkv", FilmSpec(sound=sound))
    before, around, after = cut(path, tmp_path / "out", moment(0, 0.5), moment(0.9, 1.5), moment(2.5, 3.0))
    assert find_clicks(around.path) == pytest.approx([0.35], abs=0.03)
    assert [clip.frames for clip in (before, around, after)] == [15, 18, 15]


@pytest.mark.parametrize(
    ("start_s", "end_s", "number"), [(0.0, 0.0, 0), (0.11, 0.12, 3), (1.99, 2.0, 59), (2.0, 2.0, 59)]
)
def test_at_least_one_frame(start_s: float, end_s: float, number: int, tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 60, VideoSpec())
    (clip,) = cut(video.path, tmp_path / "out", moment(start_s, end_s))
    assert read_with_av(clip.path) == ([number], [0.0])
    assert clip.start_s == pytest.approx(number / 30)


def test_a_video_of_one_frame_and_odd_sizes(tmp_path: Path) -> None:
    one = planted(tmp_path, "one", 1, VideoSpec(".avi", "mpeg4"), size=(161, 97))
    for kind in ("exact", "fast"):
        (clip,) = cut(one.path, tmp_path / kind, moment(0.0, 9.0), kind=kind)
        assert clip.frames == 1
    with open_video(tmp_path / "exact" / clip.path.name) as made:
        assert (made.info.width, made.info.height) == (160, 96)


def test_a_still_picture_does_not_make_a_moment_long(tmp_path: Path) -> None:
    still = planted(tmp_path, "still", 4, VideoSpec(), ticks=[0, 1, 2, 600], tick=Fraction(1, 30))
    (clip,) = cut(still.path, tmp_path / "out", moment(0.0, 1.0))
    assert (clip.frames, clip.end_s) == (3, 1.0)


def test_moments_that_are_none(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 30, VideoSpec())
    for start_s, end_s, words in (
        (0.5, 0.4, r"from 0\.5 s to 0\.4 s"),
        (float("nan"), 1.0, "from nan s"),
        (0.0, float("inf"), "to inf s"),
        (70.0, 71.0, r"A moment at 1:10\.000 lies outside the video, which lasts 0:01\.000\. Check that the moments"),
    ):
        with pytest.raises(ExportError, match=words):
            list(cut_clips(video.path, [moment(0.0, 0.5), moment(start_s, end_s)], tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    assert cut(video.path, tmp_path / "out") == []


def test_names_are_safe_and_numbered(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 30, VideoSpec())
    clips = cut(video.path, tmp_path / "out", moment(0, 0.1, '../../=cmd()|"x"\n'), moment(0.5, 1, "Ünïcode 犬"))
    assert [clip.path.name for clip in clips] == ["001_cmd-x_0m00.000s.mp4", "002_unicode_0m00.500s.mp4"]


def test_a_claim_that_turns_out_wrong_is_cut_by_what_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = planted(tmp_path, "damaged", 90, VideoSpec(".ts", "mpeg2video", options={"g": "10"}))
    content = bytearray(whole.path.read_bytes())
    middle = len(content) // 2 // 188 * 188
    content[middle : middle + 188 * 8] = np.random.default_rng(5).bytes(188 * 8)
    whole.path.write_bytes(content)
    with open_video(whole.path) as video:
        truth = [read_number(frame.rgb) for frame in video.frames() if 1.0 - 1e-6 <= frame.time_s < 2.5 - 1e-6]
        table = video.table
    assert len(truth) < 45
    for given in (None, table):
        (clip,) = cut(whole.path, tmp_path / f"out{given is None}", moment(1.0, 2.5), table=given)
        assert read_with_av(clip.path)[0] == truth


@pytest.mark.parametrize("kind", ["exact", "fast"])
def test_closing_leaves_whole_clips_only(kind: ClipMode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    video = planted(tmp_path, "v", 150, VideoSpec(options={"g": "10"}))
    run = cut_clips(video.path, [moment(0, 1), moment(1, 5)], tmp_path / "out", kind=kind)
    for progress in run:
        if progress.clips and progress.done > 2:
            break
    assert 0.2 < progress.share < 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir())[0].endswith(".part")
    run.close()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["001_a-dog_0m00.000s.mp4"]


def test_progress_never_falls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    video = planted(tmp_path, "v", 90, VideoSpec())
    reports: list[Progress] = list(cut_clips(video.path, [moment(0, 1), moment(0.5, 3)], tmp_path / "out"))
    done = [report.done for report in reports]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, pytest.approx(3.5))
    assert {round(report.total, 6) for report in reports} == {3.5}
    assert reports[0].seconds_left is None
    assert reports[-1].seconds_left == 0


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 30, VideoSpec())
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ExportError, match=r"file cannot be made or is not a folder: File exists\. Choose"):
        list(cut_clips(video.path, [moment(0, 1)], tmp_path / "file"))
    with pytest.raises(ExportError, match=r"below cannot be made or is not a folder: Not a directory\."):
        list(cut_clips(video.path, [moment(0, 1)], tmp_path / "file" / "below"))


@pytest.mark.parametrize("kind", ["exact", "fast"])
@pytest.mark.parametrize(
    ("place", "words"),
    [("/dev/full", "The disk is full"), ("/nowhere/at/all", "It cannot be written: No such")],
)
def test_when_it_cannot_be_written(kind: ClipMode, place: str, words: str, tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 30, VideoSpec())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".001_a-dog_0m00.000s.mp4.part").symlink_to(place)
    with pytest.raises(ExportError, match=words):
        list(cut_clips(video.path, [moment(0, 1)], tmp_path / "out", kind=kind))
    assert not list((tmp_path / "out").glob("*.mp4"))


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = planted(tmp_path, "v", 30, VideoSpec())
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 60_000_000, 60_000_000))
    with pytest.raises(ExportError, match=r"There is no room: only 60 MB are free, and 67\.1 MB must stay free\."):
        list(cut_clips(video.path, [moment(0, 1)], tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_video_that_is_moved_or_changed_meanwhile(tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 90, VideoSpec())
    with pytest.raises(VideoError, match=r"v\.mp4 has changed since it was opened"):
        list(cut_clips(video.path, [moment(0, 1)], tmp_path / "out", stamp=(1, 1)))
    stamp = file_stamp(video.path)
    for kind in ("exact", "fast"):
        run = cut_clips(video.path, [moment(0, 1), moment(1, 2)], tmp_path / "out", kind=kind, stamp=stamp)
        while not next(run).clips:
            pass
        video.path.rename(tmp_path / "elsewhere.mp4")
        with pytest.raises(VideoNotFoundError, match=r"v\.mp4 was moved or deleted meanwhile|There is no file v\.mp4"):
            list(run)
        (tmp_path / "elsewhere.mp4").rename(video.path)
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["001_a-dog_0m00.000s.mp4"]


def test_the_video_itself_is_not_written_over(tmp_path: Path) -> None:
    video = planted(tmp_path, "001_a-dog_0m00.000s", 30, VideoSpec())
    before = video.path.read_bytes()
    with pytest.raises(ExportError, match=r"001_a-dog_0m00\.000s\.mp4 is the video itself"):
        list(cut_clips(video.path, [moment(0, 1)], tmp_path))
    assert video.path.read_bytes() == before


def test_a_moment_that_cannot_be_copied_is_named_and_the_others_are_cut(tmp_path: Path) -> None:
    """An edit list hides the first keyframe, and the copy is an MKV, which has no edit lists to hide it again."""
    video = planted(tmp_path, "edit", 150, VideoSpec(codec="mpeg2video", options={"g": "50", "bf": "0"}, first_pts=-40))
    moments = [moment(0.1, 0.3), moment(1.5, 2.0)]
    last = list(cut_clips(video.path, moments, tmp_path / "out", kind="fast"))[-1]
    assert [clip.path.name[:3] for clip in last.clips] == ["002"]
    (named,) = [warning for warning in last.warnings if "is not cut" in warning]
    assert re.search(r"at 0:00\.100 is not cut: There is no keyframe at or before 0:00\.100", named)
    with pytest.raises(ExportError, match="no keyframe"):
        list(cut_clips(video.path, moments[:1], tmp_path / "none", kind="fast"))


@pytest.mark.parametrize(("suffix", "codec"), [(".ts", "libx264"), (".ts", "mpeg2video"), (".mpg", "mpeg2video")])
def test_the_first_keyframe_of_a_stream_that_cannot_seek_to_it(tmp_path: Path, suffix: str, codec: str) -> None:
    options = {"g": "50", "bf": "2", "sc_threshold": "0" if codec == "libx264" else "1000000000"}
    video = planted(tmp_path, "v", 150, VideoSpec(suffix, codec, Fraction(25), options=options))
    (first, second) = cut(video.path, tmp_path / "out", moment(0.4, 1.4), moment(4.2, 5.0), kind="fast")
    assert (first.start_s, first.frames >= 35) == (0.0, True)
    assert 3.9 <= second.start_s <= 4.0


def test_a_moment_that_cannot_be_decoded_is_named_and_the_others_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = planted(tmp_path, "v", 60, VideoSpec())
    picture_at = PyAVVideo._picture_at
    monkeypatch.setattr(
        PyAVVideo, "_picture_at", lambda self, pts: picture_at(self, pts) if self.table.number_of(pts) != 6 else None
    )
    with open_video(video.path) as opened:
        list(opened.frames())
        table = opened.table
    moments = [moment(0.1, 0.5), moment(1.0, 1.5)]
    last = list(cut_clips(video.path, moments, tmp_path / "out", table=table))[-1]
    assert [path.name[:3] for path in sorted((tmp_path / "out").iterdir())] == ["002"]
    (named,) = [warning for warning in last.warnings if "is not cut" in warning]
    assert "at 0:00.100 is not cut: Frame 6 of v.mp4 cannot be decoded" in named
    with pytest.raises(VideoDecodeError, match="Frame 6"):
        list(cut_clips(video.path, moments[:1], tmp_path / "none", table=table))
    assert list((tmp_path / "none").iterdir()) == []
