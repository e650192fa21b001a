"""The prompts in the sidebar."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter

import streamlit as st

from clip_core.analysis.analyse import Picture
from clip_core.charts.colours import looks_alone
from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.prompts import Prompt, parse_prompt
from clip_core.settings import MOST_PROMPTS, MOST_TEXT, Templates
from clip_core.text import clean_prompt, short_prompt
from pages.regions.sidebar.prompt_options import choose_per_prompt
from pages.regions.sidebar.prompt_pictures import KINDS, choose_kind, choose_pictures
from pages.shared.markdown import escape_markdown
from pages.shared.theme import swatch, theme
from pages.shared.widgets import bound, key_of

# The control may appear after this component. The script waits for it, but not for long, and leaves the focus alone if
# the visitor is typing elsewhere by then.
_SCRIPT = """
const DONE = Symbol.for("clip-video-investigator.focused");
const PATIENCE_MS = 5000;

export default function ({ data, parentElement }) {
  const began = performance.now();
  const look = () => {
    if (document[DONE] === data.asked || performance.now() - began > PATIENCE_MS) return;
    const field = document.querySelector(`.st-key-${CSS.escape(data.key)} :is(textarea, input)`);
    const active = document.activeElement;
    const busy = active !== field && active?.matches("textarea, input:not([type=file])");
    if (busy) document[DONE] = data.asked;
    else if (field === null || field.offsetParent === null) setTimeout(look, 50);
    else {
      document[DONE] = data.asked;
      field.focus();
    }
  };
  look();
}
"""


def ask_for_focus(name: str) -> None:
    """Put the cursor into the control ``name`` (see ``widgets.held``) when it is next drawn."""
    asked: dict[str, int] = st.session_state.setdefault("focus_asked", {})
    asked[name] = asked.get(name, 0) + 1


def focus_when_asked(name: str) -> None:
    """Draw the invisible component that moves the cursor. Call after the control was drawn."""
    asked = st.session_state.get("focus_asked", {}).get(name)
    if asked is not None:
        _component()(key=f"focus_{name}", data={"key": key_of(name), "asked": f"{name} {asked}"})


@cache
def _component() -> Callable[..., object]:
    return st.components.v2.component("clip_video_focus", html="<span hidden></span>", js=_SCRIPT)


EXAMPLES = ("a dog", "a person running", "a red car")
MOST_CUT_SHOWN = 120
MOST_TRUNCATED = 3
FULL_ROW = 8
"""How many pills fill a row. If there are more, two rows are visible and the rest is reached by scrolling."""


@dataclass(frozen=True)
class Prompts:
    """The prompts in the order of the list, each with a number that gives its colour.

    Attributes:
        numbers: Text of a prompt → number. Negatives have none, because they have no curve on the page.
        every: The prompts, then the negatives.
        templates: The templates around each prompt.
        pictures: Name → picture if pictures are used instead of texts; the names are then the prompts.
    """

    numbers: dict[str, int]
    every: tuple[Prompt, ...]
    templates: Templates = "none"
    pictures: Mapping[str, Picture] | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The prompts in order."""
        return tuple(self.numbers)

    @property
    def weights(self) -> dict[str, float]:
        """Prompt or negative → prior odds, where they are not 1."""
        return {prompt.text: prompt.weight for prompt in self.every if prompt.weight != 1}

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the list as they would be typed; empty for pictures."""
        return () if self.pictures is not None else tuple(prompt.line for prompt in self.every)

    def only(self, prompts: Collection[str]) -> Prompts:
        """Return those that are among ``prompts``, with their numbers."""
        kept = {prompt: number for prompt, number in self.numbers.items() if prompt in prompts}
        return replace(self, numbers=kept, every=tuple(prompt for prompt in self.every if prompt.text in prompts))

    def colour(self, prompt: str) -> str:
        """Return the prompt's colour in the active theme."""
        return theme().colour(self.numbers[prompt])

    def swatch(self, prompt: str, box: int = 10) -> str:
        """Return a picture of the prompt's colour and mark, as a data URI."""
        return swatch(self.colour(prompt), box, self.numbers[prompt])

    def label(self, prompt: str) -> str:
        """Return a swatch and the shortened prompt as Markdown, with its number if another prompt may look the same."""
        number = self.numbers[prompt]
        extra = "" if looks_alone(number) else f" {number + 1}"
        return f"![]({self.swatch(prompt)}) {escape_markdown(short_prompt(prompt))}{extra}"


def edit_prompts(config: Config) -> Prompts:
    """Draw the list of texts, one prompt per line, or the list of pictures; return its prompts."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="prompts_row"):
        st.markdown("##### Prompts", width="stretch")
        kind = choose_kind()
        own_slot = st.container(width="content")
    if kind == KINDS[1]:
        pictures = choose_pictures()
        with own_slot:
            every, _ = choose_per_prompt([Prompt(name) for name in pictures], wordings=False)
        return Prompts(_numbered(list(pictures)), every, pictures=pictures)
    typed = _type_prompts(config)
    focus_when_asked("prompts")
    _offer_examples([prompt.line for prompt in typed])
    with own_slot:
        every, templates = choose_per_prompt(typed)
    return Prompts(_numbered([prompt.text for prompt in every if not prompt.negative]), every, templates)


def _offer_examples(typed: Sequence[str]) -> None:
    """Draw buttons that add example prompts, while the list holds nothing else."""
    if not set(typed) <= set(EXAMPLES):
        st.session_state.offers_examples = False
    elif not typed:
        st.session_state.offers_examples = True
    left = [example for example in EXAMPLES if example not in typed]
    if not left or not st.session_state.get("offers_examples"):
        return
    with st.container(horizontal=True, gap="xsmall", key="examples"):
        for example in left:
            st.button(example, key=f"example_{EXAMPLES.index(example)}", on_click=_add_example, args=(example,))


def _add_example(example: str) -> None:
    state = st.session_state
    state.prompts = "\n".join([*filter(None, str(state.prompts).splitlines()), example])


def _type_prompts(config: Config) -> tuple[Prompt, ...]:
    text = st.text_area(
        "Prompts",
        st.session_state.setdefault("prompts", "\n".join(config.prompts)),
        height=90,
        label_visibility="collapsed",
        placeholder="One prompt per line",
        help="One prompt per line. Ctrl+Enter or a click elsewhere applies. A line that begins with “- ” is a negative "
        "or background prompt: the units margin and softmax hold the others against it.",
        **bound(st.session_state, "prompts"),
    )
    lines = [clean_prompt(line) for line in str(text or "").splitlines()]
    typed = [prompt for line in lines if (prompt := parse_prompt(line[:MOST_TEXT]))]
    if len(set(typed)) < len(typed):
        double = next(prompt for place, prompt in enumerate(typed) if prompt in typed[:place])
        st.caption(f"“{escape_markdown(short_prompt(double.line))}” is listed twice and counted once.")
    if len(set(typed)) > MOST_PROMPTS:
        st.caption(f"The first {MOST_PROMPTS} prompts are taken.")
    if any(len(line) > MOST_TEXT for line in lines):
        st.caption(f"Of a prompt the first {MOST_TEXT:,} characters are taken.")
    return _taken(typed)


def _taken(typed: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """Return the first ``MOST_PROMPTS``, each once, the negatives last."""
    return tuple(sorted(list(dict.fromkeys(typed))[:MOST_PROMPTS], key=attrgetter("negative")))


def prompts_of(lines: Sequence[str]) -> tuple[Prompt, ...]:
    """Return the prompts in a list of texts, parsed as if it was typed."""
    parsed = (parse_prompt(clean_prompt(line)[:MOST_TEXT]) for text in lines for line in text.splitlines())
    return _taken([prompt for prompt in parsed if prompt])


def warn_of_truncation(prompts: Prompts, encoder: ShownEncoder) -> None:
    """Say which words at the end of a prompt the model does not read."""
    if prompts.pictures is not None:
        return
    key, state = (encoder.fingerprint, prompts.lines), st.session_state
    if state.get("truncated_of") != key:
        texts = [prompt.text for prompt in prompts.every]
        truncated = zip(texts, encoder.cut_off(texts), strict=True)
        state.truncated_of, state.truncated = key, [(prompt, words) for prompt, words in truncated if words]
    told: list[tuple[str, str]] = state.truncated[:MOST_TRUNCATED]
    for prompt, words in told:
        title, end = escape_markdown(short_prompt(prompt)), escape_markdown(_end(words))
        text = f"“{title}” is longer than the model reads. Not read: “{end}”"
        st.warning(text, icon=":material/content_cut:")
    if len(told) < len(state.truncated):
        st.caption(f"{len(state.truncated) - len(told)} more prompts are longer than the model reads.")


def _end(words: str) -> str:
    return words if len(words) <= MOST_CUT_SHOWN else f"{words[:MOST_CUT_SHOWN]}… ({len(words):,} characters)"


def _numbered(prompts: Sequence[str]) -> dict[str, int]:
    """Give each prompt a number once, so that its colour stays with the prompt, not with its line.

    A number beyond the colours, given while there were more prompts than now, is replaced.
    """
    known: dict[str, int] = st.session_state.get("prompt_numbers", {})
    most = max(len(prompts), len(theme().prompts))
    numbers = {prompt: known[prompt] for prompt in prompts if known.get(prompt, most) < most}
    taken = set(numbers.values())
    for prompt in prompts:
        if prompt not in numbers:
            numbers[prompt] = next(k for k in range(len(prompts)) if k not in taken)
            taken.add(numbers[prompt])
    st.session_state.prompt_numbers = numbers
    return {prompt: numbers[prompt] for prompt in prompts}


def settle_shown(prompts: Prompts) -> list[str]:
    """Return the prompts that the pills do not hide. A new prompt is shown. Call before the pills are drawn."""
    state, options = st.session_state, prompts.texts
    known: set[str] = state.get("shown_known", set())
    if known != set(options):
        state.shown = [p for p in options if p not in known or p in state.shown]
        state.shown_known = set(options)
    shown: list[str] = state.setdefault("shown", [])
    return [p for p in options if p in shown]


def draw_legend(prompts: Prompts, shown: Sequence[str]) -> None:
    """Draw the pills that serve as legend and filter; a change counts from the next run on."""
    options = prompts.texts
    with st.container(key="legend"):
        st.pills(
            "Prompts shown",
            options,
            selection_mode="multi",
            default=shown,
            format_func=prompts.label,
            label_visibility="collapsed",
            wrap=True,
            **bound(st.session_state, "shown"),
        )
