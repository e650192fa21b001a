"""Merge what two machines stored: nothing lost, nothing doubled, the right one of two rows, any number of times."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pytest

from clip_core.errors import NewerStoreError, ReadOnlyError, StoreError
from clip_core.indexing.merge_stores import MergeProgress, check_places, merge_stores
from clip_core.settings import Settings
from clip_core.store import copied_rows
from clip_core.store.failures import FAILURES
from clip_core.store.kinds import KINDS, KINDS_OF_MODELS
from clip_core.store.searches import SavedSearch
from clip_core.store.store import EmbeddingStore
from clip_core.store.stretch_summaries import StretchSummary
from clip_core.store.subtitle_rows import SubtitleSource, Words
from clip_core.store.tables import columns_of
from clip_core.store.video_settings import StoredSettings
from clip_core.subtitles import Cue
from clip_core.types import Annotation, TimeTable, VideoRecord
from tests.contracts.test_store_contract import assert_planted, planted
from tests.support.records import HEADER

ROOT = Path(__file__).resolve().parents[2]
MODEL, MODEL_2 = "f0" * 32, "f1" * 32
A, B, C = "aa" * 32, "bb" * 32, "cc" * 32
FRAMES = 40


@pytest.fixture
def here(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "there")


def record(video_id: str, *, confirmed: bool = True, **changes: Any) -> VideoRecord:
    table = TimeTable(np.arange(FRAMES), Fraction(1, 10), 0, FRAMES / 10, confirmed, np.array([0, 20]))
    known = VideoRecord(
        video_id=video_id, path=f"/films/{video_id[:2]}.mp4", name=f"{video_id[:2]}.mp4", table=table,
        unreadable_after_s=None, added_s=100.0, reading="", **HEADER,
    )  # fmt: skip
    return replace(known, **changes)


def index(
    store: EmbeddingStore, video_id: str, pts: range | list[int], rate: float | None, *,
    finished: bool = True, sign: float = 1.0, **changes: Any,
) -> None:  # fmt: skip
    store.remember_video(record(video_id, **changes))
    store.begin(video_id, MODEL, "sample", rate)
    store.append(video_id, MODEL, planted(pts, sign))
    store.append_thumbnails(video_id, {p: b"%d" % p for p in pts})
    if finished:
        store.finish(video_id, MODEL, rate)


def annotation(verdict: str, anchor_s: float = 1.0) -> Annotation:
    return Annotation("a dog", anchor_s, 0.5, 1.5, verdict, "", {})


def merge(source: EmbeddingStore, target: EmbeddingStore) -> MergeProgress:
    """Merge, and then once more, which must change nothing; the source must stay as it is."""
    before = states(source)
    check_places(source, target, is_copy=False)
    *_, last = merge_stores(EmbeddingStore(source.location, read_only=True), target)
    assert (last.finished, last.share, last.done) == (True, 1.0, last.total)
    *_, again = merge_stores(source, target)
    assert again.added == {}
    assert states(source) == before
    return last


def states(store: EmbeddingStore) -> dict[str, int]:
    tables = lancedb.connect(store.location)
    return {name: tables.open_table(name).version for name in store.kinds_of_tables()}


def run_of(store: EmbeddingStore, video_id: str) -> tuple[float | None, bool, tuple[int, int] | None]:
    run = store.run(video_id, MODEL)
    assert run is not None
    return run.samples_per_second, run.finished, run.counts


def fill(store: EmbeddingStore) -> None:
    """One row or more in every table."""
    index(store, A, range(0, FRAMES, 5), 2.0)
    store.append(A, MODEL, planted(range(0, 10, 5)))  # stored twice
    store.append_texts(MODEL_2, ["a dog"], np.ones((1, 4), np.float32))
    store.remember_id("/films/aa.mp4", 7, 8, A)
    store.put_annotation(A, annotation("rejected"))
    store.put_annotation(A, annotation("accepted"))
    store.keep_settings(A, StoredSettings(Settings(prompts=("x",)), MODEL))
    store.keep_search(SavedSearch("dogs", {}, {"1": 5}))
    store.remember_failure("/films/broken.mp4", "It is broken.")
    cues = [Cue(0.0, 1.0, "good morning"), Cue(1.0, 2.0, "good night")]
    store.keep_subtitles(A, SubtitleSource("1", "a.srt"), cues)
    store.write_stretch_summaries(MODEL, {A: StretchSummary(8, None, None)})


def test_a_copy_holds_everything_but_what_is_made_from_it(here: EmbeddingStore, there: EmbeddingStore) -> None:
    fill(there)
    check_places(there, here, is_copy=True)
    last = merge(there, here)
    assert last.added == {
        "videos": 1, f"frames_{MODEL}": 8, f"texts_{MODEL_2}": 1, "thumbnails": 8, "runs": 1, "files": 1, "edits": 1,
        "settings": 1, "searches": 1, "failures": 1, "subtitle_sources": 1,
    }  # fmt: skip
    derived = [name for name, kind in KINDS_OF_MODELS.items() if kind.join == "derived"]
    assert {*here.kinds_of_tables()} == {n for n in there.kinds_of_tables() if not n.startswith((*derived,))}
    assert {name for name, kind in KINDS.items() if kind.join != "derived"} <= {*here.kinds_of_tables()}
    assert_planted(here.read(A, MODEL)[0], range(0, FRAMES, 5))
    assert here.row_count(f"frames_{MODEL}") == 8
    assert here.thumbnails(A, [5, 6]) == {5: b"5"}
    assert run_of(here, A) == (2.0, True, (8, 14))
    assert here.texts(MODEL_2, ["a dog"])["a dog"].tolist() == [1.0] * 4
    assert here.known_id("/films/aa.mp4", 7, 8) == A
    for read in ("annotations", "settings", "subtitles", "subtitle_source"):
        assert getattr(here, read)(A) == getattr(there, read)(A) is not None
    assert (here.searches(), here.failures(), here.summaries()) == (
        there.searches(), there.failures(), there.summaries(),
    )  # fmt: skip
    assert [found.cue.text for found in here.find_cues([Words("night")], limit=5)] == ["good night"]


def keep_stretches_of_before(store: EmbeddingStore) -> str:
    """Store stretches as an earlier version did, with the levels at the end of the vectors; return the table's name."""
    name, columns = (
        f"stretches_{MODEL}",
        columns_of(
            "video string, epoch string, made_ns int64, first_pts int64, last_pts int64, picture_pts int64, "
            "start_s float64, end_s float64, count int64, levelled bool, vector float32[18]"
        ),
    )
    numbers = dict.fromkeys(columns, 1) | {"video": A, "epoch": "e", "levelled": True, "vector": [0.5] * 18}
    with store._tables.writing(name, columns) as table:
        table.add_rows(numbers, numbers)
    return name


@pytest.mark.parametrize("is_copy", [True, False])
def test_stretches_of_an_earlier_version_are_left_out(
    here: EmbeddingStore, there: EmbeddingStore, *, is_copy: bool
) -> None:
    fill(there)
    name = keep_stretches_of_before(there)
    if not is_copy:
        index(here, B, range(4), None)
        keep_stretches_of_before(here)
    check_places(there, here, is_copy=is_copy)
    last = merge(there, here)
    assert last.added[f"frames_{MODEL}"] == 8
    assert_planted(here.read(A, MODEL)[0], range(0, FRAMES, 5))
    assert here.row_count(name) == (0 if is_copy else 2)
    assert there.row_count(name) == 2


def test_nothing_of_a_forgotten_video_stays_in_stretches_of_an_earlier_version(here: EmbeddingStore) -> None:
    for video_id in (A, B):
        index(here, video_id, range(4), None)
    name = keep_stretches_of_before(here)
    assert here.tables_of_before() == [name]
    here.forget(A)
    assert here.tables_of_before() == []
    assert_planted(here.read(B, MODEL)[0], range(4))


def test_of_two_rows_of_one_key_the_newest_counts_whichever_store_has_it(
    here: EmbeddingStore, there: EmbeddingStore
) -> None:
    for store, anchor_s in ((here, 2.0), (there, 3.0)):
        index(store, A, range(4), None, finished=False)
        store.put_annotation(A, annotation("rejected", anchor_s))
    for number, (first, second) in enumerate(((here, there), (there, here))):
        for store, verdict in ((first, "rejected"), (second, "accepted")):
            store.put_annotation(A, annotation(verdict, float(10 + number)))
            store.keep_search(SavedSearch(f"search {number}", {"n": verdict}))
            store.remember_failure(f"/films/{number}.mp4", verdict)
    here.keep_settings(A, StoredSettings(Settings(prompts=("old",)), MODEL))
    there.keep_settings(A, StoredSettings(Settings(prompts=("new",)), MODEL))
    there.keep_subtitles(A, SubtitleSource("1", "old.srt"), [Cue(0.0, 1.0, "old")])
    here.keep_subtitles(A, SubtitleSource("2", "new.srt"), [Cue(0.0, 1.0, "new")])
    withdrawn = annotation("accepted", 30.0)
    here.put_annotation(A, withdrawn)
    there.put_annotation(A, withdrawn)
    there.withdraw_annotation(A, withdrawn)
    merge(there, here)
    verdicts = {a.anchor_s: a.verdict for a in here.annotations(A)}
    assert verdicts == {2.0: "rejected", 3.0: "rejected", 10.0: "accepted", 11.0: "accepted"}
    assert [search.where["n"] for search in here.searches()] == ["accepted", "accepted"]
    assert [failed.reason for failed in here.failures()] == ["accepted", "accepted"]
    stored = here.settings(A)
    assert stored is not None
    assert stored.settings.prompts == ("new",)
    assert [cue.text for cue in here.subtitles(A)] == ["new"]
    assert here.row_count(FAILURES) == 3  # the older of the one that came from there stays, and does not count


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        ((range(0, 40, 5), 2.0, True), (range(0, 40, 2), 5.0, True), (5.0, True)),
        ((range(0, 40, 5), 2.0, True), (range(0, 20, 2), 5.0, False), (5.0, False)),
        ((range(40), None, True), (range(0, 20, 2), 5.0, False), (None, True)),
        ((range(20), None, False), (range(20, 40), None, False), (None, True)),
        ((range(19), None, False), (range(20, 40), None, False), (None, False)),
    ],
    ids=["denser", "denser unfinished", "sparser unfinished", "two halves", "two halves but one frame"],
)
def test_a_run_is_finished_if_all_samples_of_the_denser_rate_are_there(
    here: EmbeddingStore, there: EmbeddingStore, ours: Any, theirs: Any, merged: tuple[float | None, bool]
) -> None:
    for store, (pts, rate, finished) in ((here, ours), (there, theirs)):
        index(store, A, pts, rate, finished=finished)
    index(there, B, range(0, 40, 5), 2.0)
    merge(there, here)
    union = sorted({*ours[0], *theirs[0]})
    assert_planted(here.read(A, MODEL)[0], np.array(union))
    assert here.row_count(f"frames_{MODEL}") == len(union) + 8
    pictures = sum(len(b"%d" % p) for p in union)
    assert run_of(here, A) == (*merged, (len(union), pictures) if merged[1] else None)
    assert run_of(here, B) == (2.0, True, (8, 14))


def test_a_run_whose_frames_were_lost_is_not_finished_by_a_merge(here: EmbeddingStore, there: EmbeddingStore) -> None:
    index(there, A, range(0, 40, 5), 2.0)
    there._tables.delete([f"frames_{MODEL}"], "pts = 5")
    merge(there, here)
    assert run_of(here, A) == (2.0, False, None)


def test_confirmed_times_beat_others_and_the_place_here_stays(here: EmbeddingStore, there: EmbeddingStore) -> None:
    index(here, A, range(3), None, finished=False, confirmed=False, path="/here/a.mp4", reading=None, added_s=5.0)
    index(there, A, range(6), None, finished=False, unreadable_after_s=3.5, recorded_s=9.0, added_s=2.0)
    index(here, B, range(3), None, finished=False)
    index(there, B, range(3), None, finished=False, confirmed=False, path="/there/b.mp4")
    merge(there, here)
    a, b = here.video(A), here.video(B)
    assert a is not None
    assert b is not None
    assert (a.table.confirmed, a.path, a.reading, a.added_s, a.unreadable_after_s, a.recorded_s) == (
        True, "/here/a.mp4", "", 2.0, 3.5, 9.0,
    )  # fmt: skip
    assert (b.table.confirmed, b.path) == (True, "/films/bb.mp4")


@pytest.mark.parametrize("newer_is_here", [True, False])
def test_frames_that_were_read_in_two_ways_are_not_mixed(
    here: EmbeddingStore, there: EmbeddingStore, newer_is_here: bool
) -> None:
    newer, older = (here, there) if newer_is_here else (there, here)
    index(older, A, range(0, 40, 5), 2.0, reading=None, sign=-1.0)
    index(newer, A, range(0, 40, 10), 1.0, reading="on white")
    index(there, B, range(0, 40, 5), 2.0)
    for store in (here, there):
        store.put_annotation(A, annotation("accepted", 2.0 if store is here else 3.0))
    last = merge(there, here)
    assert last.notes == (f"aa.mp4: read or timed differently; only frames of {newer.location} are kept.",)
    found = here.video(A)
    assert found is not None
    assert found.reading == "on white"
    assert_planted(here.read(A, MODEL)[0], range(0, 40, 10))
    assert here.thumbnail_pts(A).tolist() == [0, 10, 20, 30]
    assert run_of(here, A) == (1.0, True, (4, 7))
    assert [a.anchor_s for a in here.annotations(A)] == [2.0, 3.0]


CHILD = """
import os, signal, sys
from clip_core.indexing.merge_stores import merge_stores
from clip_core.store import copied_rows
from clip_core.store.store import EmbeddingStore
copied_rows.KEYS_AT_ONCE = 7
left = int(sys.argv[3])
for _ in merge_stores(EmbeddingStore(sys.argv[1], read_only=True), EmbeddingStore(sys.argv[2])):
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_merge_that_is_killed_goes_on(
    here: EmbeddingStore, there: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copied_rows, "KEYS_AT_ONCE", 7)
    for video_id in (A, B):
        index(there, video_id, range(FRAMES), None)
    fill(there)
    for steps in (2, 9):
        child = subprocess.run([sys.executable, "-c", CHILD, there.location, here.location, str(steps)], cwd=ROOT)
        assert child.returncode == -9
    assert 0 < here.row_count(f"frames_{MODEL}") < 2 * FRAMES
    merge(there, here)
    for video_id in (A, B):
        assert_planted(here.read(video_id, MODEL)[0], range(FRAMES))
    assert here.row_count(f"frames_{MODEL}") == here.row_count("thumbnails") == 2 * FRAMES
    assert (run_of(here, A)[1], run_of(here, B)[1]) == (True, True)


def test_frames_of_no_run_and_thumbnails_of_no_video_are_left_behind(
    here: EmbeddingStore, there: EmbeddingStore
) -> None:
    index(there, A, range(4), None)
    there.append(C, MODEL, planted(range(4)))
    there.append_thumbnails(C, {1: b"x"})
    merge(there, here)
    assert (here.row_count(f"frames_{MODEL}"), here.row_count("thumbnails")) == (4, 4)


def test_places_that_cannot_be_merged_are_refused_before_anything_is_written(
    here: EmbeddingStore, there: EmbeddingStore, tmp_path: Path
) -> None:
    def refusal(source: EmbeddingStore, target: EmbeddingStore, *, is_copy: bool = False) -> StoreError:
        with pytest.raises(StoreError) as caught:
            check_places(source, target, is_copy=is_copy)
        return caught.value

    assert refusal(there, here).what == f"There is nothing stored in {there.location}."
    index(there, A, range(4), None)
    (tmp_path / "link").symlink_to("there")
    assert "merged with itself" in refusal(there, EmbeddingStore(tmp_path / "link")).what
    assert "merged with itself" in refusal(EmbeddingStore("s3://b/a"), EmbeddingStore("s3://b/a/")).what
    assert isinstance(refusal(there, EmbeddingStore(here.location, read_only=True)), ReadOnlyError)
    index(here, B, range(4), None)
    assert "holds 1 video that" in refusal(there, here, is_copy=True).what
    tables = lancedb.connect(there.location)
    tables.open_table("videos").add_columns({"mood": "'good'"})
    assert isinstance(refusal(there, here), NewerStoreError)
    assert "the column mood of videos" in refusal(here, there).what
    tables.open_table("videos").drop_columns(["mood"])
    tables.create_table("moods", [{"a": 1}])
    assert "the table moods" in refusal(there, here).what
    assert here.summaries()[0].video_id == B


def test_vectors_of_two_lengths_are_refused(here: EmbeddingStore, there: EmbeddingStore) -> None:
    index(here, A, range(4), None)
    there.remember_video(record(A))
    there.begin(A, MODEL, "sample", None)
    there.append(A, MODEL, planted(range(4), dim=8))
    with pytest.raises(StoreError, match=r"float16\[8\] in the one store, and float16\[16\]"):
        list(merge_stores(there, here))
