"""Small CLIP and SigLIP models with random weights that tell pictures and texts apart."""

from __future__ import annotations

import torch
from torch import nn
from transformers import CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

IMAGE_SIZE, PATCH = 64, 8
DIM, TEXT_WIDTH = 32, 24
CLIP_LENGTH, SIGLIP_LENGTH = 77, 64
LOG_SCALE = 2.6592
# transformers' own 0.02 makes all pictures nearly the same vector. Sharp attention and plain patches keep what
# differs; the places of words and patches weigh as much as their content, so that order and crop count.
ATTENTION, PLACES, WORDS = 2.5, 0.7, 1.0


def small_clip(words: int, start: int, end: int, seed: int = 3) -> CLIPModel:
    """CLIP of two layers a tower.

    Args:
        words: How many tokens there are.
        start, end: Ids of <|startoftext|> and <|endoftext|>.
        seed: Of the weights.
    """
    layers = {"num_hidden_layers": 2, "num_attention_heads": 4, "projection_dim": DIM}
    text = {"vocab_size": words, "hidden_size": TEXT_WIDTH, "intermediate_size": 32, "pad_token_id": end}
    # As in OpenAI's own files: 2 tells transformers to pool at the highest id, which is the first end token.
    text |= {"max_position_embeddings": CLIP_LENGTH, "bos_token_id": start, "eos_token_id": 2}
    vision = {"hidden_size": DIM, "intermediate_size": 32, "image_size": IMAGE_SIZE, "patch_size": PATCH}
    config = CLIPConfig(
        text_config=text | layers,
        vision_config=vision | layers,
        projection_dim=DIM,
        logit_scale_init_value=LOG_SCALE,
        attn_implementation="eager",
    )
    return _shaken(CLIPModel(config), seed)


def small_siglip(words: int, pad: int, seed: int = 5) -> SiglipModel:
    """SigLIP of two layers a tower, its picture's vector pooled by attention, its text's at the last token.

    Args:
        words: How many tokens there are.
        pad: Id of </s>, the end and the filling.
        seed: Of the weights.
    """
    layers = {"num_hidden_layers": 2, "num_attention_heads": 4}
    text = {"vocab_size": words, "hidden_size": TEXT_WIDTH, "intermediate_size": 32, "projection_size": DIM}
    text |= {"max_position_embeddings": SIGLIP_LENGTH, "pad_token_id": pad, "bos_token_id": pad, "eos_token_id": pad}
    vision = {"hidden_size": DIM, "intermediate_size": 32, "image_size": IMAGE_SIZE, "patch_size": PATCH}
    config = SiglipConfig(text_config=text | layers, vision_config=vision | layers, attn_implementation="eager")
    return _shaken(SiglipModel(config), seed)


def _shaken(model: nn.Module, seed: int) -> nn.Module:
    """Replace all weights by seeded normal numbers of the sizes that keep inputs apart."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "logit" in name or "norm" in name or "layrnorm" in name:
                continue
            weight.copy_(torch.randn(weight.shape, generator=generator) * _deviation(name, weight))
    return model.eval()


def _deviation(name: str, weight: torch.Tensor) -> float:
    if "position_embedding" in name:
        return PLACES
    if "token_embedding" in name:
        return WORDS
    if weight.ndim < 2:
        return 0.1
    sharp = ATTENTION if any(part in name for part in ("q_proj", "k_proj", "in_proj")) else 1.0
    return sharp * weight[0].numel() ** -0.5
