"""Environments of programs that we did not write: installed once into the project's cache."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).parents[2]
CACHE = PROJECT / ".cache"
INSTALL_SECONDS = 900


class PeerMissingError(Exception):
    """The programs cannot be installed here; says why and what to do."""


def install(
    name: str, packages: Sequence[str], pins: Mapping[str, Path], cache: Path = CACHE
) -> Path:
    """The folder of programs of an environment with these packages; built by the first caller.

    Args:
        name: what the environment is called in the cache.
        pins: uv's options that fix versions, each with its file; another text is another
            environment.

    Raises:
        PeerMissingError: no uv, or no package index.
    """
    parts = (*(path.read_bytes() for path in pins.values()), sys.version.encode())
    folder = cache / f"{name}-{hashlib.sha256(b'|'.join(parts)).hexdigest()[:12]}"
    complete = folder / "complete"
    cache.mkdir(exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go of when the file is closed, also by a kill
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _build(folder, packages, pins)
            complete.touch()
    return folder / "bin"


def _build(folder: Path, packages: Sequence[str], pins: Mapping[str, Path]) -> None:
    uv = shutil.which(str(PROJECT / ".uv" / "bin" / "uv")) or shutil.which("uv")
    if uv is None:
        raise PeerMissingError("uv is missing: run 'make setup'")
    into = ["--quiet", "--python", str(folder / "bin" / "python")]
    options = [word for option, path in pins.items() for word in (option, str(path))]
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", *into, *options, *packages],
    ):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise PeerMissingError(f"{command[1]} took over {INSTALL_SECONDS} s") from error
        if done.returncode:
            raise PeerMissingError(
                f"{', '.join(packages)} cannot be installed; is a package index in reach?\n"
                f"{done.stderr[-2000:]}"
            )
