"""A store in an object store: wrong settings, services that lose rows, how often it is asked, and several writers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clip_core.analysis.check_setup import check_setup
from clip_core.config import Config
from clip_core.errors import ReadOnlyError, StoreError, StoreUnreachableError
from clip_core.settings import Settings
from clip_core.store import object_store
from clip_core.store.store import EmbeddingStore
from clip_core.store.stretches import STRETCHES
from clip_core.store.subtitle_rows import SubtitleSource, Words
from clip_core.store.video_settings import StoredSettings
from clip_core.stretches import Stretches
from clip_core.subtitles import Cue
from tests.store.test_store import MODEL, OTHER, VIDEO, ones, record
from tests.support.s3_server import KEY, SECRET, S3Server

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def place(s3: S3Server) -> str:
    return f"s3://{s3.bucket()}/embeddings"


# Settings


@pytest.mark.parametrize(
    ("name", "value", "kind", "expected"),
    [
        ("AWS_ENDPOINT", NOBODY, StoreUnreachableError, r"127\.0\.0\.1:9 does not answer\. Check AWS_ENDPOINT"),
        (
            "AWS_ENDPOINT",
            f"http://me:{SECRET}@127.0.0.1:9",
            StoreError,
            r"AWS_ENDPOINT is not an address\. Write it as",
        ),
        ("AWS_ENDPOINT", "127.0.0.1:9", StoreError, r"AWS_ENDPOINT is not an address\. Write it as https://host:port"),
        ("AWS_ALLOW_HTTP", None, StoreError, r"the endpoint is http.*\. Use https, or set AWS_ALLOW_HTTP=true"),
        ("AWS_SECRET_ACCESS_KEY", None, StoreError, r"no keys are given\. Set AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(
    place: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, kind: type[StoreError], expected: str
) -> None:
    monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=expected) as caught:
        EmbeddingStore(place).videos()
    assert type(caught.value) is kind
    assert len(str(caught.value)) <= 200
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("403 Forbidden", "InvalidAccessKeyId", r"127\.0\.0\.1:\d+ refuses the keys\. Check AWS_ACCESS_KEY_ID"),
        ("403 Forbidden", "SignatureDoesNotMatch", r"refuses the keys\. Check AWS_ACCESS_KEY_ID"),
        ("400 Bad Request", "ExpiredToken", r"temporary keys have expired .*AWS_SESSION_TOKEN"),
        ("403 Forbidden", "RequestTimeTooSkewed", r"clocks .* differ\. Set the clock"),
        ("501 Not Implemented", "NotImplemented", r"lacks what the embeddings need, such as If-None-Match"),
        ("503 Slow Down", "SlowDown", r"does not answer\. Check AWS_ENDPOINT"),
    ],
)
def test_what_the_service_refuses_is_told_without_keys(
    s3: S3Server, place: str, status: str, code: str, expected: str
) -> None:
    s3.refusal = (status, code)
    with pytest.raises(StoreError, match=expected) as caught:
        EmbeddingStore(place).videos()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("s3://bucket-that-is-not-there/x", r"there is no such bucket\. Make it"),
        ("foo://bucket/x", r"no such kind of store\. Give a folder or an s3:// address"),
        ("s3://", r"names no bucket"),
        (f"s3://{KEY}:{SECRET}@bucket/x", r"odd characters\. Write it as s3://bucket/folder; keys"),
        ("s3://bucket/a?b", r"Choose another folder"),
        ("s3://bucket/a%20b", r"Choose another folder"),
        ("s3://bucket/a#b", r"Choose another folder"),
        ("s3://bucket/../b", r"Choose another folder"),
        ("s3://bucket//b", r"Choose another folder"),
    ],
)
def test_an_address_that_cannot_be_a_store_is_refused(s3: S3Server, address: str, expected: str) -> None:
    with pytest.raises(StoreError, match=expected) as caught:
        EmbeddingStore(address).begin(VIDEO, MODEL, "sample", 2.0)
    assert SECRET not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("folder", ["", "/", "/a b/ü'x\"", "/deep/er/"])
def test_spaces_quotes_and_other_letters_may_be_in_an_address(s3: S3Server, folder: str) -> None:
    place = f"s3://{s3.bucket()}{folder}"
    EmbeddingStore(place).remember_video(record(VIDEO))
    assert [video.video_id for video in EmbeddingStore(place).summaries()] == [VIDEO]


# A service that lets two writers overwrite each other


def test_a_service_that_ignores_the_condition_is_refused_before_the_first_write(s3: S3Server, place: str) -> None:
    s3.ignores_conditions = True
    store = EmbeddingStore(place)
    assert store.videos() == []
    for write in (lambda: store.begin(VIDEO, MODEL, "sample", 2.0), store.optimize, lambda: store.forget(VIDEO)):
        with pytest.raises(StoreError, match=r"ignores If-None-Match, so of two writers one loses rows") as caught:
            write()
    assert len(str(caught.value)) <= 200
    assert not object_store.holds_objects(place, "")
    (failed,) = [check for check in check_setup(Config(), place, "no model") if check.result == "fail"][:1]
    assert (failed.subject, "If-None-Match" in failed.what) == ("store", True)


def test_a_safe_service_is_probed_once_and_nothing_of_the_probe_stays(s3: S3Server, place: str) -> None:
    with s3.asking() as asked:
        EmbeddingStore(place).check_safe_to_write()
    assert asked.methods == {"GET": 1, "PUT": 2, "POST": 1}
    with s3.asking() as asked:
        EmbeddingStore(place).check_safe_to_write()
    assert asked.all == []
    assert not object_store.holds_objects(place, "")
    checks = [check for check in check_setup(Config(), place, "no model") if check.subject == "store"]
    assert [check.result for check in checks] == ["ok", "ok", "note"]
    with pytest.raises(ReadOnlyError):
        EmbeddingStore(place, read_only=True).check_safe_to_write()


# How often it is asked


def test_a_store_of_a_page_answers_from_memory_for_a_while_but_sees_its_own_writes(s3: S3Server, place: str) -> None:
    page, other = EmbeddingStore(place, fresh_s=3600.0), EmbeddingStore(place)
    other.begin(VIDEO, MODEL, "sample", 2.0)
    other.append(VIDEO, MODEL, ones(range(5)))
    assert page.annotations(VIDEO) == ()
    assert page.run(VIDEO, MODEL) is not None
    found, revision = page.read(VIDEO, MODEL)
    with s3.asking() as asked:
        again, same = page.read(VIDEO, MODEL, revision)
        assert (len(found), len(again), page.annotations(VIDEO)) == (5, 0, ())
    assert asked.all == []
    page.append(VIDEO, MODEL, ones(range(5, 7)))
    assert page.read(VIDEO, MODEL, same)[0].pts.tolist() == [5, 6]
    other.forget(VIDEO)
    assert page.run(VIDEO, MODEL) is not None
    assert page.run(VIDEO, MODEL, at_once=True) is None
    assert page.run(VIDEO, MODEL) is None
    page.begin(OTHER, MODEL, "sample", 2.0)
    assert page.run(OTHER, MODEL) is not None


def test_a_commit_is_few_requests(s3: S3Server, place: str) -> None:
    store = EmbeddingStore(place)
    store.begin(VIDEO, MODEL, "sample", 2.0)
    store.append(VIDEO, MODEL, ones(range(5)))
    with s3.asking() as asked:
        store.append(VIDEO, MODEL, ones(range(5, 70)))
        store.run(VIDEO, MODEL)
    assert asked.methods["PUT"] == 3
    assert asked.methods["GET"] <= 5


# What else a store does


def test_stretches_are_compared_and_words_are_found(place: str) -> None:
    store = EmbeddingStore(place)
    store.begin(VIDEO, MODEL, "sample", None)
    run = store.run(VIDEO, MODEL)
    assert run is not None
    at = np.arange(300)
    vectors = np.random.default_rng(1).normal(size=(300, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    stretches = Stretches(at, at, at, at * 1.0, at + 1.0, np.ones(300, np.int64), vectors)
    store.write_stretches(MODEL, {VIDEO: stretches}, {VIDEO: run.epoch}, store.next_generation(MODEL, [VIDEO]))
    found = EmbeddingStore(place).nearest_stretches(MODEL, vectors[7:8], limit=1)
    assert found.stretches.first_pts.tolist() == [7]
    store.keep_subtitles(VIDEO, SubtitleSource("stamp", "a.srt"), [Cue(0.0, 1.0, "a red fox"), Cue(1.0, 2.0, "a dog")])
    assert [cue.cue.text for cue in EmbeddingStore(place).find_cues([Words("FOX")], limit=5)] == ["a red fox"]


def test_all_that_is_kept_of_a_video_can_be_read_mended_and_forgotten(s3: S3Server, place: str) -> None:
    store = EmbeddingStore(place)
    store.remember_video(record(VIDEO))
    store.remember_failure("/films/broken.mp4", "It is broken.")
    store.begin(VIDEO, MODEL, "sample", 2.0)
    store.append(VIDEO, MODEL, ones(range(5)))
    store.append_thumbnails(VIDEO, {1: bytes(3000)})
    store.keep_settings(VIDEO, StoredSettings(Settings(), MODEL))
    one = np.ones(1, np.int64)
    stretch = Stretches(one * 0, one * 4, one, np.zeros(1), np.full(1, 5.0), one * 5, ones(range(1)).vectors)
    run = store.run(VIDEO, MODEL)
    assert run is not None
    store.write_stretches(MODEL, {VIDEO: stretch}, {VIDEO: run.epoch}, store.next_generation(MODEL, [VIDEO]))
    store.finish(VIDEO, MODEL, 2.0)
    store.optimize()
    again = EmbeddingStore(place)
    assert [failed.path for failed in again.failures()] == ["/films/broken.mp4"]
    assert again.settings(VIDEO) == StoredSettings(Settings(), MODEL)
    assert 3000 < again.size_bytes() < 10_000
    found = again.nearest_stretches(MODEL, ones(range(1)).vectors)
    assert found.video_ids == (VIDEO,)
    assert len(again.frames_of_stretches(MODEL, found).pts) == 5
    s3.spoil(place, f"{STRETCHES}{MODEL}.lance/data/")
    broken = EmbeddingStore(place)
    assert broken.mending(MODEL, lambda: broken.nearest_stretches(MODEL, ones(range(1)).vectors)).video_ids == ()
    assert len(broken.read(VIDEO, MODEL)[0]) == 5
    broken.forget(VIDEO)
    assert (again.summaries(), again.settings(VIDEO), again.thumbnail_pts(VIDEO).tolist()) == ([], None, [])


# Several processes

CHILD = f"""
import sys
import numpy as np
from clip_core.store.store import EmbeddingStore
from clip_core.types import FrameEmbeddings

place, number = sys.argv[1], int(sys.argv[2])
store, own = EmbeddingStore(place), sys.argv[2] * 64
import lancedb
print("ready", flush=True)
sys.stdin.readline()
for k in range(2):
    for video, first in ((own, k), ({VIDEO!r}, 10 * number + k)):
        store.begin(video, {MODEL!r}, "sample", None)
        pts = np.arange(first * 8, first * 8 + 8)
        store.append(video, {MODEL!r}, FrameEmbeddings(pts, pts / 30, np.full((8, 16), 0.25, np.float32)))
        store.finish(video, {MODEL!r}, None)
    if number == 1:
        store.optimize()
    elif number == 2:
        store.forget("9" * 64)
print("done", flush=True)
"""


def test_four_processes_append_optimise_and_forget_at_once_without_a_word(place: str) -> None:
    store = EmbeddingStore(place)
    store.begin("9" * 64, MODEL, "sample", None)
    store.append("9" * 64, MODEL, ones(range(8), dim=16))
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, place, str(number)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(4)
    ]  # fmt: skip
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    assert [child.communicate(timeout=120) for child in children] == [("done\n", "")] * 4
    for number in range(4):
        assert store.read(str(number) * 64, MODEL)[0].pts.tolist() == list(range(16))
    expected = [first * 8 + i for number in range(4) for first in range(10 * number, 10 * number + 2) for i in range(8)]
    assert store.read(VIDEO, MODEL)[0].pts.tolist() == expected
    assert store.stored_pts("9" * 64, MODEL).tolist() == []
