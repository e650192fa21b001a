"""Print what the image installs: requirements.txt and the extras that are named, separated by commas.

The extra "gpu" takes the place of the plain ONNX Runtime: pip would install both into one folder.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def image_requirements(extras: str) -> list[str]:
    """Return the requirements, one a line.

    Raises:
        SystemExit: pyproject.toml has no such extra.
    """
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    lines = [line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    for name in filter(None, extras.split(",")):
        if name not in known:
            raise SystemExit(f"pyproject.toml has no extra {name!r}. There are: {', '.join(known)}")
        lines += known[name]
    names = {re.split(r"[\[<>=~!]", line)[0] for line in lines}
    return [line for line in lines if not ("onnxruntime-gpu" in names and re.match(r"onnxruntime\W*[<>=]", line))]


if __name__ == "__main__":
    print("\n".join(image_requirements(sys.argv[1] if len(sys.argv) > 1 else "")))
