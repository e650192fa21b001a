"""Turn pictures into pixel values and texts into token ids, as a model was trained."""

from __future__ import annotations

import base64
import json
import math
import struct
import unicodedata
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from tokenizers import Encoding, Tokenizer
from tokenizers.models import Unigram

from clip_core.config import Crop
from clip_core.encoders.base import UnreadWords
from clip_core.encoders.model_files import TOKENIZER_CONFIG, foreign, read_object
from clip_core.errors import EncoderError
from clip_core.text import shorten, single_line, unicode_text
from clip_core.types import Floats, Image, Ints

# Above this many pixels, only the part of the resized picture that the crop keeps is computed: 1 × 5000
# resized to 224 × 1,120,000 would take 750 MB.
MAX_RESIZED_PIXELS = 4_000_000
# From this many source pixels on, only the part that the crop keeps is resized: a 16:9 frame takes two thirds of the
# time. One value in several thousand then differs by 1 of 255, because Pillow stores the box in single precision.
LARGE_PIXELS = 200_000
NEAREST, BICUBIC = 0, 3
# Pillow's widest filter (Lanczos) reaches this many pixels to each side, in the coarser of the two grids.
WIDEST_FILTER = 3
# No tower reads more than some hundred tokens, and a tokenizer may take seconds for a megabyte.
MAX_CHARACTERS = 20_000
# The longest text tower that a config may describe has 8192 tokens; padding to more is a mistake.
MOST_TOKENS = 8192
# A text may become this many times longer before it is split. NFKC makes 18 characters of one (U+FDFA), and models have
# a few rules that make two or three.
MOST_GROWTH = 256
# Most scripts have fewer characters per token than this.
ENOUGH_CHARACTERS = 16
# A longer run without spaces is not a word: Chinese and Thai have no spaces.
LONGEST_WORD = 30


@dataclass(frozen=True)
class Preprocessing:
    """Resize, centre crop, rescale and normalise, in this order; each step is optional.

    Attributes:
        shortest_edge: Resize so that the shorter side has this many pixels, or None.
        squash: Resize to exactly (height, width), or None.
        resample: Pillow's number of the filter: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming.
        crop: Crop (height, width) from the centre, with zeros where the picture is smaller; or None.
        rescale_factor: The factor for each byte.
        mean, std: For red, green and blue, after rescaling.
        pad: Resize to fit into (height, width) and pad with the mean colour, or None.
    """

    shortest_edge: int | None = None
    squash: tuple[int, int] | None = None
    resample: int = NEAREST
    crop: tuple[int, int] | None = None
    rescale_factor: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pad: tuple[int, int] | None = None

    @property
    def output_size(self) -> tuple[int, int]:
        """(height, width) of every output picture."""
        size = self.crop or self.squash or self.pad
        if size is None:
            raise ValueError("a Preprocessing needs a crop, or a size to squash to or to fit into")
        return size

    @property
    def framing(self) -> Crop:
        """How a frame that is not square is treated: cropped to its centre, squashed, or padded."""
        return "pad" if self.pad else "center" if self.shortest_edge or not self.squash else "squash"

    def framed(self, crop: Crop | None) -> Preprocessing:
        """Return the preprocessing that crops, squashes or pads frames; None keeps the present framing."""
        if crop is None or crop == self.framing:
            return self
        size, resizes = self.output_size, self.shortest_edge is not None or self.squash is not None
        none = replace(
            self, shortest_edge=None, squash=None, crop=None, pad=None, resample=self.resample if resizes else BICUBIC
        )
        if crop == "squash":
            return replace(none, squash=size)
        if crop == "pad":
            return replace(none, pad=size)
        return replace(none, shortest_edge=max(size), crop=size)

    def settings(self) -> dict[str, object]:
        """Return what determines the pixel values, for the fingerprint; no ``pad`` if None, to keep old ones."""
        return {key: value for key, value in asdict(self).items() if key != "pad" or value is not None}

    @cached_property
    def _table(self) -> Floats:
        """float32 (3, 256), the value for each byte of each channel, rounded as transformers rounds."""
        values = (np.arange(256, dtype=np.float64) * self.rescale_factor).astype(np.float32)
        mean, std = np.array(self.mean, dtype=np.float32), np.array(self.std, dtype=np.float32)
        return np.asarray((values[None] - mean[:, None]) / std[:, None], dtype=np.float32)

    def apply(self, rgb: Image) -> Floats:
        """Return a picture, uint8 (height, width, 3), as pixel values, float32 (3, height, width) of ``output_size``.

        The arithmetic is that of transformers' slow CLIPImageProcessor, which uses Pillow.
        """
        planes = np.ascontiguousarray(self.pixels(rgb).transpose(2, 0, 1))
        return np.stack([np.take(values, plane) for values, plane in zip(self._table, planes, strict=True)])

    def pixels(self, rgb: Image) -> Image:
        """Resize and crop (or pad) a picture, uint8 (height, width, 3), to ``output_size``."""
        height, width = self._resized(rgb.shape[0], rgb.shape[1])
        out_height, out_width = self.output_size
        top, left = (height - out_height) // 2, (width - out_width) // 2
        rows, columns = (max(0, top), min(height, top + out_height)), (max(0, left), min(width, left + out_width))
        kept = _resize_part(rgb, (height, width), rows, columns, self.resample)
        if kept.shape[:2] == (out_height, out_width):
            return kept
        canvas = np.full((out_height, out_width, 3), self._filling, dtype=np.uint8)
        canvas[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left] = kept
        return canvas

    @property
    def _filling(self) -> Image:
        """uint8 (3,), the colour around a picture that is too small: the mean for ``pad``, else black."""
        mean = np.array(self.mean) / self.rescale_factor if self.pad else np.zeros(3)
        return np.asarray(np.rint(mean.clip(0, 255)), dtype=np.uint8)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of the whole picture after resizing, rounded as transformers rounds."""
        if self.squash is not None:
            return self.squash
        if self.pad is not None:
            scale = min(self.pad[0] / height, self.pad[1] / width)
            return max(1, round(height * scale)), max(1, round(width * scale))
        if self.shortest_edge is None:
            return height, width
        long = int(self.shortest_edge * max(height, width) / min(height, width))
        return (self.shortest_edge, long) if height <= width else (long, self.shortest_edge)


def _resize_part(
    rgb: Image, size: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int], resample: int
) -> Image:
    """Resize to ``size`` (height, width) and keep ``rows`` and ``columns`` (start, end) of the result."""
    height, width = size
    if rgb.shape[:2] == size:
        return rgb[slice(*rows), slice(*columns)]
    new_size = (columns[1] - columns[0], rows[1] - rows[0])
    if new_size == (width, height) or (height * width <= MAX_RESIZED_PIXELS and not _worth_cutting(rgb, resample)):
        whole = Pillow.fromarray(np.ascontiguousarray(rgb)).resize((width, height), resample)
        return np.asarray(whole)[slice(*rows), slice(*columns)]
    # The margin is as wide as the filter, so that the result is the same.
    y0, y1, box_y = _source(rows, rgb.shape[0] / height, rgb.shape[0])
    x0, x1, box_x = _source(columns, rgb.shape[1] / width, rgb.shape[1])
    part = Pillow.fromarray(np.ascontiguousarray(rgb[y0:y1, x0:x1]))
    return np.asarray(part.resize(new_size, resample, box=(box_x[0], box_y[0], box_x[1], box_y[1])))


def _worth_cutting(rgb: Image, resample: int) -> bool:
    """Return whether to resize only the kept part of a picture for speed, where memory does not require it.

    Not for pictures over twice as high as wide: Pillow resizes columns first for the whole, but rows first for a part,
    and values differ by several of 255. Nor for nearest, which may pick another pixel.
    """
    height, width = rgb.shape[:2]
    return height * width >= LARGE_PIXELS and height <= 2 * width and resample != NEAREST


def _source(span: tuple[int, int], scale: float, length: int) -> tuple[int, int, tuple[float, float]]:
    """Return the source of ``span`` of a resized axis: a range of whole pixels, and the exact range inside it."""
    start, end = span[0] * scale, min(span[1] * scale, float(length))
    margin = math.ceil(WIDEST_FILTER * max(scale, 1.0)) + 1
    first, last = max(0, math.floor(start) - margin), min(length, math.ceil(end) + margin)
    return first, last, (start - first, end - first)


class Tokens:
    """A tokenizer, and how its ids are truncated and padded. Safe to use from several threads.

    Attributes:
        pad_id: The id to pad with.
        settings: What determines the ids, for the fingerprint.

    Args:
        path: tokenizer.json.
        most: The most tokens that the tower can read, including start and end.
        always: Always pad to this many tokens (SigLIP, or a tower of fixed length); None pads only to the
            longest text of a batch, unless tokenizer.json says otherwise.
        model: The model's name, for messages.
        lower: Lower-case texts first (SigLIP 2 was trained so, but its tokenizer.json does not do it).

    Raises:
        EncoderError: tokenizer.json or tokenizer_config.json cannot be read, or makes texts too long.
    """

    def __init__(self, path: Path, most: int, always: int | None, model: str, lower: bool = False) -> None:
        self._file = f"tokenizer.json of {model}"
        with _translated(f"{self._file} cannot be read", "Copy the model's own file again."):
            self._tokenizer = Tokenizer.from_file(str(path))
            problem = _problem(self._tokenizer, most)
        if problem:
            raise EncoderError(f"{self._file} {problem}.", "Copy the model's own file again, or use another model.")
        cut, pad = self._tokenizer.truncation, self._tokenizer.padding
        if cut is None or cut["max_length"] > most:
            self._tokenizer.enable_truncation(most)
        self.pad_id = pad["pad_id"] if pad is not None else self._find_pad_id(path.with_name(TOKENIZER_CONFIG), model)
        if always is not None:
            self._tokenizer.enable_padding(length=always, pad_id=self.pad_id)
        self._most, self._lower = most, lower
        self.settings = {"most": most, "always": always, "pad_id": self.pad_id}
        if lower:  # only then, so that the fingerprints of other models stay
            self.settings["lower"] = True

    def _find_pad_id(self, config: Path, model: str) -> int:
        """Return the id of the pad token in tokenizer_config.json, or 0 if there is none."""
        if not config.is_file():
            return 0
        token = read_object(config, model).get("pad_token")
        if isinstance(token, dict):
            token = token.get("content")
        pad_id = self._tokenizer.token_to_id(token) if isinstance(token, str) else None
        return 0 if pad_id is None else int(pad_id)

    def __call__(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        """Return the ids of at least one text, int64 (n, length), and their attention mask: 1, or 0 for padding."""
        # One by one: encode_batch starts its own threads, which warn when the process forks.
        encodings = [self._encode(self._plain(text)[:MAX_CHARACTERS]) for text in texts]
        length = max(1, *(len(encoding.ids) for encoding in encodings))
        ids = np.full((len(texts), length), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(texts), length), dtype=np.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = encoding.attention_mask
        mask[:, 0] |= mask.sum(axis=1) == 0  # a mean over no tokens would be NaN
        return ids, mask

    def unread(self, text: str) -> UnreadWords:
        """Return which words of a text are not read. A word that truncation splits counts as cut off."""
        plain, end = self._plain(text), MAX_CHARACTERS
        for length in (self._most * ENOUGH_CHARACTERS, MAX_CHARACTERS):  # a long text need not be read in full
            encoding = self._encode(plain[:length])
            tokens = zip(encoding.ids, encoding.offsets, encoding.special_tokens_mask, strict=True)
            spans = [(token, *span) for token, span, special in tokens if not special]
            if encoding.overflowing:
                end = _word_start(plain, max((stop for *_, stop in spans), default=0))
                break
        unknown = {k for token, start, stop in spans if token == self._unknown_id for k in range(start, stop)}
        known = {k for token, start, stop in spans if token != self._unknown_id for k in range(start, stop)} - unknown
        dropped = {k for k, character in enumerate(plain[:end]) if _is_in_words(character)} - known
        unread = dict.fromkeys(_words(plain[:end], unknown | dropped))
        read = _words(plain[:end], known) if unread or not known else [plain[:end].strip()]
        return UnreadWords(text, plain[end:].strip(), tuple(unread), " ".join(read))

    @cached_property
    def _unknown_id(self) -> int | None:
        """The id of whatever is not in the vocabulary; None if there is none. A vocabulary of bytes never uses it."""
        model = self._tokenizer.model
        if isinstance(model, Unigram):  # has no attribute for it
            unk_id: int | None = json.loads(model.__getstate__())["unk_id"]
            return unk_id
        return None if model.unk_token is None else self._tokenizer.token_to_id(model.unk_token)

    def _encode(self, text: str) -> Encoding:
        with _translated(f"{self._file} fails on the text '{shorten(single_line(text), 40)}'", "Use another model."):
            return self._tokenizer.encode(text)

    def _plain(self, text: str) -> str:
        valid = unicode_text(text)
        return valid.lower() if self._lower else valid


def _is_in_words(character: str) -> bool:
    """Return whether it is a letter, a digit, or a symbol such as an emoji: not punctuation, space or an accent."""
    return unicodedata.category(character)[0] in "LN" or unicodedata.category(character) == "So"


def _words(text: str, places: Set[int]) -> list[str]:
    """Return the words of which only the characters at these places are left, without punctuation at their ends."""
    pieces = "".join(character if k in places else " " for k, character in enumerate(text)).split()
    bare = (piece.strip("".join(c for c in piece if unicodedata.category(c)[0] == "P")) for piece in pieces)
    return [word for word in bare if any(map(_is_in_words, word))]


@contextmanager
def _translated(what: str, next_step: str) -> Iterator[None]:
    """Raise EncoderError for what the tokenizers library raises: plain Exception, and where Rust panics BaseException.

    The class for a panic is in no module that can be imported.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise EncoderError(f"{what}: {foreign(error)}.", next_step) from error


def _problem(tokenizer: Tokenizer, most: int) -> str:
    """Return why a tokenizer cannot be used with ``most`` tokens, or takes too much memory; "" if it is usable."""
    pad = tokenizer.padding or {}
    length = max(pad.get("length") or 0, pad.get("pad_to_multiple_of") or 0)
    around = tokenizer.num_special_tokens_to_add(False)
    growth = 1 if tokenizer.normalizer is None else _growth(json.loads(tokenizer.normalizer.__getstate__()))
    if tokenizer.get_vocab_size() == 0:
        return "has an empty vocabulary"
    if length > MOST_TOKENS:
        return f"pads each text to {length:,} tokens; at most {MOST_TOKENS:,} are allowed"
    if around >= most:
        return f"puts {around:,} tokens around each text, but the model reads only {most:,} in all"
    if growth > MOST_GROWTH:
        return f"can make a text {growth:,} times longer; at most {MOST_GROWTH} times are allowed"
    return ""


def _growth(normalizer: Mapping[str, Any]) -> int:
    """Return how many times longer a normalizer's rules can make a text; Unicode's own forms are not counted."""
    kind = normalizer["type"]
    if kind == "Sequence":
        return math.prod(_growth(inner) for inner in normalizer["normalizers"])
    if kind == "Replace":
        written = len(normalizer["content"])
        # A regular expression may match between any two characters.
        return max(1, written) if "String" in normalizer["pattern"] else 1 + written
    if kind == "Prepend":
        return 1 + len(normalizer["prepend"])  # as if the text had one character
    if kind == "Precompiled":  # the size of a trie, the trie, and the replacements, each ended by a zero byte
        table = base64.b64decode(normalizer["precompiled_charsmap"])
        (trie_bytes,) = struct.unpack_from("<I", table)
        return max(1, *(len(text) for text in table[4 + trie_bytes :].decode("utf-8", "replace").split("\0")))
    return 1


def _word_start(text: str, cut: int) -> int:
    """Return the start of the word that ``cut`` splits; ``cut`` itself if it splits none or there are no spaces."""
    if cut >= len(text) or text[cut].isspace():
        return cut
    blanks = [place for place in range(max(0, cut - LONGEST_WORD), cut) if text[place].isspace()]
    return blanks[-1] + 1 if blanks else cut
