"""``check_store`` against stores whose faults are planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clip_core.analysis.check_store import Finding, check_store
from clip_core.errors import NewerStoreError, StoreError
from clip_core.store.checked_rows import is_rounded_unit
from clip_core.store.store import EmbeddingStore
from clip_core.store.subtitle_rows import SUBTITLES, SubtitleSource
from clip_core.subtitles import Cue
from clip_core.types import MOST_OFF_UNIT, FrameEmbeddings
from tests.contracts.test_store_contract import planted
from tests.indexing.test_merge_stores import FRAMES, MODEL, A, B, C, fill, index, keep_stretches_of_before

TABLE = f"frames_{MODEL}"
LEFT_BEHIND = "It does no harm; `store copy` to an empty place leaves it behind."


def again(video_id: str) -> str:
    return f"Forget {video_id[:12]} and index it again."


def damaged(factor: float, pts: range | list[int]) -> FrameEmbeddings:
    """Frames whose vectors are so many times as long as they should be."""
    return FrameEmbeddings(np.array(pts), np.array(pts) / 10, planted(pts).vectors * np.float32(factor))


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
        (TABLE, "lacking", "bb.mp4: 2 vectors are damaged: not of unit length."),
        (TABLE, "lacking", "aa.mp4: 30 of at least 40 frames are stored."),
        (TABLE, "note", "Rows of 1 video that are not stored, such as cccccccccccc."),
        ("thumbnails", "note", "Rows of 1 video that are not stored, such as cccccccccccc."),
        ("runs", "note", "1 video is not indexed to the end."),
        (SUBTITLES, "note", "1 line of subtitles that were replaced."),
    }


def test_vectors_that_are_not_of_unit_length_are_found_by_video(store: EmbeddingStore) -> None:
    index(store, B, range(6), None)
    index(store, C, range(6), None)
    store.append(A, MODEL, damaged(1.01, range(40, 43)))
    store.append(B, MODEL, damaged(0.99, [6]))
    store.append(B, MODEL, damaged(np.inf, [8]))
    store.append(B, MODEL, damaged(0.0, [9]))
    store.append("dd" * 32, MODEL, damaged(0.0, [9]))
    assert faults(store) == [
        Finding(TABLE, "lacking", "aa.mp4: 3 vectors are damaged: not of unit length.", again(A)),
        Finding(TABLE, "lacking", "bb.mp4: 3 vectors are damaged: not of unit length.", again(B)),
        Finding(TABLE, "note", "Rows of 1 video that are not stored, such as dddddddddddd.", LEFT_BEHIND),
    ]


def test_a_vector_whose_bytes_in_the_file_are_others_is_found(store: EmbeddingStore) -> None:
    written = planted([5]).vectors.astype(np.float16)
    nothing = np.full_like(written, np.nan)
    (file,) = Path(store.location, f"{TABLE}.lance", "data").glob("*.lance")
    before = file.read_bytes()
    file.write_bytes(before.replace(written.tobytes(), nothing.tobytes()))
    assert before.count(written.tobytes()) == 1
    assert faults(store) == [Finding(TABLE, "lacking", "aa.mp4: 1 vector is damaged: not of unit length.", again(A))]


def test_vectors_of_prompts_that_are_zero_are_found(store: EmbeddingStore) -> None:
    store.append_texts(MODEL, ["a", "b"], np.array([[1, 0], [0, 0]], np.float32))
    (fault,) = faults(store)
    assert fault == Finding(
        f"texts_{MODEL}", "lacking", "1 vector is zero or not finite.",
        f"Delete {store.location}/texts_{MODEL}.lance: it is made again when it is needed.",
    )  # fmt: skip


@pytest.mark.parametrize("dim", [4, 16, 512, 768, 1023])
def test_rounding_is_not_taken_for_damage(dim: int) -> None:
    rng = np.random.default_rng(dim)
    units = rng.normal(size=(500, dim)) * 10.0 ** rng.uniform(-6, 0, (500, dim))  # some below the least normal half
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    for length in (1 - MOST_OFF_UNIT, 1, 1 + MOST_OFF_UNIT):
        assert is_rounded_unit((length * units).astype(np.float32).astype(np.float16)).all()
    for length in (0, 0.997, 1.003, 65_000, np.nan, np.inf):
        assert not is_rounded_unit((length * units).astype(np.float16)).any()


def test_numbers_that_are_all_rounded_up_as_far_as_can_be_are_not_taken_for_damage() -> None:
    vector = np.full(1024, 2**-5 * (1 + 2**-11 * 1.001))
    longest = 1 + MOST_OFF_UNIT
    vector[-1] = np.sqrt(longest**2 - np.sum(vector[:-1] ** 2))
    halves = vector.astype(np.float32).astype(np.float16)
    length = float(np.linalg.norm(halves.astype(np.float64)))
    assert 0.98 * 2**-11 < length - longest < 2**-11 * longest
    assert is_rounded_unit(halves[None]).tolist() == [True]


def test_what_an_earlier_version_made_is_left_over(store: EmbeddingStore) -> None:
    name = keep_stretches_of_before(store)
    assert [finding for step in check_store(store) for finding in step.findings if finding.result != "ok"] == [
        Finding(name, "note", "Only an earlier version reads this table.", LEFT_BEHIND)
    ]


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
