"""What the sample world can show and what its texts say: concepts, their glyphs, and the texts that fit them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CONCEPTS_FILE = Path(__file__).with_name("concepts.txt")
CLDR_ANNOTATIONS = Path("/usr/share/unicode/cldr/common/annotations/en.xml")

MAX_CONCEPTS_PER_KEYWORD = 30
"""A keyword that fits more concepts than this says too little about a picture."""

_VAGUE = (
    "face red green blue yellow white black brown purple orange pink small big large gold golden color "
    "open closed one two left right up down with on off cool fun good nice new old top middle "
    "symbol object sign shape emoji person man woman nature"
)
VAGUE_KEYWORDS = frozenset(_VAGUE.split())
"""Keywords that CLDR gives to arbitrary things: they would only confuse."""

TEMPLATES = (
    "{}", "{}", "{a} {}", "{a} {}", "{a} {}", "the {}", "a photo of {a} {}", "a photo of {}", "a picture of {a} {}",
    "an image of {a} {}", "a video of {a} {}", "{a} {} in the scene", "a drawing of {a} {}", "{a} {} moving",
    "a close up of {a} {}", "this is {a} {}", "there is {a} {}", "a small {}", "a big {}", "some {}", "one {}", "my {}",
)  # fmt: skip


@dataclass(frozen=True)
class Concept:
    """A thing that a scene can show: its plain name and the emoji that draw it."""

    name: str
    glyphs: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """All concepts and all texts.

    Attributes:
        concepts: in the order of the concepts file.
        texts: names first (same order as the concepts), then plurals, then keywords.
        fits: bool (n_texts, n_concepts); True where the text describes the concept.
        n_plurals: how many texts after the names are plurals of names.
    """

    concepts: tuple[Concept, ...]
    texts: tuple[str, ...]
    fits: NDArray[np.bool_]
    n_plurals: int

    @property
    def n_names(self) -> int:
        """How many of the texts are names; they come first."""
        return len(self.concepts)

    @property
    def first_keyword(self) -> int:
        """Where the keywords begin among the texts."""
        return self.n_names + self.n_plurals

    def words(self) -> list[str]:
        """All words of all texts and templates, sorted: the tokenizer's vocabulary."""
        sources = [*self.texts, *(t.replace("{a}", "a an").replace("{}", "") for t in TEMPLATES)]
        return sorted({word for text in sources for word in split_words(text)})


def split_words(text: str) -> list[str]:
    """The words of a text, as the tokenizer cuts them."""
    return re.findall(r"[a-z0-9]+", text.lower())


def caption(template: str, text: str) -> str:
    """A template filled with a text, with "a" or "an" as the text wants it."""
    article = "an" if text[0] in "aeiou" else "a"
    return template.replace("{a}", article).replace("{}", text)


def read_concepts(path: Path = CONCEPTS_FILE) -> tuple[Concept, ...]:
    """The concepts file, one "name: glyph glyph" a line.

    Raises:
        ValueError: a line without a colon, or a name given twice.
    """
    concepts: dict[str, Concept] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, glyphs = line.partition(":")
        if not colon or not glyphs.split():
            raise ValueError(f"{path}: {line!r} is not 'name: glyph glyph'; add the colon and at least one emoji")
        if name in concepts:
            raise ValueError(f"{path}: {name!r} stands there twice; put all its glyphs on one line")
        concepts[name] = Concept(name, tuple(glyphs.split()))
    return tuple(concepts.values())


def read_cldr(path: Path = CLDR_ANNOTATIONS) -> dict[str, set[str]]:
    """Unicode CLDR's English names and keywords of each emoji (without variation selectors), in lower case.

    Raises:
        FileNotFoundError: the file is missing; the message names the Debian package.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: install the package unicode-cldr-core, or pass --cldr")
    annotations: dict[str, set[str]] = {}
    root = ElementTree.parse(path).getroot()  # noqa: S314  (a file of the distribution, not a stranger's)
    for element in root.iter("annotation"):
        parts = (element.text or "").lower().split("|")
        annotations.setdefault(element.get("cp", ""), set()).update(part.strip() for part in parts)
    return annotations


def build_vocabulary(cldr: Path = CLDR_ANNOTATIONS, concepts_file: Path = CONCEPTS_FILE) -> Vocabulary:
    """Concepts, their names, plurals of the names, and CLDR's keywords; a name fits its own concept only."""
    concepts = read_concepts(concepts_file)
    names = [concept.name for concept in concepts]
    fitting: dict[str, set[int]] = {name: {i} for i, name in enumerate(names)}
    plurals = {plural(name): {i} for i, name in enumerate(names) if not name.endswith("s")}
    plurals = {text: fits for text, fits in plurals.items() if text not in fitting}
    keywords = _keywords(concepts, read_cldr(cldr), taken={*fitting, *plurals})
    fitting |= plurals | keywords
    fits = np.zeros((len(fitting), len(concepts)), dtype=np.bool_)
    for row, indices in enumerate(fitting.values()):
        fits[row, list(indices)] = True
    return Vocabulary(concepts, tuple(fitting), fits, len(plurals))


def plural(name: str) -> str:
    """A plain English plural: "foxes", "cherries" stay guesses, which is enough for a prompt."""
    if name.endswith(("x", "ch", "sh")):
        return name + "es"
    if name.endswith("y") and name[-2] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


def _keywords(concepts: tuple[Concept, ...], cldr: dict[str, set[str]], taken: set[str]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for i, concept in enumerate(concepts):
        # Of several glyphs only the words they share are sure to fit both pictures; CLDR's own names always do.
        per_glyph = [cldr.get(glyph.replace("\ufe0f", ""), set()) for glyph in concept.glyphs]
        for text in set.intersection(*per_glyph):
            if text not in taken and text not in VAGUE_KEYWORDS and re.fullmatch(r"[a-z0-9 '’\-]+", text):
                found.setdefault(text, set()).add(i)
    return {text: found[text] for text in sorted(found) if len(found[text]) <= MAX_CONCEPTS_PER_KEYWORD}
