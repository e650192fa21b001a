"""A short list of recommended models of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from clip_core.encoders.model_files import AUTO, SUFFIXES, Precision, best_precision


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """A model of the hub.

    Attributes:
        name, id: The name to show, and the repository on the hub.
        revision: A commit (40 hex digits), or "main".
        good_at: One sentence on what it is good at.
        licence: Licence of the weights, as their publisher states it.
        sizes_mb: Precision → approximate download size in megabytes, including the tokenizer. A precision that is
            not listed is used only if it is asked for by name.
    """

    name: str
    id: str
    revision: str
    good_at: str
    licence: str
    sizes_mb: Mapping[Precision, int]


# OpenAI published code and weights in one repository under MIT; the model cards on the hub name no licence.
_OPENAI = "MIT (OpenAI's repository; the model cards name none)"

# Sizes are sums of the file sizes on the hub's pages or in programs that pin these files; an unknown fp16 size is taken
# as half of the fp32 size, and vice versa. A commit is given only if such a page or program shows it for this exact
# repository. If "main" moves, cached files stay, and a new download differs.
CATALOGUE: tuple[CatalogueModel, ...] = (
    CatalogueModel(
        name="CLIP ViT-B/32",
        id="Xenova/clip-vit-base-patch32",
        revision="d15189d7028b43f1d3e65039190477f6af591c2a",
        good_at="The quickest CLIP: a good first choice for long videos on a CPU.",
        licence=_OPENAI,
        sizes_mb={"int8": 156, "fp16": 305, "fp32": 608},
    ),
    CatalogueModel(
        name="CLIP ViT-B/16",
        id="Xenova/clip-vit-base-patch16",
        revision="main",  # no source shows a commit with all precisions
        good_at="Sees smaller things than ViT-B/32, at about a quarter of its speed.",
        licence=_OPENAI,
        sizes_mb={"int8": 154, "fp16": 302, "fp32": 601},
    ),
    CatalogueModel(
        name="CLIP ViT-L/14",
        id="Xenova/clip-vit-large-patch14",
        revision="main",  # the file page shows only the short commit cb711f7
        good_at="The most exact of OpenAI's at 224 pixels; slow without a GPU.",
        licence=_OPENAI,
        sizes_mb={"int8": 434, "fp16": 859, "fp32": 1717},
    ),
    CatalogueModel(
        name="SigLIP base",
        id="Xenova/siglip-base-patch16-224",
        revision="4649052661e53c7000355844105f8a1792088239",
        good_at="Tells similar things apart better than CLIP of its size, and sees the whole frame, squashed.",
        licence="Apache-2.0",
        sizes_mb={"int8": 208, "fp16": 409, "fp32": 816},
    ),
    CatalogueModel(
        name="SigLIP 2 base",
        id="onnx-community/siglip2-base-patch16-224-ONNX",
        revision="ba1f3b0843f24bc5417d38e19c37b287d719b2f4",
        good_at="Understands prompts in many languages; otherwise like SigLIP, and newer.",
        licence="Apache-2.0 (Google's weights; the export's card names none)",
        sizes_mb={"int8": 412, "fp16": 786, "fp32": 1536},
    ),
    CatalogueModel(
        name="MobileCLIP S2",
        id="Xenova/mobileclip_s2",
        revision="3c1c6e3770470681dc4bcc6237a1794779a86677",
        good_at="Small convolutional image tower: good scores for its size.",
        licence="Apple's own (LICENSE in the repository; Apple's own card has since changed to apple-amlr)",
        # int8 is left out because published measurements found only noise; fp16 (201 MB) because its text tower
        # reportedly does not load in every ONNX Runtime.
        sizes_mb={"fp32": 399},
    ),
    CatalogueModel(
        name="Jina CLIP v1",
        id="jinaai/jina-clip-v1",
        revision="ceb3e44ca4d6eceaa4f3fb58b1c1a5748b3f29b6",
        good_at="Reads prompts of some hundred words, where CLIP stops at 77 tokens; English.",
        licence="Apache-2.0",
        sizes_mb={"int8": 227, "fp16": 447, "fp32": 892},
    ),
)


def find_in_catalogue(model_id: str) -> CatalogueModel | None:
    """Return the catalogue entry for ``model_id``, or None."""
    return next((model for model in CATALOGUE if model.id == model_id), None)


def precision_order(model_id: str, precision: str, providers: Collection[str] | None) -> tuple[Precision, ...]:
    """Return ``best_precision`` without the precisions that the catalogue leaves out for this model.

    Args:
        model_id: The model's repository.
        precision, providers: As for ``best_precision``; None for unknown providers, then "auto" means all.
    """
    order = tuple(SUFFIXES) if precision == AUTO and providers is None else best_precision(precision, providers or ())
    known = find_in_catalogue(model_id)
    if precision != AUTO or known is None:
        return order
    return tuple(kind for kind in order if kind in known.sizes_mb)
