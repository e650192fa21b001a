"""The date of recording, from whatever tag holds one; nonsense is no date."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import av
import numpy as np
import pytest

from clip_core import open_video
from clip_core.video.recorded import recorded_in, recorded_s


def at(*parts: int) -> float:
    return dt.datetime(*parts, tzinfo=dt.UTC).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-05-01T12:34:56.000000Z", at(2024, 5, 1, 12, 34, 56)),
        ("2024-05-01T12:34:56+0200", at(2024, 5, 1, 10, 34, 56)),
        ("2024-05-01T12:34:56-05:30", at(2024, 5, 1, 18, 4, 56)),
        (" 2024:05:01 12:34:56 ", at(2024, 5, 1, 12, 34, 56)),
        ("2024/05/01 12:34", at(2024, 5, 1, 12, 34)),
        ("20240501T123456Z", at(2024, 5, 1, 12, 34, 56)),
        ("2024-05-01", at(2024, 5, 1)),
        ("1965-07-14", at(1965, 7, 14)),  # a film that was scanned later
        ("2024-05-01 at the sea", at(2024, 5, 1)),
    ],
)
def test_dates_of_many_forms(text: str, seconds: float) -> None:
    assert recorded_s([{"creation_time": text}]) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "1904-01-01T00:00:00.000000Z", "1970-01-01T00:00:00Z", "1969-12-31T23:00:00-0100", "1980-01-01 00:00:00",
        "0000-00-00", "2024-13-01", "2024-02-30", "2024-05-01T25:00", "2999-01-01", "2019", "", "yesterday", "x" * 9999,
        "20240501123456789", "٢٠٢٤-٠٥-٠١", "2024-05/01",
    ],
)  # fmt: skip
def test_nonsense_is_no_date(text: str) -> None:
    tags = {"creation_time": text}
    assert recorded_s([tags]) is None
    assert recorded_s([tags, {"DATE_RECORDED": "2024-05-01"}]) == at(2024, 5, 1)


def test_the_camera_s_own_tag_counts_before_the_export_s() -> None:
    camera = {"com.apple.quicktime.creationdate": "2023-01-02T03:04:05+0000"}
    assert recorded_s([{"creation_time": "2024-05-01", **camera}]) == at(2023, 1, 2, 3, 4, 5)
    assert recorded_s([{"title": "2020-01-01"}, {"creation_time": "2024-05-01"}]) == at(2024, 5, 1)
    assert recorded_s([]) is None


@pytest.mark.parametrize(
    ("suffix", "tags"),
    [
        (".mp4", {"creation_time": "2024-05-01T12:34:56Z"}),
        (".mov", {"com.apple.quicktime.creationdate": "2024-05-01T14:34:56+0200"}),
        (".mkv", {"DATE_RECORDED": "2024-05-01 12:34:56"}),
        (".mkv", {"creation_time": "2024-05-01T12:34:56Z"}),
    ],
)
def test_an_open_video_says_when_it_was_recorded(tmp_path: Path, suffix: str, tags: dict[str, str]) -> None:
    path = tmp_path / f"v{suffix}"
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if suffix == ".mov" else {}) as container:
        container.metadata.update(tags)
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    with open_video(path) as video:
        assert video.info.recorded_s == recorded_in(path) == at(2024, 5, 1, 12, 34, 56)
    (tmp_path / "none.mp4").write_bytes(b"no video")
    assert recorded_in(tmp_path / "none.mp4") is None
