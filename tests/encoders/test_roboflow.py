"""The encoder on an inference server: what it sends, what it makes of the answers, and what is kept when it fails."""

import base64
import json
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, quote_plus

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video
from clip_core.config import CLIP_VERSIONS, Config
from clip_core.encoders.roboflow import VERSIONS, RoboflowEncoder
from clip_core.encoders.roboflow_http import Patience
from clip_core.errors import ServerError
from tests.support import video_maker
from tests.support.inference_server import FAULTS, SIZES, FakeInferenceServer, picture_vector, text_vector

KEY = 'rf_SEC/RET+ü&<"'
GREY = np.full((40, 60, 3), 128, dtype=np.uint8)


@pytest.fixture
def server() -> Iterator[FakeInferenceServer]:
    with FakeInferenceServer() as fake:
        yield fake


def encoder(
    server: FakeInferenceServer, name: str = "roboflow", patience: Patience | None = None, **settings: object
) -> RoboflowEncoder:
    config = replace(Config(), inference_url=server.url, **settings)  # type: ignore[arg-type]
    return RoboflowEncoder(name, config, patience or Patience(sleep=lambda seconds: None))


def photos(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(count)
    ramps = [np.linspace(0, 255, 90)[:, None, None] * rng.random(3) for _ in range(count)]
    return [(ramp + rng.integers(0, 9, (90, 160, 3))).clip(0, 255).astype(np.uint8) for ramp in ramps]


def test_says_what_it_is(server: FakeInferenceServer) -> None:
    found = encoder(server, crop="pad")
    assert (found.id, found.name, found.precision) == ("roboflow", "Roboflow server · ViT-B-16", "")
    assert (found.provider, found.sends_to) == (f"127.0.0.1:{server.port}", None)
    assert (found.dim, found.image_size, found.framing, found.logit_scale) == (512, (224, 224), "pad", 100.0)
    assert found.default_threshold == 0.27
    assert encoder(server, "roboflow:RN50x64").image_size == (448, 448)
    assert encoder(server, clip_version="ViT-L-14").name == "Roboflow server · ViT-L-14"
    away = RoboflowEncoder("roboflow", replace(Config(), inference_url="https://infer.example:8443"))
    assert away.sends_to == away.provider == "infer.example:8443"
    assert server.connections == 0


def test_every_version_has_its_size() -> None:
    assert {name: dim for name, (dim, _) in VERSIONS.items()} == SIZES
    assert tuple(VERSIONS) == CLIP_VERSIONS


def test_the_fingerprint_is_of_version_and_preprocessing_alone(server: FakeInferenceServer) -> None:
    one = encoder(server).fingerprint
    assert RoboflowEncoder("roboflow:ViT-B-16").fingerprint == one
    assert encoder(server, roboflow_api_key=KEY, crop="center").fingerprint == one
    others = {encoder(server, f"roboflow:{name}").fingerprint for name in VERSIONS}
    assert len(others | {encoder(server, crop=crop).fingerprint for crop in ("pad", "squash")}) == len(VERSIONS) + 2


@pytest.mark.parametrize("crop", [None, "center", "squash", "pad"])
def test_pictures_arrive_as_they_were_prepared(server: FakeInferenceServer, crop: str | None) -> None:
    found, images = encoder(server, crop=crop), [*photos(3), np.full((5, 900, 3), 7, np.uint8)]
    vectors = found.embed_images(images)
    arrived = sorted(server.pictures, key=lambda picture: picture.tobytes())
    wanted = sorted((found._preprocessing.pixels(image) for image in images), key=lambda picture: picture.tobytes())
    assert all(np.array_equal(one, other) for one, other in zip(arrived, wanted, strict=True))
    for image, vector in zip(images, vectors, strict=True):
        raw = np.array(picture_vector(found._preprocessing.pixels(image), 512))
        np.testing.assert_allclose(vector, raw / np.linalg.norm(raw), atol=1e-6)
        assert np.linalg.norm(raw) > 1.5
    assert server.wrongs == []
    assert all(set(body) == {"clip_version_id", "image"} for body in server.bodies)


def test_red_stays_red(server: FakeInferenceServer) -> None:
    red = np.zeros((100, 100, 3), np.uint8)
    red[..., 0] = 255
    encoder(server).embed_images([red])
    assert server.pictures[0].reshape(-1, 3).tolist() == [[255, 0, 0]] * (224 * 224)


def test_texts_go_by_eight(server: FakeInferenceServer) -> None:
    texts = [f"text {number}" for number in range(19)]
    vectors = encoder(server).embed_texts(texts)
    assert sorted(len(body["text"]) for body in server.bodies) == [3, 8, 8]
    for text, vector in zip(texts, vectors, strict=True):
        raw = np.array(text_vector(text, 512))
        np.testing.assert_allclose(vector, raw / np.linalg.norm(raw), atol=1e-6)


def test_what_no_utf8_can_hold_is_mended(server: FakeInferenceServer) -> None:
    encoder(server).embed_texts(["a\ud800b"])
    assert server.texts == ["a?b"]


def test_one_text_is_no_list(server: FakeInferenceServer) -> None:
    with pytest.raises(TypeError, match="not one text"):
        encoder(server).embed_texts("a dog")


def test_a_server_cuts_no_text(server: FakeInferenceServer) -> None:
    assert [words.cut_off for words in encoder(server).unread(["a", "b " * 100])] == ["", ""]


@pytest.mark.parametrize("version", [(1, 8), (1, 5)])
def test_the_text_that_is_too_long_is_named(server: FakeInferenceServer, version: tuple[int, int]) -> None:
    server.version = version
    status = 400 if version == (1, 8) else 500
    said = "Input many many .*…" if version == (1, 8) else r"Internal error\."
    message = rf'says: “{said}” It refused the text "many many [many ]*…" \({status}\)\. Shorten it: about 75'
    with pytest.raises(ServerError, match=message) as caught:
        encoder(server).embed_texts(["cat", "many " * 100, "dog"])
    assert len(server.bodies) == 4
    assert caught.value.status == status
    assert len(caught.value.line) <= 200
    with pytest.raises(ServerError, match="Shorten it"):
        encoder(server).embed_texts(["many " * 100])
    assert len(server.bodies) == 5


def test_a_long_text_is_not_blamed_for_missing_weights(server: FakeInferenceServer) -> None:
    server.fault = "no weights at all"
    with pytest.raises(
        ServerError, match=r"“Could not retrieve model clip\.” It cannot fetch the CLIP weights \(500\)\."
    ):
        encoder(server).embed_texts(["cat", "many " * 100])
    assert len(server.bodies) == 1


def test_what_a_server_says_instead_of_vectors_is_quoted(server: FakeInferenceServer) -> None:
    server.fault = "message instead"
    message = rf"at 127\.0\.0\.1:{server.port} says: “No CLIP here: \[key\]\.” It answered without a list of vectors\."
    with pytest.raises(ServerError, match=message):
        encoder(server, roboflow_api_key="No CLIP key").embed_texts(["cat"])


def test_a_short_text_is_not_said_to_be_too_long(server: FakeInferenceServer) -> None:
    server.fault, server.times = "500", 2
    with pytest.raises(ServerError, match=r'refused the text "cat" \(500\)\. Word it differently\.'):
        encoder(server).embed_texts(["cat", "dog"])
    server.times = 3
    with pytest.raises(ServerError, match=r"failed internally \(500\)\. Look at its own log"):
        encoder(server).embed_texts(["cat", "dog"])
    server.times = 1
    assert encoder(server).embed_texts(["cat", "dog"]).shape == (2, 512)  # one by one they pass


def test_a_failure_while_looking_for_the_text(server: FakeInferenceServer) -> None:
    server.key = "right"
    with pytest.raises(ServerError, match="refused the key"):
        encoder(server, roboflow_api_key="wrong").embed_texts(["cat", "dog"])
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("one for several", r"gave 1 vectors for 2 texts\. Check clip_version and inference_url"),
        ("no embeddings", "answered without a list of vectors"),
        ("null embeddings", "answered without a list of vectors"),
        ("flat", "answered without a list of vectors"),
        ("none", "gave 0 vectors for 2 texts"),
        ("two", "gave 4 vectors for 2 texts"),
        ("ragged", "gave vectors of differing lengths"),
        (
            "other length",
            r"^The inference server at 127\.0\.0\.1:\d+ \(ViT-B-16\) gave a vector of 1024 numbers instead of 512\.",
        ),
        ("strings", "gave a vector of something other than numbers"),
        ("nulls", "gave a vector of something other than numbers"),
        ("yes", "gave a vector of something other than numbers"),
        ("nan", "gave a NaN or infinite vector for a text"),
        ("infinite", "gave a NaN or infinite vector for a text"),
        ("too large", "gave a number that is too large"),
        ("zero", "gave a zero vector for a text"),
    ],
)
def test_answers_that_hold_no_vectors(server: FakeInferenceServer, fault: str, message: str) -> None:
    server.fault = fault
    with pytest.raises(ServerError, match=message) as caught:
        encoder(server).embed_texts(["cat", "dog"])
    assert len(caught.value.line) <= 200
    assert caught.value.next_step in caught.value.line


def test_a_dimension_that_changes_between_two_requests(server: FakeInferenceServer) -> None:
    server.fault, server.after = "other length", 3
    with pytest.raises(ServerError, match="gave a vector of 1024 numbers instead of 512"):
        encoder(server).embed_images(photos(8))


def test_nothing_more_is_sent_once_one_has_failed(server: FakeInferenceServer) -> None:
    server.fault, server.after, server.delay_s = "402", 4, 0.02
    with pytest.raises(ServerError, match="no credits left"):
        encoder(server).embed_images(photos(30))
    assert len(server.bodies) <= 6


SPELLINGS = (KEY, quote(KEY, safe=""), quote_plus(KEY), json.dumps(KEY)[1:-1], base64.b64encode(KEY.encode()).decode())


@pytest.mark.parametrize("fault", FAULTS)
def test_the_key_is_in_no_message_no_log_and_no_address(
    server: FakeInferenceServer, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.fault = fault
    slow = fault == "silent" or fault.startswith("drip")
    patience = Patience(read_s=0.3 if slow else 30, whole_s=0.3 if slow else 60, sleep=lambda seconds: None)
    found = encoder(server, patience=patience, roboflow_api_key=KEY)
    with pytest.raises(ServerError) as caught:
        found.embed_texts(["cat", "dog"])
    assert server.bodies[0]["api_key"] == KEY
    assert server.wrongs == []
    records = [str(vars(record)) for record in caplog.records]
    told = [*records, repr(found), repr(caught.value), "".join(traceback.format_exception(caught.value))]
    assert any("/clip/embed_text" in record for record in records) or slow or fault in ("hang up", "no http", "stop")
    for text in told:
        assert not [spelling for spelling in SPELLINGS if spelling in text], text
        assert "SEC" not in text
    assert "SEC" not in str(server.headers)


def test_a_server_that_dies_in_the_middle(server: FakeInferenceServer, tmp_path: Path) -> None:
    settings = video_maker.VideoSpec(options={"g": "30", "sc_threshold": "0"})
    video = video_maker.planted(tmp_path, "numbered", 300, settings)
    store = EmbeddingStore(tmp_path / "embeddings")
    server.fault, server.after = "stop", 20
    first = encoder(server)
    # Several requests are in flight: the first of them that fails may be one that came after the server was gone.
    with pytest.raises(
        ServerError,
        match=r"broke off in the middle of an answer\. It may have stopped: start it again|refuses connections\.",
    ):
        list(index_video(video.path, first, store, samples_per_second=5.0))
    with pytest.raises(ServerError, match=r"refuses connections\. Is the server started\?"):
        list(index_video(video.path, first, store, samples_per_second=5.0))
    (record,) = store.videos()
    kept = len(store.stored_pts(record.video_id, first.fingerprint))
    assert 0 < kept <= 20
    with FakeInferenceServer() as again:
        second = encoder(again)
        *_, last = index_video(video.path, second, store, samples_per_second=5.0)
        assert last.done == last.total == 50
        assert len(again.bodies) == last.total - kept
        assert again.wrongs == []
