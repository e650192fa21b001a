"""An open file as an answer, in the ranges that a browser asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from clip_core.pipeline.find_file import lasting_path


class OpenFile(FileResponse):
    """Sends a file that was opened and checked before, block by block, and closes it.

    Starlette opens a file by its path when the headers are already sent, and by then the path may lead elsewhere;
    where the system has one, it is given a path that leads to the open file.
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
        """Send it."""
        with self._file:
            await super().__call__(scope, receive, send)
