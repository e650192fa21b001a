from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from clip_core.errors import VideoDecodeError, VideoError, VideoNotFoundError
from clip_core.video import open_video
from clip_core.video.containers import FORMATS
from clip_core.video.opening import upload_extension
from tests.support.video_maker import (
    PlantedVideo,
    VideoSpec,
    number_picture,
    planted,
    read_number,
    write_animation,
    write_video,
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> PlantedVideo:
    return planted(tmp_path_factory.mktemp("good"), "good", 20, VideoSpec())


def test_importing_the_room_loads_no_decoder() -> None:
    code = "import sys, clip_core.video; sys.exit(bool({'av', 'cv2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_names_in_the_whitelist_are_those_of_ffmpeg() -> None:
    assert set(FORMATS.split(",")) <= set(",".join(av.formats_available).split(","))


LISTS = {
    "ffconcat": b"ffconcat version 1.0\nfile 'other.mp4'\n",
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.mp4\n#EXT-X-ENDLIST\n",
    "box": b"\0\0\0\x08freeffconcat version 1.0\nfile 'other.mp4'\n",
    "gif": b"GIF89a\nffconcat version 1.0\nfile 'other.mp4'\n",
    "riff": b"RIFF\x40\0\0\0AVI \nffconcat version 1.0\nfile 'other.mp4'\n",
    "ts": b"G" + b"\nffconcat version 1.0\nfile 'other.mp4'\n".ljust(187, b"\n"),
}


@pytest.mark.parametrize("suffix", ["mp4", "avi", "gif", "webp", "ts", "mkv", "m3u8"])
@pytest.mark.parametrize("kind", list(LISTS))
def test_a_list_of_files_or_an_address_list_is_no_video_under_any_name(
    good: PlantedVideo, tmp_path: Path, suffix: str, kind: str
) -> None:
    shutil.copy(good.path, tmp_path / "other.mp4")
    (tmp_path / f"x.{suffix}").write_bytes(LISTS[kind])
    with pytest.raises(VideoError, match=f"x.{suffix}"):
        open_video(tmp_path / f"x.{suffix}")


def test_ffmpeg_alone_does_follow_a_list_of_files(good: PlantedVideo, tmp_path: Path) -> None:
    """Otherwise the test before this one would prove nothing."""
    shutil.copy(good.path, tmp_path / "other.mp4")
    (tmp_path / "x.mp4").write_bytes(LISTS["ffconcat"])
    with av.open(str(tmp_path / "x.mp4")) as container:
        assert len(container.streams.video) == 1


def test_a_name_that_is_an_image_pattern_never_leads_to_the_images(good: PlantedVideo, tmp_path: Path) -> None:
    for n in range(3):
        cv2.imwrite(str(tmp_path / f"{n:03d}.png"), number_picture(n + 100))
    shutil.copy(good.path, tmp_path / "%03d.png")  # FFmpeg goes by the name here, and only the whitelist stops it
    with pytest.raises(VideoError, match=r"%03d\.png is not a video that can be read"):
        open_video(tmp_path / "%03d.png")


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".avi", "mpeg4"), (".mp4", "mpeg4"), (".mkv", "mpeg4"), (".flv", "flv1")]
)
def test_tags_need_not_be_utf_8(tmp_path: Path, suffix: str, codec: str) -> None:
    """Cameras and editors of the 2000s wrote others. OpenCV had opened such files; PyAV refuses them by default."""
    path = tmp_path / f"title{suffix}"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Caf# am Meer"
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for n in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(number_picture(n), format="rgb24")))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    assert b"Caf# am Meer" in data
    path.write_bytes(data.replace(b"Caf# am Meer", b"Caf\xe9 am Meer"))
    with open_video(path) as video:
        assert [read_number(frame.rgb) for frame in video.frames()] == list(range(10))


def test_a_name_need_not_be_text(good: PlantedVideo, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"v\xff.mp4")
    shutil.copy(good.path, path)
    with open_video(path) as video:
        assert (video.info.name, len(video.table)) == ("v?.mp4", 20)


def test_without_pyav_the_message_says_what_to_install(good: PlantedVideo) -> None:
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from clip_core import open_video\n"
        "from clip_core.errors import VideoError\n"
        "try:\n    open_video(sys.argv[1])\nexcept VideoError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(good.path)], capture_output=True, text=True, check=True)
    assert "good.mp4" in done.stdout
    assert "pip install av" in done.stdout


def test_addresses_are_refused_without_a_connection(good: PlantedVideo) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.mp4"
        for path in (address, f"concat:{good.path}|{good.path}", f"file:{good.path}", "subfile,,start,0,end,9,,:x.mp4"):
            with pytest.raises(VideoNotFoundError, match="is an address"):
                open_video(path)
        with pytest.raises(TimeoutError):
            server.accept()


def test_what_is_no_regular_file_is_not_found(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    for name, words in {"pipe": "special file", "folder": "is a folder", "nothing": "There is no file"}.items():
        with pytest.raises(VideoNotFoundError, match=words) as caught:
            open_video(tmp_path / f"{name}.mp4")
        assert f"{name}.mp4" in str(caught.value)
    with pytest.raises(VideoNotFoundError):
        open_video("nul\0byte.mp4")


def test_files_that_hold_no_video(tmp_path: Path) -> None:
    contents = {
        "empty": (b"", "is empty"),
        "text": (b"hello world\n" * 500, "not a video"),
        "noise": (np.random.default_rng(0).bytes(50_000), "not a video"),
    }
    for name, (data, words) in contents.items():
        (tmp_path / f"{name}.mp4").write_bytes(data)
        with pytest.raises(VideoError, match=words) as caught:
            open_video(tmp_path / f"{name}.mp4")
        assert f"{name}.mp4" in str(caught.value)


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        for number in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match=r"song.mp4 has no video stream. It holds sound only \(AAC\)."):
        open_video(path)


def test_a_stream_without_frames(tmp_path: Path) -> None:
    path = tmp_path / "none.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(VideoError, match=r"none\.avi has a video stream without a single frame"):
        open_video(path)


def test_too_large_and_too_long(tmp_path: Path) -> None:
    write_video(tmp_path / "wide.avi", [number_picture(1)], VideoSpec(codec="ffv1", pix_fmt="gray"))
    data = bytearray((tmp_path / "wide.avi").read_bytes())
    sizes = data.index(b"strf") + 12  # FFV1 knows no size of its own: the container's header counts
    data[sizes : sizes + 8] = struct.pack("<ii", 8001, 8000)
    (tmp_path / "wide.avi").write_bytes(data)
    with pytest.raises(VideoError, match="8001 × 8000 pixels, over the limit of 64 megapixels"):
        open_video(tmp_path / "wide.avi")
    write_video(tmp_path / "long.mkv", [number_picture(n) for n in range(3)], VideoSpec(), ticks=[0, 1, 30 * 90_000])
    with pytest.raises(VideoError, match=r"25.0 hours long, over the limit of 24"):
        open_video(tmp_path / "long.mkv")


def test_pictures_that_never_decode(good: PlantedVideo, tmp_path: Path) -> None:
    data = bytearray(good.path.read_bytes())
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[start:end] = bytes(end - start)
    (tmp_path / "blank.mp4").write_bytes(data)
    with pytest.raises(VideoDecodeError, match=r"Not one frame of blank\.mp4"):
        open_video(tmp_path / "blank.mp4")


@pytest.mark.parametrize("name", ["a b.mp4", "q'\"uo.mp4", "ünï文.mp4", "file:x.mp4", "%03d.mp4", "-x.mp4", "a|b.mp4"])
def test_any_name_works(good: PlantedVideo, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(good.path, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "down").mkdir()
    for path in (tmp_path / name, Path("down") / ".." / name, name):
        with open_video(path) as video:
            assert read_number(video.frame_at(index=5).rgb) == 5
            assert video.info.name == name


def test_a_link_is_followed(good: PlantedVideo, tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to(good.path)
    with open_video(tmp_path / "link.mp4") as video:
        assert len(video.table) == 20


@pytest.mark.parametrize(("width", "height"), [(1, 1), (4097, 2), (3, 5), (72, 128)])
def test_odd_sizes(tmp_path: Path, width: int, height: int) -> None:
    write_video(
        tmp_path / "odd.mkv", [np.full((height, width, 3), 200, np.uint8)] * 2, VideoSpec(codec="ffv1", pix_fmt="bgr0")
    )
    with open_video(tmp_path / "odd.mkv") as video:
        assert [frame.rgb.shape for frame in video.frames()] == [(height, width, 3)] * 2
        assert np.all(video.frame_at(index=1).rgb == 200)


def test_a_known_id_is_taken_over_and_an_unknown_one_is_the_hash(good: PlantedVideo) -> None:
    with open_video(good.path, video_id="f" * 64) as video:
        assert video.info.video_id == "f" * 64
    with open_video(good.path) as video:
        assert len(video.info.video_id) == 64
        assert video.info.video_id != "f" * 64
        assert (video.info.container, video.info.codec, video.info.header_frame_count) == ("mov", "h264", 20)
        assert video.info.header_fps == pytest.approx(30)
        assert video.info.header_duration_s == pytest.approx(20 / 30, abs=0.01)


def test_the_extension_comes_from_the_content(good: PlantedVideo, tmp_path: Path) -> None:
    def extension_of(path: Path) -> str:
        shutil.copy(path, tmp_path / "named.wrong")
        with open_video(tmp_path / "named.wrong") as video:
            return upload_extension(video)

    for suffix, extension in {".mkv": "mkv", ".mp4": "mp4", ".ts": "ts", ".avi": "avi", ".mov": "mp4"}.items():
        write_video(tmp_path / f"v{suffix}", [number_picture(1)] * 20, VideoSpec(codec="mpeg4"))
        assert extension_of(tmp_path / f"v{suffix}") == extension
    write_video(tmp_path / "v.webm", [number_picture(1)] * 2, VideoSpec(codec="libvpx-vp9"))
    assert extension_of(tmp_path / "v.webm") == "webm"
    for suffix in ("gif", "webp"):
        write_animation(tmp_path / f"v.{suffix}", [number_picture(n) for n in range(3)], [100] * 3)
        assert extension_of(tmp_path / f"v.{suffix}") == suffix
