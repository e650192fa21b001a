"""Texts that are easy, long, foreign or odd, for comparing vectors."""

from __future__ import annotations

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"  # four people joined by ZWJ: one picture

TEXTS = (
    "a dog",
    "a photo of a dog running on the beach",
    "two people riding bicycles, seen from above at night",
    "pizza",
    "A PHOTO OF THE RED CAR",
    "Straße, café, naïve, São Tomé, Ångström, Việt Nam",
    "cafe\u0301 with a combining accent",
    "一只狗在草地上跑",
    "犬が公園で走っている",
    "개가 공원에서 뛰고 있다",
    "כלב רץ על החוף",
    "كلب يجري على الشاطئ",
    "собака бежит по снегу",
    "🐶",
    f"a family {FAMILY} at the beach 🏖️ and a flag 🇩🇪",
    "👍🏽 thumbs up",
    "",
    " ",
    "   \t  ",
    "...",
    "!?",
    "?!?! -- (…) «»",
    "a dog\nand\ta cat",
    "  spaces   around   and   within  ",
    "12345 67.89 €5 50% #1 @home",
    "it's the dog's ball, isn't it? they're here",
    "x" * 400,
    "donaudampfschifffahrtsgesellschaftskapitaen" * 6,
    "a dog and a cat and a horse and a boat on the lake in the early morning fog " * 12,
    "🐶🍕 " * 60,
    "<b>bold</b> & \\escaped\\ {curly} [square] under_score",
    "ﬁne ｆｕｌｌｗｉｄｔｈ ½ №",
    "a non\u00a0breaking\u2003space and a zero\u200bwidth one",
    "the end <|endoftext|> is not here",
    "the end </s> is not here",
)
