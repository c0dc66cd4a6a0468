"""Starts the running program anew."""

from __future__ import annotations

import os
import sys


def restart_process() -> None:
    """Replace this process by a fresh one of the same program, with the same arguments."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - no shell wanted
