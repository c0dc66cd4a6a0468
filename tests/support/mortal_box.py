"""A box in a process of its own that a test can kill: prints its URL and a token, then serves.

python -m support.mortal_box FOLDER [FAULTS]
"""

from __future__ import annotations

import sys
import threading

from pelagos.box import Box
from pelagos.box.chaos import Chaos

if __name__ == "__main__":
    faults = Chaos.parse(sys.argv[2]) if sys.argv[2:] else None
    with Box(sys.argv[1], chaos=faults) as box:
        person = box.person("demo")
        told = (box.url, person.project_id, person.user_id, person.token())
        sys.stdout.write(" ".join(told) + "\n")
        sys.stdout.flush()
        threading.Event().wait()
