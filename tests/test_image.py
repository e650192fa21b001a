"""Dockerfile, compose.yaml and .dockerignore agree with the program; no Docker is needed to see that."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from clip_core.config import load_config
from clip_core.encoders.folder import ModelFolder
from pages.shared import share
from pages.shared.access import HEALTH, TOKEN_VARIABLE

ROOT = Path(__file__).parents[1]
image_requirements = runpy.run_path(str(ROOT / "tools" / "image_requirements.py"))["image_requirements"]
PORT = "8501"
STEP = re.compile(r"^([A-Z]+) ((?:.*\\\n)*.*)$", re.MULTILINE)


def steps(name: str) -> list[str]:
    """The arguments of all steps of one kind of the Dockerfile."""
    return [rest for step, rest in STEP.findall((ROOT / "Dockerfile").read_text()) if step == name]


@pytest.fixture
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return loaded


def test_the_image_runs_the_dashboard_for_itself_and_not_as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    assert steps("USER") == ["clip"]
    assert "useradd --uid 10001" in steps("RUN")[1]
    assert steps("EXPOSE") == [PORT]
    assert json.loads(steps("VOLUME")[0]) == ["/data", "/embeddings", "/config"]
    assert f"http://127.0.0.1:{PORT}/{HEALTH}" in steps("HEALTHCHECK")[0]
    command = json.loads(steps("CMD")[-1])
    ran: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, words: ran.append(words))
    assert command[:3] == ["python", "-m", share.__name__]
    share.start(command[3:])
    assert ran[0][-4:] == ["--server.address", "127.0.0.1", "--server.port", PORT]


def test_the_config_of_the_image_names_its_volumes_and_its_model(tmp_path: Path) -> None:
    assert "tools/image_config.yaml /config/config.yaml" in steps("RUN")[1]
    config = load_config(ROOT / "tools" / "image_config.yaml")
    assert (config.embeddings, config.video_dirs, config.notices) == ("/embeddings", (Path("/data"),), ())
    models = ROOT / config.model_dirs[0].relative_to("/app")
    assert ModelFolder.read(models / config.model, "auto", "").towers.vision


def test_what_the_steps_copy_is_let_in_and_nothing_of_a_user_is() -> None:
    first, *rest = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    let_in = {line[1:] for line in rest if line.startswith("!")}
    copied = {word for step in steps("COPY") for word in step.split()[:-1]} - {"."}
    assert first == "*"
    assert copied <= let_in
    assert all((ROOT / name).exists() for name in let_in)
    assert {"app.py", "clip_core", "pages", "static"} <= let_in
    assert not let_in & {"data", "embeddings", "config.yaml", ".streamlit", ".git", ".venv"}


def test_the_image_installs_the_requirements_and_one_onnx_runtime() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    plain = [line for line in lines if not line.startswith("#")]
    assert image_requirements("") == plain
    gpu = image_requirements("gpu")
    assert [line for line in gpu if "onnxruntime" in line] == ["onnxruntime-gpu[cuda,cudnn]>=1.22,<2"]
    assert len(gpu) == len(plain)
    with pytest.raises(SystemExit, match="no extra 'gpus'"):
        image_requirements("gpus")


def test_compose_shares_only_the_dashboard_on_this_machine_and_with_a_token(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    services = compose["services"]
    assert {*services} == {"minio", "bucket", "dashboard", "worker"}
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        "dashboard": [f"127.0.0.1:{PORT}:{PORT}"]
    }
    dashboard, worker = services["dashboard"], services["worker"]
    assert dashboard["command"].split()[2:] == [
        "pages.shared.share", "--share", "--server.address", "0.0.0.0", "--server.port", PORT  # noqa: S104
    ]  # fmt: skip
    assert dashboard["environment"][TOKEN_VARIABLE].startswith(f"${{{TOKEN_VARIABLE}:?")
    assert worker["command"].startswith("python -m clip_core index /data/videos")
    assert worker["healthcheck"] == {"disable": True}
    for service in (dashboard, worker):
        assert service["image"] == "clip-video-investigator"
        assert service["environment"]["AWS_ENDPOINT"] == "http://minio:9000"
        assert service["volumes"][-1].endswith(":/data/videos:ro")
        assert service["configs"] == [{"source": "config", "target": "/config/config.yaml"}]
    (tmp_path / "config.yaml").write_text(compose["configs"]["config"]["content"])
    config = load_config(tmp_path / "config.yaml")
    assert (config.embeddings, config.notices) == ("s3://clip-video/embeddings", ())
    assert services["bucket"]["command"].endswith("/" + config.embeddings.split("/")[2])
    password = {service["environment"].get("AWS_SECRET_ACCESS_KEY") for service in (dashboard, worker)}
    assert all(value.startswith("${MINIO_ROOT_PASSWORD:?") for value in password)
