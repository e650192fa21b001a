"""Files that commands read and write: read up to a size; written whole or not at all, never over what is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clip_core.errors import ClipVideoError, shown_name
from clip_core.files import sweep, unique_part, whole_file


def read_file(path: str, most_bytes: int, option: str, error: type[ClipVideoError] = ClipVideoError) -> bytes:
    """Return the content of the file that ``option`` names; one byte more than ``most_bytes`` if it is larger.

    Raises:
        ClipVideoError: It cannot be read; of the class ``error``.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(most_bytes + 1)
    except (OSError, ValueError) as cause:
        raise error(f"{shown_name(path)} cannot be read: {_reason(cause)}.", f"Check {option}.") from cause


def check_file(out: str, option: str = "--out", **sources: str) -> None:
    """Refuse, before any work, a file to write that cannot be meant; nothing is made.

    Args:
        out: Where to write.
        option: What it is given by, for messages.
        sources: Files that are read, each by what it is called in messages ("the …").

    Raises:
        ClipVideoError: It is a folder, lies where no folder can be, or is one of the sources.
    """
    file, name = Path(out), shown_name(out)
    with _writing(out, option):
        if file.is_dir():
            raise ClipVideoError(f"{name} is a folder.", f"Give {option} the name of a file in it.")
        check_folder(str(file.parent), option)
        for what, source in sources.items():
            if file.exists() and Path(source).exists() and file.samefile(source):
                raise ClipVideoError(f"{name} is the {what} itself.", f"Choose another place for {option}.")


def check_folder(out: str, option: str = "--out") -> None:
    """Refuse, before any work, a folder to write to that is a file or lies in one; nothing is made."""
    with _writing(out, option):
        for path in (Path(out), *Path(out).parents):
            if path.exists() and not path.is_dir():
                what = f"{shown_name(path)} is a file, not a folder."
                raise ClipVideoError(what, f"Choose another place for {option}.")


def write_file(out: str, content: str | bytes, option: str = "--out") -> None:
    """Write a file, texts as UTF-8, and make its folder; a file that was there is replaced at the end, in one step.

    Raises:
        ClipVideoError: It cannot be written; what was there before is untouched.
    """
    target, content = Path(out), content if isinstance(content, bytes) else content.encode()
    with _writing(target.parent, option):
        target.parent.mkdir(parents=True, exist_ok=True)
    with _writing(target, option):
        if target.exists() and not target.is_file():  # /dev/stdout, a pipe: nothing that could be replaced
            target.write_bytes(content)
            return
        target = target.resolve()  # a link stays a link
        sweep(target.parent)
        with whole_file(target, unique_part(target.parent)) as part:  # two may write to one place
            part.write_bytes(content)


@contextmanager
def _writing(path: str | Path, option: str) -> Iterator[None]:
    """Raise what keeps ``path`` from being written as a ``ClipVideoError``, unless the reader of a pipe has gone."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        what = f"{shown_name(path)} cannot be written: {_reason(error)}."
        raise ClipVideoError(what, f"Choose another place for {option}.") from error


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or "that is not a path"
