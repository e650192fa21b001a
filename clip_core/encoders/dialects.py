"""preprocessor_config.json files that say the same in other words, put into transformers' own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clip_core.encoders.settings import Settings

FILE = "preprocessor_config.json"
JINA = "JinaCLIPImageProcessor"
_JINA_RESAMPLE = {"bilinear": 2, "bicubic": 3}  # Pillow's numbers


def plain(raw: Mapping[str, Any], model: str) -> Mapping[str, Any]:
    """What a preprocessor_config.json says, in the words of CLIPImageProcessor.

    Jina CLIP's is known: processing_clip.py and transform.py of jinaai/jina-clip-implementation. ``auto_map``
    names Python code for the transformers library, which nothing here runs. Any other file is returned as it is.

    Args:
        raw: The file's JSON object.
        model: The model's name, for messages.

    Raises:
        EncoderError: A Jina file asks for what has no counterpart.
    """
    if raw.get("image_processor_type") != JINA:
        return raw
    settings = Settings(raw, FILE, model)
    size = settings.integer("size", 1, 4096)
    if settings.text("resize_mode", "shortest") != "shortest":
        raise settings.error("asks for another 'resize_mode' than 'shortest', which is not supported.")
    resample = _JINA_RESAMPLE.get(settings.text("interpolation", "bicubic"))
    if resample is None:
        raise settings.error("asks for another 'interpolation' than bilinear or bicubic, which is not supported.")
    # fill_color would fill what is padded, and "shortest" pads nothing.
    own = {"auto_map", "fill_color", "interpolation", "mean", "resize_mode", "size", "std"}
    return {key: value for key, value in raw.items() if key not in own} | {
        "size": {"shortest_edge": size},
        "crop_size": {"height": size, "width": size},
        "do_center_crop": True,
        "resample": resample,
        "image_mean": raw.get("mean"),
        "image_std": raw.get("std"),
        "do_normalize": True,
    }
