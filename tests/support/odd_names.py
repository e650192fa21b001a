"""Prompts and labels as nobody should type them."""

ODD_NAMES = (
    'say "hi", it\'s; a|b',
    "two\nlines\r\nand\rmore",
    "=cmd|' /C calc'!A0",
    "-->",
    "00:00:01.000 --> 00:00:02.000",
    "<script>alert(1)</script>",
    "</script><!-- & &amp; ]]>",
    "🐕 a dog 👨‍👩‍👧",
    "שלום \u202eevil",
    "tab\tand\x01\x0b\x1b[2J\x7f\x85\u2028\ufffe",
    "half \ud800 a pair",
    "{\\an8}<i>x",
    "../../etc/passwd",
    "x" * 3000,
)
