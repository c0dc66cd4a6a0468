"""pyone, the bindings of OpenNebula from PyPI, unmodified; installed once into the cache."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from . import peer_environment
from .peer_environment import PROJECT

__all__ = ["install", "run"]

CONSTRAINTS = PROJECT / "tests" / "interop" / "pyone-constraints.txt"
SECONDS = 60


def install() -> Path:
    """The Python that has it.

    Raises:
        PeerMissingError: it cannot be installed here.
    """
    return peer_environment.install("pyone", ("pyone",), {"--constraints": CONSTRAINTS}) / "python"


def run(python: Path, script: str, url: str, session: str) -> dict[str, Any]:
    """What a script with `one` and `facts` has put into `facts`."""
    whole = f"""
import json, sys
import pyone
one = pyone.OneServer(sys.argv[1], session=sys.argv[2])
facts = {{}}
{script}
print(json.dumps(facts))
"""
    done = subprocess.run(
        [str(python), "-I", "-c", whole, url, session],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told
