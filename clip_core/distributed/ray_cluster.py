"""Join a Ray cluster, or start a Ray on this machine for one run; what Ray says about failures, in our words."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO

from clip_core.encoders.model_files import cores
from clip_core.errors import WorkersError, shown_name
from clip_core.text import printable, shorten

AUTO, LOCAL = "auto", "local"
CONNECT_S = 5.0
MOST_CPUS = 8
OBJECT_STORE_BYTES = 256 * 2**20
START_TRIES = 3
"""Ray's node gives up if its helpers do not answer within 15 s, as on a machine with much else to do."""


@dataclass(frozen=True, slots=True)
class ActorShare:
    """What an actor reserves of a cluster: CPUs to decode, and a GPU if the cluster has any."""

    cpus: int
    gpus: int

    def fits(self, free: dict[str, float]) -> int:
        """Return how many actors there is room for."""
        counts = [free.get("CPU", 0.0) // self.cpus, *([free.get("GPU", 0.0) // self.gpus] if self.gpus else [])]
        return int(min(counts))

    def __str__(self) -> str:
        return f"{self.cpus} CPU" + f" and {self.gpus} GPU" * bool(self.gpus)


def import_ray() -> ModuleType:
    """Import Ray.

    Raises:
        WorkersError: It is not installed.
    """
    try:
        import ray
    except ImportError as error:
        step = "Run: pip install 'clip-video-investigator[cluster]', or in a checkout: pip install '.[cluster]'"
        raise WorkersError("--cluster needs Ray, which is not installed.", step) from error
    module: ModuleType = ray
    return module


@contextmanager
def joined_cluster(address: str, most: int | None = None) -> Iterator[ModuleType]:
    """Connect this process to a cluster within the block; if it is connected already, use that.

    Args:
        address: HOST:PORT of the cluster's head; "auto": that of RAY_ADDRESS, or the one that this machine is a part
            of; "local": a Ray that is started here and ends with the block.
        most: How many workers a local Ray has room for; None: one a core.

    Raises:
        WorkersError: Ray is not installed, the cluster is not there or refuses, or it has other versions.
    """
    with ExitStack() as stack:
        _quieten(address)
        ray = import_ray()
        if not ray.is_initialized():
            if address == LOCAL:
                stack.enter_context(_started(ray, most))
            else:
                _connect(ray, address)
            stack.callback(ray.shutdown)
            # Else it prints each death of an actor, which we report, to standard output. Ray's debugger does the same.
            ray._private.worker._worker_logs_enabled = False
        yield ray


def share_of(ray: ModuleType) -> ActorShare:
    """Return what an actor reserves: a GPU with its part of the CPUs beside it, or a CPU where there is no GPU."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    beside = [int(node.get("CPU", 0) // node["GPU"]) for node in nodes if node.get("GPU", 0) >= 1]
    return ActorShare(max(1, min(*beside, MOST_CPUS)), 1) if beside else ActorShare(1, 0)


def what_there_is(ray: ModuleType) -> str:
    """Return what a cluster has and what is free, for a message."""
    every, free = ray.cluster_resources(), ray.available_resources()
    kinds = [kind for kind in ("CPU", "GPU") if every.get(kind)] or ["CPU"]
    return ", ".join(f"{every.get(kind, 0):g} {kind} ({free.get(kind, 0):g} free)" for kind in kinds)


def _quieten(address: str) -> None:
    """Set what Ray reads from the environment when it is imported; what somebody has set stays."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    has_token = bool({"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ))
    if address == LOCAL:  # a token for this run, where Ray would write one into the home folder for all to read
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        if not has_token:
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    else:
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")  # else it tries for a quarter of an hour
        if has_token or (Path.home() / ".ray" / "auth_token").is_file():
            os.environ.setdefault("RAY_AUTH_MODE", "token")  # Ray looks for a token only then


@contextmanager
def _started(ray: ModuleType, most: int | None) -> Iterator[None]:
    """Start a Ray whose files go with it: it would keep its logs for good."""
    short = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - the paths of its sockets may have 107 characters
    with tempfile.TemporaryDirectory(prefix="clip-video-ray-", dir=short, ignore_cleanup_errors=True) as folder:
        for tries_left in reversed(range(START_TRIES)):
            try:
                with _caught_output():
                    ray.init(
                        address=LOCAL,
                        num_cpus=most or cores(),
                        object_store_memory=OBJECT_STORE_BYTES,
                        include_dashboard=False,
                        log_to_driver=False,
                        logging_level=logging.CRITICAL,
                        _temp_dir=folder,
                    )
                break
            except Exception as error:  # whatever Ray raises: its classes for this differ from case to case
                ray.shutdown()
                if not tries_left:
                    what = f"Ray did not start on this machine ({_first_line(error)})."
                    raise WorkersError(what, "Try again when it is less busy, or use --workers.") from error
        yield


def _connect(ray: ModuleType, address: str) -> None:
    """Connect to a cluster, or raise WorkersError."""
    named = os.environ.get("RAY_ADDRESS", "") if address == AUTO else address
    if named.startswith("ray://"):
        what = f"{_shown(named)} is an address of Ray Client, which cannot stream results."
        raise WorkersError(what, "Run: ray start --address=HOST:6379 --num-cpus=0, then use --cluster auto.")
    if named:
        _knock(named)
    with _caught_output() as output:
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
        except Exception as error:
            output.seek(0)
            raise _refusal(named or "this machine", error, output.read()) from error


def answers(address: str) -> bool:
    """Return whether something answers at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        _call(host, port)
    except OSError:
        return False
    return True


def _call(host: str, port: str) -> None:
    socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()


def _knock(address: str) -> None:
    """Raise WorkersError unless something answers at HOST:PORT; Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise WorkersError(f"{_shown(address)} is no address of a cluster.", "Give HOST:PORT, auto or local.")
    try:
        _call(host, port)
    except (OSError, UnicodeError) as error:
        what = f"No Ray cluster answers at {_shown(address)} ({getattr(error, 'strerror', None) or error})."
        raise WorkersError(what, "Check the address and that its head is running: ray status.") from error


def _refusal(where: str, error: Exception, output: str) -> WorkersError:
    """Translate why Ray could not connect; ``output`` is what it wrote meanwhile."""
    said = f"{error}\n{output}"
    where = _shown(where)
    if "authentication token" in said.lower():
        what = f"The Ray cluster at {where} wants a token, and RAY_AUTH_TOKEN is missing or wrong."
        return WorkersError(what, "Set RAY_AUTH_TOKEN (or RAY_AUTH_TOKEN_PATH) to the cluster's token.")
    if "ersion mismatch" in said:
        what = f"The Ray cluster at {where} has another version of Ray or Python ({_versions(said)})."
        return WorkersError(what, "Use the same on all machines, such as one image.")
    if "Could not find any running Ray" in said:
        return WorkersError("No Ray cluster runs on this machine.", "Give its HOST:PORT, or --cluster local.")
    if "node_ip_address" in said or "Can't find a" in said or "raylet" in said:
        what = f"This machine is not a part of the Ray cluster at {where}."
        return WorkersError(what, "Run: ray start --address=HOST:PORT --num-cpus=0, then use --cluster auto.")
    return WorkersError(f"The Ray cluster at {where} cannot be used ({_first_line(error)}).", "Ask it: ray status.")


def _versions(said: str) -> str:
    """Return the versions that a message of Ray names, such as "Ray: 2.60.0, Python: 3.11.9"."""
    words = [" ".join(line.split()) for line in said.splitlines() if "Ray:" in line or "Python:" in line]
    return shorten(", ".join(words), 90) or "it does not say which"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return shorten(printable(lines[0] if lines else type(error).__name__), 80)


def _shown(address: str) -> str:
    return shown_name(address.replace("/", "_") if "://" not in address else address)


@contextmanager
def _caught_output() -> Iterator[IO[str]]:
    """Collect what is written to standard error, also by Ray's own C++ code, within the block."""
    sys.stderr.flush()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        kept = os.dup(2)
        try:
            os.dup2(output.fileno(), 2)
            yield output
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
