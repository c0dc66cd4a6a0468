"""Serves a WSGI application of OpenStack: serve.py MODULE PORT [ARGUMENT…]."""

from __future__ import annotations

import importlib
import sys
from typing import Any

THREADS = 8
module, port = sys.argv[1:3]
sys.argv = [module, *sys.argv[3:]]  # the services read them when they are imported
base: Any = importlib.import_module("gunicorn.app.base")


class Server(base.BaseApplication):  # type: ignore[misc]  # of the services' Python
    """One worker with threads."""

    def load_config(self) -> None:
        """As gunicorn asks."""
        for name, value in {
            "bind": f"127.0.0.1:{port}", "worker_class": "gthread", "threads": THREADS,
            "timeout": 300, "graceful_timeout": 1, "keepalive": 65,
            "control_socket_disable": True,
        }.items():  # fmt: skip
            self.cfg.set(name, value)

    def load(self) -> Any:
        """As gunicorn asks."""
        return importlib.import_module(module).application


Server().run()
