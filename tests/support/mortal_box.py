"""A box in a process of its own that a test can kill: prints its URL and a token, then serves."""

from __future__ import annotations

import sys
import threading

from pelagos.box import Box

if __name__ == "__main__":
    with Box(sys.argv[1]) as box:
        person = box.person("demo")
        told = (box.url, person.project_id, person.user_id, person.token())
        sys.stdout.write(" ".join(told) + "\n")
        sys.stdout.flush()
        threading.Event().wait()
