"""Before anything of ours is imported: no test may see the caches, keys and addresses of whoever runs it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.s3_server import S3Server

os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="clip-video-tests-")
for _name in (
    "HF_TOKEN",
    "HF_HUB_CACHE",
    "HF_ASSETS_CACHE",
    "HF_HUB_OFFLINE",
    "HF_ENDPOINT",
    "ROBOFLOW_API_KEY",
    "CLIP_VIDEO_CONFIG",
):
    os.environ.pop(_name, None)
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    os.environ.pop(_name)
# Nobody answers there: no test may ask the machine that it runs on for keys.
os.environ["AWS_METADATA_ENDPOINT"] = os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with a certificate for localhost that it vouches for itself, and its key."""
    if shutil.which("openssl") is None:
        message = "no openssl here, which makes the certificate; apt-get install openssl brings it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "made.pem", folder / "key.pem"
    what = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    command = ["openssl", *what.split(), "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text(made.read_text() + key.read_text())
    return both


@pytest.fixture(scope="session")
def started_s3() -> "Iterator[S3Server]":
    from tests.support.s3_server import s3_server  # importing moto takes seconds

    with s3_server() as server:
        yield server


@pytest.fixture
def s3(started_s3: "S3Server", monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Server]":
    """An S3 server, one a session, which the environment names; it behaves unless a test says otherwise."""
    for name, value in started_s3.environment().items():
        monkeypatch.setenv(name, value)
    yield started_s3
    started_s3.behave()
