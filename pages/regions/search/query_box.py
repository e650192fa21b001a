"""The box of the query: lines of text, and a picture or a place to look for."""

from __future__ import annotations

import base64

from clip_core.analysis.analyse import Picture
from clip_core.errors import PromptError
from clip_core.prompts import parse_prompts
from clip_core.retrieval.query import MOST_LETTERS, SearchQuery, parse_query
from clip_core.text import printable, shorten
from clip_core.video.drawing import jpeg_uri, shrunk, thumbnail_jpeg
from clip_core.video.images import decode_image
from pages.player.components import draw_part, report_of
from pages.regions.search.state import Example, as_report, asked_anew, search_state

MOST_PX = 1024
MOST_PICTURE_LETTERS = 4_000_000
LONGEST_NAME = 60


def choose_query() -> SearchQuery | None:
    """Draw the box; return the query that was asked last, None if nothing was asked.

    Raises:
        PromptError: There is nothing to look for, or the text is too long.
    """
    state = search_state()
    example = state.example
    data = {
        "text": state.text,
        "puts": state.puts,
        "example": None if example is None else {"name": example.name, "uri": example.uri},
        "error": state.picture_error or "",
        "most": MOST_LETTERS,
    }
    draw_part("query", data, on_asked_change=_take_text, on_picture_change=_take_picture, on_dropped_change=_drop)
    return _query()


def _query() -> SearchQuery | None:
    state = search_state()
    if state.example is None:
        return parse_query(state.text) if state.text.strip() else None
    if len(state.text) > MOST_LETTERS:
        raise PromptError(f"The query has {len(state.text):,} letters.", f"Shorten it to {MOST_LETTERS:,}.")
    example, texts = state.example, parse_prompts(state.text.splitlines())
    pictures = () if example.picture is None else ((example.picture, 1.0),)
    return SearchQuery(texts, pictures, example.like, example.name)


def _take_text() -> None:
    text = as_report(report_of("query", "asked")).get("text")
    if isinstance(text, str):
        state = search_state()
        if text != state.text:
            state.since, state.only_new = None, False
        state.text = text
        asked_anew()


def _take_picture() -> None:
    """Take a picture that was dropped, pasted or chosen: a data URI."""
    report, state = as_report(report_of("query", "picture")), search_state()
    uri, name = report.get("uri"), report.get("name")
    if not isinstance(uri, str) or not isinstance(name, str):
        return
    shown = shorten(printable(name, " ").strip() or "picture", LONGEST_NAME, 8)
    picture = _decoded(uri)
    if picture is None:
        state.picture_error = f"{shown} cannot be read as a picture. Save it as PNG or JPEG."
        return
    show_picture(shown, picture)


def show_picture(name: str, picture: Picture) -> None:
    """Search for a picture."""
    state = search_state()
    state.picture_error = None
    state.example, state.since = Example(name, jpeg_uri(thumbnail_jpeg(picture.rgb)), picture), None
    asked_anew()


def _decoded(uri: str) -> Picture | None:
    head, _, content = uri.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64") or len(content) > MOST_PICTURE_LETTERS:
        return None
    try:
        rgb = decode_image(base64.b64decode(content, validate=True))
    except ValueError:
        return None
    return None if rgb is None else Picture(shrunk(rgb, MOST_PX))


def _drop() -> None:
    """Take the picture or the place out of the query."""
    state = search_state()
    state.example = state.picture_error = None
    asked_anew()
