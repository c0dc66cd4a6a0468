"""OpenStack's own clients: `openstack`, `swift`, openstacksdk; installed once into the cache."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from . import peer_environment
from .peer_environment import PROJECT

__all__ = ["install", "run"]

CONSTRAINTS = PROJECT / "tests" / "interop" / "openstack-client-constraints.txt"
PACKAGES = (
    "openstacksdk",
    "python-cinderclient",
    "python-glanceclient",
    "python-novaclient",
    "python-openstackclient",
    "python-swiftclient",
)
SECONDS = 120


def install() -> Path:
    """The folder of their programs.

    Raises:
        PeerMissingError: they cannot be installed here.
    """
    return peer_environment.install("openstack-clients", PACKAGES, {"--constraints": CONSTRAINTS})


def run(
    program: Path | str,
    *words: str,
    environ: Mapping[str, str],
    folder: Path | None = None,
    said: bytes | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run one in an environment that holds nothing but what is given.

    Args:
        folder: where it runs, which is its home, too.
        said: its standard input.
    """
    home = str(folder) if folder else "/nonexistent"
    return subprocess.run(
        [str(program), *words],
        env={"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", **environ},
        cwd=folder, input=said, capture_output=True, timeout=SECONDS, check=False,
    )  # fmt: skip
