"""What is said when a cluster cannot be used. A module stands in for Ray; test_ray_workers.py meets the real one."""

import socket
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from clip_core.distributed import ray_cluster
from clip_core.distributed.ray_cluster import ActorShare, joined_cluster, share_of, what_there_is
from clip_core.errors import WorkersError


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let what is set for Ray last as long as the test."""
    monkeypatch.setattr(ray_cluster.os, "environ", {"PATH": "", "HOME": "/nowhere"})
    return monkeypatch


def stand_in(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[dict[str, Any]]:
    """Make a module Ray whose ``init`` fails; return the list of what it is called with."""
    calls: list[dict[str, Any]] = []

    def init(**options: Any) -> None:
        calls.append(options)
        if error is not None:
            raise error

    worker = SimpleNamespace(_worker_logs_enabled=True)
    fake = SimpleNamespace(
        is_initialized=lambda: False,
        init=init,
        shutdown=lambda: calls.append({}),
        _private=SimpleNamespace(worker=worker),
    )
    monkeypatch.setitem(sys.modules, "ray", fake)
    return calls


def refusal(address: str) -> str:
    with pytest.raises(WorkersError) as caught, joined_cluster(address):
        pass
    assert len(str(caught.value)) <= 200
    return str(caught.value)


def test_without_ray_the_extra_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setitem(sys.modules, "ray", None)
    assert "pip install 'clip-video-investigator[cluster]'" in refusal("auto")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("head", "head is no address of a cluster. Give HOST:PORT, auto or local."),
        ("head:port", "head:port is no address"),
        ("head:70000", "head:70000 is no address"),
        (":6379", ":6379 is no address"),
        ("ray://head:10001", "Ray Client"),
        ("no.such.host.invalid:6379", "No Ray cluster answers at no.such.host.invalid:6379"),
    ],
)
def test_an_address_is_refused_before_ray_is_asked(environment: pytest.MonkeyPatch, address: str, said: str) -> None:
    calls = stand_in(environment)
    assert said in refusal(address)
    environment.setitem(ray_cluster.os.environ, "RAY_ADDRESS", address)
    assert said in refusal("auto")
    assert calls == []


def test_where_nothing_answers_ray_is_not_asked(environment: pytest.MonkeyPatch) -> None:
    calls = stand_in(environment)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    assert refusal(address).startswith(f"No Ray cluster answers at {address} (Connection refused).")
    assert calls == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n    Python: 3.12.1\n"
                      "This process was started with:\n    Ray: 2.60.0\n    Python: 3.11.9"),
         "another version of Ray or Python (Ray: 2.50.0, Python: 3.12.1, Ray: 2.60.0, Python: 3.11.9)"),
        (ConnectionError("Could not find any running Ray instance."), "No Ray cluster runs on this machine."),
        (ValueError("Token authentication is enabled but no authentication token was found."), "RAY_AUTH_TOKEN"),
        (RuntimeError("Can't find a `node_ip_address.json` file"), "ray start --address=HOST:PORT --num-cpus=0"),
        (KeyError("odd\nand more"), "cannot be used ('odd"),
    ],
)  # fmt: skip
def test_why_ray_cannot_connect_is_told_in_one_line(
    environment: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    calls = stand_in(environment, error)
    assert said in refusal("auto")
    assert [call["address"] for call in calls] == ["auto"]
    assert ray_cluster.os.environ["RAY_NUM_REDIS_GET_RETRIES"] == "1"


def test_a_local_ray_that_does_not_start_is_tried_again_with_a_token_of_its_own(
    environment: pytest.MonkeyPatch,
) -> None:
    calls = stand_in(environment, RuntimeError("raylet: timed out"))
    assert "Ray did not start on this machine (raylet: timed out)." in refusal("local")
    assert [call.get("address") for call in calls] == ["local", None] * ray_cluster.START_TRIES
    assert len(ray_cluster.os.environ["RAY_AUTH_TOKEN"]) == 64
    assert ray_cluster.os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_what_the_user_has_set_for_ray_stays(environment: pytest.MonkeyPatch) -> None:
    stand_in(environment)
    environment.setitem(ray_cluster.os.environ, "RAY_AUTH_TOKEN", "mine")
    with joined_cluster("local", 3) as ray:
        assert ray is sys.modules["ray"]
    assert ray_cluster.os.environ["RAY_AUTH_TOKEN"] == "mine"  # noqa: S105 - no real one


def cluster(*nodes: dict[str, float]) -> Any:
    every = {kind: sum(node.get(kind, 0.0) for node in nodes) for kind in ("CPU", "GPU")}
    return SimpleNamespace(
        nodes=lambda: [{"Alive": True, "Resources": node} for node in nodes],
        cluster_resources=lambda: every,
        available_resources=lambda: every | {"CPU": every["CPU"] - 1},
    )


def test_a_worker_takes_a_cpu_or_a_gpu_with_its_part_of_the_cpus() -> None:
    assert share_of(cluster({"CPU": 4.0}, {"CPU": 2.0})) == ActorShare(1, 0)
    assert share_of(cluster({"CPU": 64.0}, {"CPU": 8.0, "GPU": 2.0}, {"CPU": 32.0, "GPU": 1.0})) == ActorShare(4, 1)
    assert share_of(cluster({"CPU": 96.0, "GPU": 4.0})) == ActorShare(8, 1)
    assert share_of(cluster({"CPU": 1.0, "GPU": 4.0})) == ActorShare(1, 1)
    assert ActorShare(4, 1).fits({"CPU": 17.0, "GPU": 3.0}) == 3
    assert ActorShare(4, 1).fits({"CPU": 7.0, "GPU": 3.0}) == 1
    assert ActorShare(1, 0).fits({}) == 0
    assert what_there_is(cluster({"CPU": 4.0})) == "4 CPU (3 free)"
    assert what_there_is(cluster({"CPU": 4.0, "GPU": 2.0})) == "4 CPU (3 free), 2 GPU (2 free)"
