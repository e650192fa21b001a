"""Damage, changes in mid-stream, and what may not cost a seek or a pass."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clip_core.errors import VideoError
from clip_core.video import open_video
from clip_core.video.pyav import PyAVVideo
from tests.support.video_maker import (
    HEIGHT,
    KINDS,
    WIDTH,
    Picture,
    PlantedVideo,
    VideoSpec,
    number_picture,
    planted,
    read_number,
    write_video,
)

WHOLE = 120
TS_PACKET = 188
TS_PICTURES = 0x100
"""The number under which FFmpeg's muxer sends a first stream."""
H264 = {"g": "30", "bf": "0"}
"""Without B-frames, so that a file that is cut anywhere holds the first frames without a gap."""
SETTINGS = {
    "mp4": VideoSpec(options=H264, container_options={"movflags": "faststart"}),
    "mkv": VideoSpec(".mkv", options=H264),
    "ts": VideoSpec(".ts", options=H264),
    "webm": VideoSpec(".webm", "libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8", "g": "30"}),
    "avi": VideoSpec(".avi", "mpeg4", options={"g": "30", "b": "2M"}),
}


def noisy_pictures(count: int) -> list[Picture]:
    """Numbered pictures with noise, so that each takes its share of the file."""
    noise = np.random.default_rng(3).integers(-20, 20, (count, HEIGHT, WIDTH, 3))
    return [np.clip(number_picture(n) + noise[n], 0, 255).astype(np.uint8) for n in range(count)]


@pytest.fixture(scope="session")
def whole_videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, pictures = tmp_path_factory.mktemp("whole"), noisy_pictures(WHOLE)
    paths = {kind: folder / f"whole.{kind}" for kind in SETTINGS}
    for kind, path in paths.items():
        write_video(path, pictures, SETTINGS[kind])
    return paths


def middle(whole: Path, size: int) -> int:
    """Where to cut a file; of a transport stream inside one of its packets, as a cut between two is not to be seen."""
    half = size // 2
    return half // TS_PACKET * TS_PACKET + TS_PACKET // 2 if whole.suffix == ".ts" else half


def damaged(whole: Path, folder: Path, *, zeros: bool = False) -> Path:
    """Cut a file in the middle; with ``zeros``, keep its length."""
    data = whole.read_bytes()
    half = middle(whole, len(data))
    path = folder / f"damaged{whole.suffix}"
    path.write_bytes(data[:half] + (bytes(len(data) - half) if zeros else b""))
    return path


@pytest.mark.parametrize("kind", list(SETTINGS))
def test_a_file_that_is_cut_off_gives_what_it_holds(whole_videos: dict[str, Path], tmp_path: Path, kind: str) -> None:
    with open_video(whole_videos[kind]) as whole, open_video(damaged(whole_videos[kind], tmp_path)) as video:
        frames = list(video.frames())
        assert 3 <= len(frames) < WHOLE * 3 // 4
        for frame, right in zip(frames, whole.frames(), strict=False):
            assert (frame.index, frame.time_s) == (right.index, right.time_s)
            assert np.array_equal(frame.rgb, right.rgb)
        assert video.unreadable_after_s == pytest.approx(len(frames) / 30, abs=0.002)
        assert video.table.end_s == video.unreadable_after_s
        assert len(video.table) == len(frames)
        assert whole.unreadable_after_s is None


def frame_starts(data: bytes) -> list[int]:
    """Where in a transport stream the packets stand with which a frame begins."""
    packets = range(0, len(data), TS_PACKET)
    headers = {at: int.from_bytes(data[at + 1 : at + 3], "big") for at in packets}
    return [at for at, header in headers.items() if header & 0x5FFF == 0x4000 | TS_PICTURES]


def test_a_transport_stream_that_ends_between_two_frames_shows_no_damage(
    whole_videos: dict[str, Path], tmp_path: Path
) -> None:
    data = whole_videos["ts"].read_bytes()
    starts = frame_starts(data)
    assert len(starts) == WHOLE
    (tmp_path / "half.ts").write_bytes(data[: starts[WHOLE // 2]])
    with open_video(whole_videos["ts"]) as whole, open_video(tmp_path / "half.ts") as video:
        frames = list(video.frames())
        assert [frame.index for frame in frames] == list(range(WHOLE // 2))
        for frame, right in zip(frames, whole.frames(), strict=False):
            assert frame.time_s == right.time_s
            assert np.array_equal(frame.rgb, right.rgb)
        assert video.unreadable_after_s is None


@pytest.mark.parametrize("kind", ["mp4", "mkv", "webm", "avi"])
def test_a_file_whose_second_half_never_arrived(whole_videos: dict[str, Path], tmp_path: Path, kind: str) -> None:
    with open_video(damaged(whole_videos[kind], tmp_path, zeros=True)) as video:
        frames = list(video.frames())
        assert 3 <= len(frames) < WHOLE * 3 // 4
        assert video.unreadable_after_s == video.table.end_s < 3.0


def test_an_mp4_without_its_index_is_refused_by_name(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.mp4", noisy_pictures(20), VideoSpec())
    with pytest.raises(VideoError, match=r"damaged.mp4 is cut off: its index \(moov\) is missing"):
        open_video(damaged(tmp_path / "whole.mp4", tmp_path))


def test_reading_goes_on_after_a_hole(whole_videos: dict[str, Path], tmp_path: Path) -> None:
    data = bytearray(whole_videos["mp4"].read_bytes())
    half = len(data) // 2
    data[half : half + 2000] = bytes(2000)
    (tmp_path / "hole.mp4").write_bytes(data)
    with open_video(whole_videos["mp4"]) as whole, open_video(tmp_path / "hole.mp4") as video:
        right = {frame.pts: frame for frame in whole.frames()}
        frames = list(video.frames())
        same = [np.array_equal(frame.rgb, right[frame.pts].rgb) for frame in frames]
        assert video.unreadable_after_s is None
        assert sum(same) >= WHOLE - 31
        assert all(same[-25:])
        assert read_number(frames[-1].rgb) == WHOLE - 1


def test_a_frame_that_never_comes_does_not_shift_the_numbers(whole_videos: dict[str, Path], tmp_path: Path) -> None:
    with open_video(damaged(whole_videos["mp4"], tmp_path)) as video:
        claimed = len(video.table)
        readable = len(list(video.frames()))
    with open_video(damaged(whole_videos["mp4"], tmp_path)) as video:
        last = video.frame_at(time_s=1e9)
        assert read_number(last.rgb) == last.index == readable - 1 < claimed
        assert video.table.confirmed


def test_asking_in_a_row_does_not_seek_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = open_video(planted(tmp_path, "row", 100, VideoSpec(options={"g": "25"})).path)
    assert isinstance(video, PyAVVideo)
    with video:
        video.frame_at(index=40)
        monkeypatch.setattr(video._finder, "_jump", lambda pts: pytest.fail(f"sought {pts} again"))
        assert [read_number(video.frame_at(index=index).rgb) for index in range(40, 100)] == list(range(40, 100))
        assert video.frame_at(index=99) is video.frame_at(index=99)


def test_a_picture_that_changes_its_size(tmp_path: Path) -> None:
    small = planted(tmp_path, "small", 20, VideoSpec(".ts", options={"bf": "0"}))
    large = planted(tmp_path, "large", 20, VideoSpec(".ts", first_pts=20, options={"bf": "0"}), size=(320, 192))
    (tmp_path / "both.ts").write_bytes(small.path.read_bytes() + large.path.read_bytes())
    with open_video(tmp_path / "both.ts") as video:
        shapes = [frame.rgb.shape[:2] for frame in video.frames()]
        assert shapes == [(96, 160)] * 20 + [(192, 320)] * 20
        assert read_number(video.frame_at(index=30).rgb) == 10
        assert read_number(video.frame_at(index=3).rgb) == 3


def test_a_header_that_promises_more_than_comes_is_believed(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.flv", noisy_pictures(WHOLE), VideoSpec(".flv", options={"g": "30"}))
    with open_video(tmp_path / "whole.flv") as video:
        assert len(list(video.frames())) == WHOLE
        assert video.unreadable_after_s is None
    with open_video(damaged(tmp_path / "whole.flv", tmp_path)) as video:
        assert 3 <= len(list(video.frames())) < WHOLE * 3 // 4
        assert video.unreadable_after_s == video.table.end_s


@pytest.mark.parametrize("suffix", [".mkv", ".flv"])
def test_sound_that_outlasts_the_pictures_is_no_damage(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sound{suffix}"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44100, layout="mono")
        picture = container.add_stream("libx264", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for n in range(20):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(number_picture(n, 64, 48), format="rgb24")))
        for n in range(300):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, n * 1024
            container.mux(sound.encode(frame))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    with open_video(path) as video:
        assert video.info.header_duration_s is not None
        assert video.info.header_duration_s > 6
        assert len(list(video.frames())) == 20
        assert video.unreadable_after_s is None


def test_a_long_step_at_the_end_is_no_damage(tmp_path: Path) -> None:
    pictures = [number_picture(n) for n in range(6)]
    write_video(tmp_path / "slides.mkv", pictures, VideoSpec(".mkv"), ticks=[0, 30, 60, 900, 1800, 1830])
    with open_video(tmp_path / "slides.mkv") as video:
        assert len(list(video.frames())) == 6
        assert video.unreadable_after_s is None


def test_a_recording_behind_itself(tmp_path: Path) -> None:
    single = KINDS["ts"](tmp_path)
    (tmp_path / "twice.ts").write_bytes(single.path.read_bytes() * 2)
    with open_video(tmp_path / "twice.ts") as video:
        frames = list(video.frames())
        assert [frame.time_s for frame in frames] == pytest.approx([k / 30 for k in range(400)], abs=0.001)
        assert [read_number(frame.rgb) for frame in frames] == [*range(200), *range(200)]
        assert read_number(video.frame_at(index=205).rgb) == 5
        assert video.left_out_frames == 0


def test_sound_beside_the_picture_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "both.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=8000, layout="mono")
        picture = container.add_stream("libx264", rate=30)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(30):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(number_picture(number), format="rgb24")))
        for number in range(24):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, number * 1024
            container.mux(sound.encode(frame))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    with open_video(path) as video:
        assert [read_number(frame.rgb) for frame in video.frames()] == list(range(30))
        assert video.unreadable_after_s is None


def test_a_confirmed_pass_ends_with_the_last_wanted_frame(whole_videos: dict[str, Path]) -> None:
    with open_video(whole_videos["mp4"]) as video:
        wanted = video.table.pts[[3, 50, 119]].tolist()
        assert [frame.index for frame in video.frames(wanted)] == [3, 50, 119]
        assert video.table.confirmed
        assert [frame.index for frame in video.frames(wanted[:1])] == [3]
        assert len(video.table) == WHOLE


def test_the_times_of_a_pass_are_the_truth(planted_late: PlantedVideo) -> None:
    with open_video(planted_late.path) as video:
        assert video.table.start_pts == 5000
        assert video.frame_at(index=0).time_s == 0.0


@pytest.fixture
def planted_late(tmp_path: Path) -> PlantedVideo:
    return planted(tmp_path, "late", 10, VideoSpec(".mkv", first_pts=150))


def test_sound_that_begins_in_the_middle_of_an_flv(tmp_path: Path) -> None:
    """FFmpeg finds its stream only there, when PyAV has counted the streams."""
    whole = planted(tmp_path, "v", 900, VideoSpec(".flv", options={"g": "30", "bf": "0"}))
    data, at, tags = whole.path.read_bytes(), 13, 0
    out = bytearray(data[:at])
    while at < len(data):
        end = at + 15 + int.from_bytes(data[at + 1 : at + 4], "big")
        out, tags, stamp = out + data[at:end], tags + 1, data[at + 4 : at + 8]
        if tags > 600:
            sound = b"\x2f\xff\xfb\x90\x00" + bytes(413)  # a frame of MP3
            out += b"\x08" + len(sound).to_bytes(3, "big") + stamp + bytes(3) + sound
            out += (11 + len(sound)).to_bytes(4, "big")
        at = end
    whole.path.write_bytes(out)
    with open_video(whole.path) as video:
        assert len(video.table) == 900
        assert [read_number(frame.rgb) for frame in video.frames([0, *video.table.pts[-2:].tolist()])] == [0, 898, 899]
        assert (len(video.table), video.unreadable_after_s) == (900, None)
        assert read_number(video.frame_at(index=777).rgb) == 777


@pytest.mark.parametrize("suffix", [".avi", ".mov"])
def test_single_keyframes_have_the_palette_of_the_file(tmp_path: Path, suffix: str) -> None:
    """AVI hands it out with the first packet only."""
    palette = np.full((256, 4), 255, np.uint8)
    palette[1] = (255, 200, 60, 30)
    with av.open(str(tmp_path / f"v{suffix}"), "w") as container:
        stream = container.add_stream("rawvideo", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "pal8"
        for stamp in range(5):
            frame = av.VideoFrame.from_ndarray((np.ones((48, 64), np.uint8), palette), format="pal8")
            frame.pts, frame.time_base = stamp, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_video(tmp_path / f"v{suffix}") as video:
        decoded = [frame.rgb for frame in video.frames()]
        assert len(decoded) == len(video.table.key_pts) == 5
        for frame in video.keyframes(video.table.key_pts[1:].tolist()):
            np.testing.assert_array_equal(frame.rgb, decoded[frame.index])
        assert tuple(decoded[1][24, 32]) == (200, 60, 30)
        assert video.info.reading == "palette"  # earlier versions stored vectors of white pictures
