"""Numbered pictures as one video: named by pattern and rate, such as ``shot/frame_%05d.png@24``."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from clip_core.errors import VideoError, VideoNotFoundError, shown_name

DEFAULT_FPS = 25
MOST_FPS = 1000
EXTENSIONS = ("png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp")
_MOST_DIGITS = 15
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(?:/(\d{1,9}))?", re.ASCII)
_ENDINGS = "|".join(EXTENSIONS)
_SEPARATORS = re.escape(os.sep + (os.altsep or ""))
_NAME = re.compile(
    rf"(?P<file>(?:.*[{_SEPARATORS}])?(?P<name>[^{_SEPARATORS}]*%[^{_SEPARATORS}]*\.(?:{_ENDINGS})))(?:@(?P<rate>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_NUMBERED = re.compile(
    rf"((?!\.)(?:[^%]*[^%0-9])?)([0-9]{{1,{_MOST_DIGITS}}})(\.(?:{_ENDINGS}))", re.IGNORECASE | re.DOTALL
)
_PATTERN = re.compile(r"(?P<prefix>[^%]*)%(?:0(?P<width>\d{1,2}))?d(?P<suffix>[^%]*)", re.DOTALL)
_HOW = "Write one %d, or %05d for numbers with leading zeros, as in frame_%05d.png@24."


@dataclass(frozen=True)
class ImageSequence:
    """Numbered pictures in one folder.

    Attributes:
        path: As it was named, with the rate if one was given: what stands for a file's path elsewhere.
        folder: Where the pictures lie.
        prefix, width, suffix: Their names: ``width`` is the least number of digits, 1 for ``%d``.
        rate: Pictures per second.
    """

    path: Path
    folder: Path
    prefix: str
    width: int
    suffix: str
    rate: Fraction

    @property
    def name(self) -> str:
        """Pattern and rate as they may stand in a message, without the folder."""
        short = f"{float(self.rate):g}"
        rate = short if Fraction(short) == self.rate else str(self.rate)
        digits = "%d" if self.width == 1 else f"%0{self.width}d"
        return f"{shown_name(self.prefix + digits + self.suffix)}@{rate}"

    def number_of(self, name: str) -> int | None:
        """Return the number of a picture by its file's name; None if it is none of this sequence's."""
        digits = name[len(self.prefix) : len(name) - len(self.suffix)]
        if not (digits.isascii() and digits.isdigit() and name == self.prefix + digits + self.suffix):
            return None
        longer = self.width < len(digits) <= _MOST_DIGITS and digits[0] != "0"
        return int(digits) if len(digits) == self.width or longer else None

    @cached_property
    def files(self) -> tuple[tuple[int, str], ...]:
        """The numbers and names of the pictures that are there, by number; looked up when first asked.

        A hole in the numbers is not the end: the pictures after it keep their times.

        Raises:
            VideoNotFoundError: There is none, or the folder cannot be read.
        """
        found = sorted((number, entry.name) for number, entry in self._entries())
        if not found:
            raise VideoNotFoundError(
                f"No file fits {self.name}.",
                "Check the folder, the letters around the number, and how many digits it has.",
            )
        return tuple(found)

    def strays(self) -> Iterator[Path]:
        """Yield the pictures that are links, which may lead out of the folder."""
        for _, entry in self._entries():
            if entry.is_symlink():
                yield Path(entry.path)

    def stamp(self) -> tuple[int, int]:
        """Return the total size and a 63-bit digest of rate, names, sizes and times of change: what tells a change.

        Raises:
            VideoNotFoundError: No picture is there.
        """
        return self.stamp_of(self.look())

    def stamp_of(self, found: Sequence[tuple[int, str, os.stat_result]]) -> tuple[int, int]:
        """Return the ``stamp`` of what ``look`` has found."""
        digest = hashlib.sha256(str(self.rate).encode())
        for line in sorted(f"\n{number} {status.st_size} {status.st_mtime_ns}" for number, _, status in found):
            digest.update(line.encode())
        total = sum(status.st_size for _, _, status in found)
        return total, int.from_bytes(digest.digest()[:8], "big") >> 1

    def look(self) -> list[tuple[int, str, os.stat_result]]:
        """Return number, name and status of the pictures that are there now, by number.

        Raises:
            VideoNotFoundError: No picture is there.
        """
        found = []
        for number, entry in self._entries():
            with suppress(FileNotFoundError):  # it vanished since, so it is none of them
                found.append((number, entry.name, os.stat(entry.path)))  # noqa: PTH116 - entry.stat() lacks times on Windows
        if not found:
            _ = self.files  # it says what is missing
        return sorted(found, key=lambda each: each[:2])

    def _entries(self) -> Iterator[tuple[int, os.DirEntry[str]]]:
        """Look through the folder once; links count if they lead to regular files."""
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    number = self.number_of(entry.name)
                    if number is not None and entry.is_file():
                        yield number, entry
        except (OSError, ValueError) as error:
            raise VideoNotFoundError(
                f"The folder of {self.name} cannot be read.", "Check that it is there and may be read."
            ) from error


def parse_sequence(path: str | os.PathLike[str]) -> ImageSequence | None:
    """Read a path as the name of a sequence, without looking for its pictures.

    Args:
        path: Such as ``frame_%05d.png``, ``shot/%d.jpg@23.976`` or ``f%04d.tif@30000/1001``. Without a rate
            there are 25 pictures per second, as FFmpeg has it.

    Returns:
        None for every other path, and where a regular file of exactly this name lies.

    Raises:
        VideoError: It names pictures by a pattern that cannot be read, or at a rate that is none.
    """
    text = os.fspath(path)
    match = _NAME.fullmatch(text) if "%" in text else None
    if match is None or os.path.isfile(text):  # noqa: PTH113 - Path's raises on long names
        return None
    pattern = _PATTERN.fullmatch(match["name"])
    if pattern is None:
        raise VideoError(f"{shown_name(match['name'])} is not a pattern for numbered pictures.", _HOW)
    width = int(pattern["width"] or 1)
    if not 1 <= width <= _MOST_DIGITS:
        raise VideoError(
            f"{shown_name(match['name'])} has numbers of {width} digits.", f"The limit is {_MOST_DIGITS} digits."
        )
    folder = Path(match["file"]).parent
    return ImageSequence(
        Path(text), folder, pattern["prefix"], width, pattern["suffix"], _rate(match["rate"], match["name"])
    )


def with_rate(path: Path, sequence_fps: float) -> Path:
    """Return ``path`` with ``@rate`` after it if it is a pattern without a rate; else as it is."""
    match = _NAME.fullmatch(str(path)) if "%" in path.name else None
    if match is None or match["rate"] is not None or os.path.isfile(path):  # noqa: PTH113
        return path
    return path.with_name(f"{path.name}@{sequence_fps:.10g}")


def find_sequences(folder: Path) -> list[ImageSequence]:
    """Find the sequences of at least two pictures in a folder, not in those below it.

    Hidden files do not count, and where one of the pictures is a link, which may lead anywhere, none of its
    name is found: such a sequence must be named.

    Args:
        folder: Read once: 100,000 files take about a third of a second.

    Returns:
        Bare patterns at the default rate, by name; none if the folder cannot be read.
    """
    groups: dict[tuple[str, str], dict[tuple[int, bool], int]] = {}
    linked: set[tuple[str, str]] = set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                match = _NUMBERED.fullmatch(entry.name)
                if match is not None and entry.is_file():
                    prefix, digits, suffix = match.groups()
                    kinds = groups.setdefault((prefix, suffix), {})
                    kind = len(digits), digits[0] == "0" and len(digits) > 1
                    kinds[kind] = kinds.get(kind, 0) + 1
                    if entry.is_symlink():
                        linked.add((prefix, suffix))
    except OSError:
        return []
    found = [
        ImageSequence(folder / f"{prefix}{'%d' if width == 1 else f'%0{width}d'}{suffix}", folder, *parts)
        for (prefix, suffix), kinds in groups.items()
        if (prefix, suffix) not in linked
        for width in _widths(kinds)
        for parts in [(prefix, width, suffix, Fraction(DEFAULT_FPS))]
    ]
    return sorted(found, key=lambda sequence: sequence.path)


def _widths(kinds: dict[tuple[int, bool], int]) -> Iterator[int]:
    """Yield the widths of patterns that at least two files fit, given how many have which length and a leading zero."""
    padded = {length for length, zero in kinds if zero}
    for width in sorted({1} | padded):
        if width == 1 and padded:  # what fits a padded pattern too is named once
            fitting = sum(n for (length, zero), n in kinds.items() if not zero and length < min(padded))
        else:
            fitting = sum(n for (length, zero), n in kinds.items() if length == width or (length > width and not zero))
        if fitting >= 2:
            yield width


def _rate(given: str | None, name: str) -> Fraction:
    if given is None:
        return Fraction(DEFAULT_FPS)
    match = _RATE.fullmatch(given)
    divisor = int(match[2] or 1) if match is not None else 0
    rate = Fraction(match[1]) / divisor if match is not None and divisor else None
    if rate is None or not 0 < rate <= MOST_FPS:
        raise VideoError(
            f"{shown_name(given) if given else 'Nothing'} after the @ of {shown_name(name)} is not a frame rate.",
            f"Write pictures per second, above 0 and up to {MOST_FPS}, as in @24 or @30000/1001.",
        )
    return rate
