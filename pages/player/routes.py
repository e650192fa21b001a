"""The HTTP routes beside the page: the player's scripts, video files, proxies, clips, buffers and thumbnails."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TypeAlias

import plotly
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from clip_core.errors import ClipVideoError, VideoError, VideoNotFoundError
from clip_core.files import named_after
from clip_core.library.videos import is_video_id, lasting_path, open_file
from clip_core.media.exports_folder import RESULTS, result_path
from clip_core.media.proxies import proxy_path

FOLDER = Path(__file__).parent
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
SERVED = (".js", ".css")
MEDIA_TYPES = {"mov": "video/mp4", "webm": "video/webm", "matroska": "video/webm", "ogg": "video/ogg"}
"""By FFmpeg's name of the container. Anything else is sent as bytes, so that no browser takes it for a page."""
BYTES = "application/octet-stream"
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
OWN_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
ASK_AGAIN = {"Cache-Control": "private, no-cache"}
GUARDED = {"Cross-Origin-Resource-Policy": "same-origin", "X-Content-Type-Options": "nosniff"}
UNPACKED = {"Content-Encoding": "identity"}
"""Streamlit's gzip skips responses that have an encoding. Packing floats takes longer than sending them."""
FOREIGN = ("cross-site", "same-site")
"""Values of Sec-Fetch-Site for requests from other pages, including those on another port of this machine."""

_PTS = re.compile(r"-?\d{1,18}", re.ASCII)

Answer: TypeAlias = Callable[[Request], Response]
_log = logging.getLogger(__name__)


@functools.cache
def scripts() -> dict[str, bytes]:
    """Return the files that the browser requests, by name."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in SERVED}


@functools.cache
def version() -> str:
    """Return a hash that changes with any of these files, so that a browser may cache them for ever."""
    digest = hashlib.sha256()
    for name, content in scripts().items():
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]


def script_address(name: str) -> str:
    """Return the address of a script, relative to the app's own."""
    return f"player/scripts/{version()}/{name}"


def plotly_address() -> str:
    """Return the address of plotly.js, relative to the app's own."""
    return f"player/plotly-{plotly.__version__}.js"


def thumbnail_address(video_id: str, pts: int) -> str:
    """Return the address of the stored thumbnail of a frame, relative to the app's own."""
    return f"player/thumbnail/{video_id}/{pts}"


class OpenFile(FileResponse):
    """A response that sends a file already opened and checked, block by block, and closes it.

    Starlette opens a file by its path after it has sent the headers, and by then the path may lead to another file.
    So it gets a path that leads to the open file, where the system has one.
    """

    def __init__(self, file: BinaryIO, path: Path, media_type: str, headers: Mapping[str, str]) -> None:
        self._file = file
        super().__init__(
            lasting_path(file) or path,
            headers=headers,
            media_type=media_type,
            stat_result=os.fstat(file.fileno()),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file and close it."""
        with self._file:
            await super().__call__(scope, receive, send)


def player_routes() -> list[BaseRoute]:
    """Return the routes, at the root and below any path: the app's base path is not known yet when it is made."""
    answers: dict[str, Answer] = {
        "player/scripts/{version}/{name}": _script,
        plotly_address(): _plotly,
        "player/video/{video_id}": _video,
        "player/copy/{video_id}": _copy,
        "player/block/{digest}": _block,
        "player/clips/{key}": _clips,
        "player/thumbnail/{video_id}/{pts}": _thumbnail,
    }
    # Without these, Streamlit answers other addresses with its own page.
    for kind in ("scripts/", "video/", "copy/", "block/", "clips/", "thumbnail/", "plotly-"):
        answers[f"player/{kind}{{rest:path}}"] = _missing
    places = ("/", "/{base:path}/")
    return [Route(place + path, _guarded(answer)) for path, answer in answers.items() for place in places]


def _guarded(answer: Answer) -> Callable[[Request], object]:
    """Wrap ``answer``: refuse other pages, run it in a thread (stores and files block), add the common headers."""

    async def respond(request: Request) -> Response:
        if request.headers.get("Sec-Fetch-Site") in FOREIGN:
            response = _said(403, "Only the app's own page may ask for this.")
        else:
            response = await run_in_threadpool(_answered, answer, request)
        response.headers.update(GUARDED)
        return response

    return respond


def _answered(answer: Answer, request: Request) -> Response:
    """Return the answer or an error response: no path and no traceback leaves the server."""
    try:
        return answer(request)
    except VideoError as error:  # from find_file and open_file, whose messages name no path
        return _said(404 if isinstance(error, VideoNotFoundError) else 403, error.line)
    except ClipVideoError as error:
        _log.warning("the player gets no answer: %s", error.line)
        return _said(503, "The settings or the store cannot be read. The page Investigate says more.")
    except Exception:  # noqa: BLE001 - the last handler before the visitor
        _log.exception("an answer to the player failed unexpectedly")
        return _said(500, "Something unexpected happened. The server's log says more.")


def _said(status: int, text: str) -> Response:
    return Response(text, status, ASK_AGAIN, "text/plain")


def _missing(_request: Request) -> Response:
    return _said(404, "There is nothing here.")


def _script(request: Request) -> Response:
    name = request.path_params["name"]
    content = scripts().get(name)
    if content is None or request.path_params["version"] != version():
        return _missing(request)
    return Response(content, headers=FOREVER, media_type="text/css" if name.endswith(".css") else "text/javascript")


def _plotly(request: Request) -> Response:
    if not PLOTLY.is_file():
        return _missing(request)
    return FileResponse(PLOTLY, headers=FOREVER | UNPACKED, media_type="text/javascript")


# The caches are imported at the first request: before the server runs, Streamlit warns that it has no runtime.


def _video(request: Request) -> Response:
    from pages.shared import cache

    found = cache.video_file(request.path_params["video_id"])
    file = open_file(found, cache.config())
    return OpenFile(file, found.path, MEDIA_TYPES.get(found.container, BYTES), ASK_AGAIN | UNPACKED)


def _copy(request: Request) -> Response:
    """Send the proxy of a video that browsers do not play, even if the video file itself is gone."""
    from pages.shared import cache

    video_id = request.path_params["video_id"]
    if not is_video_id(video_id):
        return _missing(request)
    return _sent(proxy_path(cache.config(), video_id), "video/mp4", "There is no copy of this video yet.")


def _clips(request: Request) -> Response:
    """Send a ZIP of clips or a film that the page has made, as a download."""
    from pages.shared import cache

    path = result_path(cache.exports(), request.path_params["key"])
    if path is None:
        return _missing(request)
    name = named_after(request.query_params.get("of", ""), path.name)
    saved = {"Content-Disposition": f'attachment; filename="{name}"'}
    gone = "These clips are gone: they are kept for a day. Make them again on the page."
    return _sent(path, RESULTS[path.name], gone, saved)


def _sent(path: Path, media_type: str, gone: str, headers: Mapping[str, str] | None = None) -> Response:
    """Send a file that the app has made; ``gone`` is said if it does not exist."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return _said(404, gone)
    return OpenFile(file, path, media_type, ASK_AGAIN | UNPACKED | dict(headers or {}))


def _block(request: Request) -> Response:
    """Send an array as it lies in memory, little-endian: times of frames and samples, curves."""
    from pages.shared import cache

    block = cache.buffer_cache().get(request.path_params["digest"])
    return _missing(request) if block is None else Response(block, headers=OWN_FOREVER | UNPACKED, media_type=BYTES)


def _thumbnail(request: Request) -> Response:
    """Send a stored thumbnail; none is drawn here."""
    from pages.shared import cache

    video_id, pts = request.path_params["video_id"], request.path_params["pts"]
    if not is_video_id(video_id) or not _PTS.fullmatch(pts):
        return _missing(request)
    jpeg = cache.store(cache.config().embeddings).thumbnails(video_id, [int(pts)]).get(int(pts))
    return (
        _missing(request) if jpeg is None else Response(jpeg, headers=OWN_FOREVER | UNPACKED, media_type="image/jpeg")
    )
