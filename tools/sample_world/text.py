"""The sample model's tokenizer: lower-case words, one token each, unknown words as [UNK]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFKD, Lowercase, StripAccents
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Split

MAX_TOKENS = 16
PAD, UNKNOWN = "[PAD]", "[UNK]"
PAD_ID, UNKNOWN_ID = 0, 1


def build_tokenizer(words: Sequence[str]) -> Tokenizer:
    """A tokenizer that pads and cuts every text to MAX_TOKENS ids.

    Letters and digits make words, runs of symbols (emoji too) make unknown words, spaces and punctuation only separate.
    """
    ids = {word: i for i, word in enumerate([PAD, UNKNOWN, *words])}
    tokenizer = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = Normalizers([NFKD(), Lowercase(), StripAccents()])
    pieces = Regex(r"[\p{L}\p{N}]+|[^\s\p{P}\p{L}\p{N}]+")
    tokenizer.pre_tokenizer = Split(pieces, behavior="removed", invert=True)
    tokenizer.enable_truncation(max_length=MAX_TOKENS)
    tokenizer.enable_padding(length=MAX_TOKENS, pad_id=PAD_ID, pad_token=PAD)
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> NDArray[np.int64]:
    """Token ids of texts.

    Returns:
        int64 (n_texts, MAX_TOKENS), padded with PAD_ID.
    """
    return np.array([encoding.ids for encoding in tokenizer.encode_batch(list(texts))], dtype=np.int64)
