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
        (b'\xef\xbb\xbf{"message": "marked"}', "“marked”."),
        (b'"a text in JSON."', "“a text in JSON.”"),
        (b'"cut', '“"cut”.'),
        ({"Message": "capital"}, "“capital”."),
        ({"message": "", "error": {"code": 8, "message": "inner"}}, "“inner”."),
        ({"error": True, "detail": {"msg": "said"}}, "“said”."),
        ({"errors": ["first", "second", "third"]}, "“first; second”."),
        ({"errors": [{"message": "x"}, {"detail": "y"}]}, "“x; y”."),
        ([{"message": "x"}], "“x”."),
        ({"type": "about:blank", "title": "Busy", "detail": "All workers are taken!"}, "“All workers are taken!”"),
        ({"error": {"error": {"error": {"error": {"error": {"error": "iVBOR"}}}}}}, ""),
        ({"message": 5}, ""),
        ({"other": "iVBOR"}, ""),
        (5, ""),
        (None, ""),
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


NGINX = b"""<html>\r\n<head><title>502 Bad Gateway</title></head>
<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>"""
CLOUDFLARE = """<!DOCTYPE html><html><head><title>clip.example | 522: Connection timed out</title><style>a{b:c}</style>
<script>var a = "<b>no</b>";</script></head><body><h1>Connection timed out</h1><p>Ray&nbsp;ID: 7&#38;8</p></body>"""


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (502, NGINX, "cannot be reached behind its gateway (502). The page says: “502 Bad Gateway nginx/1.18.0”. Wait"),
        (
            522,
            CLOUDFLARE.encode(),
            "cannot be reached behind its gateway (522). The page says: “clip.example | 522: Connection timed out "
            "Connection timed out Ray ID: 7&8”. Wait",
        ),
        (413, b"<h1>413 Request Entity Too Large", "rejects the request as too large (413). The page says: “413 Req"),
        (403, b"<p>key rf_SEC/RET+&uuml;&amp;&#x3c;&quot; no!</p>", "this (403). The page says: “key [key] no!” Check"),
        (429, b"<script>alert(1)</script>", "was asked too often (429). Wait a little"),
        (
            503,
            b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>",
            "starting (503). The page says: “SlowDown”.",
        ),
    ],
)
def test_a_web_page_becomes_text(status: int, body: bytes, text: str) -> None:
    message = told(status, body, "text/html; charset=utf-8")
    assert message.startswith(f"{SERVER} ")
    assert text in message


@pytest.mark.parametrize(
    "piece", ["<!", "<!--", "<a ", "</", "<a b='", "<![CDATA[", "<script>", "&#", "x<y ", "<?", "\0"]
)
def test_a_web_page_of_one_piece_again_and_again_says_what_the_status_means(piece: str) -> None:
    message = told(502, f"<p>{piece * 60_000}".encode(), "text/html")
    assert message.startswith(f"{SERVER} cannot be reached behind its gateway (502).")
    assert message.endswith("Wait a little and try again; what is embedded is kept.")
    assert len(message) < 400


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (503, "Internal error. Could not connect to Roboflow API."),
        (502, "Internal error. Request to Roboflow API failed."),
        (504, "Timeout when attempting to connect to Roboflow API."),
        (500, "Could not retrieve model clip/ViT-B-16"),
        (500, "HTTPSConnectionPool(host='api.roboflow.com', port=443): Max retries exceeded"),
        (500, "Failed to download model weights."),
        (503, "The weights of clip/ViT-B-16 are not in the cache."),
    ],
)
def test_a_server_without_weights_says_so_first(status: int, reason: str) -> None:
    message = told(status, {"message": reason})
    quoted = f"“{reason}”" if reason.endswith(".") else f"“{reason}”."
    assert message == (
        f"{SERVER} says: {quoted} It cannot fetch the CLIP weights ({status}). "
        "It needs Internet access once, a valid key, or a cache of the weights."
    )


@pytest.mark.parametrize(
    ("status", "reason", "meaning"),
    [
        (503, "Model is temporarily not ready - retry request.", "is too busy, or just starting (503). Wait a little"),
        (503, "Downloading the weights, try again.", "is too busy, or just starting (503). Wait a little"),
        (503, "The weights are not yet loaded.", "is too busy, or just starting (503). Wait a little"),
        (500, "Weights only load failed.", "failed internally (500). Look at its own log."),
        (401, "Unauthorized access to roboflow API - check API key.", "refused the key (401). Check roboflow_api_key"),
        (400, "Required Roboflow API key is missing.", "wants a key (400). Check roboflow_api_key in config.yaml"),
        (400, "Could not load the input image.", "cannot read what was sent (400). Update the server"),
        (408, "Slow.", "did not get the whole request in time (408). The network may be slow."),
        (501, "No such provider.", "cannot do this (501). Its log says more."),
        (511, "Log in.", "cannot be reached: the network wants a login (511). Log in to the network in a browser"),
        (418, "teapot.", "answered with status 418. Look at its log."),
    ],
)
def test_what_a_reason_means_comes_after_it(status: int, reason: str, meaning: str) -> None:
    assert told(status, {"message": reason}).startswith(f"{SERVER} says: “{reason}” It {meaning}")


def test_keys_of_others_are_not_shown() -> None:
    reason = (
        "GET https://api.example/x?api_key=rf_OTHER&y=1 failed: Bearer abc.def, {'apikey': 'rf_THIRD', "
        "'X-API-Key': 'rf_FOURTH', 'Authorization': 'Basic dXNlcjpwYXNz'}"
    )
    shown = (
        "GET https://api.example/x?api_key=[key]&y=1 failed: Bearer [key], {'apikey': '[key]', "
        "'X-API-Key': '[key]', 'Authorization': 'Basic [key]'}"
    )
    assert f"says: “{shown}”. It" in told(500, {"message": reason})


def test_a_body_that_is_compressed_unasked_is_not_shown() -> None:
    error = ServerErrors("http://h:9001", "").refused(500, {"Content-Encoding": "gzip"}, b"\x1f\x8bgarbage")
    assert error.what == f"{SERVER} failed internally (500)."


def test_what_is_no_answer_is_quoted_too() -> None:
    errors = ServerErrors("http://h:9001", KEY)
    assert errors.no_answer("is odd", {}, f"hello {KEY}".encode()).what == f"{SERVER} says: “hello [key]”. It is odd."
    page = errors.no_answer("is odd", {"Content-Type": "text/html"}, b"<h1>Log in</h1>")
    assert page.what == f"{SERVER} answered with a web page. The page says: “Log in”."


def test_a_terminal_line_keeps_the_next_step_and_cuts_the_reason() -> None:
    error = ServerErrors("http://h:9001", "").refused(401, {}, json.dumps({"message": "word " * 99}).encode())
    assert len(error.line) == 200
    assert error.line.startswith(f"{SERVER} says: “word word")
    assert error.line.endswith(f"…” It refused the key (401). {error.next_step}")
