"""What a test needs from the machine, and what happens when it is not there."""

from __future__ import annotations

import os
import shutil

import pytest


class Require:
    """A missing program skips a test, and fails it under CI=true."""

    def program(self, name: str, *, package: str) -> str:
        """The program's path; else the test ends, naming the Debian package."""
        path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if path is None:
            self.missing(f"the program {name} is missing: apt-get install {package}")
        return str(path)

    def missing(self, reason: str) -> None:
        """Skip, or fail under CI=true."""
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
