"""A real Chromium plays copies: the frame that a seek wants is on the screen, at the time that our table says."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_core.media.playable import why_not_playable_here
from clip_core.media.proxies import make_proxy
from clip_core.video import open_video
from tests.support.sound_maker import FilmSpec, SoundSpec, write_film
from tests.support.video_maker import BITS, KINDS, VideoSpec, planted

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]

LOAD = """async (data) => {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
    const video = document.createElement('video');
    video.muted = true;
    document.body.replaceChildren(video);
    return await new Promise(done => {
        video.requestVideoFrameCallback(() => done([video.videoWidth, video.videoHeight, video.duration]));
        video.onerror = () => done(null);
        video.src = URL.createObjectURL(new Blob([bytes]));
    });
}"""
SEEK = """async ([time_s, bits]) => {
    const video = document.querySelector('video');
    const shown = new Promise(done => video.requestVideoFrameCallback((now, frame) => done(frame.mediaTime)));
    video.currentTime = time_s;
    const mediaTime = await shown;
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    const draw = canvas.getContext('2d');
    draw.drawImage(video, 0, 0);
    const row = draw.getImageData(0, canvas.height >> 1, canvas.width, 1).data;
    let number = 0;
    for (let k = 0; k < bits; k++)
        number = number * 2 + (row[4 * Math.floor((2 * k + 1) * canvas.width / (2 * bits))] > 128 ? 1 : 0);
    return [mediaTime, number];
}"""


def load(tab: Any, path: Path) -> list[float] | None:
    """Put a file into a player; return width, height and length, None if the browser does not play it."""
    found: list[float] | None = tab.evaluate(LOAD, base64.b64encode(path.read_bytes()).decode())
    return found


@pytest.fixture
def tab(chromium: Any) -> Any:
    page = chromium.new_page()
    page.goto("about:blank")
    yield page
    page.close()


def film(folder: Path) -> Path:
    sound = SoundSpec("libmp3lame", 44_100)
    return write_film(folder / "film.avi", FilmSpec("mpeg4", options={"bf": "2", "g": "40"}, sound=sound))


MAKERS: dict[str, Callable[[Path], Path]] = {
    "packed B-frames": lambda folder: KINDS["avi-packed"](folder).path,
    "with sound": film,
    "variable rate": lambda folder: KINDS["variable"](folder).path,
    "late start": lambda folder: KINDS["late"](folder).path,
    "WebP": lambda folder: KINDS["webp"](folder).path,
    "numbered images": lambda folder: KINDS["images"](folder).path,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_the_frame_that_is_wanted_is_shown(kind: str, tmp_path: Path, tab: Any) -> None:
    path = MAKERS[kind](tmp_path)
    target = tmp_path / "copy.mp4"
    for _ in make_proxy(path, target):
        pass
    with open_video(path) as video:
        for _ in video.frames([]):
            pass
        table, numbers = video.table, numbers_of(kind, len(video.table))
    loaded = load(tab, target)
    assert loaded is not None
    assert loaded[2] == pytest.approx(table.end_s, abs=0.03)
    times_s = np.append(table.times_s, table.end_s)
    for index in np.random.default_rng(0).permutation(len(table))[:15].tolist():
        media_s, number = tab.evaluate(SEEK, [float(times_s[index] + times_s[index + 1]) / 2, BITS])
        assert (number, media_s) == (numbers[index], pytest.approx(times_s[index], abs=0.001))


def numbers_of(kind: str, count: int) -> list[int]:
    if kind == "numbered images":
        return [n for n in range(95, 150) if n != 100 and not 120 <= n < 125]
    return list(range(count))


@pytest.mark.parametrize("kind", ["constant", "edit", "turned90", "webm", "interlaced", "one"])
def test_what_is_said_to_play_plays(kind: str, tmp_path: Path, tab: Any) -> None:
    video = KINDS[kind](tmp_path)
    assert why_not_playable_here(video.path) is None
    loaded = load(tab, video.path)
    assert loaded is not None
    assert loaded[:2] == [video.width, video.height]


@pytest.mark.parametrize(
    "spec",
    [
        VideoSpec(codec="libx265", options={"x265-params": "log-level=none"}),
        VideoSpec(".avi", "mpeg4"),
        VideoSpec(".ts"),
    ],
)
def test_what_chromium_does_not_play_either(spec: VideoSpec, tmp_path: Path, tab: Any) -> None:
    path = planted(tmp_path, "v", 10, spec).path
    assert why_not_playable_here(path) is not None
    assert load(tab, path) is None
