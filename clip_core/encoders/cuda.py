"""Whether ONNX Runtime can use the GPU here; if not, why; and how many pictures its memory holds at once."""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import mmap
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PROVIDER = "CUDAExecutionProvider"
FEWEST_PICTURES, MOST_PICTURES = 16, 256
PICTURES_PER_GIB = 8
"""Of the largest models of the catalogue, a picture takes some 30 MB while it is embedded, besides the weights."""
_GIB = 2**30
_LOADED_BY_PROVIDER = re.compile(rb"lib(?:cublas|cublasLt|cudart|cudnn|cufft|curand|nvrtc)\.so\.\d+")
_REINSTALL = "Uninstall both, then run: pip install onnxruntime-gpu[cuda,cudnn]"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cuda:
    """What is known of the GPU.

    Attributes:
        fault: Why ONNX Runtime cannot use it, though a build for it is installed; "" if it can, or if there is none.
        next_step: What to do about that.
        memory_bytes: Its memory; 0 if it cannot be used.
    """

    fault: str = ""
    next_step: str = ""
    memory_bytes: int = 0

    @property
    def pictures_at_once(self) -> int:
        """How many pictures a model gets in one run."""
        return max(FEWEST_PICTURES, min(MOST_PICTURES, self.memory_bytes // _GIB * PICTURES_PER_GIB))


@cache
def cuda() -> Cuda:
    """Return what is known of the GPU; it is looked at once in a process, and its libraries are loaded then."""
    import onnxruntime as ort

    if PROVIDER not in ort.get_available_providers():
        is_hidden = _is_installed("onnxruntime-gpu")
        return Cuda("onnxruntime was installed over onnxruntime-gpu", _REINSTALL) if is_hidden else Cuda()
    driver = _driver()
    if driver is None:
        return Cuda("there is no NVIDIA driver", "Install the driver; start a container with: --gpus all")
    memory_bytes = ctypes.c_size_t()
    device = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0):
        return Cuda("the NVIDIA driver finds no GPU", "Check nvidia-smi and CUDA_VISIBLE_DEVICES.")
    _preload(ort)
    lacking = next((name for name in _needed(Path(ort.__file__).parent) if not _loads(name)), None)
    if lacking is not None:
        return Cuda(f"{lacking} cannot be loaded", "Install onnxruntime-gpu[cuda,cudnn], or that library.")
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory_bytes), device)
    return Cuda(memory_bytes=memory_bytes.value)


def why_on_cpu(provider: str) -> Cuda | None:
    """Return what keeps a model from the GPU that it should run on; None if nothing does.

    Args:
        provider: What it runs on, see ``ShownEncoder``.
    """
    if provider != "CPU":
        return None
    found = cuda()
    if found.memory_bytes:  # everything is there, and yet the session runs on the CPU
        return Cuda("ONNX Runtime could not use it", "Compare its CUDA and cuDNN with the driver: nvidia-smi")
    return found if found.fault else None


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _driver() -> Any | None:  # noqa: ANN401 - a library
    """Return the library of the NVIDIA driver, or None."""
    try:
        return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None


def _preload(ort: Any) -> None:  # noqa: ANN401
    """Load the CUDA libraries that came as packages; ONNX Runtime prints what it does not find."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        ort.preload_dlls()
    if said.getvalue():
        _log.info("Loading CUDA: %s", said.getvalue().strip())


def _needed(package: Path) -> Iterator[str]:
    """Yield the CUDA libraries that ONNX Runtime's provider names, where there is such a file."""
    file = package / "capi" / "libonnxruntime_providers_cuda.so"
    if file.is_file():
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield from sorted({found.decode() for found in _LOADED_BY_PROVIDER.findall(data)})


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
