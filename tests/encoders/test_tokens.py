"""Token ids: cutting, filling up, and texts that are hard on a tokenizer."""

import base64
import struct
from pathlib import Path

import pytest

from clip_core.encoders.model_inputs import Tokens
from clip_core.errors import EncoderError
from tests.support.hostile_models import replace, sequence, split, template
from tests.support.model_maker import tokenizer_json, write_json

ROOT = Path(__file__).parents[2]
PAD, UNK, START, END, A, PHOTO, OF, THE, DOG = range(9)


def tokens(folder: Path, most: int = 77, always: int | None = None, pad: object = "<pad>", **changes: object) -> Tokens:
    write_json(folder / "tokenizer.json", tokenizer_json() | changes)
    write_json(folder / "tokenizer_config.json", {"pad_token": pad})
    return Tokens(folder / "tokenizer.json", most, always, "m")


def test_a_batch_is_filled_up_to_its_longest_only(tmp_path: Path) -> None:
    ids, mask = tokens(tmp_path)(["a dog", "A photo of the DOG"])
    assert ids.tolist() == [[START, A, DOG, END, PAD, PAD, PAD], [START, A, PHOTO, OF, THE, DOG, END]]
    assert mask.tolist() == [[1, 1, 1, 1, 0, 0, 0], [1] * 7]
    assert tokens(tmp_path)(["a dog"])[0].shape == (1, 4)


@pytest.mark.parametrize("pad", ["</s>", {"content": "</s>", "lstrip": False}])
def test_the_pad_token_is_the_one_that_the_folder_names(tmp_path: Path, pad: object) -> None:
    assert tokens(tmp_path, pad=pad)(["a", "a dog"])[0].tolist() == [[START, A, END, END], [START, A, DOG, END]]


@pytest.mark.parametrize("pad", [None, "no such token", 7])
def test_no_pad_token_means_zero(tmp_path: Path, pad: object) -> None:
    assert tokens(tmp_path, pad=pad).pad_id == 0


def test_long_texts_are_cut_with_start_and_end(tmp_path: Path) -> None:
    ids, _ = tokens(tmp_path, most=5)(["dog " * 5000])
    assert ids.tolist() == [[START, DOG, DOG, DOG, END]]


def test_the_files_own_cut_stands_unless_the_tower_is_shorter(tmp_path: Path) -> None:
    own = {"direction": "Right", "max_length": 6, "strategy": "LongestFirst", "stride": 0}
    assert tokens(tmp_path, most=77, truncation=own)(["dog " * 50])[0].shape == (1, 6)
    assert tokens(tmp_path, most=4, truncation=own)(["dog " * 50])[0].shape == (1, 4)


def test_fixed_length(tmp_path: Path) -> None:
    ids, _ = tokens(tmp_path, most=8, always=8)(["a dog", "dog " * 50])
    assert ids.tolist() == [[START, A, DOG, END, PAD, PAD, PAD, PAD], [START] + [DOG] * 6 + [END]]


def test_a_text_without_tokens_still_has_one_place(tmp_path: Path) -> None:
    ids, mask = tokens(tmp_path, post_processor=None)(["", "dog"])
    assert ids.tolist() == [[PAD], [DOG]]
    assert mask.tolist() == [[1], [1]]


def test_broken_unicode_is_replaced(tmp_path: Path) -> None:
    assert tokens(tmp_path)(["\ud800"])[0].tolist() == [[START, UNK, END]]


@pytest.mark.parametrize("content", ["", "{}", "not json", '{"version": "1.0"}'])
def test_a_broken_tokenizer_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(
        EncoderError, match=r"^tokenizer\.json of m cannot be read: .+ Copy the model's own file again\."
    ):
        Tokens(tmp_path / "tokenizer.json", 77, None, "m")


STRIDE = {"direction": "Right", "max_length": 6, "strategy": "LongestFirst", "stride": 9}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"truncation": STRIDE}, "`stride` must be strictly less"),  # Rust panics
        ({"truncation": STRIDE | {"strategy": "OnlySecond"}}, "Second sequence not provided"),
        ({"post_processor": template([2], known=False)}, "no entry found for key"),
        ({"model": {"type": "WordLevel", "vocab": {"a": 4}, "unk_token": "none"}}, r"Missing \[UNK\] token"),
        ({"pre_tokenizer": {"type": "FixedLength", "length": 0}}, "chunk size must be non-zero"),
        ({"pre_tokenizer": split("(a+a+)+y")}, "retry-limit-in-match"),
    ],
    ids=["stride", "second", "template", "unknown word", "length 0", "backtracking"],
)
def test_a_text_that_a_tokenizer_fails_on_is_named(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    found, text = tokens(tmp_path, **changes), "dog " * 20 + "a" * 60  # type: ignore[arg-type]
    message = rf"^tokenizer\.json of m fails on the text 'dog dog .*…': .*{reason}.* Use another model\.$"
    with pytest.raises(EncoderError, match=message):
        found([text])
    with pytest.raises(EncoderError, match=message):
        found.unread(text)


def charsmap(longest: int) -> dict[str, str]:
    """A Precompiled normalizer, whose trie is empty and whose longest replacement has so many characters."""
    table = struct.pack("<I", 4) + bytes(4) + b"ab\0" + "é".encode() * longest + b"\0"
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(table).decode()}


@pytest.mark.parametrize(
    ("normalizer", "times"),
    [
        (charsmap(300), 300),
        (sequence(charsmap(100), replace("o", "xyz")), 300),
        (sequence(*[replace("o", "oo")] * 9), 512),
        (sequence(sequence(replace("", "x" * 299, "Regex"))), 300),
    ],
    ids=["precompiled", "sequence", "many", "nothing"],
)
def test_rules_that_make_a_text_too_long(tmp_path: Path, normalizer: dict[str, object], times: int) -> None:
    with pytest.raises(EncoderError, match=rf"^tokenizer\.json of m can make a text {times} times longer; at most 256"):
        tokens(tmp_path, normalizer=normalizer)


@pytest.mark.parametrize(
    "normalizer",
    [
        sequence({"type": "NFKC"}, charsmap(18), replace(r"\s+", " ", "Regex"), replace(" {2,}", "▁", "Regex")),
        sequence({"type": "Prepend", "prepend": "▁"}, replace(" ", "▁")),
        sequence(replace("[!?]", "", "Regex"), {"type": "Strip", "strip_left": True, "strip_right": True}),
        {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "lowercase": True},
    ],
    ids=["T5", "Llama", "SigLIP", "BERT"],
)
def test_the_rules_of_published_models_are_taken(tmp_path: Path, normalizer: dict[str, object]) -> None:
    assert tokens(tmp_path, normalizer=normalizer).settings == {"most": 77, "always": None, "pad_id": PAD}


class Interrupted:
    def encode(self, text: str) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_within_a_tokenizer_stays_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = tokens(tmp_path)
    monkeypatch.setattr(found, "_tokenizer", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        found(["a dog"])


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("a dog", ""),
        ("a photo of the", ""),
        ("a photo of the dog", "dog"),
        ("a photo of the dog and the  cat ", "dog and the  cat"),
        ("", ""),
        ("dog\tdog\ndog dog the house\non a hill", "the house\non a hill"),
        ("A PHOTO of é 🐶 dog", "🐶 dog"),
        ("dog\u3000dog\u00a0dog\tdog\ndog dog", "dog dog"),
    ],
)
def test_the_words_that_are_cut(tmp_path: Path, text: str, cut: str) -> None:
    assert tokens(tmp_path, most=6).unread(text).cut_off == cut


def test_a_word_in_which_the_cut_falls_counts_as_cut(tmp_path: Path) -> None:
    found = tokens(
        tmp_path,
        most=6,
        pre_tokenizer={"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
    )
    assert found.unread("xy abcdef").cut_off == "abcdef"
    assert found.unread("xyz abcdef").cut_off == "abcdef"
    assert found.unread("x\u3000abcdef").cut_off == "abcdef"
    assert found.unread("狗在雪地里奔跑").cut_off == "里奔跑"  # no words: exactly what is not read


def test_small_letters_where_the_model_was_trained_on_them(tmp_path: Path) -> None:
    write_json(tmp_path / "tokenizer.json", tokenizer_json() | {"normalizer": None})
    as_it_stands = Tokens(tmp_path / "tokenizer.json", 77, None, "m")
    lowered = Tokens(tmp_path / "tokenizer.json", 77, None, "m", lower=True)
    assert as_it_stands(["A DOG"])[0].tolist() == [[START, UNK, UNK, END]]
    assert lowered(["A DOG"])[0].tolist() == [[START, A, DOG, END]]
    assert set(as_it_stands.settings) == {"most", "always", "pad_id"}
    assert lowered.settings["lower"] is True


def test_a_long_text_is_not_read_in_full_to_find_the_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, text = tokens(tmp_path, most=6), "a photo of the dog " * 1000
    want = "dog " + text[19:].strip()
    assert found.unread(text).cut_off == want
    monkeypatch.setattr("clip_core.encoders.model_inputs.MAX_CHARACTERS", 0)  # the first look was enough
    assert found.unread(text).cut_off == want


def test_what_is_too_long_to_be_looked_at_is_cut_too(tmp_path: Path) -> None:
    assert tokens(tmp_path, most=6).unread("a " * 30_000).cut_off.count("a") == 30_000 - 4


@pytest.mark.parametrize(
    ("text", "unknown", "read"),
    [
        ("a photo of the dog", (), "a photo of the dog"),
        ("kitchen", ("kitchen",), ""),
        ("Stairs, rug!", ("Stairs", "rug"), ""),
        ("a photo of the Kitchen kitchen, the kitchen", ("Kitchen", "kitchen"), "a photo of the the"),
        ("the 🐶 dog", ("🐶",), "the dog"),
        ("собака бежит", ("собака", "бежит"), ""),
        ("狗在跑 dog", ("狗在跑",), "dog"),
        ("5 dog", ("5",), "dog"),
        ("a dog, the dog.", (), "a dog, the dog."),  # punctuation is no word
    ],
)
def test_words_that_the_model_does_not_know(tmp_path: Path, text: str, unknown: tuple[str, ...], read: str) -> None:
    words = tokens(tmp_path).unread(text)
    assert (words.text, words.cut_off, words.unknown, words.read) == (text, "", unknown, read)
    assert bool(words.notes) == bool(unknown)


def test_words_that_the_tokenizer_drops_are_unknown_too(tmp_path: Path) -> None:
    """Nothing stands for such a word, not even the id of an unknown one; of punctuation nothing is told."""
    ascii_only = {"type": "Split", "pattern": {"Regex": "[a-z]+"}, "behavior": "Removed", "invert": True}
    found = tokens(tmp_path, pre_tokenizer=ascii_only)
    assert found.unread("🐶 dog + 狗!").unknown == ("🐶", "狗")
    assert found.unread("a dog?!").notes == []
    nothing = found.unread("?!")
    assert (nothing.unknown, nothing.read) == ((), "")
    assert "the scores say nothing about this prompt" in nothing.notes[0]


def test_what_is_cut_off_is_not_unknown_as_well(tmp_path: Path) -> None:
    words = tokens(tmp_path, most=6).unread("kitchen dog dog dog rug wall")
    assert (words.cut_off, words.unknown, words.read) == ("rug wall", ("kitchen",), "dog dog dog")
    assert words.notes == [
        "“kitchen dog dog…rug wall” is longer than the model reads. Not read: “rug wall”",
        "“kitchen dog dog…rug wall”: the model does not know “kitchen”. It reads only “dog dog dog”.",
    ]


@pytest.mark.parametrize(
    ("model", "unknown"),
    [
        ("clip", {}),  # its vocabulary has all bytes
        ("siglip", {"a 🐶": ("🐶",), "狗": ("狗",)}),
    ],
)
def test_vocabularies_of_pieces(model: str, unknown: dict[str, tuple[str, ...]]) -> None:
    found = Tokens(ROOT / f"tests/fixtures/parity/{model}/tokenizer.json", 64, None, model)
    for text in (
        "a kitchen",
        "well-known dogs",
        "a 🐶",
        "狗",
        "5 dogs, $100 + ½",
        "é\u0301 ﬁ dog\x00",
        "<|startoftext|> a",
    ):
        got = found.unread(text)
        if model == "clip" or text in unknown:
            assert got.unknown == unknown.get(text, ())
    assert found.unread("a kitchen").notes == []


def test_a_long_list_of_unknown_words_is_shortened(tmp_path: Path) -> None:
    note = tokens(tmp_path).unread(" ".join(f"w{k}" for k in range(9)) + " dog").unknown_note
    assert "“w0”, “w1”, “w2”, “w3”, “w4”, and 4 more. It reads only “dog”." in note
