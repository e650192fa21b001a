"""What commands share that score prompts: the indexed video, and what the user should know of the scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.arguments import how_to_index
from clip_core.errors import NotIndexedError, PromptError, shown_name
from clip_core.text import short_prompt

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.encoders.base import Encoder, ShownEncoder
    from clip_core.store.store import EmbeddingStore
    from clip_core.values import Scores, VideoRecord

MOST_CUT_SHOWN = 100
MOST_PROMPTS_BYTES = 1_000_000


def indexed(given: Namespace, encoder: Encoder, store: EmbeddingStore) -> VideoRecord:
    """What the store knows of the video ``given.video``, which may have been renamed since it was indexed.

    Raises:
        NotIndexedError: It was never begun with this model.
        VideoError: It is no video.
    """
    from clip_core.pipeline.identify import identify, known_video
    from clip_core.video import open_video

    path = Path(given.video)
    record = known_video(path, store)
    if record is None:
        open_video(path).close()  # what is no video has no use for the hint below
        for _ in identify(path, store):
            pass
        record = known_video(path, store)
    if record is None or store.run(record.video_id, encoder.fingerprint) is None:
        what = f"{shown_name(path)} was never indexed with the model {shown_name(encoder.id)}."
        raise NotIndexedError(what, how_to_index(given, what))
    return record


def lines_in(path: str) -> list[str]:
    """Return the lines of a file of prompts, one a line; blank ones are left out.

    Raises:
        PromptError: It cannot be read, is too large or no text, or holds none.
    """
    name = shown_name(path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_PROMPTS_BYTES + 1)
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise PromptError(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no path"
        raise PromptError(f"{name} cannot be read: {reason}.", "Check --prompts.") from error
    if len(content) > MOST_PROMPTS_BYTES:
        raise PromptError(f"{name} is larger than 1 MB: that is no list of prompts.", "Check --prompts.")
    if not any(lines):
        raise PromptError(f"{name} holds no prompts.", "Write one a line.")
    return [line for line in lines if line]


def tell_cut_off(prompts: Sequence[str], encoder: ShownEncoder) -> None:
    """Say what of each prompt the model does not read."""
    for prompt, words in zip(prompts, encoder.cut_off(prompts), strict=True):
        if words:
            terminal.note(
                f"The model does not read all of “{short_prompt(prompt)}”. Not read: “{words[:MOST_CUT_SHOWN]}”"
            )


def tell_unfinished(given: Namespace, scores: Scores) -> None:
    """Say so if the video is not indexed to the end."""
    if not scores.complete:
        what = f"{shown_name(given.video)} is not indexed to the end: so far there are {len(scores)} samples."
        terminal.note(f"{what} {how_to_index(given, what)}")
