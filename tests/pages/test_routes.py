"""What the player asks of the server: the right bytes to the right page, and nothing else to anybody."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import yaml
from starlette.applications import Starlette
from starlette.testclient import TestClient

from clip_core import EmbeddingStore, index_video
from clip_core.errors import StoreError
from clip_core.library.identify import file_stamp
from clip_core.media.proxies import proxy_path
from pages.player import routes
from pages.shared import cache
from tests.support import video_maker
from tests.support.fakes import FakeEncoder

SAID = "text/plain; charset=utf-8"


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stock")
    for name, settings in (
        ("v", video_maker.VideoSpec()),
        ("w", video_maker.VideoSpec(".webm", "libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"})),
        ("a", video_maker.VideoSpec(".avi", "mpeg4")),
    ):
        video_maker.planted(folder, name, 12, settings)
    return folder


class Place:
    """A config, a folder of videos, a store, and a client of the routes alone."""

    def __init__(self, folder: Path, stock: Path) -> None:
        self.folder, self.videos, self.config = folder, folder / "videos", folder / "config.yaml"
        self.videos.mkdir()
        self.file = self.take(stock / "v.mp4")
        self.write(video_dirs=["videos"], embeddings="store")
        self.store = EmbeddingStore(folder / "store")
        self.id = self.index(self.file)
        self.client = TestClient(Starlette(routes=routes.player_routes()), raise_server_exceptions=False)

    def take(self, path: Path, name: str = "") -> Path:
        return Path(shutil.copy(path, self.videos / (name or path.name)))

    def write(self, **settings: Any) -> None:
        self.config.write_text(yaml.safe_dump(settings))

    def index(self, path: Path) -> str:
        list(index_video(path, FakeEncoder(), self.store, samples_per_second=5.0))
        video_id = self.store.known_id(path, *file_stamp(path))
        assert video_id is not None
        return video_id

    def ask(self, video_id: str = "", method: str = "GET", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.guarded(self.client.request(method, f"/player/video/{video_id or self.id}", headers=named))

    def get(self, path: str, **headers: str) -> Any:
        return self.guarded(self.client.get(path, headers=headers))

    def guarded(self, answer: Any) -> Any:
        """What holds for every answer; no word of where things lie."""
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers
        told = repr(answer.headers.items())
        if answer.status_code >= 400:
            told += answer.text
            assert len(answer.text) < 200
        for secret in (str(self.folder), "v.mp4", "Traceback", ".py"):
            assert secret not in told
        return answer

    def refused(self, answer: Any, status: int, text: str) -> None:
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, SAID)
        assert re.search(text, answer.text), answer.text
        assert "no-cache" in answer.headers["Cache-Control"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Place:
    """Made once, for all who change nothing in it."""
    return Place(tmp_path_factory.mktemp("still"), stock)


@pytest.fixture
def still(kept: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A place for reading: whoever changes a file, the settings or the store takes ``place``."""
    monkeypatch.setenv("CLIP_VIDEO_CONFIG", str(kept.config))
    held = sorted((path, path.stat().st_mtime_ns) for path in (kept.file, kept.config))
    yield kept
    assert held == sorted((path, path.stat().st_mtime_ns) for path in (kept.file, kept.config))


@pytest.fixture
def place(tmp_path: Path, stock: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    st.cache_resource.clear()
    monkeypatch.setenv("CLIP_VIDEO_CONFIG", str(tmp_path / "config.yaml"))
    yield Place(tmp_path, stock)
    st.cache_resource.clear()


# The bytes of a video


def test_the_whole_file(still: Place) -> None:
    answer, content = still.ask(), still.file.read_bytes()
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("part", [(0, 0), (0, 99), (1000, 1999), (1500, -1)])
def test_a_range(still: Place, part: tuple[int, int]) -> None:
    content = still.file.read_bytes()
    first, last = part[0], part[1] if part[1] >= 0 else len(content) - 1
    answer = still.ask(Range=f"bytes={first}-{last if part[1] >= 0 else ''}")
    assert (answer.status_code, answer.content) == (206, content[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.headers["Content-Type"] == "video/mp4"


def test_the_last_bytes_and_an_end_beyond_the_end(still: Place) -> None:
    content = still.file.read_bytes()
    assert still.ask(Range="bytes=-100").content == content[-100:]
    answer = still.ask(Range=f"bytes={len(content) - 5}-{10**12}")
    assert (answer.status_code, answer.content) == (206, content[-5:])
    assert answer.headers["Content-Range"] == f"bytes {len(content) - 5}-{len(content) - 1}/{len(content)}"


def test_several_ranges(still: Place) -> None:
    content = still.file.read_bytes()
    answer = still.ask(Range="bytes=0-3,100-109")
    assert answer.status_code == 206
    assert answer.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert content[:4] in answer.content
    assert content[100:110] in answer.content
    assert answer.content.count(b"Content-Type: video/mp4") == 2


def test_a_range_beyond_the_end(still: Place) -> None:
    size = still.file.stat().st_size
    for text in (f"bytes={size}-", f"bytes={10**15}-{10**16}"):
        answer = still.client.get(f"/player/video/{still.id}", headers={"Range": text})
        assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{size}")
        assert str(still.folder) not in answer.text


@pytest.mark.parametrize("text", ["bytes", "bytes=", "bytes=x-y", "bytes=5-2", "pages=1-2", "bytes=--", "-" * 9000])
def test_what_is_no_range(still: Place, text: str) -> None:
    answer = still.client.get(f"/player/video/{still.id}", headers={"Range": text})
    assert answer.status_code == 400
    assert len(answer.text) < 100


def test_very_many_ranges_are_not_taken(still: Place) -> None:
    answer = still.ask(Range="bytes=" + ",".join(f"{k}-{k}" for k in range(0, 400, 2)))
    assert (answer.status_code, answer.content) == (200, still.file.read_bytes())


def test_if_range(still: Place) -> None:
    whole = still.ask()
    for unchanged in (whole.headers["ETag"], whole.headers["Last-Modified"]):
        assert still.ask(Range="bytes=0-9", If_Range=unchanged).status_code == 206
    for other in ('"other"', "W/" + whole.headers["ETag"], "Thu, 01 Jan 1970 00:00:00 GMT"):
        answer = still.ask(Range="bytes=0-9", If_Range=other)
        assert (answer.status_code, answer.content) == (200, still.file.read_bytes())


def test_head(still: Place) -> None:
    size = still.file.stat().st_size
    answer = still.ask(method="HEAD")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", str(size))
    answer = still.ask(method="HEAD", Range="bytes=0-9")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (206, b"", "10")
    assert still.ask("0" * 64, method="HEAD").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_no_other_method(still: Place, method: str) -> None:
    assert still.client.request(method, f"/player/video/{still.id}").status_code == 405


def is_open(number: int) -> bool:
    with contextlib.suppress(OSError):
        return os.fstat(number) is not None
    return False


def test_no_file_stays_open(still: Place) -> None:
    opened = still.file.stat().st_ino

    def ours() -> int:
        return sum(os.fstat(number).st_ino == opened for number in range(3, 200) if is_open(number))

    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": f"bytes={10**12}-"}, {"Range": "bytes=x"}):
        still.client.get(f"/player/video/{still.id}", headers=headers)
        still.client.head(f"/player/video/{still.id}", headers=headers)
    assert ours() == 0


def test_the_bytes_are_those_of_the_checked_file(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file exchanged after it was opened, while its headers are being made: the old one is sent, whole."""
    content, real = place.file.read_bytes(), routes.OpenFile

    def exchanged(*args: Any) -> Any:
        answer = real(*args)
        place.file.unlink()
        place.file.write_bytes(b"secret" * 1000)
        return answer

    monkeypatch.setattr(routes, "OpenFile", exchanged)
    assert place.ask().content == content


# The copy for browsers that cannot play the video itself


def test_a_copy(place: Place, stock: Path) -> None:
    video_id = place.index(place.take(stock / "a.avi"))
    address, none = f"/player/copy/{video_id}", "^There is no copy of this video yet"
    place.refused(place.get(address), 404, none)
    copy = proxy_path(cache.config(), video_id)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(place.file.read_bytes())
    for gone in (False, True):  # the copy is as good as ever without the file
        answer = place.get(address, Range="bytes=4-7")
        assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (206, b"ftyp", "video/mp4")
        assert not gone or not (place.videos / "a.avi").exists()
        (place.videos / "a.avi").unlink(missing_ok=True)
    place.refused(place.get("/player/copy/" + "0" * 64), 404, none)
    place.refused(place.get("/player/copy/nonsense"), 404, "There is nothing here")


# What it is called


@pytest.mark.parametrize(("name", "kind"), [("v.mp4", "video/mp4"), ("w.webm", "video/webm"), ("a.avi", routes.BYTES)])
def test_the_kind_is_that_of_the_content(place: Place, stock: Path, name: str, kind: str) -> None:
    for claimed in (name, "page.html", "script.js", "picture.svg", "none"):
        path = place.take(stock / name, claimed)
        answer = place.client.get(f"/player/video/{place.index(path)}")
        assert answer.headers["Content-Type"] == kind
        path.unlink()


def test_a_container_without_a_kind_is_bytes(still: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for container in ("mpegts", "html", "gif", "", "text/html"):
        found = cache.FoundFile(still.file, file_stamp(still.file), container)
        monkeypatch.setattr(cache, "video_file", lambda video_id, found=found: found)
        assert still.ask().headers["Content-Type"] == routes.BYTES


def test_bytes_are_not_packed_on_their_way(place: Place, stock: Path) -> None:
    video_id = place.index(place.take(stock / "a.avi"))
    assert place.ask(video_id, Accept_Encoding="gzip").headers["Content-Encoding"] == "identity"


# What is not there, or not any more


@pytest.mark.parametrize(
    "path",
    [
        "video/" + "0" * 64,
        "video/" + "0" * 63,
        "video/" + "G" * 64,
        "video/%00",
        "video/..%2f..%2f..%2fetc%2fpasswd",
        "video/%2e%2e/%2e%2e/etc/passwd",
        "video//etc/passwd",
        "video/" + "%F0%9F%8D%95" * 9,
        "video/" + "a" * 5000,
        "block/" + "0" * 64,
        "block/..%2f..%2fapp.py",
        "thumbnail/" + "0" * 64 + "/0",
        "thumbnail/" + "0" * 64 + "/1 OR 1=1",
        "thumbnail/..%2f..%2fapp.py/0",
        "thumbnail/" + "0" * 64 + "/" + "9" * 40,
        "scripts/0000000000000000/entry.js",
        "scripts/{version}/..%2f..%2f..%2fapp.py",
        "scripts/{version}/components.py",
        "scripts/{version}/screen.html",
        "scripts/..%2f/screen.js",
    ],
)
def test_nothing_there(still: Place, path: str) -> None:
    answer = still.get("/player/" + path.format(version=routes.version()))
    still.refused(answer, 404, r"^There is (nothing here|no such video)\.")


def test_upper_case_is_not_an_id(still: Place) -> None:
    still.refused(still.ask(still.id.upper()), 404, "no such video")


@pytest.mark.parametrize("known", [True, False], ids=["played before", "never asked for"])
@pytest.mark.parametrize("how", ["moved", "touched", "longer", "link", "folder"])
def test_a_file_that_is_not_what_it_was(place: Place, how: str, known: bool) -> None:
    if known:
        assert place.ask(Range="bytes=0-9").status_code == 206
    status = place.file.stat()
    outside = shutil.copy2(place.file, place.folder / "outside.mp4")
    if how == "touched":
        os.utime(place.file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    elif how == "longer":
        place.file.write_bytes(place.file.read_bytes() + b"x")
    else:
        place.file.unlink()
    if how == "link":
        place.file.symlink_to(outside)  # of the same size and time
    elif how == "folder":
        place.file.mkdir()
    text = {"moved": "was moved or deleted", "link": "changed since|outside video_dirs"}.get(how, "was changed since")
    for _ in range(2):
        place.refused(place.ask(Range="bytes=0-9"), 404, text)


def test_it_comes_back(place: Place) -> None:
    content = place.file.read_bytes()
    moved = place.file.rename(place.folder / "moved.mp4")
    assert place.ask().status_code == 404
    moved.rename(place.file)
    assert place.ask().content == content


def test_a_file_that_may_not_be_read(still: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def refuse(path: Path, *args: Any, **more: Any) -> Any:
        if path == still.file:
            raise PermissionError(13, "Permission denied", str(path))  # who runs the tests may be root
        return real(path, *args, **more)

    monkeypatch.setattr(Path, "open", refuse)
    still.refused(still.ask(), 403, "may not be read")


def test_numbered_images_have_no_single_file(place: Place) -> None:
    video_maker.write_images(place.videos / "shot", "f_%03d.png", range(6))
    video_id = place.index(place.videos / "shot" / "f_%03d.png")
    place.refused(place.ask(video_id), 404, "no single file")


def test_settings_that_change_meanwhile(place: Place) -> None:
    assert place.ask().status_code == 200
    place.write(video_dirs=["elsewhere"], embeddings="store")
    place.refused(place.ask(), 404, "outside video_dirs")
    place.write(video_dirs=["elsewhere"], embeddings="store", video_path="videos/v.mp4")
    assert place.ask().status_code == 200
    place.write(video_dirs=["videos"], embeddings="another store")
    place.refused(place.ask(), 404, "no such video")
    place.config.write_text("video_dirs: [\n")
    place.refused(place.ask(), 503, "The page Investigate says more")
    place.write(video_dirs=["videos"], embeddings="store")
    assert place.ask().status_code == 200


def test_a_store_that_cannot_be_read(still: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: EmbeddingStore, video_id: str) -> None:
        raise StoreError(f"The store at {still.folder} cannot be read.", "Look.")

    monkeypatch.setattr(EmbeddingStore, "video", fails)
    still.refused(still.ask(), 503, "The settings or the store cannot be read")


def test_whatever_else_happens(still: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fails(video_id: str) -> None:
        raise RuntimeError(str(still.folder))

    monkeypatch.setattr(cache, "video_file", fails)
    still.refused(still.ask(), 500, r"^Something unexpected happened\. The server's log says more\.$")
    assert "RuntimeError" in caplog.text


# Scripts, plotly.js, arrays


def test_scripts_and_styles_under_their_version(still: Place) -> None:
    for name, content in routes.scripts().items():
        answer = still.get("/" + routes.script_address(name))
        assert (answer.status_code, answer.content) == (200, content)
        assert (
            answer.headers["Content-Type"] == f"text/{'css' if name.endswith('.css') else 'javascript'}; charset=utf-8"
        )
        assert "immutable" in answer.headers["Cache-Control"]


def test_plotly(still: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("player/plotly-0.0.1.js", "base/player/plotly-", "player/plotly-x/y.js"):
        still.refused(still.get(f"/{other}"), 404, "There is nothing here")
    answer = still.get("/" + routes.plotly_address())
    assert answer.content == routes.PLOTLY.read_bytes()
    assert answer.headers["Content-Type"].startswith("text/javascript")
    monkeypatch.setattr(routes, "PLOTLY", still.folder / "gone")
    still.refused(still.get("/" + routes.plotly_address()), 404, "There is nothing here")


def test_arrays_by_their_digest(still: Place) -> None:
    digest = cache.buffer_cache().put(b"curve" * 1000)
    answer = still.get(f"/player/block/{digest}", Accept_Encoding="gzip")
    assert (answer.content, answer.headers["Content-Type"]) == (b"curve" * 1000, routes.BYTES)
    assert answer.headers["Cache-Control"].startswith("private, max-age")
    assert answer.headers["Content-Encoding"] == "identity"


def test_stored_thumbnails(still: Place) -> None:
    (pts, *_) = still.store.thumbnail_pts(still.id).tolist()
    answer = still.get(f"/player/thumbnail/{still.id}/{pts}")
    assert answer.content == still.store.thumbnails(still.id, [pts])[pts]
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"].startswith("private, max-age")
    still.refused(still.get(f"/player/thumbnail/{still.id}/{pts + 1}"), 404, r"^There is nothing here\.")


# Who asks


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_get_nothing(still: Place, site: str) -> None:
    digest = cache.buffer_cache().put(b"curve")
    for path in (f"video/{still.id}", f"block/{digest}", f"video/{'0' * 64}", routes.script_address("entry.js")[7:]):
        answer = still.get(f"/player/{path}", **{"Sec-Fetch-Site": site})
        still.refused(answer, 403, r"^Only the app's own page may ask for this\.$")


@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_the_page_itself_gets_it(still: Place, site: str | None) -> None:
    given = {} if site is None else {"Sec-Fetch-Site": site}
    assert still.get(f"/player/video/{still.id}", **given).status_code == 200


def test_under_a_base_path_and_at_the_root(still: Place) -> None:
    for prefix in ("", "/tools", "/tools/clip", "/player", "/a/player/video"):
        assert still.get(f"{prefix}/player/video/{still.id}").content == still.file.read_bytes()
        still.refused(still.get(f"{prefix}/player/video/{'0' * 64}"), 404, "no such video")
        still.refused(still.get(f"{prefix}/player/block/..%2fx"), 404, "There is nothing here")
        assert still.get(f"{prefix}/" + routes.script_address("entry.js")).status_code == 200
    for ours in ("/player/static/js/index.js", "/player/_stcore/health", "/player", "/player/compare"):
        assert still.client.get(ours).text == "Not Found"  # left to Streamlit, whose base path may be "player"


def test_the_servers_settings_are_read_wherever_it_is_started(tmp_path: Path) -> None:
    """Making the routes must not read them: before the app is made, Streamlit would look in the wrong folder."""
    code = (
        "import sys, streamlit as st; sys.path.insert(0, sys.argv[1]); import app;"
        "print(*(st.get_option(n) for n in sys.argv[2:]))"
    )
    names = ("server.address", "server.maxUploadSize", "browser.gatherUsageStats", "client.showErrorDetails")
    command = [sys.executable, "-c", code, str(routes_folder()), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["localhost", "2048", "False", "none"]
    assert done.stderr == ""


def routes_folder() -> Path:
    return Path(routes.__file__).parents[2]


def test_caches_of_the_page_are_the_routes_own(place: Place) -> None:
    """Routes run in threads without a script run: they get the same objects, once, and no warning."""
    found: list[Any] = []

    def look() -> None:
        found.append((cache.buffer_cache(), cache.store(str(place.folder / "store")), cache.video_file(place.id)))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    look()
    assert len(found) == 9
    assert all(one[k] is found[0][k] for one in found for k in range(3))


def test_clips_are_saved_by_their_key_alone(place: Place) -> None:
    key = "a" * 32
    assert place.client.get(f"/player/clips/{key}").status_code == 404
    assert place.client.get("/player/clips/..%2f..%2fconfig.yaml").status_code == 404
    result = place.videos / "exports" / key / "clips.zip"
    result.parent.mkdir(parents=True)
    result.write_bytes(b"PK" + bytes(1000))
    answer = place.client.get(f"/deep/player/clips/{key}")
    assert (answer.status_code, answer.content) == (200, result.read_bytes())
    assert answer.headers["Content-Disposition"] == 'attachment; filename="clips.zip"'
    assert answer.headers["Content-Type"] == "application/zip"
    film = place.videos / "exports" / ("b" * 32) / "reel.mp4"
    film.parent.mkdir()
    film.write_bytes(bytes(50))
    answer = place.client.get(f"/player/clips/{film.parent.name}?of=hits")
    assert (answer.headers["Content-Type"], len(answer.content)) == ("video/mp4", 50)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="hits_reel.mp4"'
    hostile = place.client.get(f"/player/clips/{key}", params={"of": 'My "Film"\r\nX-Evil: 1.mp4'})
    assert hostile.headers["Content-Disposition"] == 'attachment; filename="my-film-x-evil-1_clips.zip"'
    assert "X-Evil" not in hostile.headers
    assert place.client.get(f"/player/clips/{key}", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
