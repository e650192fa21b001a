"""The settings that decide how curves become moments, as one value for the page, files and links."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import field, fields, replace
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias, get_args
from urllib.parse import urlencode

import yaml
from pydantic import Field
from pydantic.dataclasses import dataclass

from clip_core.errors import SettingsError
from clip_core.filters import FILTERS
from clip_core.prompts import Prompt, parse_prompts
from clip_core.text import clean_prompt, short_id
from clip_core.types import Unit
from clip_core.validation import MOST_DIGITS, STRICT, allowed, read_yaml, refusing, shown, unknown_key, where

Templates: TypeAlias = Literal["none", "simple", "openai"]
Op: TypeAlias = Literal["and", "without", "then"]
UNITS: tuple[Unit, ...] = get_args(Unit)
TEMPLATES: tuple[Templates, ...] = get_args(Templates)
OPS: tuple[Op, ...] = get_args(Op)
_PROMPT = "prompt"
_PLAIN = ("unit", "smoothing", "templates")
_ALWAYS = ("unit", "confidence")
_BEFORE: Mapping[str, Any] = {"unit": "z", "bank_share": 95}
"""Defaults of old links, which name no confidence: moments then had to beat 95 % of the null bank, in z."""
MOST_PROMPTS, MOST_TEXT, MOST_DEPTH, MOST_LINK = 200, 20_000, 2, 60_000
CONFIDENCES = (0.90, 0.95, 0.98)
LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.5, 0.999
BANK_SHARES = (0, 50, 75, 90, 95, 98, 99, 100)

_WEIGHTS, _THRESHOLDS = allowed("prompts, each with a number above 0"), allowed("prompts, each with a number")
_SAMPLES = allowed("a whole number from 0 on, or null for a width in seconds", ge=0, le=100_000)
_FEW = Field(max_length=MOST_PROMPTS)
_RISING = where(lambda pair: pair[0] <= pair[1])
_Text: TypeAlias = Annotated[str, where(lambda text: len(text) <= MOST_TEXT)]
_Texts: TypeAlias = Annotated[tuple[_Text, ...], _FEW, allowed(f"at most {MOST_PROMPTS} texts")]
# A whole number stays an int, so that files and links are written as they were read.
_Number: TypeAlias = Annotated[int | float, Field(ge=-1e9, le=1e9)]
_Odds: TypeAlias = Annotated[int | float, Field(ge=1e-6, le=1e6)]
_Confidence: TypeAlias = Annotated[
    int | float,
    allowed(f"a number from {LEAST_CONFIDENCE} to {MOST_CONFIDENCE}", ge=LEAST_CONFIDENCE, le=MOST_CONFIDENCE),
]
_BankShare: TypeAlias = Annotated[
    int | float, where(BANK_SHARES.__contains__), allowed(", ".join(map(str, BANK_SHARES)))
]
_Seconds: TypeAlias = Annotated[int | float, allowed("seconds from 0 on", ge=0, le=1e7)]
_ScoreRange: TypeAlias = Annotated[tuple[_Number, _Number], _RISING]
_TimeRange: TypeAlias = Annotated[tuple[_Seconds, _Seconds], _RISING]
_Combinations: TypeAlias = Annotated[
    tuple[tuple[Op, _Text, _Text, _Seconds], ...],
    _FEW,
    allowed("lists of and, without or then, two prompts, and seconds"),
]


def _wrong(name: str, value: object, words: str) -> SettingsError:
    return SettingsError(f"The setting '{name}' cannot be {shown(reprlib.repr(value))}.", f"Allowed: {words}.")


@dataclass(frozen=True, config=STRICT)
class Settings:
    """How curves become moments.

    Attributes:
        prompts: Lines as typed; see ``prompts.parse_prompt``.
        weights: Prompt → prior odds (default 1): how much it counts where prompts compete (softmax, margin, leading).
        templates: The sentences around each prompt: "none", the 7 "simple" ones or OpenAI's 80.
        unit: The unit in which curves are shown and compared with thresholds.
        threshold: In that unit, for all prompts; None finds moments on segments of the video
            (``scoring.prompt_detection``).
        thresholds: Prompt → its own threshold, which overrides ``threshold``.
        hysteresis: A moment ends where its curve falls this far below its threshold; ≥ 0.
        confidence: Without a threshold, a prompt is present if it beats more than this share of the null bank.
        bank_share: With a threshold, a moment must beat this percentage of the null bank somewhere; 0 disables this.
        smoothing, smoothing_s: A key of ``FILTERS`` and its width in seconds.
        smoothing_samples: The width in samples, which overrides the seconds; None uses the seconds. The unit that
            the user chose is kept, so that another sampling rate does not change the meaning.
        across_cuts: Whether smoothing reaches across shot boundaries.
        min_gap_s, min_duration_s, pad_s: Shorter gaps are filled, shorter moments dropped, the rest padded.
        score_range, time_range: Smoothed scores and times outside are never flagged; None means no limits.
        unflagged: Prompts without moments.
        combinations: (op, a, b, within_s) tuples: moments of two prompts combined, see ``scoring.combine``.
    """

    prompts: _Texts = ()
    weights: Annotated[Mapping[_Text, _Odds], _FEW, _WEIGHTS] = field(default_factory=dict)
    templates: Annotated[Templates, allowed(", ".join(TEMPLATES))] = "none"
    unit: Annotated[Unit, allowed(", ".join(UNITS))] = "corrected"
    threshold: Annotated[_Number | None, allowed("a number, or null for detection on segments")] = None
    thresholds: Annotated[Mapping[_Text, _Number], _FEW, _THRESHOLDS] = field(default_factory=dict)
    hysteresis: Annotated[int | float, allowed("a number from 0 on", ge=0, le=1e9)] = 0.0
    confidence: _Confidence = 0.95
    bank_share: _BankShare = 0.0
    smoothing: Annotated[str, where(FILTERS.__contains__), allowed(", ".join(FILTERS))] = "mean"
    smoothing_s: _Seconds = 1.0
    smoothing_samples: Annotated[int | None, _SAMPLES] = None
    across_cuts: Annotated[bool, allowed("true or false")] = False
    min_gap_s: _Seconds = 0.0
    min_duration_s: _Seconds = 0.0
    pad_s: _Seconds = 0.0
    score_range: Annotated[_ScoreRange | None, allowed("two numbers, the lower first")] = None
    time_range: Annotated[_TimeRange | None, allowed("two times in seconds, the earlier first")] = None
    unflagged: _Texts = ()
    combinations: _Combinations = ()
    _named = refusing(_wrong)

    @cached_property
    def parsed(self) -> tuple[Prompt, ...]:
        """The prompts in order, each once, with their weights."""
        return parse_prompts(self.prompts, self.weights)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that is embedded: the prompts, then the negatives."""
        return tuple(dict.fromkeys((*self.positives, *self.negatives)))

    @property
    def positives(self) -> tuple[str, ...]:
        """The texts of the prompts that are scored and flagged."""
        return tuple(prompt.text for prompt in self.parsed if not prompt.negative)

    @property
    def negatives(self) -> tuple[str, ...]:
        """The texts of the negative prompts."""
        return tuple(prompt.text for prompt in self.parsed if prompt.negative)

    @property
    def needs_bank(self) -> bool:
        """Whether prompts must be compared with the null bank (neutral texts)."""
        return self.threshold is None or self.unit == "corrected" or self.bank_share > 0

    def as_mapping(self) -> dict[str, Any]:
        """Return all settings as plain values for JSON and YAML."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def changed(self) -> dict[str, Any]:
        """Return the settings that differ from the defaults."""
        usual = Settings().as_mapping()
        return {name: value for name, value in self.as_mapping().items() if value != usual[name]}


def settings_from(given: object, source: str) -> Settings:
    """Return the settings described by plain values, untrusted; missing ones have their defaults.

    Raises:
        SettingsError: From ``source``, such as "The link": no mapping, or one with an unknown or an invalid setting.
    """
    if not isinstance(given, Mapping):
        raise SettingsError(f"{source} holds no settings.", "Write one 'key: value' per line.")
    if unknown := unknown_key(given, [f.name for f in fields(Settings)]):
        raise SettingsError(f"{source} has an unknown setting '{unknown[0]}'.", unknown[1])
    return _as_meant(Settings(**{name: _cleaned(value) for name, value in given.items()}), given)


def _as_meant(settings: Settings, given: Mapping[str, Any]) -> Settings:
    """Convert old settings, which name no confidence, to their present meaning.

    A threshold without a unit was in z, and a prompt without a threshold had to beat ``bank_share``.
    """
    if "confidence" in given:
        return settings
    if "unit" not in given and (settings.threshold is not None or settings.thresholds):
        settings = replace(settings, unit="z")
    if settings.threshold is None and settings.bank_share:  # of 300 texts, MOST_CONFIDENCE means all, like 100 %
        settings = replace(settings, confidence=min(settings.bank_share / 100, MOST_CONFIDENCE))
    return settings


def _cleaned(value: Any, depth: int = 0) -> Any:  # noqa: ANN401
    """Return lists as tuples, and texts cleaned like prompts: other programs may encode accents differently.

    Lists nested deeper than any setting stay lists, and lists that are too long stay too long: both are rejected later.
    """
    if isinstance(value, str):
        return clean_prompt(value)
    if isinstance(value, list) and depth < MOST_DEPTH:
        return tuple(_cleaned(item, depth + 1) for item in value[: MOST_PROMPTS + 1])
    return {_cleaned(key): number for key, number in value.items()} if isinstance(value, dict) else value


def settings_yaml(settings: Settings) -> str:
    """Return the content of a settings file."""
    text = yaml.safe_dump(settings.as_mapping(), allow_unicode=True, sort_keys=False, width=1000)
    return f"# How CLIP Video Investigator makes moments of curves. Load it on the page or with --settings.\n{text}"


def read_settings(content: bytes) -> Settings:
    """Read a settings file; raise SettingsError if it is larger than 1 MB, not UTF-8, not YAML, or invalid."""
    return settings_from(read_yaml(content, "The settings file", SettingsError), "The settings file")


def settings_query(settings: Settings) -> list[tuple[str, str]]:
    """Return unit, confidence and all settings that are not defaults as (name, text) pairs, one pair per prompt."""
    changed = {name: getattr(settings, name) for name in _ALWAYS} | settings.changed()
    pairs = [(_PROMPT, line) for line in changed.pop("prompts", [])]
    for name, value in changed.items():
        pairs.append((name, value if name in _PLAIN else json.dumps(value, ensure_ascii=False, separators=(",", ":"))))
    return pairs


def link(address: str, settings: Settings | None, besides: Mapping[str, str]) -> str:
    """Return a link that restores a view: the address without its query, parameters of the page, and the settings."""
    pairs = [] if settings is None else settings_query(settings)
    return f"{address.partition('?')[0]}?{urlencode([*besides.items(), *pairs])}"


def moment_query(video_id: str, time_s: float, prompts: Sequence[str] = (), name: str = "") -> dict[str, list[str]]:
    """Return the parameters of a link that opens Investigate at a time of a video: parameter → texts.

    For ``urlencode(…, doseq=True)``, ``st.switch_page(…, query_params=…)``, or the page's ``settings_io.open_view``.

    Args:
        video_id: The video; the link names it by its first 12 hex digits.
        time_s: The frame on the screen at this time is shown.
        prompts: Lines as typed that replace those on the page; all other settings are then the defaults. None: the
            settings on the page stay.
        name: The video's name; it is only for people who read the link.
    """
    query = {"id": [short_id(video_id)], **({"video": [name]} if name else {}), "time": [f"{time_s:.6f}"]}
    for key, text in settings_query(Settings(prompts=tuple(prompts))) if prompts else ():
        query.setdefault(key, []).append(text)
    return query


def settings_of_query(query: Mapping[str, Sequence[str]]) -> Settings | None:
    """Return the settings in a link's query, or None if it has none; raise SettingsError if one is invalid.

    Unknown parameters are ignored.
    """
    given: dict[str, Any] = {}
    for name in Settings().as_mapping().keys() & query.keys():
        text = query[name][-1]
        if len(text) > MOST_LINK:
            raise SettingsError(f"The setting '{name}' in the link is too long.", "Use a settings file.")
        given[name] = text if name in _PLAIN else _value(name, text)
    if query.get(_PROMPT):
        given["prompts"] = list(query[_PROMPT])
    if not given:
        return None
    if "confidence" not in given and given.get("unit") != "corrected":
        given = {**_BEFORE, **given}
    return settings_from(given, "The link")


def _value(name: str, text: str) -> Any:  # noqa: ANN401 - any JSON value; settings_from checks it
    def whole(digits: str) -> int:
        if len(digits) > MOST_DIGITS:
            what = f"The setting '{name}' in the link has a number of over {MOST_DIGITS:,} digits."
            raise SettingsError(what, "Was the link changed?")
        return int(digits)

    try:
        return json.loads(text, parse_int=whole)
    except RecursionError as error:
        raise SettingsError(f"The setting '{name}' in the link is nested too deeply.", "Was it changed?") from error
    except ValueError as error:
        raise SettingsError(f"The setting '{name}' in the link cannot be read.", "Was the link cut off?") from error


def _plain(value: Any) -> Any:  # noqa: ANN401 - the value of any field
    if isinstance(value, Mapping):
        return dict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
