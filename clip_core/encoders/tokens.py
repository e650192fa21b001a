"""Turn texts into token ids, by a folder's tokenizer.json and as the text tower was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from clip_core.encoders.base import foreign
from clip_core.encoders.folder import read_object
from clip_core.errors import EncoderError
from clip_core.text import unicode_text
from clip_core.types import Ints

# No tower reads more than some hundred tokens, and a tokenizer may take seconds for a megabyte.
MAX_CHARACTERS = 20_000
# Most scripts have fewer characters per token than this.
ENOUGH_CHARACTERS = 16
# A longer run without spaces is not a word: Chinese and Thai have no spaces.
LONGEST_WORD = 30


@dataclass(frozen=True)
class TextRules:
    """How token ids are truncated and padded; part of the fingerprint.

    Attributes:
        most: The most tokens that the tower can read, including start and end.
        always: Always pad to this many tokens (SigLIP, or a tower of fixed length); None pads only to the
            longest text of a batch, unless tokenizer.json says otherwise.
        pad_id: The id to pad with.
        lower: Lower-case texts first (SigLIP 2 was trained so, but its tokenizer.json does not do it).
    """

    most: int
    always: int | None
    pad_id: int
    lower: bool = False

    def settings(self) -> dict[str, object]:
        """Return what determines the ids, for the fingerprint; no ``lower`` if False, to keep old ones."""
        return {key: value for key, value in asdict(self).items() if key != "lower" or value}


class Tokens:
    """A tokenizer with its rules. Safe to use from several threads.

    Args:
        path: tokenizer.json.
        most: See TextRules.
        always: See TextRules.
        model: The model's name, for messages.
        lower: See TextRules.

    Raises:
        EncoderError: tokenizer.json or tokenizer_config.json cannot be read.
    """

    def __init__(self, path: Path, most: int, always: int | None, model: str, lower: bool = False) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises plain Exception
            raise EncoderError(
                f"tokenizer.json of {model} cannot be read: {foreign(error)}.", "Copy the model's own file again."
            ) from error
        cut, pad = self._tokenizer.truncation, self._tokenizer.padding
        if cut is None or cut["max_length"] > most:
            self._tokenizer.enable_truncation(most)
        pad_id = pad["pad_id"] if pad is not None else self._pad_id(path.with_name("tokenizer_config.json"), model)
        if always is not None:
            self._tokenizer.enable_padding(length=always, pad_id=pad_id)
        self.rules = TextRules(most, always, pad_id, lower)

    def _pad_id(self, config: Path, model: str) -> int:
        """Return the id of the pad token in tokenizer_config.json, or 0 if there is none."""
        if not config.is_file():
            return 0
        token = read_object(config, model).get("pad_token")
        if isinstance(token, dict):
            token = token.get("content")
        found = self._tokenizer.token_to_id(token) if isinstance(token, str) else None
        return 0 if found is None else int(found)

    def __call__(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        """Tokenise texts.

        Args:
            texts: At least one text. Surrogates become "?".

        Returns:
            int64 (n, length) ids and int64 (n, length) attention mask, 1 for tokens of the text and 0 for padding.
        """
        # One by one: encode_batch starts its own threads, which warn when the process forks.
        found = [self._tokenizer.encode(self._plain(text)[:MAX_CHARACTERS]) for text in texts]
        length = max(1, *(len(encoding.ids) for encoding in found))
        ids = np.full((len(texts), length), self.rules.pad_id, dtype=np.int64)
        mask = np.zeros((len(texts), length), dtype=np.int64)
        for row, encoding in enumerate(found):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = encoding.attention_mask
        mask[:, 0] |= mask.sum(axis=1) == 0  # a mean over no tokens would be NaN
        return ids, mask

    def cut_off(self, text: str) -> str:
        """Return the words that truncation drops, starting with any word it splits; "" if nothing is dropped."""
        plain = self._plain(text)
        for length in (self.rules.most * ENOUGH_CHARACTERS, MAX_CHARACTERS):  # a long text need not be read in full
            found = self._tokenizer.encode(plain[:length])
            if found.overflowing:
                break
        else:
            return plain[MAX_CHARACTERS:].strip()
        ends = [end for (_, end), special in zip(found.offsets, found.special_tokens_mask, strict=True) if not special]
        read = max(ends, default=0)
        return plain[_word_start(plain, read) :].strip()

    def _plain(self, text: str) -> str:
        valid = unicode_text(text)
        return valid.lower() if self.rules.lower else valid


def _word_start(text: str, cut: int) -> int:
    """Return the start of the word that ``cut`` splits; ``cut`` itself if it splits none or there are no spaces."""
    if cut >= len(text) or text[cut].isspace():
        return cut
    blanks = [place for place in range(max(0, cut - LONGEST_WORD), cut) if text[place].isspace()]
    return blanks[-1] + 1 if blanks else cut
