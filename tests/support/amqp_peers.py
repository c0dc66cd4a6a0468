"""AMQP libraries that we did not write: installed once into the cache, run apart from us.

`install` gives an interpreter that has them all; `run` lets it execute a program beside them.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import peer_environment
from .peer_environment import PROJECT, PeerMissingError

__all__ = ["PeerMissingError", "install", "run", "running"]

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


def install() -> Path:
    """The interpreter of an environment with all libraries; built by the first caller.

    Raises:
        PeerMissingError: they cannot be installed here.
    """
    return peer_environment.install("amqp", PACKAGES, {"--constraints": CONSTRAINTS}) / "python"


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
