"""``duplicates`` and ``unusual``: what occurs twice among the stored videos, and what is like nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from clip_core.cli import terminal
from clip_core.cli.options import MODEL, PROGRAM, Options, command
from clip_core.cli.searching import prepare_search
from clip_core.encoders.base import Encoder
from clip_core.errors import shown_name
from clip_core.retrieval.duplicates import find_duplicates
from clip_core.retrieval.results import Elsewhere
from clip_core.retrieval.unusual import find_unusual
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock

LIMIT = click.Option(
    ["--limit"], type=click.IntRange(1, 10_000), default=50, show_default=True, help="how many at most"
)
JSON = click.Option(["--json", "as_json"], is_flag=True, help="write JSON")


@command("duplicates", "duplicates --json", shared=[MODEL, LIMIT, JSON])
def run_duplicates(options: Options, limit: int, as_json: bool) -> None:
    """List videos, and parts of them, that show the same pictures in the same order, the longest first."""
    encoder = _prepared(options)
    found = find_duplicates(options.store, encoder.fingerprint, limit=limit)
    if as_json:
        terminal.write(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    elif found:
        rows = [(*_cells(one.first), *_cells(one.second), f"{one.share:.0%}", f"{one.cosine:.3f}") for one in found]
        header = ("VIDEO", "FROM", "TO", "SAME AS", "FROM", "TO", "OF THE SHORTER", "COSINE")
        terminal.table(header, rows)
    else:
        terminal.line(_why_none(options.store, encoder, "Nothing occurs twice."))
    options.tell_notices()


@command("unusual", "unusual --limit 10 --json", shared=[MODEL, LIMIT, JSON])
def run_unusual(options: Options, limit: int, as_json: bool) -> None:
    """List shots that are least like anything in the other videos, at most three of each video."""
    encoder = _prepared(options)
    found = find_unusual(options.store, encoder.fingerprint, limit=limit)
    if as_json:
        terminal.write(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    elif found:
        rows = [(*_cells(one.place), f"{one.likeness:.3f}") for one in found]
        terminal.table(("VIDEO", "FROM", "TO", "COSINE TO THE NEAREST"), rows)
    else:
        terminal.line(_why_none(options.store, encoder, "No shot is long enough to be compared."))
    options.tell_notices()


def _prepared(options: Options) -> Encoder:
    """Return the model, after everything that is indexed with it was prepared for searching."""
    encoder = options.load_encoder()
    prepare_search(options.store, encoder)
    return encoder


def _why_none(store: EmbeddingStore, encoder: Encoder, otherwise: str) -> str:
    """Return why the list is empty: nothing is indexed with the model, or ``otherwise``."""
    if store.stretch_summaries(encoder.fingerprint):
        return otherwise
    return f"Nothing is indexed with the model {shown_name(encoder.id)}. Index videos: {PROGRAM} index VIDEO"


def _cells(place: Elsewhere) -> tuple[str, str, str]:
    return place.name, clock(place.start_s), clock(place.end_s)
