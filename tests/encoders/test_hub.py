"""Plans and downloads over a real socket, against a hub that fails in each way that hubs and networks do."""

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from clip_core.__main__ import main
from clip_core.encoders import hub as hub_module
from clip_core.encoders import transfer
from clip_core.encoders.hub import DownloadPlan, download, plan_download
from clip_core.encoders.hub_cache import check_content, find_cached, hub_host, repository_folder
from clip_core.encoders.registry import load_encoder
from clip_core.errors import DownloadError, NotDownloadedError
from clip_core.types import Progress
from tests.support.hub_server import HubServer, Repository, use_hub
from tests.support.model_maker import add_precision, make_clip, move_weights_out

MODEL = "who/toy-clip"
VISION = "onnx/vision_model_quantized.onnx"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def cache(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(transfer, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(transfer, "LONGEST_WAIT_S", 0.02)
    return use_hub(hub.url, tmp_path / "cache", monkeypatch)


@pytest.fixture
def model(hub: HubServer, cache: Path, tmp_path: Path) -> Repository:
    folder = add_precision(make_clip(tmp_path / "model"), "_quantized")
    (folder / "README.md").write_text("not needed")
    return hub.add(MODEL, folder)


def fetch(plan: DownloadPlan | None = None) -> list[Progress]:
    return list(download(plan or plan_download(MODEL)))


def kept(cache: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in (repository_folder(MODEL) / "blobs").iterdir()}


def test_a_plan_names_what_this_machine_needs_with_sizes_and_hashes(hub: HubServer, model: Repository) -> None:
    plan = plan_download(MODEL)
    assert {file.name for file in plan.files} == {
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        VISION,
        "onnx/text_model_quantized.onnx",
    }
    assert (plan.precision, plan.commit, plan.revision) == ("int8", model.commit, "main")
    assert plan.total_bytes == plan.missing_bytes == sum(len(model.files[file.name]) for file in plan.files)
    assert {len(file.digest) for file in plan.files} == {40, 64}
    assert [request.path for request in hub.requests] == [f"/api/models/{MODEL}/revision/main"]
    assert plan_download(MODEL, model.commit, "fp32").precision == "fp32"


def test_a_download_fills_the_cache_and_the_model_runs(hub: HubServer, model: Repository, tmp_path: Path) -> None:
    assert find_cached(MODEL) is None
    seen = fetch()
    assert (seen[-1].done, seen[-1].seconds_left, seen[-1].stage) == (seen[-1].total, 0.0, "done")
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    found = find_cached(MODEL)
    assert found is not None
    assert found == find_cached(MODEL, model.commit) == find_cached(MODEL, any_precision=True)
    assert find_cached(MODEL, precision="fp32") is None
    for name in ("config.json", VISION):
        assert (found / name).read_bytes() == model.files[name]
    assert not [request for request in hub.requests if "README" in request.path or request.path.endswith("_model.onnx")]
    hub.requests.clear()
    encoder = load_encoder(MODEL)
    assert hub.requests == []
    assert (encoder.id, encoder.name, encoder.precision) == (MODEL, MODEL, "int8")
    assert encoder.fingerprint == load_encoder(str(tmp_path / "model")).fingerprint
    assert encoder.embed_images([np.zeros((9, 9, 3), np.uint8)]).shape == (1, 16)


def test_what_is_there_is_not_fetched_again(hub: HubServer, model: Repository) -> None:
    fetch()
    sent = sum(request.sent for request in hub.requests if "/resolve/" in request.path)
    plan = plan_download(MODEL)
    assert (plan.missing_bytes, all(file.cached for file in plan.files)) == (0, True)
    seen = fetch(plan)
    assert seen[-1].done == plan.total_bytes
    assert sum(request.sent for request in hub.requests if "/resolve/" in request.path) == sent
    fp32 = plan_download(MODEL, precision="fp32")
    assert fp32.missing_bytes == len(model.files["onnx/vision_model.onnx"]) + len(model.files["onnx/text_model.onnx"])


def test_huggingface_hub_itself_finds_what_was_put_in_its_cache(hub: HubServer, model: Repository) -> None:
    from huggingface_hub import hf_hub_download, snapshot_download, try_to_load_from_cache

    fetch()
    hub.requests.clear()
    assert try_to_load_from_cache(MODEL, VISION, constants.HF_HUB_CACHE) == str(find_cached(MODEL) / VISION)  # type: ignore[operator]
    assert hf_hub_download(MODEL, VISION, revision=model.commit, cache_dir=constants.HF_HUB_CACHE)
    assert hub.requests == []
    assert snapshot_download(MODEL, cache_dir=constants.HF_HUB_CACHE, local_files_only=True) == str(find_cached(MODEL))


def test_what_huggingface_hub_downloaded_is_found(hub: HubServer, model: Repository) -> None:
    from huggingface_hub import hf_hub_download

    for file in plan_download(MODEL).files:
        hf_hub_download(MODEL, file.name, cache_dir=constants.HF_HUB_CACHE)
    assert find_cached(MODEL) is not None
    assert plan_download(MODEL).missing_bytes == 0


def test_weights_in_files_of_their_own(hub: HubServer, cache: Path, tmp_path: Path) -> None:
    folder = move_weights_out(make_clip(tmp_path / "model"))
    hub.add(MODEL, folder)
    plan = plan_download(MODEL)
    assert "onnx/vision_model.onnx_data" in {file.name for file in plan.files}
    fetch(plan)
    found = find_cached(MODEL)
    assert found is not None
    assert load_encoder(MODEL).fingerprint == load_encoder(str(folder)).fingerprint
    (found / "onnx/vision_model.onnx_data").unlink()
    assert find_cached(MODEL) is None


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", VISION])
def test_a_half_downloaded_cache_is_no_model(model: Repository, name: str) -> None:
    fetch()
    found = find_cached(MODEL)
    assert found is not None
    (found / name).resolve().unlink()
    assert find_cached(MODEL) is None
    assert [file.name for file in plan_download(MODEL).files if not file.cached] == [name]
    fetch()
    assert (find_cached(MODEL) / name).read_bytes() == model.files[name]  # type: ignore[operator]


def test_a_cut_connection_goes_on_where_it_was(hub: HubServer, model: Repository) -> None:
    hub.cut_after[VISION] = [9000, 5000]
    fetch()
    assert [request.range for request in hub.fetched(VISION)] == ["", "bytes=9000-", "bytes=14000-"]
    assert hub.sent(VISION) == len(model.files[VISION])


def test_a_broken_download_is_resumed_by_the_next(hub: HubServer, model: Repository) -> None:
    hub.cut_after[VISION] = [9000] + [0] * 5
    with pytest.raises(DownloadError, match=r"^127\.0\.0\.1:\d+ cannot be reached \("):
        fetch()
    assert find_cached(MODEL) is None
    assert [size for name, size in kept(Path()).items() if name.endswith(".incomplete")] == [9000]
    plan, begun = plan_download(MODEL), 9000
    kept_bytes = sum(file.size_bytes for file in plan.files if file.cached)
    assert [file.name for file in plan.files if not file.cached] == [VISION, "onnx/text_model_quantized.onnx"]
    hub.stall_after = 0
    with closing(download(plan)) as run:  # type: ignore[type-var]
        told = next(progress.done for progress in run if progress.done != kept_bytes)
    assert told == kept_bytes + begun
    hub.stall_after = -1
    hub.requests.clear()
    fetch()
    assert [request.range for request in hub.fetched(VISION)] == ["bytes=9000-"]
    assert hub.sent(VISION) == len(model.files[VISION]) - begun
    assert find_cached(MODEL) is not None
    assert not [name for name in kept(Path()) if name.endswith(".incomplete")]


def test_a_server_that_ignores_ranges_starts_again(hub: HubServer, model: Repository) -> None:
    hub.cut_after[VISION], hub.ignores_range = [9000], True
    assert fetch()[-1].done == plan_download(MODEL).total_bytes
    assert find_cached(MODEL) is not None


def test_another_range_than_asked_for_is_not_appended(hub: HubServer, model: Repository) -> None:
    hub.cut_after[VISION], hub.range_shift = [9000], 7
    fetch()
    assert [request.range for request in hub.fetched(VISION)] == ["", "bytes=9000-", ""]
    assert find_cached(MODEL) is not None


@pytest.mark.parametrize("begun", [b"x" * 50, b"x" * 200_000], ids=["garbage", "too long"])
def test_an_incomplete_file_that_is_no_beginning(hub: HubServer, model: Repository, begun: bytes) -> None:
    digest = next(file.digest for file in plan_download(MODEL).files if file.name == VISION)
    part = repository_folder(MODEL) / "blobs" / f"{digest}.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(begun)
    if len(begun) < len(model.files[VISION]):
        with pytest.raises(DownloadError, match="arrived with another content than the hub says; it was deleted"):
            fetch()
    fetch()
    assert (find_cached(MODEL) / VISION).read_bytes() == model.files[VISION]  # type: ignore[operator]


@pytest.mark.parametrize("name", [VISION, "config.json"], ids=["sha256", "sha1"])
def test_wrong_bytes_are_refused_and_thrown_away(hub: HubServer, model: Repository, name: str) -> None:
    right = model.files[name]
    hub.wrong[name] = right[:-1] + bytes([right[-1] ^ 1])
    with pytest.raises(
        DownloadError, match=rf"^{name} of who/toy-clip arrived with another content .* Try again\. Something on the"
    ):
        fetch()
    assert find_cached(MODEL) is None
    assert not [entry for entry in kept(Path()) if entry.endswith(".incomplete")]
    hub.wrong.clear()
    fetch()
    assert (find_cached(MODEL) / name).read_bytes() == right  # type: ignore[operator]


@pytest.mark.parametrize("sent", [b"", b"x", b"x" * 300_000])
def test_another_size_than_announced_is_refused(hub: HubServer, model: Repository, sent: bytes) -> None:
    hub.wrong[VISION] = sent
    with pytest.raises(DownloadError, match=rf"The hub sends {len(sent)} bytes of {VISION}, but announced \d+\."):
        fetch()


@pytest.mark.parametrize(
    ("more", "message"),
    [(1, rf"^The hub sends more of {VISION} than the \d+ bytes"), (-1, r"^The hub sent only \d+ of the \d+ bytes of")],
)
def test_an_answer_without_a_length_is_counted(hub: HubServer, model: Repository, more: int, message: str) -> None:
    hub.tells_length = False
    hub.wrong[VISION] = (model.files[VISION] + b"x")[: len(model.files[VISION]) + more]
    with pytest.raises(DownloadError, match=message):
        fetch()
    hub.wrong.clear()
    fetch()
    assert find_cached(MODEL) is not None


def test_content_is_checked_again_when_a_model_is_loaded(model: Repository) -> None:
    fetch()
    found = find_cached(MODEL)
    assert found is not None
    blob, damaged = (found / VISION).resolve(), bytearray(model.files[VISION])
    damaged[len(damaged) // 2] ^= 1
    blob.write_bytes(damaged)
    os.utime(blob, ns=(1, 1))
    with pytest.raises(DownloadError, match=rf"^{VISION} of {MODEL} was damaged .* Run: python -m clip_core dow"):
        load_encoder(MODEL)
    assert not blob.exists()
    assert find_cached(MODEL) is None
    fetch()
    check_content(found, [VISION, "config.json"], MODEL)
    assert load_encoder(MODEL).precision == "int8"


def test_a_blob_that_is_no_model_at_all_is_fetched_again(model: Repository) -> None:
    fetch()
    blob = (find_cached(MODEL) / VISION).resolve()  # type: ignore[operator]
    blob.write_bytes(bytes(len(model.files[VISION])))
    os.utime(blob, ns=(1, 1))
    assert find_cached(MODEL) is find_cached(MODEL, any_precision=True) is None
    with pytest.raises(
        NotDownloadedError,
        match=r"^vision_model_quantized\.onnx is not a readable ONNX file\. Its copy in huggingface_hub's cache is "
        rf"damaged\. Run: python -m clip_core download {MODEL}$",
    ):
        load_encoder(MODEL)
    assert plan_download(MODEL).missing_bytes == len(model.files[VISION])
    fetch()
    assert blob.read_bytes() == model.files[VISION]
    assert find_cached(MODEL) is not None
    blob.write_bytes(b"")
    assert load_encoder(MODEL, download=True).precision == "int8"


def test_a_damaged_copy_is_replaced_where_links_cannot_be_made(
    model: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, target: str) -> None:
        raise OSError("a privilege is not held")

    monkeypatch.setattr(Path, "symlink_to", refused)
    fetch()
    copied = find_cached(MODEL) / VISION  # type: ignore[operator]
    copied.write_bytes(b"no model")
    with pytest.raises(NotDownloadedError, match=rf"is damaged\. Run: python -m clip_core download {MODEL}$"):
        load_encoder(MODEL)
    assert main(["download", MODEL]) == 0
    assert copied.read_bytes() == model.files[VISION]
    assert load_encoder(MODEL).precision == "int8"


def test_another_precision_stands_in_for_a_damaged_one(model: Repository) -> None:
    fetch()
    fetch(plan_download(MODEL, precision="fp32"))
    (find_cached(MODEL) / VISION).resolve().write_bytes(b"no model")  # type: ignore[operator]
    assert load_encoder(MODEL).precision == "fp32"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_hub_that_is_ill_for_a_moment(hub: HubServer, model: Repository, status: int) -> None:
    hub.statuses[VISION] = [status] * 3
    fetch()
    assert len(hub.fetched(VISION)) == 4


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (503, rf"^The hub answered 503 for {VISION} of {MODEL}\. Try again later\. Use a model's folder"),
        (429, r"^The hub accepts no more requests from here for now \(429\)\."),
        (403, rf"^The hub refuses {VISION} of {MODEL} \(403\)\. If it is private or gated, set HF_TOKEN"),
        (418, rf"^The hub answered 418 for {VISION}"),
    ],
)
def test_a_hub_that_stays_ill(hub: HubServer, model: Repository, status: int, message: str) -> None:
    hub.statuses[VISION] = [status] * 20
    with pytest.raises(DownloadError, match=message):
        fetch()


def test_a_plan_from_a_hub_that_is_ill(hub: HubServer, model: Repository) -> None:
    hub.api_status = 503
    with pytest.raises(DownloadError, match=rf"^The hub answered 503 for {MODEL}\."):
        plan_download(MODEL)


def test_a_proxys_page_instead_of_the_hub(hub: HubServer, model: Repository) -> None:
    hub.api_page = True
    with pytest.raises(
        DownloadError, match=rf"^Instead of {MODEL}, 127\.0\.0\.1:\d+ sent something else, such as a proxy"
    ):
        plan_download(MODEL)
    hub.api_page = False
    plan = plan_download(MODEL)
    hub.file_page = True
    with pytest.raises(
        DownloadError, match=r"^Instead of config\.json of who/toy-clip, 127\.0\.0\.1:\d+ sent something"
    ):
        fetch(plan)
    assert kept(Path()) == {}


def test_no_network(hub: HubServer, model: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    message = (
        r"^127\.0\.0\.1:\d+ cannot be reached \(ConnectError\)\. Check the network, .*a model's folder, the Roboflow"
    )
    with pytest.raises(DownloadError, match=message):
        plan_download(MODEL)


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://huggingface.co", "huggingface.co"),
        ("http://user:pw@h:1", "h:1"),
        ("http://user:p@w@h:1/path", "h:1"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://[", "HF_ENDPOINT"),
        ("", "HF_ENDPOINT"),
        ("huggingface.co", "HF_ENDPOINT"),
        ("http://:80", "HF_ENDPOINT"),
        ("http://user:p/w@h:1", "HF_ENDPOINT"),
        ("http://" + "h" * 99, "h" * 59 + "…"),
    ],
)
def test_the_host_is_told_without_a_password_and_never_fails(
    cache: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str, host: str
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    assert hub_host() == host


def test_an_endpoint_that_is_no_address(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://[")
    with pytest.raises(DownloadError, match=r"^HF_ENDPOINT cannot be reached \(.*Check the network, the proxy and HF_"):
        plan_download(MODEL)


def test_an_unknown_or_private_model(hub: HubServer, model: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = r"^There is no model {} on the hub, or it is private\. Check the name; for a private one set HF_TOKEN"
    with pytest.raises(DownloadError, match=unknown.format("no/such")):
        plan_download("no/such")
    model.token = "hf_right"  # noqa: S105
    with pytest.raises(DownloadError, match=unknown.format(MODEL)):
        plan_download(MODEL)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(DownloadError, match=r"^The hub does not accept the token\. Correct or unset HF_TOKEN\."):
        plan_download(MODEL)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    fetch()
    assert load_encoder(MODEL).dim == 16


def test_a_gated_model(hub: HubServer, model: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    model.token, model.gated = "hf_right", True
    message = rf"^{MODEL} is gated: only users who accepted its terms .* Accept them on its page on the hub, and {{}}"
    with pytest.raises(DownloadError, match=message.format("set HF_TOKEN")):
        fetch()
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(DownloadError, match=message.format("check that HF_TOKEN")):
        fetch()


def test_an_unknown_revision_and_impossible_names(hub: HubServer, model: Repository) -> None:
    with pytest.raises(DownloadError, match=rf"^{MODEL} has no such revision\."):
        plan_download(MODEL, "v9")
    hub.requests.clear()
    for name, revision in [("../../etc", "main"), ("a/b", "../x"), ("a", "main"), ("a/b/c", "main"), ("a..b/c", "m")]:
        with pytest.raises(DownloadError, match=r"^This cannot be a model on the hub\."):
            plan_download(name, revision)
        assert find_cached(name, revision) is None
    assert hub.requests == []


def test_repositories_of_another_kind(hub: HubServer, model: Repository) -> None:
    del model.files["tokenizer.json"]
    with pytest.raises(DownloadError, match=rf"^The model {MODEL} lacks the file tokenizer\.json\. Use another model"):
        plan_download(MODEL)
    with pytest.raises(DownloadError, match=rf"^The model {MODEL} has no fp16 files, only fp32, int8\."):
        plan_download(MODEL, precision="fp16")
    for name in [name for name in model.files if name.startswith("onnx/")]:
        del model.files[name]
    with pytest.raises(DownloadError, match=r"lacks the file onnx/vision_model\.onnx\."):
        plan_download(MODEL)
    model.files["onnx/model.onnx"] = b""
    with pytest.raises(DownloadError, match=r"is one joint onnx/model\.onnx, which is not supported\."):
        plan_download(MODEL)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"size": 5 * 10**15}, r"has 5,000 TB, which is too much"),
        ({"size": -1}, r"the size and hash of onnx/vision"),
        ({"size": "9"}, r"the size and hash of onnx/vision"),
        (
            {"lfs": {"sha256": "../../../evil", "size": 1, "pointerSize": 1}},
            r"the size and hash of onnx/vision",
        ),
        ({"lfs": None, "blobId": "/etc/passwd"}, r"the size and hash of onnx/vision"),
        ({"lfs": {"size": 1}}, r"Instead of who/toy-clip"),
    ],
    ids=str,
)
def test_a_hostile_listing(model: Repository, entry: dict[str, object], message: str) -> None:
    model.listed[VISION] = entry
    with pytest.raises(DownloadError, match=message):
        plan_download(MODEL)


def test_a_hostile_tokenizer_size(model: Repository) -> None:
    model.listed["tokenizer.json"] = {"size": 10**10}
    with pytest.raises(DownloadError, match=r"^tokenizer\.json of who/toy-clip has 10 GB, which is too much\."):
        plan_download(MODEL)


def test_hostile_names_are_never_touched(hub: HubServer, model: Repository, cache: Path, tmp_path: Path) -> None:
    for name in ("../../../evil", "/etc/evil", "onnx/../../evil", f"{VISION}_data/../../evil", "onnx\\evil", "C:evil"):
        model.listed[name] = {"size": 5, "blobId": "0" * 40}
    fetch()
    assert find_cached(MODEL) is not None
    assert not list(tmp_path.rglob("*evil*"))
    assert not [request for request in hub.requests if "evil" in request.path]


def test_an_external_file_that_is_listed_but_missing(hub: HubServer, model: Repository) -> None:
    model.listed[f"{VISION}_data"] = {"size": 5, "blobId": "0" * 40}
    with pytest.raises(DownloadError, match=rf"^The hub has no {VISION}_data of {MODEL}\."):
        fetch()


def test_no_room_on_the_disk(model: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 5, 1000))  # type: ignore[attr-defined]
    with pytest.raises(DownloadError, match=r"needs 52 kB, but in huggingface_hub's cache only 1 kB are free, and"):
        fetch()
    assert not repository_folder(MODEL).exists()


def test_a_disk_that_does_not_answer(model: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def ill(path: Path) -> None:
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(shutil, "disk_usage", ill)
    with pytest.raises(
        DownloadError, match=r"^huggingface_hub's cache cannot be written \(Input/output error\)\. Check"
    ):
        fetch()


def test_a_disk_that_fills_up_on_the_way(model: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(self))

    plan = plan_download(MODEL)
    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(DownloadError, match=r"^The disk is full: who/toy-clip does not fit .*resumes where it stopped"):
        fetch(plan)


def test_a_cache_that_cannot_be_written(model: Repository, cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(DownloadError, match=r"^huggingface_hub's cache cannot be written \(.+\)\. Check its permiss"):
        fetch()


@pytest.mark.parametrize("how", ["slow", "stalled"])
def test_cancelling_waits_for_no_timeout_and_keeps_what_came(hub: HubServer, model: Repository, how: str) -> None:
    plan = plan_download(MODEL)
    names = [file.name for file in plan.files]
    before = sum(file.size_bytes for file in plan.files[: names.index(VISION)])
    if how == "slow":
        hub.bytes_per_second = 20_000
    else:
        hub.stall_after = 8192
    with closing(download(plan)) as run:
        for progress in run:
            if progress.note == VISION and progress.done > before + 4000:
                break
        pressed = time.monotonic()
    assert time.monotonic() - pressed < 8  # a read that stalls is given up after 10 s
    hub.bytes_per_second, hub.stall_after = 0, -1
    (have,) = [size for name, size in kept(Path()).items() if name.endswith(".incomplete")]
    assert 4000 < have < len(model.files[VISION])
    fetch()
    assert hub.fetched(VISION)[-1].range == f"bytes={have}-"
    assert hub.fetched(VISION)[-1].sent == len(model.files[VISION]) - have


def test_closing_the_iterator_stops_the_download(hub: HubServer, model: Repository) -> None:
    hub.stall_after = 0
    run = download(plan_download(MODEL))
    next(run)  # type: ignore[call-overload]
    threads = [thread for thread in threading.enumerate() if thread.name == "download"]
    run.close()  # type: ignore[attr-defined]
    assert len(threads) == 1
    assert not threads[0].is_alive()


def test_progress_comes_while_it_runs_and_tells_what_is_left(hub: HubServer, model: Repository) -> None:
    hub.bytes_per_second = 30_000
    seen = fetch()
    assert len({progress.done for progress in seen}) > 4
    assert hub_module.EVERY_S < 0.5
    late = seen[len(seen) // 2]
    assert 0 < late.bytes_per_second < 200_000
    assert late.seconds_left == pytest.approx((late.total - late.done) / late.bytes_per_second)


def test_two_at_once_fetch_each_file_once(hub: HubServer, model: Repository) -> None:
    hub.bytes_per_second = 100_000
    plan = plan_download(MODEL)
    one, two = download(plan), download(plan)
    next(one)  # type: ignore[call-overload]
    assert list(two)[-1].done == plan.total_bytes
    assert list(one)[-1].done == plan.total_bytes
    assert hub.sent(VISION) == len(model.files[VISION])


def test_the_token_stays_with_the_hub(
    hub: HubServer, model: Repository, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HF_TOKEN", "hf_SECRET")
    with HubServer() as elsewhere:
        elsewhere.repositories = hub.repositories
        hub.redirect = elsewhere.url.replace("127.0.0.1", "localhost")
        fetch()
        assert elsewhere.sent(VISION) == len(model.files[VISION])
        assert {request.authorization for request in elsewhere.requests} == {""}
        assert {request.authorization for request in hub.requests} == {"Bearer hf_SECRET"}
        assert find_cached(MODEL) is not None
        shutil.rmtree(repository_folder(MODEL))
        elsewhere.statuses[VISION] = [403]
        with pytest.raises(DownloadError) as caught:
            fetch()
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "SECRET" not in repr(seen) + str(seen)
        assert "SIGNED" not in repr(seen) + str(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    assert "SECRET" not in caplog.text


LONG = "onnx-community/siglip2-base-patch16-224-ONNX"
SWITCHES: dict[str, Callable[[HubServer, Repository], object]] = {
    "api page": lambda hub, model: setattr(hub, "api_page", True),
    "file page": lambda hub, model: setattr(hub, "file_page", True),
    **{
        f"api {status}": lambda hub, model, status=status: setattr(hub, "api_status", status)  # type: ignore[misc]
        for status in (401, 403, 404, 418, 429, 500, 503)
    },
    **{
        f"file {status}": lambda hub, model, status=status: hub.statuses.update({VISION: [status] * 20})  # type: ignore[misc]
        for status in (401, 403, 404, 418, 429, 500, 503)
    },
    "cut": lambda hub, model: hub.cut_after.update({VISION: [0] * 20}),
    "short": lambda hub, model: hub.wrong.update({VISION: b"x"}),
    "wrong": lambda hub, model: hub.wrong.update({VISION: bytes(len(model.files[VISION]))}),
    "without a length": lambda hub, model: (setattr(hub, "tells_length", False), hub.wrong.update({VISION: b"x"})),
    "too much": lambda hub, model: (
        setattr(hub, "tells_length", False),
        hub.wrong.update({VISION: model.files[VISION] + b"x"}),
    ),
    "private": lambda hub, model: setattr(model, "token", "hf_right"),
    "gated": lambda hub, model: (setattr(model, "token", "hf_right"), setattr(model, "gated", True)),
    "no such revision": lambda hub, model: model.branches.update(main="0" * 40),
    "listed only": lambda hub, model: model.listed.update({f"{VISION}_data": {"size": 5, "blobId": "0" * 40}}),
    "huge": lambda hub, model: model.listed.update({VISION: {"size": 5 * 10**15}}),
    "no size": lambda hub, model: model.listed.update({VISION: {"size": None}}),
    "no hash": lambda hub, model: model.listed.update({VISION: {"lfs": None, "blobId": "x"}}),
    "no tokenizer": lambda hub, model: model.files.pop("tokenizer.json"),
    "no tower": lambda hub, model: [model.files.pop(name) for name in list(model.files) if name.startswith("onnx/")],
    "elsewhere": lambda hub, model: setattr(hub, "redirect", "http://127.0.0.1:9"),
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_every_message_fits_a_terminal(hub: HubServer, model: Repository, switch: str) -> None:
    SWITCHES[switch](hub, hub.repositories.setdefault(LONG, hub.repositories.pop(MODEL)))
    with pytest.raises(DownloadError) as caught:
        fetch(plan_download(LONG))
    assert caught.value.line == str(caught.value)  # not one of them has to be cut


def test_an_impossible_name_is_not_repeated() -> None:
    with pytest.raises(
        DownloadError, match=r"^This cannot be a model on the hub\. Names look like Xenova/clip"
    ) as caught:
        plan_download("x" * 97 + "/" + "y" * 97)
    assert caught.value.line == str(caught.value)


def in_a_process(code: str, **environment: str) -> str:
    env = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    env |= {"PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


LOAD = (
    "from clip_core import load_encoder; from clip_core.errors import ClipVideoError\n"
    f"try: print('dim', load_encoder('{MODEL}', download=True).dim)\n"
    "except ClipVideoError as error: print(type(error).__name__, error)"
)


def test_the_environment_decides_place_hub_and_token(hub: HubServer, model: Repository, tmp_path: Path) -> None:
    model.token = "hf_SECRET"  # noqa: S105
    own = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.url}
    assert "DownloadError There is no model who/toy-clip on the hub, or it is private." in in_a_process(LOAD, **own)
    out = in_a_process(LOAD, **own, HF_TOKEN="hf_SECRET")  # noqa: S106
    assert out.strip() == "dim 16"
    assert (tmp_path / "home" / "hub" / "models--who--toy-clip" / "refs" / "main").read_text() == model.commit
    asked = len(hub.requests)
    assert in_a_process(LOAD, **own, HF_HUB_OFFLINE="1").strip() == "dim 16"
    assert len(hub.requests) == asked


def test_offline_means_no_request(hub: HubServer, model: Repository, tmp_path: Path) -> None:
    out = in_a_process(LOAD, HF_HOME=str(tmp_path / "home"), HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1")
    assert f"DownloadError HF_HUB_OFFLINE is set, so {MODEL} is not downloaded. Unset it" in out
    assert hub.requests == []


def test_room_is_asked_of_the_folder_that_will_be(model: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "SPARE_BYTES", 10**18)
    with pytest.raises(DownloadError, match=r"in huggingface_hub's cache only [\d.]+ [kMG]B are free"):
        fetch()
