"""Sidebar, Prompts: their list, what single prompts have of their own, and the pills that show them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import pandas as pd
import streamlit as st

from clip_core.analysis.analyse import Picture
from clip_core.charts.colours import looks_alone
from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder, UnreadWords
from clip_core.prompts import Prompt, parse_prompt
from clip_core.settings import MOST_PROMPTS, MOST_TEXT, TEMPLATES, Settings, Templates
from clip_core.text import clean_prompt, short_prompt, single_line
from pages.player.components import draw_focus
from pages.regions.sidebar.prompt_pictures import choose_kind, choose_pictures
from pages.regions.sidebar.state import PICTURES, sidebar_state
from pages.regions.sidebar.threshold import own_thresholds_of, use_own_thresholds
from pages.shared.markdown import escape_markdown
from pages.shared.theme import swatch, theme, unseen
from pages.shared.widgets import bound, key_of

EXAMPLES = ("a dog", "a person running", "a red car")
MOST_TRUNCATED, MOST_UNKNOWN = 3, 8
MOST_NAMED = 20
"""The characters of unknown words that fit in one line of the sidebar."""
TEMPLATE_NAMES: dict[Templates, str] = {"none": "as typed", "simple": "7 templates", "openai": "80 templates"}
TABLE_ROW_PX, TABLE_HEAD_PX, MOST_ROWS = 35, 38, 8
LARGEST_THRESHOLD = 1e6
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


def ask_for_focus() -> None:
    """Put the cursor into the list of texts when it is next drawn."""
    sidebar_state().focus_asked += 1


def edit_prompts(config: Config) -> Prompts:
    """Draw the list of texts, one prompt per line, or the list of pictures; return its prompts."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="prompts_row"):
        st.markdown("##### Prompts", width="stretch")
        kind = choose_kind()
        own_slot = st.container(width="content")
    if kind == PICTURES:
        pictures = choose_pictures()
        with own_slot:
            every, _ = _choose_per_prompt([Prompt(name) for name in pictures], with_templates=False)
        return Prompts(_numbered(list(pictures)), every, pictures=pictures)
    typed = _type_prompts(config)
    if asked := sidebar_state().focus_asked:
        draw_focus(key_of("prompts"), f"prompts {asked}")
    _offer_examples([prompt.line for prompt in typed])
    with own_slot:
        every, templates = _choose_per_prompt(typed)
    return Prompts(_numbered([prompt.text for prompt in every if not prompt.negative]), every, templates)


def _offer_examples(typed: Sequence[str]) -> None:
    """Draw buttons that add example prompts, while the list holds nothing else."""
    state = sidebar_state()
    state.offers_examples = not typed or (state.offers_examples and set(typed) <= set(EXAMPLES))
    left = [example for example in EXAMPLES if example not in typed]
    if not left or not state.offers_examples:
        return
    with st.container(horizontal=True, gap="xsmall", key="examples"):
        for example in left:
            st.button(example, key=f"example_{EXAMPLES.index(example)}", on_click=_add_example, args=(example,))


def _add_example(example: str) -> None:
    put_texts([*filter(None, (sidebar_state().prompts or "").splitlines()), example])


def put_prompts(settings: Settings, *, with_texts: bool) -> None:
    """Put templates and weights in place, and the texts of the prompts if asked."""
    state, negatives = sidebar_state(), set(settings.negatives)
    if with_texts:
        put_texts(settings.prompts)
    state.templates = settings.templates
    state.own_weights = {Prompt(text, text in negatives).line: weight for text, weight in settings.weights.items()}


def put_texts(lines: Sequence[str]) -> None:
    """Put these prompts into the list. If there are too many, the list says so."""
    sidebar_state().prompts = "\n".join(lines)


def fill_list(lines: Sequence[str]) -> None:
    """Put these prompts into the list if it is empty."""
    texts = sidebar_state().prompts
    if texts is not None and not texts.strip():
        put_texts(lines)


def _type_prompts(config: Config) -> tuple[Prompt, ...]:
    state = sidebar_state()
    if state.prompts is None:
        put_texts(config.prompts)
    text = st.text_area(
        "Prompts",
        state.prompts,
        height=90,
        label_visibility="collapsed",
        placeholder="One prompt per line",
        help="One prompt per line. Ctrl+Enter or a click elsewhere applies. A line that begins with “- ” is a negative "
        "or background prompt: the units margin and softmax compare the others with it.",
        **bound(state, "prompts"),
    )
    lines = [clean_prompt(line) for line in (text or "").splitlines()]
    typed = [prompt for line in lines if (prompt := parse_prompt(line[:MOST_TEXT]))]
    if len(set(typed)) < len(typed):
        double = next(prompt for place, prompt in enumerate(typed) if prompt in typed[:place])
        st.caption(f"“{escape_markdown(short_prompt(double.line))}” is listed twice and counted once.")
    if len(set(typed)) > MOST_PROMPTS:
        st.caption(f"The first {MOST_PROMPTS} prompts are taken.")
    if any(len(line) > MOST_TEXT for line in lines):
        st.caption(f"Only the first {MOST_TEXT:,} characters of a prompt are taken.")
    return _taken(typed)


def _taken(typed: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """Return the first ``MOST_PROMPTS``, each once, the negatives last."""
    return tuple(sorted(list(dict.fromkeys(typed))[:MOST_PROMPTS], key=attrgetter("negative")))


def prompts_of(lines: Sequence[str]) -> tuple[Prompt, ...]:
    """Return the prompts in a list of texts, parsed as if it was typed."""
    parsed = (parse_prompt(clean_prompt(line)[:MOST_TEXT]) for text in lines for line in text.splitlines())
    return _taken([prompt for prompt in parsed if prompt])


def _choose_per_prompt(
    prompts: Sequence[Prompt], *, with_templates: bool = True
) -> tuple[tuple[Prompt, ...], Templates]:
    """Draw the box of weights, thresholds and templates; return the prompts with their weights, and the templates.

    Weights and thresholds are kept while their prompt stays in the list. Pictures have no templates.
    """
    state, names = sidebar_state(), [prompt.line for prompt in prompts]
    weights = state.own_weights = {name: weight for name, weight in state.own_weights.items() if name in names}
    thresholds = own_thresholds_of([prompt.line for prompt in prompts if not prompt.negative])
    changed = len(weights) + len(thresholds)
    help_text = "Wording, weights, and thresholds of single prompts"
    label = f"{changed}" if changed else unseen("Per prompt")
    with st.popover(label, icon=":material/tune:", help=help_text, key="own_box"):
        templates = _choose_templates() if with_templates else "none"
        if names:
            _edit_own(prompts, weights, thresholds)
    return tuple(replace(prompt, weight=weights.get(prompt.line, 1.0)) for prompt in prompts), templates


def _choose_templates() -> Templates:
    state = sidebar_state()
    chosen = st.segmented_control(
        "Wording",
        TEMPLATES,
        required=True,
        default=state.templates,
        format_func=lambda name: TEMPLATE_NAMES[name],
        help="Templates put a short prompt into sentences such as “a photo of a …” and take the mean of their vectors. "
        "Prompts of more than five words stay as typed. View → Template spread shows how far the wordings disagree.",
        **bound(state, "templates"),
    )
    return chosen or "none"


def _edit_own(prompts: Sequence[Prompt], weights: Mapping[str, float], thresholds: Mapping[str, float]) -> None:
    state, names = sidebar_state(), [prompt.line for prompt in prompts]
    table = pd.DataFrame(
        {
            "prompt": names,
            "weight": [weights.get(name, 1.0) for name in names],
            "threshold": pd.array([thresholds.get(name) for name in names], dtype="Float64"),
        }
    )
    # A changed list or value gets a new table: under the old key the browser would apply its old edits to new rows.
    now = (tuple(names), tuple(weights.items()), tuple(thresholds.items()))
    number, seen = state.own_table
    state.own_table = (number + (now != seen), now)
    key = f"own_table_{state.own_table[0]}"
    with st.container(key="own_rows"):
        st.data_editor(
            table,
            key=key,
            hide_index=True,
            height=TABLE_HEAD_PX + TABLE_ROW_PX * min(len(names), MOST_ROWS),
            column_config=_own_columns(),
            on_change=_take_own,
            args=(key, prompts),
        )


def _own_columns() -> dict[str, Any]:
    return {
        "prompt": st.column_config.TextColumn("Prompt", disabled=True, width=104),
        "weight": st.column_config.NumberColumn(
            "Weight",
            width=58,
            min_value=0.01,
            max_value=100.0,
            format="%.2f",
            help="Prior odds: how much a prompt counts against the others in softmax, margin and the leading prompt.",
        ),
        "threshold": st.column_config.NumberColumn(
            "Threshold",
            width=78,
            format="%.3f",
            min_value=-LARGEST_THRESHOLD,
            max_value=LARGEST_THRESHOLD,
            help="In the current unit. Empty: as set under Signal.",
        ),
    }


def _take_own(key: str, prompts: Sequence[Prompt]) -> None:
    """Take the browser's edits of the table as weights and thresholds; negatives have no threshold."""
    state = sidebar_state()
    for row, change in st.session_state[key]["edited_rows"].items():
        prompt = prompts[int(row)]
        if weight := change.get("weight"):
            weights = {**state.own_weights, prompt.line: float(weight)}
            state.own_weights = {name: weight for name, weight in weights.items() if weight != 1.0}
        if "threshold" in change and not prompt.negative:
            typed = change["threshold"]
            usable = typed is not None and math.isfinite(typed) and abs(typed) <= LARGEST_THRESHOLD
            use_own_thresholds({prompt.line: float(typed) if usable else None})


def warn_of_unread(prompts: Prompts, *encoders: ShownEncoder) -> None:
    """Say which words of a prompt a model does not know, and which at its end are beyond the model's length."""
    if prompts.pictures is not None:
        return
    key, state = (tuple(encoder.fingerprint for encoder in encoders), prompts.lines), sidebar_state()
    if state.unread_of != key:
        state.unread_of, state.unread = key, _unread([prompt.text for prompt in prompts.every], encoders)
    cut = [which + escape_markdown(words.cut_note) for which, words in state.unread if words.cut_note]
    for note in cut[:MOST_TRUNCATED]:
        st.warning(note, icon=":material/content_cut:")
    if (more := len(cut) - MOST_TRUNCATED) > 0:
        st.caption(f"{more} more prompts are longer than the model reads.")
    _draw_unknown([(which, words) for which, words in state.unread if words.unknown_note])


def _draw_unknown(unread: Sequence[tuple[str, UnreadWords]]) -> None:
    """Name the words that a model does not know in one line, so that nothing has to scroll; its help has the rest."""
    if not unread:
        return
    notes = [which + escape_markdown(words.unknown_note) for which, words in unread]
    if (more := len(notes) - MOST_UNKNOWN) > 0:
        notes[MOST_UNKNOWN:] = [f"{more} more prompts have words that the model does not know."]
    named = dict.fromkeys(word for _, words in unread for word in words.unknown or (words.text,))
    words = escape_markdown(single_line(", ".join(named), MOST_NAMED))
    st.caption(f":material/warning: Not known: {words}", help="\n\n".join(notes))


def _unread(texts: Sequence[str], encoders: Sequence[ShownEncoder]) -> list[tuple[str, UnreadWords]]:
    """Return what of each text is not read; if two models read differently, after the name of each."""
    found = [[words for words in encoder.unread(texts) if words.notes] for encoder in encoders]
    if all(each == found[0] for each in found):
        return [("", words) for words in found[0]]
    named = zip(("First encoder: ", "Second encoder: "), found, strict=True)
    return [(name, words) for name, each in named for words in each]


def _numbered(prompts: Sequence[str]) -> dict[str, int]:
    """Give each prompt a number once, so that its colour stays with the prompt, not with its line.

    A number beyond the colours, given while there were more prompts than now, is replaced.
    """
    known, most = sidebar_state().prompt_numbers, max(len(prompts), len(theme().prompts))
    kept = {prompt: known[prompt] for prompt in prompts if known.get(prompt, most) < most}
    free = iter(sorted({*range(len(prompts))} - {*kept.values()}))
    numbers = {prompt: kept[prompt] if prompt in kept else next(free) for prompt in prompts}
    sidebar_state().prompt_numbers = numbers
    return numbers


def settle_shown(prompts: Prompts) -> list[str]:
    """Return the prompts that the pills do not hide. A new prompt is shown. Call before the pills are drawn."""
    state, options = sidebar_state(), prompts.texts
    if state.shown_known != set(options):
        state.shown = [p for p in options if p not in state.shown_known or p in state.shown]
        state.shown_known = set(options)
    return [p for p in options if p in state.shown]


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
            **bound(sidebar_state(), "shown"),
        )
