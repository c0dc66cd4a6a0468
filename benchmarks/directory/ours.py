"""Our directory as a process: `python -m benchmarks.directory.ours FOLDER [URL of a hung source]`.

Prints its port when it serves.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from benchmarks.directory.contacts import FORMATS, TOKEN, USER, config
from pelagos.core.web import Server
from pelagos.directory import Directory


def main(folder: str, hung: str = "") -> None:
    sources = {}
    if hung:
        sources["hung"] = {
            "type": "csv_ws", "lookup_url": hung, "searched_columns": ["name"],
            "format_columns": dict(FORMATS),
        }  # fmt: skip
    infos = {"token": TOKEN, "xivo_user_uuid": USER, "acls": ["#"]}
    whole = config(Path(folder), **sources)
    with Directory(whole, verify=lambda token: infos if token == TOKEN else None) as directory:
        server = Server(directory.app)
        server.start()
        print(server.port, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
