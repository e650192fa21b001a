"""Joined recordings: the clock of the file starts again, and that of the video goes on, on every way to a frame."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from clip_core import open_video
from clip_core.video.continued_clock import PacketLog
from tests.support.joined_maker import JOINED, RATE, Recording, numbers_at_random, write_joined
from tests.support.video_maker import WIDTH, PlantedVideo, VideoSpec, read_number

TICK = Fraction(1, 90_000)


def check_all(joined: PlantedVideo, *, joins: int) -> None:
    """Check every way to the frames of a video, without and with its table."""
    with open_video(joined.path) as video:
        assert (len(video.table), video.table.confirmed) == (len(joined), False)
        assert video.times_s == pytest.approx(joined.times_s, abs=0.001)
        numbers_at_random(video, 5)
        frames = list(video.frames())
        table = video.table
        assert [read_number(frame.rgb) for frame in frames] == joined.numbers
        assert [frame.time_s for frame in frames] == pytest.approx(joined.times_s, abs=0.001)
        assert (video.left_out_frames, video.unreadable_after_s, table.confirmed) == (0, None, True)
        assert table.end_s == pytest.approx(len(joined) / RATE, abs=0.002)
        assert len(table.joins) == joins
        assert video.reading == "clock goes on at joins"
    with open_video(joined.path, table=table) as video:
        keys = [(frame.index, read_number(frame.rgb)) for frame in video.keyframes(table.key_pts.tolist())]
        assert keys == [(number, number) for number in table.number_of(table.key_pts).tolist()]
        assert len(keys) > len(joined) // 15
        asked, shown = numbers_at_random(video, 60)
        assert shown == asked
        wanted = [joined.numbers[k] for k in (3, len(joined) // 2, -2)]
        assert [read_number(frame.rgb) for frame in video.frames(table.pts[wanted].tolist())] == wanted
        spans = [(len(joined) // 3, len(joined) * 2 // 3), (len(joined) - 20, len(joined) - 1)]
        for first, last in spans:  # the first reaches over the join
            found = list(video.span(int(table.pts[first]), int(table.pts[last])))
            assert [frame.index for frame in found] == list(range(first, last + 1))
            assert all(np.array_equal(frame.rgb, frames[frame.index].rgb) for frame in found)


@pytest.mark.parametrize("kind", JOINED)
def test_every_way_leads_to_the_same_frames(kind: str, tmp_path: Path) -> None:
    check_all(write_joined(tmp_path, JOINED[kind], [Recording(100), Recording(110)]), joins=1)


@pytest.mark.parametrize(("before", "after"), [(4, 0), (0, 16)], ids=["192", "204"])
def test_packets_of_other_sizes(before: int, after: int, tmp_path: Path) -> None:
    """Those of Blu-ray have a time in front, and those of DVB a checksum behind."""
    joined = write_joined(tmp_path, JOINED["ts"], [Recording(100), Recording(110)])
    whole = joined.path.read_bytes()
    packets = [whole[start : start + 188] for start in range(0, len(whole), 188)]
    joined.path.write_bytes(b"".join(bytes(before) + packet + bytes(after) for packet in packets))
    check_all(joined, joins=1)


@pytest.mark.parametrize(("kind", "count"), [("ts", 10), ("mpg-plain", 7)])
def test_many_short_recordings(kind: str, count: int, tmp_path: Path) -> None:
    recordings = [Recording(20 + 7 * k) for k in range(count)]
    check_all(write_joined(tmp_path, JOINED[kind], recordings), joins=count - 1)


@pytest.mark.parametrize("kind", ["ts", "mpg-plain"])
def test_a_clock_that_starts_again_before_the_first_start(kind: str, tmp_path: Path) -> None:
    """FFmpeg takes it for one that ran over: 26.5 hours, more than a video may last."""
    recordings = [Recording(60, clock_s=200), Recording(70), Recording(60, clock_s=90)]
    check_all(write_joined(tmp_path, JOINED[kind], recordings), joins=2)


def test_a_clock_that_is_ahead_after_a_join(tmp_path: Path) -> None:
    """Then FFmpeg takes the last reordered frames of MPEG-PS for those of the next recording."""
    check_all(
        write_joined(tmp_path, JOINED["mpg"], [Recording(24), Recording(31), Recording(26, clock_s=5000)]), joins=2
    )


def test_a_recording_that_runs_into_the_time_that_ffmpeg_corrects(tmp_path: Path) -> None:
    """From a minute before the first start on, FFmpeg no longer adds the 26.5 hours: that is no join."""
    check_all(write_joined(tmp_path, JOINED["ts"], [Recording(60, clock_s=62), Recording(150)]), joins=1)


def test_a_recording_that_breaks_off_and_one_that_begins_amid_a_group(tmp_path: Path) -> None:
    """What cannot be decoded leaves a gap; each frame has the time that its recording gives it."""
    spec = replace(JOINED["ts"], options={"g": "12", "bf": "0", "x264-params": "scenecut=0"})
    whole = write_joined(tmp_path, spec, [Recording(100)]).path.read_bytes()
    cut = len(whole) // 2 // 188 * 188
    (tmp_path / "halves.ts").write_bytes(whole[: cut + 94] + whole[cut:] + whole)
    with open_video(tmp_path / "halves.ts") as video:
        shown = [(read_number(frame.rgb), frame.time_s) for frame in video.frames()]
        (join,) = video.table.joins
        join_s = float((join.start_pts - video.table.start_pts) * video.table.time_base)
    after = [pair for pair in shown if pair[1] > join_s - 0.001]
    assert [number for number, _ in after] == list(range(100))
    assert [time_s - join_s for _, time_s in after] == pytest.approx([k / 25 for k in range(100)], abs=0.001)


def test_a_file_of_one_recording_is_as_it_was(tmp_path: Path) -> None:
    single = write_joined(tmp_path, JOINED["ts"], [Recording(50)])
    with open_video(single.path) as video:
        assert (video.table.joins, video.clock, video.reading) == ((), None, "")
        with av.open(str(single.path)) as container:
            raw = sorted(packet.pts for packet in container.demux(video=0) if packet.size)
        assert video.table.pts.tolist() == raw


def test_transport_streams_of_other_sizes_are_joined(tmp_path: Path) -> None:
    first = write_joined(tmp_path, JOINED["ts"], [Recording(40)]).path.read_bytes()
    second = write_joined(tmp_path, replace(JOINED["ts"], pixel_aspect=Fraction(1)), [Recording(40)]).path.read_bytes()
    (tmp_path / "two.ts").write_bytes(first + second)
    with open_video(tmp_path / "two.ts") as video:
        assert [read_number(frame.rgb) for frame in video.frames()] == [*range(40), *range(40)]
        assert video.frame_at(index=45).rgb.shape[1] == WIDTH


def logged(stamps: list[int], *, step: int = 3600, positions: list[int | None] | None = None) -> PacketLog:
    log = PacketLog()
    for k, dts in enumerate(stamps):
        place = 1000 * k if positions is None else positions[k]
        log.add(SimpleNamespace(pts=dts + step, dts=dts, duration=step, pos=place))  # type: ignore[arg-type]
    return log


def run(start: int, count: int, step: int = 3600) -> list[int]:
    return [start + step * k for k in range(count)]


def test_where_recordings_are_joined() -> None:
    log = logged(run(0, 100) + run(7200, 50) + run(-360_000, 50))
    first, second = log.joins(TICK, "mpegts", "h264")
    assert (first.position, first.earlier, first.start_pts, first.shift) == (100_000, 99_000, 363_600, 352_800)
    assert (second.position, second.start_pts, second.shift) == (150_000, 543_600, 543_600 + 356_400)


@pytest.mark.parametrize("stray", [-900_000, 900_000_000, 0])
@pytest.mark.parametrize("count", [1, 3])
def test_a_few_stray_times_are_no_join(stray: int, count: int) -> None:
    stamps = run(360_000, 200)
    stamps[90 : 90 + count] = run(stray, count)
    assert logged(stamps).joins(TICK, "mpegts", "h264") == ()
    stamps[-count:] = run(stray, count)
    assert logged(stamps).joins(TICK, "mpegts", "h264") == ()


def test_a_stray_time_just_before_a_join_does_not_move_it() -> None:
    stamps = run(360_000, 100)
    stamps[95] = 90_000 * 3000
    (join,) = logged(stamps + run(0, 50)).joins(TICK, "mpegts", "h264")
    assert join.start_pts == 360_000 + 100 * 3600 + 3600


def test_gaps_and_small_steps_back_are_no_joins() -> None:
    gap = run(0, 100) + run(90_000 * 60, 100)
    assert logged(gap).joins(TICK, "mpegts", "h264") == ()
    hours = run(0, 100) + run(90_000 * 7200, 100)
    assert len(logged(hours).joins(TICK, "mpegts", "h264")) == 1
    assert logged(hours).joins(TICK, "matroska", "h264") == ()
    guessed = [0, 14_400, *run(0, 100)]
    assert logged(guessed).joins(TICK, "matroska", "h264") == ()


def test_packets_without_a_place_belong_to_the_one_before() -> None:
    positions: list[int | None] = [0, None, None, 500, None, None, 900, None, None, None, *range(1000, 1020)]
    (join,) = logged(run(360_000, 10) + run(0, 20), positions=positions).joins(TICK, "mpeg", "mpeg2video")
    assert (join.position, join.earlier) == (1000, 900)


def test_packets_without_times_are_passed_over() -> None:
    log = PacketLog()
    log.add(SimpleNamespace(pts=None, dts=None, duration=0, pos=3))  # type: ignore[arg-type]
    assert log.joins(TICK, "mpegts", "h264") == ()
    assert np.array(log.pts).size == 0


def test_a_long_recording_is_sought_not_read(tmp_path: Path) -> None:
    """The place of a time in MPEG-TS is found by arithmetic, so few packets are read."""
    spec = VideoSpec(".ts", rate=RATE, options={"g": "12", "bf": "2"})
    joined = write_joined(tmp_path, spec, [Recording(600), Recording(600)])
    with open_video(joined.path) as video:
        asked = [30, 550, 610, 900, 1190]
        assert [read_number(video.frame_at(index=index).rgb) for index in asked] == asked
        clock = video.clock
        assert clock is not None
        with av.open(str(joined.path)) as container:
            assert clock.seek(container, int(video.table.pts[900]))
            packet = next(clock.continued(container.demux(video=0)))
        assert packet.pts is not None
        assert abs(packet.pts - int(video.table.pts[900])) * video.table.time_base < 5


def test_a_file_that_comes_back_has_its_own_joins(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    single = write_joined(tmp_path, JOINED["ts"], [Recording(100)]).path
    other = write_joined(tmp_path / "other", JOINED["ts"], [Recording(30), Recording(30)]).path
    whole = single.read_bytes()
    with open_video(single) as video:
        single.write_bytes(other.read_bytes().ljust(len(whole), b"\xff")[: len(whole)])
        assert video.table.joins
        single.write_bytes(whole)
        assert video.renew()
        assert (video.table.joins, video.reading, len(video.table)) == ((), "", 100)
        assert video.times_s == pytest.approx(np.arange(100) / RATE, abs=0.001)
