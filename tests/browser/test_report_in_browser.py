"""The report and the chart in a real Chromium without a network."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from clip_core.charts.timeline import still_figure
from clip_core.charts.view import Line, Timeline
from clip_core.export.html_report import Report, chart_html, report_html
from clip_core.types import Moment
from tests.support.curve_maker import scores_of

pytestmark = pytest.mark.browser
PROMPTS = ("<script>alert(1)</script>", "</script><img src=x onerror=alert(2)><!--")


def figure(theme: Any) -> dict[str, Any]:
    scores = scores_of(np.random.default_rng(0).random((2_100, 2)), prompts=PROMPTS)
    lines = [Line(prompt, number) for number, prompt in enumerate(PROMPTS)]
    moments = [Moment(prompt, 20.0, 90.0, 40.0, 0.9, 0.5) for prompt in PROMPTS]
    return still_figure(Timeline(scores, scores.values, moments, lines, 0.5, (0.0, 1.0), theme=theme))


def written(folder: Path) -> list[Path]:
    picture = io.BytesIO()
    Image.new("RGB", (16, 9), "red").save(picture, "JPEG")
    moments = [Moment(prompt, 20.0, 90.0, 40.0, 0.9, 0.5, prompt) for prompt in PROMPTS]
    facts = {prompt: [prompt] for prompt in PROMPTS}
    light, dark = figure("light"), figure("dark")
    report = Report(PROMPTS[0], facts, facts, facts, moments, "z", {0: picture.getvalue()}, light, dark, PROMPTS)
    pages = {"report.html": report_html(report), "chart.html": chart_html(light, PROMPTS[1], dark)}
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pages]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_open_offline(chromium: Any, tmp_path: Path, scheme: str) -> None:
    context = chromium.new_context(offline=True, color_scheme=scheme)
    for path in written(tmp_path):
        tab, wrong, asked = context.new_page(), [], []
        tab.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
        tab.on("console", lambda message, wrong=wrong: wrong.append(message.text))
        tab.on("dialog", lambda dialog, wrong=wrong: (wrong.append(dialog.message), dialog.dismiss()))
        tab.on("request", lambda request, asked=asked: asked.append(request.url))
        tab.goto(path.as_uri())
        tab.wait_for_selector("#chart .scatterlayer .trace path.js-line")
        assert tab.locator("#chart .scatterlayer .trace path.js-line").count() >= 4
        points = "[...document.querySelector('#chart').data].filter((t) => t.name).map((t) => [t.x.length, t.y.length])"
        assert tab.evaluate(points) == [[2_100, 2_100]] * 2
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(17, 21, 28)")
        assert (
            tab.evaluate("document.querySelector('#chart').layout.paper_bgcolor")
            == figure(scheme)["layout"]["paper_bgcolor"]
        )
        if path.name == "report.html":
            assert tab.evaluate("document.querySelector('img').naturalWidth") == 16
            assert tab.locator("tbody bdi").first.inner_text() == PROMPTS[0]
            tab.evaluate("dispatchEvent(new Event('beforeprint'))")
            on_paper = tab.evaluate(
                "(({paper_bgcolor, width}) => [paper_bgcolor, width])(document.querySelector('#chart').layout)"
            )
            assert on_paper == [figure("light")["layout"]["paper_bgcolor"], 680]
            tab.evaluate("dispatchEvent(new Event('afterprint'))")
            blocked = (
                "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
            )
            tab.evaluate(blocked)
            assert tab.evaluate("window.ran === undefined")
            assert [text for text in wrong if "Content Security Policy" not in text] == []
        else:
            assert wrong == []
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
        tab.screenshot(path=str(tmp_path / f"{path.stem}-{scheme}.png"), full_page=True)
        tab.close()
    context.close()
