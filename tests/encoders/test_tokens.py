"""Token ids: cutting, filling up, and texts that are hard on a tokenizer."""

import base64
import struct
from pathlib import Path

import pytest

from clip_core.encoders.model_inputs import Tokens
from clip_core.errors import EncoderError
from tests.support.hostile_models import replace, sequence, split, template
from tests.support.model_maker import tokenizer_json, write_json

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
        found.cut_off(text)


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
    assert tokens(tmp_path, most=6).cut_off(text) == cut


def test_a_word_in_which_the_cut_falls_counts_as_cut(tmp_path: Path) -> None:
    found = tokens(
        tmp_path,
        most=6,
        pre_tokenizer={"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
    )
    assert found.cut_off("xy abcdef") == "abcdef"
    assert found.cut_off("xyz abcdef") == "abcdef"
    assert found.cut_off("x\u3000abcdef") == "abcdef"
    assert found.cut_off("狗在雪地里奔跑") == "里奔跑"  # no words: exactly what is not read


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
    assert found.cut_off(text) == want
    monkeypatch.setattr("clip_core.encoders.model_inputs.MAX_CHARACTERS", 0)  # the first look was enough
    assert found.cut_off(text) == want


def test_what_is_too_long_to_be_looked_at_is_cut_too(tmp_path: Path) -> None:
    assert tokens(tmp_path, most=6).cut_off("a " * 30_000).count("a") == 30_000 - 4
