"""Vectors of a video's frames in a file, NumPy's .npz or Parquet: written, and read whoever wrote it. Never pickled."""

from __future__ import annotations

import io
import json
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from clip_core.errors import VectorsFileError, shown_name
from clip_core.export.data_files import KEY, parquet_file
from clip_core.files import reason_of
from clip_core.text import alternatives, size_text
from clip_core.types import Floats, Ints, Times

MOST_BYTES = 4_000_000_000
"""Of the numbers of one column, unpacked."""
_MOST_HEADER = 10_000
_MOST_TEXT = 10_000
_MOST_RATE = 1e9
_ABOUT = "about"
VECTORS, TIMES, PTS = ("vectors", "embeddings", "features"), ("times_s", "times", "timestamps"), ("pts",)
"""Names of the columns, ours first."""
_STEP = "Write a file as docs/files.md describes it."


@dataclass(frozen=True, slots=True)
class VectorsAbout:
    """What a file says of its vectors; "" or None where it does not.

    Attributes:
        video_id, name: The video.
        model, fingerprint: The model's name and fingerprint.
        time_base: Seconds per unit of the pts.
        samples_per_second: The rate at which the video was sampled; None for every frame.
        finished: Whether all samples of that rate are there; None if unknown.
    """

    video_id: str = ""
    name: str = ""
    model: str = ""
    fingerprint: str = ""
    time_base: Fraction | None = None
    samples_per_second: float | None = None
    finished: bool | None = None


@dataclass(frozen=True, eq=False)
class VectorsFile:
    """Vectors of frames.

    Attributes:
        vectors: float32 (n, dim), as they are in the file: of any length.
        times_s: float64 (n,), seconds from the first frame; None if there are pts only.
        pts: int64 (n,); None if there are times only.
        about: What the file says of them.
    """

    vectors: Floats
    times_s: Times | None
    pts: Ints | None
    about: VectorsAbout = field(default_factory=VectorsAbout)

    def __len__(self) -> int:
        return len(self.vectors)


def npz_of(file: VectorsFile) -> bytes:
    """Return .npz with the arrays vectors, times_s, pts, and about: JSON as a text."""
    out = io.BytesIO()
    columns = {"times_s": file.times_s, "pts": file.pts}
    there: dict[str, Any] = {name: values for name, values in columns.items() if values is not None}
    np.savez(out, vectors=file.vectors, about=np.array(json.dumps(_about(file.about))), **there)
    return out.getvalue()


def parquet_of(file: VectorsFile) -> bytes:
    """Return Parquet with the columns pts, times_s, vectors (lists of float32); its metadata say the rest."""
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(file.vectors).reshape(-1))
    vectors = pa.FixedSizeListArray.from_arrays(flat, file.vectors.shape[1])
    columns = {"pts": file.pts, "times_s": file.times_s, "vectors": vectors}
    table = pa.table({name: values for name, values in columns.items() if values is not None})
    return parquet_file(table, _about(file.about))


def _about(about: VectorsAbout) -> dict[str, Any]:
    base = None if about.time_base is None else f"{about.time_base.numerator}/{about.time_base.denominator}"
    named = {name: getattr(about, name) for name in VectorsAbout.__dataclass_fields__ if name != "time_base"}
    return {"version": 1, **named, "time_base": base}


def read_vectors(path: str | Path) -> VectorsFile:
    """Read a file of vectors; its first bytes say which kind it is.

    Raises:
        VectorsFileError: It cannot be read, is of neither kind, or holds no vectors with times or pts.
    """
    name = shown_name(path)
    try:
        with Path(path).open("rb") as file:
            head = file.read(4)
            file.seek(0)
            read = {b"PK\3\4": _read_npz, b"PAR1": _read_parquet}.get(head)
            if read is None:
                raise VectorsFileError(f"{name} is neither .npz nor Parquet.", _STEP)
            columns, about = read(file, name)
    except (OSError, ValueError) as error:
        why = reason_of(error) if isinstance(error, OSError) else "that is not a path"
        raise VectorsFileError(f"{name} cannot be read: {why}.", "Check the path.") from error
    return _checked(columns, _read_about(about, name), name)


def _checked(columns: Mapping[str, np.ndarray[Any, Any]], about: VectorsAbout, name: str) -> VectorsFile:
    """Return the file if its columns are of the right shape and kind."""
    vectors, times, pts = (columns.get(names[0]) for names in (VECTORS, TIMES, PTS))
    if vectors is None or (times is None and pts is None):
        raise VectorsFileError(f"{name} lacks {alternatives(VECTORS if vectors is None else (*TIMES, *PTS))}.", _STEP)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not vectors.size:
        raise VectorsFileError(f"{name}: vectors are {vectors.dtype} {vectors.shape}, not numbers (n, dim).", _STEP)
    for column, kinds, values in (("times_s", "fiu", times), ("pts", "iu", pts)):
        if values is not None and (values.shape != (len(vectors),) or values.dtype.kind not in kinds):
            raise VectorsFileError(f"{name}: {column} is {values.dtype} {values.shape}, not ({len(vectors)},).", _STEP)
    return VectorsFile(
        vectors.astype(np.float32, copy=False),
        None if times is None else times.astype(np.float64),
        None if pts is None else pts.astype(np.int64),
        about,
    )


def _read_about(text: str, name: str) -> VectorsAbout:
    """Return what a file says; a value of another kind counts as not said."""
    if len(text) > _MOST_TEXT:
        raise VectorsFileError(
            f"{name}: “{_ABOUT}” has {len(text):,} characters, at most {_MOST_TEXT:,} are read.", _STEP
        )
    try:
        given = json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        why = f" ({error.msg}, character {error.pos + 1})" if isinstance(error, json.JSONDecodeError) else ""
        what = f"{name}: “{_ABOUT}”, which names the model and the video, is no JSON{why}."
        raise VectorsFileError(what, _STEP) from error
    if not isinstance(given, dict):
        raise VectorsFileError(f"{name}: “{_ABOUT}” is no JSON object, but {type(given).__name__}.", _STEP)
    names = ("video_id", "name", "model", "fingerprint")
    texts = {name: given[name] for name in names if isinstance(given.get(name), str)}
    rate, finished = given.get("samples_per_second"), given.get("finished")
    return VectorsAbout(
        **texts,
        time_base=_fraction(given.get("time_base")),
        samples_per_second=float(rate) if isinstance(rate, int | float) and 0 < rate < _MOST_RATE else None,
        finished=finished if isinstance(finished, bool) else None,
    )


def _fraction(value: object) -> Fraction | None:
    parts = value.split("/") if isinstance(value, str) else []
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 19 and int(part) for part in parts):
        return None
    return Fraction(int(parts[0]), int(parts[1]))


# .npz


_DAMAGED = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error)
"""What NumPy and zipfile raise about an archive that is damaged, packed in an unknown way, or encrypted."""


def _read_npz(file: IO[bytes], name: str) -> tuple[dict[str, np.ndarray[Any, Any]], str]:
    found, text = dict[str, np.ndarray[Any, Any]](), ""
    with _refusing(name, _DAMAGED), zipfile.ZipFile(file) as archive:
        there = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        for names in (VECTORS, TIMES, PTS):
            info = next((there[each] for each in names if each in there), None)
            if info is not None:
                found[names[0]] = _array(archive, info, name)
        if _ABOUT in there:
            said = _array(archive, there[_ABOUT], name)
            if said.dtype.kind != "U" or said.ndim:
                raise VectorsFileError(f"{name}: “{_ABOUT}” is {said.dtype} {said.shape}, not a text.", _STEP)
            text = str(said)
    return found, text


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> np.ndarray[Any, Any]:
    """Return one array; its header is checked before anything is unpacked or made."""
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read_header:
            raise ValueError(f"version {version}")
        shape, is_fortran, dtype = read_header[version](stream, max_header_size=_MOST_HEADER)
        if min(shape, default=0) < 0:
            raise ValueError(f"a shape of {shape}")
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or dtype.kind not in "fiuU":
            raise VectorsFileError(f"{name}: {info.filename} holds {dtype}, which are not numbers.", _STEP)
        if size > min(MOST_BYTES, info.file_size):
            what = f"{name}: {info.filename} would have {size_text(size)}."
            raise VectorsFileError(what, f"At most {size_text(MOST_BYTES)} are read, and no more than the file holds.")
        content = stream.read(size)
        if len(content) != size:
            raise ValueError("it ends early")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if is_fortran else "C")


@contextmanager
def _refusing(name: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise VectorsFileError(f"{name} is damaged: {str(error)[:80]}.", "Write it again.") from error


# Parquet


def _read_parquet(file: IO[bytes], name: str) -> tuple[dict[str, np.ndarray[Any, Any]], str]:
    import pyarrow as pa
    from pyarrow import parquet

    with _refusing(name, (pa.ArrowException, OSError, ValueError)):
        opened = parquet.ParquetFile(file)
        schema = opened.schema_arrow
        used = {names[0]: each for names in (VECTORS, TIMES, PTS) for each in _first(names, schema.names)}
        size = 4 * _values(opened.metadata)
        if size > MOST_BYTES:
            raise VectorsFileError(
                f"{name} would have {size_text(size)}.", f"At most {size_text(MOST_BYTES)} are read."
            )
        table = opened.read(columns=list(used.values()))
        found = {column: _column(table[each].combine_chunks(), name) for column, each in used.items()}
        text = (schema.metadata or {}).get(KEY, b"").decode("utf-8", "replace")
    return found, text


def _values(metadata: Any) -> int:  # noqa: ANN401 - pyarrow is not imported here
    """Return how many numbers there are in all columns: few bytes may stand for many of them."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return sum(group.column(number).num_values for group in groups for number in range(group.num_columns))


def _first(names: Sequence[str], there: Sequence[str]) -> list[str]:
    return [each for each in names if each in there][:1]


def _column(values: Any, name: str) -> np.ndarray[Any, Any]:  # noqa: ANN401 - pyarrow is not imported here
    """Return a column of numbers (n,), or of lists of one length (n, dim)."""
    import pyarrow as pa

    kind = values.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        if values.null_count or not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise VectorsFileError(f"{name}: a column of {kind} has empty cells, or is not of numbers.", _STEP)
        return np.asarray(values.to_numpy(zero_copy_only=False))
    flat, lengths = values.flatten(), values.value_lengths().to_numpy(zero_copy_only=False)
    if values.null_count or flat.null_count or not pa.types.is_floating(flat.type) or len(set(lengths.tolist())) > 1:
        raise VectorsFileError(f"{name}: its vectors are not of one length, or not numbers.", _STEP)
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(values), -1)
