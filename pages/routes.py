"""What the player asks of the server beside the page: scripts, video bytes, times of frames, curves.

Nothing here takes a path from an address: a video is asked for by the 64 hex digits of its id, which is looked
up in the store, a script by one of the names that there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from clip_core.errors import ClipVideoError
from pages.parts import cached
from pages.parts.player import assets

MEDIA_TYPES = {"mov": "video/mp4", "matroska": "video/webm", "ogg": "video/ogg"}
"""By FFmpeg's name of the container; anything else is bytes, and a browser must not guess a page in it."""
BYTES = "application/octet-stream"
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
ASK_AGAIN = {"Cache-Control": "private, no-cache"}
GUARDED = {"Cross-Origin-Resource-Policy": "same-origin", "X-Content-Type-Options": "nosniff"}
UNPACKED = {"Content-Encoding": "identity"}
"""Streamlit's gzip leaves what has an encoding: packing floats takes longer than sending them."""

Answer: TypeAlias = Callable[[Request], Response]


def player_routes() -> list[BaseRoute]:
    """The routes, at the root and, if the app has a base path, below it: Streamlit moves only its own there."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    answers: dict[str, Answer] = {
        "player/scripts/{version}/{name}": _script,
        f"{assets.plotly_address()}": _plotly,
        "player/video/{video_id}": _video,
        "player/block/{digest}": _block,
    }
    prefixes = ["", f"{base}/"] if base else [""]
    return [Route(f"/{prefix}{path}", _guarded(answer)) for prefix in prefixes for path, answer in answers.items()]


def _guarded(answer: Answer) -> Callable[[Request], object]:
    """Answer in a thread (stores and files block), with the headers that every answer has."""

    async def respond(request: Request) -> Response:
        response = await run_in_threadpool(_answered, answer, request)
        response.headers.update(GUARDED)
        return response

    return respond


def _answered(answer: Answer, request: Request) -> Response:
    try:
        return answer(request)
    except ClipVideoError as error:
        return Response(error.line, 404, ASK_AGAIN, "text/plain")


def _missing() -> Response:
    return Response("There is nothing here.", 404, ASK_AGAIN, "text/plain")


def _script(request: Request) -> Response:
    name = request.path_params["name"]
    content = assets.scripts().get(name)
    if content is None or request.path_params["version"] != assets.version():
        return _missing()
    return Response(content, headers=FOREVER, media_type="text/css" if name.endswith(".css") else "text/javascript")


def _plotly(request: Request) -> Response:  # noqa: ARG001 - every answer is asked the same way
    if not assets.PLOTLY.is_file():
        return _missing()
    return FileResponse(assets.PLOTLY, headers=FOREVER | UNPACKED, media_type="text/javascript")


def _video(request: Request) -> Response:
    file = cached.video_file(request.path_params["video_id"])
    return FileResponse(file.path, headers=ASK_AGAIN, media_type=MEDIA_TYPES.get(file.container, BYTES))


def _block(request: Request) -> Response:
    """Arrays as they lie in memory, little-endian: times of frames and samples, curves."""
    block = cached.shelf().get(request.path_params["digest"])
    return _missing() if block is None else Response(block, headers=FOREVER | UNPACKED, media_type=BYTES)
