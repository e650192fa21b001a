"""The list of spikes on the sample, of which it is known when what appears and goes."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest
import streamlit as st

from pages.regions.moments import other_lists
from tests.pages.test_findings_page import choose, seen  # noqa: F401 - fixtures
from tests.pages.test_verdicts_page import page, sample  # noqa: F401 - fixtures
from tests.support.world import APP, Page, seconds

TRUTH = json.loads((APP.parent / "data" / "sample.truth.json").read_text(encoding="utf-8"))["visible"]
NEAR_S = 1.0


@pytest.fixture
def spiky(page: Page, seen: dict[str, Any]) -> Page:  # noqa: F811
    choose(page, "list", "Spikes")
    return page


def listed(page: Page) -> list[dict[str, Any]]:  # noqa: F811
    return list(page.at.dataframe(key="spikes").value.to_dict("records"))


def test_what_appears_rises_and_what_goes_falls(spiky: Page) -> None:
    found = listed(spiky)
    times_s = [seconds(row["time"]) for row in found]
    assert times_s == sorted(times_s)
    prompts = set(spiky.control("pills", "shown").value)
    edges = [
        (truth["prompt"], truth[end], sign)
        for truth in TRUTH for end, sign in (("start_s", 1), ("end_s", -1)) if truth["prompt"] in prompts
    ]  # fmt: skip
    hit = [
        any(row["prompt"] == prompt and np.sign(row["change"]) == sign and abs(at - time_s) < NEAR_S
            for row, at in zip(found, times_s, strict=True))
        for prompt, time_s, sign in edges
    ]  # fmt: skip
    assert sum(hit) >= 0.8 * len(edges) > 0
    assert len(found) < 3 * len(edges)


def test_a_click_goes_there_and_again(spiky: Page) -> None:
    found = listed(spiky)
    for row in (2, 2, 0, len(found) - 1):
        spiky.click_row("spikes", row, "time")
        assert spiky.frame == pytest.approx(seconds(found[row]["time"]) * 30, abs=0.1)
        spiky.slide("frame", 700)


def test_next_and_previous_go_through_the_list(spiky: Page) -> None:
    frames = sorted({round(seconds(row["time"]) * 30) for row in listed(spiky)})
    spiky.press("reset")
    visited = []
    while not spiky.at.button(key="next_m").disabled:
        visited.append(spiky.press("next_m").frame)
    assert visited == frames
    choose(spiky, "list", "Moments")
    spiky.press("reset")
    assert spiky.press("next_m").frame not in frames[1:]


def test_a_prompt_whose_pill_is_off_has_none(spiky: Page) -> None:
    prompt = listed(spiky)[0]["prompt"]
    spiky.control("pills", "shown").unselect(prompt).run()
    assert prompt not in {row["prompt"] for row in listed(spiky)}


def test_the_file_holds_the_list(spiky: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    files: dict[str, tuple[str, str, bytes]] = {}

    def button(label: str, data: Any, file_name: str, mime: str, *, key: str, **_: object) -> None:
        if key == "spikes_file":
            files[key] = (file_name, mime, data())

    monkeypatch.setattr(st, "download_button", button)
    spiky.control("pills", "shown").unselect(listed(spiky)[0]["prompt"]).run()
    spiky.run()
    name, mime, content = files["spikes_file"]
    assert (name, mime) == ("sample_spikes.csv", "text/csv")
    written = list(csv.DictReader(io.StringIO(content.decode())))
    assert list(written[0]) == ["video", "prompt", "time_s", "clock", "change", "unit"]
    assert {(row["video"], row["unit"]) for row in written} == {("sample.mp4", "corrected")}
    shown = [(row["prompt"], seconds(row["time"]), row["change"]) for row in listed(spiky)]
    assert [row["prompt"] for row in written] == [prompt for prompt, *_ in shown]
    assert [float(row["time_s"]) for row in written] == pytest.approx([at for _, at, _ in shown], abs=1e-3)
    assert [seconds(row["clock"]) for row in written] == pytest.approx([at for _, at, _ in shown], abs=1e-3)
    assert [float(row["change"]) for row in written] == pytest.approx([change for *_, change in shown], abs=1e-5)


def test_without_spikes_it_says_so(spiky: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_lists, "find_spikes", lambda *_: [])
    spiky.run()
    assert spiky.holding("No curve rises or falls suddenly.")
    assert spiky.at.button(key="next_m").disabled


def test_under_each_picture_of_peaks_stand_prompt_and_time(page: Page, seen: dict[str, Any]) -> None:  # noqa: F811
    choose(page, "list", "Peaks")
    kept = seen["listed"].kept[:6]
    labels = [page.at.button(key=f"peak_{place}").label.split() for place in range(len(kept))]
    assert [" ".join(words[:-1]) for words in labels] == [moment.prompt for moment in kept]
    assert [seconds(words[-1]) for words in labels] == pytest.approx([m.peak_s for m in kept], abs=1e-3)
    assert len({len(words[-1]) for words in labels}) == 1
