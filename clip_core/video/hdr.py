"""HDR pictures on an SDR screen: from PQ or HLG in BT.2020 to BT.709, as a table that FFmpeg's ``lut3d`` reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any

import numpy as np

from clip_core.files import lock_folder

WHITE_NITS, PEAK_NITS, KNEE = 203.0, 1000.0, 0.8
"""White of paper and graphics by ITU-R BT.2408. Up to 0.8 of it, colours stay as they are; from there up to the peak of
the usual mastering screen they are compressed into what is left."""
_LUT_SIZE = 65
HDR_FOLDER = re.compile(r"clip-video-hdr-[a-z0-9_]{8}")
"""The names of the folders of tables, in the system's folder for temporary files."""
_FROM_BT2020 = np.linalg.inv(
    np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])  # ITU-R BT.2087
)


def _pq_nits(signal: Any) -> Any:  # noqa: ANN401 - float arrays
    """Return the light of a PQ signal (SMPTE ST 2084)."""
    power = np.clip(signal, 0, 1) ** (1 / 78.84375)
    return 10_000 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)


def _hlg_nits(signal: Any) -> Any:  # noqa: ANN401
    """Return the light of an HLG signal (n, 3) on a screen of 1000 nits (ITU-R BT.2100)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    return PEAK_NITS * scene * np.maximum(luminance, 1e-6)[:, None] ** 0.2


HDR_NITS: dict[int, Callable[[Any], Any]] = {16: _pq_nits, 18: _hlg_nits}
"""FFmpeg's number of a transfer function (AVCOL_TRC_SMPTE2084, AVCOL_TRC_ARIB_STD_B67) → its signal in nits."""


def tone_mapped(signal: Any, transfer: int) -> Any:  # noqa: ANN401
    """Return BT.709 signals (n, 3) for BT.2020 signals (n, 3), both 0 to 1; below 0 where BT.709 lacks the colour."""
    light = HDR_NITS[transfer](signal) / WHITE_NITS @ _FROM_BT2020.T
    brightest = np.maximum(light.max(axis=1, keepdims=True), 1e-9)
    steepness = (PEAK_NITS / WHITE_NITS - KNEE) / (1 - KNEE)
    over = np.clip((brightest - KNEE) / (PEAK_NITS / WHITE_NITS - KNEE), 0, 1)
    compressed = KNEE + (1 - KNEE) * steepness * over / (1 + (steepness - 1) * over)
    light = light * np.where(brightest > KNEE, compressed / brightest, 1)
    return np.sign(light) * np.abs(light) ** (1 / 2.4)


@cache
def lut_file(transfer: int) -> Path:
    """Write ``tone_mapped`` as a .cube file, which lasts as long as this process; return its path."""
    steps = np.linspace(0, 1, _LUT_SIZE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    table = tone_mapped(np.stack([red, green, blue], axis=-1).reshape(-1, 3), transfer)
    path = Path(_folder().name) / f"{transfer}.cube"
    # Threads may get here at the same time; none of them may read what another has half written.
    with NamedTemporaryFile("w", encoding="ascii", dir=path.parent, delete=False) as file:
        file.write(f"LUT_3D_SIZE {_LUT_SIZE}\n")
        np.savetxt(file, table, fmt="%.5f")
    return Path(file.name).replace(path)


@cache
def _folder() -> TemporaryDirectory[str]:
    made = TemporaryDirectory(prefix="clip-video-hdr-")
    lock_folder(Path(made.name))  # as long as this process lives
    return made
