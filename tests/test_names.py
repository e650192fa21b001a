"""Names that no file system stumbles over."""

import re

import pytest

from clip_core.files import named_after, numbered_name, slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a dog", "a-dog"), ("../../etc/passwd", "etc-passwd"), (r"C:\x", "c-x"), ("Café crème", "cafe-creme"),
        ("🐕", "moment"), ("", "moment"), ("שלום", "moment"), ("...", "moment"), ("=cmd()", "cmd"), ("con", "con-x"),
        ("LPT1", "lpt1-x"), ("NUL", "nul-x"), ("com1", "com1-x"), ("a\x00b\nc", "a-b-c"), ("<b>", "b"),
        ("\ud800", "moment"),
        ("ﬁ½", "fi12"), ("x" * 39 + " yz", "x" * 39), ("\u202etxt.exe", "txt-exe"),
    ],
)  # fmt: skip
def test_slugs(text: str, expected: str) -> None:
    assert slug(text) == expected
    assert re.fullmatch(r"[a-z0-9-]{1,40}", slug(text))


@pytest.mark.timeout(60)  # without the limit this takes hours
def test_endless_accents_do_not_hold_a_name_up() -> None:
    assert slug("e" + "\u0301\u0323" * 1_000_000 + " x") == "e-x"


def test_a_clip_is_named_by_rank_prompt_and_time() -> None:
    assert numbered_name(3, "a dog", 12.4, "mp4") == "003_a-dog_0m12.400s.mp4"
    assert numbered_name(1234, "con", 3599.9996, "jpg") == "1234_con-x_60m00.000s.jpg"


@pytest.mark.parametrize(
    ("video", "expected"),
    [
        ("Holiday 2026.mp4", "holiday-2026_m.csv"), ("שלום.mp4", "m.csv"), ("../../x.mov", "x_m.csv"), ("", "m.csv"),
        ('a"\r\nb.mp4', "a-b_m.csv"), ("con.mp4", "con-x_m.csv"), ("no ending", "no-ending_m.csv"),
    ],
)  # fmt: skip
def test_a_file_about_a_video_is_named_after_it(video: str, expected: str) -> None:
    assert named_after(video, "m.csv") == expected


@pytest.mark.parametrize(("number", "extension"), [(-1, "mp4"), (1, "../x"), (1, ""), (1, "mp4\n")])
def test_other_names_are_refused(number: int, extension: str) -> None:
    with pytest.raises(ValueError, match="no file can be named"):
        numbered_name(number, "a", 0.0, extension)
