"""A fresh image of this process: same command line, same process id, nothing remembered."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import NoReturn

log = logging.getLogger(__name__)


def restart_process() -> NoReturn:
    """Start this program anew in the place of itself; does not return.

    Connections end with it: close them before, or what is unsettled comes again.
    """
    arguments = [sys.executable, *sys.orig_argv[1:]]
    log.info("starting anew: %s", arguments)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if threading.current_thread() is threading.main_thread():  # no other one may
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # an ignored one would stay ignored
    os.execv(arguments[0], arguments)  # noqa: S606 - no shell is wanted
