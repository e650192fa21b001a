"""Words about failures: whole, short, and without the key."""

import base64
import json
from urllib.parse import quote

import pytest

from clip_core.encoders.roboflow_errors import ServerErrors, redacted

SERVER = "The inference server at h:9001"
KEY = 'rf_SEC/RET+ü&<"'


def told(status: int, body: object, kind: str = "application/json") -> str:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return str(ServerErrors("http://h:9001", KEY).refused(status, {"Content-Type": kind}, data))


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        json.dumps(KEY)[1:-1],
        quote(KEY, safe=""),
        quote(KEY, safe="").lower(),
        base64.b64encode(KEY.encode()).decode(),
        "rf_SEC/RET+ü&amp;&lt;&quot;",
        KEY.upper(),
    ],
)
def test_no_spelling_of_the_key_is_left(written: str) -> None:
    assert redacted(f"bad key '{written}'!", KEY) == "bad key '[key]'!"
    assert told(401, {"message": f"bad key '{written}'!"}).startswith(f"{SERVER} says: “bad key '[key]'!” It refused")
    assert told(500, f"{'x ' * 70}{written}".encode(), "text/plain").count("SEC") == 0  # cut after it is redacted


def test_without_a_key_nothing_is_taken_out() -> None:
    assert redacted("as it is", "") == "as it is"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "Internal error."}, "“Internal error.”"),
        ({"status": 401, "message": "a\n\x1b[31mb"}, "“a [31mb”."),
        ({"detail": "Not Found"}, "“Not Found”."),
        (
            {"detail": [{"loc": ["body", "image", 0], "msg": "Field required", "input": "iVBOR"}, {"msg": "b"}, {}]},
            "“body image 0: Field required; b”.",
        ),
        ({"detail": ["iVBOR", 3]}, ""),
        ({"message": {"input": "iVBOR"}}, ""),
        (["iVBOR"], ""),
        (b'{"detail": [{"input": "iVBOR', ""),
        (b"[" * 5000, ""),
        (b"plain text", "“plain text”."),
        (b"\xff\xfe", "“\ufffd\ufffd”."),
        (b"cannot read " + b"iVBOR" * 100, "“cannot read …”"),
        (b"", ""),
    ],
)
def test_the_words_of_the_server(body: object, words: str) -> None:
    text = told(500, body)
    says = f"says: {words} It " if words else ""
    assert text.startswith(f"{SERVER} {says}failed internally (500). Look at its own log. ")
    assert text.endswith("an unknown clip_version.")
    assert "iVBOR" not in text


def test_the_words_of_the_server_are_short() -> None:
    assert len(told(500, {"message": "word " * 10_000}).partition("“")[2].partition("”")[0]) == 150


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://else.example:8443/a?api_key=x", "else.example"),
        ("/login", "h"),
        ("//user:password@b.example", "b.example"),
        ("http://[bad", "nowhere"),
        ("", "h"),
        (f"http://{quote(KEY, safe='')}.example", "[key].example"),
    ],
)
def test_a_redirect_tells_the_host_alone(location: str, host: str) -> None:
    error = ServerErrors("http://h:9001", KEY).refused(307, {"Location": location}, b"")
    assert error.what == f"The inference server at h:9001 redirects to {host}, which is not followed."
    assert error.status == 307
