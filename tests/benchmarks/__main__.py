"""``python -m tests.benchmarks [--quick] [--only NAME …]``: all benchmarks, one table.

A benchmark that fails is named under the table, and the others still run; the exit code is then 1. ``--quick`` runs
each of them at its smallest size, where no goal means anything: scripts/test does so, to see that all still work.

A row is a ratio within one run, so that it means the same on a slow and on a fast machine, or a time
against its limit. Every figure is lowest / median / highest of the repetitions; the median counts.
Figures taken on a busy machine say little: wait until nothing else runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from tests.benchmarks import (
    click,
    clips,
    cluster,
    coarse,
    detection,
    encode,
    filters,
    judge_library,
    library,
    library_search,
    listing,
    made,
    many_reruns,
    memory,
    nothing,
    overlap,
    player,
    player_chart,
    player_large,
    rerun,
    resume,
    scores,
    sleep,
    sweeping,
)
from tests.benchmarks.table import Row, say, tell, write_table

BENCHMARKS: dict[str, Callable[[bool], list[Row]]] = {
    "overlap": overlap.measure,
    "sleep": sleep.measure,
    "encode": encode.measure,
    "coarse": coarse.measure,
    "resume": resume.measure,
    "library": library.measure,
    "rerun": rerun.measure,
    "click": click.measure,
    "chart": player_chart.measure,
    "clicks": player.measure_clicks,
    "agree": player.measure_agreement,
    "play": player.measure_playing,
    "long": player.measure_lasting,
    "large": player_large.measure,
    "filters": filters.measure,
    "judge_library": judge_library.measure,
    "detection": detection.measure,
    "sweep": sweeping.measure,
    "nothing": nothing.measure,
    "memory": memory.measure,
    "reruns": many_reruns.measure,
    "units": scores.measure_units,
    "bank": scores.measure_bank,
    "search": library_search.measure,
    "listing": listing.measure,
    "cluster": cluster.measure,
    "clips": clips.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for and write the table. Return 1 if a benchmark failed, else 0."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measures speeds that docs/decisions and the issues name, and prints a table of ratios.",
        epilog=f"Videos and models are made at the first run and kept in {made.CACHE} (delete it when you like).",
    )
    parser.add_argument("--quick", action="store_true", help="smallest sizes: whether all of them work, no figures")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    asked = parser.parse_args(arguments)
    rows: list[Row] = []
    failures: list[str] = []
    before = os.getloadavg()[0]
    for name in asked.only or BENCHMARKS:
        began = time.monotonic()
        tell(f"{name} …")
        try:
            found = BENCHMARKS[name](asked.quick)
            rows += [replace(row, goal=None) for row in found] if asked.quick else found
        except KeyboardInterrupt:
            failures.append(f"{name}: interrupted, and what comes after it was not run")
            break
        except Exception as error:  # noqa: BLE001 - the others go on, whatever one of them raises
            traceback.print_exc()
            failures.append(f"{name}: {type(error).__name__}: {error}")
        tell(f"{name}: took {time.monotonic() - began:.1f} s")
    load = f"load average {before:.1f} before and {os.getloadavg()[0]:.1f} after"
    quick = ", quick: no figures to report" if asked.quick else ""
    say(f"{datetime.now():%Y-%m-%d %H:%M}, {os.cpu_count()} cores, {platform.machine()}, {load}{quick}")
    write_table(rows)
    for failure in failures:
        say(f"FAILED {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
