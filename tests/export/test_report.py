"""The report's HTML, parsed by a parser that did not write it: what was typed is text."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from clip_core.export.html_report import Report, chart_html, inert, json_in_html, plotly_js, report_html
from clip_core.types import Moment
from tests.support.odd_names import ODD_NAMES

FIGURE = {"data": [{"type": "scatter", "x": [0, 1], "y": [1, 2], "name": "</script><!--<script>"}], "layout": {}}
JPEG = b"\xff\xd8\xff\xe0 not really \xff\xd9"
PROMPT = "<script>alert(1)</script>"


class Parsed(HTMLParser):
    """Every element with its attributes, and the texts of those that matter."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside.append(tag)
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside[-1]][-1] += data

    def policy(self) -> str:
        return next(str(a["content"]) for tag, a in self.tags if a.get("http-equiv") == "Content-Security-Policy")


def report(**changes: object) -> Report:
    given = {"title": PROMPT, "video": {"name": PROMPT}, "model": {"id": "sample"}, "settings": {"prompts": [PROMPT]},
             "moments": [Moment(PROMPT, 1.5, 4, 2, 0.5, 0.4, PROMPT)], "figure": FIGURE}  # fmt: skip
    return Report(**(given | changes))  # type: ignore[arg-type]


def test_what_was_typed_is_text() -> None:
    page = Parsed(report_html(report()))
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [
        {"type": "application/json", "id": "figures"}, {}, {},
    ]  # fmt: skip
    assert page.texts["h1"] == page.texts["title"] == [PROMPT]
    assert page.texts["bdi"] == [PROMPT, PROMPT]
    assert PROMPT in page.texts["td"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_change_no_element(name: str) -> None:
    plain = [tag for tag, _ in Parsed(report_html(report(figure=None))).tags]
    moments = [Moment(name, 1.5, 4, 2, 0.5, 0.4, name)]
    odd = report(title=name, video={name: name}, settings={"p": [name]}, moments=moments, notes=(), figure=None)
    page = Parsed(report_html(odd))
    assert [tag for tag, _ in page.tags] == plain
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)


def test_the_policy_allows_the_inlined_scripts_alone() -> None:
    page = Parsed(report_html(report()))
    hashes = [
        "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in page.texts["script"][1:]
    ]
    assert page.policy() == (
        f"default-src 'none'; script-src '{hashes[0]}' '{hashes[1]}'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    assert "script-src 'none'" in Parsed(report_html(report(figure=None))).policy()


def test_plotly_is_there_once_and_the_figure_reads_back() -> None:
    page = Parsed(report_html(report(dark_figure={"data": [], "layout": {}})))
    assert page.texts["script"][1] == plotly_js()
    (trace,) = FIGURE["data"]
    once = {**FIGURE, "data": [trace | {"x": {"array": 0}, "y": {"array": 1}}]}
    both = {"light": once, "dark": {"data": [], "layout": {}}, "arrays": [trace["x"], trace["y"]]}
    assert json.loads(page.texts["script"][0]) == both
    twice = Parsed(report_html(report(dark_figure=FIGURE))).texts["script"][0]
    assert json.loads(twice) == {"light": once, "dark": once, "arrays": [trace["x"], trace["y"]]}
    assert "<" not in page.texts["script"][0]
    assert json_in_html({"a": "&\u2028>"}) == r'{"a":"\u0026\u2028\u003e"}'
    assert inert('"</script><!--"') == r'"<\/script><\!--"'


def test_facts_moments_and_thumbnails() -> None:
    settings = {"threshold": 2.5, "bank": True, "null": None, "prompts": ["a", "b"], "per prompt": {"a": 0.25}}
    moments = [Moment("a", 1.5, 4, 2, 0.5, 0.4), Moment("b", 0, 3600, 1, 2, 1)]
    text = report_html(
        report(settings=settings, moments=moments, thumbnails={0: JPEG}, unit="z", notes=["Hear & see."])
    )
    page = Parsed(text)
    (picture,) = [attributes for tag, attributes in page.tags if tag == "img"]
    kind, content = str(picture["src"]).split(",")
    assert (kind, base64.b64decode(content)) == ("data:image/jpeg;base64", JPEG)
    cells = page.texts["td"]
    assert {"2.5", "yes", "–", "a\nb", "a: 0.25"} <= set(cells)
    assert cells[-8:][2:] == ["00:00:00.000", "01:00:00.000", "3600.000", "00:00:01.000", "2.000", "1.000"]
    assert "2 moments" in page.texts["h2"]
    assert {"peak (z)", "mean (z)"} <= set(page.texts["th"])
    assert page.texts["p"] == ["Hear & see."]


def test_nothing_found_and_no_chart() -> None:
    page = Parsed(report_html(report(moments=[], figure=None)))
    assert "0 moments" in page.texts["h2"]
    assert page.texts["p"] == ["Nothing was flagged with these settings."]
    assert "script" not in page.texts


def test_the_chart_alone() -> None:
    page = Parsed(chart_html(FIGURE, PROMPT))
    assert page.texts["h1"] == [PROMPT]
    assert [a["id"] for _, a in page.tags if "id" in a] == ["chart", "figures"]


def test_it_asks_no_other_host() -> None:
    text = report_html(report()).replace(plotly_js(), "")
    assert re.findall(r"(?:https?|wss?):|@import|url\(|src=\"(?!data:)", text) == []


def test_what_cannot_be_shown_is_refused() -> None:
    with pytest.raises(ValueError, match="thumbnail of moment 0 is not a JPEG"):
        report_html(report(thumbnails={0: b"<svg onload=alert(1)>"}))
    with pytest.raises(ValueError, match="JSON compliant"):
        report_html(report(figure={"data": [{"y": [float("nan")]}], "layout": {}}))
