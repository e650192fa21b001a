"""What only a real browser can tell: lines that are drawn, clicks, keys, sizes, and what leaves the machine."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import webvtt
from PIL import Image, ImageColor
from playwright.sync_api import expect

from clip_core.charts.colours import THEMES
from tests.export.test_report import Parsed
from tests.support.app import new_world
from tests.support.browser import Visitor, control, served, set_prompts, wait_until
from tests.support.video_maker import number_picture
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

PROMPTS = ["a dog", "pizza", "a red car", "a person running", "fireworks", "an umbrella", "a bicycle", "a penguin"]
LONG = "night market " * 385
HOSTILE = ["<img src=x onerror=alert(1)>", "$x$", ":dog:", "[x](y)", "*b*", ":red[r]", "<b>bold</b>", "🍕", "كلب", LONG]
SHOWN = [*HOSTILE[:-1], "night market nig…"]
SIZE = {"width": 1440, "height": 900}

Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[tuple[World, str]]:
    world = new_world(tmp_path_factory.mktemp("site"), stock)
    world.write(CLIP=PROMPTS)
    with served(world) as address:
        yield world, address


@pytest.fixture
def visit(site: tuple[World, str], chromium: Any) -> Iterator[Visit]:
    """Open tabs; at the end none of them may have seen an error or asked another host."""
    tabs: list[Visitor] = []
    with contextlib.ExitStack() as stack:

        def opened(address: str = site[1], theme: str = "light") -> Visitor:
            context = chromium.new_context(viewport=SIZE, color_scheme=theme, accept_downloads=True)
            stack.callback(context.close)
            tabs.append(Visitor(context.new_page(), address))
            return tabs[-1]

        yield opened
        for tab in tabs:
            assert tab.errors == []
            assert tab.outside() == []


def nearest_sample(visitor: Visitor, share: float) -> int:
    """The frame of the sample nearest to a share of the ten seconds: one each 0.2 s, six frames apart."""
    return min(range(0, 300, 6), key=lambda frame: abs(frame / 30 - share * 10.0))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_lines_are_really_drawn(visit: Visit, theme: str) -> None:
    visitor = visit(theme=theme).open_ready()
    assert visitor.lines() == 8
    visitor.tab.wait_for_timeout(300)
    drawn = np.asarray(Image.open(io.BytesIO(visitor.chart_element.screenshot())).convert("RGB")).astype(int)
    for colour in THEMES[theme].prompts[:3]:
        close = np.abs(drawn - np.array(ImageColor.getrgb(colour))).max(axis=2) < 12
        assert close.sum() > 50, colour
    background = np.array(ImageColor.getrgb(THEMES[theme].background))
    assert np.abs(drawn[2, 2] - background).max() <= 2


def test_a_click_shows_the_frame_at_that_time(visit: Visit) -> None:
    visitor = visit().open_ready()
    for share in (0.2, 0.56, 0.94):
        visitor.click_chart(share)
        wanted = nearest_sample(visitor, share)
        visitor.shows(wanted)
        assert visitor.clock == f"0:{wanted / 30:06.3f}"
        wait_until(lambda: visitor.cursor.endswith(f"{wanted / 30:06.3f}"), what="the playhead")  # noqa: B023


def test_the_same_point_again_and_the_slider_between(visit: Visit) -> None:
    visitor = visit().open_ready()
    wanted = nearest_sample(visitor, 0.4)
    for _ in range(2):
        visitor.click_chart(0.4)
        visitor.shows(wanted)
        visitor.tab.locator(".st-key-frame input[type=range]").focus()
        visitor.tab.keyboard.press("ArrowRight")
        visitor.shows(wanted + 1)
        wait_until(lambda: visitor.cursor.endswith(f"{(wanted + 1) / 30:06.3f}"), what="the playhead at the slider")
        visitor.tab.wait_for_timeout(500)
        assert visitor.frame == wanted + 1  # the click does not pull it back


def test_pills_hide_and_show_lines(visit: Visit) -> None:
    visitor = visit().open_ready()
    assert visitor.pill(1).get_attribute("aria-pressed") == "true"
    visitor.pill(1).click()
    wait_until(lambda: visitor.lines() == 7, what="seven lines")
    assert visitor.pill(1).get_attribute("aria-pressed") == "false"
    assert "pizza" not in visitor.figure()["names"]
    visitor.pill(1).click()
    wait_until(lambda: visitor.lines() == 8, what="eight lines")
    assert visitor.pill(1).get_attribute("aria-pressed") == "true"


def test_keys(visit: Visit) -> None:
    visitor = visit().open_ready()
    visitor.tab.locator("[data-testid=stMainBlockContainer]").click(position={"x": 600, "y": 280})
    for key, frame in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("Shift+ArrowRight", 6)):
        visitor.tab.keyboard.press(key)
        visitor.shows(frame)
        visitor.tab.wait_for_timeout(150)
    visitor.tab.keyboard.press("Space")
    wait_until(lambda: visitor.frame > 10, what="playing")
    visitor.tab.wait_for_timeout(300)
    visitor.press("play")
    visitor.tab.wait_for_timeout(900)
    stopped = visitor.frame
    visitor.tab.wait_for_timeout(900)
    assert visitor.frame == stopped < 299
    visitor.shows(stopped)


def test_one_screen_and_no_keys_in_the_buttons(visit: Visit) -> None:
    visitor = visit().open_ready()
    visitor.fits_at_rest()
    assert [k for k in visitor.tab.locator(".st-key-transport kbd").all() if k.is_visible()] == []
    set_prompts(visitor, [f"a longer prompt {k}" for k in range(12)])
    visitor.fits_at_rest()
    visitor.tab.get_by_text("Best", exact=True).click()
    visitor.tab.get_by_text("At least 2 s apart.").wait_for()
    visitor.fits_at_rest()


def test_hostile_prompts_show_literally(visit: Visit) -> None:
    visitor = visit().open_ready()
    set_prompts(visitor, HOSTILE)
    legend, ranking = visitor.tab.locator(".st-key-legend"), visitor.tab.locator("div[data-prompt]")
    labels = [text.replace("\u2060", "") for text in legend.locator("button").all_inner_texts()]
    names = [text.split("\n")[0] for text in ranking.all_inner_texts()]
    for prompt in SHOWN:
        assert any(label.strip().startswith(prompt[:16]) for label in labels), prompt
        assert any(name.startswith(prompt) or prompt.rstrip("…") in name for name in names), prompt
    assert legend.locator("a, b, strong, em, .katex").count() == 0
    assert visitor.tab.locator("[data-testid=stMain] a:visible[href*='y']").count() == 0
    figure, box = visitor.figure(), visitor.chart_element.bounding_box()
    assert box is not None
    visitor.tab.mouse.move(box["x"] + figure["x0"] + figure["length"] / 2, box["y"] + 150)
    visitor.chart.wait_for_selector(".hoverlayer text")
    hover = " ".join(visitor.chart.locator(".hoverlayer text").all_text_contents())
    for prompt in SHOWN:
        assert prompt[:16] in hover.replace("\xa0", " "), prompt
    assert "Flag 10 of 10" in visitor.tab.locator(".st-key-flag_box").inner_text()


def test_flags_survive_a_closed_box(visit: Visit) -> None:
    visitor = visit().open_ready()
    box = visitor.tab.locator(".st-key-flag_box button").first
    box.click()
    visitor.tab.locator(".st-key-flagged button[aria-pressed]").nth(1).click()
    visitor.tab.get_by_text("Flag 7 of 8 prompts").wait_for()
    visitor.tab.keyboard.press("Escape")
    set_prompts(visitor, [*PROMPTS, "a tree"])
    visitor.tab.get_by_text("Flag 8 of 9 prompts").wait_for()
    set_prompts(visitor, [*PROMPTS, "a tree", "a rose"])
    visitor.tab.get_by_text("Flag 9 of 10").wait_for()
    visitor.tab.locator(".st-key-flag_box button").first.click()
    pills = visitor.tab.locator(".st-key-flagged button[aria-pressed]")
    expect(pills).to_have_count(10)  # until then those of the list before stand there too
    pressed = pills.evaluate_all("(pills) => pills.map((pill) => pill.ariaPressed)")
    assert pressed == ["true", "false", *["true"] * 8]
    pills.nth(0).click()
    visitor.tab.get_by_text("Flag 8 of 10").wait_for()
    pills.nth(1).click()
    visitor.tab.get_by_text("Flag 9 of 10").wait_for()


def test_a_row_of_the_table_seeks(visit: Visit) -> None:
    visitor = visit().open_ready()
    table = visitor.tab.locator(f"{control('moments')} canvas").first
    for row in (1, 0):
        for _ in range(2):  # the very first click may only focus the table
            table.click(position={"x": 160, "y": 34 + 28 * row + 14}, force=True)
            visitor.tab.wait_for_timeout(1200)
            if visitor.frame:
                break
        start = visitor.frame
        assert start > 0
        visitor.shows(start)
        visitor.press("reset")
        visitor.shows(0)


def fetched(visitor: Visitor, key: str, name: str) -> str:
    """Press a button of the box and return the file that comes, which has a name."""
    with visitor.tab.expect_download() as download:
        visitor.tab.locator(f".st-key-{key} button:visible").last.click()
    assert download.value.suggested_filename == name
    return Path(download.value.path()).read_text(encoding="utf-8-sig")


def test_downloads(visit: Visit) -> None:
    visitor = visit().open_ready()
    set_prompts(visitor, ["=1+1", "pizza"])
    visitor.tab.locator(".st-key-settings_box button").first.click()
    # The menu is drawn after the files: once its link names the prompts, the files are those of the prompts.
    visitor.tab.get_by_text("prompt=%3D1%2B1&prompt=pizza").wait_for()
    menu = visitor.tab.locator("[data-testid=stPopoverBody]")
    for key in ("settings_file", "start_over", "compare_file"):
        menu.locator(f".st-key-{key}").wait_for()
    visitor.tab.keyboard.press("Escape")
    menu.wait_for(state="detached")
    visitor.tab.locator(".st-key-download_box button").first.click()
    menu.wait_for()
    assert menu.locator("[data-testid=stFileUploader], [data-testid=stCode]").count() == 0
    scores = list(csv.reader(io.StringIO(fetched(visitor, "scores_as_csv", "wide_scores.csv"))))
    moments = list(csv.reader(io.StringIO(fetched(visitor, "moments_as_csv", "wide_moments.csv"))))
    assert "'=1+1" in scores[0]
    assert "pizza" in scores[0]
    assert len(scores) == 51
    assert {row[0] for row in moments[1:]} <= {"'=1+1", "pizza"}
    assert len(moments) >= 2
    cues = webvtt.from_string(fetched(visitor, "moments_as_vtt", "wide_moments.vtt"))
    assert sorted(cue.text for cue in cues) == sorted(row[0].removeprefix("'") for row in moments[1:])
    report = Parsed(fetched(visitor, "report_file", "wide_report.html"))
    assert report.texts["h1"] == ["Moments of wide.mp4"]
    assert sum(tag == "img" for tag, _ in report.tags) == len(moments) - 1


def write_long_clip(path: Path) -> None:
    """Ten minutes at 30 frames a second, 160 × 90."""
    pictures = [number_picture(number * 64, 160, 90) for number in range(30)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast", "g": "300"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for number in range(18_000):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pictures[number // 600], format="rgb24")))
        container.mux(stream.encode(None))


def test_an_upload_grows_to_its_end_through_a_reload(visit: Visit, tmp_path: Path, stock: Path, chromium: Any) -> None:
    write_long_clip(tmp_path / "ten minutes.mp4")
    world = new_world(tmp_path, stock)
    (tmp_path / "videos").mkdir()
    world.write(samples_per_second=30, CLIP=PROMPTS[:3], video_dirs=["videos"])
    with served(world) as address:
        visitor = visit(address).open_ready("Player")
        visitor.tab.locator(".st-key-upload_box button").first.click()
        visitor.tab.locator("input[type=file]").set_input_files(tmp_path / "ten minutes.mp4")
        counts: list[int] = []

        def indexed() -> int:
            text = visitor.tab.locator(".st-key-footer").text_content(timeout=30_000) or ""
            found = re.search(r"([\d,]+) frames? indexed", text)
            assert found is not None, text
            count = int(found[1].replace(",", ""))
            if count not in counts:
                counts.append(count)
            return count

        wait_until(lambda: visitor.tab.get_by_text("10:00.000 · 160 × 90").count(), 90, "the upload is chosen")
        area = visitor.tab.locator(f"{control('prompts')} textarea")
        area.fill("\n".join(PROMPTS[:3]))
        area.press("Control+Enter")
        wait_until(lambda: indexed() > 300 and visitor.lines() == 3, 90, "the curve grows")
        before = indexed()
        visitor.tab.reload()
        visitor.tab.wait_for_selector(f"{control('video')} input")
        chosen = visitor.tab.locator(f"{control('video')} input")
        chosen.click()
        visitor.tab.get_by_role("option", name="ten minutes.mp4").click()
        wait_until(lambda: visitor.tab.get_by_text("10:00.000 · 160 × 90").count(), 60, "the upload is chosen again")
        wait_until(lambda: indexed() >= before, 30, "what was indexed before the reload")
        wait_until(lambda: indexed() == 18_000, 200, "all frames")
        visitor.tab.locator(".st-key-status", has_text="18,000 samples indexed").wait_for()
        grown = [count for count in counts if count != 300]  # 300 is the video that the config names
        assert len(grown) >= 4
        assert grown == sorted(grown)
        visitor.settle()
        assert visitor.lines() == 3
        assert len(list((tmp_path / "videos" / "uploads").glob("*.mp4"))) == 1
