"""Run the command line: ``python -m clip_core COMMAND``; ``--help`` lists the commands."""

from __future__ import annotations

import sys

from clip_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
