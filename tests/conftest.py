"""Before anything of ours is imported: no test may see the caches, keys and addresses of whoever runs it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

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
