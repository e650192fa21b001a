"""The way to an inference server over real sockets: what is asked again, what is refused, what never leaves."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest
import requests

from clip_core.config import Config
from clip_core.encoders.roboflow import RoboflowEncoder
from clip_core.encoders.roboflow_http import InferenceServer, Patience, is_loopback, retry_after
from clip_core.errors import ServerBusyError, ServerError
from tests.support.inference_server import FakeInferenceServer

TEXT = {"clip_version_id": "ViT-B-16", "text": ["a"]}
NOON = 1_700_000_000.0
LOG_IN = r"The page says: “Log in to the network”\."


@dataclass
class Clock:
    """Notes the waits instead of waiting."""

    waits: list[float] = field(default_factory=list)

    def patience(self, **changes: float) -> Patience:
        return replace(Patience(sleep=self.waits.append, now=lambda: NOON), **changes)  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[FakeInferenceServer]:
    with FakeInferenceServer() as fake:
        yield fake


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)


def post(url: str, key: str = "", patience: Patience | None = None) -> dict[str, object]:
    return InferenceServer(url, key, patience or Clock().patience()).post("/clip/embed_text", TEXT)


def embed(url: str, patience: Patience) -> None:
    """Embed a text: the encoder asks again where a request alone does not."""
    RoboflowEncoder("roboflow", replace(Config(), inference_url=url), patience).embed_texts(["a"])


def test_the_key_stands_in_the_body_alone(server: FakeInferenceServer) -> None:
    server.key = "rf-SECRET"
    assert len(post(server.url, "rf-SECRET")["embeddings"]) == 1  # type: ignore[arg-type]
    assert server.bodies[0]["api_key"] == "rf-SECRET"
    assert "SECRET" not in str(server.headers)
    assert server.headers[0]["Content-Type"] == "application/json"
    assert server.wrongs == []
    assert "SECRET" not in repr(InferenceServer(server.url, "rf-SECRET"))


def test_no_key_is_sent_where_there_is_none(server: FakeInferenceServer) -> None:
    post(server.url)
    assert "api_key" not in server.bodies[0]


def test_two_in_flight_however_many_ask(server: FakeInferenceServer) -> None:
    server.delay_s = 0.05
    asked = InferenceServer(server.url, "")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: asked.post("/clip/embed_text", TEXT), range(12)))
    assert server.most_in_flight == 2
    assert server.connections == 2


@pytest.mark.parametrize("status", ["429", "502", "503", "504"])
def test_a_busy_server_is_asked_again(server: FakeInferenceServer, status: str) -> None:
    server.fault, server.times, clock = status, 2, Clock()
    embed(server.url, clock.patience())
    assert clock.waits == [0.5, 1.0]
    assert len(server.bodies) == 3


def test_a_busy_server_is_asked_four_times_at_most(server: FakeInferenceServer) -> None:
    server.fault, clock = "503", Clock()
    with pytest.raises(ServerError, match=r"too busy, or just starting \(503\)\. Wait a little") as caught:
        embed(server.url, clock.patience())
    assert clock.waits == [0.5, 1.0, 2.0]
    assert len(server.bodies) == 4
    assert caught.value.status == 503


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        ("4", [4.0, 4.0, 4.0]),
        ("0", [0.0, 0.0, 0.0]),
        ("30", [30.0]),
        ("33", []),
        ("3600", []),
        ("20", [20.0]),
        ("9" * 400, []),
        ("Tue, 14 Nov 2023 22:13:27 GMT", [7.0, 7.0, 7.0]),
        ("Tue, 14 Nov 2023 20:00:00 GMT", [0.0, 0.0, 0.0]),
        ("soon", [0.5, 1.0, 2.0]),
        ("-5", [0.5, 1.0, 2.0]),
    ],
)
def test_the_server_says_when_and_patience_how_long(
    server: FakeInferenceServer, asked: str, waits: list[float]
) -> None:
    server.fault, server.headers_sent, clock = "429", {"Retry-After": asked}, Clock()
    with pytest.raises(ServerError, match=r"was asked too often \(429\)"):
        embed(server.url, clock.patience())
    assert clock.waits == waits
    assert sum(waits) <= 30


NEITHER = ("", "1.5", "1e9", "²", "nan", "inf", "-5", "5, 5", "Tue", "Tue, 99 Nov 2023 22:13:30 GMT",
           f"Tue, 14 Nov {'9' * 30} 22:13:27 GMT", f"Tue, 14 Nov 2023 22:13:27 +{'9' * 40}")  # fmt: skip


@pytest.mark.parametrize("status", ["429", "503"])
@pytest.mark.parametrize(
    ("asked", "seconds", "text"),
    [
        ("33", 33, "33 s"),
        ("Tue, 14 Nov 2023 22:14:00 GMT", 40, "40 s"),
        ("900", 900, "15 min"),
        ("1000000000", 10**9, "11,574 days"),
    ],
)
def test_until_when_to_wait_is_said(
    server: FakeInferenceServer, status: str, asked: str, seconds: int, text: str
) -> None:
    server.fault, server.headers_sent = status, {"Retry-After": asked}
    then, now = datetime.fromtimestamp(NOON + seconds).astimezone(), datetime.fromtimestamp(NOON).astimezone()
    until = f"{then:%H:%M:%S}" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M}"
    with pytest.raises(ServerBusyError) as caught:
        post(server.url)
    assert (caught.value.wait_s, caught.value.until) == (seconds, until)
    step = f"It asks to wait until {until} ({text}). What is embedded is kept."
    assert caught.value.next_step == step
    assert caught.value.line.startswith(f"The inference server at 127.0.0.1:{server.port} says: “")
    assert caught.value.line.endswith(step)


def test_retry_after_is_a_number_or_a_date() -> None:
    assert retry_after(" 7 ", NOON) == 7
    assert retry_after("Tue, 14 Nov 2023 22:13:30 -0000", NOON) == 10
    assert retry_after("000000000000000000007", NOON) == 7
    assert retry_after("9" * 5000, NOON) == retry_after("Fri, 31 Dec 9999 23:59:59 GMT", NOON) == 1e11
    assert retry_after("Mon, 01 Jan 0001 00:00:00 +2359", NOON) == 0
    assert [retry_after(text, NOON) for text in NEITHER] == [None] * len(NEITHER)


@pytest.mark.parametrize("status", ["400", "401", "402", "403", "404", "422", "500", "redirect", "hang up", "web page"])
def test_what_is_not_busy_is_not_asked_again(server: FakeInferenceServer, status: str) -> None:
    server.fault = status
    with pytest.raises(ServerError):
        post(server.url)
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "400",
            r"says: “Could not load the input image\.” It cannot read what was sent \(400\)\. Update the server",
        ),
        ("401", r"refused the key \(401\)\. Check roboflow_api_key in config\.yaml, or the environment's ROBOFLOW_API"),
        ("402", r"no credits left \(402\)\. Add credits, or use a server of your own\."),
        ("403", r"does not allow this \(403\)\. Check roboflow_api_key"),
        ("404", r"does not know this model or this address \(404\)\. Check clip_version and inference_url"),
        ("405", r"does not accept requests for vectors \(405\)\. Another program may listen there"),
        ("407", rf"is behind a proxy that wants a password \(407\)\. {LOG_IN} Set HTTPS_PROXY or NO_PROXY"),
        ("413", rf"rejects the request as too large \(413\)\. {LOG_IN} A proxy in front of it"),
        (
            "418",
            r"says: “teapot”\. It answered with status 418\. Look at its log\. Check inference_url in config\.yaml\.$",
        ),
        ("204", r"answered with status 204"),
        ("422", r"says: “body image: Field required”\. It did not understand the request \(422\)\. .*update it\.$"),
        ("429", r"was asked too often \(429\)\. Wait a little"),
        ("500", r"says: “Internal error\.” It failed internally \(500\)\. Look at its own log\."),
        (
            "502",
            r"cannot be reached behind its gateway \(502\)\. Wait a little and try again; .* kept",
        ),
        ("503", r"is too busy, or just starting \(503\)"),
        (
            "no weights",
            r"says: “Internal error\. Could not connect to Roboflow API\.” It cannot fetch the CLIP weights \(503\)\. "
            r"It needs Internet access once, a valid key, or a cache of the weights\.$",
        ),
        ("504", r"took too long for its gateway \(504\)"),
        ("picture in plain text", r"says: “cannot read …” It failed internally"),
        ("huge error", r"an unknown clip_version\.$"),
        ("huge echo", r"did not understand the request \(422\)\. .*update it\.$"),
        ("redirect", r"redirects to elsewhere\.example, which is not followed\. Put the address where it ends into"),
        ("redirect nowhere", r"redirects to nowhere"),
        (
            "web page",
            rf"answered with a web page\. {LOG_IN} A proxy or another program answers there\. Check inference_url",
        ),
        ("web page unnamed", r"answered with a web page"),
        ("huge", r"answered with more than 8.39 MB\. Another program may listen there"),
        ("nested", r"answered with something that is not JSON"),
        ("no json", r"answered with something that is not JSON"),
        ("empty", r"answered with something that is not JSON"),
        ("list", r"answered without a JSON object"),
        ("null", r"answered without a JSON object"),
        ("hang up", r"broke off in the middle of an answer\. It may have stopped: start it again"),
        ("cut short", r"broke off in the middle of an answer"),
        ("no http", r"does not speak HTTP\. Another program may listen there"),
    ],
)
def test_each_failure_has_its_own_words(server: FakeInferenceServer, fault: str, message: str) -> None:
    server.fault = fault
    with pytest.raises(ServerError, match=message) as caught:
        post(server.url)
    assert str(caught.value).startswith(f"The inference server at 127.0.0.1:{server.port} ")
    assert len(str(caught.value).partition("“")[2].partition("”")[0]) <= 150
    assert len(caught.value.line) <= 200
    assert caught.value.line.endswith(caught.value.next_step)


@pytest.mark.parametrize("fault", ["silent", "drip", "drip head", "drip chunks", "drip without end", "drip error"])
def test_a_slow_answer_ends(server: FakeInferenceServer, fault: str) -> None:
    server.fault, began = fault, time.monotonic()
    patience = Patience(read_s=0.4 if fault == "silent" else 30, whole_s=30 if fault == "silent" else 0.4)
    with pytest.raises(ServerError, match=r"did not answer in time\. It may be fetching the model's weights"):
        post(server.url, patience=patience)
    assert time.monotonic() - began < 10  # against 18 s and more


def test_a_broken_connection_is_replaced(server: FakeInferenceServer) -> None:
    asked = InferenceServer(server.url, "")
    server.fault, server.times = "hang up", 1
    with pytest.raises(ServerError):
        asked.post("/clip/embed_text", TEXT)
    assert asked.post("/clip/embed_text", TEXT)["embeddings"]


def test_a_server_that_is_not_started() -> None:
    with FakeInferenceServer() as closed:
        url = closed.url
    with pytest.raises(ServerError, match=r"refuses connections\. Is the server started\? pip install inference-cli"):
        post(url)


@pytest.mark.usefixtures("no_names")
def test_a_name_that_nobody_has() -> None:
    with pytest.raises(ServerError, match=r"at no-such-host\.invalid:9001 cannot be found: no such host name\. Check"):
        post("http://no-such-host.invalid:9001")


@pytest.mark.parametrize("url", [f"http://{'a' * 70}.example", "http://a..b", "http://-/"])
@pytest.mark.usefixtures("no_names")
def test_a_name_that_nobody_can_have(url: str) -> None:
    with pytest.raises(ServerError, match="cannot be found: no such host name"):
        post(url)


def test_a_server_that_does_not_pick_up() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        host, port = listening.getsockname()
        patience = Patience(connect_s=0.3, read_s=0.3, whole_s=5)
        # Where the first fills the queue, the second gets no connection, else no word.
        message = r"does not accept the connection|did not answer in time"
        with socket.create_connection((host, port), 1), pytest.raises(ServerError, match=message):
            post(f"http://{host}:{port}", patience=patience)


def test_a_certificate_that_nobody_vouches_for(certificate: Path) -> None:
    with FakeInferenceServer(str(certificate)) as server:
        with pytest.raises(
            ServerError, match=r"cannot be reached securely: TLS failed\. Check its certificate.*self.signed"
        ):
            post(server.url, "rf-SECRET")
        assert server.bodies == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_that_the_environment_vouches_for(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(certificate))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with FakeInferenceServer(str(certificate)) as server:
        address = f"https://localhost:{server.port}"
        assert post(address)["embeddings"]
        monkeypatch.setattr("clip_core.encoders.roboflow_http.is_loopback", lambda host: False)
        monkeypatch.setenv("no_proxy", "localhost")
        assert post(address)["embeddings"]  # elsewhere as here
        assert len(server.bodies) == 2


def test_a_bundle_that_is_not_there(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    message = r"cannot be queried \(OSError\)\. Check inference_url in config\.yaml, and in .* REQUESTS_CA_BUNDLE\.$"
    with FakeInferenceServer(str(certificate)) as server, pytest.raises(ServerError, match=message):
        post(f"https://localhost:{server.port}")


def test_https_to_a_server_that_speaks_http(server: FakeInferenceServer) -> None:
    with pytest.raises(ServerError, match="whether it is https:// or http:// in inference_url"):
        post(server.url.replace("http:", "https:"))


def test_frames_for_this_machine_pass_no_proxy(server: FakeInferenceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeInferenceServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        post(server.url, "rf-SECRET")
        assert (len(server.bodies), len(proxy.bodies)) == (1, 0)
        with pytest.raises(ServerError):  # elsewhere the way is by the proxy, which answers with no vectors
            InferenceServer("http://gpu.example:9001", "", Clock().patience()).post("/clip/none", {})
        assert len(proxy.bodies) == 1


def test_a_proxy_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeInferenceServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//user:PASSWORD@"))
    with pytest.raises(
        ServerError, match=r"at gpu\.example:9001 cannot be reached: the proxy failed\. Check HTTP_PROXY"
    ) as c:
        post("http://gpu.example:9001")
    assert "PASSWORD" not in str(c.value)


def test_a_proxy_of_a_kind_that_is_not_known_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", _without_pysocks)
    monkeypatch.setenv("all_proxy", "socks5://user:PASSWORD@127.0.0.1:9")
    with pytest.raises(
        ServerError, match=r"at gpu\.example:9001 cannot be queried \(InvalidSchema\)\. Check .* prox"
    ) as c:
        post("http://gpu.example:9001")
    assert "PASSWORD" not in str(c.value)
    assert "start it again" not in str(c.value)


def _without_pysocks(*_: object, **__: object) -> None:
    raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")  # as requests says it


def test_passwords_of_netrc_are_not_sent(
    server: FakeInferenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login me password PASSWORD\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setattr("clip_core.encoders.roboflow_http.is_loopback", lambda host: False)
    post(server.url)
    assert "Authorization" not in server.headers[0]


def test_a_redirect_is_not_followed(server: FakeInferenceServer) -> None:
    with FakeInferenceServer() as other:
        server.fault, server.headers_sent = "redirect", {"Location": f"{other.url}/clip/embed_text"}
        with pytest.raises(ServerError, match=r"redirects to 127\.0\.0\.1, which is not followed"):
            post(server.url, "rf-SECRET")
        assert (other.bodies, other.connections) == ([], 0)


@pytest.mark.parametrize(
    ("url", "host", "sends_to"),
    [
        ("http://localhost:9001", "localhost:9001", None),
        ("http://LOCALHOST.", "localhost.:80", None),
        ("https://gpu.localhost", "gpu.localhost:443", None),
        ("http://127.3.2.1:9001/a", "127.3.2.1:9001", None),
        ("http://[::1]:9001", "[::1]:9001", None),
        ("http://10.0.0.5:9001", "10.0.0.5:9001", "10.0.0.5:9001 (http, not encrypted)"),
        ("https://infer.roboflow.com", "infer.roboflow.com:443", "infer.roboflow.com"),
        ("https://infer.roboflow.com:443", "infer.roboflow.com:443", "infer.roboflow.com"),
        ("http://localhost.example.com", "localhost.example.com:80", "localhost.example.com (http, not encrypted)"),
        ("http://[2001:db8::1]", "[2001:db8::1]:80", "[2001:db8::1] (http, not encrypted)"),
        ("http://0.0.0.0:9001", "0.0.0.0:9001", "0.0.0.0:9001 (http, not encrypted)"),
    ],
)
def test_where_frames_go(url: str, host: str, sends_to: str | None) -> None:
    found = InferenceServer(url, "")
    assert (found.host, found.sends_to) == (host, sends_to)


def test_other_spellings_of_this_machine_count_as_elsewhere() -> None:
    assert not any(map(is_loopback, ("127.1", "0x7f000001", "2130706433", "mylocalhost", "128.0.0.1", "")))
    assert is_loopback("127.0.0.1")
