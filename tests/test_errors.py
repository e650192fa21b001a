"""Messages that fit a terminal, whatever a file is called."""

from clip_core.errors import ClipVideoError, ServerError, shown_name


def test_names_in_messages_are_short_and_printable() -> None:
    assert shown_name("/a/b/c d.mp4") == "c d.mp4"
    assert shown_name("a\x1b[2Jb\nc.mp4") == "a?[2Jb?c.mp4"
    assert len(shown_name("x" * 300 + ".mp4")) <= 64
    assert shown_name("x" * 300 + ".mp4").endswith(".mp4")
    line = ClipVideoError("a" * 300 + "\n\nb", "next").line
    assert len(line) == 200
    assert "\n" not in line


def test_a_line_of_a_server_cuts_what_it_said_and_keeps_the_rest() -> None:
    line = ServerError(f"The server says: “{'word ' * 99}” It refused.", "Do this.").line
    assert line.startswith("The server says: “word word")
    assert line.endswith("…” It refused. Do this.")
    assert len(line) == 200
    assert ServerError("It is down.", "Start it.").line == "It is down. Start it."
    assert len(ServerError(f"“a” {'b' * 300}").line) == 200
