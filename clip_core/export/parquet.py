"""Scores as Parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clip_core.text import unicode_text
from clip_core.values import Scores

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"clip_video"
"""Under which the settings stand in the schema's metadata, as JSON."""


def scores_parquet(scores: Scores, settings: Mapping[str, Any]) -> bytes:
    """Return a table with a row per sample.

    Columns: ``frame`` int64, ``time_s`` float64, and one float32 per prompt, named by it verbatim; a prompt that is
    itself called "frame" or "time_s", or stands there twice, gets " (2)". The schema's metadata hold, under
    "clip_video", JSON with ``settings``, ``unit``, ``prompts`` (verbatim, in the order of the columns), ``start_s``,
    ``end_s`` and ``complete``.

    Raises:
        ValueError: The settings cannot be written as JSON.
    """
    import pyarrow as pa
    from pyarrow import parquet

    about = {
        "unit": scores.unit, "prompts": [unicode_text(prompt) for prompt in scores.prompts],
        "start_s": scores.start_s, "end_s": scores.end_s, "complete": scores.complete, "settings": dict(settings),
    }  # fmt: skip
    columns = [pa.array(scores.frames), pa.array(scores.times_s)]
    columns += [pa.array(scores.values[:, k]) for k in range(len(scores.prompts))]
    schema = _schema(scores.prompts).with_metadata({KEY: json.dumps(about, allow_nan=False).encode()})
    out = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns, schema=schema), out)
    return bytes(out.getvalue().to_pybytes())


def _schema(prompts: Sequence[str]) -> pa.Schema:
    import pyarrow as pa

    fields, taken = [pa.field("frame", pa.int64()), pa.field("time_s", pa.float64())], {"frame", "time_s"}
    for prompt in prompts:
        name = first = unicode_text(prompt)
        number = 2
        while name in taken:
            name, number = f"{first} ({number})", number + 1
        taken.add(name)
        fields.append(pa.field(name, pa.float32()))
    return pa.schema(fields)
