"""AMQP libraries that we did not write: installed once into the cache, run apart from us.

`install` gives an interpreter that has them all; `run` lets it execute a program beside them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
CONSTRAINTS = PROJECT / "tests" / "interop" / "amqp-constraints.txt"
PACKAGES = (
    "pika",
    "aio-pika",
    "kombu",
    "amqpstorm",
    "faststream[rabbit]",
    "dramatiq[rabbitmq]",
    "nameko",
    "setuptools",  # nameko's plug-ins are found with its pkg_resources
)
INSTALL_SECONDS = 300


class PeerMissingError(Exception):
    """The libraries cannot be installed here; says why and what to do."""


def install(cache: Path = PROJECT / ".cache") -> Path:
    """The interpreter of an environment with all libraries; built by the first caller.

    Raises:
        PeerMissingError: no uv, or no package index.
    """
    parts = CONSTRAINTS.read_bytes(), sys.version.encode()
    folder = cache / f"amqp-{hashlib.sha256(b'|'.join(parts)).hexdigest()[:12]}"
    complete = folder / "complete"
    cache.mkdir(exist_ok=True)
    with (cache / "amqp.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go of when the file is closed, also by a kill
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _build(folder)
            complete.touch()
    return folder / "bin" / "python"


def _build(folder: Path) -> None:
    uv = shutil.which(str(PROJECT / ".uv" / "bin" / "uv")) or shutil.which("uv")
    if uv is None:
        raise PeerMissingError("uv is missing: run 'make setup'")
    into = ["--quiet", "--python", str(folder / "bin" / "python")]
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", *into, "--constraints", str(CONSTRAINTS), *PACKAGES],
    ):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise PeerMissingError(f"{command[1]} took over {INSTALL_SECONDS} s") from error
        if done.returncode:
            raise PeerMissingError(
                f"the AMQP libraries cannot be installed; is PyPI in reach?\n{done.stderr[-2000:]}"
            )


@contextlib.contextmanager
def running(python: Path, code: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A program that runs beside the libraries; it is ended with the context."""
    process = subprocess.Popen(
        [str(python), "-c", code, *words],
        env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def run(python: Path, code: str, *words: str, timeout: float = 90) -> str:
    """What a program prints that runs beside the libraries.

    Raises:
        AssertionError: it failed, or took over `timeout` seconds; with what it printed.
    """
    try:
        done = subprocess.run(
            [str(python), "-c", code, *words],
            env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"it took over {timeout} s: {error.stdout!r}") from error
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
