"""OTIO, read by its own reader."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from clip_core.export.selection import select_from_one
from clip_core.export.source import STANDARD_RATES, Source
from clip_core.export.text import title_of
from clip_core.export.timelines import moments_otio
from clip_core.types import Moment
from tests.support.odd_names import ODD_NAMES

ROOT = Path(__file__).parents[2]
DOG = Moment("a dog", 61.0, 64.5, 62.0, 0.5, 0.4, "left")
PIZZA = Moment("pizza", 1.01, 2.0, 1.5, 2.625, 0.25)


def film(rate: Fraction = Fraction(25), name: str = "a film.mp4", **more: Any) -> Source:
    return Source(name, f"/films/{name}", 640, 360, rate, 100.0, **more)


def otio_clips(text: str) -> list[otio.schema.Clip]:
    return list(otio.adapters.read_from_string(text, "otio_json").find_clips())


def test_otio_has_ranges_names_and_facts() -> None:
    text = moments_otio(
        select_from_one([DOG, PIZZA], film(start_timecode="01:00:00:00"), {"unit": "z", "prompts": ["a\0b"]})
    )
    pizza, dog = otio_clips(text)
    assert (pizza.name, dog.name) == ("pizza", "a dog (left)")
    begin = 25 * 3600
    assert [(c.source_range.start_time.value - begin, c.source_range.duration.value) for c in (pizza, dog)] == [
        (26, 24), (1525, 88),
    ]  # fmt: skip
    assert dog.media_reference.target_url == "file:///films/a%20film.mp4"
    assert dog.media_reference.available_range.start_time.value == begin
    assert dog.media_reference.available_range.duration.value == 2500
    assert dict(dog.metadata["clip_video"]) == {
        "prompt": "a dog", "label": "left", "start_s": 61.0, "end_s": 64.5, "peak_s": 62.0, "peak": 0.5, "mean": 0.4,
        "unit": "z",
    }  # fmt: skip
    (marker,) = dog.markers
    assert (marker.name, marker.marked_range.start_time.value - begin) == ("peak 0.500", 1550)
    timeline = otio.adapters.read_from_string(text, "otio_json")
    settings = timeline.metadata["clip_video"]["settings"]
    assert (settings["unit"], list(settings["prompts"])) == ("z", ["ab"])


@pytest.mark.parametrize("rate", STANDARD_RATES)
def test_otio_counts_at_the_videos_rate(rate: Fraction) -> None:
    clip = otio_clips(moments_otio(select_from_one([DOG], film(rate), {})))[0]
    assert clip.source_range.start_time.rate == float(rate)
    start_s = clip.source_range.start_time.to_seconds()
    assert 61.0 - 1e-6 <= start_s < 61.0 + 1 / rate


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_come_back(name: str) -> None:
    moments = [Moment(name, 0, 1, 0, 0.5, 0.4, name), DOG]
    source = film(name=name)
    first, _ = otio_clips(moments_otio(select_from_one(moments, source, {"prompts": [name]})))
    assert first.name == title_of(moments[0])
    allowed = (
        name.replace("\ud800", "?").replace("\ufffe", "").replace("\x01", "").replace("\x0b", "").replace("\x1b", "")
    )
    assert first.metadata["clip_video"]["prompt"] == allowed


def test_no_moments_are_an_empty_track() -> None:
    assert otio_clips(moments_otio(select_from_one([], film(), {}))) == []


def test_opentimelineio_is_imported_only_when_needed() -> None:
    code = "import sys, clip_core.export.timelines; print('opentimelineio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ
    )
    assert done.stdout.strip() == "False"
