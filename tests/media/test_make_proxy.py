"""Copies to play: the very frames at their very times, whatever the video is."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

import clip_core.media.exports_folder
import clip_core.media.original
import clip_core.media.proxies
from clip_core.config import Config
from clip_core.errors import ProxyError, VideoError
from clip_core.library.identify import file_stamp
from clip_core.media.proxies import make_proxy, proxies_folder, proxy_path
from clip_core.types import Progress, TimeTable
from clip_core.video import open_video
from clip_core.video.pyav import PyAVVideo
from tests.support.sound_maker import FilmSpec, SoundSpec, find_clicks, sound_length_s, spoil_sound, write_film
from tests.support.video_maker import KINDS, PlantedVideo, VideoSpec, make_late_start, planted, read_number

ROOT = Path(__file__).parents[2]
HEVC = {"x265-params": "log-level=none", "preset": "ultrafast"}


def proxied(video: Path, folder: Path) -> Path:
    target = folder / "proxies" / "copy.mp4"
    for _ in make_proxy(video, target):
        pass
    return target


def left_in(folder: Path) -> list[str]:
    """What lies in a folder of copies besides its lock."""
    return sorted(path.name for path in folder.glob("*") if path.name != ".lock")


def ffmpegs_packets(path: Path) -> list[av.Packet]:
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(video=0) if packet.size]


def boxes(path: Path) -> list[str]:
    """The names of an MP4's outermost boxes, in order."""
    content, place, names = path.read_bytes(), 0, []
    while place < len(content):
        names.append(content[place + 4 : place + 8].decode())
        place += int.from_bytes(content[place : place + 4], "big")
    return names


def confirmed_table(path: Path) -> TimeTable:
    with open_video(path) as video:
        for _ in video.frames([]):
            pass
        return video.table


def make_odd(folder: Path) -> PlantedVideo:
    return planted(folder, "odd", 40, VideoSpec(".avi", "mpeg4", options={"g": "20"}), size=(161, 97))


def make_damaged(folder: Path) -> PlantedVideo:
    """An MPEG-TS whose middle is overwritten: some frames never decode."""
    whole = planted(folder, "damaged", 90, VideoSpec(".ts", "mpeg2video", options={"g": "10"}))
    content = bytearray(whole.path.read_bytes())
    middle = len(content) // 2 // 188 * 188
    content[middle : middle + 188 * 8] = np.random.default_rng(5).bytes(188 * 8)
    whole.path.write_bytes(content)
    with open_video(whole.path) as video:
        frames = [(read_number(frame.rgb), frame.time_s) for frame in video.frames()]
    return replace(whole, numbers=[number for number, _ in frames], times_s=[time_s for _, time_s in frames])


MORE = {
    "hevc": lambda folder: planted(folder, "hevc", 60, VideoSpec(codec="libx265", options=HEVC)),
    "ten-bit": lambda folder: planted(folder, "ten", 60, VideoSpec(pix_fmt="yuv420p10le", options={"bf": "3"})),
    "one-avi": lambda folder: planted(folder, "one", 1, VideoSpec(".avi", "mpeg4")),
    "slow": lambda folder: planted(folder, "slow", 5, VideoSpec(".avi", "mpeg4", rate=Fraction(1))),
    "odd": make_odd,
    "damaged": make_damaged,
}
NEEDING = ("ts", "avi", "avi-b", "avi-packed", "avi-h264", "mpeg", "late", "gif", "webp", "images")
REFUSED = ("variable", "edit", "turned90", "one", "interlaced", "ntsc")  # which some browser may refuse all the same


@pytest.mark.parametrize("kind", [*NEEDING, *REFUSED, *MORE])
def test_frames_and_times_are_those_of_the_video(kind: str, tmp_path: Path) -> None:
    video = (MORE.get(kind) or KINDS[kind])(tmp_path)
    target = proxied(video.path, tmp_path)
    table = confirmed_table(video.path)
    with open_video(target) as copy:
        frames = list(copy.frames())
        assert [read_number(frame.rgb) for frame in frames] == video.numbers
        assert len(copy.table) == len(table)
        np.testing.assert_allclose(copy.table.times_s, table.times_s, atol=0.001)
        np.testing.assert_allclose(copy.table.times_s, video.times_s, atol=0.001)
        assert copy.table.end_s == pytest.approx(table.end_s, abs=0.001)
        assert (copy.info.width, copy.info.height) == (video.width // 2 * 2, video.height // 2 * 2)
    packets = ffmpegs_packets(target)
    assert [number for number, packet in enumerate(packets) if packet.is_keyframe] == list(range(0, len(packets), 30))
    assert packets[0].pts == 0
    assert [packet.pts for packet in packets] == [packet.dts for packet in packets]
    with av.open(str(target)) as container:
        context = container.streams.video[0].codec_context
        assert (context.codec.canonical_name, context.pix_fmt, context.color_range) == ("h264", "yuv420p", 1)
        assert not container.streams.audio
    assert boxes(target)[:2] == ["ftyp", "moov"]
    assert left_in(target.parent) == ["copy.mp4"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((854, 480), (854, 480)), ((1280, 720), (852, 480)), ((1920, 1080), (852, 480)), ((540, 1500), (172, 480))],
)
def test_a_large_one_is_made_smaller(size: tuple[int, int], expected: tuple[int, int], tmp_path: Path) -> None:
    video = planted(tmp_path, "v", 3, VideoSpec(), size=size)
    with open_video(proxied(video.path, tmp_path)) as copy:
        assert (copy.info.width, copy.info.height) == expected
        assert [read_number(frame.rgb) for frame in copy.frames()] == [0, 1, 2]


CLICKS = (0.5, 1.25, 2.75)


@pytest.mark.parametrize(
    ("name", "film", "clicks"),
    [
        ("aac.mp4", FilmSpec("libx265", options=HEVC), CLICKS),
        ("mp2.ts", FilmSpec(sound=SoundSpec("mp2", 48_000)), CLICKS),
        ("5.1.mkv", FilmSpec(sound=SoundSpec("ac3", 48_000, "5.1")), CLICKS),
        ("telephone.avi", FilmSpec("mpeg4", sound=SoundSpec("pcm_s16le", 8_000, "mono")), CLICKS),
        ("mp3.avi", FilmSpec("mpeg4", sound=SoundSpec("libmp3lame", 44_100)), CLICKS),
        ("late.mkv", FilmSpec(sound=SoundSpec("pcm_s16le", begins_s=1.1)), CLICKS[1:]),
        ("early.mkv", FilmSpec(begins_s=0.7, sound=SoundSpec("pcm_s16le")), (0.55, 2.05)),
        ("both late.mkv", FilmSpec(begins_s=0.4, sound=SoundSpec("aac", begins_s=1.0)), (0.85, 2.35)),
        ("short.mkv", FilmSpec(sound=SoundSpec("flac", ends_s=1.5, clicks_s=CLICKS[:2])), CLICKS[:2]),
        ("long.mkv", FilmSpec(frames=45, sound=SoundSpec("flac")), CLICKS[:2]),
    ],
)
def test_sound_keeps_step(name: str, film: FilmSpec, clicks: tuple[float, ...], tmp_path: Path) -> None:
    path = write_film(tmp_path / name, film)
    target = proxied(path, tmp_path)
    found = find_clicks(target)
    assert found == pytest.approx(list(clicks), abs=0.03)
    with av.open(str(target)) as container:
        (sound,) = container.streams.audio
        mono = film.sound is not None and film.sound.layout == "mono"
        assert (sound.codec_context.name, sound.layout.name) == ("aac", "mono" if mono else "stereo")
    with open_video(target) as copy:
        assert [read_number(frame.rgb) for frame in copy.frames()] == list(range(film.frames))
        assert sound_length_s(target) <= copy.table.end_s + 0.05


def test_damaged_sound_is_silent_and_said_and_the_pictures_stay(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", FilmSpec(sound=SoundSpec(clicks_s=(0.5, 1.25, 2.0, 2.75))))
    spoil_sound(path, 1.0, 1.6)
    target = tmp_path / "copy.mp4"
    *_, last = make_proxy(path, target)
    (warning,) = last.warnings
    said = re.fullmatch(r"Some of the sound cannot be decoded and is silent in the copy, first at 0:(.+)\.", warning)
    assert said is not None
    assert float(said[1]) == pytest.approx(1.0, abs=0.03)
    assert find_clicks(target) == pytest.approx([0.5, 2.0, 2.75], abs=0.03)
    with open_video(target) as copy:
        assert len(list(copy.frames())) == 90


def test_sound_without_a_single_sample(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mkv", FilmSpec(sound=SoundSpec("flac", ends_s=0.0, clicks_s=())))
    with open_video(proxied(path, tmp_path)) as copy:
        assert len(list(copy.frames())) == 90


def test_colours_stay(tmp_path: Path) -> None:
    colours = [(200, 40, 40), (40, 160, 60), (30, 60, 200), (128, 128, 128), (235, 220, 60)]
    for number, colour in enumerate(colours):
        picture = np.full((64, 64, 3), colour, np.uint8)
        Image.fromarray(picture).save(tmp_path / f"c{number}.png")
    with open_video(proxied(tmp_path / "c%d.png@5", tmp_path)) as copy:
        found = [frame.rgb[32, 32].tolist() for frame in copy.frames()]
    np.testing.assert_allclose(found, colours, atol=6)


def test_pictures_of_another_size_get_bars(tmp_path: Path) -> None:
    Image.fromarray(np.full((60, 80, 3), 200, np.uint8)).save(tmp_path / "p0.png")
    Image.fromarray(np.full((120, 80, 3), 200, np.uint8)).save(tmp_path / "p1.png")
    with open_video(proxied(tmp_path / "p%d.png@5", tmp_path)) as copy:
        _, second = copy.frames()
    assert second.rgb.shape == (60, 80, 3)
    row = second.rgb[30, :, 0].astype(int)
    assert (row[5], row[40], row[75]) == (pytest.approx(0, abs=8), pytest.approx(200, abs=8), pytest.approx(0, abs=8))


def test_progress_grows_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    video = KINDS["avi"](tmp_path)
    reports = list(make_proxy(video.path, tmp_path / "copy.mp4"))
    done = [report.done for report in reports]
    assert done == sorted(done)
    assert (done[0], reports[-1]) == (0, Progress(150, 150, seconds_left=0.0, stage="done"))
    assert all(report.total == 150 for report in reports)
    assert len({report.done for report in reports}) > 20
    again = list(make_proxy(video.path, tmp_path / "copy.mp4", table=confirmed_table(video.path)))
    assert again == [Progress(150, 150, seconds_left=0.0, stage="done")]


def test_cancelling_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    video, target = KINDS["avi"](tmp_path), tmp_path / "proxies" / "copy.mp4"
    making = make_proxy(video.path, target)
    while next(making).done < 40:
        pass
    assert left_in(target.parent) == [".copy.mp4.part"]
    making.close()
    assert left_in(target.parent) == []
    assert proxied(video.path, tmp_path).is_file()


def test_the_last_chance_to_cancel_is_when_all_is_written_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []

    def counted(path: Path, **given: Any) -> Any:
        opened.append(Path(path))
        return open_video(path, **given)

    monkeypatch.setattr(clip_core.media.proxies, "open_video", counted)
    monkeypatch.setattr(clip_core.media.original, "open_video", counted)
    video, target = KINDS["avi"](tmp_path), tmp_path / "proxies" / "copy.mp4"
    making = make_proxy(video.path, target, table=confirmed_table(video.path))
    while next(making) != Progress(150, 150, seconds_left=0.0, stage="proxy"):
        pass
    assert left_in(target.parent) == [".copy.mp4.part"]
    assert opened == [video.path, target.parent / ".copy.mp4.part"]  # checked against both tables, opened once
    making.close()
    assert left_in(target.parent) == []


KILLED = """
import sys
from pathlib import Path
import clip_core.media.exports_folder
from clip_core.media.proxies import make_proxy
clip_core.media.exports_folder.REPORT_EVERY_S = 0.0
for progress in make_proxy(Path(sys.argv[1]), Path(sys.argv[2])):
    if progress.done > 20:
        print("there", flush=True)
        sys.stdin.read()
"""


def test_a_killed_process_leaves_nothing_that_is_taken_for_a_copy(tmp_path: Path) -> None:
    video, target = KINDS["avi"](tmp_path), tmp_path / "proxies" / "copy.mp4"
    command = [sys.executable, "-c", KILLED, str(video.path), str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        waiting = make_proxy(video.path, target)
        assert next(waiting) == Progress(0, 0, stage="waiting", note="another process is making it")
        waiting.close()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert left_in(target.parent) == [".copy.mp4.part"]
    shutil.copy(target.parent / ".copy.mp4.part", target.parent / ".other.mp4.part")
    proxied(video.path, tmp_path)
    assert left_in(target.parent) == ["copy.mp4"]


def test_a_copy_that_another_process_made_meanwhile_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_core.media.proxies, "LOOK_AGAIN_S", 0.0)
    video, target = KINDS["avi"](tmp_path), tmp_path / "copy.mp4"
    with FileLock(tmp_path / ".lock"):
        making = make_proxy(video.path, target, table=confirmed_table(video.path))
        assert next(making).note
        target.write_bytes(b"made by the other")
    assert list(making) == [Progress(150, 150, seconds_left=0.0, stage="done")]
    assert target.read_bytes() == b"made by the other"


def other_table(table: TimeTable, **changes: object) -> TimeTable:
    return replace(table, **changes)


def test_a_copy_that_is_not_right_is_not_kept(tmp_path: Path) -> None:
    video, target = KINDS["avi"](tmp_path), tmp_path / "proxies" / "copy.mp4"
    table = confirmed_table(video.path)
    with pytest.raises(ProxyError, match=r"The copy of avi\.avi has 150 frames instead of 149\. Nothing was kept"):
        list(make_proxy(video.path, target, table=other_table(table, pts=table.pts[:-1])))
    assert left_in(target.parent) == []
    moved = table.pts.copy()
    moved[70:] += 1
    with pytest.raises(ProxyError, match=r"Frames of the copy of avi\.avi are up to 33\.3 ms off"):
        list(make_proxy(video.path, target, table=other_table(table, pts=moved)))
    assert left_in(target.parent) == []
    list(make_proxy(video.path, target, table=other_table(table, pts=moved, confirmed=False)))  # a claim may be wrong
    assert left_in(target.parent) == ["copy.mp4"]


@pytest.mark.parametrize("kind", ["avi-packed", "avi-h264"])
def test_a_confirmed_table_saves_a_pass(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video, target = KINDS[kind](tmp_path), tmp_path / "copy.mp4"
    table = confirmed_table(video.path)
    monkeypatch.setattr(PyAVVideo, "_confirm", lambda self: pytest.fail("a pass before the pass"))
    list(make_proxy(video.path, target, table=table))
    assert ffmpegs_packets(target)[-1].pts > 0


def test_a_table_in_other_units_leaves_the_sound_in_step(tmp_path: Path) -> None:
    path = write_film(tmp_path / "late.mkv", FilmSpec(begins_s=0.7, sound=SoundSpec("pcm_s16le")))
    table = confirmed_table(path)
    units = np.rint(table.times_s * 90_000).astype(np.int64)
    other = replace(table, pts=units, key_pts=units[:1], start_pts=0, time_base=Fraction(1, 90_000))
    list(make_proxy(path, tmp_path / "copy.mp4", table=other))
    assert find_clicks(tmp_path / "copy.mp4") == pytest.approx([0.55, 2.05], abs=0.03)


def test_another_file_that_lies_there_now(tmp_path: Path) -> None:
    video = make_late_start(tmp_path)
    stamp = file_stamp(video.path)
    video.path.write_bytes((KINDS["avi"](tmp_path)).path.read_bytes())
    with pytest.raises(VideoError, match=r"late\.mkv has changed since it was opened\. Open it again\."):
        list(make_proxy(video.path, tmp_path / "copy.mp4", stamp=stamp))


def test_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 60_000_000, 60_000_000))
    video = KINDS["avi"](tmp_path)
    with pytest.raises(
        ProxyError, match=r"There is no room for a copy to play: it may take 126 kB, but only 60 MB are free, "
    ):
        list(make_proxy(video.path, tmp_path / "proxies" / "copy.mp4"))
    assert left_in(tmp_path / "proxies") == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "proxies").write_text("a file stands in the way")
    with pytest.raises(ProxyError, match=r"Copies to play cannot be kept in proxies: File exists\. Make that folder"):
        list(make_proxy(KINDS["avi"](tmp_path).path, tmp_path / "proxies" / "copy.mp4"))


def test_where_copies_lie(tmp_path: Path) -> None:
    config = Config(video_dirs=(tmp_path / "films", tmp_path / "more"))
    assert proxies_folder(config) == tmp_path / "films" / "proxies"
    assert proxy_path(config, "0a" * 32) == tmp_path / "films" / "proxies" / f"{'0a' * 32}.mp4"
    for wrong in ("", "0" * 63, "0" * 65, "A" * 64, "../" + "0" * 61, "0" * 64 + "\n", "0" * 63 + "/"):
        with pytest.raises(ValueError, match="64 hex digits"):
            proxy_path(config, wrong)


def test_silence_is_made_as_it_is_needed(tmp_path: Path) -> None:
    sound = SoundSpec("pcm_s16le", 8_000, "mono", 115.0, 120.0, (117.0,))
    film = write_film(tmp_path / "long.mkv", FilmSpec(rate=1, frames=120, sound=sound))
    assert find_clicks(proxied(film, tmp_path)) == pytest.approx([117.0], abs=0.03)
