"""``check_store`` against stores whose faults are planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from clip_core.analysis.check_store import Finding, check_store
from clip_core.errors import NewerStoreError, StoreError
from clip_core.store.store import EmbeddingStore
from clip_core.store.subtitle_rows import SUBTITLES, SubtitleSource
from clip_core.subtitles import Cue
from tests.contracts.test_store_contract import planted
from tests.indexing.test_merge_stores import FRAMES, MODEL, A, B, C, fill, index

TABLE = f"frames_{MODEL}"


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    made = EmbeddingStore(tmp_path / "store")
    index(made, A, range(FRAMES), None)
    return made


def faults(store: EmbeddingStore) -> list[Finding]:
    *_, last = steps = list(check_store(EmbeddingStore(store.location, read_only=True)))
    assert (last.done, last.share) == (last.total, 1.0)
    findings = [finding for step in steps for finding in step.findings]
    assert {f.table for f in findings if f.result == "ok"} | {f.table for f in findings} == {*store.kinds_of_tables()}
    return [finding for finding in findings if finding.result != "ok"]


def test_a_whole_store_has_none(tmp_path: Path) -> None:
    whole = EmbeddingStore(tmp_path / "whole")
    fill(whole)
    assert [(fault.table, fault.result, fault.what) for fault in faults(whole)] == [
        (TABLE, "note", "2 rows are stored twice; each counts once.")
    ]


def test_what_lacks_and_what_is_left_over(store: EmbeddingStore) -> None:
    index(store, B, range(4), None, finished=False)
    store.append(C, MODEL, planted(range(2)))
    store.append_thumbnails(C, {1: b"x"})
    frames = planted(range(2))
    frames.vectors[:] = 0
    store.append(B, MODEL, frames)
    store.keep_subtitles(B, SubtitleSource("1", "b.srt"), [Cue(0.0, 1.0, "a")])
    store._tables.delete(["subtitle_sources"], "video IS NOT NULL")
    store._tables.delete([TABLE], f"video = '{A}' AND pts < 10")
    assert {(fault.table, fault.result, fault.what) for fault in faults(store)} == {
        (TABLE, "note", "2 rows are stored twice; each counts once."),
        (TABLE, "lacking", "2 vectors are zero or not finite."),
        (TABLE, "lacking", "aa.mp4: 30 of at least 40 frames are stored."),
        (TABLE, "note", "Rows of 1 video that are not stored, such as cccccccccccc."),
        ("thumbnails", "note", "Rows of 1 video that are not stored, such as cccccccccccc."),
        ("runs", "note", "1 video is not indexed to the end."),
        (SUBTITLES, "note", "1 line of subtitles that were replaced."),
    }


def test_a_damaged_table_is_found_and_the_others_are_read_all_the_same(store: EmbeddingStore) -> None:
    fill(store)
    for name in (TABLE, f"summaries_{MODEL}"):
        for file in Path(store.location, f"{name}.lance", "data").glob("*.lance"):
            file.write_bytes(file.read_bytes()[:40])
    steps = list(check_store(store))
    found = {f.table: f for step in steps for f in step.findings}
    assert found[TABLE].result == "damaged"
    assert found[TABLE].next_step.startswith("Restore that folder")
    derived = found[f"summaries_{MODEL}"]
    assert (derived.result, derived.next_step) == ("note", "The next search makes this table again from the frames.")
    assert {f.result for step in steps for f in step.findings if f.table == "thumbnails"} == {"ok", "note"}


def test_nothing_and_a_newer_store_are_refused(store: EmbeddingStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing stored"):
        list(check_store(EmbeddingStore(tmp_path / "none")))
    store._tables._connected().open_table("videos").add_columns({"mood": "'good'"})
    with pytest.raises(NewerStoreError, match="the column mood of videos"):
        list(check_store(store))
