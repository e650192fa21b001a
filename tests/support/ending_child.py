"""Stands in for the child of a trial: it ends as the environment says, by a signal or by printing a text."""

import os
import signal
import sys

if name := os.environ.get("CHILD_SIGNAL"):
    os.kill(os.getpid(), getattr(signal, name))
sys.stdout.write(os.environ.get("CHILD_SAYS", ""))
sys.exit(int(os.environ.get("CHILD_CODE", "0")))
