"""What programs import from the ancestor's command line, and commands that others have written."""

from __future__ import annotations

from typing import Any

from pelagos.compat.kamaki.cli.registration import command

__all__ = ["command", "main", "run_one_cmd"]


def main(argv: list[str] | None = None) -> int:
    """Run one command of a program's own; its exit code."""
    from pelagos.compat.kamaki.cli.running import run  # noqa: PLC0415  # needs this module

    return run(argv)


def run_one_cmd(*_: Any) -> int:
    """The same under the name of the last versions."""
    return main()
