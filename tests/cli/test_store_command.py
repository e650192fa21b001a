"""``store copy``, ``store merge`` and ``store check`` as a user calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from clip_core.store.store import EmbeddingStore
from tests.cli.test_commands import run
from tests.contracts.test_store_contract import planted
from tests.indexing.test_merge_stores import MODEL, A, B, index, keep_stretches_of_before


def test_copy_merge_and_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("embeddings: one\n")
    one, two = (EmbeddingStore(tmp_path / name) for name in ("one", "two"))
    index(one, A, range(4), None)
    index(two, B, range(6), None)
    code, out, _ = run(capsys, "store", "copy", "one", "three")
    added = "added or changed: 1 record of a video, 4 frames, 4 thumbnails, 1 run"
    assert (code, out) == (0, [f"{one.location} → {tmp_path / 'three'}: {added}"])
    code, out, _ = run(capsys, "store", "copy", "one", "three")
    assert (code, out) == (0, [f"{one.location} → {tmp_path / 'three'}: nothing to add."])
    code, _, err = run(capsys, "store", "copy", "two", "three")
    assert (code, err[-1].endswith("Copy to an empty place, or use: store merge FROM TO")) == (2, True)
    code, out, err = run(capsys, "store", "merge", "two", "three")
    assert (code, err[-1]) == (0, "Merging: 12 of 12 rows looked at")
    code, out, _ = run(capsys, "store", "check", "three")
    assert (code, out[-1]) == (0, "Nothing must be done.")
    assert f"ok      frames_{MODEL[:13]} 10 rows can be read." in out
    one._tables.delete([f"frames_{MODEL}"], "pts = 0")
    code, out, _ = run(capsys, "store", "check")
    assert (code, out[-1]) == (3, "Some must be put right.")
    (file,) = (tmp_path / "two" / f"frames_{MODEL}.lance" / "data").glob("*.lance")
    file.write_bytes(b"")
    code, out, _ = run(capsys, "store", "check", "two")
    assert (code, out[-1]) == (2, "Some must be put right.")


def test_a_store_with_stretches_of_an_earlier_version_is_copied_merged_and_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    store = EmbeddingStore(one)
    index(store, A, range(4), None)
    name = keep_stretches_of_before(store)
    for word, added in (("copy", "1 record of a video, 4 frames, 4 thumbnails, 1 run"), ("merge", None)):
        text = f"added or changed: {added}" if added else "nothing to add."
        assert run(capsys, "store", word, str(one), str(two))[:2] == (0, [f"{one} → {two}: {text}"])
    assert {*EmbeddingStore(two).kinds_of_tables()} == {"videos", f"frames_{MODEL}", "thumbnails", "runs"}
    assert EmbeddingStore(two).tables_of_before() == []
    code, out, _ = run(capsys, "store", "check", str(one))
    assert (code, out[-1]) == (0, "Nothing must be done.")
    assert f"note    {name[:20]} Only an earlier version reads this table." in "\n".join(out)


def test_vectors_that_are_not_of_unit_length_must_be_put_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = EmbeddingStore(tmp_path)
    index(store, A, range(4), None)
    frames = planted(range(2))
    frames.vectors[:] *= 1.5
    store.append(A, MODEL, frames)
    code, out, _ = run(capsys, "store", "check", str(tmp_path))
    assert (code, out[-1]) == (3, "Some must be put right.")
    fault = f"aa.mp4: 2 vectors are damaged: not of unit length. Forget {A[:12]} and index it again."
    assert f"lacking frames_{MODEL[:13]} {fault}" in out


def test_what_cannot_be_done_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, fault in (
        (("store",), "Missing command."),
        (("store", "copy", "a"), "Missing argument 'TO'."),
        (("store", "merge", str(tmp_path / "a"), str(tmp_path / "b")), f"There is nothing stored in {tmp_path / 'a'}."),
        (("store", "merge", "a", "b", "--store", "c"), "--store has no meaning here."),
        (("store", "check", str(tmp_path / "none")), "There is nothing stored in"),
    ):
        code, _, err = run(capsys, *words)
        assert (code, err[-1].startswith(fault)) == (2, True), err
