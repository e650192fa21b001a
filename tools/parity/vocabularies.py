"""Small tokenizers of the two kinds, trained on ``corpus.txt``."""

from __future__ import annotations

import re
import string
from collections import Counter
from itertools import pairwise
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import CLIPTokenizer, SiglipTokenizer

from tools.parity.models import CLIP_LENGTH, SIGLIP_LENGTH

CORPUS = Path(__file__).with_name("corpus.txt")
START, END = "<|startoftext|>", "<|endoftext|>"
MERGES, PIECES = 160, 290
# The rules that real SigLIP models carry (nmt_nfkc) fill 240 KB. These few go through the same machinery:
# the code points on the left become those on the right.
FOLDED = {"ﬁ": "fi", "½": "1⁄2", "№": "No", "…": "...", "\u00a0": " ", "\u2003": " ", "e\u0301": "é"}
FOLDED |= {chr(0xFEE0 + ord(letter)): letter for letter in string.ascii_letters + string.digits}


def clip_tokenizer() -> CLIPTokenizer:
    """Byte-level pairs like OpenAI's: 256 bytes, 256 that end a word, merges, start and end."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = _merges()
    names = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    vocab = {name: number for number, name in enumerate(names)}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=CLIP_LENGTH)


def _merges() -> list[tuple[str, str]]:
    """The pairs that the corpus joins most often; of two as frequent, the first by code points.

    (The trainer of `tokenizers` leaves ties to chance, and so gives other vocabularies each time.)
    """
    plain = CLIPTokenizer().backend_tokenizer
    text = plain.normalizer.normalize_str(CORPUS.read_text(encoding="utf-8"))
    counts = Counter(word for word, _ in plain.pre_tokenizer.pre_tokenize_str(text))
    words = {word: [*word[:-1], f"{word[-1]}</w>"] for word in counts}
    found: list[tuple[str, str]] = []
    for _ in range(MERGES):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, parts in words.items():
            for pair in pairwise(parts):
                pairs[pair] += counts[word]
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        words = {word: _joined(parts, best) for word, parts in words.items()}
        found.append(best)
    return found


def _joined(parts: list[str], pair: tuple[str, str]) -> list[str]:
    """A word's parts with each such pair made one."""
    found: list[str] = []
    for part in parts:
        if found and (found[-1], part) == pair:
            found[-1] += part
        else:
            found.append(part)
    return found


def siglip_tokenizer(work: Path) -> SiglipTokenizer:
    """SentencePiece's unigram pieces, lower case, as transformers reads them: the reference.

    Args:
        work: A folder for the SentencePiece model.
    """
    rules = work / "rules.tsv"
    lines = (f"{_code_points(old)}\t{_code_points(new)}" for old, new in FOLDED.items())
    rules.write_text("\n".join(lines) + "\n", encoding="utf-8")
    lower = work / "corpus.txt"
    lower.write_text(CORPUS.read_text(encoding="utf-8").lower(), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(lower), model_prefix=str(work / "spiece"), model_type="unigram", vocab_size=PIECES,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_tsv=str(rules), character_coverage=0.995,
        num_threads=1, minloglevel=2,
    )  # fmt: skip
    return SiglipTokenizer(str(work / "spiece.model"), model_max_length=SIGLIP_LENGTH, model_input_names=["input_ids"])


def _code_points(text: str) -> str:
    return " ".join(f"{ord(letter):04X}" for letter in text)


def siglip_tokenizer_json(spiece: Path) -> Tokenizer:
    """The same pieces as the published SigLIP folders hold them in tokenizer.json.

    transformers has no such file of its own for SigLIP; the order of the steps is that of the published ones:
    lower case, no ASCII punctuation, single spaces, the model's own folding.
    """
    proto = sentencepiece_model_pb2.ModelProto.FromString(spiece.read_bytes())
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=proto.trainer_spec.unk_id, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(f"[{re.escape(string.punctuation)}]"), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
            normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(
        [AddedToken(name, lstrip=True, rstrip=True, normalized=False, special=True) for name in ("</s>", "<unk>")]
    )
    return tokenizer
