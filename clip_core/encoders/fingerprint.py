"""What vectors are keyed by: a hash of everything that decides their values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

# Raise it when the code changes so that the same folder gives other vectors.
FORMAT = 1


def fingerprint(files: Mapping[str, Path], settings: Mapping[str, object]) -> str:
    """Hash a model.

    Args:
        files: Role → file: weights with their external data, and the tokenizer.
        settings: How pictures and texts are prepared; JSON values only.

    Returns:
        64 hex digits: SHA-256 over the format's number, the settings and the bytes of each file.

    Raises:
        OSError: A file cannot be read.
    """
    hashes = {role: file_sha256(path) for role, path in files.items()}
    whole = {"format": FORMAT, "files": hashes, "settings": settings}
    return hashlib.sha256(json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, remembered in this process by (real path, size, modification time)."""
    real = path.resolve(strict=True)
    stat = real.stat()
    return _sha256(real, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(real: Path, _size: int, _mtime_ns: int) -> str:
    with real.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
