"""OpenCV where PyAV is missing: the same refusals and the same frames."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from clip_core.errors import VideoError
from clip_core.video import open_video
from clip_core.video import opencv as room
from clip_core.video.opencv import CaptureSource, open_with_opencv
from tests.test_pyav import RECIPES, WHOLE, damaged, noisy_pictures
from tests.video_maker import (
    KINDS,
    PlantedVideo,
    Recipe,
    number_picture,
    planted,
    read_number,
    write_animation,
    write_video,
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> PlantedVideo:
    return planted(tmp_path_factory.mktemp("good"), "good", 60, Recipe(options={"g": "20"}))


@pytest.fixture
def no_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)


@pytest.mark.usefixtures("no_pyav")
def test_without_pyav_the_front_door_uses_opencv_and_says_so(good: PlantedVideo, tmp_path: Path) -> None:
    with open_video(good.path) as video:
        assert [read_number(frame.rgb) for frame in video.frames()] == good.numbers
        assert (video.info.decoder, video.info.container, video.info.codec) == ("OpenCV", "mov", "h264")
        assert (video.info.header_fps, video.info.header_frame_count) == (30, 60)
        assert len(video.info.video_id) == 64
    write_animation(tmp_path / "a.gif", [number_picture(n) for n in range(3)], [100] * 3)
    with open_video(tmp_path / "a.gif", video_id="b" * 64) as video:
        assert (video.info.decoder, video.info.video_id) == ("Pillow", "b" * 64)


def test_in_a_process_that_never_had_pyav(good: PlantedVideo) -> None:
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from clip_core import open_video\n"
        "video = open_video(sys.argv[1])\n"
        "print(video.info.decoder, video.frame_at(index=7).rgb.shape, len(video.table))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(good.path)], capture_output=True, text=True, check=True)
    assert done.stdout == "OpenCV (96, 160, 3) 60\n"
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["a b.mp4", "ünï文.mp4", "file:x.mp4", "%03d.mp4", "-x.mp4", "a|b.mp4", "a;b.mp4"])
@pytest.mark.usefixtures("no_pyav")
def test_any_name_works(good: PlantedVideo, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(good.path, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / name, name):
        with open_video(path) as video:
            assert read_number(video.frame_at(index=5).rgb) == 5
            assert video.info.name == name


@pytest.mark.usefixtures("no_pyav")
def test_files_that_hold_no_video(tmp_path: Path) -> None:
    contents = {
        "empty": (b"", "is empty"),
        "text": (b"hello world\n" * 500, "is not a video that can be read"),
        "noise": (np.random.default_rng(0).bytes(50_000), "is not a video that can be read"),
        "half": (b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x10mdat12345678", r"its index \(moov\) is missing"),
    }
    for name, (data, words) in contents.items():
        (tmp_path / f"{name}.mp4").write_bytes(data)
        with pytest.raises(VideoError, match=words) as caught:
            open_video(tmp_path / f"{name}.mp4")
        assert f"{name}.mp4" in str(caught.value)


def test_too_large_and_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "long.mkv", [number_picture(n) for n in range(3)], Recipe(), ticks=[0, 1, 30 * 90_000])
    with pytest.raises(VideoError, match=r"25.0 hours long, over the limit of 24"):
        open_with_opencv(tmp_path / "long.mkv")
    write_video(tmp_path / "large.mp4", [number_picture(n) for n in range(3)], Recipe())
    monkeypatch.setattr(room, "MAX_PIXELS", 160 * 96 - 1)
    with pytest.raises(VideoError, match=r"160 × 96 pixels, over the limit"):
        open_with_opencv(tmp_path / "large.mp4")


@pytest.mark.parametrize("kind", [kind for kind in RECIPES if kind != "webm"])
def test_a_file_that_is_cut_off_gives_what_it_holds(tmp_path: Path, kind: str) -> None:
    write_video(tmp_path / f"whole.{kind}", noisy_pictures(60), RECIPES[kind])
    with open_with_opencv(damaged(tmp_path / f"whole.{kind}", tmp_path)) as video:
        frames = list(video.frames())
        assert 3 <= len(frames) < 50
        assert video.unreadable_after_s == video.table.end_s == pytest.approx(len(frames) / 30, abs=0.002)
        assert [frame.index for frame in frames] == list(range(len(frames)))


@pytest.mark.parametrize("kind", ["mp4"])
def test_a_file_whose_second_half_never_arrived_says_where_it_ended(tmp_path: Path, kind: str) -> None:
    with_b_frames = Recipe(options={"g": "30"}, container_options={"movflags": "faststart"})
    write_video(tmp_path / f"whole.{kind}", noisy_pictures(WHOLE), with_b_frames)
    path = damaged(tmp_path / f"whole.{kind}", tmp_path, zeros=True)
    with open_video(path) as right, open_with_opencv(path) as video:
        frames = list(video.frames())
        assert [frame.time_s for frame in frames] == pytest.approx([frame.time_s for frame in right.frames()])
        assert video.unreadable_after_s == video.table.end_s < 3.0


@pytest.mark.parametrize("kind", ["mkv", "webm", "avi"])
def test_an_end_that_the_header_promises_and_that_never_comes(tmp_path: Path, kind: str) -> None:
    write_video(tmp_path / f"whole.{kind}", noisy_pictures(WHOLE), RECIPES[kind])
    with open_with_opencv(damaged(tmp_path / f"whole.{kind}", tmp_path, zeros=True)) as video:
        assert 3 <= len(video.table) < WHOLE * 3 // 4
        assert video.unreadable_after_s == video.table.end_s < 3.0


def test_a_header_that_promises_more_is_believed(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.flv", noisy_pictures(WHOLE), Recipe(".flv", options={"g": "30"}))
    with open_with_opencv(tmp_path / "whole.flv") as video:
        assert len(video.table) == WHOLE
        assert video.unreadable_after_s is None
    path = damaged(tmp_path / "whole.flv", tmp_path)
    with open_with_opencv(path) as video:
        assert 3 <= len(video.table) < WHOLE * 3 // 4
        assert video.unreadable_after_s == video.table.end_s


def test_looking_elsewhere_at_the_end_of_a_pass_is_no_damage(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.flv", noisy_pictures(WHOLE), Recipe(".flv", options={"g": "30"}))
    with open_with_opencv(tmp_path / "whole.flv") as video:
        for frame in video.frames():
            if frame.index == WHOLE - 1:
                video.frame_at(index=5)
        assert video.unreadable_after_s is None


@pytest.mark.parametrize("suffix", [".mkv", ".flv"])
def test_sound_that_outlasts_the_pictures_is_no_damage(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sound{suffix}"
    with av.open(str(path), "w") as container:
        sound, picture = (
            container.add_stream("aac", rate=44100, layout="mono"),
            container.add_stream("libx264", rate=10),
        )
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for n in range(20):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(number_picture(n, 64, 48), format="rgb24")))
        for n in range(300):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, n * 1024
            container.mux(sound.encode(frame))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    with open_with_opencv(path) as video:
        assert video.info.header_duration_s is not None
        assert video.info.header_duration_s > 6
        assert len(video.table) == 20
        assert video.unreadable_after_s is None


def test_a_long_step_at_the_end_is_no_damage(tmp_path: Path) -> None:
    pictures = [number_picture(n) for n in range(6)]
    write_video(tmp_path / "slides.mkv", pictures, Recipe(".mkv"), ticks=[0, 30, 60, 900, 1800, 1830])
    with open_with_opencv(tmp_path / "slides.mkv") as video:
        assert len(video.table) == 6
        assert video.unreadable_after_s is None


def test_reading_goes_on_after_a_hole(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.mp4", noisy_pictures(WHOLE), RECIPES["mp4"])
    data = bytearray((tmp_path / "whole.mp4").read_bytes())
    half = len(data) // 2
    data[half : half + 2000] = bytes(2000)
    (tmp_path / "hole.mp4").write_bytes(data)
    with open_with_opencv(tmp_path / "hole.mp4") as video:
        frames = list(video.frames())
        assert len(frames) >= WHOLE - 5
        assert [read_number(frame.rgb) for frame in frames[-25:]] == list(range(WHOLE - 25, WHOLE))
        assert frames[-1].time_s == pytest.approx((WHOLE - 1) / 30)
        assert video.unreadable_after_s is None


def test_a_clock_that_jumps_back(tmp_path: Path) -> None:
    single = KINDS["ts"](tmp_path)
    (tmp_path / "twice.ts").write_bytes(single.path.read_bytes() * 2)
    with open_video(tmp_path / "twice.ts") as right, open_with_opencv(tmp_path / "twice.ts") as video:
        for opened in (right, video):
            times = [frame.time_s for frame in opened.frames()]
            assert times == sorted(set(times))
            assert 150 <= opened.left_out_frames <= 200
            opened.frame_at(index=5)
            assert 150 <= opened.left_out_frames <= 200


def test_a_confirmed_table_in_other_units_saves_the_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("constant", "ntsc", "variable", "webm", "late", "edit", "ts"):
        truth = KINDS[kind](tmp_path)
        with open_video(truth.path) as video:
            list(video.frames())
            table = video.table
        with open_with_opencv(truth.path, table=table) as video:
            monkeypatch.setattr(video, "_confirm", lambda: pytest.fail("a pass"))
            for index in (len(truth) - 1, 0, len(truth) // 2, 7):
                frame = video.frame_at(index=index)
                assert (read_number(frame.rgb), frame.index) == (truth.numbers[index], index)
                assert frame.time_s == pytest.approx(truth.times_s[index], abs=1e-9)


def test_only_containers_with_an_index_are_sought_in(tmp_path: Path) -> None:
    video = planted(tmp_path, "long", 600, Recipe(options={"g": "30", "sc_threshold": "0"}))
    with open_with_opencv(video.path) as opened:
        assert len(opened.table) == 600
        assert read_number(opened.frame_at(index=590).rgb) == 590
        starts = opened.starts
        assert read_number(opened.frame_at(index=300).rgb) == 300
        assert opened.starts == starts + 1
        seen = [shot.pts for shot in CaptureSource(video.path, "mov", 30.0).shots(500 * 1_000_000_000 // 30)]
        assert seen == opened.table.pts[510:].tolist()
    for container in ("mpegts", "mpeg", "avi", "flv", "ogg", "asf"):
        assert CaptureSource(video.path, container, 30.0).margin_s is None


def test_going_on_by_a_few_frames_does_not_start_again(good: PlantedVideo) -> None:
    with open_with_opencv(good.path) as video:
        video.frame_at(index=10)
        starts = video.starts
        assert [read_number(video.frame_at(index=k).rgb) for k in range(11, 60)] == list(range(11, 60))
        assert video.frame_at(index=59) is video.frame_at(index=59)
        assert video.starts == starts
