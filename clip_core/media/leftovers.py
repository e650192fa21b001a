"""Delete what killed processes left half-written in the folders of this program."""

from __future__ import annotations

import tempfile
from pathlib import Path

from clip_core.config import Config
from clip_core.files import sweep
from clip_core.library.add_video import UPLOAD_PART
from clip_core.library.fetched import SCRATCH_FOLDER
from clip_core.library.videos import fetched_folder, uploads_folder
from clip_core.media.exports_folder import TEMPORARY_FOLDER, exports_folder, sweep_exports
from clip_core.media.proxies import PROXY_PART, proxies_folder
from clip_core.video.hdr import HDR_FOLDER


def sweep_leftovers(config: Config, *, read_only: bool = False) -> None:
    """Delete what no process writes any more: uploads, fetched videos, proxies, exports, tables; see ``files.sweep``.

    A read-only server deletes only what is in the system's folder for temporary files.
    """
    for names in (HDR_FOLDER, TEMPORARY_FOLDER, SCRATCH_FOLDER):
        sweep(Path(tempfile.gettempdir()), names)
    if not read_only:
        sweep(uploads_folder(config), UPLOAD_PART)
        sweep(fetched_folder(config))
        sweep(proxies_folder(config), PROXY_PART)
        sweep_exports(exports_folder(config))
