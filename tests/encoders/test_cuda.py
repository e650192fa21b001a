"""The GPU, without one: what ONNX Runtime, the driver and the libraries say is played; nothing here ran on a GPU."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from clip_core.analysis import check_setup
from clip_core.config import Config
from clip_core.encoders import cuda as cuda_module
from clip_core.encoders import onnx as onnx_module
from clip_core.encoders.cuda import PROVIDER, Cuda, cuda, why_on_cpu
from clip_core.encoders.model_files import best_precision, providers_here
from clip_core.encoders.onnx import OnnxEncoder, Tower
from clip_core.errors import EncoderError, GpuFullError
from clip_core.indexing.embed_frames import MOST_PER_CALL, Pace
from pages.regions.sidebar.model import describe_model
from pages.shared.markdown import escape_markdown
from tests.support.fakes import FakeEncoder
from tests.support.model_maker import make_clip

GIB = 2**30
SESSION = onnx_module._session


class Driver:
    """libcuda, with one GPU of 24 GiB unless ``init`` fails."""

    def __init__(self, init: int = 0) -> None:
        self.cuInit = lambda _: init
        self.cuDeviceGet = lambda device, number: 0

    def cuDeviceTotalMem_v2(self, memory: Any, device: ctypes.c_int) -> int:  # noqa: N802
        memory._obj.value = 24 * GIB
        return 0


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A machine on which everything is there; the tests take parts of it away."""
    runtime = tmp_path / "runtime" / "capi"
    runtime.mkdir(parents=True)
    (runtime / "libonnxruntime_providers_cuda.so").write_bytes(b"\0libcudnn.so.9\0libcublasLt.so.12\0libc.so.6\0")
    monkeypatch.setattr(ort, "__file__", str(tmp_path / "runtime" / "__init__.py"))
    monkeypatch.setattr(ort, "get_available_providers", lambda: [PROVIDER, "CPUExecutionProvider"])
    monkeypatch.setattr(ort, "preload_dlls", lambda: print("Failed to load it."))  # noqa: T201
    monkeypatch.setattr(cuda_module, "_driver", Driver)
    monkeypatch.setattr(cuda_module, "_loads", lambda name: True)
    cuda.cache_clear()
    yield monkeypatch
    cuda.cache_clear()


def test_a_gpu_with_all_it_needs_is_used(gpu: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert cuda() == Cuda(memory_bytes=24 * GIB)
    assert providers_here() == (PROVIDER, "CPUExecutionProvider")
    assert best_precision("auto", providers_here()) == ("fp16", "fp32")
    assert why_on_cpu("CUDA") is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("gib", "pictures"), [(0, 16), (2, 16), (4, 32), (24, 192), (80, 256)], ids=str)
def test_more_memory_takes_more_pictures(gib: int, pictures: int) -> None:
    assert Cuda(memory_bytes=gib * GIB).pictures_at_once == pictures


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("_driver", lambda: None, "there is no NVIDIA driver"),
        ("_driver", lambda: Driver(init=100), "the NVIDIA driver finds no GPU"),
        ("_loads", lambda name: name != "libcudnn.so.9", "libcudnn.so.9 cannot be loaded"),
    ],
)
def test_what_is_not_there_is_named_and_the_model_for_the_cpu_is_chosen(
    gpu: pytest.MonkeyPatch, tmp_path: Path, name: str, value: Any, fault: str
) -> None:
    gpu.setattr(cuda_module, name, value)
    assert cuda().fault == fault
    assert providers_here() == ("CPUExecutionProvider",)
    assert best_precision("auto", providers_here()) == ("int8", "fp32")
    found = OnnxEncoder(make_clip(tmp_path / "toy"), "toy")
    assert found.provider == "CPU"
    assert f"on CPU (not on the GPU: {escape_markdown(fault)})" in describe_model(found)
    gpu.setattr(check_setup, "load_encoder", lambda name, config: found)
    config = Config(video_dirs=(tmp_path,), model_dirs=(tmp_path,))
    checks = check_setup.check_setup(config, str(tmp_path / "store"), "toy")
    notes = [check for check in checks if check.subject == "model"]
    assert [(note.what, note.next_step) for note in notes if note.result == "note"] == [
        (f"The GPU is not used: {fault}.", cuda().next_step)
    ]


def test_a_plain_runtime_over_that_of_the_gpu_is_named(gpu: pytest.MonkeyPatch) -> None:
    gpu.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert cuda() == Cuda()
    assert why_on_cpu("CPU") is None
    cuda.cache_clear()
    gpu.setattr(cuda_module, "_is_installed", lambda package: package == "onnxruntime-gpu")
    why = why_on_cpu("CPU")
    assert why is not None
    assert why.fault == "onnxruntime was installed over onnxruntime-gpu"


def test_a_session_that_gave_the_gpu_up_is_told(gpu: pytest.MonkeyPatch) -> None:
    why = why_on_cpu("CPU")
    assert why is not None
    assert why.fault == "ONNX Runtime could not use it"
    assert why_on_cpu("localhost:9001") is None


class GpuSession:
    """An ONNX Runtime session that says that it runs on the GPU, whose memory holds ``most`` pictures."""

    def __init__(self, session: ort.InferenceSession, most: int) -> None:
        self._session, self._most = session, most
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def get_providers(self) -> list[str]:
        return [PROVIDER, "CPUExecutionProvider"]

    def run(self, outputs: list[str], inputs: dict[str, Any]) -> Any:
        count = len(next(iter(inputs.values())))
        self.sizes.append(count)
        if count > self._most:
            raise RuntimeError("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer")
        return self._session.run(outputs, inputs)


def on_gpu(gpu: pytest.MonkeyPatch, folder: Path, most: int) -> OnnxEncoder:
    """A model whose sessions claim to run on the GPU."""
    asked: list[tuple[str, ...]] = []
    gpu.setattr(onnx_module, "providers_here", lambda: asked.append(providers_here()) or ("CPUExecutionProvider",))
    gpu.setattr(onnx_module, "_session", lambda path, name: GpuSession(SESSION(path, name), most))
    found = OnnxEncoder(folder, "toy")
    assert asked == [(PROVIDER, "CPUExecutionProvider")] * 2
    return found


def test_a_gpu_gets_large_batches_and_halves_where_its_memory_is_full(gpu: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = make_clip(tmp_path / "toy")
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (40, 40, 3), dtype=np.uint8) for _ in range(200)]
    truth = on_gpu(gpu, folder, most=1000).embed_images(images)
    found = on_gpu(gpu, folder, most=50)
    assert (found.provider, found.images_at_once) == ("CUDA", 192)
    assert Pace.of(found).most == 384
    session = found._vision._session
    np.testing.assert_allclose(found.embed_images(images), truth, atol=1e-6)
    assert session.sizes == [192, 96, 48, 48, 96, 48, 48, 8]
    assert found.images_at_once == 48
    session.sizes.clear()
    found.embed_images(images)
    assert session.sizes == [48, 48, 48, 48, 8]


def test_a_gpu_without_memory_for_one_picture_is_one_line(gpu: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = on_gpu(gpu, make_clip(tmp_path / "toy"), most=0)
    with pytest.raises(GpuFullError, match="memory of the GPU is full"):
        found.embed_images([np.zeros((40, 40, 3), np.uint8)] * 5)


def test_on_a_cpu_the_same_error_is_no_reason_to_try_again(tmp_path: Path) -> None:
    found = OnnxEncoder(make_clip(tmp_path / "toy"), "toy")
    found._vision._session = GpuSession(found._vision._session, most=0)
    with pytest.raises(EncoderError, match="failed") as caught:
        found.embed_images([np.zeros((40, 40, 3), np.uint8)] * 4)
    assert not isinstance(caught.value, GpuFullError)
    assert isinstance(found._vision, Tower)


def test_only_an_encoder_that_takes_more_gets_more_in_a_call(tmp_path: Path) -> None:
    assert Pace.of(FakeEncoder()).most == MOST_PER_CALL
    assert Pace.of(OnnxEncoder(make_clip(tmp_path / "toy"), "toy")).most == MOST_PER_CALL
    pace = Pace.of(SimpleNamespace(images_at_once=128))  # type: ignore[arg-type]
    for _ in range(10):
        pace.learn(pace.pictures, 0.001)
    assert pace.pictures == 256
