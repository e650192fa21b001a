"""A ZIP of files: streamed to the disk, and in its place only when it is whole."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

from clip_core.errors import ExportError, shown_name
from clip_core.files import whole_file
from clip_core.media.writing import guarded
from clip_core.pipeline.export_progress import Account, need_spare
from clip_core.values import Progress

_PIECE_BYTES = 1 << 20
# Compressed already: deflating them again costs time and saves nothing.
_MEDIA = frozenset([".mp4", ".mkv", ".jpg", ".png"])
# No separator, no drive, no leading or trailing dot, nothing that leads out of the folder where it is unpacked.
_SAFE = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._ -]{0,198}[A-Za-z0-9_-])?")


def pack_zip(
    target: Path, files: Sequence[Path], texts: Mapping[str, bytes] | None = None
) -> Generator[Progress, None, None]:
    """Put files into a ZIP. Closing the iterator cancels and leaves nothing of it.

    Args:
        target: Where it will lie; what lies there is replaced at the end, in one step.
        files: Each goes in under its own name, without its folder. Media are stored as they are.
        texts: More files, by name, such as moments.csv; compressed.

    Yields:
        Progress in bytes: at once, four times a second, and twice at the end, before it is in its place and after.

    Raises:
        ExportError: A name is not safe or comes twice, a file is gone, or it cannot be written.
    """
    texts = texts or {}
    _check_names([*(file.name for file in files), *texts])
    with guarded():
        account = Account("zip", sum(file.stat().st_size for file in files) + sum(map(len, texts.values())))
    need_spare(target.parent, int(account.total))
    with guarded(), whole_file(target) as part:
        yield account.report()
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name, content in texts.items():
                archive.writestr(_entry(name), content)
                account.done += len(content)
            for file in files:
                yield from _add(archive, file, account)
        account.done = account.total
        yield account.report()  # the last chance to cancel
    account.files.append(target)
    yield account.report()


def _add(archive: zipfile.ZipFile, file: Path, account: Account) -> Iterator[Progress]:
    with file.open("rb") as source, archive.open(_entry(file.name), "w", force_zip64=True) as entry:
        while piece := source.read(_PIECE_BYTES):
            entry.write(piece)
            account.done += len(piece)
            if account.due():
                yield account.report()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.localtime()[:6])
    entry.compress_type = zipfile.ZIP_STORED if Path(name).suffix in _MEDIA else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if _SAFE.fullmatch(name) is None:
            raise ExportError(f"{shown_name(name)} is no name for a file in a ZIP.", "Rename it.")
    if len({name.lower() for name in names}) < len(names):
        raise ExportError("Two files of one name cannot go into one ZIP.", "Rename one of them.")
