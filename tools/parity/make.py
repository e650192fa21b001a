"""Write the parity fixtures: `python -m tools.parity.make --out tests/fixtures/parity`."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from transformers import BaseImageProcessor, PreTrainedModel, PreTrainedTokenizerFast

from tests.support.parity_frames import frames, sha256
from tools.parity.expect import Vectors, cosines, image_vectors, most_alike, text_vectors, wrong_ways
from tools.parity.export import export_clip, export_siglip
from tools.parity.models import IMAGE_SIZE, SIGLIP_LENGTH, small_clip, small_siglip
from tools.parity.texts import TEXTS
from tools.parity.vocabularies import (
    END,
    START,
    clip_tokenizer,
    siglip_tokenizer,
    siglip_tokenizer_json,
)

PACKAGES = ("transformers", "torch", "tokenizers", "sentencepiece", "numpy", "pillow", "onnx")
MAX_FOLDER_BYTES = 300_000

log = logging.getLogger("parity.make")


def image_processor(kind: str) -> BaseImageProcessor:
    """The processor that works on Pillow: since transformers 5 its name says so, before it was the default."""
    name = {"clip": "CLIPImageProcessor", "siglip": "SiglipImageProcessor"}[kind]
    square = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    settings = {"size": square} if kind == "siglip" else {"size": {"shortest_edge": IMAGE_SIZE}, "crop_size": square}
    found = getattr(transformers, f"{name}Pil" if hasattr(transformers, f"{name}Pil") else name)
    return found(**settings)


def make_clip(folder: Path) -> None:
    """A CLIP folder with what is to be expected of it."""
    tokenizer, processor = clip_tokenizer(), image_processor("clip")
    start, end = tokenizer.convert_tokens_to_ids([START, END])
    model = small_clip(len(tokenizer), start, end)
    for part in (model.config, processor, tokenizer):
        part.save_pretrained(folder)
    export_clip(model, folder)
    texts = text_vectors(model, tokenizer, TEXTS, "max_length")
    unpadded = text_vectors(model, tokenizer, TEXTS, False)
    notes = {"filling_up_changes_nothing": min(cosines(texts, unpadded))}
    _write_expected(folder, "clip", model, processor, texts, notes)


def make_siglip(folder: Path) -> None:
    """A SigLIP folder with what is to be expected of it.

    Texts are those of SiglipTokenizer. Where tokenizer.json gives other tokens, those count, and the cosine
    between both is noted.
    """
    with tempfile.TemporaryDirectory() as work:
        tokenizer, processor = siglip_tokenizer(Path(work)), image_processor("siglip")
        plain = siglip_tokenizer_json(Path(work) / "spiece.model")
    end = tokenizer.convert_tokens_to_ids("</s>")
    model = small_siglip(len(tokenizer), end)
    for part in (model.config, processor):
        part.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "spiece.model").unlink()  # the app reads tokenizer.json
    plain.save(str(folder / "tokenizer.json"))
    export_siglip(model, folder)
    own = {"pad_token": "</s>", "model_max_length": SIGLIP_LENGTH, "model_input_names": ["input_ids"]}
    as_file = PreTrainedTokenizerFast(tokenizer_object=plain, **own)
    by_library = text_vectors(model, tokenizer, TEXTS, "max_length")
    by_file = text_vectors(model, as_file, TEXTS, "max_length")
    unfilled = text_vectors(model, as_file, TEXTS, False)
    same = [tokenizer(text)["input_ids"] == as_file(text)["input_ids"] for text in TEXTS]
    short = [len(as_file(text)["input_ids"]) <= SIGLIP_LENGTH // 2 for text in TEXTS]
    texts = np.where(np.array(same)[:, None], by_library, by_file)
    notes = {
        "cut_otherwise_by_SiglipTokenizer": _at(TEXTS, cosines(by_library, by_file), [not alike for alike in same]),
        "not_filled_up": _at(TEXTS, cosines(texts, unfilled), short),
    }
    _write_expected(folder, "siglip", model, processor, texts, notes)


def _at(names: Sequence[str], values: Sequence[float], chosen: Sequence[bool]) -> dict[str, float]:
    return {name: value for name, value, taken in zip(names, values, chosen, strict=True) if taken}


def _write_expected(
    folder: Path,
    kind: str,
    model: PreTrainedModel,
    processor: BaseImageProcessor,
    texts: Vectors,
    notes: Mapping[str, Any],
) -> None:
    """Write images.npy, texts.npy and expected.json, and see that the folder is small."""
    pictures = dict(frames())
    images = image_vectors(model, processor, list(pictures.values()))
    _, first = np.unique(texts.round(5), axis=0, return_index=True)  # "" and " " are one text to a tokenizer
    expected = {
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "frames": {name: sha256(picture) for name, picture in pictures.items()},
        "texts": TEXTS,
        "most_alike_frames": most_alike(images, list(pictures)),
        "most_alike_texts": most_alike(texts[first], [TEXTS[at] for at in first]),
        "wrong_ways": wrong_ways(kind, lambda some: image_vectors(model, processor, some)),
        **notes,
    }
    np.save(folder / "images.npy", images, allow_pickle=False)
    np.save(folder / "texts.npy", texts, allow_pickle=False)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    log.info("%s: %d bytes in %s", kind, size, folder)
    if size > MAX_FOLDER_BYTES:
        raise SystemExit(f"{folder} has {size} bytes, more than {MAX_FOLDER_BYTES}: make the model smaller")


def main() -> None:
    """Write both folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/parity"))
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for kind, make in (("clip", make_clip), ("siglip", make_siglip)):
        (options.out / kind).mkdir(parents=True, exist_ok=True)
        make(options.out / kind)


if __name__ == "__main__":
    main()
