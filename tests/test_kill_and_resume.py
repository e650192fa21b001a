"""kill -9 in the middle of indexing loses at most the batch in hand, and nothing is embedded twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from clip_core import EmbeddingStore, index_video
from tests.support import video_maker
from tests.support.fakes import FakeEncoder

ROOT = Path(__file__).parents[1]
FRAMES = 400
CHILD = """
import sys
from clip_core import EmbeddingStore, index_video
from tests.support.fakes import FakeEncoder
for report in index_video(sys.argv[1], FakeEncoder(delay_s=0.01), EmbeddingStore(sys.argv[2]), samples_per_second=None):
    sys.stdout.write(f"{report.done}\\n")
    sys.stdout.flush()
"""


def kill_after_two_batches(video: Path, place: Path) -> int:
    """Return how many frames the child said were committed before it was killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(video), str(place)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said = [int(child.stdout.readline()) for _ in range(2)]
    time.sleep(0.05)  # into the next batch
    os.kill(child.pid, signal.SIGKILL)
    said += [int(line) for line in child.stdout.read().split()]
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return said[-1]


def stretches_of(store: EmbeddingStore, video_id: str, fingerprint: str) -> list[tuple[int, int, int]]:
    found = store.stretches_of([video_id], fingerprint).get(video_id)
    assert found is not None
    return list(zip(found.first_pts.tolist(), found.last_pts.tolist(), found.counts.tolist(), strict=True))


def test_three_kills_then_resume_gives_the_same_frames_and_vectors(tmp_path: Path) -> None:
    settings = video_maker.VideoSpec(options={"g": "50", "sc_threshold": "0"})
    video = video_maker.planted(tmp_path, "long", FRAMES, settings)
    whole = EmbeddingStore(tmp_path / "whole")
    list(index_video(video.path, FakeEncoder(), whole, samples_per_second=None))
    (record,) = whole.videos()

    place, committed = tmp_path / "killed", []
    fingerprint = FakeEncoder().fingerprint
    for _ in range(3):
        said = kill_after_two_batches(video.path, place)
        stored = len(EmbeddingStore(place).stored_pts(record.video_id, fingerprint))
        assert stored >= said, "a batch that was reported is gone"
        stretches = EmbeddingStore(place).stretches_of([record.video_id], fingerprint).get(record.video_id)
        assert stretches is not None
        assert 0 < stretches.counts.sum() <= stored
        committed.append(stored)
    assert committed == sorted(committed)
    assert 0 < committed[0] < committed[-1] < FRAMES

    last, killed = FakeEncoder(), EmbeddingStore(place)
    *_, report = index_video(video.path, last, killed, samples_per_second=None)
    assert last.pictures == FRAMES - committed[-1], "a committed frame was embedded again"
    assert report.done == report.total == FRAMES
    one, _ = whole.read(record.video_id, fingerprint)
    other, _ = killed.read(record.video_id, fingerprint)
    np.testing.assert_array_equal(one.pts, other.pts)
    np.testing.assert_array_equal(one.times_s, other.times_s)
    np.testing.assert_array_equal(one.vectors, other.vectors)
    own, built = (stretches_of(store, record.video_id, fingerprint) for store in (whole, killed))
    assert own == built
    again = killed.video(record.video_id)
    assert again is not None
    assert again.table.confirmed
