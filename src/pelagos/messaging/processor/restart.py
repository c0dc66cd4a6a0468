"""Starts the running program anew."""

from __future__ import annotations

from pelagos.messaging.processor.renew import replace_process


def restart_process() -> None:
    """Replace this process by a fresh one of the same program, with the same arguments."""
    replace_process()
