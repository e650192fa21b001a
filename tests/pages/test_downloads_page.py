"""The box Download: what it offers, and what it says of a file that somebody else made."""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import streamlit as st

from clip_core.analysis.export_bundle import ExportBundle, moments_file, scores_file
from clip_core.charts.view import Timeline
from clip_core.errors import VideoNotFoundError
from clip_core.export.formats import MOMENT_FORMATS, SCORE_FORMATS
from clip_core.settings import read_settings, settings_yaml
from clip_core.text import clock
from pages.regions.download import compare_file, files
from pages.regions.moments.moment_list import MomentList
from pages.shared import cache
from pages.shared.markdown import escape_markdown
from tests.support.video_maker import VideoSpec, number_picture, planted, write_animation
from tests.support.world import Page, World


class Filled(NamedTuple):
    """What the box Download is filled with."""

    bundle: ExportBundle
    view: Timeline
    listed: MomentList


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Filled]:
    """What the box is filled with, the latest last."""
    given: list[Filled] = []
    draw = files.draw_downloads

    def drawn(*filled: Any) -> None:
        given.append(Filled(*filled))
        draw(*filled)

    monkeypatch.setattr(files, "draw_downloads", drawn)
    return given


def names(page: Page) -> dict[str, str]:
    return {button.key: button.label for button in page.at.get("download_button")}


def test_everything_is_offered_and_nothing_is_made_before_it_is_wanted(
    made: list[Filled], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> bytes:
        raise AssertionError("made without being asked for")

    for module, name in ((files, "moments_file"), (files, "scores_file"), (files, "make_report")):
        monkeypatch.setattr(module, name, never)
    monkeypatch.setattr(files, "chart_html", never)
    page = Page().indexed()
    assert names(page) == {
        "moments_as_csv": "CSV", "moments_as_json": "JSON", "moments_as_parquet": "Parquet",
        "moments_as_vtt": "WebVTT chapters",
        "moments_as_srt": "SRT subtitles", "moments_as_edl": "EDL (CMX 3600)",
        "moments_as_fcpxml": "Final Cut Pro XML", "moments_as_otio": "OpenTimelineIO",
        "moments_as_qvhighlights": "QVHighlights predictions", "scores_as_csv": "CSV", "scores_as_parquet": "Parquet",
        "scores_as_jsonl": "JSON Lines", "spikes_file": "CSV", "report_file": "Report", "chart_file": "Chart",
        "settings_file": "Save settings (YAML)",
    }  # fmt: skip
    count = len(made[-1].listed.reviewed)
    assert count >= 1
    assert page.starting(f"{count} moment")


def test_each_button_gives_the_format_that_it_names(
    made: list[Filled], ready: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, tuple[str, str, bytes]] = {}

    def button(label: str, data: Callable[[], bytes], file_name: str, mime: str, *, key: str, **_: object) -> None:
        if "_as_" in key:
            files[key] = (file_name, mime, data())

    monkeypatch.setattr(st, "download_button", button)
    ready.run()
    bundle = made[-1].bundle
    moments, scores = MOMENT_FORMATS.items(), SCORE_FORMATS.items()
    assert files == {
        **{
            f"moments_as_{kind}": (f"wide_{form.file_name}", form.mime, moments_file(kind, bundle))
            for kind, form in moments
        },
        **{
            f"scores_as_{kind}": (f"wide_{form.file_name}", form.mime, scores_file(kind, bundle))
            for kind, form in scores
        },
    }
    assert len({content for _, _, content in files.values()}) == len(files) == 11


def test_formats_that_count_frames_tell_of_an_odd_rate(world: World) -> None:
    planted(world.folder, "odd", 34, VideoSpec(rate=Fraction(17)))
    world.write(video_path="odd.mp4")
    page = Page().indexed()
    counting = "EDL (CMX 3600), Final Cut Pro XML, OpenTimelineIO"
    assert page.starting(
        escape_markdown(f"{counting}: 17 frames per second is not a standard rate: the timeline counts in 23.976")
    )
    world.write(video_path="wide.mp4")
    assert not Page().indexed().holding("not a standard rate")


def test_selected_rows_only(made: list[Filled], ready: Page) -> None:
    whole = made[-1].bundle.moments
    assert len(whole) >= 2
    ready.at.session_state["moments"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    ready.run()
    assert made[-1].bundle.moments == [whole[1]]
    assert ready.starting(f"Ticked rows only: 1 of {len(whole)} moments.")


def test_the_chart_and_the_report_are_those_of_the_page(made: list[Filled], ready: Page) -> None:
    given = made[-1]
    report = files._report(given.bundle, given.view)
    assert report.count("data:image/jpeg;base64,") == len(given.bundle.moments)
    assert "Moments of wide.mp4" in report
    assert "pizza" in files._chart(given.bundle, given.view)


def test_a_report_without_its_video_has_no_pictures_and_says_so(
    made: list[Filled], ready: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> dict[float, bytes]:
        raise VideoNotFoundError("There is no file wide.mp4.", "Check the path.")

    monkeypatch.setattr(files, "thumbnails_at", gone)
    report = files._report(made[-1].bundle, made[-1].view)
    assert "There are no pictures: There is no file wide.mp4." in report
    assert "data:image/jpeg" not in report


def test_settings_come_back_as_they_were(made: list[Filled], ready: Page) -> None:
    settings = made[-1].bundle.detection.settings
    assert read_settings(settings_yaml(settings).encode()) == settings


def uploaded(page: Page, content: bytes, name: str = "theirs.csv") -> Page:
    page.at.file_uploader(key="compare_file").upload(name, content, "text/csv")
    return page.run()


def test_a_file_is_compared(made: list[Filled], ready: Page) -> None:
    best = made[-1].bundle.moments[0]
    csv = f"prompt,start_s,end_s\n{best.prompt},{best.start_s},{best.end_s}\nno such,900,901\n"
    uploaded(ready, csv.encode())
    assert ready.starting("2 moments: mean IoU 0.50, 1 found at IoU 0.5 or better.")
    (table,) = [frame.value for frame in ready.at.dataframe if "iou" in frame.value]
    assert table["iou"].round(4).tolist() == [1.0, 0.0]
    assert table["ours"].tolist()[1] == "none"


def test_a_moment_to_the_end_of_the_video_is_compared_as_such(made: list[Filled], ready: Page) -> None:
    end_s = made[-1].bundle.record.table.end_s
    uploaded(ready, b"0,,all\n", "theirs.txt")
    assert ready.starting("1 moment: mean IoU")
    (table,) = [frame.value for frame in ready.at.dataframe if "iou" in frame.value]
    longest_s = max(moment.duration_s for moment in made[-1].bundle.moments)
    assert table["end"].tolist() == [clock(end_s)]
    assert table["iou"].tolist() == pytest.approx([longest_s / end_s], abs=1e-3)


def test_a_file_is_compared_again_only_when_something_changed(ready: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()
    compare = compare_file.best_matches
    monkeypatch.setattr(compare_file, "best_matches", lambda *given: asked.append(1) or compare(*given))
    uploaded(ready, b"start_s,end_s\n0,1\n")
    ready.run().run()
    assert len(asked) == 1
    ready.slide("threshold", 0.1)
    assert len(asked) == 2
    uploaded(ready, b"start_s,end_s\n0,1\n1,2\n", "other.csv")
    assert len(asked) == 3
    assert ready.starting("2 moments: mean IoU")


def test_what_is_no_list_of_moments_is_told(ready: Page) -> None:
    uploaded(ready, b"a,b\n1,2\n")
    assert ready.holding("has no column start")
    uploaded(ready, b"start_s,end_s\n", "empty.csv")
    assert ready.starting("There is no moment in the file.")


def test_a_long_list_is_cut(ready: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_file, "MOST_COMPARED", 2)
    uploaded(ready, b"start_s,end_s\n0,1\n1,2\n2,3\n")
    assert ready.starting("3 moments (the first 2 are compared): mean IoU")


def test_clips_are_made_and_handed_out(ready: Page, world: World) -> None:
    ready.at.selectbox(key="frames_kind").set_value("jpeg")
    ready.press("clips_make")
    deadline = time.monotonic() + 60
    _, key = ready.at.session_state["DownloadState"].clips_asked
    while (view := cache.export_queue().view(key)) is not None and view.active:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ready.run()
    (result,) = (world.folder / "exports").glob("*/clips.zip")
    assert result.parent.name == key
    with zipfile.ZipFile(result) as packed:
        inside = [Path(name).suffix for name in packed.namelist()]
    assert sorted(set(inside)) == [".csv", ".jpg", ".mp4"]
    links = [element.proto.url for element in ready.at.get("link_button")]
    assert links == [f"player/clips/{key}?of=wide.mp4"]
    shutil.rmtree(result.parent)
    ready.run()
    assert ready.starting("The result is gone: it is kept for a day. Make it again.")
    ready.at.selectbox(key="clips_kind").set_value("none")
    ready.at.selectbox(key="frames_kind").set_value("none")
    assert ready.run().at.button(key="clips_make").disabled


def test_what_cannot_be_copied_fast_is_said_before_it_is_tried(world: World) -> None:
    write_animation(world.folder / "moving.gif", [number_picture(number) for number in range(30)], [100] * 30)
    for name, refused in (("moving.gif", True), ("wide.mp4", False)):
        world.write(video_path=name)
        page = Page().indexed()
        assert not page.holding("consists of separate images")
        page.at.selectbox(key="clips_kind").set_value("fast")
        page.run()
        assert bool(page.holding("consists of separate images")) is refused
        assert page.at.button(key="clips_make").disabled is refused
