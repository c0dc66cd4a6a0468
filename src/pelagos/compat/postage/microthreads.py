"""`postage.microthreads`."""

from __future__ import annotations

from pelagos.messaging.microthreads import ExitScheduler, MicroScheduler, MicroThread

__all__ = ["ExitScheduler", "MicroScheduler", "MicroThread"]
