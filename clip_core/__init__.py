"""CLIP Video Investigator: score how well texts describe a video, frame by frame.

Importing this package loads no heavy library. Each public name imports its module when it is first used.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clip_core.analysis.analyse import Detection, detect_moments
    from clip_core.analysis.score_prompts import score_prompts
    from clip_core.config import Config, load_config
    from clip_core.encoders.registry import load_encoder
    from clip_core.errors import ClipVideoError
    from clip_core.indexing.index_video import index_video
    from clip_core.retrieval.filters import SearchFilter
    from clip_core.retrieval.query import Like, SearchQuery
    from clip_core.retrieval.results import Hit, SearchResult
    from clip_core.retrieval.search import search
    from clip_core.scoring.moments import find_moments
    from clip_core.store.store import EmbeddingStore
    from clip_core.types import Frame, Moment, Progress, Scores
    from clip_core.video import open_video

__version__ = "0.2.0"  # the only place: pyproject.toml reads it from here

# From 1.29 on, ONNX Runtime writes a device id and sends telemetry as soon as it is imported; huggingface_hub reports
# its use. Both read these variables at import. Set them to 0 in the environment to allow telemetry.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# LanceDB writes Rust's log to standard error, such as a lost race that is tried again. What fails is raised as well.
# It reads this variable at import; "warn" in the environment shows the log.
os.environ.setdefault("LANCEDB_LOG", "off")

_HOMES = {
    "ClipVideoError": "clip_core.errors",
    "Config": "clip_core.config",
    "Detection": "clip_core.analysis.analyse",
    "EmbeddingStore": "clip_core.store.store",
    "Frame": "clip_core.types",
    "Hit": "clip_core.retrieval.results",
    "Like": "clip_core.retrieval.query",
    "Moment": "clip_core.types",
    "Progress": "clip_core.types",
    "Scores": "clip_core.types",
    "SearchFilter": "clip_core.retrieval.filters",
    "SearchQuery": "clip_core.retrieval.query",
    "SearchResult": "clip_core.retrieval.results",
    "detect_moments": "clip_core.analysis.analyse",
    "find_moments": "clip_core.scoring.moments",
    "index_video": "clip_core.indexing.index_video",
    "load_config": "clip_core.config",
    "load_encoder": "clip_core.encoders.registry",
    "open_video": "clip_core.video",
    "score_prompts": "clip_core.analysis.score_prompts",
    "search": "clip_core.retrieval.search",
}

__all__ = [  # noqa: RUF022 - the order in which a script uses them
    "load_config",
    "open_video",
    "load_encoder",
    "EmbeddingStore",
    "index_video",
    "score_prompts",
    "find_moments",
    "detect_moments",
    "search",
    "ClipVideoError",
    "Config",
    "Detection",
    "Frame",
    "Hit",
    "Like",
    "Moment",
    "Progress",
    "Scores",
    "SearchFilter",
    "SearchQuery",
    "SearchResult",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute can be anything
    if name not in _HOMES:
        raise AttributeError(f"module 'clip_core' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
