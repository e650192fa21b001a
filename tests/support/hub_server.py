"""A hub on a loopback socket, as huggingface_hub sees the real one, with each of its failures as a switch.

``with HubServer() as hub: hub.add("who/model", folder)`` and HF_ENDPOINT set to ``hub.url``.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

PAGE = b"<!DOCTYPE html><html><body>Please log in to the network.</body></html>"
LARGE = 2000  # files from here on are kept as LFS: SHA-256 instead of git's SHA-1


@dataclass
class Repository:
    files: dict[str, bytes]
    commit: str
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    token: str = ""  # who has it not sees "private" or "gated"
    gated: bool = False

    def sibling(self, name: str) -> dict[str, Any]:
        data = self.files[name]
        entry: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git_sha1(data)}
        if len(data) >= LARGE:
            entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return entry | self.listed.get(name, {})


@dataclass
class Request:
    method: str
    path: str
    range: str
    authorization: str
    sent: int = 0


def use_hub(url: str, cache: Path, patch: pytest.MonkeyPatch) -> Path:
    """Point this process's huggingface_hub at a server and an empty cache, without a token; the cache's folder."""
    patch.setattr(constants, "ENDPOINT", url)
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        patch.delenv(name, raising=False)
    return cache


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class HubServer:
    """The switches are attributes; files are named as in a repository."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[Request] = []
        self.api_page = self.file_page = False  # a proxy's web page with 200
        self.api_status = 0
        self.statuses: dict[str, list[int]] = {}  # file → answers before the right one
        self.cut_after: dict[str, list[int]] = {}  # file → bytes before the connection breaks, once each
        self.wrong: dict[str, bytes] = {}  # file → what is sent instead
        self.ignores_range = False
        self.tells_length = True
        self.range_shift = 0
        self.bytes_per_second = 0  # 0: as fast as it goes
        self.stall_after = -1  # bytes before it sends nothing more, but stays connected
        self.redirect = ""  # another host for large files, as the hub does to its CDN
        self.released = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, model_id: str, folder: Path) -> Repository:
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        commit = git_sha1(model_id.encode())
        self.repositories[model_id] = Repository(files, commit, branches={"main": commit})
        return self.repositories[model_id]

    def fetched(self, name: str) -> list[Request]:
        return [r for r in self.requests if r.method == "GET" and r.path.endswith("/" + name)]

    def sent(self, name: str) -> int:
        return sum(request.sent for request in self.fetched(name))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: HubServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Be quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub = self.server.hub
        path = unquote(urlsplit(self.path).path)
        seen = Request(self.command, path, self.headers.get("Range", ""), self.headers.get("Authorization", ""))
        if path != "/api/agent-harnesses":  # huggingface_hub asks this by itself, once a day
            hub.requests.append(seen)
        try:
            api = re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path)
            file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
            if api:
                self._api(seen, api[1], api[2])
            elif file:
                self._file(seen, file[1], file[2], file[3])
            else:
                self._send(seen, 404, b"{}")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _api(self, seen: Request, model_id: str, revision: str) -> None:
        hub = self.server.hub
        if hub.api_page:
            return self._send(seen, 200, PAGE, {"Content-Type": "text/html"})
        if hub.api_status:
            return self._send(seen, hub.api_status, b'{"error": "ill"}')
        repository = hub.repositories.get(model_id)
        if repository is None or (repository.token and not repository.gated and not self._may(repository)):
            if self.headers.get("Authorization") and repository is not None:
                return self._send(seen, 401, b"{}", {"X-Error-Message": "Invalid credentials in Authorization header"})
            return self._send(seen, 401, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        commit = repository.branches.get(revision, revision)
        if commit != repository.commit:
            return self._send(seen, 404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        names = [*repository.files, *(name for name in repository.listed if name not in repository.files)]
        siblings = [
            repository.sibling(name) if name in repository.files else {"rfilename": name, **repository.listed[name]}
            for name in names
        ]
        body = {"id": model_id, "sha": commit, "siblings": siblings, "gated": repository.gated}
        return self._send(seen, 200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _file(self, seen: Request, model_id: str, revision: str, name: str) -> None:
        hub = self.server.hub
        repository = hub.repositories[model_id]
        if repository.token and not self._may(repository):
            code = "GatedRepo" if repository.gated else "RepoNotFound"
            return self._send(seen, 401, b"Access is restricted", {"X-Error-Code": code})
        if hub.file_page:
            return self._send(seen, 200, PAGE, {"Content-Type": "text/html"})
        if hub.statuses.get(name):
            return self._send(seen, hub.statuses[name].pop(0), b'{"error": "ill"}')
        if name not in repository.files:
            return self._send(seen, 404, b"{}", {"X-Error-Code": "EntryNotFound"})
        right = repository.files[name]
        if hub.redirect and len(right) >= LARGE:
            return self._send(seen, 302, b"", {"Location": f"{hub.redirect}{self.path}?X-Amz-Signature=SIGNED"})
        data = hub.wrong.get(name, right)
        entry = repository.sibling(name)
        etag = entry["lfs"]["sha256"] if "lfs" in entry else entry["blobId"]
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": repository.commit, "Accept-Ranges": "bytes"}
        headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(right))}
        headers["Content-Type"] = "application/octet-stream"
        begin = re.fullmatch(r"bytes=(\d+)-", seen.range)
        if begin is None or hub.ignores_range:
            return self._send(seen, 200, data, headers, name)
        start = int(begin[1])
        if start >= len(data):
            return self._send(seen, 416, b"", {"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {start + hub.range_shift}-{len(data) - 1}/{len(data)}"
        return self._send(seen, 206, data[start:], headers, name)

    def _may(self, repository: Repository) -> bool:
        return self.headers.get("Authorization") == f"Bearer {repository.token}"

    def _send(
        self, seen: Request, status: int, body: bytes, headers: dict[str, str] | None = None, name: str = ""
    ) -> None:
        hub = self.server.hub
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            if key != "Content-Length" or hub.tells_length or not name:
                self.send_header(key, value)
        if name and not hub.tells_length:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = hub.cut_after[name].pop(0) if hub.cut_after.get(name) else None
        for at in range(0, len(body), 4096):
            block = body[at : at + 4096]
            if cut is not None and seen.sent + len(block) > cut:
                self.wfile.write(block[: cut - seen.sent])
                seen.sent = cut
                self.close_connection = True
                self.connection.close()
                return
            if name and 0 <= hub.stall_after <= seen.sent:
                hub.released.wait(30)
                self.close_connection = True
                return
            self.wfile.write(block)
            seen.sent += len(block)
            if name and hub.bytes_per_second:
                time.sleep(len(block) / hub.bytes_per_second)
