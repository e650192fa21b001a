"""Files of vectors: written and read back, by other readers too; whatever else a file may be is refused plainly."""

from __future__ import annotations

import io
import json
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from clip_core.errors import VectorsFileError
from clip_core.export.vectors_file import VectorsAbout, VectorsFile, npz_of, parquet_of, read_vectors

ABOUT = VectorsAbout("ab" * 32, "a “b”.mp4", "sample", "f0" * 32, Fraction(1001, 30_000), 2.5, True)
VECTORS = np.random.default_rng(4).normal(size=(6, 5)).astype(np.float32)
TIMES, PTS = np.arange(6) / 2, np.arange(6) * 15
FILE = VectorsFile(VECTORS, TIMES, PTS, ABOUT)


def same(one: VectorsFile, other: VectorsFile) -> bool:
    columns = ((one.vectors, other.vectors), (one.times_s, other.times_s), (one.pts, other.pts))
    return one.about == other.about and all(np.array_equal(a, b) for a, b in columns)


def npz(**arrays: Any) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def table(**columns: Any) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out)
    return out.getvalue()


def packed(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def header(shape: str, descr: str = "<f4", padding: int = 0) -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode() + b" " * padding
    text += b" " * (63 - (len(text) + 12) % 64) + b"\n"
    return b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text


def test_both_kinds_come_back_to_the_last_bit_and_others_read_them(tmp_path: Path) -> None:
    for write in (npz_of, parquet_of):
        path = tmp_path / "file"
        path.write_bytes(write(FILE))
        assert same(read_vectors(path), FILE)
    (tmp_path / "a.npz").write_bytes(npz_of(FILE))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert np.array_equal(archive["vectors"], VECTORS)
        assert json.loads(str(archive["about"]))["time_base"] == "1001/30000"
    frame = parquet.read_table(path).to_pandas()
    assert frame["pts"].tolist() == PTS.tolist()
    assert np.array_equal(np.stack(frame["vectors"].tolist()), VECTORS)


@pytest.mark.parametrize(
    "content",
    [
        npz(embeddings=VECTORS.astype(">f8"), timestamps=TIMES),
        npz(features=np.asfortranarray(VECTORS), times=TIMES, labels=np.array(["a"])),
        table(embeddings=[row.tolist() for row in VECTORS.astype(float)], times=TIMES, more=["x"] * 6),
        table(vectors=pa.array(list(VECTORS), pa.large_list(pa.float32())), times_s=TIMES),
    ],
)
def test_files_of_others_are_read_by_their_usual_names(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "of others"
    path.write_bytes(content)
    found = read_vectors(path)
    assert (found.pts, found.about) == (None, VectorsAbout())
    assert found.vectors.dtype == np.float32
    assert np.array_equal(found.vectors, VECTORS)
    assert found.times_s is not None
    assert found.times_s.tolist() == TIMES.tolist()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "neither"),
        (b"\x93NUMPY", "neither"),
        (b"\x80\x04]\x94K\x01a.", "neither"),
        (packed("vectors.npy", header("(1000000000000, 512)")), "would have"),
        (packed("vectors.npy", header("(2, 2)") + b"\0" * 8), "is damaged: it ends early"),
        (packed("vectors.npy", header("(2, 2)", padding=1_000_000) + b"\0" * 16), "is damaged"),
        (packed("vectors.npy", header("(2, 2)", "|O") + b"\0" * 16), "which are not numbers"),
        (packed("vectors.npy", header("(-2, -2)") + b"\0" * 16), "is damaged"),
        (packed("vectors.npy", header("(-1, 4)") + b"\0" * 5_000_000), "is damaged"),
        (packed("vectors.npy", header("__import__('os').getcwd()")), "is damaged"),
        (packed("vectors.npy", header("(1, 1)") + b"\0" * 5_000_000), "lacks times_s"),
        (packed("vectors.npy", b"nothing"), "is damaged"),
        (packed("other.npy", b""), "lacks vectors"),
        (npz_of(FILE)[:-40], "is damaged"),
        (npz_of(FILE)[:300] + b"\xff" * 8 + npz_of(FILE)[308:], "is damaged"),
        (parquet_of(FILE)[:-9], "is damaged"),
        (b"PAR1" + b"\xff" * 100 + b"PAR1", "is damaged"),
        (npz(vectors=VECTORS), "lacks times_s"),
        (npz(vectors=VECTORS[0], times_s=TIMES), "not numbers"),
        (npz(vectors=np.ones((6, 2), int), times_s=TIMES), "not numbers"),
        (npz(vectors=VECTORS[:0], times_s=TIMES[:0]), "not numbers"),
        (npz(vectors=VECTORS, times_s=TIMES[1:]), "times_s is"),
        (npz(vectors=VECTORS, pts=TIMES), "pts is"),
        (npz(vectors=VECTORS, times_s=np.array(["0"] * 6)), "times_s is"),
        (table(vectors=[[1.0], [1.0, 2.0]], times=[0.0, 1.0]), "not of one length"),
        (table(vectors=[[1.0], None], times=[0.0, 1.0]), "not of one length"),
        (table(vectors=[[1.0], [2.0]], times=[0.0, None]), "empty cells"),
        (table(vectors=["a", "b"], times=[0.0, 1.0]), "not of numbers"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "hostile.npz"
    path.write_bytes(content)
    with pytest.raises(VectorsFileError, match=what):
        read_vectors(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.npz"
    path.write_bytes(packed("vectors.npy", header("(1000, 1000)") + b"\0" * 4_000_000))
    monkeypatch.setattr("clip_core.export.vectors_file.MOST_BYTES", 1000)
    with pytest.raises(VectorsFileError, match="would have 4"):
        read_vectors(path)
    path.write_bytes(table(vectors=[[1.0] * 400] * 100, times=[0.0] * 100))
    with pytest.raises(VectorsFileError, match="would have"):
        read_vectors(path)


@pytest.mark.parametrize("path", ["none.npz", ".", "\0"])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(VectorsFileError, match="cannot be read"):
        read_vectors(tmp_path / path)


@pytest.mark.parametrize("said", ["", '{"time_base": "1/0", "samples_per_second": true}', '{"model": 7}'])
def test_what_a_file_says_in_another_way_counts_as_not_said(tmp_path: Path, said: str) -> None:
    path = tmp_path / "said.npz"
    path.write_bytes(npz(vectors=VECTORS, pts=PTS, about=np.array(said)))
    found = read_vectors(path).about
    assert (found.time_base, found.model, found.fingerprint, found.finished) == (None, "", "", None)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (
            np.array('{"model": "a",}'),
            r"“about”, which names the model and the video, is no JSON \(.*character 1[45]\)",
        ),
        (np.array("[" * 5000), "is no JSON"),
        (np.array("[]"), "“about” is no JSON object, but list"),
        (np.array('{"model": "a"}' + " " * 10_000), r"“about” has 10,014 characters, at most 10,000 are read"),
        (np.zeros(2), r"“about” is float64 \(2,\), not a text"),
    ],
)
def test_what_says_nothing_that_can_be_checked_is_refused(tmp_path: Path, said: Any, fault: str) -> None:
    path = tmp_path / "said.npz"
    path.write_bytes(npz(vectors=VECTORS, pts=PTS, about=said))
    with pytest.raises(VectorsFileError, match=fault):
        read_vectors(path)
